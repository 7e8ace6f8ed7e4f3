"""``get_available_slots`` against ``SELECT 1`` on the same connection, with few and many events.

The contenders take turns, as prepared statements; a call ends when its whole answer has arrived.
They do so twice: one call upon the other, and with a pause in between, as requests come, so that
server and client have to be woken.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from statistics import median, quantiles
from time import perf_counter, sleep

import psycopg
from django.conf import settings

from connections.models import CalendarConnection, Consultant
from tests.factories import AvailabilityRuleFactory, ConnectionFactory, ConsultantFactory

ROUNDS, WARM_UP = 400, 20
PAUSE = 0.001  # seconds
OTHERS, CALENDARS, PER_CALENDAR = 66, 3, 5_000
HOURS = (("09:00", "12:30"), ("13:30", "17:30"))
QUESTION = "SELECT * FROM public.get_available_slots(date => %s, days => %s, consultant => %s)"
CONTENDERS = {"day": 1, "week": 7, "31 days": 31}

# Of each calendar three events a day, at working and other hours, from a week ago on.
FILL = """
INSERT INTO public.synced_events (connection_id, provider_event_id, title, start_time, end_time)
SELECT calendar, 'event ' || number, 'Busy', start,
       start + 15 * ceil(random() * 4) * interval '1 minute'
FROM unnest(%(calendars)s::uuid[]) AS calendar,
  generate_series(%(first)s::int, %(last)s::int) AS number,
  LATERAL (SELECT date_trunc('day', now()) + (number / 3 - 7) * interval '1 day'
    + (7 * 60 + 15 * floor(random() * 48)) * interval '1 minute') AS at (start)
ORDER BY calendar, start
"""


def run(sizes: tuple[int, ...] = (1_000, 100_000, 1_000_000)) -> dict:
    """Medians and 99th percentiles in microseconds, and as multiples of those of ``SELECT 1``."""
    ours, others = [consultant_to_ask()], [consultant_to_ask() for _ in range(OTHERS)]
    figures = {}
    with psycopg.connect(settings.DATABASE_URL, autocommit=True, prepare_threshold=0) as session:
        session.execute("SELECT setseed(0.5)")
        for before, size in pairwise((0, *sizes)):
            fill(session, ours, _share_of_ours(before), _share_of_ours(size))
            fill(session, others, _share_of_others(before), _share_of_others(size))
            session.execute("VACUUM ANALYZE")
            figures[f"{size:,} events"] = {
                "back to back": _measure(session, ours[0], pause=0),
                "at a request's pace": _measure(session, ours[0], pause=PAUSE),
            }
        leave_nothing(session, [*ours, *others])
    return figures


def consultant_to_ask() -> Consultant:
    """Works from Monday to Friday; half-hour slots on a grid of 15 minutes, 10 minutes apart."""
    consultant = ConsultantFactory(
        settings__time_zone="Europe/Berlin",
        settings__slot_interval=15,
        settings__buffer_after=10,
        settings__booking_window=365,
    )
    ConnectionFactory.create_batch(CALENDARS, user=consultant)
    for weekday in range(5):
        for opens, closes in HOURS:
            AvailabilityRuleFactory(
                user=consultant, day_of_week=weekday, start_time=opens, end_time=closes
            )
    return consultant


def _share_of_ours(size: int) -> int:
    """How many of so many events are in each calendar of the consultant who is asked about."""
    return min(PER_CALENDAR, size // CALENDARS)


def _share_of_others(size: int) -> int:
    return (size - CALENDARS * _share_of_ours(size)) // (OTHERS * CALENDARS)


def fill(session: psycopg.Connection, consultants: list[Consultant], before: int, now: int) -> None:
    calendars = CalendarConnection.objects.filter(user__in=consultants).values_list("pk", flat=True)
    session.execute(FILL, {"calendars": list(calendars), "first": before + 1, "last": now})


def leave_nothing(session: psycopg.Connection, consultants: list[Consultant]) -> None:
    """For the other measurements, which share the database."""
    session.execute("TRUNCATE public.synced_events")
    keys = [consultant.pk for consultant in consultants]
    session.execute("DELETE FROM calsync.consultants WHERE id = ANY(%s)", [keys])


def first_date() -> date:
    """A Monday in about a month, so that the day asked about is a working one."""
    in_a_month = datetime.now(UTC).date() + timedelta(days=28)
    return in_a_month + timedelta(days=-in_a_month.weekday() % 7)


def _measure(session: psycopg.Connection, consultant: Consultant, *, pause: float) -> dict:
    first = first_date()
    calls: dict[str, Callable[[], object]] = {
        "SELECT 1": lambda: session.execute("SELECT 1"),
        **{
            name: lambda days=days: session.execute(QUESTION, [first, days, consultant.pk])
            for name, days in CONTENDERS.items()
        },
    }
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(WARM_UP + ROUNDS):
        for name, call in calls.items():
            sleep(pause)
            began = perf_counter()
            call()
            times[name].append(perf_counter() - began)
    figures = {name: _figures(took[WARM_UP:]) for name, took in times.items()}
    limit = figures.pop("SELECT 1")
    for each in figures.values():
        each |= {f"{name} over SELECT 1": each[name] / limit[name] for name in limit}
    return {"SELECT 1": limit} | figures


def _figures(times: list[float]) -> dict[str, float]:
    microseconds = [1e6 * each for each in times]
    return {"p50": median(microseconds), "p99": quantiles(microseconds, n=100)[98]}
