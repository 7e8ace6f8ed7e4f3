"""What the worker does for sync. Tasks carry ids only and may run twice."""

from datetime import datetime, timedelta
from time import monotonic
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django_q.tasks import async_task

from connections.models import CalendarConnection
from syncing import reconnect, turns, watches
from syncing.engine import sync_connection
from syncing.models import SyncLog, SyncLogStatus
from syncing.verification import verify

SHIFT_SECONDS = 5  # for which a worker goes on with the calendars of one lane

KEEP_LOGS = timedelta(days=30)
KEEP_UNEVENTFUL_LOGS = timedelta(days=2)


def dispatch_due(now: datetime) -> int:
    """Hand every due sync, watch and mail to a worker, the longest waiting first.

    Safe to run at once.
    """
    watches_due = _dispatch_watches(now) if settings.PUSH_ADDRESS else 0
    return _dispatch_syncs(now) + watches_due + _dispatch_mail(now)


@transaction.atomic
def _dispatch_syncs(now: datetime) -> int:
    ids = turns.hand_out(now)
    for connection_id in ids:
        async_task("syncing.tasks.sync", str(connection_id))
    return len(ids)


@transaction.atomic
def _dispatch_watches(now: datetime) -> int:
    due = CalendarConnection.objects.needing_watch(now).select_for_update(skip_locked=True)
    ids = list(due.values_list("pk", flat=True)[: turns.AT_ONCE])
    again_at = now + turns.PATIENCE
    CalendarConnection.objects.filter(pk__in=ids).update(next_watch_at=again_at)
    for connection_id in ids:
        async_task("syncing.tasks.keep_watch", str(connection_id), again_at.isoformat())
    return len(ids)


@transaction.atomic
def _dispatch_mail(now: datetime) -> int:
    """One at a time: there is a next sweep."""
    handed_out = reconnect.hand_out(now=now)
    if handed_out is None:
        return 0
    connection_id, until = handed_out
    async_task("syncing.tasks.mail_reconnect", str(connection_id), until.isoformat())
    return 1


def sync(connection_id: str) -> None:
    """Sync a calendar, and then those that wait in the same lane, for as long as a shift lasts."""
    until = monotonic() + SHIFT_SECONDS
    turn: UUID | None = UUID(connection_id)
    lane = turns.lane_of(turn)
    while turn:
        try:
            sync_connection(turn, now=timezone.now())
        finally:
            turns.give_back(turn)
        turn = turns.next_of(lane, timezone.now()) if monotonic() < until else None


def keep_watch(connection_id: str, due_at: str) -> None:
    """``due_at`` is what the row said when this was handed out: whoever is first moves it on."""
    watches.keep_watch(
        UUID(connection_id), due_at=datetime.fromisoformat(due_at), now=timezone.now()
    )


def mail_reconnect(connection_id: str, claimed_until: str) -> None:
    """``claimed_until`` is what the row said when this was handed out, as above."""
    until = datetime.fromisoformat(claimed_until)
    reconnect.mail_consultant(UUID(connection_id), claimed_until=until, now=timezone.now())


def verify_calendars() -> None:
    """Give every calendar that can be asked its turn to be verified."""
    reachable = CalendarConnection.objects.reachable()
    for connection_id in reachable.values_list("pk", flat=True):
        async_task("syncing.tasks.verify_calendar", str(connection_id))


def verify_calendar(connection_id: str) -> None:
    if connection := CalendarConnection.objects.active().filter(pk=connection_id).first():
        verify(connection, now=timezone.now())


def prune_logs() -> None:
    """Forget old runs; those that changed nothing much sooner than the others."""
    now = timezone.now()
    uneventful = Q(
        status=SyncLogStatus.COMPLETED, events_created=0, events_updated=0, events_deleted=0
    )
    SyncLog.objects.filter(created_at__lt=now - KEEP_LOGS).delete()
    SyncLog.objects.filter(uneventful, created_at__lt=now - KEEP_UNEVENTFUL_LOGS).delete()
