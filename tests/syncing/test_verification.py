"""Our busy time and the provider's own word on it, at every provider."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django_q.models import OrmQ

from connections import adapters
from connections.fields import Secret
from connections.models import CalendarConnection
from connections.providers.apple import AppleAdapter
from connections.providers.google import SCOPES, GoogleAdapter
from connections.providers.microsoft import MicrosoftAdapter
from connections.providers.outbound import OutboundGuard
from syncing.engine import sync_connection
from syncing.models import SyncedEvent, SyncLog
from syncing.tasks import verify_calendar, verify_calendars
from syncing.verification import verify
from tests.connections.providers.caldav_servers import (
    PASSWORD,
    USERNAME,
    calendar_on,
    event_text,
)
from tests.connections.providers.contract import Far
from tests.connections.providers.far_end import Proxy, instead
from tests.connections.providers.google_far import app_at as google_app_at
from tests.connections.providers.google_far import calendar_at as google_calendar_at
from tests.connections.providers.microsoft_far import app_at as microsoft_app_at
from tests.connections.providers.microsoft_far import calendar_at as microsoft_calendar_at
from tests.factories import ConnectionFactory, ConsultantFactory, SyncedEventFactory

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC).replace(microsecond=0)
TOMORROW = NOW + timedelta(days=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NEW = {"synced_from": None, "synced_until": None}


@pytest.fixture
def apple(radicale, monkeypatch) -> Far:
    guard = OutboundGuard(["127.0.0.1"])
    monkeypatch.setitem(adapters.ADAPTERS, "apple", lambda known: AppleAdapter(known, guard=guard))
    return calendar_on(radicale, f"/{USERNAME}/")


@pytest.fixture
def google_calendar(google, monkeypatch) -> Far:
    app = google_app_at(google)
    monkeypatch.setitem(
        adapters.ADAPTERS, "google", lambda known: GoogleAdapter(known, app=app, timeout=5)
    )
    return google_calendar_at(google, time_zone="America/New_York")


@pytest.fixture
def microsoft_calendar(microsoft, monkeypatch) -> Far:
    app = microsoft_app_at(microsoft)
    monkeypatch.setitem(
        adapters.ADAPTERS, "microsoft", lambda known: MicrosoftAdapter(known, app=app, timeout=5)
    )
    return microsoft_calendar_at(microsoft)


def connect_apple(far: Far, **fields) -> CalendarConnection:
    return ConnectionFactory(
        user=ConsultantFactory(settings__time_zone="America/New_York"),
        calendar_id=far.calendar_id,
        caldav_url=far.server_url,
        provider_email=USERNAME,
        app_specific_password=PASSWORD,
        **NEW | fields,
    )


def connect_by_token(far: Far, provider: str) -> CalendarConnection:
    return ConnectionFactory(
        user=ConsultantFactory(settings__time_zone="America/New_York"),
        provider=provider,
        provider_email=far.account.email,
        calendar_id=far.calendar_id,
        access_token=far.account.sign_in(),
        token_expires_at=NOW + DAY,
        app_specific_password=None,
        caldav_url=None,
        **NEW,
    )


@pytest.fixture(params=["apple", "google", "microsoft"])
def connected(request) -> tuple[Far, CalendarConnection]:
    """A calendar at each of the providers, and the connection to it."""
    if request.param == "apple":
        far = request.getfixturevalue("apple")
        return far, connect_apple(far)
    far = request.getfixturevalue(f"{request.param}_calendar")
    return far, connect_by_token(far, request.param)


def minutes(log: SyncLog) -> tuple[int, int]:
    return log.metadata["missing_minutes"], log.metadata["surplus_minutes"]


def kept(connection: CalendarConnection) -> tuple:
    """When the calendar was verified last, and the minutes missing and too many."""
    row = CalendarConnection.objects.get(pk=connection.pk)
    return row.verified_at, row.drift_missing_minutes, row.drift_surplus_minutes


def is_full_sync_due(connection: CalendarConnection) -> bool:
    connection.refresh_from_db()
    return connection.full_sync_requested


def test_what_was_just_read_does_not_drift(connected):
    far, connection = connected
    far.add("Dentist", TOMORROW, TOMORROW + HOUR)
    far.add("Under way", NOW - HOUR, NOW + HOUR)
    far.add("Beyond the coming weeks", NOW + 80 * DAY, NOW + 80 * DAY + HOUR)
    log = verify(connection, now=NOW)
    assert (log.operation, log.status, minutes(log)) == ("verify", "completed", (0, 0))
    assert kept(connection) == (NOW, 0, 0)
    assert not is_full_sync_due(connection)
    assert SyncedEvent.objects.count() == 3


def test_row_that_is_lost_is_found_and_comes_back(connected):
    far, connection = connected
    far.add("Dentist", TOMORROW, TOMORROW + HOUR)
    far.add("Lunch", TOMORROW + 2 * HOUR, TOMORROW + 3 * HOUR)
    verify(connection, now=NOW)
    SyncedEvent.objects.get(title="Dentist").delete()
    log = verify(connection, now=NOW)
    assert (log.status, minutes(log)) == ("completed", (60, 0))
    assert kept(connection) == (NOW, 60, 0)
    assert log.metadata["missing"] == [
        [TOMORROW.isoformat(), (TOMORROW + HOUR).isoformat()],
    ]
    assert is_full_sync_due(connection)
    later = NOW + timedelta(seconds=1)
    assert sync_connection(connection.pk, now=later).operation == "full_sync"
    assert minutes(verify(connection, now=later)) == (0, 0)
    assert not is_full_sync_due(connection)


def test_row_that_stands_for_nothing_is_found_and_goes(connected):
    far, connection = connected
    far.add("Dentist", TOMORROW, TOMORROW + HOUR)
    verify(connection, now=NOW)
    SyncedEventFactory(
        connection=connection, start_time=TOMORROW, end_time=TOMORROW + timedelta(minutes=90)
    )
    assert minutes(verify(connection, now=NOW)) == (0, 30)
    assert kept(connection) == (NOW, 0, 30)
    later = NOW + timedelta(seconds=1)
    sync_connection(connection.pk, now=later)
    assert minutes(verify(connection, now=later)) == (0, 0)


@pytest.mark.parametrize("tentative_blocks", [True, False])
def test_what_blocks_or_not_by_choice_is_no_drift(apple, tentative_blocks):
    connection = connect_apple(apple, tentative_blocks=tentative_blocks)
    apple.add("Maybe", TOMORROW, TOMORROW + HOUR, "STATUS:TENTATIVE")
    apple.add("Free", TOMORROW + 2 * HOUR, TOMORROW + 3 * HOUR, "TRANSP:TRANSPARENT")
    apple.add("Off", TOMORROW + 4 * HOUR, TOMORROW + 5 * HOUR, "STATUS:CANCELLED")
    apple.add("No time", TOMORROW + 6 * HOUR, TOMORROW + 6 * HOUR)
    assert minutes(verify(connection, now=NOW)) == (0, 0)


def add_day(far: Far, day: date) -> None:
    """An all-day event."""
    text = (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Phone//EN\r\nBEGIN:VEVENT\r\nUID:day\r\n"
        f"DTSTAMP:20260101T000000Z\r\nDTSTART;VALUE=DATE:{day:%Y%m%d}\r\n"
        "END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    far.device.put(far.calendar_id, "day.ics", text)


def test_date_that_the_server_reads_in_utc_is_no_drift(apple):
    connection = connect_apple(apple)
    add_day(apple, (NOW + 10 * DAY).date())
    assert minutes(verify(connection, now=NOW)) == (0, 0)
    SyncedEvent.objects.all().delete()
    assert minutes(verify(connection, now=NOW)) == (24 * 60, 0)


@pytest.mark.parametrize("zone", ["", ";TZID=W. Europe Standard Time", ";TZID=Nowhere/Never"])
def test_wall_time_that_the_server_reads_in_its_own_way_is_no_drift(apple, zone):
    connection = connect_apple(apple)
    start = f"DTSTART{zone}:{NOW + 10 * DAY:%Y%m%dT%H%M%S}"
    text = event_text("Floats", NOW, NOW + HOUR)
    text = re.sub(r"DTSTART.*", f"{start}\r", re.sub(r"DTEND.*", "DURATION:PT1H\r", text))
    apple.device.put(apple.calendar_id, "floats.ics", text)
    assert minutes(verify(connection, now=NOW)) == (0, 0)
    assert SyncedEvent.objects.exclude(floats_in="").update(raw_data=None) == 1
    assert minutes(verify(connection, now=NOW)) == (0, 0)
    SyncedEvent.objects.all().delete()
    assert minutes(verify(connection, now=NOW)) == (60, 0)


def test_date_that_the_server_knows_nothing_of_is_drift(apple):
    connection = connect_apple(apple)
    verify(connection, now=NOW)
    day = datetime(*(NOW + 10 * DAY).timetuple()[:3], tzinfo=connection.zone)
    SyncedEventFactory(
        connection=connection,
        start_time=day,
        end_time=day + DAY,
        is_all_day=True,
        start_date=day.date(),
        end_date=day.date() + DAY,
    )
    missing, surplus = minutes(verify(connection, now=NOW))
    assert (missing, surplus) in [(0, 19 * 60), (0, 20 * 60)]  # Eastern time and UTC agree on them


def test_all_day_event_at_google_is_the_calendars_own_day(google_calendar):
    connection = connect_by_token(google_calendar, "google")
    CalendarConnection.objects.update(time_zone="America/New_York")
    day = (NOW + 10 * DAY).date()
    google_calendar.add("Off", day, day + DAY)
    log = verify(connection, now=NOW)
    assert (minutes(log), SyncedEvent.objects.count()) == ((0, 0), 1)


def test_event_that_could_not_be_read_may_be_busy_or_not(apple):
    connection = connect_apple(apple)
    verify(connection, now=NOW)
    SyncedEventFactory(
        connection=connection,
        start_time=TOMORROW,
        end_time=TOMORROW + HOUR,
        problem="its rule cannot be read",
    )
    assert minutes(verify(connection, now=NOW)) == (0, 0)


@pytest.fixture
def behind_proxy(radicale, apple) -> Iterator[tuple[Proxy, CalendarConnection]]:
    with Proxy(radicale.url) as proxy:
        yield proxy, connect_apple(apple.through(proxy))


def test_server_without_free_busy_is_not_compared_and_says_so(behind_proxy):
    proxy, connection = behind_proxy
    proxy.commit("REPORT", instead(400), about="free-busy-query")
    log = verify(connection, now=NOW)
    assert (log.status, log.metadata) == ("completed", None)
    assert log.error_message == "127.0.0.1 does not tell busy times."
    assert kept(connection) == (NOW, None, None)
    assert not is_full_sync_due(connection)


def test_account_that_did_not_allow_the_question_is_not_compared_and_stays(google_calendar):
    connection = connect_by_token(google_calendar, "google")
    allowed = frozenset(one for one in SCOPES if not one.endswith("freebusy"))
    token = google_calendar.account.sign_in(allowed)
    CalendarConnection.objects.update(access_token=Secret.of(token))
    log = verify(connection, now=NOW)
    assert (log.status, log.metadata) == ("completed", None)
    assert log.error_message.startswith("The permission to ask Google for busy times is missing.")
    assert kept(connection) == (NOW, None, None)
    connection.refresh_from_db()
    assert (connection.sync_status, connection.access_refused_at) == ("synced", None)
    assert connection.reconnect_needed_at is None


@pytest.mark.parametrize("about", ["free-busy-query", "sync-collection"])
def test_fault_is_no_drift(behind_proxy, about):
    proxy, connection = behind_proxy
    before = NOW - DAY
    CalendarConnection.objects.update(verified_at=before, drift_missing_minutes=5)
    proxy.commit("REPORT", instead(500), about=about)
    log = verify(connection, now=NOW)
    assert (log.status, log.metadata) == ("failed", None)
    assert log.error_message == "127.0.0.1 answered with error 500."
    assert kept(connection) == (before, 5, None)
    assert not is_full_sync_due(connection)


def test_calendar_that_is_being_read_is_not_compared(apple):
    connection = connect_apple(apple, lease_expires_at=NOW + HOUR)
    log = verify(connection, now=NOW)
    assert (log.status, log.error_message) == (
        "failed",
        "Another sync of this calendar is under way.",
    )


# --- the command and the nightly run -------------------------------------------------------------


def command(*args) -> str:
    out = StringIO()
    call_command("verify_calendars", *args, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_command_names_each_calendar_and_its_minutes(apple):
    connection = connect_apple(apple, calendar_name="Work")
    apple.add("Dentist", TOMORROW, TOMORROW + HOUR)
    line = "Work: no drift\n"
    assert command() == f"{connection.user.email}  {line}"


def test_command_fails_where_a_calendar_drifts(apple):
    connection = connect_apple(apple, calendar_name="Work")
    apple.add("Dentist", TOMORROW, TOMORROW + HOUR)
    verify(connection, now=NOW)
    SyncedEvent.objects.all().delete()
    out = StringIO()
    with pytest.raises(CommandError, match="1 of 1 calendars drift or could not be verified"):
        call_command("verify_calendars", stdout=out, stderr=StringIO())
    assert out.getvalue() == (
        f"{connection.user.email}  Work: 60 minutes missing, 0 minutes too many; "
        "a full sync is due\n"
    )


def test_command_does_not_fail_where_there_is_nothing_to_compare_with(behind_proxy):
    proxy, connection = behind_proxy
    proxy.commit("REPORT", instead(400), about="free-busy-query")
    assert command("--connection", str(connection.pk)).endswith(
        ": 127.0.0.1 does not tell busy times.\n"
    )


def test_command_fails_where_a_calendar_cannot_be_asked(behind_proxy):
    proxy, _ = behind_proxy
    proxy.commit("REPORT", instead(500), about="free-busy-query")
    with pytest.raises(CommandError, match="1 of 1"):
        command()


def test_every_calendar_that_can_be_asked_has_its_turn_at_night():
    connection = ConnectionFactory()
    ConnectionFactory(is_active=False)
    ConnectionFactory(reconnect_needed_at=NOW)
    verify_calendars()
    assert [(queued.task["func"], queued.task["args"]) for queued in OrmQ.objects.all()] == [
        ("syncing.tasks.verify_calendar", (str(connection.pk),))
    ]


def test_turn_of_a_calendar_leaves_its_log(apple):
    connection = connect_apple(apple)
    verify_calendar(str(connection.pk))
    log = SyncLog.objects.get(connection=connection, operation="verify")
    assert (log.status, minutes(log)) == ("completed", (0, 0))


def test_calendar_that_was_disconnected_meanwhile_has_no_turn():
    verify_calendar(str(uuid4()))
    assert SyncLog.objects.count() == 0
