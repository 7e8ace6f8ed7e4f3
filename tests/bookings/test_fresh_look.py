"""Before a booking the calendars are looked at afresh; what cannot be verified is not booked."""

from datetime import UTC, datetime

import pytest

from bookings.lifecycle import book
from bookings.models import Booking
from bookings.refusals import CalendarUnverified, SlotTaken
from connections.providers.base import ProviderUnavailable
from tests.bookings.conftest import make_bookable, request_for
from tests.bookings.moments import MONDAY_TEN, NOW
from tests.factories import ConnectionFactory, SyncedEventFactory

# The look runs on database connections of its own, which see only what is committed.
pytestmark = pytest.mark.django_db(transaction=True)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def test_an_event_that_came_into_the_calendar_meanwhile_takes_the_slot(consultant, calendar):
    """It is not among the stored events when the invitee asks; the fresh look brings it."""
    connection_ = ConnectionFactory(user=consultant)
    calendar.faults = [lambda: SyncedEventFactory(connection=connection_, start_time=MONDAY_TEN)]
    with pytest.raises(SlotTaken):
        book(request_for(consultant), now=NOW)
    assert (calendar.calls, Booking.objects.count()) == (["changes"], 0)


def test_stale_calendars_that_can_be_read_now_are_no_obstacle(consultant, calendar):
    ConnectionFactory(user=consultant, last_synced_at=LONG_AGO)
    assert book(request_for(consultant), now=NOW).status == "confirmed"


def test_stale_calendars_that_cannot_be_read_leave_the_booking_unmade(consultant, calendar):
    ConnectionFactory(user=consultant, last_synced_at=LONG_AGO)
    calendar.faults = [ProviderUnavailable("down")]
    with pytest.raises(CalendarUnverified):
        book(request_for(consultant), now=NOW)
    assert Booking.objects.count() == 0


def test_a_calendar_that_cannot_be_read_but_was_read_just_now_is_no_obstacle(consultant, calendar):
    ConnectionFactory(user=consultant)
    calendar.faults = [ProviderUnavailable("down")]
    assert book(request_for(consultant), now=NOW).status == "confirmed"


def test_where_stale_calendars_close_the_books_the_invitee_may_try_again(calendar):
    """Nothing is offered then, but nobody knows that the time is taken."""
    consultant = make_bookable(settings__stale_policy="close")
    ConnectionFactory(user=consultant, last_synced_at=LONG_AGO)
    consultant.availabilityrule_set.all().delete()
    with pytest.raises(CalendarUnverified):
        book(request_for(consultant), now=NOW)
