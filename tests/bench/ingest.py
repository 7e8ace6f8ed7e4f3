"""Ingest: 20,000 events from an adapter's pages into ``synced_events``, against a raw COPY.

The limit (1) is COPY of ready-made bytes of the same rows into the same indexed table, which holds
200,000 rows of other calendars. Times include planning, spooling and the log of the run.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from statistics import median
from time import perf_counter
from uuid import uuid4

from django.db import connection as database

from connections import adapters
from connections.models import CalendarConnection
from connections.providers.base import ChangePage, RemoteEvent
from syncing.engine import sync_connection
from syncing.models import SyncedEvent
from tests.factories import ConnectionFactory

EVENTS, OTHERS, PAGE, ROUNDS = 20_000, 200_000, 500, 5
NOW = datetime(2027, 1, 10, 12, tzinfo=UTC)
COLUMNS = (
    "connection_id, provider_event_id, series_id, title, start_time, end_time, raw_data, "
    "is_ohboy_booking"
)


def run() -> dict:
    """Seconds and ratios over raw COPY, medians of ``ROUNDS`` rounds in turn."""
    _fill_with_others()
    events = [_event(number) for number in range(EVENTS)]
    times: dict[str, list[float]] = {"copy": [], "first": [], "unchanged": [], "ten changes": []}
    for _ in range(ROUNDS):
        times["copy"].append(_raw_copy(events))
        _our_way(events, times)
    seconds = {name: median(values) for name, values in times.items()}
    ratios = {name: value / seconds["copy"] for name, value in seconds.items()}
    return {"events": EVENTS, "seconds": seconds, "ratio": ratios}


def _event(number: int) -> RemoteEvent:
    start = NOW + timedelta(minutes=25 * number)
    return RemoteEvent(
        provider_event_id=f"/calendars/anna/work/{number:08x}-4c1d.ics",
        series_id=f"/calendars/anna/work/{number:08x}-4c1d.ics",
        title=f"Meeting number {number} with somebody",
        start=start,
        end=start + timedelta(minutes=30),
        uid=f"{number:08x}-4c1d",
        version=f'"{number:032x}"',
        updated_at=NOW,
    )


def _fill_with_others() -> None:
    other = ConnectionFactory()
    with database.cursor() as cursor:
        cursor.execute(
            "INSERT INTO synced_events "
            "(connection_id, provider_event_id, title, start_time, end_time) "
            "SELECT %s, 'other-' || n, 'Other', now() + n * interval '7 minutes', "
            "now() + n * interval '7 minutes' + interval '1 hour' FROM generate_series(1, %s) n",
            [other.pk, OTHERS],
        )
        cursor.execute("VACUUM ANALYZE synced_events")


def _raw_copy(events: list[RemoteEvent]) -> float:
    connection = ConnectionFactory()
    lines = "".join(
        f"{connection.pk}\t{event.provider_event_id}\t{event.series_id}\t{event.title}\t"
        f"{event.start.isoformat()}\t{event.end.isoformat()}\t"
        f'{{"uid": "{event.uid}", "sequence": 0}}\tf\n'
        for event in events
    ).encode()
    began = perf_counter()
    with (
        database.cursor() as cursor,
        cursor.copy(f"COPY synced_events ({COLUMNS}) FROM STDIN") as copy,
    ):
        copy.write(lines)
    elapsed = perf_counter() - began
    _forget(connection)
    return elapsed


def _our_way(events: list[RemoteEvent], times: dict[str, list[float]]) -> None:
    connection = ConnectionFactory(synced_from=None, synced_until=None)
    changed = [replace(event, title="Changed") for event in events[:10]]
    times["first"].append(_sync(connection, events, full=True))
    times["unchanged"].append(_sync(connection, events, full=True))
    times["ten changes"].append(_sync(connection, changed, full=False))
    assert SyncedEvent.objects.filter(connection=connection, title="Changed").count() == 10
    assert SyncedEvent.objects.filter(connection=connection).count() == len(events)
    _forget(connection)


def _sync(connection: CalendarConnection, events: list[RemoteEvent], *, full: bool) -> float:
    class Pages:
        def changes(self, calendar_id, **question):
            for first in range(0, len(events), PAGE):
                page = events[first : first + PAGE]
                last = first + PAGE >= len(events)
                yield ChangePage(events=page, sync_token=str(uuid4()) if last else "")

    adapters.ADAPTERS["apple"] = lambda credentials: Pages()
    began = perf_counter()
    log = sync_connection(connection.pk, now=NOW, full=full)
    elapsed = perf_counter() - began
    assert (log.status, log.operation == "full_sync") == ("completed", full), log.error_message
    return elapsed


def _forget(connection: CalendarConnection) -> None:
    CalendarConnection.objects.filter(pk=connection.pk).delete()
    with database.cursor() as cursor:
        cursor.execute("VACUUM synced_events")
