"""What happens to a booking once it is made, and who hears of it."""

from datetime import UTC, datetime, timedelta

import pytest

from bookings import changes
from bookings.lifecycle import book
from bookings.models import Booking
from bookings.refusals import CalendarUnverified, NotChangeable, SlotTaken, TooLate, TooManyBookings
from bookings.states import ChangedBy
from connections.providers.base import ProviderUnavailable
from tests.bookings.conftest import make_bookable, request_for
from tests.bookings.moments import MONDAY_TEN, NOW
from tests.factories import (
    BookingFactory,
    ConnectionFactory,
    MeetingTypeFactory,
    SyncedEventFactory,
)

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
INVITEE, CONSULTANT = ChangedBy.INVITEE, ChangedBy.CONSULTANT


@pytest.fixture
def booking(consultant) -> Booking:
    return book(request_for(consultant), now=NOW)


@pytest.fixture
def request_(consultant) -> Booking:
    """It waits for the consultant's approval."""
    asked = MeetingTypeFactory(user=consultant, requires_approval=True)
    return book(request_for(consultant, meeting_type=asked), now=NOW)


def told(booking: Booking, *, sequence: int | None = None) -> set[tuple[str, str]]:
    """Kind and recipient of the mails that this revision owes, reminders aside."""
    revision = booking.sequence if sequence is None else sequence
    mails = booking.mails.filter(sequence=revision).exclude(kind="reminder")
    return set(mails.values_list("kind", "recipient"))


def busy(booking: Booking, start: datetime) -> None:
    calendar = ConnectionFactory(user=booking.user)
    SyncedEventFactory(connection=calendar, start_time=start)


# --- approval -----------------------------------------------------------------------------------


def test_a_request_keeps_its_time_and_asks_the_consultant(consultant, request_):
    assert (request_.status, request_.hold_expires_at) == ("pending", None)
    assert told(request_) == {("request", "invitee"), ("approval", "consultant")}
    assert not Booking.objects.event_due(NOW + HOUR).exists()
    with pytest.raises(SlotTaken):
        book(request_for(consultant), now=NOW)


def test_a_confirmed_request_is_written_and_the_invitee_is_told(request_):
    changes.confirm(request_)
    assert (request_.status, request_.changed_by, request_.sequence) == (
        "confirmed",
        "consultant",
        0,
    )
    assert told(request_) - {("request", "invitee"), ("approval", "consultant")} == {
        ("confirmation", "invitee")
    }
    assert Booking.objects.event_due(NOW).get() == request_


def test_to_confirm_twice_is_no_error_and_tells_once(request_):
    changes.confirm(request_)
    changes.confirm(request_)
    assert request_.mails.filter(kind="confirmation").count() == 1


def test_a_declined_request_gives_its_time_back_and_only_the_invitee_is_told(consultant, request_):
    changes.cancel(request_, by=CONSULTANT, reason="On holiday", now=NOW)
    assert (request_.status, request_.cancellation_reason) == ("cancelled", "On holiday")
    assert told(request_) == {("refusal", "invitee")}
    assert book(request_for(consultant), now=NOW).status == "confirmed"


def test_a_withdrawn_request_is_told_to_the_consultant(request_):
    changes.cancel(request_, by=INVITEE, now=NOW)
    assert told(request_) == {("withdrawal", "consultant")}


def test_a_declined_request_cannot_be_confirmed(request_):
    changes.cancel(request_, by=CONSULTANT, now=NOW)
    with pytest.raises(NotChangeable):
        changes.confirm(request_)
    assert request_.status == "cancelled"


def test_a_request_that_is_moved_this_very_moment_is_not_confirmed_unseen(request_):
    as_seen = Booking.objects.get(pk=request_.pk)
    later = MONDAY_TEN + timedelta(hours=1)
    changes.reschedule(request_, starts_at=later, by=INVITEE, now=NOW)
    with pytest.raises(NotChangeable, match="was moved"):
        changes.confirm(as_seen)
    assert (as_seen.status, as_seen.start_time) == ("pending", later)


def test_a_request_is_not_confirmed_over_an_event_that_came_meanwhile(request_):
    busy(request_, MONDAY_TEN)
    with pytest.raises(SlotTaken):
        changes.confirm(request_)
    request_.refresh_from_db()
    assert request_.status == "pending"


def test_a_request_that_nobody_answered_lapses_when_its_time_comes(request_):
    assert changes.lapse_requests(now=MONDAY_TEN - timedelta(seconds=1)) == 0
    assert changes.lapse_requests(now=MONDAY_TEN) == 1
    request_.refresh_from_db()
    assert (request_.status, request_.changed_by) == ("cancelled", "system")
    assert told(request_) == {("refusal", "invitee")}


