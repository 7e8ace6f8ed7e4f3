"""A round of changes of one calendar, page by page.

https://learn.microsoft.com/en-us/graph/delta-query-events

Occurrences come with little more than their times: what they have in common the master says, which
is somewhere in the list; where it is not, the calendar's view shows them in full. When one
occurrence is deleted, the list shows the remaining ones and says nothing of that one. So every
series that a list of changes touches is read again within the window, and that reading counts.
https://github.com/microsoftgraph/microsoft-graph-docs-contrib/pull/4501

What the list calls removed may only have changed outside the window, a series' first day among it.
So what is there is asked of the calendar's view, and what that does not show is gone.
https://learn.microsoft.com/en-us/graph/api/event-delta#response
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property

from connections.providers.base import (
    ChangePage,
    ProviderError,
    ProviderUnavailable,
    SyncTokenExpired,
)
from connections.providers.microsoft.api import NEXT, GraphApi, calendar_path, event_path
from connections.providers.microsoft.bookmarks import Question, read_bookmark, write_bookmark
from connections.providers.microsoft.events import FIELDS, series_of
from connections.providers.microsoft.listing import Listing, Series, read_items, unread
from connections.providers.microsoft.replies import (
    BAD_REQUEST,
    GONE,
    Reply,
    makes_no_sense,
    refusal_of_calendar,
)

EXPIRED = {"syncstatenotfound", "syncstateinvalid", "resyncrequired"}
MAX_SERIES = 20  # when more of them changed, listing the whole window takes fewer requests
PATIENCE = 50.0  # seconds that a full round waits in all, rather than begin anew
DELTA = "@odata.deltaLink"
SELECT = {"$select": FIELDS}


class Round:
    """Reads one calendar once. Its methods yield pages; the last one carries the sync token."""

    def __init__(self, api: GraphApi, question: Question) -> None:
        self._api, self._question = api, question
        self._listing = Listing(window=question.window, zone=question.zone)
        self._next_token = ""

    def everything(self) -> Iterator[ChangePage]:
        """The whole window."""
        path = f"{calendar_path(self._question.calendar_id)}/calendarView/delta"
        for reply in self._pages(self._api.address(path, **self._bounds()), has_token=False):
            yield self._listing.page(reply.items)
        for series_id, series in self._listing.series.items():
            yield self._listed_series(series_id, series)
        yield ChangePage(sync_token=self._next_token)

    def since(self, sync_token: str) -> Iterator[ChangePage]:
        """What changed since the token. Raises ``SyncTokenExpired``."""
        link = read_bookmark(self._question, sync_token)
        for reply in self._pages(link, has_token=True):
            page = self._listing.page(reply.items)
            yield replace(page, removed=page.removed - self._listing.removed)
            if len(self._listing.series) > MAX_SERIES:
                raise SyncTokenExpired("So many series changed that the whole window is read.")
        if self._listing.removed:
            yield self._told_as_removed()
        for series_id in self._listing.series:
            if series_id not in self._listing.removed:
                yield self._whole_series(series_id)
        yield ChangePage(sync_token=self._next_token)

    def _pages(self, address: str, *, has_token: bool) -> Iterator[Reply]:
        """Each page of the list; the last one leaves the next sync token."""
        # Somebody who books may be waiting for what changed, and nobody for the whole window.
        patience = 0.0 if has_token else PATIENCE
        for reply in self._api.pages(address, patience=patience):
            if not reply.is_ok:
                raise _refusal(reply, has_token=has_token)
            if not reply.body.get(NEXT):
                self._next_token = self._bookmark(reply)
            yield reply

    def _listed_series(self, series_id: str, series: Series) -> ChangePage:
        """A series as a full list shows it."""
        items = self._occurrences(series_id, series)
        events, problems = read_items(items, zone=self._question.zone)
        return ChangePage(
            events=events,
            replaced=frozenset({series_id}),
            kept=unread(problems),
            problems=problems,
        )

    def _occurrences(self, series_id: str, series: Series) -> list[dict]:
        """In full, unless neither their master nor the view says more of them."""
        if not series.lacks_master or self._view is None:
            return series.completed()
        return [item for item in self._view if series_of(item) == series_id]

    def _told_as_removed(self) -> ChangePage:
        """What is left of it: nothing of what is gone, all of what changed outside the window."""
        removed = frozenset(self._listing.removed)
        if self._view is None:
            raise SyncTokenExpired("Nothing tells whether what was removed is gone.")
        left = [item for item in self._view if _names(item) & removed]
        events, problems = read_items(left, zone=self._question.zone)
        if unread(problems):
            raise SyncTokenExpired("An event that is told as removed cannot be read.")
        return ChangePage(events=events, removed=removed, problems=problems)

    @cached_property
    def _view(self) -> list[dict] | None:
        """What the list left open, as it is within the window, in full.

        None where that cannot be listed. Of a large calendar the rest is let go.
        """
        series = self._listing.series.items()
        left_open = self._listing.removed | {one for one, each in series if each.lacks_master}
        path = f"{calendar_path(self._question.calendar_id)}/calendarView"
        items: list[dict] = []
        for reply in self._api.pages(self._api.address(path, **self._bounds(), **SELECT)):
            if not reply.is_ok:
                return None
            items += (item for item in reply.items if _names(item) & left_open)
        return items

    def _whole_series(self, series_id: str) -> ChangePage:
        """All there is of a series within the window.

        One that cannot be read by itself leaves its occurrences unknown, and so does one that
        cannot be read in full: then the whole window has to be read.
        """
        page = ChangePage(replaced=frozenset({series_id}))
        path = f"{event_path(self._question.calendar_id, series_id)}/instances"
        for reply in self._api.pages(self._api.address(path, **self._bounds(), **SELECT)):
            if not reply.is_ok:
                raise SyncTokenExpired("A series can no longer be read by itself.")
            events, problems = read_items(reply.items, zone=self._question.zone)
            if unread(problems):
                raise SyncTokenExpired("An occurrence of a series cannot be read.")
            page = replace(
                page, events=[*page.events, *events], problems=[*page.problems, *problems]
            )
        return page

    def _bounds(self) -> dict[str, str]:
        window = self._question.window
        return {
            "startDateTime": f"{window.start:%Y-%m-%dT%H:%M:%SZ}",
            "endDateTime": f"{window.end:%Y-%m-%dT%H:%M:%SZ}",
        }

    def _bookmark(self, reply: Reply) -> str:
        link = reply.body.get(DELTA)
        if not link:
            raise ProviderUnavailable("Microsoft's list of changes ended too early.")
        return write_bookmark(self._question, link)


def _refusal(reply: Reply, *, has_token: bool) -> ProviderError:
    """A link that Microsoft made itself and calls a bad question is one it cannot read any more."""
    if has_token and (reply.status in {BAD_REQUEST, GONE} or reply.codes & EXPIRED):
        return SyncTokenExpired("Microsoft no longer knows the sync token.")
    if reply.status == GONE or reply.codes & EXPIRED:
        return makes_no_sense(reply)
    return refusal_of_calendar(reply)


def _names(item: Mapping) -> set[str]:
    """The ids that may mean an item: its own, and that of its series."""
    return {item["id"], series_of(item)}
