"""How our own events are told from others."""

from uuid import UUID

from connections.providers.google.drafts import event_ids
from connections.providers.ical import BOOKING_PROPERTY, booking_id_of, booking_uid
from tests.connections.ical.objects import read, vcalendar

BOOKING = UUID("0d8f3a52-6a2b-4c8e-9f0e-3d1c5b7a9e11")
WHEN = "DTSTART:20260605T090000Z\nDTEND:20260605T100000Z"


def test_a_booking_is_found_again_by_its_uid():
    assert booking_uid(BOOKING) == "calsync-0d8f3a52-6a2b-4c8e-9f0e-3d1c5b7a9e11"
    assert booking_id_of(booking_uid(BOOKING)) == BOOKING


def test_a_server_that_writes_uids_in_capitals_loses_no_booking():
    assert booking_id_of(booking_uid(BOOKING).upper()) == BOOKING


def test_an_event_that_was_written_at_google_is_found_again_wherever_it_is_invited_to():
    first, *_, last = event_ids(BOOKING)
    assert booking_id_of(f"{first}@google.com") == BOOKING
    assert booking_id_of(f"{last}@google.com") == BOOKING


def test_the_uid_of_others_is_not_taken_for_ours():
    strangers = ["", "calsync-", str(BOOKING), "calsync-1", f"{booking_uid(BOOKING)}@example.com"]
    strangers += [f"c{BOOKING.hex}@google.com", f"b{BOOKING.hex}@example.com"]
    assert [booking_id_of(uid) for uid in strangers] == [None] * 7


def test_our_event_is_recognised_by_its_uid():
    (event,) = read(vcalendar(f"UID:{booking_uid(BOOKING)}\n{WHEN}")).events
    assert event.booking_id == BOOKING


def test_our_event_is_recognised_by_our_property_where_the_uid_was_replaced():
    text = vcalendar(f"UID:another\n{BOOKING_PROPERTY}:{str(BOOKING).upper()}\n{WHEN}")
    assert read(text).events[0].booking_id == BOOKING


def test_a_property_that_holds_no_id_leaves_the_uid_to_speak():
    text = vcalendar(f"UID:{booking_uid(BOOKING)}\n{BOOKING_PROPERTY}:yes\n{WHEN}")
    assert read(text).events[0].booking_id == BOOKING


def test_other_events_belong_to_no_booking():
    assert read(vcalendar(f"UID:1\n{WHEN}")).events[0].booking_id is None