# --- cancelling ---------------------------------------------------------------------------------


@pytest.mark.parametrize("by", [INVITEE, CONSULTANT])
def test_a_cancelled_booking_is_a_new_revision_and_both_are_told(consultant, booking, by):
    changes.cancel(booking, by=by, reason="Ill", now=NOW)
    assert (booking.status, booking.sequence, booking.changed_by) == ("cancelled", 1, by)
    assert (booking.cancelled_at, booking.cancellation_reason) == (NOW, "Ill")
    assert told(booking) == {("cancellation", "invitee"), ("cancellation", "consultant")}
    assert book(request_for(consultant), now=NOW).pk != booking.pk


def test_the_event_of_a_cancelled_booking_is_to_be_removed(booking):
    Booking.objects.update(event_state="written", provider_event_id="event", event_due_at=None)
    booking.refresh_from_db()
    changes.cancel(booking, by=INVITEE, now=NOW)
    assert (booking.event_state, booking.event_due_at is None) == ("due", False)


def test_the_event_that_was_never_written_needs_no_removing(booking):
    changes.cancel(booking, by=INVITEE, now=NOW)
    assert (booking.event_state, booking.event_due_at) == ("removed", None)


def test_to_cancel_twice_is_no_error_and_tells_once(booking):
    changes.cancel(booking, by=INVITEE, now=NOW)
    changes.cancel(booking, by=CONSULTANT, now=NOW + HOUR)
    assert (booking.changed_by, booking.sequence, len(told(booking))) == ("invitee", 1, 2)


def test_an_invitee_may_cancel_until_the_notice_and_the_consultant_always(consultant):
    late = MeetingTypeFactory(user=consultant, change_notice=120)
    booking = book(request_for(consultant, meeting_type=late), now=NOW)
    deadline = MONDAY_TEN - 2 * HOUR
    assert booking.changeable_until == deadline
    changes.require_changeable(booking, now=deadline)
    with pytest.raises(TooLate):
        changes.cancel(booking, by=INVITEE, now=deadline + timedelta(seconds=1))
    changes.cancel(booking, by=CONSULTANT, now=MONDAY_TEN + HOUR)
    assert booking.status == "cancelled"


def test_without_a_notice_of_its_own_the_consultants_holds():
    consultant = make_bookable(settings__change_notice=60)
    meeting_type = MeetingTypeFactory(user=consultant)
    booking = book(request_for(consultant, meeting_type=meeting_type), now=NOW)
    assert booking.changeable_until == MONDAY_TEN - HOUR


def test_what_has_begun_is_not_cancelled_by_its_invitee(booking):
    with pytest.raises(TooLate):
        changes.cancel(booking, by=INVITEE, now=MONDAY_TEN)


def test_a_cancellation_taken_back_stands_as_before_and_is_told(booking):
    changes.cancel(booking, by=CONSULTANT, reason="Mistake", now=NOW)
    changes.restore(booking, now=NOW)
    assert (booking.status, booking.sequence, booking.cancelled_at) == ("confirmed", 2, None)
    assert booking.cancellation_reason == ""
    assert told(booking) == {("confirmation", "invitee"), ("consultant_notice", "consultant")}


def test_a_cancellation_is_not_taken_back_once_the_time_is_given_away(consultant, booking):
    changes.cancel(booking, by=CONSULTANT, now=NOW)
    book(request_for(consultant), now=NOW)
    with pytest.raises(SlotTaken):
        changes.restore(booking, now=NOW)


def test_a_cancellation_is_not_taken_back_once_the_time_is_past(booking):
    changes.cancel(booking, by=CONSULTANT, now=NOW)
    with pytest.raises(NotChangeable):
        changes.restore(booking, now=booking.end_time)


# --- moving -------------------------------------------------------------------------------------


def test_a_moved_booking_stays_the_same_and_is_a_new_revision(booking):
    before = (booking.pk, booking.manage_token_hash)
    changes.reschedule(booking, starts_at=MONDAY_TEN + HOUR, by=INVITEE, now=NOW)
    assert (booking.pk, booking.manage_token_hash) == before
    assert (booking.start_time, booking.end_time) == (
        MONDAY_TEN + HOUR,
        MONDAY_TEN + 1.5 * HOUR,
    )
    assert (booking.sequence, booking.reschedule_count, booking.moved_from) == (1, 1, MONDAY_TEN)
    assert told(booking) == {("change", "invitee"), ("change", "consultant")}


