"""Puts bookings into the consultant's calendar, and takes cancelled ones out.

What is to be done is read from the booking's row, never remembered elsewhere: a worker that dies
leaves a row that is still due, and the event's id, derived from the booking's, makes the next try
find what the last one wrote. No transaction is open while a provider is asked, and no error ever
cancels a booking.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef

from bookings.booking_mails import BookingMail
from bookings.ics import event_uid
from bookings.models import Booking
from bookings.owed import owe_link
from bookings.states import UNWRITTEN, BookingStatus, EventState
from bookings.wording import event_description, event_title, location_of
from connections.adapters import open_adapter
from connections.due_rows import CLAIM
from connections.fields import SecretUnreadable
from connections.models import CalendarConnection
from connections.providers.base import (
    AccessRevoked,
    CalendarAdapter,
    EventConflict,
    EventDraft,
    EventGone,
    ProviderError,
    ProviderUnavailable,
    WriteRefused,
    WrittenEvent,
)
from connections.tokens import with_fresh_token
from syncing.cadence import delay_after
from syncing.outcome import for_people

EXPECTED = (ProviderError, SecretUnreadable)


def write_event(booking_id: UUID, *, now: datetime) -> None:
    """Bring the calendar to what the booking says, if that is due and nobody else is at it.

    What the provider refuses is said on the row and tried again later; only a bug raises.
    """
    booking = _claim(booking_id, now=now)
    if booking is None:
        return
    tried_in = booking.event_connection_id
    try:
        state = _bring_about(booking, now=now)
    except Exception as error:
        _record_failure(booking, error, tried_in=tried_in, now=now)
        if not isinstance(error, EXPECTED):
            raise
    else:
        _settle(booking, state, now=now)


def requeue_unwritten(consultant_id: UUID | None = None, *, now: datetime) -> int:
    """Make due what could not be written, now that a calendar receives bookings.

    Of one consultant everything that is still to come; of all of them (``None``) only what had no
    calendar to go to.
    """
    destination = CalendarConnection.objects.receiving().filter(user=OuterRef("user"))
    waiting = Booking.objects.filter(Exists(destination), status=BookingStatus.CONFIRMED)
    waiting = waiting.filter(end_time__gt=now)
    if consultant_id is None:
        waiting = waiting.filter(event_state=EventState.NONE)
    else:
        unwritten = [EventState.NONE, *UNWRITTEN]
        waiting = waiting.filter(user=consultant_id, event_state__in=unwritten)
    return waiting.update(event_state=EventState.DUE, event_due_at=now, event_not_before=None)


def write_again(booking: Booking, *, now: datetime) -> bool:
    """Make one booking's event due at once, for somebody who has put right what was wrong."""
    unwritten = Booking.objects.filter(event_state__in=UNWRITTEN)
    return bool(
        unwritten.filter(pk=booking.pk).update(
            event_state=EventState.DUE, event_due_at=now, event_not_before=None
        )
    )


def _claim(booking_id: UUID, *, now: datetime) -> Booking | None:
    """The row, if this worker is the one to work on it: compare and set, then commit."""
    claimed = (
        Booking.objects.event_startable(now)
        .filter(pk=booking_id)
        .update(
            event_due_at=now + CLAIM,
            event_not_before=now + CLAIM,
            event_attempts=F("event_attempts") + 1,
        )
    )
    rows = Booking.objects.select_related("user__booking_settings", "meeting_type")
    return rows.select_related("event_connection").get(pk=booking_id) if claimed else None


def _bring_about(booking: Booking, *, now: datetime) -> EventState:
    def act() -> EventState:
        return _remove(booking) if booking.is_cancelled else _put(booking, now=now)

    calendar = booking.event_connection or _calendar_for(booking)
    return with_fresh_token(calendar, act) if calendar else act()


def _put(booking: Booking, *, now: datetime) -> EventState:
    """Create the event, or bring it to the booking."""
    calendar = _calendar_for(booking)
    if calendar is None:
        return EventState.NONE
    if calendar.pk != booking.event_connection_id:
        booking.event_connection, booking.provider_event_id = calendar, ""
    booking.ical_uid = event_uid(booking)
    _remember(booking)  # before the call: should we die in it, the next try looks in this calendar
    written = _write(open_calendar(calendar), booking)
    booking.provider_event_id = written.provider_event_id
    _remember(booking)
    _remember_link(booking, written.conference_url)
    if written.awaits_conference:
        raise ProviderUnavailable("The event is written; its video call has no link yet.")
    return EventState.WRITTEN


