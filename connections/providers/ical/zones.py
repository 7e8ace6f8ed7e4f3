"""Time zones: the name or definition in an object to a ``Zone``, wall times to instants and back.

Instants are whole seconds since 1970 in UTC. A wall time that a change of the clocks skips is read
with the offset before the gap, one that happens twice is the first (RFC 5545 §3.3.5). For an
occurrence in a gap RFC 5545 §3.3.10 says both this and that it is left out; this one blocks time.
"""

from bisect import bisect_right
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo, available_timezones

from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from connections.providers.ical.expansion import COST_OF_A_RULE, Budget, expand
from connections.providers.ical.parser import Component
from connections.providers.ical.rules import read_rule
from connections.providers.ical.values import (
    DAY,
    EARLIEST,
    LATEST,
    Unreadable,
    read_offset,
    read_time,
    shown,
)

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  a wall clock has no zone
_REMEMBERED_DAYS = 2_000
_LONGEST_NAME = 200


class Zone(Protocol):
    """Where a wall clock hangs."""

    def instant(self, wall: int) -> int:
        """The instant at which this clock shows ``wall``."""

    def wall(self, instant: int) -> int:
        """What this clock shows at an instant."""


class NamedZone:
    """A zone of the IANA database. Most days have one offset, which is remembered."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._offsets: dict[int, int] = {}

    def __str__(self) -> str:
        return str(self._zone)

    def instant(self, wall: int) -> int:
        offset = self._offsets.get(wall // DAY)
        return wall - (self._offset(wall) if offset is None else offset)

    def wall(self, instant: int) -> int:
        at = _EPOCH + timedelta(seconds=_within_calendar(instant))
        return instant + _seconds(at.replace(tzinfo=UTC).astimezone(self._zone))

    def _offset(self, wall: int) -> int:
        """The offset at a wall time. No zone has ever changed twice within a day."""
        midnight = wall - wall % DAY
        offset = self._ask(midnight)
        if offset != self._ask(midnight + DAY):
            return self._ask(wall)
        if len(self._offsets) >= _REMEMBERED_DAYS:
            self._offsets.clear()
        self._offsets[wall // DAY] = offset
        return offset

    def _ask(self, wall: int) -> int:
        at = _EPOCH + timedelta(seconds=_within_calendar(wall))
        return _seconds(at.replace(tzinfo=self._zone))  # fold=0 is the reading described above


class DefinedZone:
    """A zone that an object defines for itself, as a list of changes of the clock."""

    def __init__(self, changes: Iterable[tuple[int, int, int]]) -> None:
        """``changes`` are an instant, the offset before and the offset from then on."""
        ordered = sorted(changes)
        self._instants = [at for at, _, _ in ordered]
        self._walls = [at + max(before, after) for at, before, after in ordered]
        self._offsets = [ordered[0][1], *(after for _, _, after in ordered)]

    def instant(self, wall: int) -> int:
        return wall - self._offsets[bisect_right(self._walls, wall)]

    def wall(self, instant: int) -> int:
        return instant + self._offsets[bisect_right(self._instants, instant)]


def _seconds(at: datetime) -> int:
    offset = at.utcoffset()
    return int(offset.total_seconds()) if offset else 0


def _within_calendar(seconds: int) -> int:
    """Where Python's calendar ends the nearest offset has to do."""
    return min(max(seconds, EARLIEST), LATEST)


@lru_cache(maxsize=1024)
def zone_of(zone: tzinfo) -> NamedZone:
    """The ``Zone`` of a ``tzinfo``, kept with what it remembers."""
    return NamedZone(zone)


UTC_ZONE = zone_of(UTC)


# --- zones by name -----------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def named_zone(tzid: str) -> NamedZone | None:
    """The zone of an IANA name, a Windows name, or an IANA name behind a vendor's prefix.

    Prefixes look like ``/mozilla.org/20050126_1/Europe/Berlin``.
    """
    folded = tzid.strip(" /").casefold()
    parts = folded.split("/")
    for name in (folded, *("/".join(parts[skipped:]) for skipped in range(1, len(parts)))):
        if name in _known_names():
            return zone_of(ZoneInfo(_known_names()[name]))
    return None


