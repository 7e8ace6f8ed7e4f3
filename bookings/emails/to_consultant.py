"""The letters to the consultant, with all that the invitee said."""

from datetime import datetime

from django.conf import settings
from django.urls import reverse

from bookings.booking_mails import BookingMail
from bookings.emails.letters import Letter, Link
from bookings.models import Booking
from bookings.states import ChangedBy
from bookings.tokens import decision_url
from bookings.wording import (
    answers_of,
    event_title,
    former_time,
    invitee_name,
    invitee_zone,
    lacks_link,
    one_line,
    place_of,
    several_lines,
    span,
    title_of,
)

MOST_ANSWERS = 50


def notice(mail: BookingMail, now: datetime) -> Letter:
    """Of a new booking; or of one whose cancellation was taken back, which is a later revision."""
    booking, name = mail.booking, invitee_name(mail.booking)
    is_new = booking.sequence == 0
    return letter(
        booking,
        subject="New booking: {title}" if is_new else "Booked again: {title}",
        heading=f"{name} booked your time" if is_new else f"The booking of {name} stands again",
        quotes=_said(booking),
    )


def approval(mail: BookingMail, now: datetime) -> Letter:
    return letter(
        mail.booking,
        subject="Confirm or decline: {title}",
        heading=f"{invitee_name(mail.booking)} asks for your time",
        quotes=_said(mail.booking),
        link=Link("Confirm or decline", decision_url(mail.booking)),
        closing="Until you decide, nobody else can book that time. A request that nobody answers "
        "lapses when its time comes.",
    )


def withdrawal(mail: BookingMail, now: datetime) -> Letter:
    return letter(
        mail.booking,
        subject="Withdrawn: {title}",
        heading=f"{invitee_name(mail.booking)} withdrew the request",
        before=("The time is free again.",),
        quotes=_reason(mail.booking),
    )


def change(mail: BookingMail, now: datetime) -> Letter:
    booking, name = mail.booking, invitee_name(mail.booking)
    headings = {
        ChangedBy.INVITEE: f"{name} moved the booking",
        ChangedBy.CONSULTANT: f"You moved the booking of {name}",
        ChangedBy.CALENDAR: f"You moved the booking of {name} in your calendar",
    }
    return letter(
        booking,
        subject="Moved: {title}",
        heading=headings.get(booking.changed_by, f"The booking of {name} was moved"),
        facts=former_time(booking, booking.user.zone),
        quotes=_said(booking),
    )


def cancellation(mail: BookingMail, now: datetime) -> Letter:
    """What was removed in the calendar may have been removed by mistake: the page can undo it."""
    booking, name = mail.booking, invitee_name(mail.booking)
    headings = {
        ChangedBy.INVITEE: f"{name} cancelled the booking",
        ChangedBy.CONSULTANT: f"You cancelled the booking of {name}",
        ChangedBy.CALENDAR: f"You removed the booking of {name} in your calendar",
    }
    in_calendar = booking.changed_by == ChangedBy.CALENDAR
    undo = "So it was cancelled, and the invitee is told. If you did not mean that, take it back."
    return letter(
        booking,
        subject="Cancelled: {title}",
        heading=headings.get(booking.changed_by, f"The booking of {name} was cancelled"),
        before=(undo,) if in_calendar else (),
        quotes=_reason(booking),
        link=Link("Take it back", _page(booking)) if in_calendar else None,
    )


def calendar_trouble(mail: BookingMail, now: datetime) -> Letter:
    booking = mail.booking
    if booking.is_cancelled:
        heading = "A cancelled booking may still be in your calendar"
    elif booking.sequence:
        heading = "A booking is not in your calendar as it should be"
    else:
        heading = "A booking is not in your calendar"
    advice = "calsync goes on trying; nothing is lost, and the booking stands as it is here."
    if not booking.event_due_at:
        advice = "It is not tried again by itself: see to the cause, then let it be tried again."
    return letter(
        booking,
        subject="Not in your calendar: {title}",
        heading=heading,
        before=(advice,),
        quotes=(("Why", booking.event_error or "It has not come to its turn yet."),),
        link=Link("See it, and try again", _page(booking)),
    )


def letter(
    booking: Booking, *, subject: str, facts: tuple = (), link: Link | None = None, **parts
) -> Letter:
    """With what every letter about a booking says. ``{title}`` in a subject is the event's."""
    return Letter(
        to=booking.user.email,
        reply_to=booking.invitee_email,
        subject=subject.replace("{title}", event_title(booking)),
        about=title_of(booking),
        facts=(
            *_times(booking),
            *facts,
            *place_of(booking),
            *_whom_to_tell(booking),
            *_address(booking),
        ),
        link=link or Link("Manage it", _page(booking)),
        **parts,
    )


def _times(booking: Booking) -> tuple[tuple[str, str], ...]:
    """In the consultant's zone, and in the invitee's where that reads differently."""
    own = span(booking.start_time, booking.end_time, booking.user.zone)
    theirs = span(booking.start_time, booking.end_time, invitee_zone(booking))
    both = (("When", own), (f"For {invitee_name(booking)}", theirs))
    return both if own != theirs else both[:1]


def _whom_to_tell(booking: Booking) -> tuple[tuple[str, str], ...]:
    """Who waits to hear where the video call is, if no calendar says so."""
    if not lacks_link(booking):
        return ()
    told = f"Please tell {invitee_name(booking)} how to join: your calendar has made none."
    return (("Video call", told),)


def _address(booking: Booking) -> tuple[tuple[str, str], ...]:
    email = one_line(booking.invitee_email)
    return (("E-mail", email),) if email else ()


def _said(booking: Booking) -> tuple[tuple[str, str], ...]:
    """What the invitee wrote. (A row of the website may hold answers that are no texts.)"""
    said = (*answers_of(booking)[:MOST_ANSWERS], ("Notes", booking.invitee_notes))
    quotes = ((one_line(asked), several_lines(str(answer))) for asked, answer in said)
    return tuple((asked, answer) for asked, answer in quotes if answer)


def _reason(booking: Booking) -> tuple[tuple[str, str], ...]:
    reason = several_lines(booking.cancellation_reason)
    return (("Reason", reason),) if reason else ()


def _page(booking: Booking) -> str:
    return settings.PUBLIC_URL + reverse("admin:bookings_booking_change", args=[booking.pk])
