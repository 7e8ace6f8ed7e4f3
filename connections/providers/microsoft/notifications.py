"""Reading what Microsoft sends to a watch's addresses: news of events, and of the watch itself.

https://learn.microsoft.com/en-us/graph/change-notifications-delivery-webhooks
https://learn.microsoft.com/en-us/graph/change-notifications-lifecycle-events
"""

import json
from collections.abc import Mapping

from connections.providers.base import (
    CHANGED,
    LOST,
    MISSED,
    RENEW,
    Notification,
    NotificationUnreadable,
)

LIFECYCLE = {"reauthorizationRequired": RENEW, "subscriptionRemoved": LOST, "missed": MISSED}
LONGEST_TOKEN = 2048  # characters


def read_notifications(headers: Mapping[str, str], body: bytes) -> list[Notification]:
    """All notifications of a call, perhaps of several watches. Raises ``NotificationUnreadable``.

    News of a kind that is not known are left out.
    """
    try:
        items = json.loads(body)["value"]
    except (ValueError, TypeError, LookupError, RecursionError):
        raise NotificationUnreadable from None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise NotificationUnreadable
    return [_notification(item, meaning) for item in items if (meaning := _meaning(item))]


def handshake(query: Mapping[str, str]) -> str:
    """What a call that only asks whether the address answers wants to hear; else nothing.

    Raises ``NotificationUnreadable`` where that is longer than Microsoft would make it.
    """
    token = query.get("validationToken", "")
    if len(token) > LONGEST_TOKEN:
        raise NotificationUnreadable
    return token


def _meaning(item: dict) -> str | None:
    if "lifecycleEvent" in item:
        return LIFECYCLE.get(_text(item, "lifecycleEvent"))
    return CHANGED


def _notification(item: dict, meaning: str) -> Notification:
    return Notification(
        watch_id=_text(item, "subscriptionId"),
        secret=_text(item, "clientState"),
        meaning=meaning,
    )


def _text(item: dict, name: str) -> str:
    """A text as Microsoft and we write them; nothing in place of any other."""
    text = item.get(name)
    return text if isinstance(text, str) and text.isascii() and text.isprintable() else ""
