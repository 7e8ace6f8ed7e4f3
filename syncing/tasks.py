"""What the worker does for sync. Tasks carry ids only and may run twice."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django_q.tasks import async_task

from connections.models import CalendarConnection
from syncing.engine import sync_connection
from syncing.models import SyncLog, SyncLogStatus

# A connection handed to a worker that never reports back is handed out again after this time.
PATIENCE = timedelta(seconds=150)
AT_ONCE = 50

KEEP_LOGS = timedelta(days=30)
KEEP_UNEVENTFUL_LOGS = timedelta(days=2)


def dispatch_due(now: datetime) -> int:
    """Hand every due connection to a worker, the longest waiting first. Safe to run at once."""
    with transaction.atomic():
        due = CalendarConnection.objects.due(now).select_for_update(skip_locked=True)
        ids = list(due.values_list("pk", flat=True)[:AT_ONCE])
        CalendarConnection.objects.filter(pk__in=ids).update(next_sync_at=now + PATIENCE)
        for connection_id in ids:
            async_task("syncing.tasks.sync", str(connection_id))
    return len(ids)


def sync(connection_id: str) -> None:
    sync_connection(UUID(connection_id), now=timezone.now())


def prune_logs() -> None:
    """Forget old runs; those that changed nothing much sooner than the others."""
    now = timezone.now()
    uneventful = Q(
        status=SyncLogStatus.COMPLETED, events_created=0, events_updated=0, events_deleted=0
    )
    SyncLog.objects.filter(created_at__lt=now - KEEP_LOGS).delete()
    SyncLog.objects.filter(uneventful, created_at__lt=now - KEEP_UNEVENTFUL_LOGS).delete()
