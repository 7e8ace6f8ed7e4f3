"""A round of changes of one calendar, page by page.

https://developers.google.com/workspace/calendar/api/guides/sync

Recurring events come as instances. What changed since a sync token is told of them in part only:
of a deleted series some months of its instances, of one that was moved or cut short nothing about
those that are no more, and always instances far beyond the window.
https://github.com/googleapis/google-api-ruby-client/issues/860
So whenever a round names an instance, its series is listed within the window, and that list counts.
"""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from connections.providers.base import (
    ChangePage,
    ProviderError,
    ProviderUnavailable,
    RemoteEvent,
    SyncTokenExpired,
    Window,
)
from connections.providers.google.api import CalendarApi
from connections.providers.google.bookmarks import Bookmark, read_bookmark, write_bookmark
from connections.providers.google.events import FIELDS, zone_named
from connections.providers.google.listing import Listing, sort_items
from connections.providers.google.replies import (
    BAD_REQUEST,
    GONE,
    Reply,
    makes_no_sense,
    refusal_of_calendar,
)

# Repeated as they are with a sync token: any others than it was made with are undefined.
QUESTION = {
    "maxResults": 2500,  # the most there is
    "maxAttendees": 1,  # of many guests only ourselves
    "fields": f"kind,nextPageToken,nextSyncToken,timeZone,items({FIELDS})",
}
KIND = "calendar#events"  # of every list of events; one without entries may say no more than this
MAX_SERIES = 20  # when more of them changed, listing the whole window takes fewer requests


class Round:
    """Reads one calendar once. Its methods yield pages; the last one carries the sync token."""

    def __init__(
        self, api: CalendarApi, calendar_id: str, *, window: Window, zone: ZoneInfo
    ) -> None:
        self._api, self._calendar_id = api, calendar_id
        self._window, self._zone = window, zone

    def everything(self) -> Iterator[ChangePage]:
        """The whole window."""
        zone = ""
        for reply in self._pages(**self._bounds()):
            zone = zone or self._zone_of(reply).key
            listing = self._sorted(reply)
            yield ChangePage(
                events=listing.events,
                kept=frozenset(listing.unread),
                problems=listing.problems,
                sync_token=self._bookmark(reply, zone),
            )

    def since(self, sync_token: str) -> Iterator[ChangePage]:
        """What changed since the token. Raises ``SyncTokenExpired``."""
        bookmark = read_bookmark(sync_token, self._calendar_id)
        self._zone = zone_named(bookmark.zone, otherwise=self._zone)  # unless Google names another
        seen, live = Listing(), set()
        for reply in self._pages(syncToken=bookmark.token):
            if self._zone_of(reply).key != bookmark.zone:
                raise SyncTokenExpired("The calendar has moved to another time zone.")
            next_bookmark = self._bookmark(reply, bookmark.zone)
            listing = self._sorted(reply)
            _remember(seen, listing)
            singles = frozenset(event.provider_event_id for event in listing.singles)
            live |= singles
            yield ChangePage(
                events=listing.singles,
                removed=frozenset(listing.gone),
                replaced=singles,
                problems=listing.problems,
            )
        for series_id, instances in seen.series.items():
            if instances or series_id not in seen.gone | live:
                yield self._whole_series(series_id, instances)
        yield ChangePage(sync_token=next_bookmark)

    def _pages(self, **question: str) -> Iterator[Reply]:
        for reply in self._api.pages(
            self._api.events.list,
            calendarId=self._calendar_id,
            singleEvents=True,
            **QUESTION,
            **question,
        ):
            if not reply.is_ok:
                raise _refusal(reply, has_token="syncToken" in question)
            yield reply

    def _whole_series(self, series_id: str, shown: dict[str, RemoteEvent]) -> ChangePage:
        """A series as it stands within the window, together with what the round has shown of it.

        One that cannot be listed (it was deleted, or we are invited to some instances alone), shows
        nothing at all, or has an instance that cannot be read leaves its instances unknown: then
        the whole window has to be read.
        """
        events, problems, unread = dict(shown), [], set()
        for reply in self._api.pages(
            self._api.events.instances,
            calendarId=self._calendar_id,
            eventId=series_id,
            **QUESTION,
            **self._bounds(),
        ):
            if not reply.is_ok:
                raise SyncTokenExpired("A series can no longer be read by itself.")
            listing = self._sorted(reply)
            events |= {event.provider_event_id: event for event in listing.events}
            problems += listing.problems
            unread |= listing.unread
        if not events or unread - events.keys():
            raise SyncTokenExpired("A series does not show all that it has.")
        return ChangePage(
            events=list(events.values()), replaced=frozenset({series_id}), problems=problems
        )

    def _sorted(self, reply: Reply) -> Listing:
        """Raises where the answer is no list of events: it must not pass for an empty one."""
        if reply.body.get("kind") != KIND:
            raise makes_no_sense(reply)
        return sort_items(reply.items, window=self._window, zone=self._zone_of(reply))

    def _bounds(self) -> dict[str, str]:
        return {
            "timeMin": self._window.start.isoformat(),
            "timeMax": self._window.end.isoformat(),
        }

    def _zone_of(self, reply: Reply) -> ZoneInfo:
        """The calendar's own zone; the caller's where Google names none that is known here."""
        return zone_named(reply.body.get("timeZone"), otherwise=self._zone)

    def _bookmark(self, reply: Reply, zone: str) -> str:
        """The next sync token; empty where more pages follow."""
        if reply.body.get("nextPageToken"):
            return ""
        token = reply.body.get("nextSyncToken")
        if not token:
            raise ProviderUnavailable("Google's list of changes ended too early.")
        return write_bookmark(Bookmark(zone, token), self._calendar_id)


def _remember(seen: Listing, listing: Listing) -> None:
    """Add what a page names of series, and what is gone."""
    seen.gone |= listing.gone
    for series_id, instances in listing.series.items():
        seen.series.setdefault(series_id, {}).update(instances)
    if len(seen.series) > MAX_SERIES:
        raise SyncTokenExpired("So many series changed that the whole window is read.")


def _refusal(reply: Reply, *, has_token: bool) -> ProviderError:
    names_token = reply.status == BAD_REQUEST and "syncToken" in reply.locations
    if has_token and (reply.status == GONE or names_token):
        return SyncTokenExpired("Google no longer knows the sync token.")
    if reply.status == GONE:  # no sign that the calendar is
        return makes_no_sense(reply)
    return refusal_of_calendar(reply)
