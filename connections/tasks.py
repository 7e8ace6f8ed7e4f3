"""What the worker does for connections. Tasks carry ids only and may run twice."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django_q.tasks import async_task

from connections import departures
from connections.models import Departure

# What was handed to a worker that never reports back is handed out again after this time.
PATIENCE = timedelta(seconds=150)
AT_ONCE = 50


@transaction.atomic
def dispatch_due(now: datetime) -> int:
    """Have the providers told of every account that was disconnected. Safe to run at once."""
    due = Departure.objects.filter(due_at__lte=now).order_by("due_at")
    ids = list(due.select_for_update(skip_locked=True).values_list("pk", flat=True)[:AT_ONCE])
    Departure.objects.filter(pk__in=ids).update(due_at=now + PATIENCE)
    for departure_id in ids:
        async_task("connections.tasks.tell_provider", str(departure_id))
    return len(ids)


def tell_provider(departure_id: str) -> None:
    departures.tell_provider(UUID(departure_id), now=timezone.now())
