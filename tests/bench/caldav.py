"""CalDAV rounds of 2,000 events on Radicale, against the bare transfer of the same requests."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median

from connections.providers.base import ChangePage
from connections.providers.session import Limits
from tests.connections.providers.caldav_servers import (
    USERNAME,
    CalDavCalendar,
    Device,
    calendar_on,
    run_radicale,
    vevent,
)
from tests.connections.providers.contract import HOUR, TEN
from tests.connections.providers.far_end import Proxy, Request, forward_to

EVENTS = 2000
CHANGED, ADDED, REMOVED = 20, 5, 5
FEW_TIMES, MANY_TIMES = 5, 25


def run() -> dict[str, float]:
    """Seconds (median) and ratios to the bare transfer of a first, an empty and a small round."""
    with tempfile.TemporaryDirectory() as folder, run_radicale(Path(folder)) as url:
        calendar = replace(calendar_on(Device(url), f"/{USERNAME}/"), limits=Limits())
        calendar.upload(*(vevent(f"Event {n}", TEN, TEN + HOUR) for n in range(EVENTS)))
        token = calendar.token()
        measured = _measure("first", calendar, CalDavCalendar.full_round, FEW_TIMES)
        measured |= _measure("no_op", calendar, lambda it: it.since(token), MANY_TIMES)
        _change_some(calendar)
        measured |= _measure("delta", calendar, lambda it: it.since(token), MANY_TIMES)
        return measured


def _measure(
    name: str,
    calendar: CalDavCalendar,
    read: Callable[[CalDavCalendar], list[ChangePage]],
    repetitions: int,
) -> dict[str, float]:
    requests = _requests_of(calendar, read)
    send = forward_to(calendar.device.url)
    ours, bare = [], []
    for _ in range(repetitions):
        ours.append(_seconds(lambda: read(calendar)))
        bare.append(_seconds(lambda: [send(request) for request in requests]))
    return {
        f"{name}_seconds": median(ours),
        f"{name}_bare_seconds": median(bare),
        f"{name}_ratio": median(ours) / median(bare),
        f"{name}_requests": len(requests),
    }


def _requests_of(
    calendar: CalDavCalendar, read: Callable[[CalDavCalendar], list[ChangePage]]
) -> list[Request]:
    with Proxy(calendar.device.url) as proxy:
        read(calendar.through(proxy))
        return proxy.requests


def _change_some(calendar: CalDavCalendar) -> None:
    series = sorted({event.series_id for page in calendar.full_round() for event in page.events})
    for path in series[:CHANGED]:
        calendar.change(path, "Changed", TEN, TEN + 2 * HOUR)
    for path in series[-REMOVED:]:
        calendar.remove(path)
    for number in range(ADDED):
        calendar.add(f"Added {number}", TEN, TEN + HOUR)


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
