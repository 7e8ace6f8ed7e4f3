"""The first sync of 5,000 and of 20,000 events at each provider: time, and memory.

The far end answers from memory, so that its own work counts for little. The limits (1) are to fetch
the same answers with a plain HTTP client, and to read them as JSON or XML as well. ``read`` is the
adapter alone, ``synced`` the whole of it, rows in the database included. Memory is what a process
that syncs once needs at its peak beyond what it had before.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from statistics import median
from time import perf_counter

from lxml import etree

from connections.models import CalendarConnection
from syncing.models import SyncedEvent
from tests.bench.first_sync_far import ADAPTERS, Served, served
from tests.connections.providers.caldav_servers import USERNAME
from tests.factories import ConnectionFactory

SIZES = (5_000, 20_000)  # both more than Google's largest page
ROUNDS = 5
PARSERS: dict[str, Callable[[bytes], object]] = {
    "google": json.loads,
    "microsoft": json.loads,
    "apple": etree.fromstring,
}


def run() -> dict:
    """Seconds (medians of ``ROUNDS``), ratios of reading, and megabytes."""
    return {provider: {size: _measured(provider, size) for size in SIZES} for provider in ADAPTERS}


def _measured(provider: str, events: int) -> dict[str, float]:
    with served(provider, events) as far:
        reading, fetching, parsing = _in_turn(far, events)
        seconds, megabytes = zip(*(_first_sync(far, events) for _ in range(3)), strict=True)
    return {
        "requests": len(far.asked),
        "fetched, seconds": fetching,
        "fetched and parsed, seconds": parsing,
        "read, seconds": reading,
        "read over fetched": reading / fetching,
        "read over fetched and parsed": reading / parsing,
        "synced, seconds": median(seconds),
        "peak, MB": median(megabytes),
    }


def _in_turn(far: Served, events: int) -> tuple[float, ...]:
    """Seconds to read the calendar, to fetch the answers, and to parse them too."""
    times = [
        (
            _seconds(lambda: _read(far, events)),
            _seconds(lambda: _fetch(far, len)),
            _seconds(lambda: _fetch(far, PARSERS[far.provider])),
        )
        for _ in range(ROUNDS)
    ]
    return tuple(median(column) for column in zip(*times, strict=True))


def _read(far: Served, events: int) -> None:
    assert sum(len(page.events) for page in far.pages()) == events


def _fetch(far: Served, use: Callable[[bytes], object]) -> None:
    address = far.url.removeprefix("http://")
    for request in far.requests():
        connection = HTTPConnection(address, timeout=60)
        connection.request(request.method, request.path, request.body)
        use(connection.getresponse().read())
        connection.close()


def _first_sync(far: Served, events: int) -> tuple[float, float]:
    """Seconds and megabytes of a first sync in a process of its own."""
    connection = _connection(far)
    command = [sys.executable, "-m", "tests.bench.first_sync_once", str(connection.pk)]
    said = {"provider": far.provider, "url": far.url, "secret": far.secret}
    done = subprocess.run(
        command, input=json.dumps(said), stdout=subprocess.PIPE, text=True, check=True
    )
    assert SyncedEvent.objects.filter(connection=connection).count() == events
    CalendarConnection.objects.filter(pk=connection.pk).delete()
    return tuple(json.loads(done.stdout))


def _connection(far: Served) -> CalendarConnection:
    return ConnectionFactory(
        provider=far.provider,
        provider_email=USERNAME,
        calendar_id=far.calendar_id,
        access_token=far.secret,
        token_expires_at=datetime.now(UTC) + timedelta(days=1),
        caldav_url=f"{far.url}/",
        synced_from=None,
        synced_until=None,
    )


def _seconds(work: Callable[[], object]) -> float:
    began = perf_counter()
    work()
    return perf_counter() - began
