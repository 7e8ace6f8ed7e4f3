"""Our own events in a collection: written once, brought up to date, removed.

An event's address is made of its UID, and it is created only where nothing is yet
(``If-None-Match: *``): whoever repeats a write whose answer was lost finds the event there. Every
change and removal first looks whether the event is ours, and names the version it saw
(``If-Match``), so that nothing of the consultant's is overwritten. ``If-Match: *`` is never
sent; iCloud understands it the wrong way round.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from connections.providers.base import (
    EventConflict,
    EventDraft,
    EventGone,
    ProviderError,
    WriteRefused,
    WrittenEvent,
)
from connections.providers.booking_ids import require_ours
from connections.providers.dav import queries
from connections.providers.dav.client import INSUFFICIENT_STORAGE, GuardedClient, Reply
from connections.providers.dav.collection import Collection
from connections.providers.dav.multistatus import MISSING, href_texts, makes_no_sense, path_of
from connections.providers.dav.objects import booking_of, new_object, revised_object

ATTEMPTS = 3
DONE = {200, 201, 202, 204}
CONFLICT, CHANGED = 409, 412
NO_UID_CONFLICT = "{urn:ietf:params:xml:ns:caldav}no-uid-conflict"  # RFC 4791 §5.3.2.1
NEED_PRIVILEGES = "{DAV:}need-privileges"  # RFC 3744 §7.1.1
# What a server answers to an event it will never take.
REFUSED = {400, 403, 404, 405, 409, 410, 413, 415, 422, INSUFFICIENT_STORAGE}


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object as the server holds it. ``etag`` is empty where the server gives none."""

    path: str
    etag: str
    text: str

    def unchanged(self) -> dict[str, str]:
        """The header that makes a write depend on this version. Weak etags cannot be compared."""
        return {"If-Match": self.etag} if self.etag.startswith('"') else {}


class OwnEvents:
    """Our events in one collection. Every method may also raise what the client raises."""

    def __init__(self, client: GuardedClient, calendar_id: str) -> None:
        self._client = client
        self._collection = Collection(client, calendar_id)

    def create(self, draft: EventDraft) -> WrittenEvent:
        path = f"{self._collection.path}{quote(draft.uid, safe='')}.ics"
        text = new_object(draft, now=_now())
        reply = self._put(path, text, {"If-None-Match": "*"})
        if reply.status in DONE:
            return WrittenEvent(path)
        if reply.status in (CONFLICT, CHANGED) or NO_UID_CONFLICT in reply.preconditions:
            return self.update(self._written_before(path, draft, reply), draft)
        raise self._refusal(reply)

    def update(self, path: str, draft: EventDraft) -> WrittenEvent:
        for _ in range(ATTEMPTS):
            stored = self.read(path)
            require_ours(booking_of(stored.text), draft.booking_id)
            text = revised_object(stored.text, draft, now=_now())
            if text is None:
                return WrittenEvent(path)
            reply = self._put(path, text, stored.unchanged())
            if reply.status in DONE:
                return WrittenEvent(path)
            if reply.status != CHANGED:
                raise self._refusal(reply)
        raise EventConflict("The event keeps changing in the calendar.")

    def delete(self, path: str) -> None:
        for _ in range(ATTEMPTS):
            stored = self._stored(path)
            if stored is None:
                return
            require_ours(booking_of(stored.text))
            reply = self._client.request(self._url(path), "DELETE", headers=stored.unchanged())
            if reply.status in DONE or reply.status in MISSING:
                return
            if reply.status != CHANGED:
                raise self._refusal(reply)
        raise EventConflict("The event keeps changing in the calendar.")

    def read(self, path: str) -> StoredObject:
        """Raises ``EventGone`` only where the server has the collection but not the event."""
        stored = self._stored(path)
        if stored is None:
            self._require_collection()
            raise EventGone("The event is no longer in the calendar.")
        return stored

    def _stored(self, path: str) -> StoredObject | None:
        reply = self._client.request(self._url(path))
        if reply.status in MISSING:
            return None
        if reply.status != 200 or "BEGIN:VCALENDAR" not in reply.text:
            raise makes_no_sense(reply)
        return StoredObject(path, reply.headers.get("ETag", ""), reply.text)

    def _put(self, path: str, text: str, condition: dict[str, str]) -> Reply:
        headers = {"Content-Type": "text/calendar; charset=utf-8", **condition}
        return self._client.request(self._url(path), "PUT", text, headers)

    def _written_before(self, path: str, draft: EventDraft, refusal: Reply) -> str:
        """Where an object with our UID stands already: here, or where the server says it is."""
        if self._stored(path) is not None:
            return path
        named = {path_of(href) for href in href_texts(refusal.tree)}
        known = named or self._collection.matching(queries.events_with_uid(draft.uid))
        inside = frozenset(one for one in known if one.startswith(self._collection.path))
        for other, stored in self._collection.texts(inside).found.items():
            if booking_of(stored.text) == draft.booking_id:
                return other
        raise self._refusal(refusal)

    def _require_collection(self) -> None:
        """Raise ``CalendarGone`` or whatever else the collection answers, unless it is there."""
        self._collection.abilities()

    def _refusal(self, reply: Reply) -> ProviderError:
        """What a refused write means. Servers differ in how they say that the calendar is gone."""
        if reply.status not in REFUSED:
            return makes_no_sense(reply)
        self._require_collection()
        return WriteRefused(_reason(reply))

    def _url(self, path: str) -> str:
        return self._client.join(self._collection.url, path)


def _reason(reply: Reply) -> str:
    if reply.status == INSUFFICIENT_STORAGE:
        return "The calendar is full."
    if NEED_PRIVILEGES in reply.preconditions:
        return "This account may read the calendar but not write to it."
    return f"The server does not take the event (status {reply.status})."


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
