"""Which mail says what to whom, and what all mails have in common.

A composer makes the letter of one kind of mail to one recipient. Times are in the reader's zone,
and the zone is named. Nothing an invitee typed is sent to the invitee's address: it may be a
stranger's.
"""

from collections.abc import Callable
from datetime import datetime
from email.utils import format_datetime, parseaddr

from django.conf import settings
from django.core.mail import EmailMultiAlternatives

from bookings.booking_mails import BookingMail, MailKind, MailRecipient
from bookings.emails import of_conflicts, to_consultant, to_invitee
from bookings.emails.letters import AddressUnusable, Letter

__all__ = ["COMPOSERS", "AddressUnusable", "letter_of", "message_for"]

# Given the mail and the moment at which it is made.
Composer = Callable[[BookingMail, datetime], Letter]

COMPOSERS: dict[tuple[MailKind, MailRecipient], Composer] = {
    (MailKind.CONFIRMATION, MailRecipient.INVITEE): to_invitee.confirmation,
    (MailKind.CONSULTANT_NOTICE, MailRecipient.CONSULTANT): to_consultant.notice,
    (MailKind.REQUEST, MailRecipient.INVITEE): to_invitee.request,
    (MailKind.APPROVAL, MailRecipient.CONSULTANT): to_consultant.approval,
    (MailKind.REFUSAL, MailRecipient.INVITEE): to_invitee.refusal,
    (MailKind.WITHDRAWAL, MailRecipient.CONSULTANT): to_consultant.withdrawal,
    (MailKind.CHANGE, MailRecipient.INVITEE): to_invitee.change,
    (MailKind.CHANGE, MailRecipient.CONSULTANT): to_consultant.change,
    (MailKind.CANCELLATION, MailRecipient.INVITEE): to_invitee.cancellation,
    (MailKind.CANCELLATION, MailRecipient.CONSULTANT): to_consultant.cancellation,
    (MailKind.REMINDER, MailRecipient.INVITEE): to_invitee.reminder,
    (MailKind.CONFERENCE, MailRecipient.INVITEE): to_invitee.conference,
    (MailKind.CALENDAR_TROUBLE, MailRecipient.CONSULTANT): to_consultant.calendar_trouble,
    (MailKind.CONFLICT, MailRecipient.CONSULTANT): of_conflicts.conflict,
}


def letter_of(mail: BookingMail, *, now: datetime) -> Letter:
    return COMPOSERS[MailKind(mail.kind), MailRecipient(mail.recipient)](mail, now)


def message_for(mail: BookingMail, *, now: datetime) -> EmailMultiAlternatives:
    """The mail as it goes out: however often it is made, under the same Message-ID.

    Raises ``AddressUnusable``.
    """
    message = letter_of(mail, now=now).message()
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    message.extra_headers |= {
        "Message-ID": f"<{mail.pk}@{domain}>",
        "Date": format_datetime(mail.created_at),
        "Auto-Submitted": "auto-generated",  # no out-of-office replies, please (RFC 3834)
    }
    return message