def _write(adapter: CalendarAdapter, booking: Booking) -> WrittenEvent:
    calendar_id, draft = booking.event_connection.calendar_id, _draft(booking)
    if booking.provider_event_id:
        try:
            return adapter.update_event(calendar_id, booking.provider_event_id, draft)
        except EventGone:
            booking.provider_event_id = ""  # the booking stands, so its event is written anew
    written = adapter.create_event(calendar_id, draft)
    if booking.sequence == 0:
        return written
    # It may be what an earlier try, whose answer was lost, wrote before the booking was changed.
    return adapter.update_event(calendar_id, written.provider_event_id, draft)


def _remove(booking: Booking) -> EventState:
    """Delete the event, wherever the last try may have left it."""
    calendar = booking.event_connection
    if calendar is None and not booking.provider_event_id:
        return EventState.REMOVED  # it was never written
    if calendar is None or not calendar.is_active:
        raise WriteRefused("The calendar that holds this event is no longer connected.")
    adapter = open_calendar(calendar)
    if not booking.provider_event_id:
        # A try was made whose answer was lost. Creating finds the event, or makes one to delete.
        written = adapter.create_event(calendar.calendar_id, _draft(booking))
        booking.provider_event_id = written.provider_event_id
    adapter.delete_event(calendar.calendar_id, booking.provider_event_id)
    return EventState.REMOVED


def _calendar_for(booking: Booking) -> CalendarConnection | None:
    """The calendar that its event is in; else the one that receives the consultant's bookings."""
    if booking.event_connection and booking.event_connection.is_active:
        return booking.event_connection
    return CalendarConnection.objects.receiving().filter(user=booking.user_id).first()


def open_calendar(calendar: CalendarConnection) -> CalendarAdapter:
    """An adapter, unless the provider is known to refuse us: raises ``AccessRevoked``."""
    if calendar.reconnect_needed_at:
        raise AccessRevoked("The sign-in is no longer accepted. Connect the calendar again.")
    return open_adapter(calendar)


def _draft(booking: Booking) -> EventDraft:
    return EventDraft(
        booking_id=booking.pk,
        uid=event_uid(booking),
        sequence=booking.sequence,
        start=booking.start_time,
        end=booking.end_time,
        title=event_title(booking),
        description=event_description(booking),
        location=location_of(booking),
        wants_conference=booking.has_conference,
    )


def _remember(booking: Booking) -> None:
    """Where the event is, or is about to be."""
    booking.save(update_fields=["event_connection", "provider_event_id", "ical_uid"])


def _remember_link(booking: Booking, link: str) -> None:
    """Who was mailed before this commit does not know the link; who is mailed after it does."""
    if link == booking.conference_url:
        return
    with transaction.atomic():
        booking.conference_url = link
        booking.save(update_fields=["conference_url"])
        owe_link(booking)


def _settle(booking: Booking, state: EventState, *, now: datetime, error: str = "") -> None:
    """Nothing is left to do; unless the booking was changed meanwhile: then it is due again."""
    rows = Booking.objects.filter(pk=booking.pk)
    settled = rows.filter(sequence=booking.sequence, status=booking.status).update(
        event_state=state,
        event_due_at=None,
        event_not_before=None,
        event_attempts=0,
        event_error=error,
    )
    if settled and booking.has_conference:
        BookingMail.objects.waiting_for_event(booking.pk).update(due_at=now)
    elif not settled:
        rows.update(event_due_at=now, event_not_before=None)


def _record_failure(
    booking: Booking, error: Exception, *, tried_in: UUID | None, now: datetime
) -> None:
    """Say what went wrong, and when to try again. ``tried_in`` is where earlier tries went."""
    if tried_in is None and _wrote_nothing(error):
        booking.event_connection = None  # so that the next try may go to another calendar
        _remember(booking)
    if isinstance(error, WriteRefused):
        _settle(booking, EventState.FAILED, now=now, error=str(error))
    else:
        next_try = now + _delay(error, attempts=booking.event_attempts)
        Booking.objects.filter(pk=booking.pk).update(
            event_due_at=next_try, event_not_before=next_try, event_error=for_people(error)
        )


def _delay(error: Exception, *, attempts: int) -> timedelta:
    if isinstance(error, EventConflict):
        error = ProviderUnavailable(str(error))  # it changed under our hands: read again soon
    return delay_after(error, failures=attempts)


def _wrote_nothing(error: Exception) -> bool:
    """Whether the provider surely took nothing. After a lost answer or a bug nobody knows."""
    return isinstance(error, EXPECTED) and not isinstance(
        error, (ProviderUnavailable, EventConflict)
    )
