"""Recurrence rules as they are written (RFC 5545 §3.3.10): text to ``Rule``.

What cannot be read of a rule is left out and reported, so that the rest still blocks time: a rule
that is thrown away would show its occurrences as free.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from itertools import product
from typing import Any

from connections.providers.ical.values import (
    DAY,
    EPOCH,
    HOUR,
    MINUTE,
    Unreadable,
    Written,
    read_time,
    shown,
)

YEARLY, MONTHLY, WEEKLY, DAILY, HOURLY = "YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY"
MINUTELY, SECONDLY = "MINUTELY", "SECONDLY"
STEPS = {SECONDLY: 1, MINUTELY: MINUTE, HOURLY: HOUR, DAILY: DAY, WEEKLY: 7 * DAY}
WEEKDAYS = {"MO": 0, "TU": 1, "WE": 2, "TH": 3, "FR": 4, "SA": 5, "SU": 6}

MAX_TIMES = 288  # starts a day; a rule that asks for more is not listed, as if it were sub-hourly

_BYDAY = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule with nothing left implied: what it does not say is taken from DTSTART.

    ``weekdays`` are pairs of ordinal (0 = every) and weekday (0 = Monday). ``times`` are seconds
    since midnight, for an hourly rule since the full hour; there are none where the rule asks for
    more than can be listed. Of the others, an empty set restricts nothing.
    """

    frequency: str
    interval: int = 1
    count: int | None = None
    until: Written | None = None
    week_start: int = 0
    months: frozenset[int] = frozenset()
    week_numbers: frozenset[int] = frozenset()
    year_days: frozenset[int] = frozenset()
    month_days: frozenset[int] = frozenset()
    weekdays: frozenset[tuple[int, int]] = frozenset()
    hours: frozenset[int] = frozenset()
    times: tuple[int, ...] = ()
    positions: frozenset[int] = frozenset()
    is_plain: bool = False  # a step and nothing else: no BY* part is written


def read_rule(text: str, start: int) -> tuple[Rule, list[str]]:
    """The rule of a series that starts at wall time ``start``, and notes on what it lost.

    Raises ``Unreadable`` where there is no FREQ to go by.
    """
    parts: dict[str, Any] = {}
    notes: list[str] = []
    for part in text.upper().strip(" ;").split(";"):
        name, _, value = part.partition("=")
        read = _PARTS.get(name, _unknown)
        try:
            parts[name] = read(value) if name in _SINGLE else _read_list(read, value, notes)
        except Unreadable as error:
            notes.append(f"recurrence rule: {shown(name)} {error}")
    if "FREQ" not in parts:
        raise Unreadable(f"recurrence rule {shown(text)} has no frequency")
    notes += _drop_misplaced(parts)
    return _completed(parts, start), notes


def _drop_misplaced(parts: dict[str, Any]) -> list[str]:
    """Leave out what RFC 5545 does not allow beside this FREQ."""
    misplaced = [name for name in _MISPLACED.get(parts["FREQ"], ()) if parts.pop(name, None)]
    return [f"recurrence rule: {name} beside {parts['FREQ']}" for name in misplaced]


# --- what DTSTART says where the rule is silent ------------------------------------------------


def _completed(parts: dict[str, Any], start: int) -> Rule:
    """The rule with its implied parts (RFC 5545 §3.3.10, "information, not contained")."""
    day, clock = divmod(start, DAY)
    return Rule(
        frequency=parts["FREQ"],
        interval=parts.get("INTERVAL", 1),
        count=parts.get("COUNT"),
        until=parts.get("UNTIL"),
        week_start=parts.get("WKST", 0),
        week_numbers=parts.get("BYWEEKNO", frozenset()),
        year_days=parts.get("BYYEARDAY", frozenset()),
        hours=parts.get("BYHOUR", frozenset()),
        times=_times(parts, clock),
        positions=parts.get("BYSETPOS", frozenset()),
        is_plain=not any(name.startswith("BY") for name in parts),
        **_days(parts, day),
    )


