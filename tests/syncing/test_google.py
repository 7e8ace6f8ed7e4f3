"""The engine at Google: rows follow the calendar, and no fault costs busy time."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from connections import adapters
from connections.models import CalendarConnection
from connections.providers.google import GoogleAdapter
from syncing.engine import sync_connection
from syncing.models import SyncedEvent, SyncLog
from tests.connections.providers.contract import DRAFT
from tests.connections.providers.far_end import cut_off, edited, instead, lost
from tests.connections.providers.google_far import GoogleCalendar, app_at, calendar_at
from tests.factories import ConnectionFactory, ConsultantFactory
from tests.fakes.google import FakeGoogle, refusing

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC).replace(microsecond=0)
TOMORROW = NOW + timedelta(days=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)
LIST = "/events?"
EXPIRED = refusing(410, "fullSyncRequired", location="syncToken")


@pytest.fixture(autouse=True)
def adapter(monkeypatch, settings, google: FakeGoogle) -> None:
    """Google connections talk to the fake one, and give a hanging server up after half a second."""
    app = app_at(google)
    settings.GOOGLE_CLIENT_ID, settings.GOOGLE_CLIENT_SECRET = app.client_id, app.client_secret
    settings.GOOGLE_OAUTH_URL = settings.GOOGLE_API_URL = google.url
    monkeypatch.setitem(
        adapters.ADAPTERS, "google", lambda known: GoogleAdapter(known, app=app, timeout=0.5)
    )


@pytest.fixture
def calendar(google: FakeGoogle) -> GoogleCalendar:
    return calendar_at(google, time_zone="America/New_York")


@pytest.fixture
def connection(calendar: GoogleCalendar) -> CalendarConnection:
    return ConnectionFactory(
        user=ConsultantFactory(settings__time_zone="Europe/Berlin"),
        provider="google",
        provider_email=calendar.account.email,
        calendar_id=calendar.calendar_id,
        access_token=calendar.account.sign_in(),
        refresh_token=calendar.account.stay_signed_in(),
        token_expires_at=NOW + timedelta(days=1),
        app_specific_password=None,
        caldav_url=None,
        synced_from=None,
        synced_until=None,
    )


@pytest.fixture
def filled(calendar: GoogleCalendar) -> GoogleCalendar:
    for day in range(1, 4):
        calendar.add(f"day {day}", NOW + day * DAY, NOW + day * DAY + HOUR)
    return calendar


def titles() -> list[str]:
    return list(SyncedEvent.objects.order_by("start_time", "title").values_list("title", flat=True))


def sync(connection: CalendarConnection, *, full: bool = False) -> SyncLog:
    return sync_connection(connection.pk, now=datetime.now(UTC), full=full)


def test_events_come_change_and_go(calendar, connection):
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


def test_quiet_calendar_costs_one_request(filled, connection):
    sync(connection)
    before = len(filled.google.requests)
    log = sync(connection)
    assert (log.operation, log.events_processed, log.status) == ("incremental_sync", 0, "completed")
    assert len(filled.google.requests) == before + 1


def test_whole_of_a_large_calendar_is_stored_whatever_the_pages(calendar, connection):
    calendar.google.cut_pages(seed=3)
    for number in range(3000):
        start = TOMORROW + number * HOUR
        calendar.add(f"{number}", start, start + HOUR)
    log = sync(connection)
    assert (log.events_created, log.status) == (3000, "completed")
    assert log.metadata["pages"] > 2


def test_series_is_stored_by_instance_and_follows_every_change(filled, connection):
    rule = ["RRULE:FREQ=DAILY;COUNT=4"]
    series = filled.add("Daily", TOMORROW, TOMORROW + HOUR, recurrence=rule)
    sync(connection)
    assert stored_starts(series) == four_days(filled, series)
    filled.change(series, "Daily", TOMORROW + 2 * HOUR, TOMORROW + 3 * HOUR)
    assert sync(connection).operation == "incremental_sync"
    assert stored_starts(series) == four_days(filled, series)
    filled.remove(series)
    sync(connection)
    assert titles() == ["day 1", "day 2", "day 3"]


def stored_starts(series: str) -> list[datetime]:
    rows = SyncedEvent.objects.filter(series_id=series).order_by("start_time")
    return list(rows.values_list("start_time", flat=True))


def four_days(calendar: GoogleCalendar, series: str) -> list[datetime]:
    """The same wall time on four days from the series' start."""
    start = calendar.calendar.get(series)["start"]
    first = datetime.fromisoformat(start["dateTime"]).replace(tzinfo=ZoneInfo(start["timeZone"]))
    return [first + day * DAY for day in range(4)]


