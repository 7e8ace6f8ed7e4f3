"""Teams meetings of our events: Outlook may take a moment to set one up."""

from collections.abc import Callable, Mapping
from time import sleep

LOOKS, PAUSE = 5, 1.0  # seconds between looks; what takes longer is found by the next write
FIELDS = "isOnlineMeeting,onlineMeeting"


def wait_for(item: Mapping, look: Callable[[str], Mapping | None]) -> Mapping:
    """The event once its meeting is there, or as it is when patience ends."""
    for _ in range(LOOKS):
        if not is_pending(item):
            break
        sleep(PAUSE)
        item = look(item["id"]) or item
    return item


def url_of(item: Mapping) -> str:
    """Where the meeting is held; empty where there is none."""
    return (item.get("onlineMeeting") or {}).get("joinUrl") or ""


def is_pending(item: Mapping) -> bool:
    """Whether its meeting is still being set up."""
    return bool(item.get("isOnlineMeeting")) and not url_of(item)
