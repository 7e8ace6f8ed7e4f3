"""Google Meet conferences of our events."""

from collections.abc import Mapping
from uuid import NAMESPACE_URL, uuid5

FIELDS = (
    "hangoutLink,conferenceData(createRequest(requestId,status),entryPoints(entryPointType,uri))"
)


def url_of(item: Mapping) -> str:
    """Where its conference is held; empty where there is none."""
    for entry in item.get("conferenceData", {}).get("entryPoints", ()):
        if entry.get("entryPointType") == "video":
            return entry.get("uri", "")
    return item.get("hangoutLink", "")


def is_pending(item: Mapping) -> bool:
    """Whether its conference is still being made."""
    return _status(item) == "pending"


def new_conference(calendar_id: str, event_id: str, *, is_second: bool = False) -> dict:
    """Asks for one. Google ignores a request whose id it has seen before, for whichever event.

    So a repeated write makes no second conference, and every event has one of its own.
    https://developers.google.com/workspace/calendar/api/v3/reference/events#conferenceData.createRequest.requestId
    """
    name = f"{calendar_id} {event_id}{' again' if is_second else ''}"
    request = {
        "requestId": uuid5(NAMESPACE_URL, name).hex,
        "conferenceSolutionKey": {"type": "hangoutsMeet"},
    }
    return {"conferenceData": {"createRequest": request}}


def missing_conference(item: Mapping, calendar_id: str) -> dict:
    """Asks for the one that an event lacks; once more where that has failed."""
    if "conferenceData" not in item:
        return new_conference(calendar_id, item["id"])
    second = new_conference(calendar_id, item["id"], is_second=True)
    has_asked_twice = _request_id(item) == _request_id(second)
    return second if _status(item) == "failure" and not has_asked_twice else {}


def _request(item: Mapping) -> Mapping:
    return item.get("conferenceData", {}).get("createRequest", {})


def _request_id(item: Mapping) -> str:
    return _request(item).get("requestId", "")


def _status(item: Mapping) -> str:
    return _request(item).get("status", {}).get("statusCode", "")
