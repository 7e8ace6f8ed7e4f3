"""What the worker does for bookings. Tasks carry ids only and may run twice."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django_q.tasks import async_task

from bookings import changes, holds, outbox, tokens, writeback
from bookings.models import Booking, BookingMail

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
    events = Booking.objects.event_due(now)
    mails = BookingMail.objects.due(now)
    return _hand_out(events, "event_due_at", "bookings.tasks.write_event", now=now) + _hand_out(
        mails, "due_at", "bookings.tasks.send_mail", now=now
    )


def write_event(booking_id: str) -> None:
    writeback.write_event(UUID(booking_id), now=timezone.now())


def send_mail(mail_id: str) -> None:
    outbox.send_mail(UUID(mail_id), now=timezone.now())


@transaction.atomic
def _hand_out(due: QuerySet, due_field: str, task: str, *, now: datetime) -> int:
    ids = list(due.select_for_update(skip_locked=True).values_list("pk", flat=True)[:AT_ONCE])
    due.model.objects.filter(pk__in=ids).update(**{due_field: now + PATIENCE})
    for row_id in ids:
        async_task(task, str(row_id))
    return len(ids)
