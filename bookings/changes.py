"""What happens to a booking once it is made: approval, cancellation, a move, and taking back.

Every change is one UPDATE that compares before it sets, so that of two people who decide at once
one does. The table's triggers check the time anew, raise the sequence, and make the calendar event
and the mails due with the same commit. To ask twice for what is so already is no error.
"""

from datetime import datetime, timedelta

from django.db import connection, transaction

from bookings.models import Booking
from bookings.refusals import (
    CALENDAR_NOT_FREE,
    NotChangeable,
    SlotTaken,
    TooLate,
    refused_where_busy,
)
from bookings.slot_requests import OFFERED_SLOT, SlotRequest, require_free
from bookings.states import BookingStatus, ChangedBy

SHORTEST_SLOT = timedelta(minutes=5)
MOVED = "The request was moved since you opened this page. Please look again."

MOVE_WHERE_OFFERED = f"""
UPDATE public.bookings SET
  start_time = slot_start, end_time = slot_end, buffer_before = slot.buffer_before,
  buffer_after = slot.buffer_after, reschedule_count = reschedule_count + 1,
  changed_by = %(changed_by)s
FROM {OFFERED_SLOT} AS slot
WHERE id = %(ignored)s AND status = %(status)s AND sequence = %(sequence)s
"""  # noqa: S608 (constants alone)


def confirm(booking: Booking) -> None:
    """The consultant approves of a request.

    Raises ``NotChangeable`` when it was cancelled or moved, ``SlotTaken`` when the time is not free
    any more: the calendar is busy.
    """
    _decide(
        booking,
        Booking.objects.requests().filter(sequence=booking.sequence),
        status=BookingStatus.CONFIRMED,
        changed_by=ChangedBy.CONSULTANT,
    )
    if booking.is_request:
        raise NotChangeable(MOVED)
    if not booking.is_confirmed:
        raise NotChangeable("This request was cancelled or declined already.")


def cancel(booking: Booking, *, by: ChangedBy, reason: str = "", now: datetime) -> None:
    """Cancel a booking, withdraw or decline a request. Raises ``TooLate`` for invitees."""
    if booking.is_cancelled:
        return
    if by == ChangedBy.INVITEE:
        require_changeable(booking, now=now)
    _decide(
        booking,
        Booking.objects.standing(),
        status=BookingStatus.CANCELLED,
        changed_by=by,
        cancelled_at=now,
        cancellation_reason=reason,
    )


def restore(booking: Booking, *, now: datetime) -> None:
    """Take a cancellation back: the consultant's undo.

    Raises ``NotChangeable`` when the booking's time is past, ``SlotTaken`` when it is not free.
    """
    if booking.end_time <= now:
        raise NotChangeable("This booking's time is past.")
    _decide(
        booking,
        Booking.objects.filter(status=BookingStatus.CANCELLED, hold_expires_at=None),
        status=BookingStatus.CONFIRMED,
        changed_by=ChangedBy.CONSULTANT,
    )
    if not booking.is_confirmed:
        raise NotChangeable("This was a slot that somebody held, never a booking.")


def reschedule(booking: Booking, *, starts_at: datetime, by: ChangedBy, now: datetime) -> None:
    """Move a booking to another slot that is offered, its own time not being in the way.

    It keeps its length, its id and its UID. Raises ``SlotTaken``, ``CalendarUnverified``,
    ``NotChangeable``, ``TooLate``.
    """
    if by == ChangedBy.INVITEE:
        require_changeable(booking, now=now)
    if booking.is_cancelled:
        raise NotChangeable("This booking was cancelled. Please book a new time.")
    if starts_at == booking.start_time:
        return
    if not is_movable(booking):
        raise NotChangeable("This booking cannot be moved here. Please get in touch.")
    request = SlotRequest(
        consultant=booking.user,
        meeting_type=booking.meeting_type,
        starts_at=starts_at,
        duration=int(booking.duration.total_seconds() // 60),
    )
    require_free(request, ignored=booking.pk, now=now)
    _move(booking, request, by=by, now=now)


def require_changeable(booking: Booking, *, now: datetime) -> None:
    """Raises ``TooLate`` when the invitee may not cancel or move the booking any more."""
    if booking.start_time <= now:
        raise TooLate("This booking has begun or is over: it cannot be changed any more.")
    if booking.changeable_until < now:
        raise TooLate("It is too late to change this booking online. Please get in touch.")


def require_as_seen(booking: Booking, sequence: str | None) -> None:
    """Raises ``NotChangeable`` when it was moved since a page showed it with this sequence."""
    if sequence != str(booking.sequence):
        raise NotChangeable(MOVED)


def is_movable(booking: Booking) -> bool:
    """Whether other times can be offered for it at all.

    Its consultant may have left, and the calendar may have made it shorter than any slot.
    """
    return booking.user.is_active and booking.duration >= SHORTEST_SLOT


def lapse_requests(*, now: datetime) -> int:
    """Decline what the consultant did not answer before its time came."""
    return (
        Booking.objects.requests()
        .filter(start_time__lte=now)
        .update(
            status=BookingStatus.CANCELLED,
            changed_by=ChangedBy.SYSTEM,
            cancellation_reason="The request was not answered in time.",
        )
    )


def _decide(booking: Booking, candidates, **changes) -> None:
    """Compare and set; then the row as it is, whoever decided."""
    with refused_where_busy(CALENDAR_NOT_FREE), transaction.atomic(durable=True):
        candidates.filter(pk=booking.pk).update(**changes)
    booking.refresh_from_db()


def _move(booking: Booking, request: SlotRequest, *, by: ChangedBy, now: datetime) -> None:
    row = request.question(ignored=booking.pk, now=now) | {
        "changed_by": by,
        "status": booking.status,
        "sequence": booking.sequence,
    }
    with (
        refused_where_busy(),
        transaction.atomic(durable=True),
        connection.cursor() as cursor,
    ):
        cursor.execute(MOVE_WHERE_OFFERED, row)
        is_moved = cursor.rowcount == 1
    booking.refresh_from_db()
    if not is_moved and booking.start_time != request.starts_at:
        raise SlotTaken
