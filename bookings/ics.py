"""A booking as an iCalendar file that Google, Outlook and Apple take (RFC 5545, RFC 5546).

Times are in UTC throughout: a booking is one span of time and never recurs, so that no reader needs
to know our time zones, and no VTIMEZONE has to agree with theirs.
"""

from datetime import UTC, datetime
from urllib.parse import quote

from icalendar import Calendar, Event, vCalAddress, vUri

from bookings.models import Booking
from bookings.tokens import manage_url
from bookings.wording import call_of, consultant_name, location_of, title_of
from connections.providers.booking_ids import booking_uid

PRODUCT = "-//calsync//bookings//EN"


def event_uid(booking: Booking) -> str:
    """The same in the consultant's calendar, in the invitee's, and in every later mail."""
    return booking.ical_uid or booking_uid(booking.pk)


def invitation(
    booking: Booking, *, method: str = "REQUEST", stamp: datetime | None = None
) -> bytes:
    """The booking for the invitee's calendar. ``method`` is REQUEST, PUBLISH or CANCEL.

    Of two files of one SEQUENCE the one with the later ``stamp`` counts (RFC 5546, section 2.1.5).
    It is the moment of the mail that carries the file, or else of the booking's last change.
    """
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method)
    event = _event(booking, stamp=stamp or booking.updated_at)
    if method != "PUBLISH":  # a published event names no attendee (RFC 5546, section 3.2.1)
        event.add("attendee", _attendee(booking))
    calendar.add_component(event)
    return calendar.to_ical()


def _event(booking: Booking, *, stamp: datetime) -> Event:
    event = Event()
    event.add("uid", event_uid(booking))
    event.add("sequence", booking.sequence)
    event.add("dtstamp", stamp.astimezone(UTC))
    event.add("dtstart", booking.start_time.astimezone(UTC))
    event.add("dtend", booking.end_time.astimezone(UTC))
    event.add("summary", f"{title_of(booking)} with {consultant_name(booking.user)}")
    event.add("description", _description(booking))
    if place := location_of(booking) or call_of(booking):
        event.add("location", place)
    if call_of(booking):
        event.add("conference", _conference(booking))
    event.add("url", vUri(manage_url(booking)))
    event.add("status", "CANCELLED" if booking.is_cancelled else "CONFIRMED")
    event.add("transp", "OPAQUE")
    event.add("organizer", _organizer(booking))
    return event


def _description(booking: Booking) -> str:
    """With the link of the video call: few calendars show the property made for it."""
    call = f"Video call: {call_of(booking)}\n" if call_of(booking) else ""
    return f"{call}Your booking: {manage_url(booking)}"


def _conference(booking: Booking) -> vUri:
    """Where the video call is held (RFC 7986, section 5.11)."""
    call = vUri(call_of(booking))
    call.params.update(VALUE="URI", FEATURE=["AUDIO", "VIDEO"], LABEL="Video call")
    return call


def _organizer(booking: Booking) -> vCalAddress:
    organizer = _address(booking.user.email)
    # A quoted parameter cannot hold a quote (RFC 5545, section 3.2).
    organizer.params["CN"] = consultant_name(booking.user).replace('"', "'")
    return organizer


def _attendee(booking: Booking) -> vCalAddress:
    """The invitee, who need not answer: they have booked."""
    attendee = _address(booking.invitee_email)
    attendee.params.update(
        CUTYPE="INDIVIDUAL", ROLE="REQ-PARTICIPANT", PARTSTAT="ACCEPTED", RSVP="FALSE"
    )
    return attendee


def _address(email: str) -> vCalAddress:
    return vCalAddress(f"mailto:{quote(email, safe='@+')}")
