"""Google Meet conferences of our events."""

from collections.abc import Mapping

FIELDS = "hangoutLink,conferenceData(createRequest/status,entryPoints(entryPointType,uri))"


def url_of(item: Mapping) -> str:
    """Where its conference is held; empty where there is none."""
    for entry in item.get("conferenceData", {}).get("entryPoints", ()):
        if entry.get("entryPointType") == "video":
            return entry.get("uri", "")
    return item.get("hangoutLink", "")


def is_pending(item: Mapping) -> bool:
    """Whether its conference is still being made."""
    request = item.get("conferenceData", {}).get("createRequest", {})
    return request.get("status", {}).get("statusCode") == "pending"
