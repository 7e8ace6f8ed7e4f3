"""The one table of adapters: which class speaks to which provider."""

from collections.abc import Callable

from django.conf import settings

from connections.models import CalendarConnection, Provider
from connections.providers.apple import AppleAdapter
from connections.providers.base import CalendarAdapter, Credentials
from connections.providers.outbound import OutboundGuard


def _apple(credentials: Credentials) -> CalendarAdapter:
    guard = OutboundGuard(allowed_private_hosts=settings.CALDAV_ALLOWED_PRIVATE_HOSTS)
    return AppleAdapter(credentials, guard=guard)


ADAPTERS: dict[str, Callable[[Credentials], CalendarAdapter]] = {Provider.APPLE: _apple}


def adapter_for(provider: str, credentials: Credentials) -> CalendarAdapter:
    """An adapter for an account that may not be connected yet."""
    return ADAPTERS[provider](credentials)


def open_adapter(connection: CalendarConnection) -> CalendarAdapter:
    """An adapter for a connected calendar's account. Raises ``SecretUnreadable``."""
    return adapter_for(connection.provider, connection.credentials())
