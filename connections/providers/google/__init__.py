"""Google Calendar: changes, our own events, watches, and the tokens of an account."""

from connections.providers.google.adapter import GoogleAdapter
from connections.providers.google.app import ALL_IN_ONE, SCOPES, GoogleApp
from connections.providers.google.notifications import read_notifications
from connections.providers.google.tokens import refresh, revoke

__all__ = [
    "ALL_IN_ONE",
    "SCOPES",
    "GoogleAdapter",
    "GoogleApp",
    "read_notifications",
    "refresh",
    "revoke",
]
