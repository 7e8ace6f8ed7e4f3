"""What each mail says. Times are in the reader's zone, and the zone is named.

Nothing an invitee typed is sent to the invitee's address: it may be a stranger's.
"""

from email.utils import format_datetime, parseaddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse

from bookings.ics import invitation
from bookings.models import Booking, BookingMail, MailKind
from bookings.tokens import manage_url
from bookings.wording import (
    answers_of,
    consultant_name,
    event_title,
    invitee_name,
    invitee_zone,
    one_line,
    span,
    title_of,
)


def message_for(mail: BookingMail) -> EmailMultiAlternatives:
    """The mail as it goes out: however often it is made, the same under the same Message-ID."""
    message = COMPOSERS[MailKind(mail.kind)](mail.booking)
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    message.extra_headers |= {
        "Message-ID": f"<{mail.pk}@{domain}>",
        "Date": format_datetime(mail.created_at),
        "Auto-Submitted": "auto-generated",  # no out-of-office replies, please (RFC 3834)
    }
    return message


def confirmation(booking: Booking) -> EmailMultiAlternatives:
    """To the invitee, with the event for their calendar."""
    context = {
        "title": title_of(booking),
        "consultant": consultant_name(booking),
        "when": span(booking.start_time, booking.end_time, invitee_zone(booking)),
        "location": one_line(booking.location),
        "manage_url": manage_url(booking),
    }
    message = _compose("confirmation", context)
    message.subject = f"Confirmed: {context['title']} with {context['consultant']}"
    message.to = [booking.invitee_email]
    message.reply_to = [booking.user.email]
    _attach_invitation(message, booking, method="REQUEST")
    return message


def consultant_notice(booking: Booking) -> EmailMultiAlternatives:
    """To the consultant, with all the invitee said."""
    context = {
        "title": title_of(booking),
        "invitee": invitee_name(booking),
        "email": one_line(booking.invitee_email),
        "when": span(booking.start_time, booking.end_time, booking.user.zone),
        "when_for_invitee": span(booking.start_time, booking.end_time, invitee_zone(booking)),
        "location": one_line(booking.location),
        "answers": answers_of(booking),
        "notes": booking.invitee_notes,
        "admin_url": settings.PUBLIC_URL
        + reverse("admin:bookings_booking_change", args=[booking.pk]),
    }
    message = _compose("consultant_notice", context)
    message.subject = f"New booking: {event_title(booking)}"
    message.to = [booking.user.email]
    message.reply_to = [booking.invitee_email]
    return message


COMPOSERS = {
    MailKind.CONFIRMATION: confirmation,
    MailKind.CONSULTANT_NOTICE: consultant_notice,
}


def _compose(template: str, context: dict[str, Any]) -> EmailMultiAlternatives:
    message = EmailMultiAlternatives(
        body=render_to_string(f"bookings/mail/{template}.txt", context)
    )
    html = render_to_string(f"bookings/mail/{template}.html", context)
    message.attach_alternative(html, "text/html")
    return message


def _attach_invitation(message: EmailMultiAlternatives, booking: Booking, *, method: str) -> None:
    """Once for mail programs that show an invitation, once as a file for those that do not."""
    file = invitation(booking, method=method)
    message.attach_alternative(file.decode(), f"text/calendar; method={method}")
    message.attach("invite.ics", file, "application/ics")
