"""A rule to the wall times at which it starts something: whole-number arithmetic, bounded work.

A rule has periods: its hours, days, weeks, months or years, each kind numbered along one line.
The first period that matters is computed, not walked to: a daily series of the year 1601 costs
no more than one of yesterday. Only a rule with COUNT may have to be walked from its start, and
every walk spends from a ``Budget``. python-dateutil's engine offers neither: a daily rule for
30 February keeps it busy for seconds.
"""

from bisect import bisect_left, bisect_right
from calendar import monthrange
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from connections.providers.ical.rules import DAILY, HOURLY, MONTHLY, STEPS, WEEKLY, YEARLY, Rule
from connections.providers.ical.values import DAY, EPOCH, HOUR, LATEST

COST_OF_A_RULE = 20  # candidates that reading it is worth
_CHUNK = 512  # periods between two looks at the budget


@dataclass(slots=True)
class Budget:
    """What one object may still cost: candidates looked at (about 1 µs each), starts listed."""

    candidates: int = 200_000
    starts: int = 10_000  # an hourly series over a window of 400 days

    def spend(self, candidates: int) -> bool:
        """Whether there was enough left for that many."""
        self.candidates -= candidates
        return self.candidates >= 0


class Expansion(NamedTuple):
    """Sorted wall times of starts; ``unlisted`` spans those that were too many to list."""

    starts: list[int]
    unlisted: tuple[int, int] | None = None


def expand(rule: Rule, start: int, first: int, last: int, budget: Budget) -> Expansion:
    """The starts of a rule from ``first`` to ``last``, both included, and none before ``start``.

    DTSTART is among them only where the rule falls on it. COUNT is heeded; UNTIL has to be in
    ``last`` already, because only the caller knows zones.
    """
    first, last = max(first, start), min(last, LATEST)
    must_count = rule.count is not None
    if must_count and rule.is_plain and rule.frequency in STEPS:
        must_count = False
        last = min(last, start + (rule.count - 1) * rule.interval * STEPS[rule.frequency])
    if first > last:
        return Expansion([])
    if not rule.times:
        return Expansion([], (first, last))
    periods = _periods(rule, start, start if must_count else first, last)
    starts, is_complete = _walk(rule, periods, start, budget)
    listed = starts[bisect_left(starts, first) : bisect_right(starts, last)]
    return Expansion(listed, None if is_complete else (starts[-1] if starts else first, last))


def _walk(rule: Rule, periods: range, start: int, budget: Budget) -> tuple[list[int], bool]:
    """The starts in these periods, and whether the budget sufficed for all of them."""
    starts: list[int] = []
    cost = _width(rule) * len(rule.times)
    for at in range(0, len(periods), _CHUNK):
        chunk = periods[at : at + _CHUNK]
        if not budget.spend(len(chunk) * cost):
            return starts, False
        found = _starts(rule, chunk)
        starts += found[bisect_left(found, start) :]
        if rule.count and len(starts) >= rule.count:
            return starts[: rule.count], True
    return starts, True


def _width(rule: Rule) -> int:
    """How many days (hours) of one period are looked at, at most."""
    if rule.frequency == YEARLY and rule.months:
        return 31 * len(rule.months)
    return {HOURLY: 1, DAILY: 1, WEEKLY: 7, MONTHLY: 31, YEARLY: 366}[rule.frequency]


def _starts(rule: Rule, periods: range) -> list[int]:
    """Every start in these periods; BYSETPOS picks from one period at a time."""
    if rule.positions:
        return [
            wall
            for period in periods
            for wall in sorted(_pick(_candidates(rule, [period]), rule.positions))
        ]
    return _candidates(rule, periods)


def _candidates(rule: Rule, periods: Sequence[int]) -> list[int]:
    unit = HOUR if rule.frequency == HOURLY else DAY
    units = _UNITS[rule.frequency](rule, periods)
    return [number * unit + time for number in units for time in rule.times]


# --- periods --------------------------------------------------------------------------------


