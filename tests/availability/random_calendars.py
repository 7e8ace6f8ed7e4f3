"""Calendars made up at random, most often around a change of the clocks."""

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from random import Random
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

from tests.availability.calendars import (
    Block,
    Booking,
    Calendar,
    Connection,
    Event,
    OtherHours,
    Rule,
    Values,
)

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

# Before 2012 some zones changed at 00:01, so that a date came twice. These are older, and tame.
SKIPPED_A_DAY = {
    "Kwajalein": 1993,
    "Pacific/Kwajalein": 1993,
    "Pacific/Enderbury": 1994,
    "Pacific/Kanton": 1994,
    "Pacific/Kiritimati": 1994,
    "Pacific/Apia": 2011,
    "Pacific/Fakaofo": 2011,
}
FIRST_YEAR, LAST_YEAR = 2012, 2036


def calendar_at_random(random: Random, *, asked_at: datetime | None = None) -> Calendar:
    """A calendar, most often around a change of the clocks; with ``asked_at``, around then."""
    return _Maker(random, asked_at).make()


@cache
def all_zones() -> list[str]:
    return sorted(available_timezones() - {"localtime", "Factory"})


@cache
def changes(zone: str) -> list[datetime]:
    """When the zone's clocks change, to the minute."""
    rules = ZoneInfo(zone)
    at = datetime(SKIPPED_A_DAY.get(zone, FIRST_YEAR), 1, 1, tzinfo=UTC)
    found = []
    while at.year <= LAST_YEAR:
        following = at + 20 * DAY
        if _offset(at, rules) != _offset(following, rules):
            found.append(_change_between(at, following, rules))
            following = found[-1] + 3 * DAY
        at = following
    return found


def _change_between(before: datetime, after: datetime, rules: ZoneInfo) -> datetime:
    old = _offset(before, rules)
    while after - before > MINUTE:
        middle = before + (after - before) // MINUTE // 2 * MINUTE
        before, after = (middle, after) if _offset(middle, rules) == old else (before, middle)
    return after


def _offset(at: datetime, rules: ZoneInfo) -> timedelta:
    return at.astimezone(rules).utcoffset()


