"""What must never be so is found, and nothing else is."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection as database

from bookings.models import Booking, BookingStatus, EventState
from connections.models import CalendarConnection
from tests.factories import BookingFactory, ConnectionFactory, SyncedEventFactory

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
