"""Our own events in a calendar: written once, brought up to date, removed.

Graph takes a transaction id once: whoever repeats a write whose answer was lost is told so. For how
long is not published, so a booking is looked for by its property before it is written. Every change
and removal first looks whether the event is ours. Nobody is invited, so Outlook mails nobody.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from connections.providers.base import (
    EventConflict,
    EventDraft,
    EventGone,
    ProviderError,
    ProviderUnavailable,
    WriteRefused,
    WrittenEvent,
)
from connections.providers.booking_ids import require_ours
from connections.providers.conferences import wait_for_conference
from connections.providers.microsoft import conferences
from connections.providers.microsoft.api import (
    GraphApi,
    calendar_of_event_path,
    calendar_path,
    event_path,
)
from connections.providers.microsoft.drafts import (
    EXPAND,
    booking_of,
    conference,
    new_body,
    revision,
    search,
    transaction_ids,
)
from connections.providers.microsoft.events import FIELDS, UNREADABLE
from connections.providers.microsoft.replies import (
    BAD_REQUEST,
    CHANGED,
    CONFLICT,
    FORBIDDEN,
    MISSING,
    Reply,
    makes_no_sense,
    refusal_of_calendar,
)

ATTEMPTS = 3
ALL_FIELDS = {
    "$select": f"{FIELDS},body,location,{conferences.FIELDS}",
    "$expand": EXPAND,
}
USED = "errorduplicatetransactionid"
DELETED = "errorcannotdeleteobject"  # so it is said of what lies in Deleted Items already
DAY = timedelta(days=1)
SINGLE = "singleInstance"
SPAN = ("start", "end")


class SearchRefused(ProviderUnavailable):
    """What was asked of a list of events is not understood there."""


class OwnEvents:
    """Our events in one calendar. Every method may also raise what the API line raises."""

    def __init__(self, api: GraphApi, calendar_id: str) -> None:
        self._api, self._calendar_id = api, calendar_id

    def create(self, draft: EventDraft) -> WrittenEvent:
        if item := self._search(draft):
            return self._revised(item, draft)
        for transaction_id in transaction_ids(draft.booking_id):
            reply = self._write("POST", self._events, new_body(draft, transaction_id))
            if reply.is_ok:
                return self._written(reply.body)
            if USED not in reply.codes:
                raise self._refusal(reply)
            if item := self._written_before(reply, draft):
                return self._revised(item, draft)
        raise WriteRefused("Every id that the event could have is taken.")

    def update(self, event_id: str, draft: EventDraft) -> WrittenEvent:
        """In whichever calendar of the mailbox somebody has moved it to."""
        home, item = self, self._stored(event_id)
        if item is None and (moved := self._moved(event_id)):
            home, item = moved, moved._stored(event_id)
        item = home._existing(item)
        require_ours(booking_of(item), draft.booking_id)
        return home._revised(item, draft)

    def delete(self, event_id: str) -> None:
        """From whichever calendar of the mailbox somebody has moved it to."""
        home, item = self, self._fetched(event_id)
        if item is None and (moved := self._moved(event_id)):
            home, item = moved, moved._fetched(event_id)
        if item is not None:
            require_ours(booking_of(item))
            home._delete(event_id)

    def read(self, event_id: str) -> Mapping:
        """Raises ``EventGone`` only where Graph has the calendar but no such event in it."""
        return self._existing(self._stored(event_id))

    # --- finding -------------------------------------------------------------------------------

    def _written_before(self, reply: Reply, draft: EventDraft) -> Mapping | None:
        """The event that has the transaction id. None where it was deleted since."""
        named = reply.body["error"].get("@event.existingEventId")
        if isinstance(named, str) and named:
            item = self._stored(named)
            if item is not None and booking_of(item) == draft.booking_id:
                return item
            if item is None:
                self._take_back(named, draft)
        return self._search(draft) or self._at_its_time(draft)

    def _take_back(self, event_id: str, draft: EventDraft) -> None:
        """Delete it where it is in another calendar: it is about to be written in this one."""
        moved = self._moved(event_id)
        item = moved and moved._fetched(event_id)
        if item and booking_of(item) == draft.booking_id:
            moved._delete(event_id)

    def _moved(self, event_id: str) -> "OwnEvents | None":
        """The other calendar of the mailbox that the event is in.

        Of an event in somebody else's mailbox, in a shared calendar, nothing is told so.
        """
        reply = self._api.ask("GET", calendar_of_event_path(event_id), **{"$select": "id"})
        calendar_id = reply.body.get("id") if reply.is_ok else None
        is_other = calendar_id and calendar_id != self._calendar_id
        return OwnEvents(self._api, calendar_id) if is_other else None

    def _search(self, draft: EventDraft) -> Mapping | None:
        """By the property. A copy that somebody made of the event has no transaction id.

        Searches lag behind: what one finds is read directly. Not every mailbox takes them.
        """
        query = ALL_FIELDS | {"$filter": search(draft.booking_id)}
        try:
            listed = list(self._listed(self._events, query))
        except SearchRefused:
            return self._at_its_time(draft)
        found = [one for one in listed if booking_of(one) == draft.booking_id]
        found.sort(key=lambda item: not item.get("transactionId"))
        stored = (self._stored(item["id"]) for item in found)
        return next((item for item in stored if item is not None), None)

    def _at_its_time(self, draft: EventDraft) -> Mapping | None:
        """By the transaction id: searches may be late to know a new event."""
        listed = self._listed_around(draft.start, draft.end)
        return next((item for item in listed if booking_of(item) == draft.booking_id), None)

    def _listed_around(self, start: datetime, end: datetime) -> Iterator[dict]:
        bounds = {
            "startDateTime": f"{start - DAY:%Y-%m-%dT%H:%M:%SZ}",
            "endDateTime": f"{end + DAY:%Y-%m-%dT%H:%M:%SZ}",
        }
        return self._listed(f"{calendar_path(self._calendar_id)}/calendarView", ALL_FIELDS | bounds)

    def _listed(self, path: str, query: dict[str, str]) -> Iterator[dict]:
        for reply in self._api.pages(self._api.address(path, **query)):
            if reply.status == BAD_REQUEST:
                raise SearchRefused("Microsoft does not list events in this way.")
            if not reply.is_ok:
                raise refusal_of_calendar(reply)
            yield from (item for item in reply.items if not item.get("isCancelled"))

    def _stored(self, event_id: str) -> Mapping | None:
        """The event; None where there is none (any more). Graph may know it by another id too."""
        item = self._fetched(event_id)
        return None if item is None or self._is_deleted(item) else item

    def _is_deleted(self, item: Mapping) -> bool:
        """Whether it lies in Deleted Items, where its id stays good: the view does not show it.

        https://learn.microsoft.com/en-us/graph/outlook-immutable-id
        """
        if item.get("isCancelled") or item.get("type") != SINGLE:
            return False
        try:
            start, end = (datetime.fromisoformat(item[name]["dateTime"]) for name in SPAN)
        except UNREADABLE:
            return False
        return all(one["id"] != item["id"] for one in self._listed_around(start, end))

    def _fetched(self, event_id: str) -> Mapping | None:
        """The event; None where no event has this id."""
        reply = self._api.ask("GET", self._path(event_id), **ALL_FIELDS)
        if reply.status in MISSING:
            return None
        if not reply.is_ok:
            raise refusal_of_calendar(reply)
        if not reply.body.get("id"):
            raise makes_no_sense(reply)
        return reply.body

    def _existing(self, item: Mapping | None) -> Mapping:
        if item is None:
            self._require_calendar()
            raise EventGone("The event is no longer in the calendar.")
        if item.get("isCancelled"):
            raise EventGone("The event was cancelled in the calendar.")
        return item

    # --- writing -------------------------------------------------------------------------------

    def _delete(self, event_id: str) -> None:
        reply = self._api.ask("DELETE", self._path(event_id))
        is_gone = reply.status in MISSING or DELETED in reply.codes
        if not reply.is_ok and not is_gone:
            raise self._refusal(reply)

    def _revised(self, item: Mapping, draft: EventDraft) -> WrittenEvent:
        """Bring an event to the draft, unless it says the same already."""
        for _ in range(ATTEMPTS):
            changes = revision(item, draft)
            if not changes:
                return self._written(item)
            reply = self._write("PATCH", self._path(item["id"]), changes)
            if reply.is_ok:
                return self._written(reply.body)
            if reply.status not in {CONFLICT, CHANGED, *MISSING}:
                raise self._refusal(reply)
            item = self.read(item["id"])
        raise EventConflict("The event keeps changing in the calendar.")

    def _write(self, method: str, path: str, body: dict) -> Reply:
        """Not every account has Teams, and a meeting without it beats no meeting."""
        reply = self._api.ask(method, path, body=body)
        plain = {name: value for name, value in body.items() if name not in conference()}
        is_refused = reply.status == BAD_REQUEST and USED not in reply.codes
        if not is_refused or plain == body:
            return reply
        if not plain:
            return self._api.ask("GET", path, **ALL_FIELDS)
        return self._api.ask(method, path, body=plain)

    def _written(self, item: Mapping) -> WrittenEvent:
        if not item.get("id"):
            raise makes_no_sense(Reply(200))
        item = wait_for_conference(item, is_pending=conferences.is_pending, look=self._fetched)
        return WrittenEvent(
            item["id"],
            conference_url=conferences.url_of(item),
            awaits_conference=conferences.is_pending(item),
        )

    @property
    def _events(self) -> str:
        return f"{calendar_path(self._calendar_id)}/events"

    def _path(self, event_id: str) -> str:
        return event_path(self._calendar_id, event_id)

    def _require_calendar(self) -> None:
        """Raise ``CalendarGone``, or whatever else Graph answers, unless the calendar is there."""
        reply = self._api.ask("GET", calendar_path(self._calendar_id), **{"$select": "id"})
        if not reply.is_ok:
            raise refusal_of_calendar(reply)

    def _refusal(self, reply: Reply) -> ProviderError:
        """What a refused write means."""
        if reply.status in MISSING:
            self._require_calendar()
        if reply.status in {CONFLICT, CHANGED}:
            return EventConflict("Outlook is at work on the event, or on its calendar.")
        return WriteRefused(_reason(reply))


def _reason(reply: Reply) -> str:
    if reply.status == FORBIDDEN:
        return "This account may not write to the calendar."
    return f"Microsoft does not take the event (status {reply.status})."
