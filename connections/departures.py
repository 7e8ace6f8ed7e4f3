"""Telling a provider that an account was disconnected: its watches end, and so does the access.

Whoever disconnects does not wait for that. What the provider has to be told is kept in a row of its
own, without anything of the calendars, until a worker has done it. Telling it twice does no harm.
"""

import logging
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

from connections.adapters import adapter_for
from connections.fields import SecretUnreadable
from connections.models import CalendarConnection, Departure
from connections.providers.base import (
    AccessRevoked,
    Credentials,
    ProviderError,
    RateLimited,
    Watch,
)
from connections.push import HAS_WATCH
from connections.token_sources import TOKEN_SOURCES

logger = logging.getLogger(__name__)

FIRST_DELAY, LONGEST_DELAY = timedelta(seconds=30), timedelta(hours=6)
# The end of the access matters more: a watch that goes on calls in vain, until it runs out.
MOST_TRIES_TO_STOP = 5
GIVE_UP_AFTER = timedelta(days=7)


def remember(connection: CalendarConnection, *, now: datetime) -> None:
    """Keep what the provider has to be told of an account whose rows are about to be deleted."""
    source = TOKEN_SOURCES.get(connection.provider)
    if source is None or connection.refresh_token is None:
        return
    watches = _watches(connection)
    if watches or source.revoke:
        Departure.objects.create(
            provider=connection.provider,
            provider_email=connection.provider_email,
            refresh_token=connection.refresh_token,
            watches=watches,
            due_at=now,
        )


def can_be_revoked(account: CalendarConnection | Departure) -> bool:
    """Whether the provider has a call for it, and no connection lives by the account's permission.

    A revocation ends the access of everybody who has connected that account.
    """
    source = TOKEN_SOURCES[account.provider]
    in_use = CalendarConnection.objects.filter(
        provider=account.provider, provider_email__iexact=account.provider_email
    )
    return bool(source.revoke and account.refresh_token) and not in_use.exists()


def tell_provider(departure_id: UUID, *, now: datetime) -> None:
    """Stop the watches and end the access; what fails is tried again later, for a week."""
    departure = Departure.objects.filter(pk=departure_id).first()
    if departure is None:
        return
    try:
        with suppress(AccessRevoked):  # there is nothing left to stop them with
            _stop_watches(departure, now=now)
        if can_be_revoked(departure):
            TOKEN_SOURCES[departure.provider].revoke(departure.refresh_token.reveal())
    except (ProviderError, SecretUnreadable) as error:
        _postpone(departure, error, now=now)
    else:
        departure.delete()


def _watches(connection: CalendarConnection) -> list[dict[str, str]]:
    """Each once, and without its secret: that is not needed to stop it."""
    account = CalendarConnection.objects.of_account(connection)
    rows = account.filter(HAS_WATCH)
    watches = {row.webhook_subscription_id or row.webhook_channel_id: row for row in rows}
    return [
        {
            "watch_id": watch_id,
            "resource_id": row.webhook_resource_id,
            "expires_at": row.webhook_expiration.isoformat(),
        }
        for watch_id, row in sorted(watches.items())
    ]


def _stop_watches(departure: Departure, *, now: datetime) -> None:
    watches = [one for one in _stored_watches(departure) if one.expires_at > now]
    if not watches or departure.failure_count >= MOST_TRIES_TO_STOP:
        return
    tokens = TOKEN_SOURCES[departure.provider].refresh(departure.refresh_token.reveal())
    adapter = adapter_for(departure.provider, Credentials(access_token=tokens.access_token))
    for watch in watches:
        adapter.stop_watch(watch)


def _stored_watches(departure: Departure) -> Iterator[Watch]:
    for one in departure.watches:
        yield Watch(
            watch_id=one["watch_id"],
            resource_id=one["resource_id"],
            secret="",
            expires_at=datetime.fromisoformat(one["expires_at"]),
        )


def _postpone(departure: Departure, error: Exception, *, now: datetime) -> None:
    delay = min(FIRST_DELAY * 2 ** min(departure.failure_count, 10), LONGEST_DELAY)
    if isinstance(error, RateLimited):
        delay = max(delay, timedelta(seconds=min(error.retry_after, GIVE_UP_AFTER.total_seconds())))
    if now + delay > departure.created_at + GIVE_UP_AFTER:
        logger.error("Access was not ended at %s, given up: %s", departure.provider, error)
        departure.delete()
        return
    logger.warning("Access could not be ended at %s yet: %s", departure.provider, error)
    departure.due_at = now + delay
    departure.failure_count += 1
    departure.save(update_fields=["due_at", "failure_count"])
