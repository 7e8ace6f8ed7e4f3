"""What a change made in the consultant's calendar means for the booking.

Our event deleted or moved there cancels or moves the booking, on positive proof alone. What a sync
no longer shows is only a doubt. The event itself is then read, in the calendar it was written to,
and once more after a grace period; nothing may have happened to the booking meanwhile. No error
proves anything. Where it would be many cancellations, or the new time is not free, the consultant
is asked.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q

from bookings.conflicts import owe_conflict_mail
from bookings.models import FURTHEST, SAME_MOMENT, Booking, EventDoubt, EventFinding
from bookings.refusals import SlotTaken, refused_where_busy
from bookings.slot_requests import come_one_by_one
from bookings.states import BookingStatus, ChangedBy
from bookings.writeback import open_calendar
from connections.fields import SecretUnreadable
from connections.models import CalendarConnection, Consultant
from connections.providers.base import (
    CANCELLED,
    EventConflict,
    EventGone,
    ProviderError,
    RemoteEvent,
)
from connections.tokens import with_fresh_token
from syncing.cadence import delay_after
from syncing.models import EventStatus, SyncedEvent

GRACE = timedelta(seconds=10)  # between the two looks that prove a change
SOON = timedelta(minutes=1)
CALM = timedelta(minutes=10)  # until the next look where there is nothing to be done
WAIT_FOR_OTHERS = timedelta(hours=1)  # for the consultant's other calendars to be read
MOST_CANCELLATIONS = 3  # that a consultant's calendars may bring within a day, unasked
WITHIN = timedelta(days=1)
EXPECTED = (ProviderError, SecretUnreadable)


@dataclass(frozen=True, slots=True)
class Sight:
    """What one direct look at a booking's event found, and where the event is instead."""

    finding: EventFinding
    start: datetime | None = None
    end: datetime | None = None
    is_all_day: bool = False

    def is_what_was_found(self, doubt: EventDoubt) -> bool:
        seen = (doubt.finding, doubt.start_time, doubt.end_time)
        return seen == (self.finding, self.start, self.end)


def raise_doubts(*, now: datetime) -> None:
    """Have a look taken at every event that a sync no longer shows as it was written."""
    doubtful = Booking.objects.event_in_doubt(now).filter(doubt=None)
    doubts = [
        EventDoubt(booking_id=booking_id, as_of=as_of, due_at=now)
        for booking_id, as_of in doubtful.values_list("pk", "updated_at")
    ]
    EventDoubt.objects.bulk_create(doubts, ignore_conflicts=True)


def look(booking_id: UUID, *, now: datetime) -> None:
    """Look at the event itself, and do what this proves.

    Safe to run twice: two looks prove something only if a grace period lies between them. What the
    provider refuses postpones the next look and changes nothing else; only a bug raises.
    """
    doubts = EventDoubt.objects.select_related("booking__user__booking_settings")
    doubt = doubts.select_related("booking__event_connection").filter(pk=booking_id).first()
    if doubt is None:
        return
    if not _is_still_in_doubt(doubt, now=now):
        doubt.delete()
        return
    wait_until = doubt.booking.event_connection.not_before
    if wait_until and now < wait_until:
        _keep(doubt, due_at=wait_until)
        return
    try:
        sight = _look_at_event(doubt.booking)
    except EXPECTED as error:
        delay = delay_after(error, failures=doubt.failures + 1)
        _keep(doubt, due_at=now + delay, failures=doubt.failures + 1)
    else:
        _weigh(doubt, sight, now=now)


def _is_still_in_doubt(doubt: EventDoubt, *, now: datetime) -> bool:
    if doubt.booking.updated_at != doubt.as_of:
        return False
    return Booking.objects.event_in_doubt(now).filter(pk=doubt.pk).exists()


def _look_at_event(booking: Booking) -> Sight:
    """A direct read, outside any transaction. Raises what proves nothing."""
    calendar = booking.event_connection

    def read() -> RemoteEvent:
        adapter, event_id = open_calendar(calendar), booking.provider_event_id
        return adapter.read_event(calendar.calendar_id, event_id, zone=calendar.zone)

    try:
        event = with_fresh_token(calendar, read)
    except EventGone:
        return Sight(EventFinding.GONE)
    if event.booking_id != booking.pk:
        raise EventConflict("The event in the calendar is not the one calsync wrote.")
    return _sight_of(event, booking)


def _sight_of(event: RemoteEvent, booking: Booking) -> Sight:
    if event.status == CANCELLED:
        return Sight(EventFinding.GONE)
    shifts = (event.start - booking.start_time, event.end - booking.end_time)
    if all(abs(shift) < SAME_MOMENT for shift in shifts):
        return Sight(EventFinding.AS_BOOKED)
    return Sight(EventFinding.ELSEWHERE, event.start, event.end, event.is_all_day)


