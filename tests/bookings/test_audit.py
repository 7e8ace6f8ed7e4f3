"""What must never be so is found, and nothing else is."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import connection as database

from bookings.audit import EXPLANATIONS, findings
from bookings.audit import audit as run_audit
from bookings.models import Booking, EventDoubt
from bookings.states import BookingStatus, EventState
from connections.models import CalendarConnection
from tests.factories import BookingFactory, ConnectionFactory, ConsultantFactory, SyncedEventFactory

pytestmark = pytest.mark.django_db

TOMORROW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
HOUR = timedelta(hours=1)
LONG_AGO = datetime.now(UTC) - HOUR


@pytest.fixture
def calendar() -> CalendarConnection:
    return ConnectionFactory(next_sync_at=TOMORROW)


@pytest.fixture
def booking(calendar) -> Booking:
    """Confirmed, for tomorrow, and in the calendar."""
    return BookingFactory(
        user=calendar.user,
        start_time=TOMORROW,
        event_state=EventState.WRITTEN,
        event_connection=calendar,
    )


def audit() -> list[tuple]:
    with database.cursor() as cursor:
        cursor.execute("SELECT invariant, subject FROM audit_invariants()")
        return cursor.fetchall()


def age(model, **fields) -> None:
    """Change rows as if it had been an hour ago."""
    table = model._meta.db_table
    with database.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER touch_updated_at")
        model.objects.update(updated_at=LONG_AGO, **fields)
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER touch_updated_at")


def test_a_booking_and_its_own_event_are_as_they_should_be(booking, calendar):
    SyncedEventFactory(
        connection=calendar,
        start_time=TOMORROW,
        is_ohboy_booking=True,
        booking_id=booking.pk,
    )
    assert audit() == []


def test_a_booking_on_busy_time(booking, calendar):
    SyncedEventFactory(connection=calendar, start_time=TOMORROW - HOUR / 2)
    assert audit() == [("booking_on_busy_time", booking.pk)]


def test_an_event_next_to_a_booking_is_not_on_it(booking, calendar):
    SyncedEventFactory(connection=calendar, start_time=TOMORROW - HOUR)
    SyncedEventFactory(connection=calendar, start_time=booking.end_time)
    assert audit() == []


def test_a_booking_whose_event_is_long_overdue(booking):
    age(Booking, event_state=EventState.DUE)
    assert audit() == [("booking_without_event", booking.pk)]


def test_a_booking_whose_event_was_given_up(booking):
    Booking.objects.update(event_state=EventState.FAILED)
    assert audit() == [("booking_without_event", booking.pk)]


def test_a_booking_whose_event_fails_again_and_again(booking):
    Booking.objects.update(event_state=EventState.DUE, event_attempts=3)
    assert audit() == [("booking_without_event", booking.pk)]


def test_an_event_that_is_due_since_a_moment_is_in_time(booking):
    Booking.objects.update(event_state=EventState.DUE)
    assert audit() == []


def test_an_event_of_ours_that_no_booking_knows(calendar, booking):
    event = SyncedEventFactory(
        connection=calendar,
        start_time=TOMORROW + 3 * HOUR,
        is_ohboy_booking=True,
        booking_id=calendar.pk,
    )
    assert audit() == [("event_without_booking", event.pk)]


def test_an_event_that_outlives_its_cancelled_booking(calendar, booking):
    event = SyncedEventFactory(
        connection=calendar, start_time=TOMORROW, is_ohboy_booking=True, booking_id=booking.pk
    )
    age(Booking, status=BookingStatus.CANCELLED, cancelled_at=LONG_AGO)
    assert audit() == [("event_without_booking", event.pk)]


def test_a_calendar_that_nobody_reads(calendar):
    CalendarConnection.objects.update(next_sync_at=LONG_AGO)
    assert audit() == [("sync_is_stuck", calendar.pk)]


def test_a_mail_that_nobody_sends(booking):
    booking.mails.filter(kind="confirmation").update(due_at=LONG_AGO)
    assert audit() == [("mail_is_stuck", booking.pk)]


def test_bookings_that_came_too_close_past_the_constraints(booking):
    with database.cursor() as cursor:
        cursor.execute("ALTER TABLE bookings DROP CONSTRAINT bookings_keep_buffer_before")
    close = BookingFactory(
        user=booking.user,
        start_time=booking.end_time + timedelta(minutes=10),
        buffer_before=15,
        event_state=EventState.WRITTEN,
    )
    assert audit() == [("bookings_overlap", close.pk)]


def test_a_hold_that_outlives_its_time(booking):
    Booking.objects.update(status=BookingStatus.PENDING, hold_expires_at=LONG_AGO)
    assert audit() == [("hold_outlives_its_time", booking.pk)]


@pytest.mark.parametrize(
    ("watch", "is_dead"),
    [
        ({"webhook_expiration": LONG_AGO}, True),
        ({"webhook_expiration": None, "next_watch_at": LONG_AGO}, True),
        ({"webhook_expiration": None, "watch_error": "refused"}, True),
        ({"webhook_expiration": None}, False),
        ({"webhook_expiration": TOMORROW}, False),
        ({"webhook_expiration": LONG_AGO, "next_watch_at": None}, False),
        ({"webhook_expiration": LONG_AGO, "is_active": False}, False),
        ({"webhook_expiration": LONG_AGO, "reconnect_needed_at": LONG_AGO}, False),
        ({"webhook_expiration": LONG_AGO, "created_at": datetime.now(UTC)}, False),
    ],
    ids=[
        "ended",
        "never begun",
        "refused",
        "about to begin",
        "alive",
        "unwanted",
        "of a calendar switched off",
        "of an account to reconnect",
        "of a new calendar",
    ],
)
def test_a_calendar_that_could_be_watched_and_is_not(calendar, watch, is_dead):
    alive = {"created_at": LONG_AGO, "next_watch_at": TOMORROW}
    CalendarConnection.objects.update(**alive | watch)
    assert audit() == ([("watch_is_dead", calendar.pk)] if is_dead else [])


def test_a_change_in_the_calendar_that_nobody_looks_into(booking):
    EventDoubt.objects.create(booking=booking, as_of=booking.updated_at, due_at=LONG_AGO)
    assert audit() == [("look_is_stuck", booking.pk)]


# --- what is kept of it --------------------------------------------------------------------------


def break_two(booking: Booking, calendar: CalendarConnection) -> None:
    SyncedEventFactory(connection=calendar, start_time=TOMORROW - HOUR / 2)
    CalendarConnection.objects.update(next_sync_at=LONG_AGO)


def test_findings_are_kept_in_words_for_the_consultant_they_concern(booking, calendar):
    break_two(booking, calendar)
    assert run_audit(now=TOMORROW) == 2
    on_busy_time, stuck = findings(booking.user)
    assert (on_busy_time.what, on_busy_time.url) == (
        "A booking stands on time that is busy otherwise.",
        f"/admin/bookings/booking/{booking.pk}/change/",
    )
    assert (stuck.what, stuck.found_at) == ("A calendar is not being read.", TOMORROW)
    assert findings(ConsultantFactory()) == []


def test_what_is_put_right_is_forgotten_and_what_is_not_keeps_its_date(booking, calendar):
    break_two(booking, calendar)
    run_audit(now=TOMORROW)
    CalendarConnection.objects.update(next_sync_at=TOMORROW)
    run_audit(now=TOMORROW + HOUR)
    [left] = findings(booking.user)
    assert (left.what, left.found_at) == (
        "A booking stands on time that is busy otherwise.",
        TOMORROW,
    )


def test_each_finding_is_in_the_log_once(booking, calendar, caplog):
    break_two(booking, calendar)
    run_audit(now=TOMORROW)
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]
    caplog.clear()
    run_audit(now=TOMORROW + HOUR)
    assert caplog.records == []


def test_the_log_names_no_event_and_nobody(booking, calendar, caplog):
    SyncedEventFactory(connection=calendar, start_time=TOMORROW - HOUR / 2, title="Dr. Ames")
    run_audit(now=TOMORROW)
    [finding] = findings(booking.user)
    assert ("Ames" in finding.detail, "Ames" in caplog.text) == (True, False)


def test_two_events_on_one_booking_are_one_finding(booking, calendar):
    SyncedEventFactory(connection=calendar, start_time=TOMORROW - HOUR / 2)
    SyncedEventFactory(connection=calendar, start_time=TOMORROW)
    assert run_audit(now=TOMORROW) == 1


@pytest.mark.parametrize(("address", "found"), [("", 0), ("https://calsync.example/webhooks", 1)])
def test_where_nobody_can_call_no_watch_is_missed(calendar, settings, address, found):
    settings.PUSH_ADDRESS = address
    CalendarConnection.objects.update(
        created_at=LONG_AGO, next_watch_at=TOMORROW, webhook_expiration=LONG_AGO
    )
    assert run_audit(now=TOMORROW) == found


def test_every_invariant_is_explained():
    """Each is named in the SQL once."""
    source = Path("bookings/sql/audit_invariants.sql").read_text()
    assert set(re.findall(r"SELECT '(\w+)'", source)) == EXPLANATIONS.keys()
