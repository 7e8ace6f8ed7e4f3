"""Push: watches are opened, renewed in time, and stopped, one per calendar or one per account.

A watch is only ever a faster way to learn of a change: without one a calendar is polled, and polled
often. The next look at a watch is ``next_watch_at``; whoever is at one moves that on first, so that
nobody else opens a second one meanwhile. No transaction is open while the provider is asked.
"""

import logging
from datetime import datetime, timedelta
from secrets import token_urlsafe
from uuid import UUID

from django.conf import settings
from django.db import transaction

from connections.adapters import open_adapter
from connections.due_rows import CLAIM
from connections.fields import Secret, SecretUnreadable
from connections.models import CalendarConnection, CalendarConnectionQuerySet
from connections.providers.base import ProviderError, PushUnsupported, Watch
from connections.push import NO_WATCH, PUSH, stop_watches, stored_watch
from connections.tokens import with_fresh_token
from syncing import cadence
from syncing.outcome import for_people

logger = logging.getLogger(__name__)

RENEW_BEFORE = timedelta(hours=36)
SOONEST = timedelta(minutes=10)
# Failures are not counted: the calendar is polled meanwhile, so there is no hurry.
PATIENT = 4


def keep_watch(connection_id: UUID, *, due_at: datetime, now: datetime) -> None:
    """Open or renew the watch that is due, unless somebody has been at it since ``due_at``.

    That of a calendar which is switched off is stopped. A provider's failure is recorded on the
    rows, not raised.
    """
    connection = _claim(connection_id, due_at=due_at, now=now)
    if connection is None:
        return
    if connection.is_active:
        _open_or_renew(connection, now=now)
    else:
        _stop(connection, now=now)


def _open_or_renew(connection: CalendarConnection, *, now: datetime) -> None:
    try:
        watch = with_fresh_token(connection, lambda: _ask(connection))
    except PushUnsupported as error:
        _watched_with(connection).update(next_watch_at=None, watch_error=str(error))
    except (ProviderError, SecretUnreadable) as error:
        next_try = now + cadence.delay_after(error, failures=PATIENT)
        _watched_with(connection).update(next_watch_at=next_try, watch_error=for_people(error))
        logger.warning("No watch for connection %s: %s", connection.pk, for_people(error))
    else:
        stop_watches(connection, _store(connection, watch, now=now))


def renewal_due(watch: Watch, *, now: datetime) -> datetime:
    """A day and a half before it ends; for a short-lived one, halfway."""
    lead = min(RENEW_BEFORE, (watch.expires_at - now) / 2)
    return max(watch.expires_at - lead, now + SOONEST)


def _stop(connection: CalendarConnection, *, now: datetime) -> None:
    """End the watch at the provider if no other calendar lives by it, and forget it here.

    What fails is tried again until the watch has run out by itself.
    """
    try:
        if cadence.has_live_watch(connection, now=now) and not _is_used_by_others(connection):
            watch = stored_watch(connection)
            with_fresh_token(connection, lambda: open_adapter(connection).stop_watch(watch))
    except (ProviderError, SecretUnreadable) as error:
        changes = {"next_watch_at": now + cadence.delay_after(error, failures=PATIENT)}
        logger.warning("A watch of connection %s goes on: %s", connection.pk, for_people(error))
    else:
        changes = {**NO_WATCH, "next_watch_at": None, "watch_error": ""}
    # Unless it was switched on again meanwhile: whoever sees to that finds a watch to renew.
    row = CalendarConnection.objects.filter(pk=connection.pk, next_watch_at=now + CLAIM)
    row.update(**changes)


def _is_used_by_others(connection: CalendarConnection) -> bool:
    shared = connection.webhook_subscription_id
    account = CalendarConnection.objects.active().of_account(connection)
    return bool(shared) and account.filter(webhook_subscription_id=shared).exists()


@transaction.atomic
def _claim(connection_id: UUID, *, due_at: datetime, now: datetime) -> CalendarConnection | None:
    """The connection, if its watch is still due; it and all that share the watch are moved on."""
    connection = CalendarConnection.objects.filter(pk=connection_id).first()
    if connection is None:
        return None
    rows = _watched_with(connection)
    locked = {row.pk: row for row in rows.select_for_update().order_by("pk")}
    if connection_id not in locked or locked[connection_id].next_watch_at != due_at:
        return None
    rows.update(next_watch_at=now + CLAIM)
    return locked[connection_id]


def _ask(connection: CalendarConnection) -> Watch:
    """A watch for another while: the network call."""
    adapter = open_adapter(connection)
    address = f"{settings.PUSH_ADDRESS}/{connection.provider}/"
    for row in _watched_with(connection):
        if known := stored_watch(row):
            return adapter.renew_watch(connection.calendar_id, known, address=address)
    return adapter.watch(connection.calendar_id, address=address, secret=token_urlsafe(32))


@transaction.atomic
def _store(connection: CalendarConnection, watch: Watch, *, now: datetime) -> list[Watch]:
    """Put the watch on its rows and make them due, for what changed before it told of changes.

    Returns those whose place it takes; the new one itself if its calendars were given up meanwhile.
    """
    rows = _watched_with(connection)
    known = [stored_watch(row) for row in rows.select_for_update().order_by("pk")]
    if not known:
        return [watch]
    column = "webhook_subscription_id" if _is_shared(connection) else "webhook_channel_id"
    rows.update(
        **{column: watch.watch_id},
        webhook_resource_id=watch.resource_id,
        webhook_secret=Secret.of(watch.secret),
        webhook_expiration=watch.expires_at,
        next_watch_at=renewal_due(watch, now=now),
        watch_error="",
    )
    rows.request_sync(now)
    replaced = {one.watch_id: one for one in known if one and one.watch_id != watch.watch_id}
    return list(replaced.values())


def _watched_with(connection: CalendarConnection) -> CalendarConnectionQuerySet:
    """The rows that one watch serves: all the active ones of the account, or this one alone."""
    rows = CalendarConnection.objects.filter(is_active=connection.is_active)
    if connection.is_active and _is_shared(connection):
        return rows.of_account(connection)
    return rows.filter(pk=connection.pk)


def _is_shared(connection: CalendarConnection) -> bool:
    return PUSH[connection.provider].is_per_account
