"""A round of changes of one collection, page by page.

Where the server has sync-collection (RFC 6578) it says what changed since its token. Elsewhere the
etags of all members are compared with those of the last round, unless the ctag stands still. Either
way only paths are known then, and the objects are fetched in batches of ``BATCH``.

That something is gone is believed only of an object that was asked for by its name: sync reports
name objects that still stand there, and listings come back short. An object that is too large to
read stops nothing: it is a problem to be shown, and what was stored of it is kept.

A full round takes the bookmark first and the objects afterwards, so that what changes in between is
reported by the next round. Up to ``FEW`` members it fetches all of them: no server needs to be
trusted with the arithmetic of recurring events, which many get wrong. Beyond that (20,000 events of
ten years) it leaves out what the server neither places in the window nor knows as recurring: two
answers that fail in different ways. Even then objects spread over those left out are fetched as a
sample, and if one of them turns out to matter, the server is not believed and all are fetched. Nor
is it believed when it finds nothing at all in the window.
"""

from collections.abc import Generator, Iterator
from contextlib import suppress
from datetime import timedelta
from functools import cached_property
from itertools import islice
from zoneinfo import ZoneInfo

from connections.providers.base import (
    CalendarGone,
    ChangePage,
    Problem,
    ProviderUnavailable,
    RateLimited,
    Window,
)
from connections.providers.dav import queries
from connections.providers.dav.bookmarks import (
    Listing,
    ServerToken,
    read_bookmark,
    write_bookmark,
)
from connections.providers.dav.client import GuardedClient
from connections.providers.dav.collection import Collection, SyncPage
from connections.providers.dav.discovery import find_own_addresses
from connections.providers.dav.multistatus import Forbidden
from connections.providers.dav.paths import PathSet
from connections.providers.ical.events import ObjectReading, read_object

BATCH = 200
TOO_LARGE = "the event is too large to read; what was known of it is kept"
FEW = 1000
MAX_SYNC_PAGES = 1000  # beyond that the server is walking in a circle
ZONE_MARGIN = timedelta(days=1)  # the server may read all-day and floating times in another zone


