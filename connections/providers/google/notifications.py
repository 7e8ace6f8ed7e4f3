"""Reading what Google sends to a watch's address: all of it is in the headers.

https://developers.google.com/workspace/calendar/api/guides/push#understanding-the-notification-message-format
"""

from collections.abc import Mapping

from connections.providers.base import CHANGED, HELLO, Notification, NotificationUnreadable

# Whether the calendar still exists is for a sync to find out.
MEANINGS = {"sync": HELLO, "exists": CHANGED, "not_exists": CHANGED}


def read_notifications(headers: Mapping[str, str], body: bytes) -> list[Notification]:
    """The one notification of a call. Raises ``NotificationUnreadable``."""
    meaning = MEANINGS.get(headers.get("X-Goog-Resource-State", ""))
    if meaning is None:
        raise NotificationUnreadable
    return [
        Notification(
            watch_id=headers.get("X-Goog-Channel-ID", ""),
            secret=headers.get("X-Goog-Channel-Token", ""),
            resource_id=headers.get("X-Goog-Resource-ID", ""),
            meaning=meaning,
        )
    ]
