"""What the database itself refuses, whoever inserts: the promise of no double booking."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from django.db import IntegrityError, connection, transaction

from bookings.models import Booking
from tests.factories import (
    BookingFactory,
    ConnectionFactory,
    ConsultantFactory,
    MeetingTypeFactory,
)

pytestmark = pytest.mark.django_db

TEN = datetime(2027, 3, 1, 10, tzinfo=UTC)
HALF_AN_HOUR = timedelta(minutes=30)


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def is_refused(**row) -> bool:
    """Whether the database refuses this booking; it is taken back either way."""
    try:
        with transaction.atomic():
            BookingFactory(**row)
            transaction.set_rollback(True)
    except IntegrityError:
        return True
    return False


def booked_beside(user, *, start: datetime, **row) -> bool:
    return not is_refused(user=user, start_time=start, end_time=start + HALF_AN_HOUR, **row)


@pytest.mark.parametrize(
    ("after", "before"), list(product((0, 5, 15, 60), repeat=2)), ids=lambda m: f"{m}min"
)
def test_the_gap_is_the_larger_of_the_earlier_ones_after_and_the_later_ones_before(after, before):
    """Against a rule written down once more, for starts on both sides of the first booking."""
    user = ConsultantFactory()
    first = BookingFactory(user=user, start_time=TEN, buffer_after=after, buffer_before=before)
    other_after, other_before = 10, 20
    for shift in range(-120, 125, 5):
        start = TEN + minutes(shift)
        if shift < 0:
            gap, needed = first.start_time - (start + HALF_AN_HOUR), max(other_after, before)
        else:
            gap, needed = start - first.end_time, max(after, other_before)
        buffers = {"buffer_after": other_after, "buffer_before": other_before}
        assert booked_beside(user, start=start, **buffers) == (gap >= minutes(needed)), shift


def test_touching_bookings_are_accepted_and_one_microsecond_of_overlap_is_not():
    user = ConsultantFactory()
    first = BookingFactory(user=user, start_time=TEN)
    assert booked_beside(user, start=first.end_time)
    assert not booked_beside(user, start=first.end_time - timedelta(microseconds=1))
    assert booked_beside(user, start=TEN - HALF_AN_HOUR)
    assert not booked_beside(user, start=TEN - HALF_AN_HOUR + timedelta(microseconds=1))


@pytest.mark.parametrize(
    ("first", "second", "accepted"),
    [
        ("confirmed", "confirmed", False),
        ("confirmed", "pending", False),
        ("pending", "confirmed", False),
        ("pending", "pending", False),
        ("cancelled", "confirmed", True),
        ("confirmed", "cancelled", True),
        ("cancelled", "pending", True),
    ],
)
def test_only_bookings_that_hold_time_are_in_each_others_way(first, second, accepted):
    user = ConsultantFactory()
    BookingFactory(user=user, start_time=TEN, status=first)
    assert booked_beside(user, start=TEN, status=second) == accepted


def test_consultants_are_not_in_each_others_way():
    BookingFactory(start_time=TEN)
    assert booked_beside(ConsultantFactory(), start=TEN)


def test_a_cancelled_booking_does_not_come_back_over_another():
    user = ConsultantFactory()
    cancelled = BookingFactory(user=user, start_time=TEN, status="cancelled")
    BookingFactory(user=user, start_time=TEN)
    with pytest.raises(IntegrityError, match="bookings_keep_buffer"):
        Booking.objects.filter(pk=cancelled.pk).update(status="confirmed")


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
@pytest.mark.parametrize("clocks_change", ["2027-03-28 01:00+00:00", "2027-10-31 01:00+00:00"])
def test_buffers_are_real_minutes_where_the_clocks_change(zone, clocks_change):
    """Over Berlin's missing and repeated hour, in any session's zone."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('TimeZone', %s, true)", [zone])
    user = ConsultantFactory()
    end = datetime.fromisoformat(clocks_change) - minutes(30)
    two_hours = {"buffer_before": 120, "buffer_after": 120}
    BookingFactory(user=user, start_time=end - HALF_AN_HOUR, end_time=end, **two_hours)
    assert booked_beside(user, start=end + minutes(120), **two_hours)
    assert not booked_beside(user, start=end + minutes(119))
    assert not booked_beside(user, start=end - minutes(179), buffer_after=120)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2027-03-01 10:00+00", "2027-03-01 10:00+00"),
        ("2027-03-01 10:00+00", "2027-03-01 09:00+00"),
        ("2027-03-01 10:00+00", "2027-03-01 10:00:59+00"),
        ("2027-03-01 10:00+00", "2027-03-02 10:00:00.000001+00"),
        ("2027-03-01 10:00+00", "infinity"),
        ("-infinity", "2027-03-01 10:00+00"),
        ("-infinity", "infinity"),
        ("infinity", "infinity"),
        ("2027-03-01 10:00+00", None),
        (None, "2027-03-01 10:00+00"),
    ],
)
def test_empty_inverted_endless_and_day_long_bookings_are_refused(start, end):
    """An empty range would slip through the exclusion constraints: it overlaps nothing."""
    user = ConsultantFactory()
    with pytest.raises(IntegrityError), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO bookings (user_id, start_time, end_time) VALUES (%s, %s, %s)",
            [user.pk, start, end],
        )


