"""The engine on real CalDAV servers, and through a proxy that misbehaves."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from threading import Event
from uuid import uuid4

import pytest

from connections import adapters
from connections.models import CalendarConnection
from connections.providers.apple import AppleAdapter
from connections.providers.outbound import OutboundGuard
from connections.providers.session import Limits
from syncing.engine import sync_connection
from syncing.models import SyncedEvent, SyncLog
from tests.connections.providers.caldav_servers import (
    PASSWORD,
    USERNAME,
    CalDavCalendar,
    Device,
    calendar_on,
)
from tests.connections.providers.far_end import (
    Answer,
    Proxy,
    Request,
    cut_off,
    edited,
    instead,
    refused,
    without,
)
from tests.factories import ConnectionFactory, ConsultantFactory

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC).replace(microsecond=0)
TOMORROW = NOW + timedelta(days=1)
HOUR = timedelta(hours=1)
EXPIRED = "<D:valid-sync-token/>"


@pytest.fixture(autouse=True)
def impatient(monkeypatch) -> None:
    """A hanging server is given up after a second, not after ten."""
    limits = Limits(connect=1, read=1, total=10)
    guard = OutboundGuard(["127.0.0.1"])
    monkeypatch.setitem(
        adapters.ADAPTERS, "apple", lambda known: AppleAdapter(known, guard=guard, limits=limits)
    )


@pytest.fixture(params=["radicale", "xandikos"])
def calendar(request, radicale: Device, xandikos: Device) -> CalDavCalendar:
    homes = {
        "radicale": (radicale, f"/{USERNAME}/"),
        "xandikos": (xandikos, "/consultant/calendars/"),
    }
    return calendar_on(*homes[request.param])


@pytest.fixture
def proxy(radicale: Device) -> Iterator[Proxy]:
    with Proxy(radicale.url) as proxy:
        yield proxy


@pytest.fixture
def faulty(radicale: Device, proxy: Proxy) -> CalDavCalendar:
    """A calendar on Radicale with three events, reached through the proxy."""
    calendar = calendar_on(radicale, f"/{USERNAME}/").through(proxy)
    for day in range(1, 4):
        calendar.add(f"day {day}", NOW + timedelta(days=day), NOW + timedelta(days=day) + HOUR)
    return calendar


def connect(calendar: CalDavCalendar) -> CalendarConnection:
    return ConnectionFactory(
        user=ConsultantFactory(settings__time_zone="America/New_York"),
        calendar_id=calendar.calendar_id,
        caldav_url=calendar.server_url,
        provider_email=USERNAME,
        app_specific_password=PASSWORD,
        synced_from=None,
        synced_until=None,
    )


def titles() -> list[str]:
    return list(SyncedEvent.objects.order_by("start_time").values_list("title", flat=True))


def sync(connection: CalendarConnection, *, full: bool = False) -> SyncLog:
    return sync_connection(connection.pk, now=datetime.now(UTC), full=full)


def test_events_come_change_and_go(calendar):
    connection = connect(calendar)
    dentist = calendar.add("Dentist", TOMORROW, TOMORROW + HOUR)
    calendar.add("Lunch", TOMORROW + 2 * HOUR, TOMORROW + 3 * HOUR)
    assert sync(connection).operation == "full_sync"
    assert titles() == ["Dentist", "Lunch"]
    calendar.change(dentist, "Doctor", TOMORROW + 5 * HOUR, TOMORROW + 6 * HOUR)
    log = sync(connection)
    assert (log.operation, log.events_processed, log.events_updated) == ("incremental_sync", 1, 1)
    assert titles() == ["Lunch", "Doctor"]
    calendar.remove(dentist)
    assert sync(connection).events_deleted == 1
    assert titles() == ["Lunch"]


def test_a_quiet_calendar_costs_nothing(calendar):
    connection = connect(calendar)
    calendar.add("Dentist", TOMORROW, TOMORROW + HOUR)
    sync(connection)
    log = sync(connection)
    assert (log.operation, log.events_processed, log.status) == (
        "incremental_sync",
        0,
        "completed",
    )


def test_a_series_is_stored_by_occurrence_and_goes_as_a_whole(calendar):
    connection = connect(calendar)
    series = calendar.add("Weekly", TOMORROW, TOMORROW + HOUR, "RRULE:FREQ=WEEKLY;COUNT=4")
    sync(connection)
    starts = SyncedEvent.objects.order_by("start_time").values_list("start_time", flat=True)
    assert list(starts) == [TOMORROW + timedelta(weeks=week) for week in range(4)]
    calendar.remove(series)
    sync(connection)
    assert titles() == []


def test_all_day_and_floating_times_are_the_consultants(calendar):
    connection = connect(calendar)
    day = (NOW + timedelta(days=30)).date()
    text = "\r\n".join(
        [
            *("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Phone//EN"),
            *("BEGIN:VEVENT", f"UID:{uuid4()}", "DTSTAMP:20260101T000000Z", "SUMMARY:all day"),
            *(f"DTSTART;VALUE=DATE:{day:%Y%m%d}", "END:VEVENT", "END:VCALENDAR", ""),
        ]
    )
    calendar.device.put(calendar.calendar_id, "day.ics", text)
    sync(connection)
    row = SyncedEvent.objects.get()
    midnight = datetime(day.year, day.month, day.day, tzinfo=connection.user.zone)
    assert (row.is_all_day, row.start_date, row.start_time) == (True, day, midnight)


def test_one_unreadable_object_blocks_its_span_and_stops_nothing(faulty, proxy):
    connection = connect(faulty)
    start = NOW + timedelta(days=5)
    faulty.add("odd", start, start + HOUR, "RRULE:FREQ=WEEKLY")
    odd = edited(lambda body: body.replace("FREQ=WEEKLY", "FREQ=SOMETIMES"))
    proxy.commit("REPORT", odd, about="calendar-multiget")
    log = sync(connection)
    assert log.status == "completed"
    assert len(log.metadata["problems"]) == 1
    assert titles() == ["day 1", "day 2", "day 3", "odd"]
    row = SyncedEvent.objects.get(title="odd")
    assert (row.start_time, row.transparency) == (start, "opaque")
    assert row.problem


@pytest.mark.parametrize("full", [False, True], ids=["changes", "a full round"])
def test_an_event_grown_too_large_to_read_keeps_its_time_and_stops_nothing(
    faulty, monkeypatch, full
):
    connection = connect(faulty)
    sync(connection)
    grows = SyncedEvent.objects.get(title="day 2").series_id
    text = faulty.device.get(grows).replace("SUMMARY:", f"COMMENT:{'x' * 9000}\r\nSUMMARY:")
    faulty.device.put(faulty.calendar_id, grows.rpartition("/")[2], text)
    for other in SyncedEvent.objects.exclude(series_id=grows):
        faulty.remove(other.series_id)
    guard, limits = OutboundGuard(["127.0.0.1"]), Limits(size=8000)
    monkeypatch.setitem(
        adapters.ADAPTERS, "apple", lambda known: AppleAdapter(known, guard=guard, limits=limits)
    )
    log = sync(connection, full=full)
    assert (log.status, titles()) == ("completed", ["day 2"])
    assert [problem["object"] for problem in log.metadata["problems"]] == [grows]


def test_an_expired_token_becomes_a_full_sync_that_applies_the_gaps_deletions(faulty, proxy):
    connection = connect(faulty)
    sync(connection)
    first = SyncedEvent.objects.get(title="day 1").series_id
    faulty.remove(first)
    faulty.add("day 9", NOW + timedelta(days=9), NOW + timedelta(days=9) + HOUR)
    proxy.commit("REPORT", refused(403, EXPIRED), about="sync-collection")
    log = sync(connection)
    assert (log.operation, log.status) == ("full_sync", "completed")
    assert titles() == ["day 2", "day 3", "day 9"]
    faulty.add("day 10", NOW + timedelta(days=10), NOW + timedelta(days=10) + HOUR)
    assert sync(connection).operation == "incremental_sync"


def hang(request: Request, forward: Answer) -> None:
    """Take the request and stay silent for longer than anybody waits."""
    Event().wait(2)


@pytest.mark.parametrize(
    ("fault", "about"),
    [
        (instead(500), ""),
        (instead(503, Retry_After="120"), ""),
        (instead(429, Retry_After="120"), ""),
        (instead(401), ""),
        (instead(403), ""),
        (instead(404), ""),
        (instead(507), ""),
        (instead(200, "<html>Please sign in</html>", Content_Type="text/html"), ""),
        (cut_off, ""),
        (cut_off, "calendar-multiget"),
        (hang, ""),
    ],
    ids=[
        "500",
        "503",
        "429",
        "401",
        "403",
        "404",
        "507",
        "a login page",
        "a cut-off listing",
        "cut-off objects",
        "a hanging socket",
    ],
)
def test_a_fault_costs_no_busy_time_and_is_over_when_it_is_over(faulty, proxy, fault, about):
    connection = connect(faulty)
    sync(connection)
    faulty.add("day 4", NOW + timedelta(days=4), NOW + timedelta(days=4) + HOUR)
    proxy.commit("REPORT", fault, times=100, about=about)
    proxy.commit("PROPFIND", fault, times=100, about=about)
    for full in (False, True):
        log = sync(connection, full=full)
        assert log.status == "failed"
        assert log.error_message
        assert PASSWORD not in log.error_message
        assert titles() == ["day 1", "day 2", "day 3"]
    proxy.heal()
    CalendarConnection.objects.update(reconnect_needed_at=None)
    assert sync(connection).status == "completed"
    assert titles() == ["day 1", "day 2", "day 3", "day 4"]


def test_a_short_multiget_is_no_complete_answer(faulty, proxy):
    connection = connect(faulty)
    sync(connection)
    path = faulty.add("day 4", NOW + timedelta(days=4), NOW + timedelta(days=4) + HOUR)
    name = path.rpartition("/")[2]
    proxy.commit("REPORT", without(name), times=100, about="calendar-multiget")
    assert sync(connection).status == "failed"
    assert sync(connection, full=True).status == "failed"
    assert titles() == ["day 1", "day 2", "day 3"]
    proxy.heal()
    sync(connection)
    assert titles() == ["day 1", "day 2", "day 3", "day 4"]


def test_a_listing_that_comes_back_empty_is_looked_at_twice(faulty, proxy):
    connection = connect(faulty)
    sync(connection)
    empty = (
        '<D:multistatus xmlns:D="DAV:"><D:sync-token>http://radicale.org/ns/sync/x'
        "</D:sync-token></D:multistatus>"
    )
    proxy.commit("REPORT", instead(207, empty, Content_Type="text/xml"), times=100)
    proxy.commit("PROPFIND", instead(207, empty, Content_Type="text/xml"), times=100)
    assert sync(connection, full=True).status == "failed"
    assert titles() == ["day 1", "day 2", "day 3"]
