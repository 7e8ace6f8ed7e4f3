"""One calendar and all that was ever in it, in the words of its owner.

Kept are single events and series. A series has the changed ones among its occurrences
("exceptions"), and forgets the deleted ones. Every change has a number; deletions are remembered.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from threading import RLock
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
HORIZON = datetime(2030, 1, 1, tzinfo=UTC)  # endless series are expanded until then
RULE, EXCEPTIONS, DELETED = "_rule", "_exceptions", "_deleted"  # what nobody is shown
OF_A_SERIES_ALONE = {RULE, EXCEPTIONS, DELETED, "transactionId"}


class Calendar:
    """``tick`` numbers the changes; ``on_change`` follows each; the lock is the server's."""

    def __init__(
        self,
        account,
        calendar_id: str,
        name: str,
        *,
        lock: RLock,
        tick: Callable[[], int],
        on_change: Callable[["Calendar", str, str], None],
    ) -> None:
        self.account, self.id, self.name = account, calendar_id, name
        self.is_default, self.can_edit = False, True
        self.events: dict[str, dict] = {}
        self.trash: dict[str, dict] = {}
        self.numbers: dict[str, int] = {}  # of the last change, deletions included
        self._lock, self._tick, self._on_change = lock, tick, on_change
        self._expanded: dict[str, tuple[str, list[dict]]] = {}

    # --- what the owner does -------------------------------------------------------------------

    def add(self, title: str, start: datetime | date, end: datetime | date, **fields) -> str:
        """A new event; fields as Graph has them. ``repeats`` ("FREQ=WEEKLY") makes it a series."""
        return self.store(self._given(title, start, end) | _read(fields))["id"]

    def change(
        self,
        event_id: str,
        title: str | None = None,
        start: datetime | date | None = None,
        end: datetime | date | None = None,
        **fields,
    ) -> None:
        """Change an event, a whole series, or the one occurrence whose id it is."""
        changes = self._given(title, start, end) | _read(fields)
        self.store(self.get(event_id) | changes)

    def remove(self, event_id: str) -> None:
        """Delete an event, a whole series, or one occurrence: of that nothing is left."""
        with self._lock:
            if event_id in self.events:
                self.trash[event_id] = self.events.pop(event_id)
                self.numbers[event_id] = self._tick()
            else:
                master = self._master_of(event_id)
                master[DELETED].add(event_id)
                master[EXCEPTIONS].pop(event_id, None)
                self._touch(master)
        self._on_change(self, event_id, "deleted")

    def hand_over(self, event_id: str, target: "Calendar") -> None:
        with self._lock:
            event = self.events.pop(event_id)
            self.numbers[event_id] = self._tick()
        target.store(event)

    # --- what it shows -------------------------------------------------------------------------

    def get(self, event_id: str) -> dict | None:
        """An event, a series, or one occurrence, by its id."""
        if event_id in self.events:
            return self.events[event_id]
        master = self._master_of(event_id)
        return next((one for one in self.occurrences(master) if one["id"] == event_id), None)

    def occurrences(self, master: dict | None) -> list[dict]:
        """Of a series, in full, exceptions in their place."""
        if master is None or RULE not in master:
            return []
        known_as, items = self._expanded.get(master["id"], ("", []))
        if known_as != master["@odata.etag"]:
            items = [
                master[EXCEPTIONS].get(one["id"], one)
                for one in self._plain_occurrences(master)
                if one["id"] not in master[DELETED]
            ]
            self._expanded[master["id"]] = master["@odata.etag"], items
        return items

    def expanded(self) -> list[dict]:
        """All there is to see, series as occurrences."""
        return [
            item
            for event in self.events.values()
            for item in (self.occurrences(event) if RULE in event else [event])
        ]

    def resource(self) -> dict:
        return {
            "id": self.id,
            "name": self.name,
            "canEdit": self.can_edit,
            "isDefaultCalendar": self.is_default,
            "owner": {"name": self.account.name, "address": self.account.email},
        }

    # --- how it is kept ------------------------------------------------------------------------

    def store(self, event: dict) -> dict:
        """Keep a new state of an event, and tell whoever watches."""
        with self._lock:
            is_new = event.get("id") not in self.numbers
            kept = self._keep_occurrence(event) if "seriesMasterId" in event else self._keep(event)
        self._on_change(self, kept["id"], "created" if is_new else "updated")
        return kept

    def _keep(self, event: dict) -> dict:
        number = self._tick()
        event_id = event.get("id") or f"AAk{number:06d}/+=="
        kept = {
            "iCalUId": f"040000008200E00074C5B7101A82E008{number:08d}",
            "isAllDay": False,
            "isCancelled": False,
            "showAs": "busy",
            "sensitivity": "normal",
            "responseStatus": {"response": "organizer", "time": "0001-01-01T00:00:00Z"},
            "location": {"displayName": ""},
            "body": {"contentType": "text", "content": ""},
            "originalStartTimeZone": self.account.time_zone,
            **event,
            "id": event_id,
            "type": "seriesMaster" if event.get(RULE) else "singleInstance",
        }
        if not event.get(RULE):
            kept = {name: value for name, value in kept.items() if name not in (RULE, EXCEPTIONS)}
        else:
            kept[EXCEPTIONS], kept[DELETED] = {}, set()
        self.events[event_id] = kept
        return self._touch(kept, number)

    def _keep_occurrence(self, event: dict) -> dict:
        master = self.events[event["seriesMasterId"]]
        self._touch(master)
        exception = {**event, "type": "exception", "@odata.etag": master["@odata.etag"]}
        master[EXCEPTIONS][event["id"]] = exception
        return exception

    def _touch(self, event: dict, number: int | None = None) -> dict:
        number = number or self._tick()
        event["@odata.etag"] = f'W/"{number:08d}"'
        event["lastModifiedDateTime"] = f"{EPOCH + timedelta(seconds=number):%Y-%m-%dT%H:%M:%SZ}"
        self.numbers[event["id"]] = number
        return event

    def _master_of(self, event_id: str) -> dict | None:
        return self.events.get(event_id.partition("|")[0])

    def _plain_occurrences(self, master: dict) -> Iterator[dict]:
        common = {name: value for name, value in master.items() if name not in OF_A_SERIES_ALONE}
        length = read_time(master["end"]) - read_time(master["start"])
        zone = UTC if master["isAllDay"] else ZoneInfo(self.account.time_zone)
        first = read_time(master["start"]).astimezone(zone)
        for moment in rrulestr(master[RULE], dtstart=first):
            if moment >= HORIZON:
                return
            start = moment.astimezone(UTC)
            yield common | {
                "id": f"{master['id']}|{start:%Y%m%d%H%M}",
                "type": "occurrence",
                "seriesMasterId": master["id"],
                "start": write_time(start),
                "end": write_time(start + length),
            }

    def _given(
        self, title: str | None, start: datetime | date | None, end: datetime | date | None
    ) -> dict:
        given: dict = {} if title is None else {"subject": title}
        if start is not None:
            given["isAllDay"] = not isinstance(start, datetime)
        for name, value in (("start", start), ("end", end)):
            if value is not None:
                given[name] = write_time(value)
        return given


def write_time(value: datetime | date) -> dict:
    """Seven digits and no offset, as Graph has it. All-day events begin at a midnight."""
    if not isinstance(value, datetime):
        value = datetime.combine(value, time.min, UTC)
    text = f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.0000000"
    return {"dateTime": text, "timeZone": "UTC"}


def read_time(value: dict) -> datetime:
    return datetime.fromisoformat(value["dateTime"]).replace(tzinfo=ZoneInfo(value["timeZone"]))


def _read(fields: dict) -> dict:
    """``repeats`` under the name it is kept by; None ends a series."""
    kept = {name: value for name, value in fields.items() if name != "repeats"}
    return kept | ({RULE: fields["repeats"]} if "repeats" in fields else {})
