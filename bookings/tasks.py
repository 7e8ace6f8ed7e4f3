"""What the worker does for bookings. Tasks carry ids only and may run twice."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django_q.tasks import async_task

from bookings import (
    audit,
    changes,
    conflicts,
    deliveries,
    holds,
    outbox,
    owed,
    reconcile,
    tokens,
    writeback,
)
from bookings.booking_mails import BookingMail
from bookings.endpoints import WebhookDelivery
from bookings.models import Booking, EventDoubt

# What was handed to a worker and not seen to is handed out again after this time.
PATIENCE = timedelta(seconds=150)
AT_ONCE = 50


def dispatch_due(now: datetime | None = None) -> int:
    """See to what time alone brings about; then hand every due event and mail to a worker.

    Safe to run twice at once: a row that one sweeper hands out is skipped by the other.
    """
    now = now or timezone.now()
    holds.cancel_expired(now=now)
    changes.lapse_requests(now=now)
    tokens.give_tokens()
    writeback.requeue_unwritten(now=now)
    owed.owe_alarms()
    reconcile.raise_doubts(now=now)
    due = [
        (Booking.objects.event_due(now), "event_due_at", "bookings.tasks.write_event"),
        (EventDoubt.objects.due(now), "due_at", "bookings.tasks.look_at_event"),
        (BookingMail.objects.due(now), "due_at", "bookings.tasks.send_mail"),
        (WebhookDelivery.objects.due(now), "due_at", "bookings.tasks.deliver"),
    ]
    return sum(_hand_out(*rows, now=now) for rows in due)


def write_event(booking_id: str) -> None:
    writeback.write_event(UUID(booking_id), now=timezone.now())


def look_at_event(booking_id: str) -> None:
    reconcile.look(UUID(booking_id), now=timezone.now())


def owe_conflict_mails() -> None:
    conflicts.owe_mails(now=timezone.now())


def audit_invariants() -> None:
    audit.audit(now=timezone.now())


def send_mail(mail_id: str) -> None:
    outbox.send_mail(UUID(mail_id), now=timezone.now())


def deliver(delivery_id: str) -> None:
    deliveries.deliver(UUID(delivery_id), now=timezone.now())


def prune_deliveries() -> None:
    deliveries.prune(now=timezone.now())


@transaction.atomic
def _hand_out(due: QuerySet, due_field: str, task: str, *, now: datetime) -> int:
    ids = list(due.select_for_update(skip_locked=True).values_list("pk", flat=True)[:AT_ONCE])
    due.model.objects.filter(pk__in=ids).update(**{due_field: now + PATIENCE})
    for row_id in ids:
        async_task(task, str(row_id))
    return len(ids)