def test_its_own_time_is_not_in_the_way_of_a_move():
    consultant = make_bookable(settings__slot_interval=15, settings__daily_limit=1)
    booking = book(request_for(consultant), now=NOW)
    moved_by = timedelta(minutes=15)
    changes.reschedule(booking, starts_at=MONDAY_TEN + moved_by, by=INVITEE, now=NOW)
    assert booking.start_time == MONDAY_TEN + moved_by


def test_its_own_event_is_not_in_the_way_of_a_move():
    consultant = make_bookable(settings__slot_interval=15)
    booking = book(request_for(consultant), now=NOW)
    SyncedEventFactory(
        connection=ConnectionFactory(user=consultant, synced_until=MONDAY_TEN + 99 * HOUR),
        start_time=MONDAY_TEN,
        is_ohboy_booking=True,
        booking_id=booking.pk,
    )
    later = MONDAY_TEN + timedelta(minutes=15)
    changes.reschedule(booking, starts_at=later, by=INVITEE, now=NOW)
    assert booking.start_time == later


def test_a_booking_keeps_its_length_when_the_meeting_types_changes(consultant):
    meeting_type = MeetingTypeFactory(user=consultant, duration=60, slot_interval=30)
    booking = book(request_for(consultant, meeting_type=meeting_type), now=NOW)
    type(meeting_type).objects.update(duration=15, is_active=False)
    meeting_type.refresh_from_db()
    changes.reschedule(booking, starts_at=MONDAY_TEN + HOUR, by=INVITEE, now=NOW)
    assert booking.duration == HOUR


def test_a_booking_does_not_move_onto_another(consultant, booking):
    book(request_for(consultant, starts_at=MONDAY_TEN + HOUR), now=NOW)
    with pytest.raises(SlotTaken):
        changes.reschedule(booking, starts_at=MONDAY_TEN + HOUR, by=INVITEE, now=NOW)
    booking.refresh_from_db()
    assert (booking.start_time, booking.sequence) == (MONDAY_TEN, 0)


def test_to_move_to_where_it_is_changes_nothing(booking):
    changes.reschedule(booking, starts_at=MONDAY_TEN, by=INVITEE, now=NOW)
    assert (booking.sequence, booking.reschedule_count) == (0, 0)


def test_a_cancelled_booking_does_not_move(booking):
    changes.cancel(booking, by=CONSULTANT, now=NOW)
    with pytest.raises(NotChangeable):
        changes.reschedule(booking, starts_at=MONDAY_TEN + HOUR, by=CONSULTANT, now=NOW)


def test_an_invitee_does_not_move_it_at_the_last_minute(booking):
    with pytest.raises(TooLate):
        changes.reschedule(
            booking, starts_at=MONDAY_TEN + HOUR, by=INVITEE, now=MONDAY_TEN + timedelta(seconds=1)
        )


def test_a_request_that_moves_asks_anew(request_):
    changes.reschedule(request_, starts_at=MONDAY_TEN + HOUR, by=INVITEE, now=NOW)
    assert (request_.status, request_.start_time) == ("pending", MONDAY_TEN + HOUR)
    assert told(request_) == {("request", "invitee"), ("approval", "consultant")}


@pytest.mark.django_db(transaction=True)
def test_nothing_moves_while_the_calendars_cannot_be_read(booking, calendar):
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    ConnectionFactory(user=booking.user, last_synced_at=long_ago)
    calendar.faults = [ProviderUnavailable("down")]
    with pytest.raises(CalendarUnverified):
        changes.reschedule(booking, starts_at=MONDAY_TEN + HOUR, by=INVITEE, now=NOW)


# --- limits -------------------------------------------------------------------------------------


def test_one_invitee_has_so_many_bookings_ahead_and_no_more():
    consultant = make_bookable(settings__invitee_limit=2)
    first = book(request_for(consultant), now=NOW)
    book(request_for(consultant, starts_at=MONDAY_TEN + HOUR), now=NOW)
    third = request_for(consultant, starts_at=MONDAY_TEN + 2 * HOUR, email="IVY@example.com")
    with pytest.raises(TooManyBookings):
        book(third, now=NOW)
    changes.cancel(first, by=INVITEE, now=NOW)
    assert book(third, now=NOW).status == "confirmed"


def test_bookings_that_are_over_do_not_count():
    consultant = make_bookable(settings__invitee_limit=1)
    BookingFactory(user=consultant, start_time=NOW - HOUR)
    assert book(request_for(consultant), now=NOW).status == "confirmed"
