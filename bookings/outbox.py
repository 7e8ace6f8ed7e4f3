"""Sends each mail that a booking owes, once.

Two workers never send the same mail. Only one that dies after the mail server took it, and before
that is on record, has it sent again: the same mail under the same Message-ID, which the receiving
server takes for the one it has.
"""

from datetime import datetime, timedelta
from smtplib import SMTPException, SMTPRecipientsRefused, SMTPServerDisconnected
from uuid import UUID

from django.db.models import F
from django.db.models.functions import Coalesce, Least

from bookings.booking_mails import OUTDATED, BookingMail
from bookings.emails import AddressUnusable, message_for
from bookings.owed import owe_link
from bookings.tokens import ManageTokenLost
from connections.due_rows import CLAIM
from connections.providers.base import unexpected
from syncing.cadence import delay_after

SENDING = timedelta(minutes=1)  # longer than one mail may take (EMAIL_TIMEOUT)
PAUSE = timedelta(minutes=1)  # for all mails, when the mail server does not answer
EXPECTED = (SMTPException, OSError, ManageTokenLost, AddressUnusable)


def send_mail(mail_id: UUID, *, now: datetime) -> None:
    """Send the mail, if it is owed and nobody else is at it.

    What the mail server says against it stands on the row and it is tried again; only a bug raises.
    """
    mail = _claim(mail_id, now=now)
    if mail is None:
        return
    if mail.is_outdated(now):
        _finish(mail, error=OUTDATED)
        return
    try:
        message_for(mail, now=now).send()
    except Exception as error:
        _record_failure(mail, error, now=now)
        if not isinstance(error, EXPECTED):
            raise
    else:
        _finish(mail, sent_at=now)
        if mail.booking.has_conference and not mail.booking.conference_url:
            owe_link(mail.booking)  # it may have become known while the mail was being sent


def send_again(mail: BookingMail, *, now: datetime) -> bool:
    """Try soon what was not sent so far. A worker that may be at it just now keeps its time."""
    moment = Least(Coalesce(F("not_before"), now), now + SENDING)
    unsent = BookingMail.objects.filter(pk=mail.pk, sent_at=None)
    return bool(unsent.update(due_at=moment, not_before=moment))


def _claim(mail_id: UUID, *, now: datetime) -> BookingMail | None:
    """The row, if this worker is the one to send it: compare and set, then commit."""
    claimed = (
        BookingMail.objects.startable(now)
        .filter(pk=mail_id)
        .update(due_at=now + CLAIM, not_before=now + CLAIM, attempts=F("attempts") + 1)
    )
    mails = BookingMail.objects.select_related(
        "booking__user__booking_settings", "booking__meeting_type"
    )
    return mails.get(pk=mail_id) if claimed else None


def _record_failure(mail: BookingMail, error: Exception, *, now: datetime) -> None:
    """Say what went wrong, and when to try again."""
    if _is_final(error):
        _finish(mail, error=_for_people(error))
        return
    next_try = now + delay_after(error, failures=mail.attempts)
    BookingMail.objects.filter(pk=mail.pk).update(
        due_at=next_try, not_before=next_try, error=_for_people(error)
    )
    if _is_silence(error):
        _pause(now=now)


def _pause(*, now: datetime) -> None:
    """Each mail that is about to go would find the server as silent, and keep a worker as long."""
    about_to_go = BookingMail.objects.startable(now).filter(due_at__lte=now + CLAIM)
    about_to_go.update(not_before=now + PAUSE)


def _finish(mail: BookingMail, *, sent_at: datetime | None = None, error: str = "") -> None:
    """Sent, or given up for a reason."""
    BookingMail.objects.filter(pk=mail.pk).update(
        due_at=None, not_before=None, sent_at=sent_at, error=error
    )


def _is_final(error: Exception) -> bool:
    """Whether the address is none, or the server will never take mail for it (RFC 5321, 4.2.1)."""
    if isinstance(error, SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())
    return isinstance(error, AddressUnusable)


def _is_silence(error: Exception) -> bool:
    """Whether the mail server was not reached, or broke off. (SMTPException is an OSError.)"""
    if isinstance(error, SMTPException):
        return isinstance(error, SMTPServerDisconnected)
    return isinstance(error, OSError)


def _for_people(error: Exception) -> str:
    if isinstance(error, SMTPRecipientsRefused):
        replies = (
            f"{code} {reply.decode(errors='replace')}" for code, reply in error.recipients.values()
        )
        return "The mail server refused the address: " + "; ".join(replies)
    if isinstance(error, EXPECTED):
        return f"The mail could not be sent: {error}"
    return unexpected(error)
