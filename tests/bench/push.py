"""S3: how soon a change at Google or Microsoft changes the slots, told by push and not told at all.

S12 and S13 in the end: whether all calendars are followed, and how far our busy time is from the
providers' own word on it then.

Web and worker run as deployed, each in processes of their own, the fake providers in this one: they
call the webhook over HTTP for each change. Times go from the change to the first answer of
``get_available_slots`` that shows it. Where the notification gets lost, a poll has to find it.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from random import Random
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from time import perf_counter, sleep
from types import SimpleNamespace

import requests
from django.conf import settings
from django.core.management import call_command
from django.db import connection as database

from calsync.processes import Process, web, worker
from connections.models import CalendarConnection
from syncing import cadence
from tests.connections.providers.caldav_servers import free_port
from tests.connections.registered import REGISTER
from tests.factories import AvailabilityRuleFactory, ConnectionFactory, ConsultantFactory
from tests.fakes.google import FakeGoogle
from tests.fakes.microsoft import FakeMicrosoft

CHANGES, LOST = 100, 7
LOOK_SECONDS, PATIENCE_SECONDS = 0.02, 180
HOUR = timedelta(hours=1)
IS_OFFERED = (
    "SELECT EXISTS (SELECT FROM public.get_available_slots(date => %s, consultant => %s)"
    " WHERE slot_start = %s)"
)


@dataclass(frozen=True)
class Watched:
    """A connected calendar, the switch that makes its provider lose notifications, a free hour."""

    connection: CalendarConnection
    calendar: object
    notifications: object
    start: datetime

    def is_offered(self) -> bool:
        question = [self.start.date(), self.connection.user_id, self.start]
        with database.cursor() as cursor:
            cursor.execute(IS_OFFERED, question)
            return cursor.fetchone()[0]

    def is_watched(self) -> bool:
        row = CalendarConnection.objects.filter(pk=self.connection.pk)
        return row.filter(webhook_expiration__isnull=False, last_synced_at__isnull=False).exists()


def run(changes: int = CHANGES, lost: int = LOST) -> dict:
    """Seconds from a change to the slots, by provider. The two are measured at the same time."""
    with TemporaryDirectory() as folder, ExitStack() as stack:
        far_ends = {
            "google": stack.enter_context(FakeGoogle()),
            "microsoft": stack.enter_context(FakeMicrosoft()),
        }
        environment = stack.enter_context(deployed(far_ends, Path(folder)))
        calendars = {name: connected(name, far_end) for name, far_end in far_ends.items()}
        with ThreadPoolExecutor(len(calendars)) as pool:
            measured = pool.map(lambda one: _measure(one, changes, lost), calendars.values())
            by_provider = dict(zip(calendars, measured, strict=True))
        return {
            "poll behind a live watch, seconds": settings.POLL_INTERVAL_SECONDS,
            **by_provider,
            "followed by": [_followed_by(one) for one in calendars.values()],
            "drift, minutes missing and too many": _drift(environment),
        }


@contextmanager
def deployed(far_ends: dict, folder: Path) -> Iterator[dict[str, str]]:
    """A web server and a worker that know the fakes as their providers."""
    call_command("prepare", verbosity=0)
    address = f"127.0.0.1:{free_port()}"
    registration = SimpleNamespace()
    for name, far_end in far_ends.items():
        REGISTER[name](registration, far_end)
    environment = {"BIND": address, "PUBLIC_URL": f"http://{address}", **vars(registration)}
    with ExitStack() as stack:
        for start in (web, worker):
            process = start(environment, log=folder / f"{start.__name__}.log")
            stack.enter_context(_running(process))
        until(lambda: _answers(f"http://{address}/healthz"))
        yield environment


@contextmanager
def _running(process: Process) -> Iterator[None]:
    process.start()
    try:
        yield
    finally:
        process.stop()


def _answers(address: str) -> bool:
    try:
        return requests.get(address, timeout=1).ok
    except requests.RequestException:
        return False


def connected(provider: str, far_end: FakeGoogle | FakeMicrosoft) -> Watched:
    """A consultant who works around the clock, and their calendar, read and watched."""
    account = far_end.account(f"{provider}@example.com")
    calendar = account.calendar("Work")
    consultant = ConsultantFactory(settings__time_zone="UTC")
    for weekday in range(7):
        AvailabilityRuleFactory(
            user=consultant, day_of_week=weekday, start_time=time(0), end_time=time(0)
        )
    connection = ConnectionFactory(
        user=consultant,
        provider=provider,
        provider_email=account.email,
        calendar_id=calendar.id,
        access_token=account.sign_in(),
        refresh_token=account.stay_signed_in(),
        token_expires_at=datetime.now(UTC) + timedelta(days=1),
        app_specific_password=None,
        caldav_url=None,
        last_synced_at=None,
        synced_from=None,
        synced_until=None,
    )
    noon = datetime.combine(datetime.now(UTC) + timedelta(days=7), time(12), UTC)
    notifications = far_end.channels if provider == "google" else far_end.subscriptions
    watched = Watched(connection, calendar, notifications, noon)
    until(watched.is_watched)
    until(watched.is_offered)
    return watched


def _measure(watched: Watched, changes: int, lost: int) -> dict:
    random = Random(watched.connection.provider)
    try:
        told = list(_seconds(watched, changes, pause=lambda: random.uniform(0, 2)))
        watched.notifications.loses = True
        untold = list(_seconds(watched, lost, pause=lambda: random.uniform(0, 30)))
    finally:
        database.close()
    return {
        "told, seconds": {
            "changes": changes,
            "p50": median(told),
            "p95": quantiles(told, n=20, method="inclusive")[-1],
            "worst": max(told),
        },
        "notification lost, seconds": {
            "changes": lost,
            "mean": sum(untold) / lost,
            "worst": max(untold),
        },
    }


def _seconds(watched: Watched, changes: int, *, pause: Callable[[], float]) -> Iterator[float]:
    """Take an hour away, give it back, and so on: how long until the slots show each."""
    for number in range(changes):
        sleep(pause())
        is_taken = number % 2 == 0
        began = perf_counter()
        if is_taken:
            event_id = watched.calendar.add("Dentist", watched.start, watched.start + HOUR)
        else:
            watched.calendar.remove(event_id)
        until(lambda wanted=not is_taken: watched.is_offered() == wanted)
        yield perf_counter() - began


def _followed_by(watched: Watched) -> str:
    row = CalendarConnection.objects.get(pk=watched.connection.pk)
    return cadence.followed_by(row, now=datetime.now(UTC))


def _drift(environment: dict[str, str]) -> list:
    """As the operator measures it."""
    command = [sys.executable, "manage.py", "verify_calendars"]
    subprocess.run(command, env=os.environ | environment, stdout=subprocess.DEVNULL, check=False)
    columns = ("drift_missing_minutes", "drift_surplus_minutes")
    return list(CalendarConnection.objects.order_by("provider").values_list(*columns))


def until(condition: Callable[[], bool]) -> None:
    deadline = perf_counter() + PATIENCE_SECONDS
    while not condition():
        if perf_counter() > deadline:
            raise AssertionError("It did not come about in time.")
        sleep(LOOK_SECONDS)
