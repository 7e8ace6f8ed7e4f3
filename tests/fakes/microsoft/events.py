"""The events of a calendar over HTTP, and its view.

https://learn.microsoft.com/en-us/graph/api/resources/event
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

from tests.fakes.http import Call, as_response
from tests.fakes.microsoft.refusals import denied, not_found, refusal
from tests.fakes.microsoft.store import Calendar, read_time

FILTER = re.compile(
    r"singleValueExtendedProperties/Any\(ep: ep/id eq '([^']*)' and ep/value eq '([^']*)'\)"
)
EXPAND = re.compile(r"singleValueExtendedProperties\(\$filter=id eq '([^']*)'\)")
MAX_PAGE = re.compile(r"odata\.maxpagesize=(\d+)")
PROPERTIES = "singleValueExtendedProperties"
MEETING = {"joinUrl": "https://teams.microsoft.com/l/meetup-join/1"}


@dataclass(frozen=True)
class Bounds:
    """The half-open span that a view is about."""

    start: datetime
    end: datetime

    def hold(self, event: dict) -> bool:
        return read_time(event["start"]) < self.end and read_time(event["end"]) > self.start


class Events:
    """What is told of used transaction ids, new events and deleted ones, and Teams."""

    def __init__(self) -> None:
        self.duplicate_status = 409
        self.names_existing = True
        self.searches_are_late = False
        self.looks_before_meeting = 0
        self.shows_trash = False  # to those who know an id
        self._looks: dict[str, int] = {}

    # --- reading -------------------------------------------------------------------------------

    def listed(self, call: Call, calendar: Calendar) -> dict:
        """Series as masters, which is why nobody should look here for what is when."""
        events = list(calendar.events.values())
        if asked := call.first("$filter"):
            found = FILTER.fullmatch(asked)
            if not found:
                raise refusal(400, "ErrorInvalidUrlQueryFilter", "Invalid filter clause")
            wanted = {"id": found[1], "value": found[2]}
            events = [one for one in events if wanted in one.get(PROPERTIES, [])]
            events = [] if self.searches_are_late else events
        return page_of(events, call)

    def view(self, call: Call, calendar: Calendar) -> dict:
        bounds = bounds_of(call)
        return page_of([one for one in calendar.expanded() if bounds.hold(one)], call)

    def instances(self, call: Call, calendar: Calendar, event_id: str) -> dict:
        master = calendar.events.get(event_id)
        if master is None:
            raise not_found()
        bounds = bounds_of(call)
        return page_of([one for one in calendar.occurrences(master) if bounds.hold(one)], call)

    def get(self, call: Call, calendar: Calendar, event_id: str) -> dict:
        trash = calendar.trash if self.shows_trash else {}
        event = trash.get(event_id) or _found(calendar, event_id)
        return shown(self._with_meeting(event), call.query)

    # --- writing -------------------------------------------------------------------------------

    def create(self, call: Call, calendar: Calendar) -> object:
        _require_writer(calendar)
        body, used = call.json, calendar.account.transactions
        transaction_id = body.get("transactionId", "")
        if transaction_id in used:
            raise self._duplicate(used[transaction_id])
        event = calendar.store(self._sensible({}, body, calendar))
        if transaction_id:
            used[transaction_id] = event["id"]
        return as_response(shown(self._with_meeting(event), call.query), 201)

    def patch(self, call: Call, calendar: Calendar, event_id: str) -> dict:
        _require_writer(calendar)
        before = _found(calendar, event_id)
        changed = self._sensible(before, before | call.json, calendar)
        return shown(self._with_meeting(calendar.store(changed)), call.query)

    def delete(self, call: Call, calendar: Calendar, event_id: str) -> None:
        _require_writer(calendar)
        if self.shows_trash and event_id in calendar.trash:
            raise refusal(403, "ErrorCannotDeleteObject", "Object cannot be deleted.")
        _found(calendar, event_id)
        calendar.remove(event_id)

    def _duplicate(self, event_id: str):
        further = {"@event.existingEventId": event_id} if self.names_existing else {}
        message = "Your request can't be completed. The transaction id was already used."
        code = "ErrorDuplicateTransactionId"
        return refusal(self.duplicate_status, code, message, **further)

    def _sensible(self, before: dict, event: dict, calendar: Calendar) -> dict:
        if read_time(event["end"]) < read_time(event["start"]):
            raise refusal(400, "ErrorPropertyValidationFailure", "The end is before the start.")
        if event.get("transactionId") != before.get("transactionId", event.get("transactionId")):
            raise refusal(400, "ErrorPropertyValidationFailure", "transactionId is read-only.")
        if event.get("isOnlineMeeting") and not before.get("isOnlineMeeting"):
            if not calendar.account.has_teams:
                raise refusal(400, "ErrorPropertyValidationFailure", "No such meeting provider.")
            how = f"{event['body']['content']}\n\nJoin: {MEETING['joinUrl']}"
            event = {**event, "body": {"contentType": "text", "content": how}}
        return event

    def _with_meeting(self, event: dict) -> dict:
        """Its meeting is set up only after it was looked at a few times."""
        looks = self._looks[event["id"]] = self._looks.get(event["id"], -1) + 1
        is_ready = event.get("isOnlineMeeting") and looks >= self.looks_before_meeting
        return {**event, "onlineMeeting": MEETING if is_ready else None}


def page_of(items: list[dict], call: Call) -> dict:
    """One page of a list, and the link to the next."""
    first, size = int(call.first("$skip", "0")), most_of(call)
    page = {"value": [shown(one, call.query) for one in items[first : first + size]]}
    if first + size < len(items):
        query = {name: values[0] for name, values in call.query.items()}
        question = urlencode(query | {"$skip": str(first + size)}, quote_via=quote)
        host = call.header("Host")
        page["@odata.nextLink"] = f"http://{host}{call.path}?{question}"
    return page


def most_of(call: Call) -> int:
    found = MAX_PAGE.search(call.header("Prefer"))
    return int(call.first("$top") or (found[1] if found else 10))


def bounds_of(call: Call) -> Bounds:
    return Bounds(*(_instant(call, name) for name in ("startDateTime", "endDateTime")))


def shown(event: dict, query: dict[str, list[str]]) -> dict:
    """What was selected, and the extended properties if they were asked for."""
    selected = set(",".join(query.get("$select", [])).split(",")) - {""}
    wanted = EXPAND.fullmatch(query.get("$expand", [""])[0])
    answer = {
        name: value
        for name, value in event.items()
        if not name.startswith("_") and name != PROPERTIES
        if not selected or name in selected | {"id", "@odata.etag"}
    }
    properties = [one for one in event.get(PROPERTIES, []) if wanted and one["id"] == wanted[1]]
    return answer | ({PROPERTIES: properties} if properties else {})


def _found(calendar: Calendar, event_id: str) -> dict:
    event = calendar.get(event_id)
    if event is None:
        raise not_found()
    return event


def _require_writer(calendar: Calendar) -> None:
    if not calendar.can_edit:
        raise denied()


def _instant(call: Call, name: str) -> datetime:
    if not call.first(name):
        raise refusal(400, "ErrorInvalidParameter", f"{name} is required.")
    moment = datetime.fromisoformat(call.first(name))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
