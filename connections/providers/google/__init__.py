"""Google Calendar: changes, our own events, watches, and the tokens of an account."""

from connections.providers.google.adapter import GoogleAdapter
from connections.providers.google.app import SCOPES, GoogleApp
from connections.providers.google.notifications import read_notifications
from connections.providers.google.tokens import refresh, revoke

__all__ = ["SCOPES", "GoogleAdapter", "GoogleApp", "read_notifications", "refresh", "revoke"]
