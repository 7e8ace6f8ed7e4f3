"""From the invitee's request to an event on a real CalDAV server, and back through sync."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.utils import timezone
from icalendar import Calendar, Event

from bookings.lifecycle import book
from bookings.models import Booking
from bookings.writeback import write_event
from connections.models import CalendarConnection
from syncing.engine import sync_connection
from syncing.models import SyncedEvent
from tests.bookings.conftest import make_bookable, request_for
from tests.bookings.moments import MONDAY_TEN, NOW
from tests.connections.providers.caldav_servers import PASSWORD, USERNAME, Device
from tests.connections.providers.far_end import Proxy, instead, lost
from tests.factories import ConnectionFactory

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = timedelta(hours=1)


@pytest.fixture
def proxy(radicale: Device):
    with Proxy(radicale.url) as proxy:
        yield proxy


@pytest.fixture
def destination(radicale: Device, proxy: Proxy) -> CalendarConnection:
    """A calendar on the server, connected by way of the proxy."""
    path = urlsplit(radicale.make_calendar(f"/{USERNAME}/")).path
    return ConnectionFactory(
        user=make_bookable(),
        provider_email=USERNAME,
        app_specific_password=PASSWORD,
        caldav_url=f"{proxy.url}/",
        calendar_id=f"{proxy.url}{path}",
        is_primary=True,
    )


def booked(destination: CalendarConnection) -> Booking:
    return book(request_for(destination.user), now=NOW)


def change(booking: Booking, **changes) -> None:
    """What a reschedule or a cancellation does to the row."""
    Booking.objects.filter(pk=booking.pk).update(event_state="due", event_due_at=NOW, **changes)


def on_the_server(radicale: Device, booking: Booking) -> Event:
    row = Booking.objects.get(pk=booking.pk)
    [event] = Calendar.from_ical(radicale.get(row.provider_event_id)).events
    return event


def state(booking: Booking) -> str:
    return Booking.objects.get(pk=booking.pk).event_state


def synced(destination: CalendarConnection) -> list[SyncedEvent]:
    sync_connection(destination.pk, now=timezone.now(), full=True)
    return list(SyncedEvent.objects.filter(connection=destination))


def test_a_booking_becomes_an_event_and_comes_back_as_ours(radicale, destination):
    booking = booked(destination)
    write_event(booking.pk, now=NOW)
    event = on_the_server(radicale, booking)
    assert (event["summary"], event["uid"]) == ("Meeting: Ivy Invitee", f"calsync-{booking.pk}")
    assert (event["dtstart"].dt, event["dtend"].dt) == (booking.start_time, booking.end_time)
    [row] = synced(destination)
    assert (row.booking_id, row.is_ohboy_booking, row.start_time) == (
        booking.pk,
        True,
        booking.start_time,
    )


def test_a_change_is_made_in_place_and_a_cancellation_removes_the_event(radicale, destination):
    booking = booked(destination)
    write_event(booking.pk, now=NOW)
    change(booking, sequence=1, start_time=MONDAY_TEN + HOUR, end_time=MONDAY_TEN + 2 * HOUR)
    write_event(booking.pk, now=NOW)
    event = on_the_server(radicale, booking)
    assert (event["dtstart"].dt, event["sequence"]) == (MONDAY_TEN + HOUR, 1)
    assert len(synced(destination)) == 1
    change(booking, sequence=2, status="cancelled")
    write_event(booking.pk, now=NOW)
    row = Booking.objects.get(pk=booking.pk)
    assert row.event_state == "removed"
    assert radicale.send("GET", row.provider_event_id).status == 404


def test_lost_answers_leave_one_event(destination, proxy):
    booking, now = booked(destination), NOW
    proxy.commit("PUT", lost, times=3)
    for _ in range(4):
        write_event(booking.pk, now=now)
        now += HOUR
    assert (state(booking), len(synced(destination))) == ("written", 1)


def test_a_day_without_the_provider_loses_no_event(destination, proxy):
    booking, now = booked(destination), NOW
    for method in ("GET", "PUT", "PROPFIND", "REPORT"):
        proxy.commit(method, instead(503), times=1000)
    while now < NOW + timedelta(days=1):
        write_event(booking.pk, now=now)
        now += timedelta(minutes=31)
    row = Booking.objects.get(pk=booking.pk)
    assert (row.status, row.event_state, row.event_attempts) == ("confirmed", "due", 47)
    proxy.heal()
    write_event(booking.pk, now=now)
    assert (state(booking), len(synced(destination))) == ("written", 1)


def test_a_wrong_password_keeps_the_booking_and_a_right_one_writes_it(destination, proxy):
    booking = booked(destination)
    CalendarConnection.objects.filter(pk=destination.pk).update(app_specific_password="wrong")
    write_event(booking.pk, now=NOW)
    assert state(booking) == "due"
    destination.save(update_fields=["app_specific_password"])
    write_event(booking.pk, now=NOW + HOUR)
    assert (state(booking), len(synced(destination))) == ("written", 1)


def test_a_calendar_that_is_read_only_says_why(destination, proxy):
    booking = booked(destination)
    proxy.commit("PUT", instead(403), times=2)
    write_event(booking.pk, now=NOW)
    row = Booking.objects.get(pk=booking.pk)
    assert (row.status, row.event_state) == ("confirmed", "failed")
    assert row.event_error == "The server does not take the event (status 403)."
