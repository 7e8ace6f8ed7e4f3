"""The letters to invitees. None of them holds anything that an invitee typed."""

from datetime import datetime

from django.conf import settings
from django.urls import reverse

from bookings.booking_mails import BookingMail
from bookings.emails.letters import Invitation, Letter, Link
from bookings.ics import invitation
from bookings.models import Booking
from bookings.states import ChangedBy
from bookings.tokens import manage_url
from bookings.wording import (
    consultant_name,
    former_time,
    invitee_zone,
    lacks_link,
    length_of,
    place_of,
    several_lines,
    span,
    title_of,
)

CONSULTANT = {ChangedBy.CONSULTANT, ChangedBy.CALENDAR}
OURS = CONSULTANT | {ChangedBy.SYSTEM}  # whose words are not an invitee's


def confirmation(mail: BookingMail, now: datetime) -> Letter:
    return _letter(
        mail.booking,
        subject="Confirmed: {about}",
        heading="Your booking is confirmed",
        closing=_to_reach("The attached file adds it to your calendar. ", mail.booking),
        invitation=_invitation(mail, "REQUEST"),
    )


def request(mail: BookingMail, now: datetime) -> Letter:
    consultant = consultant_name(mail.booking.user)
    return _letter(
        mail.booking,
        subject="Received: your request for {about}",
        heading="Your request was received",
        before=(
            f"{consultant} confirms or declines it. Until then the time is kept for you; "
            "you get another mail as soon as it is decided.",
        ),
        link=Link("See or withdraw your request", manage_url(mail.booking)),
        closing=_to_reach("", mail.booking),
    )


def refusal(mail: BookingMail, now: datetime) -> Letter:
    """Where nobody answered, the reason that calsync gave says so."""
    booking = mail.booking
    return _letter(
        booking,
        subject="Declined: {about}",
        heading="Your request was declined",
        quotes=_reason(booking),
        link=_book_again(booking),
        closing=_to_reach("", booking),
    )


def change(mail: BookingMail, now: datetime) -> Letter:
    booking = mail.booking
    by_consultant = f"{consultant_name(booking.user)} moved your booking"
    headings = {
        ChangedBy.INVITEE: "You moved your booking",
        **dict.fromkeys(CONSULTANT, by_consultant),
    }
    return _letter(
        booking,
        subject="Moved: {about}",
        heading=headings.get(booking.changed_by, "Your booking was moved"),
        facts=former_time(booking, invitee_zone(booking)),
        closing=_to_reach("The attached file moves it in your calendar. ", booking),
        invitation=_invitation(mail, "REQUEST"),
    )


def cancellation(mail: BookingMail, now: datetime) -> Letter:
    booking = mail.booking
    by_consultant = f"{consultant_name(booking.user)} cancelled your booking"
    headings = {
        ChangedBy.INVITEE: "You cancelled your booking",
        **dict.fromkeys(CONSULTANT, by_consultant),
    }
    return _letter(
        booking,
        subject="Cancelled: {about}",
        heading=headings.get(booking.changed_by, "Your booking was cancelled"),
        quotes=_reason(booking),
        link=_book_again(booking),
        closing=_to_reach("The attached file takes it out of your calendar. ", booking),
        invitation=_invitation(mail, "CANCEL"),
    )


def reminder(mail: BookingMail, now: datetime) -> Letter:
    left = length_of(mail.booking.start_time - now)
    return _letter(
        mail.booking,
        subject=f"In {left}: {{about}}",
        heading=f"Your booking begins in {left}",
        closing=_to_reach("", mail.booking),
    )


def conference(mail: BookingMail, now: datetime) -> Letter:
    """The link that an earlier mail could not tell yet."""
    return _letter(
        mail.booking,
        subject="Link of your video call: {about}",
        heading="Here is the link of your video call",
        closing=_to_reach("The attached file adds it to your calendar. ", mail.booking),
        invitation=_invitation(mail, "REQUEST"),
    )


def _letter(
    booking: Booking, *, subject: str, facts: tuple = (), link: Link | None = None, **parts
) -> Letter:
    """With what every letter to an invitee says. ``{about}`` in a subject is what was booked."""
    about = f"{title_of(booking)} with {consultant_name(booking.user)}"
    when = span(booking.start_time, booking.end_time, invitee_zone(booking))
    return Letter(
        to=booking.invitee_email,
        reply_to=booking.user.email,
        subject=subject.replace("{about}", about),
        about=about,
        facts=(("When", when), *facts, *place_of(booking), *_who_tells(booking)),
        link=link or Link("See, move or cancel your booking", manage_url(booking)),
        **parts,
    )


def _who_tells(booking: Booking) -> tuple[tuple[str, str], ...]:
    """Where the video call is, if no calendar says so."""
    if not lacks_link(booking):
        return ()
    return (("Video call", f"{consultant_name(booking.user)} will tell you how to join."),)


def _reason(booking: Booking) -> tuple[tuple[str, str], ...]:
    """Why, in the consultant's words or calsync's; never in those of an invitee."""
    if booking.changed_by not in OURS or not booking.cancellation_reason.strip():
        return ()
    return (("Reason", several_lines(booking.cancellation_reason)),)


def _book_again(booking: Booking) -> Link:
    page = settings.PUBLIC_URL + reverse("book", args=[booking.user.slug])
    return Link("Book another time", page)


def _to_reach(first: str, booking: Booking) -> str:
    return f"{first}To reach {consultant_name(booking.user)}, reply to this mail."


def _invitation(mail: BookingMail, method: str) -> Invitation:
    file = invitation(mail.booking, method=method, stamp=mail.created_at)
    return Invitation(file, method)
