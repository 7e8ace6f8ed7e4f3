"""The items of one page, sorted by what they mean for a round. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from connections.providers.base import Problem, RemoteEvent, Window
from connections.providers.google.events import Unreadable, is_cancelled, remote_event, series_of


@dataclass(slots=True)
class Listing:
    """What items show within the window.

    ``gone`` are ids that are cancelled, and single events outside the window. ``unread`` are ids of
    which nothing tells when they begin. ``series`` are all that any instance was named of, each
    with the instances that are shown.
    """

    singles: list[RemoteEvent] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    unread: set[str] = field(default_factory=set)
    series: dict[str, dict[str, RemoteEvent]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    @property
    def events(self) -> list[RemoteEvent]:
        instances = (event for shown in self.series.values() for event in shown.values())
        return [*self.singles, *instances]


def sort_items(items: Iterable[Mapping], *, window: Window, zone: ZoneInfo) -> Listing:
    """``zone`` gives all-day events their instants."""
    listing = Listing()
    for item in items:
        if series_id := series_of(item):
            listing.series.setdefault(series_id, {})
        if is_cancelled(item):
            listing.gone.add(item["id"])
            continue
        try:
            event = remote_event(item, zone=zone)
        except Unreadable:
            listing.unread.add(item["id"])
            listing.problems.append(Problem(item["id"], "its start cannot be read"))
            continue
        _place(event, listing, window)
    return listing


def _place(event: RemoteEvent, listing: Listing, window: Window) -> None:
    if event.problem:
        listing.problems.append(Problem(event.provider_event_id, event.problem))
    if event.start >= window.end or event.end <= window.start:
        if not event.series_id:
            listing.gone.add(event.provider_event_id)
    elif event.series_id:
        listing.series[event.series_id][event.provider_event_id] = event
    else:
        listing.singles.append(event)
