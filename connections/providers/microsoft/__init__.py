"""Microsoft 365 and Outlook: changes, our own events, watches, and the tokens of an account."""

from connections.providers.microsoft.adapter import MicrosoftAdapter
from connections.providers.microsoft.api import MOST_AT_ONCE
from connections.providers.microsoft.app import SCOPES, MicrosoftApp
from connections.providers.microsoft.notifications import handshake, read_notifications
from connections.providers.microsoft.tokens import refresh

__all__ = [
    "MOST_AT_ONCE",
    "SCOPES",
    "MicrosoftAdapter",
    "MicrosoftApp",
    "handshake",
    "read_notifications",
    "refresh",
]
