"""Whatever goes wrong, no booking is cancelled by it: the matrix of phantom deletions."""

import pytest

from bookings import reconcile
from bookings.models import Booking, EventDoubt
from connections.models import CalendarConnection
from syncing.models import SyncedEvent
from tests.bookings.calendar_worlds import DAY, MINUTE, REFUSALS, World
from tests.connections.providers.far_end import cut_off
from tests.factories import LONG_AGO, ConnectionFactory, SyncedEventFactory

pytestmark = pytest.mark.django_db
METHODS = ("GET", "PROPFIND", "REPORT", "POST")
ALWAYS = 10_000


def fail(world: World, fault) -> None:
    for method in METHODS:
        world.commit(method, fault, times=ALWAYS)


def look_on(world: World, minutes: int = 90) -> None:
    """Sweeps alone, each ten minutes: syncs would fail too, and bring no new doubt."""
    for _ in range(minutes // 10):
        world.now += 10 * MINUTE
        world.sweep()


def undisturbed(world: World, booking: Booking) -> tuple:
    row = world.stored(booking)
    return row.status, row.sequence, row.event_state, row.start_time == booking.start_time


AS_IT_WAS = ("confirmed", 0, "written", True)


@pytest.mark.parametrize("refusal", REFUSALS)
def test_no_refusal_proves_that_an_event_is_gone(world, refusal):
    there, deleted = world.book(), world.book(days=3)
    world.remove(deleted)
    for booking in (there, deleted):
        world.lose_row(booking)
    fail(world, REFUSALS[refusal])
    look_on(world)
    for booking in (there, deleted):
        doubt = EventDoubt.objects.get(booking=booking)
        assert (undisturbed(world, booking), doubt.found_at) == (AS_IT_WAS, None)
        assert doubt.failures > 0
    world.heal()
    CalendarConnection.objects.update(reconnect_needed_at=None, access_refused_at=None)
    look_on(world)
    world.pass_by()
    assert (world.status(there), world.status(deleted)) == ("confirmed", "cancelled")


def test_an_answer_that_is_cut_off_proves_nothing(world):
    booking = world.book()
    world.lose_row(booking)
    fail(world, cut_off)
    look_on(world)
    assert undisturbed(world, booking) == AS_IT_WAS


def test_a_provider_that_wants_to_be_left_alone_is_not_asked(world):
    booking = world.book()
    world.remove(booking)
    world.sync()
    until = world.now + 30 * MINUTE
    CalendarConnection.objects.update(not_before=until)
    fail(world, REFUSALS["500"])
    world.sweep()
    doubt = EventDoubt.objects.get()
    assert (doubt.due_at, doubt.failures) == (until, 0)


def test_an_error_between_the_looks_does_not_count_as_one(world):
    booking = world.book()
    world.remove(booking)
    world.pass_by(1)
    fail(world, REFUSALS["503"])
    look_on(world, minutes=60)
    assert undisturbed(world, booking) == AS_IT_WAS
    assert EventDoubt.objects.get().finding == "gone"  # nor does it take back what was seen


def test_a_removal_that_never_was_is_looked_into_and_forgotten(world):
    booking = world.book()
    world.lose_row(booking)
    world.now += MINUTE
    world.sync()  # tells nothing of an event that did not change
    look_on(world)
    assert undisturbed(world, booking) == AS_IT_WAS
    world.sync(full=True)
    look_on(world)
    assert SyncedEvent.objects.filter(booking_id=booking.pk).count() == 1
    assert not EventDoubt.objects.exists()


def test_a_list_that_leaves_the_event_out_cancels_nothing(world):
    booking = world.book()
    for day in range(1, 4):
        world.far.add(f"day {day}", booking.end_time + day * DAY, booking.end_time + 2 * day * DAY)
    world.sync()
    method, about = world.about_lists
    world.commit(method, world.hide(booking.provider_event_id), times=ALWAYS, about=about)
    world.sync(full=True)
    assert not SyncedEvent.objects.filter(booking_id=booking.pk).exists()
    look_on(world)
    assert undisturbed(world, booking) == AS_IT_WAS


def test_an_empty_calendar_cancels_nothing_while_the_event_can_be_read(world):
    booking = world.book()
    method, about = world.about_lists
    world.commit(method, world.hide(booking.provider_event_id), times=ALWAYS, about=about)
    world.sync(full=True)
    world.now += 2 * MINUTE
    world.sync(full=True)
    look_on(world)
    assert undisturbed(world, booking) == AS_IT_WAS


def test_one_phantom_404_of_the_event_itself_is_not_enough(world):
    booking = world.book()
    world.lose_row(booking)
    world.commit("GET", REFUSALS["404"], about=world.about_event)
    world.now += MINUTE
    world.sweep()
    assert EventDoubt.objects.get().finding == "gone"
    look_on(world)
    assert undisturbed(world, booking) == AS_IT_WAS


def test_a_404_of_the_whole_calendar_cancels_nothing(world):
    booking = world.book()
    world.lose_row(booking)
    fail(world, REFUSALS["404"])
    look_on(world)
    assert undisturbed(world, booking) == AS_IT_WAS


def test_what_lies_outside_the_synced_window_is_in_no_doubt(world):
    booking = world.book()
    world.lose_row(booking)
    CalendarConnection.objects.update(synced_until=booking.start_time)
    world.now += MINUTE
    world.sweep()
    assert not EventDoubt.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"is_active": False},
        {"last_synced_at": None},
        {"last_synced_at": LONG_AGO},
    ],
    ids=str,
)
def test_a_calendar_that_was_not_read_since_raises_no_doubt(world, changes):
    booking = world.book()
    world.lose_row(booking)
    CalendarConnection.objects.update(**changes)
    world.sweep()
    assert not EventDoubt.objects.exists()


def test_an_event_in_another_of_the_consultants_calendars_was_moved_and_not_deleted(world):
    booking = world.book()
    other = ConnectionFactory(user=booking.user, last_synced_at=world.now)
    world.remove(booking)
    world.sync()
    world.sweep()
    SyncedEventFactory(
        connection=other,
        provider_event_id="there",
        booking_id=booking.pk,
        is_ohboy_booking=True,
        start_time=booking.start_time,
        end_time=booking.end_time,
    )
    CalendarConnection.objects.filter(pk=other.pk).update(last_synced_at=world.now + MINUTE)
    world.pass_by()
    row = world.stored(booking)
    assert (row.status, row.event_connection, row.provider_event_id) == (
        "confirmed",
        other,
        "there",
    )


def test_a_calendar_that_is_still_to_be_read_is_waited_for(world):
    booking = world.book()
    other = ConnectionFactory(user=booking.user)
    CalendarConnection.objects.filter(pk=other.pk).update(last_synced_at=world.now - DAY)
    world.remove(booking)
    world.pass_by(20)
    assert undisturbed(world, booking) == AS_IT_WAS
    CalendarConnection.objects.filter(pk=other.pk).update(last_synced_at=world.now)
    world.pass_by()
    assert world.status(booking) == "cancelled"


def test_a_calendar_that_cannot_be_read_is_not_waited_for_for_ever(world):
    booking = world.book()
    other = ConnectionFactory(user=booking.user)
    CalendarConnection.objects.filter(pk=other.pk).update(last_synced_at=world.now - DAY)
    world.remove(booking)
    world.pass_by(2)
    world.now += reconcile.WAIT_FOR_OTHERS
    world.pass_by()
    assert world.status(booking) == "cancelled"
