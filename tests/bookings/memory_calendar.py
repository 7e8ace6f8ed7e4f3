"""A calendar in memory, at the adapter contract: for what a real server cannot be made to do."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from connections.providers.base import ChangePage, EventDraft, EventGone, WrittenEvent


@dataclass
class MemoryCalendar:
    """Each planned fault is used up by one call: an error to raise, or something to do first.

    A fault in ``faults`` comes before the calendar is touched, one in ``lost_answers`` after it.
    """

    events: dict[str, EventDraft] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    faults: list[Exception | Callable[[], None]] = field(default_factory=list)
    lost_answers: list[Exception] = field(default_factory=list)

    def changes(self, calendar_id: str, **question) -> Iterator[ChangePage]:
        self._begin("changes")
        yield ChangePage(sync_token="token")

    def create_event(self, calendar_id: str, draft: EventDraft) -> WrittenEvent:
        """Like Google's: what is there already stays as it is."""
        self._begin("create")
        event_id = f"{calendar_id}{draft.uid}"
        self.events.setdefault(event_id, draft)
        return self._answer(event_id)

    def update_event(
        self, calendar_id: str, provider_event_id: str, draft: EventDraft
    ) -> WrittenEvent:
        self._begin("update")
        if provider_event_id not in self.events:
            raise EventGone("The event is no longer in the calendar.")
        self.events[provider_event_id] = draft
        return self._answer(provider_event_id)

    def delete_event(self, calendar_id: str, provider_event_id: str) -> None:
        self._begin("delete")
        self.events.pop(provider_event_id, None)
        self._answer(provider_event_id)

    def _begin(self, call: str) -> None:
        self.calls.append(call)
        if self.faults:
            fault = self.faults.pop(0)
            if isinstance(fault, Exception):
                raise fault
            fault()

    def _answer(self, event_id: str) -> WrittenEvent:
        if self.lost_answers:
            raise self.lost_answers.pop(0)
        return WrittenEvent(event_id)
