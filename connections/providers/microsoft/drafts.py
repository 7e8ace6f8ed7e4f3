"""A booking as an event of Outlook's: how it is marked, its body, how a stored event differs.

https://learn.microsoft.com/en-us/graph/api/calendar-post-events
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from uuid import UUID

from connections.providers.base import EventDraft
from connections.providers.booking_ids import booking_id_of, booking_uid, read_booking_id

# Two marks, each with the booking's id. Lists of changes show the transaction id alone, searches
# find the property alone; somebody's copy of our event may keep the property.
PROPERTY = "String {3b1c5c0e-6f0c-4c43-9a0e-5d3a2d1f7c11} Name calsyncBooking"
IS_PROPERTY = f"id eq '{PROPERTY}'"
EXPAND = f"singleValueExtendedProperties($filter={IS_PROPERTY})"

TRANSACTIONS = 5
UTC_ZONE = "UTC"

_AGAIN = re.compile(r"\.\d+$", re.ASCII)


def transaction_ids(booking_id: UUID) -> Iterator[str]:
    """The ids under which a booking may be written, the first one first.

    Graph takes each of them once, even where its event was deleted since.
    """
    first = booking_uid(booking_id)
    yield first
    yield from (f"{first}.{number}" for number in range(2, TRANSACTIONS + 1))


def booking_of(item: Mapping) -> UUID | None:
    """The booking an event was written for, as far as the item tells."""
    transaction_id = item.get("transactionId") or ""
    found = booking_id_of(_AGAIN.sub("", transaction_id))
    return found or next(iter(_tagged(item)), None)


def search(booking_id: UUID) -> str:
    """An OData filter for a booking's events."""
    condition = f"ep/id eq '{PROPERTY}' and ep/value eq '{booking_id}'"
    return f"singleValueExtendedProperties/Any(ep: {condition})"


def new_body(draft: EventDraft, transaction_id: str) -> dict:
    """For a new event. It invites nobody: Outlook would write to them itself."""
    body = {
        "subject": draft.title,
        "body": {"contentType": "text", "content": draft.description},
        "location": {"displayName": draft.location},
        "start": _time(draft.start),
        "end": _time(draft.end),
        "showAs": "busy",
        "transactionId": transaction_id,
        "singleValueExtendedProperties": [{"id": PROPERTY, "value": str(draft.booking_id)}],
    }
    return body | (conference() if draft.wants_conference else {})


def revision(item: Mapping, draft: EventDraft) -> dict:
    """What has to change; empty where nothing does.

    The consultant's own choices (category, reminder, guests) stay. So does the text of an online
    meeting: Outlook has added how to take part, and the meeting goes where that is overwritten.
    """
    changes: dict = {}
    if (item.get("subject") or "") != draft.title:
        changes["subject"] = draft.title
    if (item.get("location") or {}).get("displayName", "") != draft.location:
        changes["location"] = {"displayName": draft.location}
    if not item.get("isOnlineMeeting") and not _says(item, draft.description):
        changes["body"] = {"contentType": "text", "content": draft.description}
    if item.get("isAllDay") or not (
        _is_at(item, "start", draft.start) and _is_at(item, "end", draft.end)
    ):
        changes |= {"start": _time(draft.start), "end": _time(draft.end), "isAllDay": False}
    if draft.wants_conference and not item.get("isOnlineMeeting"):
        changes |= conference()
    return changes


def conference() -> dict:
    return {"isOnlineMeeting": True, "onlineMeetingProvider": "teamsForBusiness"}


def _tagged(item: Mapping) -> Iterator[UUID]:
    for entry in item.get("singleValueExtendedProperties") or ():
        booking_id = read_booking_id(entry.get("value") or "")
        if booking_id and entry.get("id", "").casefold() == PROPERTY.casefold():
            yield booking_id


def _says(item: Mapping, text: str) -> bool:
    """Whether the event has this text. Outlook is free with line ends and blanks."""
    content = (item.get("body") or {}).get("content") or ""
    return content.split() == text.split()


def _time(moment: datetime) -> dict[str, str]:
    """``moment`` is in UTC."""
    return {"dateTime": moment.replace(tzinfo=None).isoformat(), "timeZone": UTC_ZONE}


def _is_at(item: Mapping, name: str, wanted: datetime) -> bool:
    """Graph answers in UTC, as it was asked to."""
    try:
        return datetime.fromisoformat(item[name]["dateTime"]) == wanted.replace(tzinfo=None)
    except (LookupError, TypeError, ValueError):
        return False
