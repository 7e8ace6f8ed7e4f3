"""Microsoft 365 and Outlook as a calendar adapter."""

from collections.abc import Iterator
from functools import cached_property
from zoneinfo import ZoneInfo

from connections.providers.base import (
    ChangePage,
    Credentials,
    EventDraft,
    ProviderUnavailable,
    RemoteCalendar,
    RemoteEvent,
    Watch,
    Window,
    WrittenEvent,
)
from connections.providers.microsoft import busy_times, calendars, watches
from connections.providers.microsoft.api import TIMEOUT, GraphApi
from connections.providers.microsoft.app import MicrosoftApp
from connections.providers.microsoft.bookmarks import Question
from connections.providers.microsoft.changes import Round
from connections.providers.microsoft.events import Unreadable, remote_event
from connections.providers.microsoft.own_events import OwnEvents


class MicrosoftAdapter:
    """One Microsoft account (see ``CalendarAdapter``), by its access token of the moment.

    ``timeout`` holds for each request, in seconds: to connect, and of silence.
    """

    def __init__(
        self, credentials: Credentials, *, app: MicrosoftApp, timeout: float = TIMEOUT
    ) -> None:
        self._credentials, self._app, self._timeout = credentials, app, timeout

    def calendars(self) -> list[RemoteCalendar]:
        return calendars.list_calendars(self._api)

    def changes(
        self, calendar_id: str, *, window: Window, zone: ZoneInfo, sync_token: str = ""
    ) -> Iterator[ChangePage]:
        reader = Round(self._api, Question(calendar_id, window, zone))
        yield from reader.since(sync_token) if sync_token else reader.everything()

    def create_event(self, calendar_id: str, draft: EventDraft) -> WrittenEvent:
        return OwnEvents(self._api, calendar_id).create(draft)

    def update_event(
        self, calendar_id: str, provider_event_id: str, draft: EventDraft
    ) -> WrittenEvent:
        return OwnEvents(self._api, calendar_id).update(provider_event_id, draft)

    def delete_event(self, calendar_id: str, provider_event_id: str) -> None:
        OwnEvents(self._api, calendar_id).delete(provider_event_id)

    def read_event(
        self, calendar_id: str, provider_event_id: str, *, zone: ZoneInfo
    ) -> RemoteEvent:
        item = OwnEvents(self._api, calendar_id).read(provider_event_id)
        try:
            return remote_event(item, zone=zone)
        except Unreadable:
            raise ProviderUnavailable("The event in the calendar cannot be read.") from None

    def busy(self, calendar_id: str, *, window: Window) -> list[Window]:
        return busy_times.busy_periods(self._api, calendar_id, window)

    def watch(self, calendar_id: str, *, address: str, secret: str) -> Watch:
        return watches.open_watch(self._api, address=address, secret=secret)

    def renew_watch(self, calendar_id: str, watch: Watch, *, address: str) -> Watch:
        return watches.renew_watch(self._api, watch, address=address)

    def stop_watch(self, watch: Watch) -> None:
        watches.stop_watch(self._api, watch)

    @cached_property
    def _api(self) -> GraphApi:
        return GraphApi(self._credentials.access_token, app=self._app, timeout=self._timeout)
