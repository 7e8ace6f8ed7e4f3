"""Our own events in a calendar: written once, brought up to date, removed.

An event's id is made of the booking's, and Google takes an id once: whoever repeats a write whose
answer was lost is told that the id exists, and finds the event there. A deleted event keeps its id
and is brought back; where Google refuses that, the booking's next id is taken. Every change and
removal first looks whether the event is ours, and names the version it saw (``If-Match``), so that
nothing of the consultant's is overwritten. Google is told to mail nobody: calsync does that.
"""

from collections.abc import Callable
from functools import partial

from googleapiclient.http import HttpRequest

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
from connections.providers.google import conferences
from connections.providers.google.api import CalendarApi
from connections.providers.google.drafts import event_ids, new_body, revision
from connections.providers.google.events import FIELDS, booking_of, is_cancelled
from connections.providers.google.replies import (
    BAD_REQUEST,
    CHANGED,
    CONFLICT,
    FORBIDDEN,
    GONE,
    MISSING,
    NOT_FOUND,
    Reply,
    makes_no_sense,
    refusal_of_calendar,
)

ATTEMPTS = 3
REFUSED = {BAD_REQUEST, 405, 413, 422}  # an event that will never be taken
# Why an account may not write. Any other "forbidden" passes.
NOT_A_WRITER = {
    "forbidden",
    "forbiddenForNonCreator",
    "forbiddenForNonOrganizer",
    "forbiddenForServiceAccounts",
    "notACalendarUser",
    "requiredAccessLevel",
}
ALL_FIELDS = f"{FIELDS},description,location,{conferences.FIELDS}"
# Version 1 knows conferences; version 0 would drop what a body says of them.
WRITING = {"sendUpdates": "none", "conferenceDataVersion": 1, "fields": ALL_FIELDS}


class OwnEvents:
    """Our events in one calendar. Every method may also raise what the API line raises."""

    def __init__(self, api: CalendarApi, calendar_id: str) -> None:
        self._api, self._calendar_id = api, calendar_id

    def create(self, draft: EventDraft) -> WrittenEvent:
        for event_id in event_ids(draft.booking_id):
            reply = self._send(
                self._api.events.insert, new_body(draft, event_id, self._calendar_id)
            )
            if reply.is_ok:
                return self._written(reply.body)
            if reply.status != CONFLICT:
                raise self._refusal(reply)
            if written := self._take_up(event_id, draft):
                return written
        raise WriteRefused("Every id that the event could have is taken.")

    def update(self, event_id: str, draft: EventDraft) -> WrittenEvent:
        for _ in range(ATTEMPTS):
            item = self.read(event_id)
            require_ours(booking_of(item), draft.booking_id)
            reply = self._revise(item, draft)
            if reply.is_ok:
                return self._written(reply.body)
            if reply.status not in {CHANGED, *MISSING}:
                raise self._refusal(reply)
        raise EventConflict("The event keeps changing in the calendar.")

    def delete(self, event_id: str) -> None:
        """One that does not show is removed by its id alone: one "not found" proves nothing."""
        for _ in range(ATTEMPTS):
            item = self._stored(event_id)
            if item is None:
                self._require_calendar()
            elif is_cancelled(item):
                return
            else:
                require_ours(booking_of(item))
            request = self._api.events.delete(
                calendarId=self._calendar_id, eventId=event_id, sendUpdates="none"
            )
            reply = self._api.ask(request, version=item.get("etag", "") if item else "")
            if reply.is_ok or reply.status == GONE or (item is None and reply.status == NOT_FOUND):
                return
            if reply.status not in {CHANGED, NOT_FOUND}:
                raise self._refusal(reply)
        raise EventConflict("The event keeps changing in the calendar.")

    def read(self, event_id: str) -> dict:
        """Raises ``EventGone`` only where Google has the calendar but no such event in it."""
        item = self._stored(event_id)
        if item is None:
            self._require_calendar()
            raise EventGone("The event is no longer in the calendar.")
        if is_cancelled(item):
            raise EventGone("The event was deleted in the calendar.")
        return item

    def _take_up(self, event_id: str, draft: EventDraft) -> WrittenEvent | None:
        """Use the event that has the id already. None where it is not ours, or stays deleted."""
        for _ in range(ATTEMPTS):
            item = self._stored(event_id)
            if item is None:  # if it is only late to show, the next id would make a second event
                raise ProviderUnavailable("Google has the event but does not show it.")
            if booking_of(item) != draft.booking_id:
                return None
            reply = self._revise(item, draft)
            if reply.is_ok:
                return self._written(reply.body)
            if is_cancelled(item) and reply.status in {BAD_REQUEST, FORBIDDEN, *MISSING}:
                return None
            if reply.status != CHANGED:
                raise self._refusal(reply)
        raise EventConflict("The event keeps changing in the calendar.")

    def _revise(self, item: dict, draft: EventDraft) -> Reply:
        """Bring an event to the draft, unless it says the same already."""
        changes = revision(item, draft, self._calendar_id)
        if not changes:
            return Reply(200, item)
        patch = partial(self._api.events.patch, eventId=item["id"])
        return self._send(patch, changes, version=item.get("etag", ""))

    def _send(self, method: Callable[..., HttpRequest], body: dict, *, version: str = "") -> Reply:
        """Not every calendar has conferences, and a meeting without one beats no meeting."""
        request = method(calendarId=self._calendar_id, body=body, **WRITING)
        reply = self._api.ask(request, version=version)
        if reply.status == BAD_REQUEST and body.pop("conferenceData", None):
            return self._send(method, body, version=version)
        return reply

    def _written(self, item: dict) -> WrittenEvent:
        if not item.get("id"):
            raise makes_no_sense(Reply(200))
        item = wait_for_conference(item, is_pending=conferences.is_pending, look=self._stored)
        return WrittenEvent(
            item["id"],
            conference_url=conferences.url_of(item),
            awaits_conference=conferences.is_pending(item),
        )

    def _stored(self, event_id: str) -> dict | None:
        """The event, deleted or not; None where Google has none (any more)."""
        reply = self._api.ask(
            self._api.events.get(
                calendarId=self._calendar_id, eventId=event_id, maxAttendees=1, fields=ALL_FIELDS
            )
        )
        if reply.status in MISSING:
            return None
        if not reply.is_ok:
            raise refusal_of_calendar(reply)
        if reply.body.get("id") != event_id:
            raise makes_no_sense(reply)
        return reply.body

    def _require_calendar(self) -> None:
        """Raise ``CalendarGone``, or whatever else Google answers, unless the calendar is there."""
        self._api.read(
            self._api.events.list(calendarId=self._calendar_id, maxResults=1, fields="timeZone")
        )

    def _refusal(self, reply: Reply) -> ProviderError:
        """What a refused write means. A single "not found" means nothing."""
        if reply.status == FORBIDDEN and reply.reasons & NOT_A_WRITER:
            return WriteRefused("This account may not write to the calendar.")
        if reply.status in REFUSED:
            return WriteRefused(f"Google does not take the event (status {reply.status}).")
        if reply.status in MISSING:
            self._require_calendar()
        return makes_no_sense(reply)
