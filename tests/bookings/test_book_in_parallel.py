"""Many invitees at the same moment: the promise of no double booking, through the real code."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import cycle
from threading import Barrier

import pytest
from django.db import connection

from bookings.booking_mails import BookingMail
from bookings.lifecycle import BookingRequest, book
from bookings.models import Booking
from bookings.refusals import SlotTaken
from bookings.tokens import manage_url
from tests.bookings.conftest import make_bookable, request_for
from tests.bookings.moments import MONDAY_TEN, NOW
from tests.factories import BookingFactory, MeetingTypeFactory

pytestmark = pytest.mark.django_db(transaction=True)


def minutes(number: int) -> timedelta:
    return timedelta(minutes=number)


def at_once(wishes: Sequence[BookingRequest]) -> list[Booking | Exception]:
    """Every wish in a thread of its own, all let go together; what each of them got."""
    gate = Barrier(len(wishes))

    def attempt(wish: BookingRequest) -> Booking:
        try:
            connection.ensure_connection()
            gate.wait()
            return book(wish, now=NOW)
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=len(wishes)) as threads:
        attempts = [threads.submit(attempt, wish) for wish in wishes]
    return [each.exception() or each.result() for each in attempts]


def kinds(answers: Sequence[Booking | Exception]) -> Counter:
    return Counter(type(answer) for answer in answers)


def overlapping_wishes(number: int) -> list[BookingRequest]:
    """Different lengths, buffers and starts; ten past ten lies in every one of them."""
    consultant = make_bookable(settings__slot_interval=5)
    types = [
        MeetingTypeFactory(user=consultant, duration=15),
        MeetingTypeFactory(user=consultant, duration=30, buffer_before=15),
        MeetingTypeFactory(user=consultant, duration=45, buffer_after=30),
        MeetingTypeFactory(user=consultant, duration=60, buffer_before=5, buffer_after=10),
    ]
    choices = zip(cycle(types), cycle([0, 5, 10]), range(number), strict=False)
    return [
        request_for(consultant, meeting_type=kind, starts_at=MONDAY_TEN + minutes(start))
        for kind, start, _ in choices
    ]


LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)  # for the database's clock too


@pytest.mark.parametrize("repetition", range(5))
def test_of_a_hundred_overlapping_requests_exactly_one_is_booked(repetition):
    answers = at_once(overlapping_wishes(100))
    assert kinds(answers) == {Booking: 1, SlotTaken: 99}
    assert (Booking.objects.count(), BookingMail.objects.count()) == (1, 3)


def test_expired_holds_in_the_way_let_exactly_one_through_and_block_nobody():
    wishes = overlapping_wishes(60)
    for start in range(0, 60, 10):
        BookingFactory(
            user=wishes[0].consultant,
            start_time=MONDAY_TEN + minutes(start),
            end_time=MONDAY_TEN + minutes(start + 10),
            status="pending",
            hold_expires_at=LONG_AGO,
        )
    assert kinds(at_once(wishes)) == {Booking: 1, SlotTaken: 59}
    assert Booking.objects.filter(status="confirmed").count() == 1


def test_a_daily_limit_holds_for_times_that_do_not_overlap():
    consultant = make_bookable(settings__daily_limit=3)
    wishes = [
        request_for(consultant, starts_at=MONDAY_TEN + minutes(30 * number - 600))
        for number in range(40)
    ]
    assert kinds(at_once(wishes)) == {Booking: 3, SlotTaken: 37}


def test_requests_that_do_not_overlap_are_all_booked():
    consultant = make_bookable()
    wishes = [
        request_for(consultant, starts_at=MONDAY_TEN + minutes(30 * number - 600))
        for number in range(40)
    ]
    assert kinds(at_once(wishes)) == {Booking: 40}


@pytest.mark.parametrize("repetition", range(3))
def test_a_storm_of_the_same_request_makes_one_booking_and_one_answer(repetition):
    wish = request_for(make_bookable(), idempotency_key="click")
    answers = at_once([wish] * 50)
    assert kinds(answers) == {Booking: 50}
    assert len({(booking.pk, manage_url(booking)) for booking in answers}) == 1
    assert (Booking.objects.count(), BookingMail.objects.count()) == (1, 3)
