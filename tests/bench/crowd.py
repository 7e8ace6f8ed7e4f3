"""P27: 50 calendars due at once, one at a server that hangs and one that is always told to wait.

They are at the fake Google and Microsoft and on Radicale, and are synced by the worker as it is
deployed. Measured is the time from the moment they are due until each of the others is synced: at
the first sync, at the next one, and with ten servers that hang instead of one.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import monotonic, sleep
from types import SimpleNamespace

from django.core.cache import cache
from django.utils import timezone

from calsync.sweeper import LAST_SWEEP
from connections.models import CalendarConnection
from tests.connections.providers.caldav_servers import (
    PASSWORD,
    USERNAME,
    Device,
    calendar_on,
    run_radicale,
)
from tests.connections.providers.far_end import FarEnd, instead
from tests.connections.registered import register_at_google, register_at_microsoft
from tests.databases import ROOT, manage
from tests.factories import ConnectionFactory
from tests.fakes.google import FakeGoogle
from tests.fakes.microsoft import FakeMicrosoft

EACH = 16  # calendars at each of the three providers; with the two odd ones, 50
EVENTS = 20  # in each
NOW = datetime.now(UTC).replace(microsecond=0)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TOO_LONG = 300  # seconds


def run() -> dict:
    """Seconds, median and worst, over the calendars whose servers answer."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        google, microsoft = stack.enter_context(FakeGoogle()), stack.enter_context(FakeMicrosoft())
        radicale = Device(stack.enter_context(run_radicale(folder)))
        good = [*_at_google(google), *_at_microsoft(microsoft), *_on(radicale)]
        wait = instead(429, Retry_After="600")
        limited = stack.enter_context(FarEnd(lambda request: wait(request, None)))
        odd = [_connect(limited.url), *(_connect(_silent(stack)) for _ in range(10))]
        _let_rest()
        stack.enter_context(_worker(_environment(google, microsoft), folder / "log"))
        return {
            "calendars": len(good) + 2,
            "first sync": _measure(good, odd[:2]),
            "next sync": _measure(good, odd[:2]),
            "ten servers hang": _measure(good, odd[1:]),
            "ten servers still hang": _measure(good, odd[1:]),
            "requests to the server that says wait": len(limited.requests),
        }


def _measure(good: list, odd: list) -> dict[str, float]:
    """Seconds until each of the good ones is synced, from the moment when all are due."""
    everybody = [one.pk for one in (*good, *odd)]
    began, since = monotonic(), timezone.now()
    CalendarConnection.objects.filter(pk__in=everybody).update(next_sync_at=since)
    missing, seconds = {one.pk for one in good}, []
    while missing:
        assert monotonic() < began + TOO_LONG, f"{len(missing)} calendars starve"
        synced = CalendarConnection.objects.filter(pk__in=missing, last_synced_at__gte=since)
        done = set(synced.values_list("pk", flat=True))
        seconds += [monotonic() - began] * len(done)
        missing -= done
        sleep(0.05)
    _until(lambda: not CalendarConnection.objects.exclude(handed_out_at=None).exists())
    _let_rest()
    return {"median": median(seconds), "worst": max(seconds)}


# --- the calendars -------------------------------------------------------------------------------


def _at_google(google: FakeGoogle) -> Iterator[CalendarConnection]:
    for number in range(EACH):
        account = google.account(f"g{number}@example.com")
        _fill(account.primary.add)
        yield _consented("google", account, account.primary.id)


def _at_microsoft(microsoft: FakeMicrosoft) -> Iterator[CalendarConnection]:
    for number in range(EACH):
        account = microsoft.account(f"m{number}@example.com")
        _fill(account.default.add)
        yield _consented("microsoft", account, account.default.id)


def _on(radicale: Device) -> Iterator[CalendarConnection]:
    for _ in range(EACH):
        calendar = calendar_on(radicale, f"/{USERNAME}/")
        _fill(calendar.add)
        yield _connect(calendar.server_url, calendar.calendar_id)


def _fill(add: Callable) -> None:
    for number in range(EVENTS):
        add(f"event {number}", NOW + number * DAY, NOW + number * DAY + HOUR)


def _consented(provider: str, account, calendar_id: str) -> CalendarConnection:
    return ConnectionFactory(
        provider=provider,
        provider_email=account.email,
        calendar_id=calendar_id,
        access_token=account.sign_in(),
        refresh_token=account.stay_signed_in(),
        token_expires_at=NOW + DAY,
        app_specific_password=None,
        caldav_url=None,
        synced_from=None,
        synced_until=None,
    )


def _connect(server_url: str, calendar_id: str = "") -> CalendarConnection:
    return ConnectionFactory(
        calendar_id=calendar_id or f"{server_url.rstrip('/')}/calendar/",
        caldav_url=server_url,
        provider_email=USERNAME,
        app_specific_password=PASSWORD,
        synced_from=None,
        synced_until=None,
    )


def _silent(stack: ExitStack) -> str:
    """The address of a server of its own that takes requests and never answers."""
    server = FarEnd(lambda _: None)
    server.answer = lambda _: server.is_closing.wait() and None
    return stack.enter_context(server).url


def _let_rest() -> None:
    """Nothing is due until it is measured again."""
    CalendarConnection.objects.update(next_sync_at=None)


# --- the worker ----------------------------------------------------------------------------------


def _environment(google: FakeGoogle, microsoft: FakeMicrosoft) -> dict[str, str]:
    settings = SimpleNamespace()
    register_at_google(settings, google)
    register_at_microsoft(settings, microsoft)
    return vars(settings)


@contextmanager
def _worker(environment: dict[str, str], log: Path) -> Iterator[None]:
    """``qcluster``, from when it sweeps until the block is left."""
    prepared = manage("prepare", url=os.environ["DATABASE_URL"])
    assert prepared.returncode == 0, prepared.stderr
    cache.delete(LAST_SWEEP)
    command = [sys.executable, "manage.py", "qcluster"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=os.environ | environment, stdout=output, stderr=output
        )
    try:
        _until(lambda: cache.get(LAST_SWEEP))
        yield
    finally:
        process.terminate()
        process.wait(60)


def _until(condition: Callable[[], object]) -> None:
    deadline = monotonic() + TOO_LONG
    while not condition():
        assert monotonic() < deadline
        sleep(0.1)
