"""Apple's iCloud calendar, and every other server that speaks CalDAV (RFC 4791).

The consultant signs in with a name and an app-specific password. There is no push: changes are
found by asking. Without a server's address it is iCloud.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from zoneinfo import ZoneInfo

from connections.providers.base import (
    ChangePage,
    Credentials,
    EventDraft,
    EventGone,
    ProviderUnavailable,
    RemoteCalendar,
    RemoteEvent,
    Window,
    WrittenEvent,
)
from connections.providers.dav.changes import Round
from connections.providers.dav.client import GuardedClient
from connections.providers.dav.discovery import find_calendars
from connections.providers.dav.free_busy import busy_periods
from connections.providers.dav.objects import is_cancelled
from connections.providers.dav.own_events import OwnEvents
from connections.providers.ical.events import read_object
from connections.providers.outbound import OutboundGuard
from connections.providers.session import Limits

ICLOUD = "https://caldav.icloud.com/"
ALL_TIME = Window(datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))


class AppleAdapter:
    """One CalDAV account (see ``CalendarAdapter``). ``limits`` hold for each call.

    ``calendar_id`` is a collection's absolute address, ``provider_event_id`` of our own events the
    path of the object.
    """

    def __init__(
        self, credentials: Credentials, *, guard: OutboundGuard, limits: Limits | None = None
    ) -> None:
        self._credentials = replace(credentials, server_url=_with_scheme(credentials.server_url))
        self._guard, self._limits = guard, limits or Limits()

    def calendars(self) -> list[RemoteCalendar]:
        self._client.begin()
        return find_calendars(self._client, self._credentials.server_url)

    def changes(
        self, calendar_id: str, *, window: Window, zone: ZoneInfo, sync_token: str = ""
    ) -> Iterator[ChangePage]:
        reader = Round(self._client, calendar_id, window=window, zone=zone)
        yield from reader.since(sync_token) if sync_token else reader.everything()

    def create_event(self, calendar_id: str, draft: EventDraft) -> WrittenEvent:
        return self._own_events(calendar_id).create(draft)

    def update_event(
        self, calendar_id: str, provider_event_id: str, draft: EventDraft
    ) -> WrittenEvent:
        return self._own_events(calendar_id).update(provider_event_id, draft)

    def delete_event(self, calendar_id: str, provider_event_id: str) -> None:
        self._own_events(calendar_id).delete(provider_event_id)

    def read_event(
        self, calendar_id: str, provider_event_id: str, *, zone: ZoneInfo
    ) -> RemoteEvent:
        stored = self._own_events(calendar_id).read(provider_event_id)
        reading = read_object(
            stored.text, href=stored.path, version=stored.etag, window=ALL_TIME, zone=zone
        )
        if reading.events:
            return reading.events[0]
        if is_cancelled(stored.text):
            raise EventGone("The event was cancelled in the calendar.")
        raise ProviderUnavailable("The event in the calendar cannot be read.")

    def busy(self, calendar_id: str, *, window: Window) -> list[Window]:
        return busy_periods(self._client, calendar_id, window)

    def _own_events(self, calendar_id: str) -> OwnEvents:
        self._client.begin()
        return OwnEvents(self._client, calendar_id)

    @cached_property
    def _client(self) -> GuardedClient:
        return GuardedClient(self._credentials, guard=self._guard, limits=self._limits)


def _with_scheme(server_url: str) -> str:
    """What people type: nothing for iCloud, ``example.com`` for ``https://example.com/``."""
    typed = server_url.strip() or ICLOUD
    return typed if "://" in typed else f"https://{typed}"
