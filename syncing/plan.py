"""Decides what a page of changes means for our rows. Pure: it takes values and returns values."""

from dataclasses import dataclass, replace

from connections.providers.base import CANCELLED, ChangePage, RemoteEvent, Window

TITLE_LENGTH = 1000  # characters

# A full round that shows less than this part of the busy time ahead is looked at twice.
BELIEVABLE_PART = 0.2


@dataclass(frozen=True, slots=True)
class PagePlan:
    """What a page does: ids whose rows (by id or series) go, then events that are there.

    The removals of a page come before its events, so that a replaced series keeps what it shows.
    In a full round, rows whose id or series is in ``kept`` stay as they are.
    """

    removed: frozenset[str]
    events: tuple[RemoteEvent, ...]
    kept: frozenset[str]


def plan_page(page: ChangePage, *, window: Window, with_titles: bool) -> PagePlan:
    """Keep what lies in the window and is not cancelled; let go of all else that the page names.

    Providers report changes outside the window too. An event that has left it is removed, not
    ignored: its old row would go on blocking.
    """
    latest = {event.provider_event_id: event for event in page.events}
    inside = {key: event for key, event in latest.items() if _belongs(event, window)}
    return PagePlan(
        removed=page.removed | page.replaced | (latest.keys() - inside.keys()),
        events=tuple(_storable(event, with_titles=with_titles) for event in inside.values()),
        kept=page.kept,
    )


def is_believable(*, stored: int, kept: int) -> bool:
    """Whether a full round may be believed at first sight.

    ``stored`` counts the busy rows ahead of now and ``kept`` those of them that the round still
    shows. A calendar that comes back all but empty is more often a fault than a decision, and an
    emptied calendar looks free.
    """
    return stored == 0 or kept > stored * BELIEVABLE_PART


def _belongs(event: RemoteEvent, window: Window) -> bool:
    inside = event.start < window.end and event.end > window.start
    return inside and event.status != CANCELLED


def _storable(event: RemoteEvent, *, with_titles: bool) -> RemoteEvent:
    """The event as a row can hold it: no end before its start, no endless or unprintable title."""
    title = event.title.replace("\0", "")[:TITLE_LENGTH] if with_titles else ""
    if title == event.title and event.end >= event.start:
        return event
    return replace(event, end=max(event.start, event.end), title=title)
