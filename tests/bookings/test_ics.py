"""The invitation file: one meaning for Google, Outlook and Apple."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from icalendar import Calendar

from bookings.ics import invitation
from bookings.models import Booking
from bookings.tokens import hash_of, manage_token, manage_url
from connections.providers.ical.booking_ids import booking_uid
from tests.factories import BookingFactory, ConsultantFactory

pytestmark = pytest.mark.django_db

ID = UUID("6e1f9a52-0d6c-4a3e-9f0b-0c5f4a7d2b11")


def booked(**changes) -> Booking:
    fields = {
        "user": changes.get("user")
        or ConsultantFactory(name="Ada Lovelace", email="ada@example.com"),
        "title": "First talk",
        "location": "By phone",
        "updated_at": datetime(2027, 2, 26, 12, tzinfo=UTC),
    }
    booking = BookingFactory(**fields | changes)
    booking.manage_token_hash = hash_of(manage_token(booking))
    return booking


def lines(booking: Booking, **method) -> list[str]:
    """The file's lines, those that were folded made whole again (RFC 5545, section 3.1)."""
    return invitation(booking, **method).decode().replace("\r\n ", "").split("\r\n")


def test_an_invitation_says_what_calendars_need_to_take_it():
    booking = booked(pk=ID, sequence=2)
    assert lines(booking) == [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//calsync//bookings//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:REQUEST",
        "BEGIN:VEVENT",
        "SUMMARY:First talk with Ada Lovelace",
        "DTSTART:20270301T100000Z",
        "DTEND:20270301T103000Z",
        "DTSTAMP:20270226T120000Z",
        f"UID:calsync-{ID}",
        "SEQUENCE:2",
        "ATTENDEE;CUTYPE=INDIVIDUAL;PARTSTAT=ACCEPTED;ROLE=REQ-PARTICIPANT;RSVP=FALSE:"
        "mailto:ivy@example.com",
        f"DESCRIPTION:Your booking: {manage_url(booking)}",
        "LOCATION:By phone",
        'ORGANIZER;CN="Ada Lovelace":mailto:ada@example.com',
        "STATUS:CONFIRMED",
        "TRANSP:OPAQUE",
        f"URL:{manage_url(booking)}",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]


def test_the_uid_is_the_one_of_the_event_in_the_consultants_calendar():
    booking = booked()
    [event] = Calendar.from_ical(invitation(booking)).events
    assert event["uid"] == booking_uid(booking.pk)
    booking.ical_uid = "as-the-provider-has-it"
    [event] = Calendar.from_ical(invitation(booking)).events
    assert event["uid"] == "as-the-provider-has-it"


def test_a_cancellation_says_so():
    written = lines(booked(status="cancelled", sequence=1), method="CANCEL")
    assert [line for line in written if line in ("METHOD:CANCEL", "STATUS:CANCELLED")] == [
        "METHOD:CANCEL",
        "STATUS:CANCELLED",
    ]


def test_a_published_file_names_no_attendee():
    assert not [line for line in lines(booked(), method="PUBLISH") if "ATTENDEE" in line]


def property_names(booking: Booking) -> list[str]:
    return [line.partition(":")[0].partition(";")[0] for line in lines(booking)]


def test_no_text_can_add_a_line_of_its_own():
    hostile = 'x"\r\nATTENDEE:mailto:all@example.com\r\n;,\\'
    booking = booked(
        user=ConsultantFactory(name=hostile),
        title=hostile,
        location=hostile,
        invitee_email=f"{hostile}@example.com",
    )
    assert property_names(booking) == property_names(booked(title="Harmless"))
    [event] = Calendar.from_ical(invitation(booking)).events
    assert event["location"] == 'x" ATTENDEE:mailto:all@example.com ;,\\'


def test_times_are_in_utc_whatever_the_zones():
    start = datetime.fromisoformat("2027-07-01T00:30:00+05:45")
    written = lines(booked(start_time=start))
    assert "DTSTART:20270630T184500Z" in written
    assert "DTEND:20270630T191500Z" in written


def test_a_mail_that_is_sent_again_carries_the_same_file():
    booking = booked()
    before = invitation(booking, stamp=booking.created_at)
    Booking.objects.update(event_attempts=1)
    booking.refresh_from_db()
    assert invitation(booking, stamp=booking.created_at) == before
