"""Ask PostgreSQL what is free: thin callers of the SQL that alone decides it.

The public functions ``get_available_slots``, ``get_available_days``, ``get_calendar_freshness``
and ``explain_slot`` read the clock themselves; so does the private ``calsync.offered_days``, which
can leave a booking out. Inside the database the same core is reached through two more private
functions, which take the clock as their last argument (``asked_at``)::

    calsync.offered_slot(consultant uuid, meeting_type uuid, starts_at timestamptz,
                         slot_duration integer, buffer integer, ignored_booking uuid,
                         asked_at timestamptz)
      RETURNS TABLE (slot_start timestamptz, slot_end timestamptz,
                     buffer_before integer, buffer_after integer)   -- minutes
    calsync.is_offered(the same arguments) RETURNS boolean

``offered_slot`` gives one row when the slot is offered and none when it is not, so that a booking
is one statement: ``INSERT INTO bookings (…) SELECT …, slot_start, slot_end, buffer_before,
buffer_after FROM calsync.offered_slot(…) ON CONFLICT DO NOTHING RETURNING …``. Nulls mean the
meeting type's value, else the consultant's. ``ignored_booking`` is a booking that does not stand in
its own way (a reschedule, or a hold that becomes a booking): neither its time nor its calendar
event nor its place in a daily or weekly limit counts. A meeting type that is not active is offered
only together with ``ignored_booking``.
"""

from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db import DatabaseError, connection, transaction

INVALID_PARAMETER_VALUE = "22023"  # what the functions raise for what they cannot answer

DAYS = """
SELECT day, slots, duration FROM calsync.offered_days(
  %(start)s, %(days)s, %(duration)s, NULL, %(consultant_id)s, %(meeting_type)s,
  %(time_zone)s, %(ignored_booking)s)
"""
FRESHNESS = "SELECT * FROM public.get_calendar_freshness(%(consultant_id)s)"
REASONS = """
SELECT * FROM public.explain_slot(
  starts_at => %(starts_at)s, consultant => %(consultant_id)s, meeting_type => %(meeting_type)s)
"""


class SlotQueryRefused(Exception):
    """The question has no answer; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Slot:
    """An offer: ``[start, end)``."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Freshness:
    """How far the consultant's calendars can be relied on.

    ``data_as_of`` and ``covered_until`` are None without a calendar that blocks time, and while one
    of them was never read. ``state`` is fresh, stale, or closed: nothing is offered.
    """

    data_as_of: datetime | None
    covered_until: datetime | None
    state: str


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason why a slot is not offered, and the time it holds for; None: without end."""

    reason: str
    detail: str
    from_time: datetime | None
    to_time: datetime | None


def offered_days(
    *,
    consultant_id: UUID | None,
    start: date,
    days: int = 31,
    duration: int | None = None,
    meeting_type: str | None = None,
    time_zone: str | None = None,
    ignored_booking: UUID | None = None,
) -> list[tuple[date, list[Slot]]]:
    """The free slots of each of ``days`` dates in ``time_zone`` (default: the consultant's).

    Minutes throughout; ``meeting_type`` is a slug. Raises ``SlotQueryRefused``.
    """
    question = {
        "consultant_id": consultant_id,
        "start": start,
        "days": days,
        "duration": duration,
        "meeting_type": meeting_type,
        "time_zone": time_zone,
        "ignored_booking": ignored_booking,
    }
    return [
        (day, [Slot(begin, begin + length) for begin in starts])
        for day, starts, length in _ask(DAYS, question)
    ]


def freshness(consultant_id: UUID | None) -> Freshness:
    """How old the data are that slots are offered from. Raises ``SlotQueryRefused``."""
    [row] = _ask(FRESHNESS, {"consultant_id": consultant_id})
    return Freshness(*row)


def explain(
    *,
    consultant_id: UUID | None,
    starts_at: datetime,
    meeting_type: str | None = None,
) -> list[Reason]:
    """Why the slot is not offered; nothing: it is. Tells titles: for the consultant alone.

    Raises ``SlotQueryRefused``.
    """
    question = {
        "consultant_id": consultant_id,
        "starts_at": starts_at,
        "meeting_type": meeting_type,
    }
    return [Reason(*row) for row in _ask(REASONS, question)]


def _ask(question: str, arguments: dict) -> list[tuple]:
    """The answer of one of the functions. A refusal does not spoil a transaction around it."""
    try:
        with (
            transaction.atomic() if connection.in_atomic_block else nullcontext(),
            connection.cursor() as cursor,
        ):
            cursor.execute(question, arguments)
            return cursor.fetchall()
    except DatabaseError as error:
        if getattr(error.__cause__, "sqlstate", None) != INVALID_PARAMETER_VALUE:
            raise
        raise SlotQueryRefused(error.__cause__.diag.message_primary) from None
