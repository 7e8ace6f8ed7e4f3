"""A booking that is to be moved does not stand in its own way; calsync alone may leave one out."""

import pytest

from availability.slots import SlotQueryRefused, offered_days
from tests.bookings.bookable import at, bookable_consultant, tomorrow
from tests.factories import BookingFactory, MeetingTypeFactory

pytestmark = pytest.mark.django_db


def starts(consultant, **question) -> list[str]:
    asked = {"consultant_id": consultant.pk, "start": tomorrow(), "days": 1}
    [(_, slots)] = offered_days(**asked | question)
    return [f"{slot.start.astimezone(consultant.zone):%H:%M}" for slot in slots]


def test_a_booking_that_is_left_out_frees_its_own_time_alone():
    ana = bookable_consultant(settings__duration=240)
    moved = BookingFactory(user=ana, start_time=at(tomorrow(), 9))
    assert starts(ana) == ["13:00"]
    assert starts(ana, ignored_booking=moved.pk) == ["09:00", "13:00"]
    BookingFactory(user=ana, start_time=at(tomorrow(), 13))
    assert starts(ana, ignored_booking=moved.pk) == ["09:00"]


def test_a_booking_that_is_left_out_has_no_place_in_the_days_limit():
    ana = bookable_consultant(settings__duration=240, settings__daily_limit=1)
    moved = BookingFactory(user=ana, start_time=at(tomorrow(), 9))
    assert starts(ana) == []
    assert starts(ana, ignored_booking=moved.pk) == ["09:00", "13:00"]


def test_a_booking_may_be_moved_when_its_meeting_type_is_no_longer_offered():
    ana = bookable_consultant()
    visit = MeetingTypeFactory(user=ana, slug="visit", duration=240, is_active=False)
    moved = BookingFactory(user=ana, start_time=at(tomorrow(), 9), meeting_type=visit)
    question = {"consultant_id": ana.pk, "start": tomorrow(), "meeting_type": "visit"}
    with pytest.raises(SlotQueryRefused, match="no such meeting type"):
        offered_days(**question)
    [(day, slots)] = offered_days(days=1, ignored_booking=moved.pk, **question)
    assert (day, [slot.start for slot in slots]) == (
        tomorrow(),
        [at(tomorrow(), 9), at(tomorrow(), 13)],
    )