@pytest.mark.parametrize(
    "column",
    [
        "hold_expires_at",
        "cancelled_at",
        "moved_from",
        "created_at",
        "updated_at",
        "event_due_at",
        "event_due_since",
        "event_not_before",
    ],
)
@pytest.mark.parametrize("moment", ["infinity", "-infinity", "0044-03-15 BC", "20000-01-01"])
def test_no_moment_is_one_that_programs_cannot_read(column, moment):
    """One row that cannot be read would stop all that is due, everybody's."""
    user = ConsultantFactory()
    with pytest.raises(IntegrityError, match="in_known_years"), connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO bookings (user_id, start_time, end_time, {column}) "
            "VALUES (%s, %s, %s, %s)",
            [user.pk, TEN, TEN + HALF_AN_HOUR, moment],
        )


@pytest.mark.parametrize("year", ["1899", "9000", "20000"])
def test_no_booking_is_in_a_year_that_programs_cannot_read(year):
    user = ConsultantFactory()
    with pytest.raises(IntegrityError, match="in_known_years"), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO bookings (user_id, start_time, end_time) VALUES (%s, %s, %s)",
            [user.pk, f"{year}-03-01 10:00+00", f"{year}-03-01 11:00+00"],
        )


def test_the_shortest_and_the_longest_booking_are_accepted():
    assert not is_refused(start_time=TEN, end_time=TEN + minutes(1))
    assert not is_refused(start_time=TEN, end_time=TEN + timedelta(hours=24))


@pytest.mark.parametrize("buffer", ["buffer_before", "buffer_after"])
@pytest.mark.parametrize("length", [-1, 1441])
def test_impossible_buffers_are_refused(buffer, length):
    """A negative one would shrink the booking, even to nothing."""
    assert is_refused(**{buffer: length})


def test_an_idempotency_key_makes_one_booking_for_one_consultant():
    user = ConsultantFactory()
    BookingFactory(user=user, start_time=TEN, idempotency_key="click")
    tomorrow = TEN + timedelta(days=1)
    assert not booked_beside(user, start=tomorrow, idempotency_key="click")
    assert booked_beside(user, start=tomorrow, idempotency_key="another click")
    assert booked_beside(ConsultantFactory(), start=tomorrow, idempotency_key="click")


@pytest.mark.parametrize("status", ["held", "", None])
def test_a_status_that_nobody_knows_is_refused(status):
    """It would hold no time."""
    assert is_refused(status=status)


def test_on_conflict_do_nothing_skips_a_taken_time():
    """The booking statement relies on it: losers get no row instead of an error."""
    first = BookingFactory(start_time=TEN)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO bookings (user_id, start_time, end_time) VALUES (%s, %s, %s) "
            "ON CONFLICT DO NOTHING RETURNING id",
            [first.user_id, first.start_time, first.end_time],
        )
        assert cursor.fetchall() == []


def test_a_meeting_type_or_a_calendar_that_goes_leaves_the_booking():
    user = ConsultantFactory()
    booking = BookingFactory(
        user=user,
        meeting_type=MeetingTypeFactory(user=user),
        event_connection=ConnectionFactory(user=user),
    )
    with connection.cursor() as cursor:  # past Django, which has delete rules of its own
        cursor.execute("DELETE FROM meeting_types")
        cursor.execute("DELETE FROM calendar_connections")
    booking.refresh_from_db()
    assert (booking.meeting_type, booking.event_connection) == (None, None)


@pytest.mark.parametrize("answers", [[], "Tax", 3, True])
def test_answers_are_given_by_question(answers):
    assert (is_refused(answers=answers), is_refused(answers={"topic": "Tax"})) == (True, False)
