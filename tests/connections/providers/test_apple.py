"""The whole adapter contract, on two real CalDAV servers and on a likeness of iCloud."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.connections.providers.authority import Authority
from tests.connections.providers.caldav_servers import USERNAME, CalDavCalendar, Device, calendar_on
from tests.connections.providers.contract import DRAFT, HOUR, TEN, AdapterContract
from tests.connections.providers.fake_icloud import (
    FRONT,
    PARTITION,
    FakeICloud,
    ICloudCalendar,
    icloud_calendar,
)


class TestRadicale(AdapterContract):
    @pytest.fixture
    def far(self, radicale: Device) -> CalDavCalendar:
        return calendar_on(radicale, f"/{USERNAME}/")


class TestXandikos(AdapterContract):
    @pytest.fixture
    def far(self, xandikos: Device) -> CalDavCalendar:
        return calendar_on(xandikos, "/consultant/calendars/")


class TestICloud(AdapterContract):
    @pytest.fixture
    def far(
        self, radicale: Device, authority: Authority, tmp_path: Path
    ) -> Iterator[ICloudCalendar]:
        tls = authority.context_for(FRONT, PARTITION, folder=tmp_path)
        with FakeICloud(radicale.url, tls=tls) as icloud:
            yield icloud_calendar(radicale, icloud)

    def test_collection_that_lists_itself_is_no_event(self, far: ICloudCalendar):
        series = far.add("Inside", TEN, TEN + HOUR)

        assert [page.replaced for page in far.full_round()] == [{series}, frozenset()]

    def test_version_of_everything_is_never_named(self, far: ICloudCalendar):
        """iCloud reads ``If-Match: *`` the wrong way round."""
        written = far.adapter().create_event(far.calendar_id, DRAFT)
        later = replace(DRAFT, title="Later", sequence=1)
        far.adapter().update_event(far.calendar_id, written.provider_event_id, later)
        far.adapter().delete_event(far.calendar_id, written.provider_event_id)

        conditions = [request.headers.get("If-Match") for request in far.icloud.requests]
        assert len([one for one in conditions if one]) == 2
        assert "*" not in conditions
