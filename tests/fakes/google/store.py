"""One calendar and all that was ever in it, in the words of its owner.

Kept are single events, recurring events, and those of their instances that were changed by
themselves ("overrides"). Every change has a number; what is newer than a number has changed since.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from threading import RLock

from tests.fakes.google.recurrence import instances_of, write_time

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
TOLD_INSTANCES = 26  # of a deleted series, however long it was


class Calendar:
    """``tick`` numbers the changes; ``on_change`` follows each; the lock is the server's."""

    def __init__(
        self,
        calendar_id: str,
        summary: str,
        *,
        time_zone: str,
        lock: RLock,
        tick: Callable[[], int],
        on_change: Callable[["Calendar"], None],
    ) -> None:
        self.id, self.summary, self.time_zone = calendar_id, summary, time_zone
        self.has_push = True
        self.has_conferences = True
        self.resources: dict[str, dict] = {}
        self.numbers: dict[str, int] = {}
        self._lock, self._tick, self._on_change = lock, tick, on_change
        self._expanded: dict[str, tuple[str, list[dict]]] = {}

    # --- what the owner does -------------------------------------------------------------------

    def add(self, title: str, start: datetime | date, end: datetime | date, **fields) -> str:
        """A new event; fields as the API has them. ``recurrence`` makes it a series."""
        times = {"start": self.when(start), "end": self.when(end)}
        return self.store({"summary": title, **times, **fields})["id"]

    def change(
        self,
        event_id: str,
        title: str | None = None,
        start: datetime | date | None = None,
        end: datetime | date | None = None,
        **fields,
    ) -> None:
        """Change an event, a whole series, or the one instance whose id it is. None takes away."""
        changes = {"summary": title, "start": start, "end": end}
        given = {name: value for name, value in changes.items() if value is not None}
        for name in given.keys() & {"start", "end"}:
            given[name] = self.when(given[name])
        kept = {k: v for k, v in (self.get(event_id) | given | fields).items() if v is not None}
        self.store(kept)

    def remove(self, event_id: str) -> None:
        self.store(self.get(event_id) | {"status": "cancelled"})

    def purge(self, event_id: str) -> None:
        """Empty the bin: nothing is known of the event any more."""
        with self._lock:
            del self.resources[event_id], self.numbers[event_id]

    def when(self, moment: datetime | date) -> dict:
        return write_time(moment, self.time_zone)

    # --- what it shows -------------------------------------------------------------------------

    def get(self, event_id: str) -> dict | None:
        """An event by its id, deleted or not."""
        if event_id in self.resources:
            return self.resources[event_id]
        master = self.resources.get(event_id.rpartition("_")[0])
        return next((one for one in self.instances(master) if one["id"] == event_id), None)

    def live(self) -> list[dict]:
        """All there is to see, series as instances."""
        return [
            item
            for resource in self.resources.values()
            if resource["status"] != "cancelled" and not self._is_in_a_series(resource)
            for item in self._shown(resource)
        ]

    def instances(self, master: dict | None) -> list[dict]:
        """Of a live series, overrides in their place, deleted ones included."""
        if not is_series(master) or master["status"] == "cancelled":
            return []
        known_as, plain = self._expanded.get(master["id"], ("", []))
        if known_as != master["etag"]:
            common = {name: value for name, value in master.items() if name != "recurrence"}
            plain = [common | own for own in instances_of(master)]
            self._expanded[master["id"]] = master["etag"], plain
        return [self.resources.get(item["id"], item) for item in plain]

    def changed_since(self, number: int, *, deleted_series_show: str) -> list[dict]:
        """What an incremental list tells. Instances that are no more it does not mention."""
        told: dict[str, dict] = {}
        for event_id, changed in self.numbers.items():
            if changed > number:
                resource = self.resources[event_id]
                told |= {
                    item["id"]: item for item in self._told(resource, show=deleted_series_show)
                }
        return list(told.values())

    # --- how it is kept ------------------------------------------------------------------------

    def store(self, resource: dict) -> dict:
        """Keep a new state of an event, and tell whoever watches."""
        with self._lock:
            kept = self._kept(resource)
        self._on_change(self)
        return kept

    def _kept(self, resource: dict) -> dict:
        number = self._tick()
        event_id = resource.get("id") or f"e{number:08d}"
        before = self.resources.get(event_id)
        kept = {
            "kind": "calendar#event",
            "status": "confirmed",
            "eventType": "default",
            "iCalUID": f"{event_id}@google.com",
            "created": _stamp(number),
            "organizer": {"email": self.id, "self": True},
            **resource,
            "id": event_id,
            "etag": f'"{number:016d}"',
            "updated": _stamp(number),
            "sequence": _next_sequence(before, resource),
        }
        self.resources[event_id], self.numbers[event_id] = kept, number
        if is_series(before):
            self._drop_overrides_without_instance(kept)
        return kept

    def _drop_overrides_without_instance(self, master: dict) -> None:
        overrides = [key for key, one in self.resources.items() if self._master_of(one) is master]
        if overrides:
            kept = {item["id"] for item in self.instances(master)}
            for event_id in set(overrides) - kept:
                self.purge(event_id)

    def _is_in_a_series(self, resource: dict) -> bool:
        """Whether it is an instance of a series that is here too, and not given up."""
        return bool(self.instances(self._master_of(resource)))

    def _master_of(self, resource: dict) -> dict | None:
        return self.resources.get(resource.get("recurringEventId", ""))

    def _shown(self, resource: dict) -> list[dict]:
        if not is_series(resource):
            return [resource]
        return [item for item in self.instances(resource) if item["status"] != "cancelled"]

    def _told(self, resource: dict, *, show: str) -> Iterator[dict]:
        if resource["status"] != "cancelled":
            yield from self._shown(resource)
        elif not is_series(resource) or show == "master":
            yield skeleton(resource)
        else:
            yield from _some_instances(resource, has_series=show == "instances")


def is_series(resource: dict | None) -> bool:
    return bool(resource and resource.get("recurrence"))


def skeleton(resource: dict) -> dict:
    """What is guaranteed of a deleted event, and of a deleted instance."""
    names = ("id", "status", "recurringEventId", "originalStartTime")
    return {name: resource[name] for name in names if name in resource}


def _some_instances(master: dict, *, has_series: bool) -> Iterator[dict]:
    for own in islice(instances_of(master), TOLD_INSTANCES):
        told = skeleton({**own, "status": "cancelled"})
        yield told if has_series else {name: told[name] for name in ("id", "status")}


def _next_sequence(before: dict | None, resource: dict) -> int:
    """Counts the changes of time."""
    given = resource.get("sequence", 0)
    if before is None:
        return given
    has_moved = any(before.get(name) != resource.get(name) for name in ("start", "end"))
    return max(before["sequence"], given) + has_moved


def _stamp(number: int) -> str:
    return f"{EPOCH + timedelta(seconds=number):%Y-%m-%dT%H:%M:%S.000Z}"
