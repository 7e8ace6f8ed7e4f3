"""S4: how soon a change in a CalDAV calendar changes the slots, in the demo as it is started.

The worker polls every 60 seconds; each change is made at a random moment of that minute.
"""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import perf_counter, sleep

from tests.databases import empty_database
from tests.test_demo import Demo

POLL_SECONDS = 60


def run(changes: int = 6) -> dict:
    """Seconds from each change to the answer of the API that shows it."""
    random = Random(1)
    with TemporaryDirectory() as folder, empty_database("latency") as database:
        demo = Demo(Path(folder), database, poll_seconds=POLL_SECONDS)
        try:
            demo.until(demo.is_up, seconds=60)
            seconds = [_measure(demo, random.uniform(0, POLL_SECONDS)) for _ in range(changes)]
            refused = [_book_what_was_just_taken(demo) for _ in range(changes)]
        finally:
            demo.end()
    return {
        "poll interval, seconds": POLL_SECONDS,
        "changes": changes,
        "mean, seconds": sum(seconds) / changes,
        "worst, seconds": max(seconds),
        "bookings of time just taken, of which refused": [changes, sum(refused)],
    }


def _measure(demo: Demo, pause: float) -> float:
    day = _workday()
    is_free = bool(demo.starts(day))
    sleep(pause)
    began = perf_counter()
    (demo.take if is_free else demo.give_back)(day)
    demo.until(lambda: bool(demo.starts(day)) != is_free, seconds=120)
    return perf_counter() - began


def _book_what_was_just_taken(demo: Demo) -> bool:
    day = _workday()
    demo.until(lambda: demo.starts(day), seconds=120)
    start = demo.starts(day)[0]
    demo.take(day)
    status = demo.book(start).status_code
    demo.give_back(day)
    return status == 409


def _workday() -> date:
    day = datetime.now(UTC).date() + timedelta(days=14)
    return day + timedelta(days=(4 - day.weekday()) % 7)
