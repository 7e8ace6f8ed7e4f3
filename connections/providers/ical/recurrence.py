"""The recurrence set of a series: DTSTART, RRULE, RDATE, less EXRULE and EXDATE (RFC 5545 §3.8.5).

All of it is wall times of DTSTART's clock: a weekly meeting keeps its hour when the clocks change.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from connections.providers.ical.expansion import COST_OF_A_RULE, Budget, Expansion, expand
from connections.providers.ical.parser import Component
from connections.providers.ical.rules import SECONDLY, Rule, read_rule
from connections.providers.ical.timing import Moment, Times
from connections.providers.ical.values import DAY, Length, Unreadable, Written

RECURRING = ("RRULE", "RDATE", "EXRULE")

_ENDLESS = Rule(frequency=SECONDLY)  # stands for rules that there is no budget left to read


@dataclass(slots=True)
class Slots:
    """Wall times at which the occurrences of a series begin, before overrides change them.

    ``lengths`` are those that differ from the master's. ``unlisted`` is the span in which there
    are more slots than could be listed.
    """

    walls: list[int]
    lengths: dict[int, Length] = field(default_factory=dict)
    unlisted: tuple[int, int] | None = None


class Recurrence:
    """What a master says about when its occurrences begin."""

    def __init__(self, master: Component, times: Times, start: Moment, budget: Budget) -> None:
        self._master, self._times, self._start = master, times, start
        self._budget = budget

    def slots(self, first: int, last: int) -> Slots:
        """The slots from ``first`` to ``last``, wall times, both included."""
        rules = self._rules("RRULE")
        expansions = [self._expand(rule, first, last) for rule in rules]
        lengths = self._rdates(first, last)
        walls = set(lengths).union(*(expansion.starts for expansion in expansions))
        if not self._is_over(rules):
            walls.add(self._start.wall)
        for rule in self._rules("EXRULE"):
            walls.difference_update(self._expand(rule, first, last).starts)
        slots = Slots(
            self._without_exdates(sorted(walls)),
            {wall: length for wall, length in lengths.items() if length},
            _hull(expansion.unlisted for expansion in expansions if expansion.unlisted),
        )
        self._limit(slots)
        return slots

    def key(self, moment: Moment) -> int:
        """What tells one slot from another however it is spelled: its day, or its instant.

        A DATE in a series of times means the occurrence of that day.
        """
        if self._start.is_date:
            return self._times.day_of(moment)
        if moment.is_date:
            return self._start.zone.instant(self.wall(moment))
        return moment.instant

    def by_key(self, walls: list[int]) -> dict[int, int]:
        """Slots by key. Two wall times of one instant, in a gap of the clock, are one slot."""
        if self._start.is_date:
            return dict(zip(walls, walls, strict=True))
        instant = self._start.zone.instant
        return {instant(wall): wall for wall in walls}

    def _rules(self, name: str) -> list[Rule]:
        """The rules of that name; one that excludes is used only where all of it is understood."""
        rules = []
        for line in self._master.all(name):
            if not self._budget.spend(COST_OF_A_RULE):
                return [*rules, _ENDLESS] if name == "RRULE" else rules
            try:
                rule, notes = read_rule(line.value, self._start.wall)
            except Unreadable as error:
                self._times.notes.append(str(error))
                continue
            self._times.notes += notes
            if name == "RRULE" or not notes:
                rules.append(rule)
        return rules

    def _expand(self, rule: Rule, first: int, last: int) -> Expansion:
        if rule.until:
            last = min(last, self._last_wall(rule.until))
        return expand(rule, self._start.wall, first, last, self._budget)

    def _last_wall(self, until: Written) -> int:
        """UNTIL as a wall time. A DATE includes its whole day: many clients write no other."""
        start = self._start
        if start.is_date:
            return self._times.day_of(Moment.of(until, start.zone))
        if until.is_date:
            return until.wall + DAY - 1
        return start.zone.wall(until.wall) if until.is_utc else until.wall

    def _is_over(self, rules: list[Rule]) -> bool:
        """Whether every rule ended before DTSTART: clients write this to empty a series."""
        return bool(rules) and all(
            rule.until and self._last_wall(rule.until) < self._start.wall for rule in rules
        )

    def _rdates(self, first: int, last: int) -> dict[int, Length | None]:
        """Further slots, with the length of those that are periods and reach into the span."""
        found = {}
        for moment, length in self._times.each("RDATE", self._start.zone):
            wall = self.wall(moment)
            if length and self._start.is_date:
                length = length.in_days()
            reach = abs(length.extent) if length else 0
            if first - reach <= wall <= last + reach:
                found[wall] = length
        return found

    def wall(self, moment: Moment) -> int:
        """A moment on DTSTART's clock."""
        if self._start.is_date:
            return self._times.day_of(moment)
        if moment.is_date:
            return moment.wall + self._start.wall % DAY
        same = moment.zone is self._start.zone
        return moment.wall if same else self._start.zone.wall(moment.instant)

    def _without_exdates(self, walls: list[int]) -> list[int]:
        """The slots that no EXDATE names. A DATE takes out all slots of its day."""
        if "EXDATE" not in self._master.lines:
            return walls
        moments = [moment for moment, _ in self._times.each("EXDATE", self._start.zone)]
        keys = {self.key(moment) for moment in moments}
        days = {moment.wall for moment in moments if moment.is_date}
        return [
            wall
            for key, wall in self.by_key(walls).items()
            if key not in keys and wall - wall % DAY not in days
        ]

    def _limit(self, slots: Slots) -> None:
        """Keep what the budget allows; the rest of the series is a span."""
        allowed = self._budget.starts
        if len(slots.walls) > allowed:
            cut = (slots.walls[allowed], slots.walls[-1])
            slots.unlisted = _hull([cut, *([slots.unlisted] if slots.unlisted else [])])
            del slots.walls[allowed:]
        self._budget.starts -= len(slots.walls)
        if slots.unlisted:
            self._times.notes.append("the series has more occurrences than can be listed")


def _hull(spans: Iterable[tuple[int, int]]) -> tuple[int, int] | None:
    """The smallest span around these; None around nothing."""
    bounds = [bound for span in spans for bound in span]
    return (min(bounds), max(bounds)) if bounds else None
