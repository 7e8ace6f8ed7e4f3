"""Holds: a slot kept for one client for a few minutes, while its invitee fills in the form.

A hold is a pending booking with an expiry, and its key is what binds it to the client: whoever has
the key sees the slot as free, and books it. Expiry is a question of the time at which it is asked,
never of a job that may come late.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from secrets import token_urlsafe

from django.db import connection, transaction
from django.utils.crypto import salted_hmac

from bookings.models import Booking
from bookings.refusals import BookingRefused, HoldUnknown, KeyReused, SlotTaken, TooManyHolds
from bookings.slot_requests import OFFERED_SLOT, SlotRequest, come_one_by_one
from bookings.states import BookingStatus, ChangedBy
from bookings.tokens import hash_of
from bookings.wording import DEFAULT_TITLE
from connections.models import Consultant

HOLD_LASTS = timedelta(minutes=10)
MOST_HOLDS = 3  # of one client with one consultant
SALT = "bookings.hold_token"

INSERT_HOLD = f"""
INSERT INTO public.bookings (
  id, user_id, meeting_type_id, start_time, end_time, buffer_before, buffer_after, status,
  hold_expires_at, hold_token_hash, holder_hash, title, location, has_conference,
  request_fingerprint)
SELECT
  %(id)s, %(consultant)s, %(meeting_type)s, slot_start, slot_end, buffer_before, buffer_after,
  'pending', %(expires_at)s, %(token_hash)s, %(holder_hash)s, %(title)s, %(location)s,
  %(has_conference)s, 'hold'
FROM {OFFERED_SLOT}
ON CONFLICT DO NOTHING
"""  # noqa: S608 (constants alone)


@dataclass(frozen=True, slots=True)
class Hold:
    """The key that its holder gets, once, and until when the slot is kept."""

    token: str
    booking: Booking


def hold(
    request: SlotRequest, *, holder: str, idempotency_key: str | None = None, now: datetime
) -> Hold:
    """Keep the slot for ``holder``, whatever tells this client from others.

    The calendars are not read anew: the booking will do that. With an idempotency key, the hold
    that this very request made before. Raises ``SlotTaken``, ``TooManyHolds``, ``KeyReused``,
    ``HoldUnknown``.
    """
    token = _token(request.consultant, holder, idempotency_key)
    try:
        return _made_before(request, token, now=now) or _make(request, token, holder, now=now)
    except BookingRefused:
        if earlier := _made_before(request, token, now=now):  # the same request, sent twice at once
            return earlier
        raise


def hold_of(request: SlotRequest, token: str, *, now: datetime) -> Booking | None:
    """The hold that this key opens; None when it has expired. Its slot must be the one asked for.

    Raises ``HoldUnknown``.
    """
    held = Booking.objects.filter(user=request.consultant, hold_token_hash=hash_of(token)).first()
    if held is None:
        raise HoldUnknown("There is no such hold.")
    if not _is_for(held, request):
        raise HoldUnknown("This hold is for another slot.")
    return held if held.is_held(now) else None


def held_booking(token: str, *, now: datetime) -> Booking | None:
    """The hold that this key opens, while it lasts: its slot is free for whoever has the key."""
    return Booking.objects.holds(now).filter(hold_token_hash=hash_of(token)).first()


def release(token: str, *, now: datetime) -> None:
    """Give the slot back. A hold that has gone already is no error; a booking is left alone."""
    Booking.objects.holds(now).filter(hold_token_hash=hash_of(token)).update(
        status=BookingStatus.CANCELLED, changed_by=ChangedBy.INVITEE
    )


def cancel_expired(*, now: datetime) -> int:
    """Tidy up what nobody came for; it has not counted since it expired."""
    return Booking.objects.expired_holds(now).update(
        status=BookingStatus.CANCELLED,
        changed_by=ChangedBy.SYSTEM,
        cancellation_reason="The hold expired.",
    )


def _token(consultant: Consultant, holder: str, idempotency_key: str | None) -> str:
    """The key of a new hold; the same again for the same idempotency key of the same holder."""
    if idempotency_key is None:
        return token_urlsafe(24)
    asked = f"{consultant.pk} {hash_of(holder)} {idempotency_key}"
    return salted_hmac(SALT, asked, algorithm="sha256").hexdigest()


def _made_before(request: SlotRequest, token: str, *, now: datetime) -> Hold | None:
    held = Booking.objects.filter(hold_token_hash=hash_of(token)).first()
    if held is None:
        return None
    minutes = int(held.duration.total_seconds() // 60)
    if not _is_for(held, request) or request.duration not in (None, minutes):
        raise KeyReused
    if not held.is_held(now):
        raise HoldUnknown("The hold that was made under this idempotency key is gone.")
    return Hold(token, held)


def _is_for(held: Booking, request: SlotRequest) -> bool:
    asked = (request.starts_at, request.meeting_type and request.meeting_type.pk)
    return asked == (held.start_time, held.meeting_type_id)


def _make(request: SlotRequest, token: str, holder: str, *, now: datetime) -> Hold:
    booking = Booking(user=request.consultant, meeting_type=request.meeting_type)
    meeting_type = request.meeting_type
    row = request.question(now=now) | {
        "id": booking.pk,
        "expires_at": now + HOLD_LASTS,
        "token_hash": hash_of(token),
        "holder_hash": hash_of(holder),
        "title": meeting_type.title if meeting_type else DEFAULT_TITLE,
        "location": meeting_type.location if meeting_type else "",
        "has_conference": bool(meeting_type and meeting_type.has_conference),
    }
    _insert(request, row, now=now)
    booking.refresh_from_db()
    return Hold(token, booking)


@transaction.atomic(durable=True)
def _insert(request: SlotRequest, row: dict, *, now: datetime) -> None:
    come_one_by_one(request.consultant)  # holds are counted
    theirs = Booking.objects.holds(now).filter(
        user=request.consultant, holder_hash=row["holder_hash"]
    )
    expiries = sorted(theirs.values_list("hold_expires_at", flat=True))
    if len(expiries) >= MOST_HOLDS:
        raise TooManyHolds(wait=ceil((expiries[0] - now).total_seconds()))
    with connection.cursor() as cursor:
        cursor.execute(INSERT_HOLD, row)
        if cursor.rowcount == 0:
            raise SlotTaken
