"""What the worker does for connections. Tasks carry ids only and may run twice."""

from datetime import datetime
from uuid import UUID

from django.utils import timezone

from connections import departures
from connections.due_rows import hand_out
from connections.models import Departure


def dispatch_due(now: datetime) -> int:
    """Have the providers told of every account that was disconnected."""
    due = Departure.objects.filter(due_at__lte=now).order_by("due_at")
    return hand_out(due, "connections.tasks.tell_provider", now=now)


def tell_provider(departure_id: str) -> None:
    departures.tell_provider(UUID(departure_id), now=timezone.now())
