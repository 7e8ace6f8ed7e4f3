"""What the adapter keeps in a sync token: ``google-1:<calendar>:<zone>:<Google's own token>``.

It is bound to its calendar, so that it can never be used for another. The zone is the one that gave
all-day events their instants: when the calendar moves to another one, they are to be read anew.
"""

import hashlib
from dataclasses import dataclass

from connections.providers.base import SyncTokenExpired

KIND = "google-1"  # another number when the questions in ``changes`` change


@dataclass(frozen=True, slots=True)
class Bookmark:
    """How far a calendar was read, and in which zone."""

    zone: str
    token: str


def write_bookmark(bookmark: Bookmark, calendar_id: str) -> str:
    return f"{KIND}:{_digest(calendar_id)}:{bookmark.zone}:{bookmark.token}"


def read_bookmark(sync_token: str, calendar_id: str) -> Bookmark:
    """Raises ``SyncTokenExpired`` for a token of another shape, kind or calendar."""
    kind, digest, zone, token = (*sync_token.split(":", 3), "", "", "", "")[:4]
    if kind != KIND or digest != _digest(calendar_id) or not token:
        raise SyncTokenExpired("The sync token belongs to something else.")
    return Bookmark(zone, token)


def _digest(calendar_id: str) -> str:
    return hashlib.sha256(calendar_id.encode()).hexdigest()[:16]
