"""A booking as an iCalendar file that Google, Outlook and Apple take (RFC 5545, RFC 5546)."""

from datetime import UTC
from urllib.parse import quote

from icalendar import Calendar, Event, vCalAddress, vUri

from bookings.models import Booking
from bookings.tokens import manage_url
from bookings.wording import consultant_name, one_line, title_of
from connections.providers.ical.booking_ids import booking_uid

PRODUCT = "-//calsync//bookings//EN"


def event_uid(booking: Booking) -> str:
    """The same in the consultant's calendar, in the invitee's, and in every later mail."""
    return booking.ical_uid or booking_uid(booking.pk)


def invitation(booking: Booking, *, method: str = "REQUEST") -> bytes:
    """The booking for the invitee's calendar. ``method`` is REQUEST, PUBLISH or CANCEL.

    In UTC throughout, so that no reader needs to know our time zones.
    """
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method)
    calendar.add_component(_event(booking, is_published=method == "PUBLISH"))
    return calendar.to_ical()


def _event(booking: Booking, *, is_published: bool) -> Event:
    event = Event()
    event.add("uid", event_uid(booking))
    event.add("sequence", booking.sequence)
    # The same file, as long as the booking is the same: writing its event touches the row too.
    stamp = booking.updated_at if booking.sequence else booking.created_at
    event.add("dtstamp", stamp.astimezone(UTC))
    event.add("dtstart", booking.start_time.astimezone(UTC))
    event.add("dtend", booking.end_time.astimezone(UTC))
    event.add("summary", f"{title_of(booking)} with {consultant_name(booking)}")
    event.add("description", f"Your booking: {manage_url(booking)}")
    if booking.location:
        event.add("location", one_line(booking.location))
    event.add("url", vUri(manage_url(booking)))
    event.add("status", "CANCELLED" if booking.is_cancelled else "CONFIRMED")
    event.add("transp", "OPAQUE")
    event.add("organizer", _organizer(booking))
    if not is_published:  # a published event names no attendee (RFC 5546, section 3.2.1)
        event.add("attendee", _attendee(booking))
    return event


def _organizer(booking: Booking) -> vCalAddress:
    organizer = _address(booking.user.email)
    # A quoted parameter cannot hold a quote (RFC 5545, section 3.2).
    organizer.params["CN"] = consultant_name(booking).replace('"', "'")
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