def test_instances_of_an_endless_series_end_with_what_is_covered(calendar, connection):
    sync(connection)
    calendar.add("Daily", TOMORROW, TOMORROW + HOUR, recurrence=["RRULE:FREQ=DAILY"])
    sync(connection)
    connection.refresh_from_db()
    last = SyncedEvent.objects.order_by("-start_time").first()
    assert connection.synced_until - DAY <= last.start_time < connection.synced_until


def test_all_day_events_are_the_calendars_days(calendar, connection):
    day = (NOW + 30 * DAY).date()
    calendar.add("Fair", day, day + DAY)
    sync(connection)
    row = SyncedEvent.objects.get()
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo("America/New_York"))
    assert (row.is_all_day, row.start_date, row.start_time) == (True, day, midnight)
    assert row.end_date == date.fromordinal(day.toordinal() + 1)


def test_event_that_moves_out_of_what_is_covered_frees_its_time_and_back_takes_it(
    calendar, connection
):
    dentist = calendar.add("Dentist", TOMORROW, TOMORROW + HOUR)
    sync(connection)
    calendar.change(dentist, "Dentist", NOW + 900 * DAY, NOW + 901 * DAY)
    sync(connection)
    assert titles() == []
    calendar.change(dentist, "Dentist", TOMORROW, TOMORROW + HOUR)
    sync(connection)
    assert titles() == ["Dentist"]


def test_our_own_event_comes_back_as_ours(calendar, connection):
    sync(connection)
    draft = replace(DRAFT, start=TOMORROW, end=TOMORROW + HOUR)
    calendar.adapter().create_event(calendar.calendar_id, draft)
    sync(connection)
    row = SyncedEvent.objects.get()
    assert (row.is_ohboy_booking, row.booking_id) == (True, DRAFT.booking_id)


def test_neighbouring_calendar_of_the_account_is_left_alone(filled, connection):
    sync(connection)
    other = calendar_at(filled.google)
    neighbour = ConnectionFactory(
        user=connection.user,
        provider="google",
        provider_email=connection.provider_email,
        calendar_id=other.calendar_id,
        access_token=other.account.sign_in(),
        token_expires_at=NOW + timedelta(days=1),
        synced_from=None,
        synced_until=None,
    )
    sync(neighbour, full=True)
    assert titles() == ["day 1", "day 2", "day 3"]


# --- faults ----------------------------------------------------------------------------------


def test_expired_token_becomes_a_full_sync_that_applies_the_gaps_deletions(filled, connection):
    sync(connection)
    filled.remove(SyncedEvent.objects.get(title="day 1").provider_event_id)
    filled.add("day 9", NOW + 9 * DAY, NOW + 9 * DAY + HOUR)
    filled.google.expire_sync_tokens()
    log = sync(connection)
    assert (log.operation, log.status) == ("full_sync", "completed")
    assert titles() == ["day 2", "day 3", "day 9"]
    assert sync(connection).operation == "incremental_sync"


def test_expired_token_costs_no_busy_time_while_the_full_sync_fails(filled, connection):
    sync(connection)
    filled.google.commit(EXPIRED)
    filled.google.commit(instead(503), times=9)
    assert sync(connection).status == "failed"
    assert titles() == ["day 1", "day 2", "day 3"]


