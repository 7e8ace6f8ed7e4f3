"""Booking under contention: nobody double-booked, nobody kept waiting, close to what inserts cost.

The limit (1) is 10 % bare INSERT + COMMIT and 90 % ``SELECT 1``: about what remains to be done when
one of ten tries succeeds. All contenders take turns in one run, driven by ``pgbench``.
"""

import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import cycle
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from threading import Barrier
from time import perf_counter

from django.db import connection

from bookings.lifecycle import INSERT_WHERE_OFFERED, BookingRequest, book
from bookings.models import Booking
from calsync.embedded_postgres import default_directory
from calsync.postgres_programs import find_programs
from connections.models import Consultant
from tests.factories import (
    AvailabilityRuleFactory,
    ConnectionFactory,
    ConsultantFactory,
    MeetingTypeFactory,
)

REPETITIONS, INVITEES = 100, 100  # S1
CLIENTS, TRIES, ROUNDS = 100, 500, 3
WARM_UP = 20  # tries of each client that do not count: a new session plans its first queries
SLOTS_PER_DAY, SLOTS = 20, CLIENTS * TRIES // 10  # ten tries a slot
NOW = datetime(2027, 1, 4, tzinfo=UTC)  # a Monday
FIRST_DAY = NOW + timedelta(days=1)

SELECT = "SELECT 1;"
BARE_INSERT = (
    "INSERT INTO bench_bookings (user_id, start_time, end_time)"
    " VALUES (gen_random_uuid(), now(), now());"
)
SOME_SLOT = f"""
\\set slot random(1, {SLOTS}) - 1
\\set day :slot / {SLOTS_PER_DAY}
\\set place :slot % {SLOTS_PER_DAY}
"""


@dataclass(frozen=True)
class Figures:
    """Of one run: tries per second, and how long single ones took, in seconds."""

    rate: float
    p99: float
    worst: float


def run() -> dict:
    with TemporaryDirectory() as folder:
        return {
            "hundred at once": _hundred_at_once(),
            "contention": _contention(Path(folder)),
        }


# --- S1: the real code, from a hundred threads ---------------------------------------------------


def _hundred_at_once() -> dict:
    """Overlapping starts and lengths: how each try ended, and how long all of a hundred took."""
    outcomes, seconds = Counter(), []
    for _ in range(REPETITIONS):
        wishes = list(_overlapping_wishes())
        began = perf_counter()
        answers = _at_once(wishes)
        seconds.append(perf_counter() - began)
        outcomes.update(type(each).__name__ for each in answers)
        assert Booking.objects.count() == 1
        Booking.objects.all().delete()
    assert outcomes == {"Booking": REPETITIONS, "SlotTaken": REPETITIONS * (INVITEES - 1)}
    return {
        "repetitions": REPETITIONS,
        "booked": outcomes["Booking"],
        "refused": outcomes["SlotTaken"],
        "seconds for all, median": median(seconds),
        "seconds for all, worst": max(seconds),
    }


def _overlapping_wishes() -> Iterator[BookingRequest]:
    consultant = _consultant(settings__slot_interval=5)
    lengths = [(30, 0), (45, 15), (60, 30), (90, 5)]
    types = [
        MeetingTypeFactory(user=consultant, duration=duration, buffer_after=buffer)
        for duration, buffer in lengths
    ]
    starts = cycle(timedelta(hours=10, minutes=minutes) for minutes in (0, 5, 10, 15, 20))
    for _, meeting_type, start in zip(range(INVITEES), cycle(types), starts, strict=False):
        yield BookingRequest(
            consultant=consultant,
            meeting_type=meeting_type,
            starts_at=FIRST_DAY + start,
            name="Ivy Invitee",
            email="ivy@example.com",
            time_zone="UTC",
        )


def _at_once(wishes: list[BookingRequest]) -> list[Booking | BaseException]:
    gate = Barrier(len(wishes))

    def attempt(wish: BookingRequest) -> Booking:
        try:
            connection.ensure_connection()
            gate.wait()
            return book(wish, now=NOW)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(wishes)) as threads:
        attempts = [threads.submit(attempt, wish) for wish in wishes]
    return [each.exception() or each.result() for each in attempts]


# --- the statement, from a hundred connections ----------------------------------------------------


def _contention(folder: Path) -> dict:
    contenders = {
        "limit": [(SELECT, 9), (BARE_INSERT, 1)],
        "bare insert": [(BARE_INSERT, 1)],
        "booking": [(_attempt(_busy_consultant(duration=30), step=30), 1)],
        "booking, overlapping": [(_attempt(_busy_consultant(duration=60), step=15), 1)],
    }
    _make_room_for_bare_inserts()
    _fill_the_past()
    _clean_up()
    figures = {name: [] for name in contenders}
    for _ in range(ROUNDS):
        for name, scripts in contenders.items():
            figures[name].append(_pgbench(folder, scripts))
            _require_no_overlap()
            _clean_up()
    return {name: _summary(runs, figures["limit"]) for name, runs in figures.items()}


def _summary(runs: list[Figures], limit: list[Figures]) -> dict:
    return {
        "tries per second": median(run.rate for run in runs),
        "over the limit": median(run.rate / of.rate for run, of in zip(runs, limit, strict=True)),
        "p99 over the limit's": median(
            run.p99 / of.p99 for run, of in zip(runs, limit, strict=True)
        ),
        "worst wait in seconds": max(run.worst for run in runs),
    }


