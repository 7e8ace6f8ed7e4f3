"""What is free, minute by minute. Slow and obvious; written from the contract, not from the SQL.

Every minute of some days is looked at: what the clocks show, whether it is worked, whether it is
taken. Nothing here adds a wall clock time to a date.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tests.availability.calendars import Calendar

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
MIDNIGHT = time()


@dataclass(frozen=True)
class Clock:
    """The minutes looked at, and what the consultant's clocks show at each."""

    minutes: list[datetime]
    shown: list[datetime]  # without a zone
    index: dict[datetime, int]  # where a time is shown for the first time

    @classmethod
    def around(cls, calendar: Calendar) -> "Clock":
        zone = ZoneInfo(calendar.zone)
        first = datetime.combine(calendar.date - 3 * DAY, MIDNIGHT, UTC)
        minutes = [first + number * MINUTE for number in range((calendar.days + 6) * 1440)]
        shown: list[datetime] = []
        for quarter in minutes[::15]:  # clocks change at quarters of an hour
            local = quarter.astimezone(zone).replace(tzinfo=None)
            shown += [local + number * MINUTE for number in range(15)]
        index: dict[datetime, int] = {}
        for number, wall_clock in enumerate(shown):
            index.setdefault(wall_clock, number)
        return cls(minutes, shown, index)

    def number_of(self, day: date, at: time) -> int:
        """The minute at which the clocks first show this; in a gap, as if they had gone on."""
        wanted = datetime.combine(day, at)
        if wanted in self.index:
            return self.index[wanted]
        before = next(
            number
            for number, wall_clock in enumerate(self.shown)
            if wall_clock < wanted < self.shown[number + 1]
        )
        return before + (wanted - self.shown[before]) // MINUTE

    def cells(self, start: datetime, end: datetime) -> range:
        """The minutes that have a part in common with [start, end)."""
        first = (start - self.minutes[0]) // MINUTE
        last = -((self.minutes[0] - end) // MINUTE)
        return range(max(first, 0), max(min(last, len(self.minutes)), 0))


def starts_minute_by_minute(calendar: Calendar) -> list[datetime]:
    """The offered starts, in order."""
    if calendar.closes_when_stale and _is_stale(calendar):
        return []
    clock = Clock.around(calendar)
    values = _Values.of(calendar)
    worked = _worked(calendar, clock)
    taken = _taken(calendar, clock) + _uncovered(calendar, clock)
    held, padded = _booked(calendar, clock)
    full = _full_dates(calendar, values)
    answer = []
    for number in _grid(worked, clock, values):
        slot = range(number, number + values.duration)
        with_room = range(slot.start - values.before, slot.stop + values.after)
        if (
            _may_start(calendar, clock, number, values)
            and clock.shown[number].date() not in full
            and not any(taken[minute] or held[minute] for minute in with_room)
            and not any(padded[minute] for minute in slot)
        ):
            answer.append(clock.minutes[number])
    return answer


@dataclass(frozen=True)
class _Values:
    """Minutes, but the window in days."""

    duration: int
    before: int
    after: int
    step: int
    notice: int
    window: int
    a_day: int | None
    a_week: int | None

    @classmethod
    def of(cls, calendar: Calendar) -> "_Values":
        def first(name: str, *asked: int | None) -> int | None:
            choices = [*asked]
            if calendar.meeting_type:
                choices.append(getattr(calendar.meeting_type, name))
            choices.append(getattr(calendar.settings, name))
            return next((choice for choice in choices if choice is not None), None)

        duration = first("duration", calendar.duration)
        return cls(
            duration=duration,
            before=first("buffer_before", calendar.buffer),
            after=first("buffer_after", calendar.buffer),
            step=first("slot_interval") or duration,
            notice=first("minimum_notice"),
            window=first("booking_window"),
            a_day=first("daily_limit"),
            a_week=first("weekly_limit"),
        )


def _is_stale(calendar: Calendar) -> bool:
    limit = timedelta(minutes=calendar.max_data_age or 60)
    return any(
        connection.last_synced_at is None or calendar.asked_at - connection.last_synced_at > limit
        for connection in calendar.connections
        if connection.is_active and connection.blocks_time
    )


def _worked(calendar: Calendar, clock: Clock) -> list[date | None]:
    """For each minute the date that it is worked on."""
    worked: list[date | None] = [None] * len(clock.minutes)
    for number in range(-2, calendar.days + 2):
        day = calendar.date + number * DAY
        for opens, closes in _hours_of(calendar, day):
            start = clock.number_of(day, opens)
            end = clock.number_of(*((day, closes) if closes != MIDNIGHT else (day + DAY, closes)))
            for minute in range(start, end):
                if clock.shown[minute].date() == day:
                    worked[minute] = day
    return worked


def _hours_of(calendar: Calendar, day: date) -> list[tuple[time, time]]:
    special = []
    for other in calendar.exceptions:
        if other.every_weeks is None:
            known, days = True, _dates(other.first, other.last)
        else:
            known = other.expanded_until is not None and day <= other.expanded_until
            days, repeated = set(), other.first
            while repeated <= day:
                days |= _dates(repeated, repeated + (other.last - other.first))
                repeated += other.every_weeks * 7 * DAY
        if not known and (other.expanded_until or day >= other.first):
            return []
        if known and day in days:
            special.append((other.opens, other.closes))
    if special:
        return [] if (None, None) in special else special
    return [
        (rule.opens, rule.closes)
        for rule in calendar.rules
        if rule.weekday == day.weekday()
        and not (rule.valid_from and day < rule.valid_from)
        and not (rule.valid_until and day > rule.valid_until)
    ]


def _dates(first: date, last: date) -> set[date]:
    return {first + number * DAY for number in range((last - first).days + 1)}


def _grid(worked: list[date | None], clock: Clock, values: _Values) -> list[int]:
    """Where slots can start: counted anew from each first minute of work of a date."""
    starts = []
    minute = 0
    while minute < len(worked):
        origin = minute
        while minute < len(worked) and worked[minute] == worked[origin]:
            minute += 1
        if worked[origin]:
            starts += range(origin, minute - values.duration + 1, values.step)
    return starts


def _taken(calendar: Calendar, clock: Clock) -> "_Marks":
    """The minutes of events and blocks."""
    marks = _Marks(len(clock.minutes))
    status = {booking.id: booking.status for booking in calendar.bookings}
    for connection in calendar.connections:
        busy = {"confirmed", "tentative"} if connection.tentative_blocks else {"confirmed"}
        for event in calendar.events:
            if (
                event.connection == connection.id
                and connection.is_active
                and connection.blocks_time
                and event.status in busy
                and event.transparency != "transparent"
                and event.end > event.start
                and status.get(event.booking) != "cancelled"
                and (event.booking is None or event.booking != calendar.ignored_booking)
            ):
                marks.mark(clock.cells(event.start, event.end))
    for block in calendar.blocks:
        if block.start:
            marks.mark(clock.cells(block.start, block.end))
        else:
            days = _dates(block.first, block.last)
            marks.mark(n for n, wall_clock in enumerate(clock.shown) if wall_clock.date() in days)
    return marks


def _uncovered(calendar: Calendar, clock: Clock) -> "_Marks":
    """The minutes that a calendar which blocks time has not been read for."""
    marks = _Marks(len(clock.minutes))
    for connection in calendar.connections:
        if connection.is_active and connection.blocks_time:
            start, end = connection.synced_from, connection.synced_until
            marks.mark(
                number
                for number, minute in enumerate(clock.minutes)
                if not (start and end and start <= minute and minute + MINUTE <= end)
            )
    return marks


def _booked(calendar: Calendar, clock: Clock) -> tuple["_Marks", "_Marks"]:
    """The minutes of bookings, without and with the room that each of them needs."""
    held, padded = _Marks(len(clock.minutes)), _Marks(len(clock.minutes))
    for booking in _standing(calendar):
        held.mark(clock.cells(booking.start, booking.end))
        room_before, room_after = booking.buffer_before * MINUTE, booking.buffer_after * MINUTE
        padded.mark(clock.cells(booking.start - room_before, booking.end + room_after))
    return held, padded


def _standing(calendar: Calendar) -> list:
    standing = []
    for booking in calendar.bookings:
        expires = booking.hold_expires_at
        has_expired = booking.status == "pending" and expires and expires <= calendar.asked_at
        is_ignored = booking.id == calendar.ignored_booking
        if booking.status != "cancelled" and not has_expired and not is_ignored:
            standing.append(booking)
    return standing


def _full_dates(calendar: Calendar, values: _Values) -> set[date]:
    """The dates on which, or in whose week from Monday, nothing more may be booked."""
    zone = ZoneInfo(calendar.zone)
    booked = [booking.start.astimezone(zone).date() for booking in _standing(calendar)]
    full = set()
    for day in _dates(calendar.date - 3 * DAY, calendar.date + (calendar.days + 3) * DAY):
        monday = day - day.weekday() * DAY
        in_week = [one for one in booked if monday <= one <= monday + 6 * DAY]
        if values.a_day and booked.count(day) >= values.a_day:
            full.add(day)
        if values.a_week and len(in_week) >= values.a_week:
            full.add(day)
    return full


def _may_start(calendar: Calendar, clock: Clock, number: int, values: _Values) -> bool:
    start = clock.minutes[number]
    today = calendar.asked_at.astimezone(ZoneInfo(calendar.zone)).date()
    shown_to = start.astimezone(ZoneInfo(calendar.display_zone or calendar.zone)).date()
    return (
        start - calendar.asked_at >= values.notice * MINUTE
        and (clock.shown[number].date() - today).days <= values.window
        and 0 <= (shown_to - calendar.date).days < calendar.days
    )


class _Marks(list):
    """One truth value for each minute."""

    def __init__(self, length: int) -> None:
        super().__init__([False] * length)

    def mark(self, numbers) -> None:
        for number in numbers:
            self[number] = True

    def __add__(self, other: "_Marks") -> "_Marks":
        both = enumerate(zip(self, other, strict=True))
        union = _Marks(len(self))
        union.mark(number for number, pair in both if any(pair))
        return union