def _periods(rule: Rule, start: int, first: int, last: int) -> range:
    """Numbers of the rule's periods from the one that holds ``first``, in step with ``start``."""
    number = _NUMBERS[rule.frequency]
    origin = number(rule, start)
    skipped = -(-(number(rule, first) - origin) // rule.interval)
    return range(origin + skipped * rule.interval, number(rule, last) + 1, rule.interval)


def _week(rule: Rule, wall: int) -> int:
    """Weeks begin on WKST; day 0, 1 January 1970, is a Thursday."""
    return (wall // DAY + 3 - rule.week_start) // 7


def _month(rule: Rule, wall: int) -> int:
    on = date.fromordinal(wall // DAY + EPOCH)
    return on.year * 12 + on.month - 1


_NUMBERS: dict[str, Callable[[Rule, int], int]] = {
    HOURLY: lambda rule, wall: wall // HOUR,
    DAILY: lambda rule, wall: wall // DAY,
    WEEKLY: _week,
    MONTHLY: _month,
    YEARLY: lambda rule, wall: date.fromordinal(wall // DAY + EPOCH).year,
}


# --- what a rule chooses within its periods (the table in RFC 5545 §3.3.10) --------------------


def _hourly(rule: Rule, hours: Iterable[int]) -> Iterable[int]:
    if rule.hours:
        hours = [hour for hour in hours if hour % 24 in rule.hours]
    if rule.weekdays or rule.months or rule.month_days or rule.year_days:
        hours = [hour for hour in hours if list(_daily(rule, [hour // 24]))]
    return hours


def _daily(rule: Rule, days: Iterable[int]) -> Iterable[int]:
    if rule.weekdays:
        weekdays = {weekday for _, weekday in rule.weekdays}
        days = [day for day in days if (day + 3) % 7 in weekdays]
    if rule.months or rule.month_days or rule.year_days:
        days = [day for day in days if _is_on_date(rule, day)]
    return days


def _weekly(rule: Rule, weeks: Iterable[int]) -> Iterable[int]:
    first = rule.week_start - 3
    offsets = sorted((weekday - rule.week_start) % 7 for _, weekday in rule.weekdays)
    days = [week * 7 + first + offset for week in weeks for offset in offsets]
    return [day for day in days if _is_on_date(rule, day)] if rule.months else days


def _monthly(rule: Rule, months: Iterable[int]) -> Iterable[int]:
    for number in months:
        year, month = number // 12, number % 12 + 1
        if not rule.months or month in rule.months:
            yield from sorted(_in_month(rule, year, month))


def _yearly(rule: Rule, years: Iterable[int]) -> Iterable[int]:
    for year in years:
        yield from sorted(_in_year(rule, year))


_UNITS: dict[str, Callable[[Rule, Iterable[int]], Iterable[int]]] = {
    HOURLY: _hourly,
    DAILY: _daily,
    WEEKLY: _weekly,
    MONTHLY: _monthly,
    YEARLY: _yearly,
}


def _is_on_date(rule: Rule, day: int) -> bool:
    on = date.fromordinal(day + EPOCH)
    return (
        (not rule.months or on.month in rule.months)
        and (not rule.month_days or day in _pick(_days(on.year, on.month), rule.month_days))
        and (not rule.year_days or day in _pick(_days(on.year), rule.year_days))
    )


def _in_month(rule: Rule, year: int, month: int) -> set[int]:
    """The rule's days in a month, where an ordinal of BYDAY counts within the month."""
    days = _days(year, month)
    found = _pick(days, rule.month_days) if rule.month_days else set(days)
    return found & _on_weekdays(rule, days) if rule.weekdays else found


def _in_year(rule: Rule, year: int) -> set[int]:
    """The rule's days in a year; without BYMONTH an ordinal of BYDAY counts within the year."""
    days = _days(year)
    if rule.months:
        found = set().union(*(_in_month(rule, year, month) for month in rule.months))
    else:
        found = _on_weekdays(rule, days) if rule.weekdays else set(days)
        if rule.month_days:
            months = (_days(year, month) for month in range(1, 13))
            found &= set().union(*(_pick(month, rule.month_days) for month in months))
    if rule.year_days:
        found &= _pick(days, rule.year_days)
    return {day for day in found if _is_in_weeks(rule, day)} if rule.week_numbers else found


def _on_weekdays(rule: Rule, days: range) -> set[int]:
    """Those of consecutive days that BYDAY names; its ordinals count from the first or the last."""
    found: set[int] = set()
    for ordinal, weekday in rule.weekdays:
        same = days[(weekday - days[0] - 3) % 7 :: 7]
        found.update(_pick(same, (ordinal,)) if ordinal else same)
    return found


def _is_in_weeks(rule: Rule, day: int) -> bool:
    """Whether the day's week has a number of BYWEEKNO, counted from either end of its year.

    A week belongs to the year that holds its fourth day (RFC 5545: at least four of its days).
    """
    fourth = day - (day + 3 - rule.week_start) % 7 + 3
    year = _days(date.fromordinal(fourth + EPOCH).year)
    from_start, from_end = (fourth - year[0]) // 7 + 1, -((year[-1] - fourth) // 7 + 1)
    return from_start in rule.week_numbers or from_end in rule.week_numbers


def _days(year: int, month: int | None = None) -> range:
    """The days of a year or of a month."""
    if month is None:
        return range(date(year, 1, 1).toordinal() - EPOCH, date(year + 1, 1, 1).toordinal() - EPOCH)
    first = date(year, month, 1).toordinal() - EPOCH
    return range(first, first + monthrange(year, month)[1])


def _pick(items: Sequence[int], numbers: Iterable[int]) -> set[int]:
    """The items at these positions: 1 is the first, -1 the last; what is not there is left out."""
    size = len(items)
    return {items[n - 1 if n > 0 else n] for n in numbers if -size <= n <= size}
