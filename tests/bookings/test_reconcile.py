"""A change in the consultant's calendar reaches the booking, and no error does."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection as database

from bookings import consultants_word
from bookings.booking_mails import BookingMail
from bookings.emails import letter_of
from bookings.models import Booking, EventDoubt
from bookings.reconcile import CALM, GRACE, MOST_CANCELLATIONS
from tests.bookings.calendar_worlds import (
    DAY,
    HOUR,
    MINUTE,
    World,
)
from tests.factories import BookingFactory, SyncedEventFactory

pytestmark = pytest.mark.django_db(transaction=True)


def owed(booking, sequence: int) -> set[tuple[str, str]]:
    mails = BookingMail.objects.filter(booking=booking, sequence=sequence)
    return set(mails.values_list("kind", "recipient"))


def undecided(world: World) -> list[Booking]:
    return [doubt.booking for doubt in consultants_word.undecided(world.connection.user)]


# --- deletions -----------------------------------------------------------------------------------


def test_deleting_the_event_cancels_the_booking_and_everyone_is_told(world):
    booking = world.book()
    world.remove(booking)
    world.pass_by()
    row = world.stored(booking)
    assert (row.status, row.changed_by, row.sequence) == ("cancelled", "calendar", 1)
    assert owed(booking, 1) == {("cancellation", "invitee"), ("cancellation", "consultant")}
    assert world.write(booking).event_state == "removed"
    assert not EventDoubt.objects.exists()


def test_one_look_is_not_enough_and_the_second_comes_after_the_grace_period(world):
    booking = world.book()
    world.remove(booking)
    world.sync()
    world.sweep()
    first = world.now
    world.now = first + GRACE - timedelta(seconds=1)
    world.sync()
    world.now = first + GRACE - timedelta(seconds=1)
    EventDoubt.objects.update(due_at=world.now)  # handed out too early, or twice
    world.sweep()
    assert world.status(booking) == "confirmed"
    world.now = first + GRACE
    world.sweep()
    assert world.status(booking) == "cancelled"


def test_undo_brings_the_event_back(world):
    booking = world.book()
    world.remove(booking)
    world.pass_by()
    world.write(booking)
    assert list(consultants_word.brought_by_calendar(booking.user, now=world.now)) == [booking]
    consultants_word.take_back(world.stored(booking), now=world.now)
    row = world.write(booking)
    assert (row.status, row.event_state, row.sequence) == ("confirmed", "written", 2)
    event = world.event(booking)
    assert (event.start, event.booking_id) == (booking.start_time, booking.pk)
    world.pass_by()
    assert world.status(booking) == "confirmed"
    assert not EventDoubt.objects.exists()
    assert not consultants_word.brought_by_calendar(booking.user, now=world.now).exists()


def test_more_deletions_than_believable_wait_for_the_consultants_word(world):
    bookings = [world.book(days) for days in range(2, 3 + MOST_CANCELLATIONS)]
    for booking in bookings:
        world.remove(booking)
    world.pass_by(8)
    assert {world.status(booking) for booking in bookings} == {"confirmed"}
    assert undecided(world) == bookings
    assert BookingMail.objects.filter(kind="conflict").count() == 1
    assert consultants_word.cancel_deleted(world.connection.user, now=world.now) == len(bookings)
    assert {world.status(booking) for booking in bookings} == {"cancelled"}
    assert undecided(world) == []


def test_as_many_as_believable_are_cancelled_and_the_next_one_waits(world):
    bookings = [world.book(days) for days in range(2, 3 + MOST_CANCELLATIONS)]
    *first, last = bookings
    for booking in first:
        world.remove(booking)
    world.pass_by()
    assert {world.status(booking) for booking in first} == {"cancelled"}
    world.remove(last)
    world.pass_by()
    assert world.status(last) == "confirmed"
    assert undecided(world) == [last]


def test_the_consultants_no_writes_the_events_back(world):
    bookings = [world.book(days) for days in range(2, 3 + MOST_CANCELLATIONS)]
    for booking in bookings:
        world.remove(booking)
    world.pass_by()
    waiting = consultants_word.undecided(world.connection.user)
    assert consultants_word.write_back(waiting, now=world.now) == len(bookings)
    for booking in bookings:
        assert world.write(booking).event_state == "written"
        assert world.event(booking).start == booking.start_time
    world.pass_by()
    assert {world.status(booking) for booking in bookings} == {"confirmed"}
    assert not EventDoubt.objects.exists()


def test_what_waits_for_the_consultants_word_goes_on_waiting_when_it_has_become_few(world):
    bookings = [world.book(days) for days in range(2, 3 + MOST_CANCELLATIONS)]
    for booking in bookings:
        world.remove(booking)
    world.pass_by()
    first = consultants_word.undecided(world.connection.user).filter(booking=bookings[0])
    consultants_word.write_back(first, now=world.now)
    world.now += CALM
    world.pass_by(2)
    assert {world.status(booking) for booking in bookings} == {"confirmed"}
    assert undecided(world) == bookings[1:]


def test_events_that_could_not_be_looked_at_yet_may_be_gone_as_well(world):
    booking = world.book()
    for day in range(MOST_CANCELLATIONS):
        unseen = BookingFactory(user=booking.user, start_time=booking.end_time + day * DAY)
        EventDoubt.objects.create(
            booking=unseen, as_of=unseen.updated_at, due_at=world.now + 30 * DAY
        )
    world.remove(booking)
    world.pass_by()
    assert world.status(booking) == "confirmed"
    EventDoubt.objects.exclude(booking=booking).delete()
    world.pass_by()
    assert world.status(booking) == "cancelled"


# --- moves ---------------------------------------------------------------------------------------


def test_moving_the_event_moves_the_booking_wherever_it_is_free(world):
    booking = world.book()
    elsewhere = booking.start_time + DAY + 7 * MINUTE  # never an offered slot
    world.move(booking, elsewhere)
    world.pass_by()
    row = world.stored(booking)
    assert (row.start_time, row.end_time) == (elsewhere, elsewhere + booking.duration)
    assert (row.changed_by, row.sequence, row.reschedule_count) == ("calendar", 1, 1)
    assert owed(booking, 1) >= {("change", "invitee"), ("change", "consultant")}


def test_the_calendar_and_the_booking_do_not_push_each_other_about(world):
    booking = world.book()
    elsewhere = booking.start_time + DAY
    world.move(booking, elsewhere)
    world.pass_by()
    world.write(booking)
    world.pass_by(8)
    row = world.stored(booking)
    assert (row.event_state, row.sequence, row.start_time) == ("written", 1, elsewhere)
    assert world.event(booking).start == elsewhere
    assert not EventDoubt.objects.exists()


def test_a_longer_event_makes_a_longer_booking(world):
    booking = world.book()
    world.move(booking, booking.start_time, booking.end_time + HOUR)
    world.pass_by()
    assert world.stored(booking).duration == booking.duration + HOUR


def test_undo_moves_the_booking_and_its_event_back(world):
    booking = world.book()
    world.move(booking, booking.start_time + DAY)
    world.pass_by()
    world.write(booking)
    consultants_word.take_back(world.stored(booking), now=world.now)
    row = world.write(booking)
    assert (row.start_time, row.changed_by) == (booking.start_time, "consultant")
    assert world.event(booking).start == booking.start_time
    world.pass_by()
    assert world.stored(booking).start_time == booking.start_time


def test_a_move_onto_another_booking_is_not_made_but_told(world):
    booking = world.book()
    other = BookingFactory(
        user=booking.user, start_time=booking.start_time + DAY, event_state="none"
    )
    world.move(booking, other.start_time)
    world.pass_by()
    row = world.stored(booking)
    assert (row.start_time, row.sequence) == (booking.start_time, 0)
    [doubt] = consultants_word.undecided(booking.user)
    assert (doubt.booking, doubt.start_time) == (booking, other.start_time)
    world.pass_by(15)
    assert list(BookingMail.objects.filter(kind="conflict").values_list("booking", "about")) == [
        (booking.pk, "elsewhere")
    ]


def test_a_move_that_did_not_fit_is_made_once_the_time_is_free(world):
    booking = world.book()
    busy = SyncedEventFactory(connection__user=booking.user, start_time=booking.start_time + DAY)
    world.move(booking, busy.start_time)
    world.pass_by()
    assert world.stored(booking).start_time == booking.start_time
    busy.delete()
    world.pass_by(15)
    assert world.stored(booking).start_time == busy.start_time
    assert not consultants_word.undecided(booking.user).exists()


def test_a_move_that_did_not_fit_can_be_taken_back_in_the_calendar(world):
    booking = world.book()
    busy = SyncedEventFactory(connection__user=booking.user, start_time=booking.start_time + DAY)
    world.move(booking, busy.start_time)
    world.pass_by()
    consultants_word.write_back(consultants_word.undecided(booking.user), now=world.now)
    world.write(booking)
    assert world.event(booking).start == booking.start_time
    world.pass_by()
    assert world.stored(booking).start_time == booking.start_time


def test_an_event_that_now_lasts_the_whole_day_is_not_followed(world):
    booking = world.book()
    day = booking.start_time.date() + DAY
    world.move(booking, day, day + DAY)
    world.pass_by()
    assert world.stored(booking).start_time == booking.start_time
    assert undecided(world) == [booking]


@pytest.mark.parametrize("length", [DAY + MINUTE, MINUTE / 2], ids=str)
def test_an_event_of_an_impossible_length_is_not_followed_but_told_once(world, length):
    booking = world.book()
    elsewhere = booking.start_time + DAY
    world.move(booking, elsewhere, elsewhere + length)
    world.pass_by(15)
    row = world.stored(booking)
    assert (row.start_time, row.sequence) == (booking.start_time, 0)
    [doubt] = consultants_word.undecided(booking.user)
    assert (doubt.booking, doubt.due_at > world.now) == (booking, True)
    [mail] = BookingMail.objects.filter(kind="conflict")
    side = "long" if length > DAY else "short"
    assert f"too {side} for a booking" in " ".join(letter_of(mail, now=world.now).text().split())


def test_an_event_of_an_impossible_length_is_followed_once_it_has_a_possible_one(world):
    booking = world.book()
    elsewhere = booking.start_time + DAY
    world.move(booking, elsewhere, elsewhere + DAY + MINUTE)
    world.pass_by()
    world.move(booking, elsewhere, elsewhere + HOUR)
    world.pass_by(15)
    row = world.stored(booking)
    assert (row.start_time, row.end_time) == (elsewhere, elsewhere + HOUR)
    assert undecided(world) == []


def test_a_move_beyond_the_years_that_a_booking_may_lie_in_is_not_followed(world):
    booking = world.book()
    world.move(booking, datetime(9500, 3, 1, 10, tzinfo=UTC))
    world.pass_by()
    assert world.stored(booking).start_time == booking.start_time
    assert EventDoubt.objects.get().due_at > world.now


@pytest.mark.parametrize("days", [-3, -1])
def test_a_move_into_the_past_is_not_followed(world, days):
    booking = world.book(days=2)
    world.move(booking, booking.start_time + (days - 2) * DAY)
    world.pass_by()
    assert world.stored(booking).start_time == booking.start_time


# --- our own changes meanwhile -------------------------------------------------------------------


def in_the_middle(world: World, booking: Booking, **changes) -> None:
    """Change the row while its event is being read."""

    def fault(request, forward):
        Booking.objects.filter(pk=booking.pk).update(**changes)
        database.close()  # the server's own thread
        return forward(request)

    world.commit("GET", fault, about=world.about_event)


@pytest.mark.parametrize(
    "changes",
    [
        {"event_state": "due", "event_error": "a rewrite"},
        {"cancellation_reason": "whatever it is"},
    ],
    ids=str,
)
def test_whatever_changed_while_we_looked_makes_the_look_void(world, changes):
    booking = world.book()
    world.remove(booking)
    world.pass_by(1)
    assert EventDoubt.objects.get().finding == "gone"
    in_the_middle(world, booking, **changes)
    world.now += GRACE
    world.sweep()
    assert world.status(booking) == "confirmed"


def test_a_reschedule_of_ours_on_its_way_to_the_calendar_is_no_move_of_theirs(world):
    booking = world.book()
    later = booking.start_time + DAY
    Booking.objects.filter(pk=booking.pk).update(
        start_time=later, end_time=later + booking.duration, event_not_before=world.now + DAY
    )
    world.pass_by(10)
    assert not EventDoubt.objects.exists()
    row = world.stored(booking)
    assert (row.start_time, row.event_state, row.changed_by) == (later, "due", "")


def test_a_reschedule_between_the_looks_stands(world):
    booking = world.book()
    world.move(booking, booking.start_time + 2 * DAY)
    world.pass_by(1)
    assert EventDoubt.objects.get().finding == "elsewhere"
    later = booking.start_time + DAY
    Booking.objects.filter(pk=booking.pk).update(
        start_time=later, end_time=later + booking.duration
    )
    world.pass_by()
    world.write(booking)
    world.pass_by()
    assert world.stored(booking).start_time == later
    assert world.event(booking).start == later


def test_an_event_that_carries_the_mark_of_another_booking_proves_nothing(world):
    booking, other = world.book(), world.book(days=3)
    Booking.objects.filter(pk=booking.pk).update(provider_event_id=other.provider_event_id)
    world.lose_row(booking)
    world.pass_by()
    assert world.status(booking) == "confirmed"
    assert EventDoubt.objects.get().failures > 0
