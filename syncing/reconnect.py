"""Tells a consultant once that an account must be connected again.

The claim to tell stands on the rows of the account, and is taken together with the task that does
it. It is given up by nobody: a mail that cannot be sent is tried again under the same claim. What
ends it is that the account works again; a later loss is then mailed again.
"""

import logging
from datetime import datetime
from smtplib import SMTPException
from uuid import UUID

from django.db import transaction

from connections.models import CalendarConnection
from syncing.cadence import delay_after
from syncing.emails import reconnect_mail

logger = logging.getLogger(__name__)

MOST_TRIES = 100  # two days


@transaction.atomic
def claim(*, now: datetime) -> UUID | None:
    """Claim one account whose consultant is to be told: one of its rows, or None if there is none.

    Two that claim at once take the rows in the same order: the second finds nothing left.
    """
    lost = CalendarConnection.objects.reconnect_unmailed().order_by("pk").first()
    if lost is None:
        return None
    account = CalendarConnection.objects.of_account(lost)
    list(account.select_for_update().order_by("pk"))
    unmailed = account.reconnect_unmailed().first()
    if unmailed is None:
        return None
    account.update(reconnect_mailed_at=now)
    return unmailed.pk


def mail_consultant(
    connection_id: UUID, *, claimed_at: datetime, failures: int, now: datetime
) -> datetime | None:
    """Send the mail if the account is still lost. Returns when to try again, if it must be.

    ``failures`` is how often it was tried before.
    """
    account = _account(connection_id, claimed_at)
    if not account:
        return None
    try:
        reconnect_mail(account, claimed_at=claimed_at).send()
    except (SMTPException, OSError) as error:
        kind = type(error).__name__  # its text names the consultant
        logger.warning("The mail to reconnect %s could not be sent (%s).", connection_id, kind)
        if failures + 1 < MOST_TRIES:
            return now + delay_after(error, failures=failures + 1)
    return None


def _account(connection_id: UUID, claimed_at: datetime) -> list[CalendarConnection]:
    """The calendars to name; none where the claim or the loss is over."""
    lost = CalendarConnection.objects.active().exclude(reconnect_needed_at=None)
    claimed = lost.filter(reconnect_mailed_at=claimed_at)
    if not (first := claimed.filter(pk=connection_id).first()):
        return []
    rows = claimed.of_account(first).select_related("user__booking_settings")
    return list(rows.order_by("calendar_name", "pk"))