def test_token_that_expires_on_the_second_page_costs_no_busy_time(filled, connection):
    sync(connection)
    for day in range(4, 9):
        filled.add(f"day {day}", NOW + day * DAY, NOW + day * DAY + HOUR)
    filled.google.cut_pages_into(2)
    filled.google.commit(EXPIRED, about="pageToken")
    log = sync(connection)
    assert (log.operation, log.status) == ("full_sync", "completed")
    assert titles() == [f"day {day}" for day in range(1, 9)]


def test_run_that_breaks_off_between_two_pages_changes_nothing(filled, connection):
    sync(connection)
    connection.refresh_from_db()
    token = connection.sync_token
    for day in range(4, 9):
        filled.add(f"day {day}", NOW + day * DAY, NOW + day * DAY + HOUR)
    filled.google.cut_pages_into(2)
    filled.google.commit(instead(500), about="pageToken")
    assert sync(connection).status == "failed"
    connection.refresh_from_db()
    assert (titles(), connection.sync_token) == (["day 1", "day 2", "day 3"], token)
    assert sync(connection).operation == "incremental_sync"
    assert titles() == [f"day {day}" for day in range(1, 9)]


@pytest.mark.parametrize(
    "fault",
    [
        instead(500),
        instead(503, Retry_After="120"),
        refusing(429, "rateLimitExceeded"),
        refusing(403, "quotaExceeded"),
        refusing(403, "insufficientPermissions"),
        refusing(403, "accessNotConfigured"),
        refusing(401, "authError"),
        refusing(403, "forbidden"),
        refusing(404, "notFound"),
        refusing(400, "badRequest"),
        instead(200, "<html>Please sign in</html>"),
        instead(200, "{}"),
        instead(200, '{"items": []}'),
        lost,
        cut_off,
        None,
    ],
    ids=[
        "500",
        "503",
        "429",
        "quota used up",
        "a missing permission",
        "the API switched off",
        "401",
        "403",
        "404",
        "400",
        "a login page",
        "an empty answer",
        "an empty list without a token",
        "a lost answer",
        "a cut-off answer",
        "silence",
    ],
)
def test_fault_costs_no_busy_time_and_is_over_when_it_is_over(filled, connection, fault):
    sync(connection)
    filled.add("day 4", NOW + 4 * DAY, NOW + 4 * DAY + HOUR)
    filled.google.commit(fault or filled.google.silence, about=LIST, times=100)
    for full in (False, True):
        log = sync(connection, full=full)
        assert log.status == "failed"
        assert log.error_message
        assert [one for one in ("ya29", "http", "syncToken") if one in log.error_message] == []
        assert titles() == ["day 1", "day 2", "day 3"]
    filled.google.heal()
    CalendarConnection.objects.update(reconnect_needed_at=None)
    assert sync(connection).status == "completed"
    assert titles() == ["day 1", "day 2", "day 3", "day 4"]


def test_used_up_quota_is_left_alone_for_a_while(filled, connection):
    sync(connection)
    filled.google.commit(refusing(403, "quotaExceeded"), times=100)
    sync(connection)
    connection.refresh_from_db()
    assert connection.next_sync_at >= NOW + timedelta(minutes=29)
    assert connection.reconnect_needed_at is None


def test_list_that_comes_back_empty_is_looked_at_twice(filled, connection):
    sync(connection)
    head = '"kind": "calendar#events", "nextSyncToken": "x", "timeZone": "America/New_York"'
    empty = f'{{{head}, "items": []}}'
    filled.google.commit(instead(200, empty), about=LIST, times=100)
    assert sync(connection, full=True).status == "failed"
    assert titles() == ["day 1", "day 2", "day 3"]


def test_one_event_that_cannot_be_read_stops_nothing_and_is_named(filled, connection):
    odd = filled.add("odd", NOW + 5 * DAY, NOW + 5 * DAY + HOUR)
    start = filled.calendar.get(odd)["start"]["dateTime"]
    filled.google.commit(edited(lambda body: body.replace(start, "soon")), about=LIST)
    log = sync(connection)
    assert log.status == "completed"
    assert log.metadata["problems"] == [{"object": odd, "detail": "its start cannot be read"}]
    assert titles() == ["day 1", "day 2", "day 3"]
