"""What the consultant says to changes that came from the calendar: their word, and their undo."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from bookings import changes
from bookings.models import Booking, EventDoubt, EventFinding
from bookings.refusals import CALENDAR_NOT_FREE, NotChangeable, refused_where_busy
from bookings.states import BookingStatus, ChangedBy, EventState
from connections.models import Consultant

UNDO_SHOWN = timedelta(days=7)


def undecided(consultant: Consultant) -> QuerySet[EventDoubt]:
    """What waits for the consultant's word: deletions that were too many, moves that do not fit."""
    waiting = EventDoubt.objects.filter(booking__user=consultant, waits_for_word=True)
    return waiting.select_related("booking").order_by("booking__start_time")


def cancel_deleted(consultant: Consultant, *, now: datetime) -> int:
    """Yes, cancel these: the bookings whose events were deleted. Says how many it cancelled."""
    return sum(
        doubt.settle(
            status=BookingStatus.CANCELLED,
            changed_by=ChangedBy.CONSULTANT,
            cancelled_at=now,
        )
        for doubt in undecided(consultant).filter(finding=EventFinding.GONE)
    )


def write_back(doubts: QuerySet[EventDoubt], *, now: datetime) -> int:
    """No: the bookings stand, and their events are brought back to them. Says how many."""
    due = {"event_state": EventState.DUE, "event_due_at": now, "event_not_before": None}
    return sum(doubt.settle(**due, event_attempts=0) for doubt in doubts)


def brought_by_calendar(consultant: Consultant, *, now: datetime) -> QuerySet[Booking]:
    """Bookings that a change in the calendar cancelled or moved lately, and that can be undone."""
    cancelled = Q(status=BookingStatus.CANCELLED, cancelled_at__gt=now - UNDO_SHOWN)
    moved = Q(status=BookingStatus.CONFIRMED, moved_from__gt=now, updated_at__gt=now - UNDO_SHOWN)
    theirs = Booking.objects.filter(user=consultant, changed_by=ChangedBy.CALENDAR)
    return theirs.filter(cancelled | moved, start_time__gt=now).order_by("start_time")


def take_back(booking: Booking, *, now: datetime) -> None:
    """Undo what a change in the calendar did; the event follows.

    Raises ``NotChangeable`` when there is nothing to undo any more, ``SlotTaken`` when the time is
    not free.
    """
    if booking.changed_by != ChangedBy.CALENDAR:
        raise NotChangeable("This booking was changed since.")
    if booking.is_cancelled:
        changes.restore(booking, now=now)
    else:
        _move_back(booking, now=now)


def _move_back(booking: Booking, *, now: datetime) -> None:
    """Where it was it need not be offered any more; the table's guard says whether it is free."""
    if booking.moved_from is None or booking.moved_from <= now:
        raise NotChangeable("The booking's former time is past.")
    unchanged = Booking.objects.filter(
        pk=booking.pk, sequence=booking.sequence, status=BookingStatus.CONFIRMED
    )
    with refused_where_busy(CALENDAR_NOT_FREE), transaction.atomic(durable=True):
        unchanged.update(
            start_time=booking.moved_from,
            end_time=booking.moved_from + _length(booking),
            changed_by=ChangedBy.CONSULTANT,
        )
    booking.refresh_from_db()


def _length(booking: Booking) -> timedelta:
    """Its meeting type's, which a change of the event's end in the calendar does not touch."""
    own = booking.meeting_type and booking.meeting_type.duration
    return timedelta(minutes=own) if own else booking.duration
