"""How an event looks wherever it stands, and the remote event where one is placed."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial

from connections.providers.base import CANCELLED, RemoteEvent
from connections.providers.ical.classification import described
from connections.providers.ical.expansion import Budget
from connections.providers.ical.parser import Component
from connections.providers.ical.timing import Moment, Times
from connections.providers.ical.values import DAY, EARLIEST, EPOCH, LATEST, Length
from connections.providers.ical.zones import Zone, Zones

_LONG = 400 * DAY
_MAX_PROBLEM = 500  # characters


@dataclass(slots=True)
class Scope:
    """What the events of one object share. The window is in seconds since 1970, half-open."""

    href: str
    version: str
    first: float
    last: float
    zones: Zones
    own_addresses: frozenset[str]
    budget: Budget
    flaws: tuple[str, ...] = ()  # of the object as a whole, so of every event in it
    notes: list[str] = field(default_factory=list)  # on whatever could not be read


@dataclass(frozen=True, slots=True)
class Pattern:
    """An event without its place in time.

    ``make`` builds a ``RemoteEvent`` of everything that is the same wherever it is placed.
    """

    zone: Zone
    is_all_day: bool
    is_cancelled: bool
    length: Length
    make: Callable[..., RemoteEvent]

    def label(self, wall: int) -> int:
        """What names a start in an event's id: a wall time for days, which have no instant."""
        return wall if self.is_all_day else self.zone.instant(wall)

    def places_quickly(self) -> bool:
        """Whether ``place_all`` will do: nearly always, for a series that is not of whole days."""
        exact = self.length.days == 0 and 0 < self.length.seconds < _LONG
        return exact and not (self.is_all_day or self.is_cancelled)

    def place_all(self, prefix: str, starts: Iterable[int], scope: Scope) -> list[RemoteEvent]:
        """The events that start at these instants, and are named by them; see ``place``."""
        make, seconds, at = self.make, self.length.seconds, datetime.fromtimestamp
        return [
            make(
                provider_event_id=f"{prefix}{start}",
                start=at(start, UTC),
                end=at(start + seconds, UTC),
            )
            for start in starts
            if start < scope.last and start + seconds > scope.first
        ]

    def place(
        self, identity: str, wall: int, scope: Scope, length: Length | None = None
    ) -> RemoteEvent | None:
        """The event that starts when this pattern's clock shows ``wall``.

        None where it is cancelled, and where it does not reach into the window; what takes no time
        has to begin in it. Of a start and an end in the wrong order the earlier one is the start.
        """
        if self.is_cancelled:
            return None
        days, seconds = length or self.length
        start = self.zone.instant(wall)
        end = (self.zone.instant(wall + days * DAY) if days else start) + seconds
        if end < start:
            start, end = end, start
        if start >= scope.last or (end <= scope.first and start < scope.first):
            return None
        if not self.is_all_day:
            return self.make(provider_event_id=identity, start=utc(start), end=utc(end))
        first, after = sorted((wall, wall + days * DAY))
        return self.make(
            provider_event_id=identity,
            start=utc(start),
            end=utc(end),
            start_date=_date(first),
            end_date=_date(after),
        )


def pattern_of(
    components: Sequence[Component], times: Times, start: Moment, length: Length, scope: Scope
) -> Pattern:
    """The pattern of a VEVENT (and the master it inherits from), once its times have been read.

    What could not be read of them goes with every event it makes, and into the scope's notes.
    """
    fields = described(components, scope.own_addresses)
    is_cancelled = fields["status"] == CANCELLED
    if not is_cancelled:
        scope.notes += times.notes
    make = partial(
        RemoteEvent,
        series_id=scope.href,
        version=scope.version,
        problem="; ".join(dict.fromkeys([*scope.flaws, *times.notes]))[:_MAX_PROBLEM],
        floats_in=str(start.zone) if start.is_floating and not start.is_date else "",
        **fields,
    )
    return Pattern(start.zone, start.is_date, is_cancelled, length, make)


def utc(seconds: int) -> datetime:
    """An instant as a datetime; one beyond the calendar becomes the calendar's end."""
    if not EARLIEST <= seconds <= LATEST:
        seconds = EARLIEST if seconds < EARLIEST else LATEST
    return datetime.fromtimestamp(seconds, UTC)


def _date(wall: int) -> date:
    return date.fromordinal(min(max(wall, EARLIEST), LATEST) // DAY + EPOCH)
