"""The invitation file: one meaning for Google, Outlook and Apple."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import vobject
from icalendar import Calendar

from bookings.ics import invitation
from bookings.models import Booking
from bookings.tokens import hash_of, manage_token, manage_url
from connections.providers.booking_ids import booking_uid
from tests.bookings.moments import MONDAY_TEN
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


def test_a_cancellation_fits_the_invitation_that_it_takes_back():
    """The same UID, organizer and attendee, and a higher SEQUENCE (RFC 5546, section 3.2.5)."""
    booking = booked()
    [asked] = Calendar.from_ical(invitation(booking)).events
    booking.status, booking.sequence = "cancelled", 1
    [taken_back] = Calendar.from_ical(invitation(booking, method="CANCEL")).events
    for name in ("uid", "organizer", "attendee", "dtstart", "dtend"):
        assert taken_back[name] == asked[name]
    assert (asked["sequence"], taken_back["sequence"]) == (0, 1)


@pytest.mark.parametrize("method", ["REQUEST", "CANCEL", "PUBLISH"])
def test_another_reader_reads_the_same(method):
    """One that shares no code with the library the file is written with."""
    user = ConsultantFactory(name='Åse "Ada" Ødegård, Dr.; Ing.', email="ada@example.com")
    booking = booked(user=user, title="Gespräch " * 20, location="Straße 1, Berlin; 2. Stock\\")
    booking.conference_url = f"https://meet.example.com/{'x' * 200}"
    event = vobject.readOne(invitation(booking, method=method).decode()).vevent
    [read] = Calendar.from_ical(invitation(booking, method=method)).events
    assert (event.uid.value, event.summary.value) == (str(read["uid"]), str(read["summary"]))
    assert (event.dtstart.value, event.dtend.value) == (booking.start_time, booking.end_time)
    assert event.location.value == booking.location
    assert event.description.value == str(read["description"])
    assert event.organizer.params["CN"] == ["Åse 'Ada' Ødegård, Dr.; Ing."]
    assert event.conference.value == booking.conference_url
    assert event.conference.params == {
        "VALUE": ["URI"],
        "FEATURE": ["AUDIO", "VIDEO"],
        "LABEL": ["Video call"],
    }


def test_no_line_is_longer_than_readers_take():
    """75 octets, and no character cut in two (RFC 5545, section 3.1)."""
    booking = booked(title="🙂ü" * 100)
    raw = invitation(booking).split(b"\r\n")
    assert max(len(line) for line in raw) <= 75
    assert [line.decode() for line in raw][-1] == ""


def test_a_later_file_of_the_same_revision_has_a_later_stamp():
    """So that calendars take the link of a video call that came after the invitation."""
    booking = booked()
    stamps = [MONDAY_TEN, MONDAY_TEN + timedelta(seconds=1)]
    files = [invitation(booking, stamp=stamp) for stamp in stamps]
    events = [Calendar.from_ical(file).events[0] for file in files]
    assert [event["dtstamp"].dt for event in events] == stamps


@pytest.mark.parametrize(
    ("location", "conference", "expected"),
    [
        ("By phone", "", "By phone"),
        ("By phone", "https://meet.example.com/abc", "By phone"),
        ("", "https://meet.example.com/abc", "https://meet.example.com/abc"),
        ("", "", None),
    ],
)
def test_a_video_call_is_the_place_where_there_is_no_other(location, conference, expected):
    [event] = Calendar.from_ical(
        invitation(booked(location=location, conference_url=conference))
    ).events
    assert event.get("location") == expected


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
        conference_url=f"https://meet.example/{hostile}",
        invitee_email=f"{hostile}@example.com",
    )
    harmless = booked(title="Harmless", conference_url="https://meet.example/abc")
    assert property_names(booking) == property_names(harmless)
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