class Round:
    """Reads one collection once. Its methods yield pages; the last one carries the sync token."""

    def __init__(
        self, client: GuardedClient, calendar_id: str, *, window: Window, zone: ZoneInfo
    ) -> None:
        self._client, self._window, self._zone = client, window, zone
        self._collection = Collection(client, calendar_id)

    def since(self, sync_token: str) -> Iterator[ChangePage]:
        """What changed since the token. Raises ``SyncTokenExpired``."""
        bookmark = read_bookmark(sync_token, self._collection.path)
        if isinstance(bookmark, ServerToken):
            return self._since_token(bookmark.token)
        return self._since_listing(bookmark)

    def everything(self) -> Iterator[ChangePage]:
        """The whole window."""
        abilities = self._collection.abilities()
        bookmark: ServerToken | Listing
        if abilities.has_sync:
            paths, bookmark = self._list_with_token()
        else:
            bookmark = Listing(abilities.ctag, self._collection.etags())
            paths = PathSet(bookmark.etags)
        yield from self._read_what_matters(paths)
        yield self._last_page(bookmark)

    def _since_token(self, token: str) -> Iterator[ChangePage]:
        for part in self._walk(token):
            still_there = yield from self._remove(part.removed)
            yield from self._read(part.changed | still_there)
        yield self._last_page(ServerToken(part.token))

    def _since_listing(self, known: Listing) -> Iterator[ChangePage]:
        ctag = self._collection.abilities().ctag
        if ctag and ctag == known.ctag:
            yield self._last_page(known)
            return
        etags = self._collection.etags()
        still_there = yield from self._remove(
            PathSet(path for path in known.etags if path not in etags)
        )
        changed = PathSet(
            path for path, etag in etags.items() if not etag or etag != known.etags.get(path)
        )
        yield from self._read(changed | still_there)
        if still_there:  # the list is not whole, so the next round must not pass it over
            etags.update((path, known.etags[path]) for path in still_there)
            ctag = ""
        yield self._last_page(Listing(ctag, etags))

    def _remove(self, missing: PathSet) -> Generator[ChangePage, None, PathSet]:
        """Pages of those that are gone indeed. Returns the others."""
        still_there = PathSet()
        for paths in _batches(missing):
            gone = self._collection.gone_of(paths)
            still_there |= paths - gone
            yield ChangePage(removed=gone)
        return still_there

    def _walk(self, token: str) -> Iterator[SyncPage]:
        """The parts of a sync report, which a server may cut (RFC 6578 §3.6)."""
        seen = {token}
        for _ in range(MAX_SYNC_PAGES):
            part = self._collection.changed_since(token)
            yield part
            if not part.is_cut:
                return
            token = part.token
            if token in seen:
                break
            seen.add(token)
        raise ProviderUnavailable("The server never comes to an end of its changes.")

    def _list_with_token(self) -> tuple[PathSet, ServerToken]:
        """All members. One that goes while they are listed is found to be gone when it is read."""
        paths = PathSet()
        for part in self._walk(""):
            paths |= part.changed
        return paths, ServerToken(part.token)

    def _read_what_matters(self, paths: PathSet) -> Iterator[ChangePage]:
        wanted = self._wanted(paths)
        yield from self._read(wanted)
        left_out = paths - wanted
        sample = PathSet(islice(left_out, 0, None, len(left_out) // BATCH + 1))
        is_believed = True
        for page in self._read(sample):
            is_believed = is_believed and not page.events
            yield page
        if not is_believed:
            yield from self._read(left_out - sample)

    def _wanted(self, paths: PathSet) -> PathSet:
        """Those that may reach into the window, by the server's own account."""
        if len(paths) <= FEW:
            return paths
        window = Window(self._window.start - ZONE_MARGIN, self._window.end + ZONE_MARGIN)
        try:
            current = self._collection.matching(queries.events_within(window))
            series = self._collection.matching(queries.events_that_have("RRULE"))
            series |= self._collection.matching(queries.events_that_have("RDATE"))
        except RateLimited:
            raise
        except (ProviderUnavailable, Forbidden, CalendarGone):
            return paths  # the server does not know such questions
        return paths & (current | series) if current else paths

    def _read(self, paths: PathSet) -> Iterator[ChangePage]:
        for batch in _batches(paths):
            texts = self._collection.texts(batch)
            readings = [self._read_one(path, *text) for path, text in texts.found.items()]
            problems = [problem for reading in readings for problem in reading.problems]
            yield ChangePage(
                events=[event for reading in readings for event in reading.events],
                problems=[*problems, *(Problem(path, TOO_LARGE) for path in texts.too_large)],
                replaced=frozenset(texts.found),
                removed=texts.gone,
                kept=texts.too_large,
            )

    def _read_one(self, path: str, etag: str, text: str) -> ObjectReading:
        return read_object(
            text,
            href=path,
            version=etag,
            window=self._window,
            zone=self._zone,
            own_addresses=self._own_addresses if "PARTSTAT" in text.upper() else frozenset(),
        )

    @cached_property
    def _own_addresses(self) -> frozenset[str]:
        """Whose answer to an invitation counts. Asked for only once there is an invitation."""
        own = {self._client.username.lower()} if "@" in self._client.username else set()
        with suppress(Forbidden, CalendarGone):  # no such thing as a principal here
            self._client.begin()
            own |= find_own_addresses(self._client, self._collection.url)
        return frozenset(own)

    def _last_page(self, bookmark: ServerToken | Listing) -> ChangePage:
        return ChangePage(sync_token=write_bookmark(bookmark, self._collection.path))


def _batches(paths: PathSet) -> Iterator[frozenset[str]]:
    rest = iter(paths)
    while batch := frozenset(islice(rest, BATCH)):
        yield batch
