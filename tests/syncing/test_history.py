"""Whatever a consultant does: the rows after incremental syncs are those of one fresh full sync.

And they are busy when the provider itself says that the calendar is busy (S13).
"""

import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from random import Random

import pytest

from connections.models import CalendarConnection
from syncing.cadence import SECOND_LOOK_AFTER
from syncing.engine import sync_connection
from syncing.verification import verify
from tests.connections.providers import caldav_history, test_google_history, test_microsoft_changes
from tests.connections.providers.caldav_servers import Device
from tests.connections.providers.contract import BERLIN, WINDOW
from tests.factories import ConsultantFactory
from tests.syncing.at_providers import PROVIDERS, Provided, provided

pytestmark = pytest.mark.django_db

HISTORIES = int(os.environ.get("HISTORIES", "4"))  # at each provider
PAST = timedelta(days=7)
NOW = WINDOW.start + PAST
COLUMNS = (
    *("provider_event_id", "series_id", "title", "start_time", "end_time", "start_date"),
    *("end_date", "status", "transparency", "booking_id", "problem", "floats_in"),
)


@pytest.fixture(params=PROVIDERS)
def calendar(request, settings, monkeypatch, radicale: Device) -> Iterator[Provided]:
    settings.SYNC_FUTURE_DAYS = (WINDOW.end - NOW).days
    with provided(request.param, settings, monkeypatch, radicale) as calendar:
        yield calendar


def google_owner(calendar: Provided, random: Random) -> Callable[[], None]:
    calendar.server.cut_pages(random.randint(0, 99))
    return test_google_history.Owner(calendar.far, random).does_something


def microsoft_owner(calendar: Provided, random: Random) -> Callable[[], None]:
    calendar.server.cut_pages(random.randint(0, 99))
    return partial(test_microsoft_changes.edit, calendar.far, random)


def apple_owner(calendar: Provided, random: Random) -> Callable[[], None]:
    return caldav_history.Owner(calendar.far, random).does_something


OWNERS = {"google": google_owner, "microsoft": microsoft_owner, "apple": apple_owner}


def rows(connection: CalendarConnection) -> list[tuple]:
    return sorted(connection.events.values_list(*COLUMNS), key=str)


def follow(connection: CalendarConnection) -> str:
    """Sync, and look a second time where little is left of the calendar."""
    log = sync_connection(connection.pk, now=NOW)
    emptied = CalendarConnection.objects.filter(pk=connection.pk, emptied_at=NOW)
    if emptied.update(emptied_at=NOW - SECOND_LOOK_AFTER):
        log = sync_connection(connection.pk, now=NOW)
    assert log.status == "completed", log.error_message
    return log.operation


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_any_history_followed_by_incremental_syncs_equals_one_fresh_full_sync(calendar, seed):
    random = Random(seed)
    does_something = OWNERS[calendar.provider](calendar, random)
    followed = calendar.connect(ConsultantFactory(), time_zone=BERLIN.key)
    sync_connection(followed.pk, now=NOW)
    operations = []
    for _ in range(6):
        for _ in range(random.randint(0, 5)):
            does_something()
        operations.append(follow(followed))
    fresh = calendar.connect(ConsultantFactory(), time_zone=BERLIN.key)
    sync_connection(fresh.pk, now=NOW)
    assert rows(followed) == rows(fresh)
    assert "incremental_sync" in operations
    told = verify(followed, now=NOW).metadata
    assert (told["missing"], told["surplus"]) == ([], [])
