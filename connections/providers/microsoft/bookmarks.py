"""What the adapter keeps in a sync token: ``microsoft-1:<question>:<Graph's delta link>``.

A delta link answers the question it was made with for ever: about one calendar, and a window that
never moves. The consultant's zone counts too, as it gave all-day events their instants.
"""

import hashlib
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from connections.providers.base import SyncTokenExpired, Window

KIND = "microsoft-1"  # another number when the questions in ``changes`` change


@dataclass(frozen=True, slots=True)
class Question:
    """What a round is about."""

    calendar_id: str
    window: Window
    zone: ZoneInfo

    @property
    def digest(self) -> str:
        start, end = self.window.start.timestamp(), self.window.end.timestamp()
        text = f"{start} {end} {self.zone.key} {self.calendar_id}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def write_bookmark(question: Question, link: str) -> str:
    return f"{KIND}:{question.digest}:{link}"


def read_bookmark(question: Question, sync_token: str) -> str:
    """The delta link. Raises ``SyncTokenExpired`` for a token of another kind or question."""
    kind, digest, link = (*sync_token.split(":", 2), "", "", "")[:3]
    if kind != KIND or digest != question.digest or not link:
        raise SyncTokenExpired("The sync token belongs to something else.")
    return link
