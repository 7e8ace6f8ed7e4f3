"""What the worker does for bookings. Tasks carry ids only and may run twice."""

from datetime import datetime
from uuid import UUID

from django.utils import timezone

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
from connections.due_rows import hand_out

# --- what the sweeper calls, each by itself ------------------------------------------------------


def cancel_expired_holds(now: datetime) -> int:
    return holds.cancel_expired(now=now)


def lapse_requests(now: datetime) -> int:
    return changes.lapse_requests(now=now)


def give_tokens(now: datetime) -> int:
    return tokens.give_tokens()


def requeue_unwritten(now: datetime) -> int:
    return writeback.requeue_unwritten(now=now)


def owe_alarms(now: datetime) -> None:
    owed.owe_alarms()


def raise_doubts(now: datetime) -> None:
    reconcile.raise_doubts(now=now)


def dispatch_due(now: datetime) -> int:
    """Hand every event, look, mail and delivery that is due to the workers."""
    events = Booking.objects.event_due(now)
    return (
        hand_out(events, "bookings.tasks.write_event", due_field="event_due_at", now=now)
        + hand_out(EventDoubt.objects.due(now), "bookings.tasks.look_at_event", now=now)
        + hand_out(BookingMail.objects.due(now), "bookings.tasks.send_mail", now=now)
        + hand_out(WebhookDelivery.objects.due(now), "bookings.tasks.deliver", now=now)
    )


# --- what a worker does --------------------------------------------------------------------------


def make_haste() -> None:
    """For what has just been written from outside; the sweeper would come to it in a moment."""
    tokens.give_tokens()
    dispatch_due(timezone.now())


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
