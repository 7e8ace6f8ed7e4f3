"""Values as they are written: dates, times and durations (RFC 5545 §3.3), without any zone.

A wall time is a whole number: what a wall clock shows, in seconds since midnight of 1 January 1970.
Whole numbers have no smallest and no largest year, and arithmetic with them is fast.
"""

import re
from datetime import date
from typing import NamedTuple

MINUTE, HOUR, DAY = 60, 3_600, 86_400
EPOCH = date(1970, 1, 1).toordinal()
EARLIEST = (date(2, 1, 1).toordinal() - EPOCH) * DAY  # Python's calendar, with room for any zone
LATEST = (date(9998, 12, 31).toordinal() - EPOCH) * DAY

_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)?(Z)?)?", re.ASCII | re.IGNORECASE)
_DURATION = re.compile(
    r"([+-]?)P(?:(\d{1,9})W)?(?:(\d{1,9})D)?"
    r"(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})S)?)?",
    re.ASCII | re.IGNORECASE,
)
_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d):?(\d\d)?", re.ASCII)


class Unreadable(ValueError):
    """A value is not what RFC 5545 allows in its place. The text is fit for a person."""


class Written(NamedTuple):
    """A DATE or DATE-TIME value as it is written."""

    wall: int
    is_date: bool
    is_utc: bool


class Length(NamedTuple):
    """How long something lasts: days as the calendar counts them, and seconds as a clock does."""

    days: int
    seconds: int

    @property
    def extent(self) -> int:
        """Seconds from start to end where no clock changes; negative where the end is first."""
        return self.days * DAY + self.seconds

    def in_days(self) -> "Length":
        """The length as that of an all-day event: whole days, at least one."""
        return Length(self.days - (-self.seconds // DAY) or 1, 0)


def read_time(value: str) -> Written:
    """``20260605``, ``20260605T090000`` or ``20260605T090000Z``. Raises ``Unreadable``."""
    found = _TIME.fullmatch(value.strip())
    if not found:
        raise Unreadable(f"{shown(value)} is not a date or time")
    year, month, day, hour, minute, second, utc = found.groups()
    try:
        wall = (date(int(year), int(month), int(day)).toordinal() - EPOCH) * DAY
    except ValueError as error:
        raise Unreadable(f"{shown(value)} is not a date or time") from error
    if hour is None:
        return Written(wall, is_date=True, is_utc=False)
    return Written(wall + _time_of_day(value, hour, minute, second), False, utc is not None)


def _time_of_day(value: str, hour: str, minute: str, second: str | None) -> int:
    """Seconds since midnight; the leap second is read as the one before it."""
    hours, minutes, seconds = int(hour), int(minute), int(second or 0)
    if hours > 23 or minutes > 59 or seconds > 60:
        raise Unreadable(f"{shown(value)} is not a date or time")
    return hours * HOUR + minutes * MINUTE + min(seconds, 59)


def read_duration(value: str) -> Length:
    """``PT1H30M``, ``P2D``, ``P1W``, with a sign (RFC 5545 §3.3.6). Raises ``Unreadable``."""
    text = value.strip()
    found = _DURATION.fullmatch(text)
    if not found or text[-1] in "PpTt":
        raise Unreadable(f"{shown(value)} is not a duration")
    sign = -1 if found[1] == "-" else 1
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups()[1:])
    clock = hours * HOUR + minutes * MINUTE + seconds
    return Length(sign * (weeks * 7 + days), sign * clock)


def read_offset(value: str) -> int:
    """Seconds east of UTC: ``+0100``, ``-023000`` (RFC 5545 §3.3.14). Raises ``Unreadable``."""
    found = _OFFSET.fullmatch(value.strip())
    if not found or int(found[2]) > 23:
        raise Unreadable(f"{shown(value)} is not a UTC offset")
    sign = -1 if found[1] == "-" else 1
    return sign * (int(found[2]) * HOUR + int(found[3]) * MINUTE + int(found[4] or 0))


def shown(value: str) -> str:
    """A piece of foreign text for a note: short, printable, in quotation marks."""
    printable = "".join(letter for letter in value[:60] if letter.isprintable())
    return f"“{printable}{'…' if len(value) > 60 else ''}”"