class _Maker:
    """Makes one calendar around one instant."""

    def __init__(self, random: Random, asked_at: datetime | None) -> None:
        self.random = random
        self.zone = random.choice(all_zones())
        self.fixed_clock = asked_at
        self.around = asked_at + random.randint(1, 72) * HOUR if asked_at else self._some_day()
        local = self.around.astimezone(ZoneInfo(self.zone))
        self.wall_clock = (local - random.choice([0, 1, 2]) * HOUR).time()
        self.date = local.date() - random.choice([0, 0, 0, 1, 2]) * DAY
        self.days = random.choice([1, 1, 2, 3, 4])
        self.asked_at = asked_at or self._clock()
        self.connections = [self._connection() for _ in range(random.choice([0, 1, 1, 2, 3]))]
        self.bookings = self._bookings()

    def make(self) -> Calendar:
        random = self.random
        return Calendar(
            id=self._id(),
            zone=self.zone,
            settings=self._settings(),
            meeting_type=self._meeting_type() if self._chance(0.3) else None,
            closes_when_stale=self._chance(0.3),
            max_data_age=random.choice([None, 30, 90]),
            rules=self._rules(),
            exceptions=[self._exception() for _ in range(random.choice([0, 0, 0, 1, 2]))],
            blocks=[self._block() for _ in range(random.choice([0, 0, 1, 2]))],
            connections=self.connections,
            events=self._events(),
            bookings=self.bookings,
            asked_at=self.asked_at,
            date=self.date,
            days=self.days,
            display_zone=random.choice([None, random.choice(all_zones())]),
            duration=random.choice([None, None, 15, 25, 60]),
            buffer=random.choice([None, None, None, 0, 10]),
            ignored_booking=self._ignored(),
        )

    # --- dice -----------------------------------------------------------------------------------

    def _chance(self, share: float) -> bool:
        return self.random.random() < share

    def _id(self) -> UUID:
        return UUID(int=self.random.getrandbits(128), version=4)

    def _some_day(self) -> datetime:
        """A change of the clocks where the zone has any; otherwise any hour."""
        found = changes(self.zone)
        if found and self._chance(0.8):
            return self.random.choice(found)
        start = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC)
        return start + self.random.randrange(24 * 365 * (LAST_YEAR - FIRST_YEAR)) * HOUR

    def _clock(self) -> datetime:
        """Mostly early enough for something to be on offer, often not much."""
        distance = self.random.choice([2, 30, 36, 48, 72]) * HOUR
        return self.around - distance + self.random.randrange(7200) * timedelta(seconds=1)

    def _instant(self) -> datetime:
        """Somewhere in the dates asked for, or near them; seldom off the minute."""
        hours = self.random.uniform(-30, 24 * self.days + 6)
        at = self.around.replace(second=0, microsecond=0) + round(hours * 12) * 5 * MINUTE
        return at + self.random.choice([0, 0, 0, 0, 1, 59]) * timedelta(seconds=1)

    def _day(self) -> date:
        return self.date + self.random.randint(-1, self.days) * DAY

    def _time(self) -> time:
        """Any quarter of an hour, or one near the change of the clocks."""
        if self._chance(0.4):
            near = datetime.combine(date(2000, 1, 1), self.wall_clock)
            near += self.random.randint(-8, 12) * 15 * MINUTE
            return near.time().replace(second=0, microsecond=0)
        return time(self.random.randrange(24), self.random.choice([0, 0, 15, 30, 45, 50]))

    def _hours(self) -> tuple[time, time]:
        if self._chance(0.15):
            return time(0), time(0)
        opens, closes = sorted([self._time(), self._time()])
        return (opens, time(0)) if opens == closes or self._chance(0.1) else (opens, closes)

    # --- the consultant -------------------------------------------------------------------------

    def _settings(self) -> Values:
        pick = self.random.choice
        return Values(
            duration=pick([5, 15, 20, 30, 45, 60, 90]),
            buffer_before=pick([0] * 6 + [5, 15, 60, 1440]),
            buffer_after=pick([0] * 6 + [10, 30, 1440]),
            minimum_notice=pick([0, 0, 0, 0, 15, 120, 1440]),
            booking_window=pick([0, 1, 2, 3, 60, 60, 60, 60, 400]),
            slot_interval=pick([None, None, 5, 15, 20, 30, 45, 60]),
            daily_limit=pick([None] * 6 + [1, 2]),
            weekly_limit=pick([None] * 6 + [1, 3]),
        )

    def _meeting_type(self) -> Values:
        pick = self.random.choice
        return Values(
            duration=pick([None, 10, 40, 75]),
            buffer_before=pick([None, 0, 20]),
            buffer_after=pick([None, 0, 20]),
            minimum_notice=pick([None, 0, 60]),
            booking_window=pick([None, 2, 90]),
            slot_interval=pick([None, 10, 25]),
            daily_limit=pick([None, None, 2]),
            weekly_limit=pick([None, None, 2]),
        )

    def _rules(self) -> list[Rule]:
        rules = []
        for weekday in range(7):
            for _ in range(self.random.choice([0, 1, 1, 2, 2, 3])):
                opens, closes = self._hours()
                rules.append(Rule(weekday=weekday, opens=opens, closes=closes, **self._validity()))
        return rules

    def _validity(self) -> dict:
        if self._chance(0.9):
            return {}
        first = self._day()
        last = first + self.random.randint(0, 3) * DAY
        return self.random.choice(
            [
                {"valid_from": first},
                {"valid_until": last},
                {"valid_from": first, "valid_until": last},
            ]
        )

    def _exception(self) -> OtherHours:
        first = self._day()
        last = first + self.random.choice([0, 0, 1, 2]) * DAY
        opens, closes = self._hours() if self._chance(0.6) else (None, None)
        hours = {"opens": opens, "closes": closes}
        if self._chance(0.6):
            return OtherHours(first=first, last=last, **hours)
        every = self.random.choice([1, 2])
        back = self.random.choice([0, 2]) * every * 7 * DAY
        known = self.random.choice([None, self._day(), first + 60 * DAY, first + 60 * DAY])
        return OtherHours(
            first=first - back, last=last - back, every_weeks=every, expanded_until=known, **hours
        )

    def _block(self) -> Block:
        if self._chance(0.3):
            first = self._day()
            return Block(first=first, last=first + self.random.choice([0, 0, 1]) * DAY)
        start = self._instant()
        return Block(start=start, end=start + self.random.choice([5, 30, 90, 3000]) * MINUTE)

    # --- the calendars --------------------------------------------------------------------------

    def _connection(self) -> Connection:
        pick = self.random.choice
        long_ago, far_ahead = self.asked_at - 900 * DAY, self.asked_at + 900 * DAY
        return Connection(
            id=self._id(),
            is_active=self._chance(0.9),
            blocks_time=self._chance(0.9),
            tentative_blocks=self._chance(0.5),
            synced_from=pick([long_ago] * 30 + [self._instant(), None]),
            synced_until=pick([far_ahead] * 15 + [self._instant(), self._instant(), None]),
            last_synced_at=pick([self.asked_at - age * MINUTE for age in (0, 29, 30, 59, 60, 90)])
            if self._chance(0.93)
            else pick([None, self.asked_at - 91 * MINUTE, self.asked_at - 2 * DAY]),
        )

    def _events(self) -> list[Event]:
        if not self.connections:
            return []
        return [self._event() for _ in range(self.random.choice([0, 1, 3, 6, 10]))]

    def _event(self) -> Event:
        pick = self.random.choice
        start = self._instant()
        minutes = pick([0, 5, 15, 30, 30, 60, 60, 120, 1440, 1500, 4000])
        if minutes > 1000:
            start -= pick([0, 1, 2]) * DAY
        return Event(
            connection=pick(self.connections).id,
            start=start,
            end=start + minutes * MINUTE,
            status=pick(["confirmed"] * 4 + ["tentative", "tentative", "cancelled"]),
            transparency=pick(["opaque"] * 5 + ["transparent"]),
            booking=pick([booking.id for booking in self.bookings] + [None] * 3 + [self._id()]),
        )

    def _bookings(self) -> list[Booking]:
        """Such as the table's constraints let stand."""
        kept: list[Booking] = []
        for _ in range(self.random.choice([0, 0, 1, 2, 4])):
            booking = self._booking()
            if booking.status == "cancelled" or not any(_clash(booking, other) for other in kept):
                kept.append(booking)
        return kept

    def _booking(self) -> Booking:
        pick = self.random.choice
        start = self._instant()
        status = pick(["confirmed", "confirmed", "pending", "pending", "cancelled"])
        expiry = pick([None, self.asked_at - MINUTE, self.asked_at, self.asked_at + MINUTE])
        return Booking(
            id=self._id(),
            start=start,
            end=start + pick([15, 30, 60, 1440]) * MINUTE,
            buffer_before=pick([0, 0, 10, 45, 1440]),
            buffer_after=pick([0, 0, 10, 45, 1440]),
            status=status,
            hold_expires_at=expiry if status != "confirmed" or self._chance(0.2) else None,
        )

    def _ignored(self) -> UUID | None:
        return self.random.choice([None, None, *(booking.id for booking in self.bookings)])


def _clash(one: Booking, other: Booking) -> bool:
    """Whether the table refuses the two next to each other."""
    if other.status == "cancelled":
        return False
    first, second = sorted([one, other], key=lambda booking: booking.start)
    gap = max(first.buffer_after, second.buffer_before) * MINUTE
    return second.start < first.end + gap
