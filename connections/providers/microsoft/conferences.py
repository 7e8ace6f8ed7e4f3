"""Teams meetings of our events."""

from collections.abc import Mapping

FIELDS = "isOnlineMeeting,onlineMeeting"


def url_of(item: Mapping) -> str:
    """Where the meeting is held; empty where there is none."""
    return (item.get("onlineMeeting") or {}).get("joinUrl") or ""


def is_pending(item: Mapping) -> bool:
    """Whether its meeting is still being set up."""
    return bool(item.get("isOnlineMeeting")) and not url_of(item)
