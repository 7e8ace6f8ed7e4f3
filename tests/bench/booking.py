"""What bookings cost beside bare INSERTs, sustained and under contention.

Sustained, every try books a slot, and with each booking its event and its mails become due; that is
held against a bare INSERT + COMMIT. Under contention one of ten tries succeeds, at slots in any
order or by everybody on the same day at once; there the limit (1) is 10 % bare INSERT + COMMIT and
90 % ``SELECT 1``: about what remains to be done. All contenders take turns in one run, driven by
``pgbench``. What sessions do once, planning and compiling, is over before it counts.
"""

import os
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from time import sleep

from django.db import connection

from bookings.booking_mails import BookingMail
from bookings.lifecycle import INSERT_WHERE_OFFERED
from bookings.models import Booking
from calsync.embedded_postgres import default_directory
from calsync.postgres_programs import find_programs
from connections.models import Consultant
from tests.factories import AvailabilityRuleFactory, ConnectionFactory, ConsultantFactory

CLIENTS, TRIES, ROUNDS = 100, 500, 3
WARM_UP = 20  # tries of each client that do not count: a new session plans its first queries
START = 1  # the advisory lock at which clients wait for each other before the tries that count
MAILS_OF_A_BOOKING = 3  # confirmation, notice to the consultant, reminder
SLOTS_PER_DAY, SLOTS = 20, CLIENTS * (TRIES - WARM_UP) // 10  # ten tries a slot
TRIES_PER_DAY = SLOTS_PER_DAY * 10 // CLIENTS  # of each client: ten tries a slot
NOW = datetime(2027, 1, 4, tzinfo=UTC)  # a Monday
FIRST_DAY = NOW + timedelta(days=1)

SELECT = "SELECT 1;"
BARE_INSERT = (
    "INSERT INTO bench_bookings (user_id, start_time, end_time)"
    " VALUES (gen_random_uuid(), now(), now());"
)
COUNT = f"""
\\set try :try + 1
\\if :try = {WARM_UP}
SELECT pg_advisory_xact_lock_shared({START});
\\endif
"""
NEXT_SLOT = f"""
\\set day :try / {SLOTS_PER_DAY}
\\set place :try % {SLOTS_PER_DAY}
"""
SOME_SLOT = f"""
\\set slot random(1, {SLOTS}) - 1 + CASE WHEN :try < {WARM_UP} THEN {SLOTS} ELSE 0 END
\\set day :slot / {SLOTS_PER_DAY}
\\set place :slot % {SLOTS_PER_DAY}
"""
SOME_SLOT_OF_THE_DAY = f"""
\\set day :try / {TRIES_PER_DAY}
\\set place random(1, {SLOTS_PER_DAY}) - 1
"""


@dataclass(frozen=True)
class Figures:
    """Of one run: tries per second, and how long single ones took, in seconds."""

    rate: float
    p99: float
    worst: float


def run() -> dict:
    contenders = {
        "limit": [(SELECT, 9), (BARE_INSERT, 1)],
        "bare insert": [(BARE_INSERT, 1)],
        "booking": [(_attempt(_busy_consultant(duration=30), step=30), 1)],
        "booking, overlapping": [(_attempt(_busy_consultant(duration=60), step=15), 1)],
        "booking, same day": [(_same_day(), 1)],
        "sustained": [(_sustained(), 1)],
    }
    _make_room_for_bare_inserts()
    _fill_the_past()
    _clean_up()
    figures = {name: [] for name in contenders}
    with TemporaryDirectory() as folder:
        for _ in range(ROUNDS):
            for name, scripts in contenders.items():
                figures[name].append(_pgbench(Path(folder), scripts))
                _require_no_overlap()
                _require_mails()
                _clean_up()
    limits = dict.fromkeys(contenders, figures["limit"]) | {"sustained": figures["bare insert"]}
    return {name: _summary(runs, limits[name]) for name, runs in figures.items()}


def _summary(runs: list[Figures], limit: list[Figures]) -> dict:
    return {
        "tries per second": median(run.rate for run in runs),
        "over the limit": median(run.rate / of.rate for run, of in zip(runs, limit, strict=True)),
        "p99 in seconds": median(run.p99 for run in runs),
        "p99 over the limit's": median(
            run.p99 / of.p99 for run, of in zip(runs, limit, strict=True)
        ),
        "worst wait in seconds": max(run.worst for run in runs),
    }


