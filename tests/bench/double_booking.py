"""S1: a hundred at once want overlapping times, and one of them gets theirs.

They come through the API as it is deployed (gunicorn with several workers), as plain INSERTs of the
website's server (service role), and half and half. Every repetition has a consultant of its own,
four meeting types of different length and buffers, and five starts that all overlap.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from http.client import HTTPConnection
from itertools import cycle, islice
from statistics import median
from threading import Barrier
from time import perf_counter, sleep

import psycopg
from django.conf import settings
from django.db import connection

from bookings.models import Booking
from tests.factories import AvailabilityRuleFactory, ConsultantFactory, MeetingTypeFactory
from tests.web_server import web_server

REPETITIONS, INVITEES = 100, 100
WORKERS = 4
LENGTHS = [(30, 0), (45, 15), (60, 30), (90, 5)]  # minutes, and of them kept free afterwards
TEN = datetime.combine((datetime.now(UTC) + timedelta(days=7)).date(), time(10), UTC)
STARTS = [TEN + timedelta(minutes=minutes) for minutes in (0, 5, 10, 15, 20)]
BOOKED, REFUSED = "booked", "refused"
INSERT = """
INSERT INTO public.bookings (user_id, meeting_type_id, start_time, end_time, invitee_email)
VALUES (%(user)s, %(id)s, %(start)s, %(end)s, %(email)s)
"""
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
STATISTICS_ARRIVE = 2  # seconds
HEADERS = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Wish:
    consultant: str
    meeting_type: str  # its id
    slug: str
    start: datetime
    minutes: int
    email: str


Attempt = Callable[[Wish], str]


def run() -> dict:
    before = _deadlocks()
    unlimited = dict.fromkeys(("BOOKINGS_PER_ADDRESS", "BOOKINGS_PER_EMAIL"), "1000000/hour")
    with web_server(workers=WORKERS, **unlimited) as port, ExitStack() as stack:
        by_api = [_through_api(port)] * INVITEES
        by_sql = [_through_sql(stack) for _ in range(INVITEES)]
        half = INVITEES // 2
        results = {
            "API": _repeat(by_api),
            "INSERT": _repeat(by_sql),
            "half and half": _repeat(by_api[:half] + by_sql[:half]),
        }
    return results | {"deadlocks": _deadlocks() - before}


def _repeat(attempts: list[Attempt]) -> dict:
    """How all of them ended, and how long a hundred took."""
    outcomes, seconds = Counter(), []
    with ThreadPoolExecutor(INVITEES) as threads:
        for _ in range(REPETITIONS):
            wishes = list(islice(_wishes(), INVITEES))
            began = perf_counter()
            outcomes.update(_at_once(threads, attempts, wishes))
            seconds.append(perf_counter() - began)
            assert Booking.objects.count() == 1
            Booking.objects.all().delete()
    assert outcomes == {BOOKED: REPETITIONS, REFUSED: REPETITIONS * (INVITEES - 1)}, outcomes
    return {
        "repetitions": REPETITIONS,
        **outcomes,
        "seconds for all, median": median(seconds),
        "seconds for all, worst": max(seconds),
    }


def _at_once(threads: ThreadPoolExecutor, attempts: list[Attempt], wishes: list[Wish]) -> list[str]:
    gate = Barrier(len(wishes))

    def attempt(how: Attempt, wish: Wish) -> str:
        gate.wait()
        return how(wish)

    return list(threads.map(attempt, attempts, wishes))


def _wishes() -> Iterator[Wish]:
    consultant = ConsultantFactory(settings__slot_interval=5, settings__minimum_notice=0)
    for day in range(7):
        AvailabilityRuleFactory(user=consultant, day_of_week=day)
    types = [
        MeetingTypeFactory(user=consultant, duration=minutes, buffer_after=buffer)
        for minutes, buffer in LENGTHS
    ]
    for number, (meeting, start) in enumerate(zip(cycle(types), cycle(STARTS), strict=False)):
        yield Wish(
            consultant=str(consultant.pk),
            meeting_type=str(meeting.pk),
            slug=meeting.slug,
            start=start,
            minutes=meeting.duration,
            email=f"invitee{number}@example.com",
        )


def _through_api(port: int) -> Attempt:
    def attempt(wish: Wish) -> str:
        body = {
            "consultant": wish.consultant,
            "meeting_type": wish.slug,
            "start": wish.start.isoformat(),
            "name": "Ivy Invitee",
            "email": wish.email,
            "timezone": "UTC",
        }
        website = HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            website.request("POST", "/api/v1/bookings/", json.dumps(body), HEADERS)
            response = website.getresponse()
            answer = json.loads(response.read())
        finally:
            website.close()
        expected = {(201, None): BOOKED, (409, "slot_taken"): REFUSED}
        seen = response.status, answer.get("code")
        return expected.get(seen, str(seen))

    return attempt


def _through_sql(stack: ExitStack) -> Attempt:
    session = stack.enter_context(psycopg.connect(settings.DATABASE_URL, autocommit=True))
    session.execute("SET ROLE service_role")

    def attempt(wish: Wish) -> str:
        row = {
            "user": wish.consultant,
            "id": wish.meeting_type,
            "start": wish.start,
            "end": wish.start + timedelta(minutes=wish.minutes),
            "email": wish.email,
        }
        try:
            session.execute(INSERT, row)
        except psycopg.errors.ExclusionViolation:
            return REFUSED
        return BOOKED

    return attempt


def _deadlocks() -> int:
    sleep(STATISTICS_ARRIVE)
    with connection.cursor() as cursor:
        cursor.execute(DEADLOCKS)
        [count] = cursor.fetchone()
    return count
