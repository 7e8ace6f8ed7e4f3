"""Answers in pages: frozen when the first page is asked for, with a sync token on the last.

https://developers.google.com/workspace/calendar/api/guides/sync
"""

from collections.abc import Callable
from dataclasses import dataclass

from tests.fakes.google.refusals import invalid, refusal, token_expired

# What may differ between the first question and those that go on with it.
LOOSE = {"pageToken", "syncToken", "maxResults", "fields", "alt", "prettyPrint"}
ONLY_AT_FIRST = {"timeMin", "timeMax"}
NEVER_WITH_SYNC_TOKEN = ONLY_AT_FIRST | {
    "iCalUID",
    "orderBy",
    "privateExtendedProperty",
    "q",
    "sharedExtendedProperty",
    "updatedMin",
}

Query = dict[str, list[str]]


@dataclass
class Bookmark:
    """What a sync token stands for: a state of a calendar, seen through a question."""

    calendar_id: str
    number: int
    question: Query


@dataclass
class Walk:
    """The rest of a frozen answer. ``bookmark`` is where the next round begins."""

    items: list[dict]
    question: Query
    bookmark: Bookmark | None
    went_on_from: str  # the sync token it began at


class Lists:
    """All walks and sync tokens. ``page_size`` is told the limit and what is left to show."""

    def __init__(self) -> None:
        self.page_size: Callable[[int, int], int] = lambda limit, left: limit
        self._walks: dict[str, Walk] = {}
        self._bookmarks: dict[str, Bookmark] = {}
        self._expired: set[str] = set()

    def expire_sync_tokens(self) -> None:
        """From now on no sync token is known, nor any page of a round that began with one."""
        self._expired |= set(self._bookmarks)

    def bookmark(self, sync_token: str, calendar_id: str, query: Query) -> Bookmark:
        """What changed is to be told since then. Refuses what the real one refuses."""
        if NEVER_WITH_SYNC_TOKEN & set(query):
            raise refusal(400, "syncTokenWithRequestRestrictions", location="syncToken")
        found = self._bookmarks.get(sync_token)
        if found is None or found.calendar_id != calendar_id:
            raise invalid("Invalid sync token value.", "syncToken")
        if sync_token in self._expired:
            raise token_expired()
        if _comparable(query, without=ONLY_AT_FIRST) != _comparable(
            found.question, without=ONLY_AT_FIRST
        ):
            raise invalid("A sync token goes with the question it came from.")
        return found

    def begin(self, walk: Walk, limit: int) -> dict:
        """The first page of a new answer."""
        return self._page(walk, limit)

    def go_on(self, page_token: str, query: Query, limit: int) -> dict:
        walk = self._walks.get(page_token)
        if walk is None or _comparable(query) != _comparable(walk.question):
            raise invalid("Invalid page token value.", "pageToken")
        if walk.went_on_from in self._expired:
            raise token_expired()
        return self._page(walk, limit)

    def _page(self, walk: Walk, limit: int) -> dict:
        size = min(limit, self.page_size(limit, len(walk.items)))
        rest = walk.items[size:]
        page = {"items": walk.items[:size]}
        if rest:
            token = f"page-{len(self._walks)}"
            self._walks[token] = Walk(rest, walk.question, walk.bookmark, walk.went_on_from)
            return page | {"nextPageToken": token}
        if walk.bookmark:
            return page | {"nextSyncToken": self._keep(walk.bookmark)}
        return page

    def _keep(self, bookmark: Bookmark) -> str:
        token = f"CP{len(self._bookmarks):06d}EhgB="
        self._bookmarks[token] = bookmark
        return token


def _comparable(query: Query, *, without: set[str] = frozenset()) -> Query:
    return {name: values for name, values in query.items() if name not in LOOSE | without}
