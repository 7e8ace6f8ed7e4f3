"""A hold keeps a slot for one client for a while, and becomes the booking in one step."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bookings.booking_mails import BookingMail
from bookings.holds import HOLD_LASTS, MOST_HOLDS, cancel_expired, hold, release
from bookings.lifecycle import book
from bookings.models import Booking
from bookings.refusals import HoldUnknown, SlotTaken, TooManyHolds
from bookings.slot_requests import SlotRequest
from tests.bookings.conftest import make_bookable, request_for
from tests.bookings.moments import MONDAY_TEN, NOW
from tests.factories import MeetingTypeFactory

pytestmark = pytest.mark.django_db
HALF_AN_HOUR = timedelta(minutes=30)
SECOND = timedelta(seconds=1)


def slot_of(consultant, **changes) -> SlotRequest:
    return SlotRequest(**{"consultant": consultant, "starts_at": MONDAY_TEN} | changes)


def holding(consultant, *, holder: str = "tab 1", now: datetime = NOW, **changes):
    return hold(slot_of(consultant, **changes), holder=holder, now=now)


def test_a_held_slot_is_taken_for_all_others_until_it_expires(consultant):
    kept = holding(consultant).booking
    assert (kept.status, kept.hold_expires_at) == ("pending", NOW + HOLD_LASTS)
    with pytest.raises(SlotTaken):
        book(request_for(consultant), now=NOW + HOLD_LASTS - SECOND)
    with pytest.raises(SlotTaken):
        holding(consultant, holder="tab 2")


def test_a_hold_owes_neither_event_nor_mail(consultant):
    kept = holding(consultant).booking
    assert BookingMail.objects.count() == 0
    assert not Booking.objects.event_due(NOW + timedelta(days=1)).filter(pk=kept.pk).exists()


def test_the_holder_books_the_held_slot_in_one_step(consultant):
    kept = holding(consultant)
    booking = book(request_for(consultant, hold=kept.token), now=NOW)
    assert (booking.pk, booking.status) == (kept.booking.pk, "confirmed")
    assert (booking.invitee_name, booking.hold_expires_at) == ("Ivy Invitee", None)
    kinds = booking.mails.order_by("kind").values_list("kind", flat=True)
    assert list(kinds) == ["confirmation", "consultant_notice", "reminder"]


def test_the_key_of_a_hold_is_not_in_the_database(consultant):
    kept = holding(consultant)
    assert kept.token not in str(Booking.objects.values().get())


def test_a_hold_that_has_expired_books_as_if_there_were_none(consultant):
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)  # for the database's clock too
    kept = holding(consultant)
    Booking.objects.update(hold_expires_at=long_ago)
    booking = book(request_for(consultant, hold=kept.token), now=NOW)
    assert (booking.status, booking.pk == kept.booking.pk) == ("confirmed", False)


def test_whose_hold_has_expired_may_come_too_late(consultant):
    kept = holding(consultant)
    Booking.objects.update(hold_expires_at=datetime(2026, 1, 1, tzinfo=UTC))
    book(request_for(consultant), now=NOW)
    with pytest.raises(SlotTaken):
        book(request_for(consultant, hold=kept.token), now=NOW)


@pytest.mark.parametrize("change", ["start", "meeting_type", "key", "consultant"])
def test_a_hold_is_for_its_own_slot_alone(consultant, change):
    kept = holding(consultant)
    wish = request_for(consultant, hold=kept.token)
    other = {
        "start": lambda: replace(wish, starts_at=MONDAY_TEN + HALF_AN_HOUR),
        "meeting_type": lambda: replace(wish, meeting_type=MeetingTypeFactory(user=consultant)),
        "key": lambda: replace(wish, hold="another"),
        "consultant": lambda: replace(wish, consultant=make_bookable()),
    }
    with pytest.raises(HoldUnknown):
        book(other[change](), now=NOW)
    assert Booking.objects.get().status == "pending"


def test_the_same_request_with_the_same_hold_gives_the_same_booking(consultant):
    kept = holding(consultant)
    wish = request_for(consultant, hold=kept.token, idempotency_key="click")
    assert book(wish, now=NOW).pk == book(wish, now=NOW).pk


def test_a_hold_is_used_once(consultant):
    kept = holding(consultant)
    book(request_for(consultant, hold=kept.token), now=NOW)
    with pytest.raises(SlotTaken):
        book(request_for(consultant, hold=kept.token, email="eve@example.com"), now=NOW)


def test_one_client_holds_a_few_slots_and_others_are_not_concerned(consultant):
    for number in range(MOST_HOLDS):
        holding(consultant, starts_at=MONDAY_TEN + number * HALF_AN_HOUR)
    later = MONDAY_TEN + MOST_HOLDS * HALF_AN_HOUR
    with pytest.raises(TooManyHolds):
        holding(consultant, starts_at=later)
    assert holding(consultant, starts_at=later, holder="tab 2").booking.start_time == later


def test_expired_holds_of_a_client_do_not_count(consultant):
    for number in range(MOST_HOLDS):
        holding(consultant, starts_at=MONDAY_TEN + number * HALF_AN_HOUR)
    later = MONDAY_TEN + MOST_HOLDS * HALF_AN_HOUR
    assert holding(consultant, starts_at=later, now=NOW + HOLD_LASTS).booking.status == "pending"


def test_a_released_slot_is_free_at_once(consultant):
    kept = holding(consultant)
    release(kept.token, now=NOW)
    assert book(request_for(consultant), now=NOW).status == "confirmed"


def test_a_booking_cannot_be_released(consultant):
    kept = holding(consultant)
    booking = book(request_for(consultant, hold=kept.token), now=NOW)
    release(kept.token, now=NOW)
    booking.refresh_from_db()
    assert booking.status == "confirmed"


def test_expired_holds_are_tidied_up_without_a_word_to_anybody(consultant):
    holding(consultant)
    assert [
        cancel_expired(now=NOW + HOLD_LASTS - SECOND),
        cancel_expired(now=NOW + HOLD_LASTS),
    ] == [
        0,
        1,
    ]
    kept = Booking.objects.get()
    assert (kept.status, kept.changed_by, kept.event_state) == ("cancelled", "system", "removed")
    assert BookingMail.objects.count() == 0


def test_a_hold_counts_in_the_limit_of_a_day():
    consultant = make_bookable(settings__daily_limit=1)
    kept = holding(consultant)
    with pytest.raises(SlotTaken):
        book(request_for(consultant, starts_at=MONDAY_TEN + HALF_AN_HOUR), now=NOW)
    assert book(request_for(consultant, hold=kept.token), now=NOW).status == "confirmed"
