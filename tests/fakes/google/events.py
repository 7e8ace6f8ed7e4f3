"""The events of a calendar over HTTP.

https://developers.google.com/workspace/calendar/api/v3/reference/events
"""

import re
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from tests.fakes.google.accounts import BUSY_READER, OWNER, READER, WRITER, Entry
from tests.fakes.google.conferences import Conferences
from tests.fakes.google.lists import Bookmark, Lists, Walk
from tests.fakes.google.partial import parse, part_of
from tests.fakes.google.recurrence import read_time
from tests.fakes.google.refusals import invalid, not_found, refusal
from tests.fakes.google.store import is_series
from tests.fakes.http import Call

ID = re.compile(r"[a-v0-9]{5,1024}")
MAX_DESCRIPTION = 8192
WRITERS = {OWNER, WRITER, "writerWithoutPrivateAccess"}
SEES_NOTHING_PRIVATE = {READER, "writerWithoutPrivateAccess"}
SKELETON = ("kind", "etag", "id", "status", "start", "end", "visibility", "eventType", "updated")


class Events:
    """``deleted_series_show`` is ``master``, ``instances``, or ``bare instances`` without series.

    Google's documentation leaves open which of them a deleted series is told by.
    """

    def __init__(self) -> None:
        self.lists, self.conferences = Lists(), Conferences()
        self.deleted_series_show = "instances"
        self.brings_back_deleted = True
        self.number = 0  # of the last change anywhere

    # --- reading -------------------------------------------------------------------------------

    def listed(self, call: Call, entry: Entry) -> dict:
        limit = min(int(call.first("maxResults", "250")), 2500)
        if page_token := call.first("pageToken"):
            page = self.lists.go_on(page_token, call.query, limit)
        else:
            walk = self._changes(call, entry) if call.first("syncToken") else self._all(call, entry)
            page = self.lists.begin(walk, limit)
        return _answer(page | _head(entry), call)

    def instances(self, call: Call, entry: Entry, event_id: str) -> dict:
        master = entry.calendar.get(event_id)
        if master is None or master["status"] == "cancelled":
            raise not_found()
        items = [one for one in entry.calendar.instances(master) if one["status"] != "cancelled"]
        limit = min(int(call.first("maxResults", "250")), 2500)
        if page_token := call.first("pageToken"):
            page = self.lists.go_on(page_token, call.query, limit)
        else:
            walk = Walk(_as_seen(_within(items, call, entry), call, entry), call.query, None, "")
            page = self.lists.begin(walk, limit)
        return _answer(page | _head(entry), call)

    def get(self, call: Call, entry: Entry, event_id: str) -> dict:
        found = _found(entry, event_id)
        if found["status"] != "cancelled":
            found = self.conferences.after_a_look(found, entry.calendar)
        return _answer(_as_seen([found], call, entry)[0], call)

    def _all(self, call: Call, entry: Entry) -> Walk:
        is_expanded = call.first("singleEvents") == "true"
        resources = [one for one in entry.calendar.resources.values() if _is_live(one)]
        items = _within(entry.calendar.live() if is_expanded else resources, call, entry)
        return Walk(_as_seen(items, call, entry), call.query, self._bookmark(call, entry), "")

    def _changes(self, call: Call, entry: Entry) -> Walk:
        token, calendar = call.first("syncToken"), entry.calendar
        since = self.lists.bookmark(token, calendar.id, call.query)
        items = calendar.changed_since(since.number, deleted_series_show=self.deleted_series_show)
        return Walk(_as_seen(items, call, entry), call.query, self._bookmark(call, entry), token)

    def _bookmark(self, call: Call, entry: Entry) -> Bookmark | None:
        """Some questions get no sync token."""
        suppress = {"orderBy", "q", "iCalUID", "privateExtendedProperty", "sharedExtendedProperty"}
        if suppress & set(call.query):
            return None
        return Bookmark(entry.calendar.id, self.number, call.query)

    # --- writing -------------------------------------------------------------------------------

    def insert(self, call: Call, entry: Entry) -> dict:
        _require_writer(entry)
        body = call.json
        event_id = body.get("id", "")
        if "id" in body and not ID.fullmatch(event_id):
            raise invalid("Invalid resource id value.", "resource.id")
        if "id" in body and "iCalUID" in body:
            raise invalid("Supply either an id or an iCalUID.")
        if event_id in entry.calendar.resources:
            raise refusal(409, "duplicate", "The requested identifier already exists.")
        return self._stored({}, body, call, entry)

    def patch(self, call: Call, entry: Entry, event_id: str) -> dict:
        found = self._changeable(call, entry, event_id)
        return self._stored(found, merged(found, call.json), call, entry)

    def update(self, call: Call, entry: Entry, event_id: str) -> dict:
        found = self._changeable(call, entry, event_id)
        kept = (
            "id",
            "iCalUID",
            "recurringEventId",
            "originalStartTime",
            "created",
            "conferenceData",
        )
        return self._stored(
            found, {key: found[key] for key in kept if key in found} | call.json, call, entry
        )

    def delete(self, call: Call, entry: Entry, event_id: str) -> None:
        _require_writer(entry)
        found = _found(entry, event_id)
        if found["status"] == "cancelled":
            raise refusal(410, "deleted", "Resource has been deleted")
        _require_version(call, found)
        entry.calendar.remove(event_id)

    def _changeable(self, call: Call, entry: Entry, event_id: str) -> dict:
        _require_writer(entry)
        found = _found(entry, event_id)
        _require_version(call, found)
        if found["status"] == "cancelled" and not self.brings_back_deleted:
            raise refusal(403, "forbidden", "Forbidden")
        return found

    def _stored(self, before: dict, resource: dict, call: Call, entry: Entry) -> dict:
        _require_sense(before, resource)
        if call.first("conferenceDataVersion") == "1":
            resource = self.conferences.requested(before, resource, entry.calendar)
        else:
            resource = {**resource, "conferenceData": before.get("conferenceData")}
        kept = {name: value for name, value in resource.items() if value is not None}
        return _answer(_as_seen([entry.calendar.store(kept)], call, entry)[0], call)