def _days(parts: dict[str, Any], day: int) -> dict[str, frozenset]:
    """Months, days of the month and weekdays, completed by the day of DTSTART."""
    frequency, on = parts["FREQ"], date.fromordinal(day + EPOCH)
    months, weekdays = parts.get("BYMONTH", frozenset()), parts.get("BYDAY", frozenset())
    month_days = parts.get("BYMONTHDAY", frozenset())
    if frequency not in (YEARLY, MONTHLY) or "BYWEEKNO" in parts:  # ordinals mean nothing there
        weekdays = frozenset((0, weekday) for _, weekday in weekdays)
    if not (weekdays or month_days or "BYYEARDAY" in parts):
        if frequency == WEEKLY or "BYWEEKNO" in parts:
            weekdays = frozenset({(0, on.weekday())})
        elif frequency in (YEARLY, MONTHLY):
            month_days = frozenset({on.day})
            if frequency == YEARLY and not months:
                months = frozenset({on.month})
    return {"months": months, "month_days": month_days, "weekdays": weekdays}


def _times(parts: dict[str, Any], clock: int) -> tuple[int, ...]:
    """The times of day (of the hour, for an hourly rule), completed by the time of DTSTART."""
    is_hourly = parts["FREQ"] == HOURLY
    hours = {0} if is_hourly else parts.get("BYHOUR", {clock // HOUR})
    minutes = parts.get("BYMINUTE", {clock % HOUR // MINUTE})
    seconds = parts.get("BYSECOND", {clock % MINUTE})
    a_day = (24 if is_hourly else len(hours)) * len(minutes) * len(seconds)
    if a_day > MAX_TIMES or parts["FREQ"] in (MINUTELY, SECONDLY):
        return ()
    return tuple(sorted(h * HOUR + m * MINUTE + s for h, m, s in product(hours, minutes, seconds)))


# --- the parts -----------------------------------------------------------------------------


def _frequency(value: str) -> str:
    if value in STEPS or value in (YEARLY, MONTHLY):
        return value
    raise Unreadable(f"{shown(value)} is unknown")


def _positive(value: str) -> int:
    if _NUMBER.fullmatch(value) and int(value) > 0:
        return int(value)
    raise Unreadable(f"{shown(value)} is not a positive number")


def _weekday(value: str) -> int:
    if value in WEEKDAYS:
        return WEEKDAYS[value]
    raise Unreadable(f"{shown(value)} is not a weekday")


def _nth_weekday(item: str) -> tuple[int, int]:
    if found := _BYDAY.fullmatch(item):
        return int(found[1] or 0), WEEKDAYS[found[2]]
    raise Unreadable(f"{shown(item)} is not a weekday")


def _number(lowest: int, highest: int) -> Callable[[str], int]:
    """A reader for numbers in a range. Where they may be negative, zero means nothing."""

    def read(item: str) -> int:
        number = int(item) if _NUMBER.fullmatch(item) else highest + 1
        if lowest <= number <= highest and (number or lowest == 0):
            return number
        raise Unreadable(f"{shown(item)} is out of range")

    return read


def _gregorian(value: str) -> str:
    """The calendar system (RFC 7529); some clients name the only one that is understood here."""
    if value == "GREGORIAN":
        return value
    raise Unreadable(f"{shown(value)} is not supported")


def _unknown(value: str) -> Any:
    raise Unreadable(f"{shown(value)} is unknown")


def _read_list(read: Callable[[str], Any], value: str, notes: list[str]) -> frozenset:
    """The readable ones of a list. Raises ``Unreadable`` where there are none."""
    found, lost = set(), None
    for item in set(value.split(",")):
        try:
            found.add(read(item))
        except Unreadable as error:
            lost = error
    if lost and not found:
        raise lost
    if lost:
        notes.append(f"recurrence rule: {lost}")
    return frozenset(found)


_SINGLE: dict[str, Callable[[str], Any]] = {
    "FREQ": _frequency,
    "INTERVAL": _positive,
    "COUNT": _positive,
    "UNTIL": read_time,
    "WKST": _weekday,
    "RSCALE": _gregorian,
}
_PARTS: dict[str, Callable[[str], Any]] = _SINGLE | {
    "BYMONTH": _number(1, 12),
    "BYWEEKNO": _number(-53, 53),
    "BYYEARDAY": _number(-366, 366),
    "BYMONTHDAY": _number(-31, 31),
    "BYDAY": _nth_weekday,
    "BYHOUR": _number(0, 23),
    "BYMINUTE": _number(0, 59),
    "BYSECOND": _number(0, 59),
    "BYSETPOS": _number(-366, 366),
}
_MISPLACED = {
    MONTHLY: ("BYWEEKNO", "BYYEARDAY"),
    WEEKLY: ("BYWEEKNO", "BYYEARDAY", "BYMONTHDAY"),
    DAILY: ("BYWEEKNO", "BYYEARDAY"),
    HOURLY: ("BYWEEKNO",),
}
