"""Fresh credentials for an account: an access token is refreshed here, once, however many ask.

All rows of an account share their tokens. One of them, the anchor, carries a lease while a refresh
is under way: no transaction is open during the call, and nobody refreshes twice. Whoever dies
between the provider's answer and the commit leaves a lease that runs out and the old refresh token,
which the providers go on honouring. Expiries are compared with the database's clock.
https://learn.microsoft.com/en-us/entra/identity-platform/refresh-tokens#token-lifetime
"""

from collections.abc import Callable
from datetime import timedelta
from time import monotonic, sleep
from typing import TypeVar
from uuid import uuid4

from django.db.models import Q
from django.db.models.functions import Now
from django.views.decorators.debug import sensitive_variables

from connections.fields import Secret
from connections.models import CalendarConnection
from connections.providers.base import (
    AccessRevoked,
    AccessTokenRefused,
    Credentials,
    ProviderUnavailable,
)
from connections.token_sources import TOKEN_SOURCES

MARGIN = timedelta(minutes=5)
LASTS = Q(token_expires_at__gt=Now() + MARGIN)
LEASE = timedelta(seconds=60)  # longer than a token endpoint may take
WAIT_SECONDS = 65
LOOK_SECONDS = 0.05

Result = TypeVar("Result")


def fresh_credentials(connection: CalendarConnection) -> Credentials:
    """The account's credentials, with an access token good for some minutes at least.

    One that has just been renewed is used however short its life is.
    Raises ``AccessRevoked`` and marks the account, ``ProviderUnavailable``,
    ``ProviderMisconfigured``, and ``SecretUnreadable`` when a secret's key is missing.
    """
    if connection.provider not in TOKEN_SOURCES:
        return connection.credentials()
    deadline = monotonic() + WAIT_SECONDS
    row = CalendarConnection.objects.filter(pk=connection.pk).annotate(
        is_fresh=Q(token_expires_at__gt=Now() + MARGIN)
    )
    while not (seen := row.get()).is_fresh:
        if _refresh(seen):  # exactly what was found too old: a token renewed since is left alone
            return row.get().credentials()
        sleep(LOOK_SECONDS)
        if monotonic() > deadline:
            raise ProviderUnavailable("The account's access is being renewed and takes too long.")
    return seen.credentials()


def with_fresh_token(connection: CalendarConnection, action: Callable[[], Result]) -> Result:
    """Do it; once more with a new token where the provider refuses the one we have.

    Raises ``AccessRevoked`` where it refuses that one too.
    """
    try:
        return action()
    except AccessTokenRefused:
        CalendarConnection.objects.of_account(connection).update(token_expires_at=None)
    try:
        return action()
    except AccessTokenRefused as error:
        raise AccessRevoked(str(error)) from None


def _refresh(connection: CalendarConnection) -> bool:
    """Refresh the account's tokens. False while somebody else does."""
    anchor = CalendarConnection.objects.of_account(connection).order_by("pk").values("pk")[:1]
    row = CalendarConnection.objects.filter(pk__in=anchor)
    free = Q(token_lease_expires_at=None) | Q(token_lease_expires_at__lte=Now())
    lease_id = uuid4()
    if not row.filter(free).update(token_lease_id=lease_id, token_lease_expires_at=Now() + LEASE):
        return False
    try:
        latest = CalendarConnection.objects.get(pk=connection.pk)
        is_stale = latest.token_expires_at == connection.token_expires_at  # nobody was faster
        if is_stale and not CalendarConnection.objects.filter(LASTS, pk=latest.pk).exists():
            _ask_and_store(latest)
    finally:
        row.filter(token_lease_id=lease_id).update(token_lease_id=None, token_lease_expires_at=None)
    return True


@sensitive_variables()
def _ask_and_store(connection: CalendarConnection) -> None:
    # A consultant who reconnects meanwhile has newer tokens than these: theirs stay. An access
    # token that was refused meanwhile (None) is what these are to replace.
    replaced = Q(token_expires_at=connection.token_expires_at) | Q(token_expires_at=None)
    account = CalendarConnection.objects.of_account(connection).filter(replaced)
    used = connection.refresh_token
    try:
        tokens = TOKEN_SOURCES[connection.provider].refresh(used.reveal() if used else "")
    except AccessRevoked:
        account.update(reconnect_needed_at=Now(), next_sync_at=None)
        raise
    changes = {
        "access_token": Secret.of(tokens.access_token),
        "token_expires_at": tokens.expires_at,
    }
    if tokens.refresh_token:
        changes["refresh_token"] = Secret.of(tokens.refresh_token)
    account.update(**changes)
