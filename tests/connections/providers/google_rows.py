"""What a caller has stored after some rounds at Google, page by page as the engine applies them."""

from connections.providers.base import ChangePage, RemoteEvent, SyncTokenExpired, Window
from syncing.plan import plan_page
from tests.connections.providers.contract import BERLIN, WINDOW
from tests.connections.providers.google_far import GoogleCalendar


class Rows:
    """Events by id. ``operations`` are the rounds that were made, ``full`` or ``incremental``."""

    def __init__(self, far: GoogleCalendar, window: Window = WINDOW) -> None:
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

    def _round(self) -> None:
        operation = "incremental" if self.token else "full"
        rows = dict(self.events) if self.token else {}
        pages = self._far.adapter().changes(
            self._far.calendar_id, window=self._window, zone=BERLIN, sync_token=self.token
        )
        for page in pages:
            _apply(page, rows, self._window)
        self.events, self.token = rows, page.sync_token
        self.operations.append(operation)


def _apply(page: ChangePage, rows: dict[str, RemoteEvent], window: Window) -> None:
    plan = plan_page(page, window=window, with_titles=True)
    gone = [key for key, row in rows.items() if {key, row.series_id} & plan.removed]
    for key in gone:
        del rows[key]
    rows |= {event.provider_event_id: event for event in plan.events}
