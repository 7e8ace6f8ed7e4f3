"""Tells a consultant once that an account must be connected again.

An account whose access is lost owes a mail until it is sent. The rows of the account say from when
on it may be tried; whoever moves that moment on, on all rows at once, has the mail to themselves
until then, be it the queue or a worker. Only a worker that dies after the mail server took the
mail, and before that is on record, has it sent again, under the same Message-ID. What ends it all
is that the account works again; a later loss is then mailed again.
"""

import logging
from datetime import datetime
from smtplib import SMTPException
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q

from connections.due_rows import CLAIM, PATIENCE
from connections.models import CalendarConnection, CalendarConnectionQuerySet
from syncing.cadence import delay_after
from syncing.emails import reconnect_mail

logger = logging.getLogger(__name__)

MOST_TRIES = 350  # a week
EXPECTED = (SMTPException, OSError)


def hand_out(*, now: datetime) -> tuple[UUID, datetime] | None:
    """One account whose mail is due, as one of its rows, and until when it is left to a worker."""
    due, until = _due(now), now + PATIENCE
    lost = due.order_by("pk").first()
    if lost and _change(lost, due, reconnect_mail_not_before=until):
        return lost.pk, until
    return None


def mail_consultant(connection_id: UUID, *, claimed_until: datetime, now: datetime) -> None:
    """Send the mail, if it is still owed and nobody else is at it; if it fails, say when again.

    ``claimed_until`` is what the row said when this was handed out: whoever is first moves it on.
    """
    until = now + CLAIM
    account = _claim(connection_id, claimed_until, until)
    if not account:
        return
    one, mine = account[0], CalendarConnection.objects.filter(reconnect_mail_not_before=until)
    try:
        reconnect_mail(account).send()
    except Exception as error:
        tries = one.reconnect_mail_tries + 1
        next_try = now + delay_after(error, failures=tries)
        _change(one, mine, reconnect_mail_not_before=next_try)
        if not isinstance(error, EXPECTED):
            raise
        _log(one, error, tries)
    else:
        _change(
            one,
            mine,
            reconnect_mailed_at=now,
            reconnect_mail_not_before=None,
            reconnect_mail_tries=0,
        )


def _due(now: datetime) -> CalendarConnectionQuerySet:
    may_be_tried = Q(reconnect_mail_not_before=None) | Q(reconnect_mail_not_before__lte=now)
    owed = CalendarConnection.objects.reconnect_unmailed()
    return owed.filter(may_be_tried, reconnect_mail_tries__lt=MOST_TRIES)


def _claim(
    connection_id: UUID, claimed_until: datetime, until: datetime
) -> list[CalendarConnection]:
    """The calendars to name; none where somebody else was first, or nothing is owed any more."""
    one = CalendarConnection.objects.filter(pk=connection_id).first()
    if one is None:
        return []
    owed = CalendarConnection.objects.reconnect_unmailed()
    return _change(
        one,
        owed.filter(reconnect_mail_not_before=claimed_until),
        reconnect_mail_not_before=until,
        reconnect_mail_tries=F("reconnect_mail_tries") + 1,
    )


@transaction.atomic
def _change(
    one: CalendarConnection, expected: CalendarConnectionQuerySet, **changes
) -> list[CalendarConnection]:
    """Compare and set: change all rows of the account, if some are as expected. Returns these.

    Two that come at once take the rows in the same order: the second finds nothing left.
    """
    account = CalendarConnection.objects.of_account(one)
    list(account.select_for_update().order_by("pk"))
    rows = expected.of_account(one).select_related("user__booking_settings")
    found = list(rows.order_by("calendar_name", "pk"))
    if found:
        account.update(**changes)
    return found


def _log(one: CalendarConnection, error: Exception, tries: int) -> None:
    kind = type(error).__name__  # its text names the consultant
    logger.warning("The mail to reconnect %s could not be sent (%s).", one.pk, kind)
    if tries >= MOST_TRIES:
        logger.error("The mail to reconnect %s is given up.", one.pk)