@lru_cache(maxsize=1)
def _known_names() -> dict[str, str]:
    """IANA keys by case-folded name: ``ZoneInfo`` is not to look for files by foreign names."""
    windows = {name.casefold(): key for name, key in WINDOWS_TO_OLSON.items()}
    return windows | {key.casefold(): key for key in available_timezones()}


class Zones:
    """The zones of one object: what each TZID in it means."""

    def __init__(self, root: Component, *, local: tzinfo, until: int, budget: Budget) -> None:
        """``local`` is the consultant's zone; definitions are worked out until that instant."""
        self.local = zone_of(local)
        self.floating: Zone = _calendar_zone(root) or self.local
        self._definitions = {
            tzid.value.strip(): component
            for component in root.walk()
            if component.name == "VTIMEZONE" and (tzid := component.first("TZID"))
        }
        self._until, self._budget = until, budget
        self._defined: dict[str, tuple[Zone, str]] = {}

    def defines(self, tzid: str) -> bool:
        """Whether the object itself says what the name means, as RFC 5545 §3.2.19 asks for."""
        return tzid.strip() in self._definitions

    def find(self, tzid: str) -> tuple[Zone, str]:
        """The zone; where it is not known, that of floating times instead, and a note of that."""
        tzid = tzid.strip()
        if len(tzid) <= _LONGEST_NAME and (zone := named_zone(tzid)):
            return zone, ""
        if tzid not in self._defined:
            self._defined[tzid] = self._read(tzid)
        return self._defined[tzid]

    def _read(self, tzid: str) -> tuple[Zone, str]:
        definition = self._definitions.get(tzid)
        if definition is None:
            return self.floating, f"time zone {shown(tzid)} is unknown"
        try:
            return DefinedZone(_changes(definition, self._until, self._budget)), ""
        except Unreadable as error:
            return self.floating, f"time zone {shown(tzid)} cannot be read: {error}"


def _calendar_zone(root: Component) -> Zone | None:
    """The zone some servers name for a whole calendar; floating times in it are meant there."""
    for component in root.children:
        if named := component.first("X-WR-TIMEZONE"):
            return named_zone(named.value[:_LONGEST_NAME])
    return None


# --- zones defined in the object (RFC 5545 §3.6.5) ------------------------------------------------


def _changes(definition: Component, until: int, budget: Budget) -> list[tuple[int, int, int]]:
    """Every change of the clock that the observances of a VTIMEZONE describe."""
    changes = [
        change
        for observance in definition.children
        if observance.name in ("STANDARD", "DAYLIGHT")
        for change in _onsets(observance, until, budget)
    ]
    if not changes:
        raise Unreadable("it has no observance")
    return changes


def _onsets(observance: Component, until: int, budget: Budget) -> Iterable[tuple[int, int, int]]:
    """When an observance begins. Its own times are wall times of the clock before the change."""
    before, after = (
        read_offset(_required(observance, name)) for name in ("TZOFFSETFROM", "TZOFFSETTO")
    )
    start = read_time(_required(observance, "DTSTART")).wall
    walls = {start}
    for dates in observance.all("RDATE"):
        walls.update(read_time(item.partition("/")[0]).wall for item in dates.value.split(","))
    for text in observance.all("RRULE"):
        walls.update(_repeated(text.value, start, before, until, budget))
    return ((wall - before, before, after) for wall in walls)


def _repeated(text: str, start: int, before: int, until: int, budget: Budget) -> list[int]:
    """The wall times of a rule since 1970: older ones cannot matter any more."""
    if not budget.spend(COST_OF_A_RULE):
        raise Unreadable("there are too many rules in this object")
    rule, notes = read_rule(text, start)
    last = until + before
    if rule.until:
        last = min(last, rule.until.wall + (before if rule.until.is_utc else 0))
    expansion = expand(rule, start, 0, last, budget)
    if notes or expansion.unlisted:
        raise Unreadable(f"its rule {shown(text)}")
    return expansion.starts


def _required(component: Component, name: str) -> str:
    if found := component.first(name):
        return found.value
    raise Unreadable(f"{component.name} has no {name}")