# --- what is asked ---------------------------------------------------------------------------


def _answer(body: dict, call: Call) -> dict:
    return part_of(body, parse(call.first("fields")))


def _head(entry: Entry) -> dict:
    calendar = entry.calendar
    return {
        "kind": "calendar#events",
        "summary": calendar.summary,
        "timeZone": calendar.time_zone,
        "accessRole": entry.role,
    }


def _within(items: list[dict], call: Call, entry: Entry) -> list[dict]:
    """Bounds: the end after ``timeMin``, the start before ``timeMax``."""
    bounds = [call.first(name) for name in ("timeMin", "timeMax")]
    if not any(bounds):
        return items
    earliest, latest = (datetime.fromisoformat(one) if one else None for one in bounds)
    if (earliest and not earliest.tzinfo) or (latest and not latest.tzinfo):
        raise refusal(400, "badRequest", "Bad Request")
    if earliest and latest and earliest >= latest:
        raise refusal(
            400, "timeRangeEmpty", "The specified time range is empty.", location="timeMax"
        )
    zone = ZoneInfo(entry.calendar.time_zone)
    return [
        item
        for item in items
        if (not earliest or instant(item["end"], zone) > earliest)
        and (not latest or instant(item["start"], zone) < latest)
    ]


def instant(value: dict, zone: ZoneInfo) -> datetime:
    moment = read_time(value)
    if isinstance(moment, datetime):
        return moment
    return datetime.combine(moment, time.min, zone).astimezone(UTC)


def _as_seen(items: list[dict], call: Call, entry: Entry) -> list[dict]:
    """As this account may see them, and no more guests than it wants to see."""
    most = int(call.first("maxAttendees", "0"))
    return [_with_few_guests(_disclosed(item, entry.role), most) for item in items]


def _disclosed(item: dict, role: str) -> dict:
    is_private = item.get("visibility") in ("private", "confidential")
    if role == BUSY_READER or (is_private and role in SEES_NOTHING_PRIVATE):
        return {name: item[name] for name in SKELETON if name in item}
    return item


def _with_few_guests(item: dict, most: int) -> dict:
    guests = item.get("attendees", [])
    if not most or len(guests) <= most:
        return item
    own = [guest for guest in guests if guest.get("self")]
    return {**item, "attendees": own, "attendeesOmitted": True}


# --- what is taken ---------------------------------------------------------------------------


def merged(before: dict, changes: dict) -> dict:
    """A patch: objects are merged, arrays replaced, null takes away."""
    result = dict(before)
    for name, value in changes.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, dict):
            result[name] = merged(result.get(name) or {}, value)
        else:
            result[name] = value
    return result


def _found(entry: Entry, event_id: str) -> dict:
    found = entry.calendar.get(event_id)
    if found is None:
        raise not_found()
    return found


def _is_live(resource: dict) -> bool:
    return resource["status"] != "cancelled"


def _require_writer(entry: Entry) -> None:
    if entry.role not in WRITERS:
        message = "You need to have writer access to this calendar."
        raise refusal(403, "requiredAccessLevel", message, domain="calendar")


def _require_version(call: Call, found: dict) -> None:
    wanted = call.header("If-Match")
    if wanted and wanted not in ("*", found["etag"]):
        raise refusal(412, "conditionNotMet", "Precondition Failed", location="If-Match")


def _require_sense(before: dict, resource: dict) -> None:
    for name in ("start", "end"):
        if len({"date", "dateTime"} & set(resource.get(name, {}))) != 1:
            raise invalid(f"Invalid {name} time.", name)
    if len({"date", "dateTime"} & {*resource["start"], *resource["end"]}) != 1:
        raise invalid("Start and end times must either both be date or both be dateTime.")
    if read_time(resource["end"]) < read_time(resource["start"]):
        raise refusal(400, "timeRangeEmpty", "The specified time range is empty.")
    if len(resource.get("description", "")) > MAX_DESCRIPTION:
        raise invalid("The description is too long.", "description")
    if resource.get("sequence", 0) < before.get("sequence", 0):
        raise invalid("Invalid sequence value.", "sequence")
    if is_series(resource) and not {"date", "timeZone"} & set(resource["start"]):
        raise invalid("Missing time zone definition for start time.")
