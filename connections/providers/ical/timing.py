"""When one VEVENT takes place: DTSTART, DTEND, DURATION, RECURRENCE-ID and the dates of a series.

What cannot be read becomes a note, and the best-known time stands in for it.
"""

from collections.abc import Iterator
from typing import NamedTuple

from connections.providers.ical.parser import Component, Property
from connections.providers.ical.values import (
    DAY,
    Length,
    Unreadable,
    Written,
    read_duration,
    read_time,
)
from connections.providers.ical.zones import UTC_ZONE, Zone, Zones

A_DAY, NOTHING = Length(1, 0), Length(0, 0)


class Moment(NamedTuple):
    """A DATE or DATE-TIME with the clock it is read from; a DATE is a midnight there.

    ``is_floating``: which clock that is has not been said, or by a name alone (RFC 5545 §3.3.5).
    """

    wall: int
    zone: Zone
    is_date: bool = False
    is_floating: bool = False

    @classmethod
    def of(cls, written: Written, floating: Zone) -> "Moment":
        """A time that names no zone of its own."""
        zone = UTC_ZONE if written.is_utc else floating
        return cls(written.wall, zone, written.is_date, is_floating=not written.is_utc)

    @property
    def instant(self) -> int:
        return self.zone.instant(self.wall)


class Times:
    """The times of one VEVENT, and notes on those that could not be read."""

    def __init__(self, component: Component, zones: Zones) -> None:
        self._component, self._zones = component, zones
        self.notes: list[str] = []

    def start(self) -> Moment | None:
        """DTSTART; without it there is no telling when the event takes place."""
        return self.one("DTSTART", self._zones.floating)

    def one(self, name: str, floating: Zone) -> Moment | None:
        """A property that holds one time; a time that names no zone is read in ``floating``."""
        found = self._component.first(name)
        if found is None:
            return None
        return self._noted(name, found.value, found, floating)

    def each(self, name: str, floating: Zone) -> Iterator[tuple[Moment, Length | None]]:
        """Times of a list property, with the length where they are periods (RFC 5545 §3.8.5)."""
        for line in self._component.all(name):
            for item in dict.fromkeys(line.value.split(",")):
                begin, is_period, rest = item.partition("/")
                moment = self._noted(name, begin, line, floating)
                if moment:
                    yield moment, self._period(moment, rest, line) if is_period else None

    def length(self, start: Moment) -> Length:
        """From DTEND or DURATION; where these cannot be read, a day (RFC 5545 §3.6.1, §3.8.5.3).

        DTEND gives an exact length, which a change of the clocks does not alter; the days of a
        DURATION are calendar days. Without both, a DATE lasts a day and a time no time at all.
        """
        try:
            if end := self._component.first("DTEND"):
                length = self._between(start, self._moment(end.value, end, start.zone))
            elif duration := self._component.first("DURATION"):
                length = read_duration(duration.value)
                length = length.in_days() if start.is_date else length
            else:
                return A_DAY if start.is_date else NOTHING
        except Unreadable as error:
            self.notes.append(f"end: {error}")
            return A_DAY
        if length.extent < 0:
            self.notes.append("it ends before it starts")
        return length

    def has_length(self) -> bool:
        return "DTEND" in self._component.lines or "DURATION" in self._component.lines

    def day_of(self, moment: Moment) -> int:
        """The midnight that a moment means in a series of whole days.

        A UTC time is the consultant's midnight in UTC, unless it is a midnight itself: the date
        written by a client that knew no other spelling.
        """
        wall = moment.wall
        if moment.zone is UTC_ZONE and wall % DAY:
            wall = self._zones.local.wall(wall)
        return wall - wall % DAY

    def _noted(self, name: str, value: str, line: Property, floating: Zone) -> Moment | None:
        try:
            return self._moment(value, line, floating)
        except Unreadable as error:
            self.notes.append(f"{name}: {error}")
            return None

    def _moment(self, value: str, line: Property, floating: Zone) -> Moment:
        written = read_time(value)
        if written.is_date or line.parameters.get("VALUE", "").upper() == "DATE":
            return Moment(written.wall - written.wall % DAY, self._zones.local, is_date=True)
        tzid = line.parameters.get("TZID")
        if written.is_utc or tzid is None:
            return Moment.of(written, floating)
        zone, note = self._zones.find(tzid)
        if note:
            self.notes.append(note)
        return Moment(written.wall, zone, is_floating=not self._zones.defines(tzid))

    def _period(self, start: Moment, rest: str, line: Property) -> Length:
        try:
            if rest.lstrip("+-")[:1] in "Pp":
                return read_duration(rest)
            return self._between(start, self._moment(rest, line, start.zone))
        except Unreadable as error:
            self.notes.append(f"period: {error}")
            return A_DAY

    def _between(self, start: Moment, end: Moment) -> Length:
        """The length from start to end, exact for times, in days for dates."""
        if start.is_date:
            wall = end.wall if end.is_date else self._zones.local.wall(end.instant)
            return Length(-((start.wall - wall) // DAY) or 1, 0)
        if end.is_date:
            end = Moment(end.wall, start.zone)
            if end.instant <= start.instant:
                raise Unreadable("a date is no end for a time on it")
        return Length(0, end.instant - start.instant)
