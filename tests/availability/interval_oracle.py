"""What is free, by reckoning with intervals. Written from the contract, not from the SQL."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tests.availability.calendars import Booking, Calendar, Event, OtherHours

Interval = tuple[datetime, datetime]  # half-open
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def starts_by_intervals(calendar: Calendar) -> list[datetime]:
    """The offered starts, in order."""
    return _Reckoning(calendar).starts()


class _Reckoning:
    def __init__(self, calendar: Calendar) -> None:
        self.calendar = calendar
        self.zone = ZoneInfo(calendar.zone)
        self.duration = self._minutes("duration", calendar.duration)
        self.before = self._minutes("buffer_before", calendar.buffer)
        self.after = self._minutes("buffer_after", calendar.buffer)
        self.step = self._minutes("slot_interval") or self.duration
        self.blocking = [c for c in calendar.connections if c.is_active and c.blocks_time]
        self.standing = [b for b in calendar.bookings if self._stands(b)]
        self.busy = [*self._busy_events(), *self._blocked()]

    def starts(self) -> list[datetime]:
        found = set()
        for number in range(-2, self.calendar.days + 2):
            for opens, closes in self._working_intervals(self.calendar.date + number * DAY):
                start = opens
                while start + self.duration <= closes:
                    if self._is_asked_for(start) and self._is_free(start):
                        found.add(start)
                    start += self.step
        return sorted(found)

    # --- values ---------------------------------------------------------------------------------

    def _value(self, name: str) -> int | None:
        meeting = self.calendar.meeting_type
        own = getattr(meeting, name) if meeting else None
        return getattr(self.calendar.settings, name) if own is None else own

    def _minutes(self, name: str, asked: int | None = None) -> timedelta:
        minutes = self._value(name) if asked is None else asked
        return (minutes or 0) * MINUTE

    # --- time -----------------------------------------------------------------------------------

    def _instant(self, day: date, at: time = time()) -> datetime:
        """fold=0 (PEP 495): the first of two, and the offset before a gap."""
        return datetime.combine(day, at, self.zone).astimezone(UTC)

    def _date(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()

    # --- 1, 2: working hours --------------------------------------------------------------------

    def _working_intervals(self, day: date) -> list[Interval]:
        end_of_day = self._instant(day + DAY)
        spans = []
        for opens, closes in self._hours(day):
            start = self._instant(day, opens)
            end = self._instant(day, closes) if closes != time() else end_of_day
            if start < min(end, end_of_day):
                spans.append((start, min(end, end_of_day)))
        return _joined(spans)

    def _hours(self, day: date) -> list[tuple[time, time]]:
        others = [other for other in self.calendar.exceptions if _covers(other, day)]
        if any(_is_closed(other, day) for other in others):
            return []
        if others:
            return [(other.opens, other.closes) for other in others]
        return [
            (rule.opens, rule.closes)
            for rule in self.calendar.rules
            if rule.weekday == day.weekday()
            and (rule.valid_from or day) <= day <= (rule.valid_until or day)
        ]

    # --- 4: busy --------------------------------------------------------------------------------

    def _busy_events(self) -> Iterator[Interval]:
        connections = {connection.id: connection for connection in self.blocking}
        for event in self.calendar.events:
            connection = connections.get(event.connection)
            if connection and self._blocks(event, tentative_blocks=connection.tentative_blocks):
                yield event.start, event.end

    def _blocks(self, event: Event, *, tentative_blocks: bool) -> bool:
        cancelled = {b.id for b in self.calendar.bookings if b.status == "cancelled"}
        if event.booking in cancelled:
            return False
        if event.booking and event.booking == self.calendar.ignored_booking:
            return False
        return (
            event.start < event.end
            and event.transparency == "opaque"
            and (event.status == "confirmed" or (event.status == "tentative" and tentative_blocks))
        )

    def _blocked(self) -> Iterator[Interval]:
        for block in self.calendar.blocks:
            if block.first:
                yield self._instant(block.first), self._instant(block.last + DAY)
            else:
                yield block.start, block.end

    def _stands(self, booking: Booking) -> bool:
        if booking.id == self.calendar.ignored_booking:
            return False
        expiry = booking.hold_expires_at
        is_held = expiry is None or expiry > self.calendar.asked_at
        return booking.status == "confirmed" or (booking.status == "pending" and is_held)

    # --- 5: buffers -----------------------------------------------------------------------------

    def _is_free(self, start: datetime) -> bool:
        end = start + self.duration
        clear_of_busy = all(
            busy_end + self.before <= start or end + self.after <= busy_start
            for busy_start, busy_end in self.busy
        )
        return clear_of_busy and all(
            self._clear_of(booking, start, end) for booking in self.standing
        )

    def _clear_of(self, booking: Booking, start: datetime, end: datetime) -> bool:
        gap_after_booking = max(booking.buffer_after * MINUTE, self.before)
        gap_before_booking = max(booking.buffer_before * MINUTE, self.after)
        return booking.end + gap_after_booking <= start or end + gap_before_booking <= booking.start

    # --- 6, 7, 8: what may be asked for ---------------------------------------------------------

    def _is_asked_for(self, start: datetime) -> bool:
        return (
            self._is_of_the_dates(start)
            and self._is_in_the_window(start)
            and self._is_covered(start)
            and not self._is_full(start)
        )

    def _is_of_the_dates(self, start: datetime) -> bool:
        shown = start.astimezone(ZoneInfo(self.calendar.display_zone or self.calendar.zone)).date()
        return self.calendar.date <= shown < self.calendar.date + self.calendar.days * DAY

    def _is_in_the_window(self, start: datetime) -> bool:
        asked_at = self.calendar.asked_at
        last = self._date(asked_at) + self._value("booking_window") * DAY
        return start >= asked_at + self._minutes("minimum_notice") and self._date(start) <= last

    def _is_covered(self, start: datetime) -> bool:
        for connection in self.blocking:
            if connection.synced_from is None or connection.synced_until is None:
                return False
            if not connection.synced_from <= start - self.before:
                return False
            if not start + self.duration + self.after <= connection.synced_until:
                return False
        return not (self.calendar.closes_when_stale and any(map(self._is_stale, self.blocking)))

    def _is_stale(self, connection) -> bool:
        oldest = self.calendar.asked_at - (self.calendar.max_data_age or 60) * MINUTE
        return connection.last_synced_at is None or connection.last_synced_at < oldest

    def _is_full(self, start: datetime) -> bool:
        days = Counter(self._date(booking.start) for booking in self.standing)
        weeks = Counter(day.isocalendar()[:2] for day in days.elements())
        day = self._date(start)
        a_day, a_week = self._value("daily_limit"), self._value("weekly_limit")
        is_day_full = a_day is not None and days[day] >= a_day
        return is_day_full or (a_week is not None and weeks[day.isocalendar()[:2]] >= a_week)


def _joined(spans: list[Interval]) -> list[Interval]:
    """Sorted; what overlaps or touches is one."""
    joined: list[Interval] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _covers(other: OtherHours, day: date) -> bool:
    """Whether the exception speaks for this date; one that is not expanded so far always does."""
    if other.every_weeks is None:
        return other.first <= day <= other.last
    if _is_unknown(other, day):
        return True
    period = timedelta(weeks=other.every_weeks)
    since_start = (day - other.first) % period
    return day >= other.first and since_start <= other.last - other.first


def _is_closed(other: OtherHours, day: date) -> bool:
    return other.opens is None or (other.every_weeks is not None and _is_unknown(other, day))


def _is_unknown(other: OtherHours, day: date) -> bool:
    if other.expanded_until is None:
        return day >= other.first
    return day > other.expanded_until
