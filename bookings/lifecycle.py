"""How a booking comes about.

The order is the point. Everything slow comes first, outside any transaction. Then one statement
writes the row only where the SQL core still says free; the table's exclusion constraints stand
behind it. Whoever comes second gets no row and no error, waits for nobody but the winner, and
cannot deadlock. What the booking owes, its calendar event and its mails, is due with the same
commit: the table's triggers see to that, and the sweeper hands it out.
"""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256

from django.db import connection, transaction
from django.db.models import Count
from psycopg.types.json import Jsonb

from bookings.holds import hold_of
from bookings.models import Booking
from bookings.refusals import (
    BookingRefused,
    KeyReused,
    SlotTaken,
    TooManyBookings,
    refused_where_busy,
)
from bookings.slot_requests import OFFERED_SLOT, SlotRequest, come_one_by_one, require_free
from bookings.states import BookingStatus
from bookings.tokens import hash_of, manage_token
from bookings.wording import DEFAULT_TITLE, one_line

INSERT_WHERE_OFFERED = f"""
INSERT INTO public.bookings (
  id, user_id, meeting_type_id, start_time, end_time, buffer_before, buffer_after, status, title,
  location, has_conference, invitee_name, invitee_email, invitee_time_zone, invitee_notes, answers,
  idempotency_key, request_fingerprint, manage_token_hash)
SELECT
  %(id)s, %(consultant)s, %(meeting_type)s, slot_start, slot_end, buffer_before, buffer_after,
  %(status)s, %(title)s, %(location)s, %(has_conference)s, %(name)s, %(email)s, %(time_zone)s,
  %(notes)s, %(answers)s, %(idempotency_key)s, %(fingerprint)s, %(manage_token_hash)s
FROM {OFFERED_SLOT}
ON CONFLICT DO NOTHING
"""  # noqa: S608 (constants alone)
BOOK_HELD_SLOT = f"""
UPDATE public.bookings SET
  start_time = slot_start, end_time = slot_end, buffer_before = slot.buffer_before,
  buffer_after = slot.buffer_after, status = %(status)s, hold_expires_at = NULL,
  invitee_name = %(name)s, invitee_email = %(email)s, invitee_time_zone = %(time_zone)s,
  invitee_notes = %(notes)s, answers = %(answers)s, idempotency_key = %(idempotency_key)s,
  request_fingerprint = %(fingerprint)s, manage_token_hash = %(manage_token_hash)s
FROM {OFFERED_SLOT} AS slot
WHERE id = %(id)s AND status = 'pending' AND hold_expires_at > %(asked_at)s
"""  # noqa: S608 (constants alone)


@dataclass(frozen=True, kw_only=True)
class BookingRequest(SlotRequest):
    """What an invitee asks for; ``hold`` is the key of the hold that keeps the slot for them."""

    name: str
    email: str
    time_zone: str
    notes: str = ""
    answers: dict = field(default_factory=dict)
    hold: str | None = None
    idempotency_key: str | None = None

    @property
    def fingerprint(self) -> str:
        """What tells a repeated request from another one under the same key."""
        content = {
            "starts_at": self.starts_at.astimezone(UTC).isoformat(),
            "duration": self.duration,
            "meeting_type": str(self.meeting_type.pk) if self.meeting_type else None,
            "invitee": [self.name, self.email, self.time_zone, self.notes],
            "answers": self.answers,
        }
        return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    @property
    def status(self) -> BookingStatus:
        """What the booking begins as."""
        if self.meeting_type and self.meeting_type.requires_approval:
            return BookingStatus.PENDING
        return BookingStatus.CONFIRMED


def book(request: BookingRequest, *, now: datetime) -> Booking:
    """Book the slot, or give the booking that this very request made before.

    Raises ``SlotTaken``, ``CalendarUnverified``, ``KeyReused``, ``TooManyBookings``,
    ``HoldUnknown``.
    """
    if earlier := _made_before(request):
        return earlier
    try:
        held = hold_of(request, request.hold, now=now) if request.hold else None
        require_free(request, ignored=held and held.pk, now=now)
        return _write(request, held, now=now)
    except BookingRefused:
        if earlier := _made_before(request):  # the same request, sent twice at once
            return earlier
        raise


def _made_before(request: BookingRequest) -> Booking | None:
    if request.idempotency_key is None:
        return None
    booking = Booking.objects.filter(
        user=request.consultant, idempotency_key=request.idempotency_key
    ).first()
    if booking and booking.request_fingerprint != request.fingerprint:
        raise KeyReused
    return booking


@transaction.atomic(durable=True)
def _write(request: BookingRequest, held: Booking | None, *, now: datetime) -> Booking:
    """The booking, and with it all that it owes, in one short transaction."""
    _refuse_too_many(request, now=now)
    if request.has_limit:
        come_one_by_one(request.consultant)
    booking = _book_held_slot(held, request, now=now) or _insert(request, now=now)
    booking.refresh_from_db()
    return booking


def _refuse_too_many(request: BookingRequest, *, now: datetime) -> None:
    most = request.consultant.booking_settings.invitee_limit
    ahead = Booking.objects.standing().filter(
        user=request.consultant, end_time__gt=now, invitee_email__iexact=request.email
    )
    if most and ahead.aggregate(count=Count("pk"))["count"] >= most:
        raise TooManyBookings(
            "There are too many open bookings under this e-mail address. "
            "Please cancel one that is not needed any more."
        )


def _book_held_slot(
    held: Booking | None, request: BookingRequest, *, now: datetime
) -> Booking | None:
    """The hold becomes the booking, unless it has just expired: then as if there were none."""
    if held is None:
        return None
    row = _row(held, request, now=now) | request.question(ignored=held.pk, now=now)
    with (
        refused_where_busy(or_twice="bookings_one_per_key"),  # the same request was faster
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(BOOK_HELD_SLOT, row)
        return held if cursor.rowcount else None


def _insert(request: BookingRequest, *, now: datetime) -> Booking:
    booking = Booking(user=request.consultant, meeting_type=request.meeting_type)
    row = _row(booking, request, now=now) | request.question(now=now)
    with connection.cursor() as cursor:
        cursor.execute(INSERT_WHERE_OFFERED, row)
        if cursor.rowcount == 0:
            raise SlotTaken
    return booking


def _row(booking: Booking, request: BookingRequest, *, now: datetime) -> dict:
    meeting_type = request.meeting_type
    return {
        "id": booking.pk,
        "status": request.status,
        "title": meeting_type.title if meeting_type else DEFAULT_TITLE,
        "location": meeting_type.location if meeting_type else "",
        "has_conference": bool(meeting_type and meeting_type.has_conference),
        "name": one_line(request.name),
        "email": request.email,
        "time_zone": request.time_zone,
        "notes": request.notes,
        "answers": Jsonb(request.answers),
        "idempotency_key": request.idempotency_key,
        "fingerprint": request.fingerprint,
        "manage_token_hash": hash_of(manage_token(booking)),
    }
