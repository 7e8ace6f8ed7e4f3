"""Google: the first sync of 20,000 events, and a quiet and a small round after it.

The far end answers from memory, so that its own work counts for little. The limit (1) is to fetch
the same answers and read them as JSON. Memory is what Python allocates while a round is read, its
pages let go as the engine lets them go.
"""

import json
import tracemalloc
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from statistics import median
from time import perf_counter

from connections import adapters
from connections.models import CalendarConnection
from syncing.engine import sync_connection
from syncing.models import SyncedEvent
from tests.bench.google_far import EVENTS, NOW, Far, Walk, far_end
from tests.factories import ConnectionFactory

ROUNDS = 5


def run() -> dict:
    """Seconds (medians of ``ROUNDS``), ratios over the limit, and peak memory."""
    with far_end() as far:
        measured = {name: _measure(far, walk) for name, walk in far.walks.items()}
        measured["first"]["peak MB"] = _peak_megabytes(far)
        measured["first"]["into the database, seconds"] = _engine_seconds(far)
        return {"events": EVENTS, **measured}


def _measure(far: Far, walk: Walk) -> dict[str, float]:
    ours, limits = [], []
    for _ in range(ROUNDS):
        began = perf_counter()
        shown = sum(len(page.events) for page in far.pages(walk.sync_token))
        ours.append(perf_counter() - began)
        assert shown == walk.events
        limits.append(_limit(far, walk.paths))
    seconds, limit = median(ours), median(limits)
    return {"seconds": seconds, "limit, seconds": limit, "ratio": seconds / limit}


def _limit(far: Far, paths: list[str]) -> float:
    """The seconds it takes to fetch the same answers and do nothing with them."""
    address = far.url.removeprefix("http://")
    began = perf_counter()
    for path in paths:
        connection = HTTPConnection(address, timeout=10)
        connection.request("GET", path)
        json.loads(connection.getresponse().read())
        connection.close()
    return perf_counter() - began


def _peak_megabytes(far: Far) -> float:
    tracemalloc.start()
    try:
        for _ in far.pages():
            pass
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


def _engine_seconds(far: Far) -> float:
    """The whole of a first sync, rows, log and all."""
    adapters.ADAPTERS["google"] = lambda credentials: far.adapter()
    return median(_first_sync(far) for _ in range(ROUNDS))


def _first_sync(far: Far) -> float:
    connection = ConnectionFactory(
        provider="google",
        calendar_id=far.calendar_id,
        access_token=far.access_token,
        token_expires_at=datetime.now(UTC) + timedelta(days=1),
        synced_from=None,
        synced_until=None,
    )
    began = perf_counter()
    log = sync_connection(connection.pk, now=NOW, full=True)
    elapsed = perf_counter() - began
    assert log.status == "completed", log.error_message
    assert SyncedEvent.objects.filter(connection=connection).count() == EVENTS
    CalendarConnection.objects.filter(pk=connection.pk).delete()
    return elapsed
