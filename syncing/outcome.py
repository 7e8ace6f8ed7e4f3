"""What a sync run leaves behind: the connection's state, its next look, and the end of the log."""

from datetime import datetime
from time import monotonic
from uuid import UUID

from django.conf import settings
from django.db.models import Case, F, Value, When
from django.db.models.functions import Coalesce, Greatest, Least

from connections.fields import SecretUnreadable
from connections.models import CalendarConnection, SyncStatus
from connections.providers.base import AccessRevoked, ProviderError, RateLimited, Window, unexpected
from connections.push import PUSH
from syncing import cadence
from syncing.models import SyncLog, SyncLogStatus


class SecondLookNeeded(Exception):
    """A full round shows almost nothing of a busy calendar: ask again before believing it."""


def record_success(
    connection: CalendarConnection, *, now: datetime, sync_token: str, full_window: Window | None
) -> None:
    """Note a round that began at ``now``; ``full_window`` is what a full one covered."""
    changes = {
        "sync_token": sync_token,
        "last_synced_at": now,  # what changed while the pages were read may be missing
        "sync_status": SyncStatus.SYNCED,
        "sync_error": None,
        "failure_count": 0,
        "not_before": None,
        "access_refused_at": None,
        "reconnect_needed_at": None,
        "reconnect_mailed_at": None,
        "reconnect_mail_not_before": None,
        "reconnect_mail_tries": 0,
        "lease_id": None,
        "lease_expires_at": None,
        "next_sync_at": _unless_requested_since(
            now, now + cadence.poll_interval(connection, now=now)
        ),
    }
    if full_window and settings.PUSH_ADDRESS and connection.provider in PUSH:
        # A calendar that cannot be watched is asked for anew with each full sync.
        changes["next_watch_at"] = Coalesce("next_watch_at", Value(now))
    if full_window:
        changes |= {
            "sync_scope": cadence.scope(connection),
            "synced_from": full_window.start,
            "synced_until": full_window.end,
            "last_full_sync_at": now,
            "emptied_at": None,
            "full_sync_requested": Case(
                When(sync_requested_at__gt=now, then=F("full_sync_requested")),
                default=Value(False),
            ),
        }
    CalendarConnection.objects.filter(pk=connection.pk).update(**changes)


def record_failure(
    connection: CalendarConnection, lease_id: UUID, error: Exception, *, now: datetime
) -> None:
    """Say on the row what went wrong and when to try again. The rows and the token stay."""
    failures = connection.failure_count + 1
    delay = cadence.delay_after(error, failures=failures)
    changes = {
        "sync_status": SyncStatus.ERROR,
        "sync_error": for_people(error),
        "failure_count": failures,
        "lease_id": None,
        "lease_expires_at": None,
        "next_sync_at": _unless_requested_since(now, now + delay),
    }
    if isinstance(error, SecondLookNeeded):
        changes |= {
            "emptied_at": connection.emptied_at or now,
            "full_sync_requested": True,
            "next_sync_at": now + cadence.SECOND_LOOK_AFTER,
        }
    if isinstance(error, RateLimited):  # whoever else wants it read meanwhile
        changes |= {"not_before": now + delay, "next_sync_at": now + delay}
    held = CalendarConnection.objects.filter(pk=connection.pk, lease_id=lease_id)
    if not held.update(**changes):
        return
    if isinstance(error, AccessRevoked):
        _record_refusal(connection, now=now)
    if isinstance(error, RateLimited):
        _hold_back(connection, until=now + delay)


def _hold_back(connection: CalendarConnection, *, until: datetime) -> None:
    """Quotas are an account's: its other calendars wait as well."""
    others = CalendarConnection.objects.of_account(connection).exclude(next_sync_at=None)
    others.update(
        not_before=Greatest("not_before", Value(until)),
        next_sync_at=Greatest("next_sync_at", Value(until)),
    )


def _record_refusal(connection: CalendarConnection, *, now: datetime) -> None:
    """A second refusal in a row is a real one: stop calling until the consultant reconnects."""
    account = CalendarConnection.objects.of_account(connection)
    # The provider may have said so in plain words when the account's token was to be renewed.
    is_certain = account.exclude(reconnect_needed_at=None).exists()
    if is_certain or connection.access_refused_at:
        account.update(reconnect_needed_at=now, next_sync_at=None)
    else:
        account.update(access_refused_at=now)


def _unless_requested_since(started_at: datetime, next_sync_at: datetime) -> Case:
    """The next look; at once where a sync was requested while this one was running.

    Soon where a notification came before the provider's list was sure to show the change.
    """
    return Case(
        When(sync_requested_at__gt=started_at, then=F("sync_requested_at")),
        When(look_again_at__gt=started_at, then=Least("look_again_at", Value(next_sync_at))),
        default=Value(next_sync_at),
    )


def finish(
    log: SyncLog, status: SyncLogStatus, began: float, error: Exception | str | None = None
) -> None:
    """Close the log of a run that began at ``began`` on the monotonic clock."""
    log.status = status
    log.error_message = error if error is None or isinstance(error, str) else for_people(error)
    log.duration_ms = round((monotonic() - began) * 1000)
    log.save()


def for_people(error: Exception) -> str:
    """What the log of a run and the desk say of it: a known error says itself."""
    if isinstance(error, (ProviderError, SecretUnreadable, SecondLookNeeded)):
        return str(error)
    return unexpected(error)