def _attempt(consultant: Consultant, *, step: int, slot: str = SOME_SLOT) -> str:
    """What ``book`` runs, asked for some slot on a grid of ``step`` minutes."""
    return slot + _statement(f"'{consultant.pk}'", step=step)


def _same_day() -> str:
    """All clients want the slots of one day, then those of the next."""
    return _attempt(_busy_consultant(duration=30), step=30, slot=SOME_SLOT_OF_THE_DAY)


def _sustained() -> str:
    """Every client books the slots of a consultant of its own, one after the other."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_consultants (client integer PRIMARY KEY, id uuid)")
        for client in range(CLIENTS):
            row = [client, _consultant(settings__slot_interval=30).pk]
            cursor.execute("INSERT INTO bench_consultants VALUES (%s, %s)", row)
    own = "(SELECT c.id FROM bench_consultants c WHERE c.client = :client_id)"
    return NEXT_SLOT + _statement(own, step=30)


def _statement(consultant: str, *, step: int) -> str:
    start = (
        f"timestamptz '{FIRST_DAY + timedelta(hours=9):%Y-%m-%d %H:%M}+00'"
        f" + make_interval(days => :day, mins => :place * {step})"
    )
    given = {
        "id": "gen_random_uuid()",
        "consultant": consultant,
        "meeting_type": "NULL",
        "starts_at": start,
        "duration": "NULL",
        "ignored": "NULL",
        "asked_at": f"'{NOW.isoformat()}'",
        "status": "'confirmed'",
        "title": "'Meeting'",
        "location": "''",
        "has_conference": "false",
        "name": "'Ivy Invitee'",
        "email": "'ivy@example.com'",
        "time_zone": "'UTC'",
        "notes": "''",
        "answers": "'{}'",
        "idempotency_key": "gen_random_uuid()",
        "fingerprint": "'x'",
        "manage_token_hash": "gen_random_uuid()",
    }
    return " ".join(INSERT_WHERE_OFFERED.split()) % given + ";"


def _pgbench(folder: Path, scripts: list[tuple[str, int]]) -> Figures:
    """Run the scripts, weighted, from all clients at once."""
    command = [_pgbench_program(), "--no-vacuum", "--protocol=prepared", "--log"]
    command += [f"--client={CLIENTS}", "--jobs=4", f"--transactions={TRIES}", "--define=try=-1"]
    for number, (script, weight) in enumerate(scripts):
        (folder / f"{number}.sql").write_text(COUNT + script)
        command.append(f"--file={folder}/{number}.sql@{weight}")
    command.append(connection.settings_dict["NAME"])
    with connection.cursor() as cursor, (folder / "output").open("w") as output:
        cursor.execute("SELECT pg_advisory_lock(%s)", [START])
        clients = subprocess.Popen(
            command, cwd=folder, env=os.environ | _where(), stdout=output, stderr=output
        )
        _wait_for(clients)
        cursor.execute("SELECT pg_advisory_unlock(%s)", [START])
        assert clients.wait() == 0, (folder / "output").read_text()
    return _figures(folder)


def _where() -> dict[str, str]:
    database = connection.settings_dict
    return {
        "PGHOST": database["HOST"] or database["OPTIONS"].get("host", ""),
        "PGPORT": str(database["PORT"] or 5432),
        "PGUSER": database["USER"],
        "PGPASSWORD": database["PASSWORD"],
        "PGOPTIONS": database["OPTIONS"].get("options", ""),
    }


def _wait_for(clients: subprocess.Popen) -> None:
    """Until all of them have warmed up and wait for the start."""
    waiting = 0
    while waiting < CLIENTS and clients.poll() is None:
        sleep(0.05)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            )
            [waiting] = cursor.fetchone()


def _figures(folder: Path) -> Figures:
    """From the log: client, number of the try, microseconds, script, end (seconds and µs)."""
    took, ended = [], []
    for log in folder.glob("pgbench_log.*"):
        for line in log.read_text().splitlines():
            _, number, microseconds, _, seconds, fraction, *_ = map(int, line.split())
            if number > WARM_UP + 1:  # they count from 1, and that one waited for the start
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


def _require_mails() -> None:
    """Every booking owes what it should."""
    booked = Booking.objects.filter(start_time__gte=NOW).count()
    owed = BookingMail.objects.filter(booking__start_time__gte=NOW).count()
    assert owed == booked * MAILS_OF_A_BOOKING, (booked, owed)


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
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM bookings WHERE start_time >= %s", [NOW])
        cursor.execute("VACUUM ANALYZE bookings, booking_mails, synced_events")


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
