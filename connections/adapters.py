"""The one table of adapters: which class speaks to which provider."""

from collections.abc import Callable

from django.conf import settings

from connections.models import CalendarConnection, Provider
from connections.providers import google, microsoft
from connections.providers.apple import AppleAdapter
from connections.providers.base import CalendarAdapter, Credentials
from connections.providers.outbound import OutboundGuard
from connections.token_sources import google_app, microsoft_app
from connections.tokens import fresh_credentials


def _apple(credentials: Credentials) -> CalendarAdapter:
    guard = OutboundGuard(allowed_private_hosts=settings.CALDAV_ALLOWED_PRIVATE_HOSTS)
    return AppleAdapter(credentials, guard=guard)


def _google(credentials: Credentials) -> CalendarAdapter:
    return google.GoogleAdapter(credentials, app=google_app())


def _microsoft(credentials: Credentials) -> CalendarAdapter:
    return microsoft.MicrosoftAdapter(credentials, app=microsoft_app())


ADAPTERS: dict[str, Callable[[Credentials], CalendarAdapter]] = {
    Provider.APPLE: _apple,
    Provider.GOOGLE: _google,
    Provider.MICROSOFT: _microsoft,
}

# How many calendars of one account may be read at the same time, where a provider sets a limit.
MOST_AT_ONCE: dict[str, int] = {Provider.MICROSOFT: microsoft.MOST_AT_ONCE}


def adapter_for(provider: str, credentials: Credentials) -> CalendarAdapter:
    """An adapter for an account that may not be connected yet."""
    return ADAPTERS[provider](credentials)


def open_adapter(connection: CalendarConnection) -> CalendarAdapter:
    """An adapter for a connected calendar's account, with an access token that is still good.

    Raises ``ProviderError`` where none can be had, and ``SecretUnreadable``.
    """
    return adapter_for(connection.provider, fresh_credentials(connection))
