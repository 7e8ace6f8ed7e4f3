"""Everything that decides what is free, as plain values.

Both oracles read these, and ``storing`` writes them to the database. Instants are in UTC.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, time
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Weekly hours; 00:00 as an end is midnight at the day's end."""

    weekday: int  # 0 = Monday
    opens: time
    closes: time
    valid_from: date | None = None
    valid_until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherHours:
    """Other hours, or none, from ``first`` to ``last``; again every ``every_weeks`` if given.

    A recurring one is known to the database until ``expanded_until`` (None: not at all).
    """

    first: date
    last: date
    opens: time | None = None  # None: closed
    closes: time | None = None
    every_weeks: int | None = None
    expanded_until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Time taken out by hand: instants, or whole days (the last one included)."""

    start: datetime | None = None
    end: datetime | None = None
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    id: UUID
    is_active: bool
    blocks_time: bool
    tentative_blocks: bool
    synced_from: datetime | None
    synced_until: datetime | None
    last_synced_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    connection: UUID
    start: datetime
    end: datetime
    status: str
    transparency: str
    booking: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """Buffers are minutes."""

    id: UUID
    start: datetime
    end: datetime
    buffer_before: int
    buffer_after: int
    status: str
    hold_expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """What settings say and a meeting type may say: minutes, days for the window; None: no say."""

    duration: int | None
    buffer_before: int | None
    buffer_after: int | None
    minimum_notice: int | None
    booking_window: int | None
    slot_interval: int | None
    daily_limit: int | None
    weekly_limit: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """A consultant's time, and one question about it."""

    id: UUID
    zone: str
    settings: Values
    meeting_type: Values | None
    closes_when_stale: bool
    max_data_age: int | None  # minutes; None: 60
    rules: list[Rule]
    exceptions: list[OtherHours]
    blocks: list[Block]
    connections: list[Connection]
    events: list[Event]
    bookings: list[Booking]

    asked_at: datetime
    date: date
    days: int
    display_zone: str | None
    duration: int | None
    buffer: int | None
    ignored_booking: UUID | None = field(default=None)
