"""How a booking comes about.

The order is the point. Everything slow comes first, outside any transaction. Then one statement
inserts the row only where the SQL core still says free; the table's exclusion constraints stand
behind it. Whoever comes second gets no row and no error, waits for nobody but the winner, and
cannot deadlock.
"""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from django.conf import settings
from django.db import connection, transaction
from django_q.tasks import async_task
from psycopg.types.json import Jsonb

from availability.models import MeetingType
from availability.slots import freshness
from bookings.models import Booking, BookingMail, BookingStatus, MailKind, MailRecipient
from bookings.tasks import PATIENCE
from bookings.tokens import hash_of, manage_token
from bookings.wording import DEFAULT_TITLE, one_line
from connections.models import Consultant
from syncing.refresh import refresh_calendars

# The longest booking and the longest buffer are a day each: no further does a booking reach.
REACH = timedelta(days=2)

MAILS = (
    (MailKind.CONFIRMATION, MailRecipient.INVITEE),
    (MailKind.CONSULTANT_NOTICE, MailRecipient.CONSULTANT),
)

IS_OFFERED = """
SELECT calsync.is_offered(
  %(consultant)s, %(meeting_type)s, %(starts_at)s, %(duration)s, NULL, NULL, %(asked_at)s)
"""
INSERT_WHERE_OFFERED = """
INSERT INTO public.bookings (
  id, user_id, meeting_type_id, start_time, end_time, buffer_before, buffer_after, title, location,
  invitee_name, invitee_email, invitee_time_zone, invitee_notes, answers,
  idempotency_key, request_fingerprint, manage_token_hash, event_due_at)
SELECT
  %(id)s, %(consultant)s, %(meeting_type)s, slot_start, slot_end, buffer_before, buffer_after,
  %(title)s, %(location)s, %(name)s, %(email)s, %(time_zone)s, %(notes)s, %(answers)s,
  %(idempotency_key)s, %(fingerprint)s, %(manage_token_hash)s, %(event_due_at)s
FROM calsync.offered_slot(
  %(consultant)s, %(meeting_type)s, %(starts_at)s, %(duration)s, NULL, NULL, %(asked_at)s)
ON CONFLICT DO NOTHING
"""
LOCK_CONSULTANT = "SELECT pg_advisory_xact_lock(hashtextextended('calsync.bookings:' || %s, 0))"


class BookingRefused(Exception):
    """No booking was made. The text is fit for the invitee."""


class SlotTaken(BookingRefused):
    """The time is not offered, or not any more."""


class CalendarUnverified(BookingRefused):
    """The consultant's calendars cannot be read now, so nobody knows whether the time is free."""


class KeyReused(BookingRefused):
    """The idempotency key belongs to another request."""


@dataclass(frozen=True, kw_only=True)
class BookingRequest:
    """What an invitee asks for. ``duration`` is in minutes; None means the meeting type's."""

    consultant: Consultant
    starts_at: datetime
    duration: int | None = None
    meeting_type: MeetingType | None = None
    name: str
    email: str
    time_zone: str
    notes: str = ""
    answers: dict = field(default_factory=dict)
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
    def has_limit(self) -> bool:
        """Whether bookings of a day or week are counted, so that they must come one by one."""
        rules = [self.consultant.booking_settings]
        rules += [self.meeting_type] if self.meeting_type else []
        return any(rule.daily_limit or rule.weekly_limit for rule in rules)


def book(request: BookingRequest, *, now: datetime) -> Booking:
    """Book the slot, or give the booking that this very request made before.

    Raises ``SlotTaken``, ``CalendarUnverified``, ``KeyReused``.
    """
    if earlier := _made_before(request):
        return earlier
    try:
        _require_offered(request, now=now)
        _require_fresh_calendars(request.consultant)
        return _insert(request, now=now)
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
        raise KeyReused("This idempotency key was used for another request.")
    return booking


def _require_offered(request: BookingRequest, *, now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(IS_OFFERED, _question(request, now=now))
        [is_offered] = cursor.fetchone()
    if is_offered:
        return
    if freshness(request.consultant.pk).state == "closed":
        raise _unverified()
    raise _taken()


def _require_fresh_calendars(consultant: Consultant) -> None:
    refresh_calendars(consultant.pk, seconds=settings.BOOKING_REFRESH_SECONDS)
    if freshness(consultant.pk).state != "fresh":
        raise _unverified()


@transaction.atomic(durable=True)
def _insert(request: BookingRequest, *, now: datetime) -> Booking:
    """The booking, and all that it owes, in one short transaction."""
    if request.has_limit:
        _come_one_by_one(request.consultant)
    _cancel_expired_holds(request, now=now)
    booking = Booking(user=request.consultant, meeting_type=request.meeting_type)
    with connection.cursor() as cursor:
        cursor.execute(INSERT_WHERE_OFFERED, _row(booking, request, now=now))
        if cursor.rowcount == 0:
            raise _taken()
    booking.refresh_from_db()
    _owe_event_and_mails(booking, now=now)
    return booking


def _come_one_by_one(consultant: Consultant) -> None:
    """Wait for the consultant's other bookings, in a statement of its own: the next sees them."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK_CONSULTANT, [str(consultant.pk)])


def _cancel_expired_holds(request: BookingRequest, *, now: datetime) -> None:
    """Expired holds no longer count, but the table's constraints cannot know the time.

    They are locked in one order, lest two requests wait for each other.
    """
    reach = (request.starts_at - REACH, request.starts_at + REACH)
    holds = Booking.objects.expired_holds(now).filter(
        user=request.consultant, start_time__range=reach
    )
    if ids := list(holds.select_for_update().order_by("pk").values_list("pk", flat=True)):
        Booking.objects.filter(pk__in=ids).update(
            status=BookingStatus.CANCELLED, cancelled_at=now, cancellation_reason="hold expired"
        )


def _question(request: BookingRequest, *, now: datetime) -> dict:
    """The slot, as the SQL core is asked about it."""
    return {
        "consultant": request.consultant.pk,
        "meeting_type": request.meeting_type and request.meeting_type.pk,
        "starts_at": request.starts_at,
        "duration": request.duration,
        "asked_at": now,
    }


def _row(booking: Booking, request: BookingRequest, *, now: datetime) -> dict:
    meeting_type = request.meeting_type
    return _question(request, now=now) | {
        "id": booking.pk,
        "title": meeting_type.title if meeting_type else DEFAULT_TITLE,
        "location": meeting_type.location if meeting_type else "",
        "name": one_line(request.name),
        "email": request.email,
        "time_zone": request.time_zone,
        "notes": request.notes,
        "answers": Jsonb(request.answers),
        "idempotency_key": request.idempotency_key,
        "fingerprint": request.fingerprint,
        "manage_token_hash": hash_of(manage_token(booking)),
        "event_due_at": now + PATIENCE,
    }


def _owe_event_and_mails(booking: Booking, *, now: datetime) -> None:
    """Due in the booking's own transaction, and handed to the workers with its commit."""
    mails = BookingMail.objects.bulk_create(
        BookingMail(booking=booking, kind=kind, recipient=recipient, due_at=now + PATIENCE)
        for kind, recipient in MAILS
    )
    async_task("bookings.tasks.write_event", str(booking.pk))
    for mail in mails:
        async_task("bookings.tasks.send_mail", str(mail.pk))


def _taken() -> SlotTaken:
    return SlotTaken("This time is not free any more. Please choose another one.")


def _unverified() -> CalendarUnverified:
    return CalendarUnverified(
        "The calendar cannot be checked at the moment. Please try again in a minute."
    )
