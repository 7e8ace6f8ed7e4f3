"""Free time against two independent oracles, over all zones and every kind of change of the clocks.

Both oracles must agree with the SQL core, start by start (S9). One calendar in a hundred is also
asked about minute by minute: each is either offered, or refused with a reason (S11).
"""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from multiprocessing import get_context
from random import Random

from tests.availability.calendars import Calendar
from tests.availability.interval_oracle import starts_by_intervals
from tests.availability.minute_oracle import starts_minute_by_minute
from tests.availability.random_calendars import calendar_at_random
from tests.availability.storing import agreeing, every_minute_by_sql, starts_by_sql

BATCH = 1_000
STRETCH = timedelta(hours=4)
Offered = list[list[datetime]]


def run(cases: int = 100_000) -> dict:
    """How many calendars were compared, and how many were not the same to all."""
    figures = dict.fromkeys(
        ("cases", "with slots", "slots", "zones", "mismatches", "minutes", "contradictions"), 0
    )
    zones = set()
    # The oracles need no database; their workers are fresh interpreters and have none.
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        for seed in range(-(-cases // BATCH)):
            made = _calendars(seed, min(BATCH, cases - seed * BATCH))
            zones |= {calendar.zone for calendar in made}
            for name, count in _compare(made, pool).items():
                figures[name] += count
    return figures | {"zones": len(zones)}


def _calendars(seed: int, count: int) -> list[Calendar]:
    random = Random(f"calendars {seed}")
    return agreeing([calendar_at_random(random) for _ in range(count)])


def _compare(made: list[Calendar], pool: ProcessPoolExecutor) -> dict[str, int]:
    def ask(oracle: Callable[[Calendar], list[datetime]]):
        return pool.map(oracle, made, chunksize=50)

    answers = ask(starts_by_intervals), ask(starts_minute_by_minute)  # meanwhile, the database:
    offered = starts_by_sql(made)
    alike = zip(offered, *answers, strict=True)
    asked = [_ask_every_minute(calendar) for calendar in made[::100]]
    return {
        "cases": len(made),
        "with slots": sum(map(bool, offered)),
        "slots": sum(map(len, offered)),
        "mismatches": sum(not one == another == third for one, another, third in alike),
        "minutes": sum(minutes for minutes, _ in asked),
        "contradictions": sum(wrong for _, wrong in asked),
    }


def _ask_every_minute(calendar: Calendar) -> tuple[int, int]:
    """How many minutes were asked about, and how many were not either offered or explained."""
    calendar = replace(calendar, ignored_booking=None)
    offered = starts_by_intervals(calendar)
    if not offered:
        return 0, 0
    answers = every_minute_by_sql(calendar, offered[0], min(offered[-1], offered[0] + STRETCH))
    expected = {start for start in offered if start <= answers[-1][0]}
    wrong = [
        minute
        for minute, is_offered, is_refused in answers
        if is_offered == is_refused or is_offered != (minute in expected)
    ]
    return len(answers), len(wrong)
