"""The whole adapter contract, on two real CalDAV servers."""

import pytest

from tests.connections.providers.caldav_servers import (
    USERNAME,
    CalDavCalendar,
    Device,
    calendar_on,
)
from tests.connections.providers.contract import AdapterContract


class TestRadicale(AdapterContract):
    @pytest.fixture
    def far(self, radicale: Device) -> CalDavCalendar:
        return calendar_on(radicale, f"/{USERNAME}/")


class TestXandikos(AdapterContract):
    @pytest.fixture
    def far(self, xandikos: Device) -> CalDavCalendar:
        return calendar_on(xandikos, "/consultant/calendars/")