def _attempt(consultant: Consultant, *, step: int) -> str:
    """What ``book`` runs, asked for some slot on a grid of ``step`` minutes."""
    start = (
        f"timestamptz '{FIRST_DAY + timedelta(hours=9):%Y-%m-%d %H:%M}+00'"
        f" + make_interval(days => :day, mins => :place * {step})"
    )
    given = {
        "id": "gen_random_uuid()",
        "consultant": f"'{consultant.pk}'",
        "meeting_type": "NULL",
        "starts_at": start,
        "duration": "NULL",
        "asked_at": f"'{NOW.isoformat()}'",
        "title": "'Meeting'",
        "location": "''",
        "name": "'Ivy Invitee'",
        "email": "'ivy@example.com'",
        "time_zone": "'UTC'",
        "notes": "''",
        "answers": "'{}'",
        "idempotency_key": "gen_random_uuid()",
        "fingerprint": "'x'",
        "manage_token_hash": "gen_random_uuid()",
        "event_due_at": "now()",
    }
    statement = " ".join(INSERT_WHERE_OFFERED.split()) % given
    return f"{SOME_SLOT}{statement};"


def _pgbench(folder: Path, scripts: list[tuple[str, int]]) -> Figures:
    """Run the scripts, weighted, from all clients at once."""
    database = connection.settings_dict
    command = [_pgbench_program(), "--no-vacuum", "--protocol=prepared", "--log"]
    command += [f"--client={CLIENTS}", "--jobs=4", f"--transactions={TRIES}"]
    for number, (script, weight) in enumerate(scripts):
        (folder / f"{number}.sql").write_text(script)
        command.append(f"--file={folder}/{number}.sql@{weight}")
    where = {
        "PGHOST": database["HOST"] or database["OPTIONS"].get("host", ""),
        "PGPORT": str(database["PORT"] or 5432),
        "PGUSER": database["USER"],
        "PGPASSWORD": database["PASSWORD"],
        "PGOPTIONS": database["OPTIONS"].get("options", ""),
    }
    subprocess.run(
        [*command, database["NAME"]],
        cwd=folder,
        env=os.environ | where,
        check=True,
        capture_output=True,
    )
    return _figures(folder)


def _figures(folder: Path) -> Figures:
    """From the log: client, number of the try, microseconds, script, end (seconds and µs)."""
    took, ended = [], []
    for log in folder.glob("pgbench_log.*"):
        for line in log.read_text().splitlines():
            _, number, microseconds, _, seconds, fraction, *_ = map(int, line.split())
            if number >= WARM_UP:
                took.append(microseconds / 1e6)
                ended.append(seconds + fraction / 1e6)
        log.unlink()
    elapsed = max(ended) - min(end - each for end, each in zip(ended, took, strict=True))
    return Figures(len(took) / elapsed, quantiles(took, n=100)[98], max(took))


def _pgbench_program() -> Path:
    directory = default_directory()
    programs = find_programs(data=directory / "data", copies=directory)
    return programs.directory / "pgbench"


def _require_no_overlap() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM bookings a JOIN bookings b ON a.user_id = b.user_id "
            "AND a.id < b.id AND a.start_time < b.end_time AND b.start_time < a.end_time"
        )
        assert cursor.fetchone() == (0,)


def _make_room_for_bare_inserts() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_bookings (LIKE bookings INCLUDING DEFAULTS)")
        cursor.execute("ALTER TABLE bench_bookings ADD PRIMARY KEY (id)")


def _fill_the_past() -> None:
    """Years of earlier bookings of a hundred consultants, as the planner finds them in use."""
    owners = [ConsultantFactory().pk for _ in range(100)]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO bookings (user_id, start_time, end_time) "
            "SELECT owner, start, start + interval '30 minutes' FROM unnest(%s::uuid[]) AS owner, "
            "generate_series(%s, %s - interval '1 hour', interval '1 hour') AS start",
            [owners, NOW - timedelta(hours=200), NOW],
        )


def _clean_up() -> None:
    """Everybody starts from the same table."""
    Booking.objects.filter(start_time__gte=NOW).delete()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE bookings, synced_events")


def _consultant(**settings) -> Consultant:
    """Open from 9 to 19 every day, for two years."""
    consultant = ConsultantFactory(settings__booking_window=730, **settings)
    for day in range(7):
        AvailabilityRuleFactory(
            user=consultant, day_of_week=day, start_time=time(9), end_time=time(19)
        )
    return Consultant.objects.get(pk=consultant.pk)


def _busy_consultant(*, duration: int) -> Consultant:
    """With 15,000 events in the calendar, all at night."""
    consultant = _consultant(settings__duration=duration, settings__slot_interval=15)
    calendar = ConnectionFactory(user=consultant)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO synced_events (connection_id, provider_event_id, start_time, end_time) "
            "SELECT %s, n::text, night, night + interval '20 minutes' FROM (SELECT n, "
            "%s + make_interval(days => n / 20, mins => 20 * 60 + n %% 20 * 20) AS night "
            "FROM generate_series(1, 15000) AS n) AS nights",
            [calendar.pk, NOW],
        )
    return consultant
