"""Which providers tell of changes, one entry for each, and the watch that a row has there."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from connections.adapters import open_adapter
from connections.fields import SecretUnreadable
from connections.models import CalendarConnection, CalendarConnectionQuerySet, Provider
from connections.providers import google, microsoft
from connections.providers.base import Notification, ProviderError, Watch
from connections.tokens import with_fresh_token

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Push:
    """How a provider's calls are read. Both functions raise ``NotificationUnreadable``."""

    read: Callable[[Mapping[str, str], bytes], list[Notification]]  # takes headers and body
    handshake: Callable[[Mapping[str, str]], str] | None = None  # takes the query
    lag: timedelta | None = None  # how long after a call its lists may still lack the change
    is_per_account: bool = False  # one watch tells of all the account's calendars
    repeats_what_is_refused: bool = False  # for hours, and is slower to call us about all others


PUSH: dict[str, Push] = {
    Provider.GOOGLE: Push(read=google.read_notifications),
    Provider.MICROSOFT: Push(
        read=microsoft.read_notifications,
        handshake=microsoft.handshake,
        lag=timedelta(seconds=20),
        is_per_account=True,
        repeats_what_is_refused=True,
    ),
}

HAS_WATCH = ~Q(webhook_channel_id=None) | ~Q(webhook_subscription_id=None)
NO_WATCH = {
    "webhook_channel_id": None,
    "webhook_subscription_id": None,
    "webhook_resource_id": "",
    "webhook_secret": None,
    "webhook_expiration": None,
}


def stored_watch(connection: CalendarConnection) -> Watch | None:
    """The watch as the row has it. Raises ``SecretUnreadable`` when its secret's key is missing."""
    watch_id = connection.webhook_subscription_id or connection.webhook_channel_id
    if not watch_id:
        return None
    return Watch(
        watch_id=watch_id,
        resource_id=connection.webhook_resource_id,
        secret=connection.webhook_secret.reveal(),
        expires_at=connection.webhook_expiration,
    )


def see_to_watches(rows: CalendarConnectionQuerySet, *, now: datetime) -> None:
    """Of calendars that were switched on or off: a worker opens or stops their watches."""
    rows.filter(provider__in=PUSH).update(next_watch_at=now)


def stop_watches(connection: CalendarConnection, watches: Iterable[Watch]) -> None:
    """End watches of the connection's account at the provider, as far as it lets us.

    One that goes on calls in vain, until it runs out: nothing depends on its end.
    """
    try:
        for watch in watches:
            with_fresh_token(connection, lambda one=watch: open_adapter(connection).stop_watch(one))
    except (ProviderError, SecretUnreadable, CalendarConnection.DoesNotExist) as error:
        logger.warning("A watch of connection %s was left to run out: %s", connection.pk, error)
