"""Google Meet conferences of our events, which Google makes a little later than the event."""

from collections.abc import Callable, Mapping
from time import sleep

LOOKS, PAUSE = 5, 1.0  # seconds between looks; what takes longer is found by the next write
FIELDS = "hangoutLink,conferenceData(createRequest/status,entryPoints(entryPointType,uri))"


def wait_for(item: dict, look: Callable[[str], dict | None]) -> dict:
    """The event once its conference is made or has failed, or as it is when patience ends."""
    for _ in range(LOOKS):
        if not is_pending(item):
            break
        sleep(PAUSE)
        item = look(item["id"]) or item
    return item


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
