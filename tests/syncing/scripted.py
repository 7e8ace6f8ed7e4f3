"""A calendar that answers by script: the far end of the adapter contract, for engine tests."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from connections.providers.base import ChangePage, RemoteEvent


def event(key: str, start: datetime, *, minutes: int = 60, **fields) -> RemoteEvent:
    return RemoteEvent(
        provider_event_id=key, start=start, end=start + timedelta(minutes=minutes), **fields
    )


@dataclass
class ScriptedCalendar:
    """Yields one scripted round per call. In place of a page: an error to raise, or a call."""

    rounds: list[list[ChangePage | Exception | Callable[[], None]]] = field(default_factory=list)
    asked: list[dict] = field(default_factory=list)

    def then(self, *pages: ChangePage | Exception | Callable[[], None]) -> None:
        self.rounds.append(list(pages))

    def changes(self, calendar_id: str, **question) -> Iterator[ChangePage]:
        self.asked.append(question)
        for page in self.rounds.pop(0):
            if isinstance(page, Exception):
                raise page
            if isinstance(page, ChangePage):
                yield page
            else:
                page()
