"""Push: Google calls an address whenever something in a calendar has changed.

https://developers.google.com/workspace/calendar/api/guides/push

A watch cannot be renewed: a new one is opened beside it, under an id of its own.
"""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from connections.providers.base import ProviderError, PushUnsupported, Watch
from connections.providers.google.api import CalendarApi
from connections.providers.google.replies import (
    MISSING,
    Reply,
    makes_no_sense,
    refusal_of_calendar,
)

NO_PUSH = {"pushNotSupportedForRequestedResource", "pushNotSupported"}
ID_TAKEN = "channelIdNotUnique"
ATTEMPTS = 2
UNSAID = timedelta(days=1)


def open_watch(api: CalendarApi, calendar_id: str, *, address: str, secret: str) -> Watch:
    """A new watch, for as long as Google grants it. Raises ``PushUnsupported``."""
    for _ in range(ATTEMPTS):
        channel = {"id": str(uuid4()), "type": "web_hook", "address": address, "token": secret}
        reply = api.ask(api.events.watch(calendarId=calendar_id, body=channel))
        if reply.is_ok:
            return _watch(reply, channel)
        if ID_TAKEN not in reply.reasons:  # else: opened, and the answer lost; it will run out
            break
    raise _refusal(reply)


def stop_watch(api: CalendarApi, watch: Watch) -> None:
    channel = {"id": watch.watch_id, "resourceId": watch.resource_id}
    reply = api.ask(api.channels.stop(body=channel))
    if not reply.is_ok and reply.status not in MISSING:
        raise makes_no_sense(reply)


def _watch(reply: Reply, channel: dict[str, str]) -> Watch:
    try:
        expires_at = _end_of(reply.body)
        resource_id = reply.body["resourceId"]
    except (LookupError, TypeError, ValueError, OverflowError):
        raise makes_no_sense(reply) from None
    return Watch(
        watch_id=channel["id"],
        resource_id=resource_id,
        secret=channel["token"],
        expires_at=expires_at,
    )


def _end_of(channel: dict) -> datetime:
    """The API does not promise to name it. Then it is not sooner than in a day: a week is usual."""
    if channel.get("expiration") is None:
        return datetime.now(UTC) + UNSAID
    return datetime.fromtimestamp(int(channel["expiration"]) / 1000, UTC)


def _refusal(reply: Reply) -> ProviderError:
    if reply.reasons & NO_PUSH:
        return PushUnsupported("Google sends no notifications of this calendar.")
    return refusal_of_calendar(reply)
