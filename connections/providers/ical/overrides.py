"""Overrides: VEVENTs with RECURRENCE-ID, which take the place of slots (RFC 5545 §3.8.4.4)."""

from dataclasses import dataclass

from connections.providers.ical.parser import Component
from connections.providers.ical.pattern import Pattern, Scope, pattern_of
from connections.providers.ical.recurrence import Recurrence
from connections.providers.ical.timing import A_DAY, Moment, Times
from connections.providers.ical.values import DAY, Length


@dataclass(frozen=True, slots=True)
class Master:
    """A VEVENT without RECURRENCE-ID. Its occurrences are known where its DTSTART can be read."""

    component: Component
    times: Times
    start: Moment
    length: Length
    recurrence: Recurrence


@dataclass(frozen=True, slots=True)
class Override:
    """A changed occurrence: the slot it stands for, and where and how it takes place instead.

    ``key`` is None where RECURRENCE-ID cannot be read. With ``is_range`` the override is the
    pattern of the later slots too, all moved by ``shift`` on the pattern's own clock.
    """

    key: int | None
    pattern: Pattern
    start: Moment
    shift: int = 0
    is_range: bool = False

    def start_of(self, key: int, wall: int, master: Master) -> int:
        """Where a later slot of the series starts instead."""
        return _on_clock(self.pattern, key, wall, master) + self.shift


def read_override(
    component: Component, inherited: list[Component], master: Master | None, scope: Scope
) -> Override | None:
    """The override, or None (and a note) where nothing tells when it takes place."""
    times = Times(component, scope.zones)
    slot = times.one("RECURRENCE-ID", master.start.zone if master else scope.zones.floating)
    start, length = _when(times, slot, master)
    if start is None:
        scope.notes += times.notes
        return None
    pattern = pattern_of([component, *inherited], times, start, length, scope)
    if slot is None:
        return Override(None, pattern, start)
    if master is None:
        return Override(slot.wall if slot.is_date else slot.instant, pattern, start)
    key = master.recurrence.key(slot)
    shift = start.wall - _on_clock(pattern, key, master.recurrence.wall(slot), master)
    return Override(key, pattern, start, shift, _is_range(component))


def _when(times: Times, slot: Moment | None, master: Master | None) -> tuple[Moment | None, Length]:
    """Start and length. Without a readable DTSTART the override stays where its slot is."""
    if start := times.start():
        return start, times.length(start)
    times.notes.append("a changed occurrence has no DTSTART that can be read")
    if slot is None:
        return None, A_DAY
    if master is None:
        return slot, times.length(slot) if times.has_length() else A_DAY
    start = master.start._replace(wall=master.recurrence.wall(slot))
    return start, times.length(start) if times.has_length() else master.length


def _on_clock(pattern: Pattern, key: int, wall: int, master: Master) -> int:
    """A slot of the series, given by key and wall time, as the pattern's clock shows it."""
    if not master.start.is_date and pattern.zone is not master.start.zone:
        wall = pattern.zone.wall(key)
    return wall - wall % DAY if pattern.is_all_day else wall


def _is_range(component: Component) -> bool:
    """THISANDPRIOR is long gone from the standard and never meant more than one occurrence here."""
    slot = component.first("RECURRENCE-ID")
    return slot is not None and slot.parameters.get("RANGE", "").upper() == "THISANDFUTURE"
