"""The letter of a conflict: what stands in the calendar does not go with a booking."""

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.urls import reverse

from bookings.booking_mails import BookingMail
from bookings.emails.letters import Letter, Link
from bookings.emails.to_consultant import letter
from bookings.models import Booking, EventDoubt, EventFinding
from bookings.wording import one_line, span
from syncing.models import SyncedEvent


def conflict(mail: BookingMail, now: datetime) -> Letter:
    """What it is ``about``: an event that stands over the booking, or what became of its own."""
    if mail.about == EventFinding.GONE:
        return _deleted(mail.booking)
    if mail.about == EventFinding.ELSEWHERE:
        return _moved(mail.booking)
    return letter(
        mail.booking,
        subject="Conflict: {title}",
        heading="Something else stands at the time of a booking",
        before=(
            "Move or cancel the booking, or move what stands over it. Neither happens by itself.",
        ),
        quotes=_event(mail),
    )


def _deleted(booking: Booking) -> Letter:
    return letter(
        booking,
        subject="Deleted in your calendar: is that right?",
        heading="Many bookings were deleted in your calendar",
        before=(
            "So many may be a mistake. No booking was cancelled for it, and no invitee told. "
            "Please decide: shall they be cancelled, or written to the calendar again?",
            "This is the first of them.",
        ),
        link=Link("Decide", settings.PUBLIC_URL + reverse("admin:index")),
    )


def _moved(booking: Booking) -> Letter:
    return letter(
        booking,
        subject="Conflict: {title}",
        heading="A booking could not follow its event",
        before=_why_unfollowed(booking),
        link=Link("Decide", settings.PUBLIC_URL + reverse("admin:index")),
    )


def _why_unfollowed(booking: Booking) -> tuple[str, str]:
    """As the event was seen last, and what to do about it."""
    doubt = EventDoubt.objects.filter(pk=booking.pk).first()
    if doubt and doubt.is_too_long:
        return (
            "You made its event in your calendar longer than 24 hours: that is too long for a "
            "booking, which stays as it is.",
            "Make the event shorter, or have it written back.",
        )
    if doubt and doubt.is_too_short:
        return (
            "You made its event in your calendar shorter than a minute: that is too short for a "
            "booking, which stays as it is.",
            "Make the event longer, or have it written back.",
        )
    return (
        "You moved its event in your calendar, to a time at which you are not free, or that "
        "is past or lasts the whole day. So the booking stays as it is.",
        "Move the event elsewhere, or have it written back.",
    )


def _event(mail: BookingMail) -> tuple[tuple[str, str], ...]:
    """What stands over the booking, if it still does."""
    if not mail.about:
        return ()
    event = SyncedEvent.objects.select_related("connection").filter(pk=UUID(mail.about)).first()
    if event is None:
        return ()
    when = span(event.start_time, event.end_time, mail.booking.user.zone)
    return ((f"In {event.connection}", f"{one_line(str(event))}: {when}"),)
