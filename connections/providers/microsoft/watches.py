"""Push: Microsoft calls an address whenever an event of the account has changed.

https://learn.microsoft.com/en-us/graph/api/resources/change-notifications-api-overview

While a watch is being opened Microsoft calls the address, and the one for news of the watch itself,
to see whether both answer.
"""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from connections.providers.base import (
    ProviderError,
    ProviderUnavailable,
    PushUnsupported,
    Watch,
)
from connections.providers.microsoft.api import GraphApi
from connections.providers.microsoft.replies import (
    BAD_REQUEST,
    CONFLICT,
    FORBIDDEN,
    MISSING,
    Reply,
    makes_no_sense,
)

RESOURCE = "me/events"  # those of all the account's calendars
LIVES = (timedelta(minutes=10_080), timedelta(minutes=4_230))  # the longest; what it used to be
MARGIN = timedelta(minutes=10)  # clocks differ


def open_watch(api: GraphApi, *, address: str, secret: str) -> Watch:
    """A new watch, for as long as Microsoft grants it. Raises ``PushUnsupported``."""
    subscription = {
        "changeType": "created,updated,deleted",
        "notificationUrl": address,
        "lifecycleNotificationUrl": f"{address.rstrip('/')}/lifecycle/",
        "resource": RESOURCE,
        "clientState": secret,
    }
    reply = _ask_for_long(api, "POST", "subscriptions", subscription)
    if reply.status == CONFLICT:  # opened before, and the answer lost
        _close_all(api, address)
        reply = _ask_for_long(api, "POST", "subscriptions", subscription)
    if not reply.is_ok:
        raise _refusal(reply)
    return _watch(reply, secret)


def renew_watch(api: GraphApi, watch: Watch, *, address: str) -> Watch:
    """The same watch for longer; a new one where Microsoft has ended it."""
    reply = _ask_for_long(api, "PATCH", _path(watch.watch_id), {})
    if reply.status in MISSING:
        return open_watch(api, address=address, secret=watch.secret)
    if not reply.is_ok:
        raise _refusal(reply)
    return _watch(reply, watch.secret)


def stop_watch(api: GraphApi, watch: Watch) -> None:
    _close(api, watch.watch_id)


def _ask_for_long(api: GraphApi, method: str, path: str, body: dict) -> Reply:
    """Ask for the longest life that is allowed: Microsoft has changed its mind about it before."""
    for life in LIVES:
        until = datetime.now(UTC) + life - MARGIN
        expiry = {"expirationDateTime": f"{until:%Y-%m-%dT%H:%M:%SZ}"}
        reply = api.ask(method, path, body=body | expiry)
        if reply.status != BAD_REQUEST or "expir" not in _message(reply):
            break
    return reply


def _close_all(api: GraphApi, address: str) -> None:
    """End the watches that call this address."""
    for reply in api.pages(api.address("subscriptions")):
        if not reply.is_ok:
            raise makes_no_sense(reply)
        for subscription in reply.items:
            if subscription.get("notificationUrl") == address:
                _close(api, subscription["id"])


def _close(api: GraphApi, watch_id: str) -> None:
    reply = api.ask("DELETE", _path(watch_id))
    if not reply.is_ok and reply.status not in MISSING:
        raise makes_no_sense(reply)


def _path(watch_id: str) -> str:
    return f"subscriptions/{quote(watch_id, safe='')}"


def _watch(reply: Reply, secret: str) -> Watch:
    try:
        expires_at = datetime.fromisoformat(reply.body["expirationDateTime"]).astimezone(UTC)
        watch_id = reply.body["id"]
    except (LookupError, TypeError, ValueError):
        raise makes_no_sense(reply) from None
    return Watch(watch_id=watch_id, resource_id=RESOURCE, secret=secret, expires_at=expires_at)


def _message(reply: Reply) -> str:
    """What Microsoft writes for people, to look for a word in it. Not to be shown."""
    error = reply.body.get("error")
    return str(error.get("message", "")).casefold() if isinstance(error, dict) else ""


def _refusal(reply: Reply) -> ProviderError:
    if reply.has_no_mailbox or reply.status == FORBIDDEN:
        return PushUnsupported("Microsoft sends no notifications of this account's events.")
    if "validation" in _message(reply):
        return ProviderUnavailable("Microsoft gets no answer from this installation's own address.")
    return makes_no_sense(reply)
