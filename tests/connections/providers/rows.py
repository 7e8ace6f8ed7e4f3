"""What a caller of an adapter has stored after some rounds, as the engine applies pages."""

from connections.providers.base import ChangePage, RemoteEvent, SyncTokenExpired, Window
from syncing.plan import plan_page
from tests.connections.providers.contract import BERLIN, WINDOW, Far


class Rows:
    """The rows of one calendar, by id; ``operations`` says what each sync was."""

    def __init__(self, far: Far, window: Window = WINDOW) -> None:
        self._far, self._window = far, window
        self.events: dict[str, RemoteEvent] = {}
        self.token = ""
        self.operations: list[str] = []

    def sync(self) -> dict[str, RemoteEvent]:
        try:
            self._round()
        except SyncTokenExpired:
            self.token = ""
            self._round()
        return self.events

    def titles(self) -> list[str]:
        return sorted(event.title for event in self.events.values())

    def _round(self) -> None:
        operation = "incremental" if self.token else "full"
        rows = dict(self.events) if self.token else {}
        pages = self._far.adapter().changes(
            self._far.calendar_id, window=self._window, zone=BERLIN, sync_token=self.token
        )
        kept: set[str] = set()
        for page in pages:
            _apply(page, rows, self._window)
            kept |= page.kept
        if operation == "full":
            rows = _named(kept, self.events) | rows
        self.events, self.token = rows, page.sync_token
        self.operations.append(operation)


def _named(ids: set[str], rows: dict[str, RemoteEvent]) -> dict[str, RemoteEvent]:
    return {key: row for key, row in rows.items() if {key, row.series_id} & ids}


def _apply(page: ChangePage, rows: dict[str, RemoteEvent], window: Window) -> None:
    plan = plan_page(page, window=window, with_titles=True)
    gone = [key for key, row in rows.items() if {key, row.series_id} & plan.removed]
    for key in gone:
        del rows[key]
    rows |= {event.provider_event_id: event for event in plan.events}
