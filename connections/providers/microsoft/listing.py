"""The items of one page of changes, sorted by what they mean for a round. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from connections.providers.base import ChangePage, Problem, RemoteEvent, Window
from connections.providers.microsoft.events import (
    COMMON,
    Unreadable,
    completed,
    remote_event,
    series_of,
)
from connections.providers.microsoft.occurrences import Occurrences

NO_START = "its start cannot be read"
NO_MASTER = "what it shares with its series cannot be read"
SAYS_ENOUGH = "showAs"  # an occurrence that has it is told of in full


@dataclass(slots=True)
class Series:
    """What a round shows of a series. The times of its master are those of long ago."""

    series_id: str
    occurrences: Occurrences
    master: Mapping | None = None

    @property
    def lacks_master(self) -> bool:
        return self.master is None and self.occurrences.has_bare(self.series_id)

    def completed(self) -> list[dict]:
        """Its occurrences, as full as its master makes them."""
        items = self.occurrences.of(self.series_id)
        return [completed(item, self.master or {}) for item in items]


class Listing:
    """What a round shows, page after page. The last word on an id counts.

    ``series`` are all that any item belonged to; ``removed`` are all ids that were.
    """

    def __init__(self, *, window: Window, zone: ZoneInfo) -> None:
        """``zone`` gives all-day events their instants."""
        self.series: dict[str, Series] = {}
        self.removed: set[str] = set()
        self._occurrences = Occurrences()
        self._window, self._zone = window, zone
        self._begin_page()

    def page(self, items: Iterable[Mapping]) -> ChangePage:
        """What further items mean. Those of series are kept until the round has been read."""
        self._begin_page()
        for item in items:
            self._take(item)
        return ChangePage(
            events=list(self._singles.values()),
            removed=frozenset(self._gone),
            replaced=frozenset(self._singles),  # some of them may have been series until now
            kept=unread(self._problems),
            problems=self._problems,
        )

    def _begin_page(self) -> None:
        self._singles: dict[str, RemoteEvent] = {}
        self._gone: set[str] = set()
        self._problems: list[Problem] = []

    def _take(self, item: Mapping) -> None:
        self._singles.pop(item["id"], None)
        if "@removed" in item:
            self._remove(item["id"])
        elif series_id := series_of(item):
            self._take_part(series_id, item)
        else:
            self._take_single(item)

    def _remove(self, event_id: str) -> None:
        """What else was shown of a series stays in question: its master may be outside alone."""
        self._occurrences.drop(event_id)
        if event_id in self.series:
            self.series[event_id].master = None
        self._gone.add(event_id)
        self.removed.add(event_id)

    def _take_part(self, series_id: str, item: Mapping) -> None:
        series = self.series.setdefault(series_id, Series(series_id, self._occurrences))
        if item["id"] == series_id:
            series.master = {name: item[name] for name in COMMON if name in item}
        else:
            self._occurrences.keep(series_id, item, is_bare=SAYS_ENOUGH not in item)

    def _take_single(self, item: Mapping) -> None:
        if self.series.pop(item["id"], None):
            self._occurrences.drop_series(item["id"])
        events, problems = read_items([item], zone=self._zone)
        self._problems += problems
        for event in events:
            if event.start >= self._window.end or event.end <= self._window.start:
                self._gone.add(event.provider_event_id)
            else:
                self._singles[event.provider_event_id] = event


def read_items(
    items: Iterable[Mapping], *, zone: ZoneInfo
) -> tuple[list[RemoteEvent], list[Problem]]:
    """Items as remote events, and what is wrong with them. Those that say too little block."""
    events, problems = [], []
    for item in items:
        try:
            event = remote_event(item, zone=zone)
        except Unreadable:
            problems.append(Problem(item["id"], NO_START))
            continue
        if SAYS_ENOUGH not in item:
            event = replace(event, problem=NO_MASTER)
        events.append(event)
        if event.problem:
            problems.append(Problem(event.provider_event_id, event.problem))
    return events, problems


def unread(problems: Iterable[Problem]) -> frozenset[str]:
    """Of which items nothing tells when they begin."""
    return frozenset(one.object_id for one in problems if one.detail == NO_START)
