"""One consultant with calendars at all three providers, two at each, gets one answer."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection as database

from availability.slots import offered_days
from connections.models import Consultant
from syncing.engine import sync_connection
from syncing.models import SyncedEvent
from tests.bookings.bookable import BERLIN, at, bookable_consultant, tomorrow
from tests.connections.providers.caldav_servers import Device
from tests.factories import BookingFactory
from tests.syncing.at_providers import PROVIDERS, Provided, provided

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
BOOKING = UUID("6a1fe1a3-6d0b-4d9c-9c3c-1f2f3a4b5c6d")
OUR_UIDS = (f"calsync-{BOOKING}", f"b{BOOKING.hex}@google.com")


@pytest.fixture
def consultant() -> Consultant:
    """Works from 9 to 17, in meetings of an hour."""
    return bookable_consultant(settings__duration=60)


@pytest.fixture
def calendars(settings, monkeypatch, radicale: Device) -> Iterator[list[Provided]]:
    with ExitStack() as stack:
        first = [
            stack.enter_context(provided(name, settings, monkeypatch, radicale))
            for name in PROVIDERS
        ]
        yield first + [calendar.another() for calendar in first]


def add(calendar: Provided, hour: int, title: str = "meeting", *, uid: str = "") -> None:
    start = at(tomorrow(), hour).astimezone(UTC)
    calendar.add(title, start, start + HOUR, uid=uid)


def sync(calendars: list[Provided], consultant: Consultant) -> None:
    for calendar in calendars:
        log = sync_connection(calendar.connect(consultant).pk, now=datetime.now(UTC))
        assert log.status == "completed", log.error_message


def hours(consultant: Consultant, **question) -> list[int]:
    """The hours of tomorrow that are on offer."""
    asked = {"consultant_id": consultant.pk, "start": tomorrow(), "days": 1}
    [(_, slots)] = offered_days(**asked | question)
    return [slot.start.astimezone(BERLIN).hour for slot in slots]


def book_at_ten(consultant: Consultant):
    start = at(tomorrow(), 10)
    return BookingFactory(
        id=BOOKING, user=consultant, start_time=start, end_time=start + HOUR, status="confirmed"
    )


def test_what_is_busy_anywhere_is_busy(consultant, calendars):
    for hour, calendar in enumerate(calendars, start=10):
        add(calendar, hour)
    sync(calendars, consultant)
    assert hours(consultant) == [9, 16]


def test_same_invitation_in_every_calendar_is_one_busy_time(consultant, calendars):
    for calendar in calendars:
        add(calendar, 11, "invitation", uid="one-invitation@example.com")
    sync(calendars, consultant)
    assert SyncedEvent.objects.count() == len(calendars)
    assert hours(consultant) == [9, 10, 12, 13, 14, 15, 16]


@pytest.mark.parametrize("uid", OUR_UIDS)
def test_copies_of_our_event_in_other_calendars_are_no_conflict_with_its_booking(
    consultant, calendars, uid
):
    """The consultant's other accounts were invited, or one program copies between calendars."""
    book_at_ten(consultant)
    for calendar in calendars:
        add(calendar, 10, "copy", uid=uid)
    sync(calendars, consultant)
    assert set(SyncedEvent.objects.values_list("booking_id", flat=True)) == {BOOKING}
    assert hours(consultant) == [9, 11, 12, 13, 14, 15, 16]
    assert 10 in hours(consultant, ignored_booking=BOOKING)
    with database.cursor() as cursor:
        cursor.execute("SELECT * FROM audit_invariants() WHERE invariant = 'booking_on_busy_time'")
        assert cursor.fetchall() == []


def test_copies_of_a_cancelled_bookings_event_do_not_block(consultant, calendars):
    booking = book_at_ten(consultant)
    add(calendars[0], 10, "copy", uid=OUR_UIDS[0])
    sync(calendars, consultant)
    booking.status = "cancelled"
    booking.save()
    assert 10 in hours(consultant)


def test_somebody_elses_event_over_the_booking_is_a_conflict(consultant, calendars):
    book_at_ten(consultant)
    add(calendars[1], 10, "theirs", uid=f"calsync-{UUID(int=1)}@example.com")
    sync(calendars, consultant)
    assert 10 not in hours(consultant, ignored_booking=BOOKING)