def _weigh(doubt: EventDoubt, sight: Sight, *, now: datetime) -> None:
    if sight.finding == EventFinding.AS_BOOKED:
        _note(doubt, sight, now=now, due_at=now + CALM)
    elif not sight.is_what_was_found(doubt):
        # It may have been moved to another calendar: that should be known by the second look.
        CalendarConnection.objects.filter(user=doubt.booking.user_id).request_sync(now)
        _note(doubt, sight, now=now, due_at=now + GRACE)
    elif now < doubt.found_at + GRACE:
        _keep(doubt, due_at=doubt.found_at + GRACE)
    elif sight.finding == EventFinding.GONE:
        _follow_deletion(doubt, now=now)
    else:
        _follow_move(doubt, sight, now=now)


# --- a deletion ----------------------------------------------------------------------------------


def _follow_deletion(doubt: EventDoubt, *, now: datetime) -> None:
    if doubt.waits_for_word:
        _keep(doubt, due_at=now + CALM)
    elif event := _event_in_another_calendar(doubt.booking):
        event_id = event.series_id or event.provider_event_id
        doubt.settle(event_connection=event.connection_id, provider_event_id=event_id)
    elif _await_other_calendars(doubt, now=now):
        _keep(doubt, due_at=now + SOON)
    else:
        _cancel_or_ask(doubt, now=now)


def _event_in_another_calendar(booking: Booking) -> SyncedEvent | None:
    """The consultant may have moved the event from one connected calendar to another."""
    events = SyncedEvent.objects.filter(
        booking_id=booking.pk, connection__user=booking.user_id, connection__is_active=True
    )
    others = events.exclude(connection=booking.event_connection_id)
    return others.exclude(status=EventStatus.CANCELLED).first()


def _await_other_calendars(doubt: EventDoubt, *, now: datetime) -> bool:
    """Whether one of them, to which the event may have gone, is still to be read."""
    others = CalendarConnection.objects.reachable().filter(user=doubt.booking.user_id)
    unread = Q(last_synced_at=None) | Q(last_synced_at__lt=doubt.found_at)
    unread_others = others.filter(unread).exclude(pk=doubt.booking.event_connection_id)
    return now < doubt.found_at + WAIT_FOR_OTHERS and unread_others.exists()


@transaction.atomic(durable=True)
def _cancel_or_ask(doubt: EventDoubt, *, now: datetime) -> None:
    """One by one, or each of several at once would be the last that is not too many."""
    consultant = doubt.booking.user
    come_one_by_one(consultant)
    doubts = EventDoubt.objects.filter(booking__user=consultant)
    gone = doubts.filter(finding=EventFinding.GONE).count() + _cancelled_lately(consultant, now=now)
    unseen = doubts.filter(found_at=None).count()
    if gone > MOST_CANCELLATIONS:
        _ask(doubt, now=now)
    elif gone + unseen > MOST_CANCELLATIONS:
        _keep(doubt, due_at=now + SOON)
    else:
        doubt.settle(
            status=BookingStatus.CANCELLED,
            changed_by=ChangedBy.CALENDAR,
            cancelled_at=now,
        )


def _cancelled_lately(consultant: Consultant, *, now: datetime) -> int:
    cancelled = Booking.objects.filter(user=consultant, status=BookingStatus.CANCELLED)
    return cancelled.filter(changed_by=ChangedBy.CALENDAR, cancelled_at__gt=now - WITHIN).count()


# --- a move --------------------------------------------------------------------------------------


def _follow_move(doubt: EventDoubt, sight: Sight, *, now: datetime) -> None:
    """The booking follows its event, unless its new time is none for a booking, or not free."""
    if not (_is_fit(doubt, sight, now=now) and _move(doubt, sight)):
        _ask(doubt, now=now)


def _is_fit(doubt: EventDoubt, sight: Sight, *, now: datetime) -> bool:
    if sight.is_all_day or doubt.is_too_short or doubt.is_too_long:
        return False
    return now < sight.start and sight.end < FURTHEST


def _move(doubt: EventDoubt, sight: Sight) -> bool:
    """The table's guard decides whether the time is free; to be an offered slot it need not."""
    try:
        with refused_where_busy(), transaction.atomic(durable=True):
            doubt.settle(
                start_time=sight.start,
                end_time=sight.end,
                changed_by=ChangedBy.CALENDAR,
                reschedule_count=F("reschedule_count") + 1,
            )
    except SlotTaken:
        return False
    return True


# --- the doubt's row -----------------------------------------------------------------------------


def _ask(doubt: EventDoubt, *, now: datetime) -> None:
    """Wait for the consultant's word, and mail them once: of many deletions of the first alone."""
    asked = EventDoubt.objects.waiting(doubt.finding).filter(booking__user=doubt.booking.user_id)
    if doubt.finding == EventFinding.ELSEWHERE or not asked.exists():
        owe_conflict_mail(doubt.booking, about=doubt.finding)
    _keep(doubt, waits_for_word=True, due_at=now + CALM)


def _note(doubt: EventDoubt, sight: Sight, *, now: datetime, due_at: datetime) -> None:
    _keep(
        doubt,
        finding=sight.finding,
        start_time=sight.start,
        end_time=sight.end,
        found_at=now,
        waits_for_word=False,
        due_at=due_at,
    )


def _keep(doubt: EventDoubt, **changes) -> None:
    rows = EventDoubt.objects.filter(pk=doubt.pk, as_of=doubt.as_of)
    rows.update(**{"failures": 0} | changes)
