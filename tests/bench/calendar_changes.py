"""S8: how soon a booking follows what its consultant does to the event in the calendar.

Web and worker run as deployed. At each provider three events are deleted and three are moved at
once; times go from there to the booking's row. A grace period between two looks is part of them.
"""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, sleep

from django.db import connection as database

from bookings import reconcile
from bookings.models import Booking
from connections.models import CalendarConnection
from syncing.models import SyncedEvent
from tests.bench.push import LOOK_SECONDS, connected, deployed, until
from tests.connections.providers.caldav_servers import (
    PASSWORD,
    USERNAME,
    CalDavCalendar,
    Device,
    run_radicale,
)
from tests.factories import BookingFactory, ConnectionFactory
from tests.fakes.google import FakeGoogle
from tests.fakes.microsoft import FakeMicrosoft

EACH = 3  # as many deletions of a day as are believed
DAY = timedelta(days=1)
PATIENCE_SECONDS = 600


def run() -> dict:
    with TemporaryDirectory() as folder, ExitStack() as stack:
        far_ends = {
            "google": stack.enter_context(FakeGoogle()),
            "microsoft": stack.enter_context(FakeMicrosoft()),
        }
        radicale = Device(stack.enter_context(run_radicale(_made(Path(folder) / "radicale"))))
        stack.enter_context(deployed(far_ends, Path(folder)))
        calendars = {}
        for name, far_end in far_ends.items():
            watched = connected(name, far_end)
            calendars[name] = (watched.connection, watched.calendar)
        calendars["caldav, polled"] = _at_radicale(radicale)
        with ThreadPoolExecutor(len(calendars)) as pool:
            measured = pool.map(lambda one: _measure(*one), calendars.values())
            by_provider = dict(zip(calendars, measured, strict=True))
    return {"grace period, seconds": reconcile.GRACE.total_seconds(), **by_provider}


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _at_radicale(radicale: Device) -> tuple[CalendarConnection, CalDavCalendar]:
    address = radicale.make_calendar(f"/{USERNAME}/")
    connection = ConnectionFactory(
        provider_email=USERNAME,
        app_specific_password=PASSWORD,
        caldav_url=f"{radicale.url}/",
        calendar_id=address,
        last_synced_at=None,
        synced_from=None,
        synced_until=None,
    )
    calendar = CalDavCalendar(device=radicale, calendar_id=address, server_url=f"{radicale.url}/")
    return connection, calendar


def _measure(connection: CalendarConnection, calendar) -> dict:
    try:
        CalendarConnection.objects.filter(pk=connection.pk).update(is_primary=True)
        bookings = _booked(connection)
        deleted, moved = bookings[:EACH], bookings[EACH:]
        began = perf_counter()
        for booking in deleted:
            calendar.remove(booking.provider_event_id)
        for booking in moved:
            start, end = booking.start_time + DAY / 2, booking.end_time + DAY / 2
            calendar.change(booking.provider_event_id, "Meeting", start, end)
        return {
            "deleted, worst, seconds": _seconds_until(began, deleted, status="cancelled"),
            "moved, worst, seconds": _seconds_until(began, moved, sequence=1),
        }
    finally:
        database.close()


def _booked(connection: CalendarConnection) -> list[Booking]:
    """Bookings whose events are written, and known from a sync that came later."""
    start = datetime.combine(datetime.now(UTC) + 2 * DAY, time(10), UTC)
    keys = [
        BookingFactory(user=connection.user, start_time=start + number * DAY).pk
        for number in range(2 * EACH)
    ]
    until(lambda: SyncedEvent.objects.filter(booking_id__in=keys).count() == len(keys))
    sleep(2)
    return list(Booking.objects.filter(pk__in=keys).order_by("start_time"))


def _seconds_until(began: float, bookings: list[Booking], **state) -> float:
    keys = [booking.pk for booking in bookings]
    rows = Booking.objects.filter(pk__in=keys, changed_by="calendar", **state)
    while rows.count() < len(keys):
        if perf_counter() > began + PATIENCE_SECONDS:
            raise AssertionError("It did not come about in time.")
        sleep(LOOK_SECONDS * 10)
    return perf_counter() - began
