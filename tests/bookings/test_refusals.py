"""Of all that the table does not take, only busy time is read as "not free"; the rest is a bug."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from bookings import changes, consultants_word
from bookings.holds import hold
from bookings.lifecycle import book
from bookings.models import Booking
from bookings.refusals import SlotTaken, refused_where_busy
from bookings.slot_requests import SlotRequest
from tests.bookings.conftest import request_for
from tests.bookings.moments import MONDAY_TEN, NOW
from tests.factories import BlockedDateFactory, BookingFactory, MeetingTypeFactory

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
FAR_YEAR = datetime(9500, 1, 1, tzinfo=UTC)  # that bookings_in_known_years does not take


@pytest.fixture
def booking(consultant) -> Booking:
    return book(request_for(consultant), now=NOW)


def change(booking: Booking, *, or_twice: str = "", **fields) -> None:
    with refused_where_busy("Not then.", or_twice=or_twice), transaction.atomic():
        Booking.objects.filter(pk=booking.pk).update(**fields)


# --- what says that the time is not free ----------------------------------------------------------


def test_another_booking_is_in_the_way(booking):
    other = BookingFactory(user=booking.user, start_time=MONDAY_TEN + HOUR)
    with pytest.raises(SlotTaken, match=r"^Not then\.$"):
        change(booking, start_time=other.start_time, end_time=other.end_time)


def test_the_guard_says_that_the_consultant_is_busy(booking):
    later, end = MONDAY_TEN + HOUR, MONDAY_TEN + 2 * HOUR
    BlockedDateFactory(user=booking.user, start_time=later, end_time=end)
    with pytest.raises(SlotTaken):
        change(booking, start_time=later, end_time=end)


def test_a_unique_constraint_says_so_where_it_is_named(booking):
    other = BookingFactory(user=booking.user, start_time=MONDAY_TEN + HOUR, idempotency_key="one")
    same = {"idempotency_key": other.idempotency_key}
    with pytest.raises(SlotTaken):
        change(booking, or_twice="bookings_one_per_key", **same)
    for name in ("", "bookings_manage_token"):
        with pytest.raises(IntegrityError, match="bookings_one_per_key"):
            change(booking, or_twice=name, **same)


# --- what is a bug --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"end_time": MONDAY_TEN + 25 * HOUR}, "bookings_length"),
        ({"end_time": MONDAY_TEN}, "bookings_length"),
        ({"changed_by": "nobody"}, "bookings_changed_by_check"),
        ({"title": None}, "title"),
    ],
    ids=str,
)
def test_a_row_that_can_never_be_is_not_called_busy(booking, fields, constraint):
    with pytest.raises(IntegrityError, match=constraint):
        change(booking, **fields)


def test_a_row_of_two_consultants_is_not_called_busy(booking):
    with pytest.raises(IntegrityError, match="of one consultant"):
        change(booking, meeting_type=MeetingTypeFactory())


def test_no_verb_calls_a_bug_busy(booking):
    later = MONDAY_TEN + HOUR
    with pytest.raises(IntegrityError, match="in_known_years"):
        changes.cancel(booking, by="consultant", now=FAR_YEAR)
    with pytest.raises(IntegrityError, match="changed_by"):
        changes.reschedule(booking, starts_at=later, by="nobody", now=NOW)
    booking.changed_by, booking.moved_from = "calendar", FAR_YEAR
    with pytest.raises(IntegrityError, match="in_known_years"):
        consultants_word.take_back(booking, now=NOW)


def test_a_held_slot_that_cannot_be_booked_at_all_is_not_called_busy(consultant):
    wish = SlotRequest(consultant=consultant, starts_at=MONDAY_TEN)
    token = hold(wish, holder="tab", now=NOW).token
    request = request_for(consultant, hold=token)
    with pytest.raises(IntegrityError, match="answers"):
        book(replace(request, answers=["no object"]), now=NOW)
