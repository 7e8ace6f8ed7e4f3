"""``calendarView/delta``: what is in a window, and what changed there since.

https://learn.microsoft.com/en-us/graph/delta-query-events

Links are taken back only as they were given. Occurrences are shown with little more than their
times, deleted ones not at all, and events outside the window as removed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from random import Random
from urllib.parse import urlsplit

from tests.fakes.http import Call, Refusal
from tests.fakes.microsoft.events import Bounds, bounds_of, most_of, shown
from tests.fakes.microsoft.refusals import refusal
from tests.fakes.microsoft.store import RULE, Calendar

BARE = ("@odata.etag", "id", "type", "seriesMasterId", "start", "end")


@dataclass(frozen=True)
class Walk:
    """What is left to tell, and the number of the last change before it was put together."""

    calendar: Calendar
    bounds: Bounds
    items: tuple[dict, ...]
    number: int


class Delta:
    """``page_size`` says how many items the next page holds, by the limit and what is left."""

    def __init__(self, url: Callable[[], str], number: Callable[[], int]) -> None:
        self.page_size: Callable[[int, int], int] = lambda limit, left: limit
        self.hides_masters = False  # of series that began before the window
        self.shuffles: Random | None = None
        self.repeated_part = 0.0  # of the items, which are told twice
        self._url, self._last_number = url, number
        self._walks: dict[str, Walk] = {}  # by the link's path, as it was given
        self._refusals: dict[str, Refusal] = {}
        self._numbers = count(1)

    def expire(self, error: Refusal) -> None:
        """Every link that was given so far is refused from now on."""
        self._refusals |= dict.fromkeys(self._walks, error)

    def listed(self, call: Call, calendar: Calendar) -> dict:
        path = call.request.path
        if path in self._refusals:
            raise self._refusals[path]
        if path in self._walks:
            walk = self._walks[path]
            if walk.calendar is not calendar:
                raise refusal(400, "ErrorInvalidUrlQuery")
            return self._page(walk if walk.items else self._changes(walk), call)
        if "token" in path:
            raise refusal(400, "ErrorInvalidUrlQuery", "The link was not given like this.")
        return self._page(self._all(calendar, bounds_of(call)), call)

    def _all(self, calendar: Calendar, bounds: Bounds) -> Walk:
        items = [
            one for event in calendar.events.values() for one in self._told(event, calendar, bounds)
        ]
        told = [one for one in items if "@removed" not in one]
        return Walk(calendar, bounds, tuple(self._mixed(told)), self._last_number())

    def _changes(self, walk: Walk) -> Walk:
        calendar, items = walk.calendar, []
        for event_id, number in calendar.numbers.items():
            if number > walk.number:
                event = calendar.events.get(event_id)
                items += self._told(event, calendar, walk.bounds) if event else [_removed(event_id)]
        return Walk(calendar, walk.bounds, tuple(self._mixed(items)), self._last_number())

    def _told(self, event: dict, calendar: Calendar, bounds: Bounds) -> list[dict]:
        if RULE not in event:
            return [shown(event, {})] if bounds.hold(event) else [_removed(event["id"])]
        inside = [one for one in calendar.occurrences(event) if bounds.hold(one)]
        if not inside:
            return [_removed(event["id"])]
        parts = [one if one["type"] == "exception" else _bare(one) for one in inside]
        master = [] if self.hides_masters and not bounds.hold(event) else [event]
        return [shown(one, {}) for one in (*master, *parts)]

    def _mixed(self, items: list[dict]) -> list[dict]:
        """In any order, some of them twice."""
        if self.shuffles:
            items = items + [one for one in items if self.shuffles.random() < self.repeated_part]
            self.shuffles.shuffle(items)
        return items

    def _page(self, walk: Walk, call: Call) -> dict:
        size = self.page_size(most_of(call), len(walk.items))
        page, left = walk.items[:size], walk.items[size:]
        kind = "skip" if left else "delta"
        link = self._link(kind, call, Walk(walk.calendar, walk.bounds, left, walk.number))
        name = "@odata.nextLink" if left else "@odata.deltaLink"
        return {"@odata.context": "Collection(event)", "value": list(page), name: link}

    def _link(self, kind: str, call: Call, walk: Walk) -> str:
        path = urlsplit(call.request.path).path
        path = f"{path}?%24{kind}token=R0usmcMDN%2F{next(self._numbers)}~%7E+a%3D%3D"
        self._walks[path] = walk
        return f"{self._url()}{path}"


def _bare(occurrence: dict) -> dict:
    return {name: occurrence[name] for name in BARE}


def _removed(event_id: str) -> dict:
    return {"id": event_id, "@removed": {"reason": "deleted"}}
