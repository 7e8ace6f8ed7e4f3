"""One series to remote events: a master's occurrences, and the overrides that change them.

A single event is a series of one.
"""

from bisect import bisect_right
from collections.abc import Iterator
from math import ceil, floor

from connections.providers.base import RemoteEvent
from connections.providers.ical.classification import age_of
from connections.providers.ical.overrides import Master, Override, read_override
from connections.providers.ical.parser import Component
from connections.providers.ical.pattern import Pattern, Scope, pattern_of, utc
from connections.providers.ical.recurrence import RECURRING, Recurrence, Slots
from connections.providers.ical.timing import Times
from connections.providers.ical.values import DAY, Length

_SLACK = 2 * DAY  # a wall time and its instant are never further apart


class Series:
    """The VEVENTs of one UID within one object. Of several for one slot the newest counts."""

    def __init__(self, components: list[Component], scope: Scope, tag: str = "") -> None:
        """``tag`` tells the series from others in the same object."""
        self._scope = scope
        self._base = f"{scope.href}#{tag}" if tag else scope.href
        self._joint = ":" if tag else "#"
        by_age = sorted(components, key=age_of) if len(components) > 1 else components
        masters = [each for each in by_age if "RECURRENCE-ID" not in each.lines]
        self._changes = [each for each in by_age if "RECURRENCE-ID" in each.lines]
        self._inherited = masters[-1:]
        self._master = self._read_master(masters[-1]) if masters else None
        self._is_recurring = bool(self._changes) or any(
            name in component.lines for component in self._inherited for name in RECURRING
        )

    def events(self) -> Iterator[RemoteEvent]:
        """What the series shows within the window."""
        overrides, loose = self._overrides()
        if self._master:
            yield from self._occurrences(self._master, overrides)
        for override in (*overrides.values(), *loose):
            wall, pattern = override.start.wall, override.pattern
            identity = self._identity(override.key, pattern.label(wall))
            if event := pattern.place(identity, wall, self._scope):
                yield event

    def _read_master(self, component: Component) -> Master | None:
        times = Times(component, self._scope.zones)
        start = times.start()
        if start is None:
            self._scope.notes += [*times.notes, "an event has no DTSTART that can be read"]
            return None
        recurrence = Recurrence(component, times, start, self._scope.budget)
        return Master(component, times, start, times.length(start), recurrence)

    def _overrides(self) -> tuple[dict[int, Override], list[Override]]:
        """Overrides by the slot they stand for, and those whose slot is unknown."""
        read = (
            read_override(each, self._inherited, self._master, self._scope)
            for each in self._changes
        )
        found = [override for override in read if override]
        by_slot = {override.key: override for override in found if override.key is not None}
        return by_slot, [override for override in found if override.key is None]

    def _occurrences(self, master: Master, overrides: dict[int, Override]) -> Iterator[RemoteEvent]:
        """The occurrences that no override stands for."""
        ranges = sorted((each for each in overrides.values() if each.is_range), key=_key)
        slots = self._slots(master, ranges)
        own = pattern_of([master.component], master.times, master.start, master.length, self._scope)
        walls = master.recurrence.by_key(slots.walls)
        for key in overrides:
            walls.pop(key, None)
        if own.places_quickly() and self._is_recurring and not (ranges or slots.lengths):
            yield from own.place_all(self._base + self._joint, walls, self._scope)
        else:
            yield from self._place(walls, slots.lengths, own, ranges)
        if slots.unlisted:
            yield from self._block(own, *slots.unlisted)

    def _place(
        self,
        walls: dict[int, int],
        lengths: dict[int, Length],
        own: Pattern,
        ranges: list[Override],
    ) -> Iterator[RemoteEvent]:
        """The occurrences at these slots, each in the pattern that is in force there."""
        turns = [override.key for override in ranges]
        for key, wall in walls.items():
            pattern, start, label = own, wall, key
            if passed := bisect_right(turns, key):
                override = ranges[passed - 1]
                pattern, start = override.pattern, override.start_of(key, wall, self._master)
                label = pattern.label(start)
            identity = self._identity(key, label)
            if event := pattern.place(identity, start, self._scope, lengths.get(wall)):
                yield event

    def _slots(self, master: Master, ranges: list[Override]) -> Slots:
        """The slots whose occurrences may reach into the window, wherever they have been moved."""
        shifts = [0, *(override.shift for override in ranges)]
        lengths = [master.length, *(override.pattern.length for override in ranges)]
        before = max(shifts) + max(max(length.extent, 0) for length in lengths)
        after = max(max(-length.extent, 0) for length in lengths) - min(shifts)
        first = floor(self._scope.first) - before - _SLACK
        last = ceil(self._scope.last) + after + _SLACK
        return master.recurrence.slots(first, last)

    def _block(self, pattern: Pattern, first: int, last: int) -> Iterator[RemoteEvent]:
        """One event over all that could not be listed: too many occurrences are not none."""
        if pattern.is_cancelled:
            return
        start = max(pattern.zone.instant(first), floor(self._scope.first))
        end = min(pattern.zone.instant(last) + abs(pattern.length.extent), ceil(self._scope.last))
        if start < end:
            identity = self._identity(None, "unlisted")
            yield pattern.make(provider_event_id=identity, start=utc(start), end=utc(end))

    def _identity(self, key: int | None, label: int | str) -> str:
        """The id of an occurrence: its slot, and its start where that is another."""
        if not self._is_recurring:
            return self._base
        if label == key:
            return f"{self._base}{self._joint}{key}"
        return f"{self._base}{self._joint}{'' if key is None else key}@{label}"


def _key(override: Override) -> int:
    return override.key
