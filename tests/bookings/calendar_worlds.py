"""A consultant's calendar at each provider, with bookings in it and a clock that can be moved."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from bookings import reconcile
from bookings.models import Booking, EventDoubt
from bookings.writeback import write_event
from connections.models import CalendarConnection
from syncing.engine import sync_connection
from syncing.models import SyncedEvent
from tests.connections.providers.caldav_servers import PASSWORD, USERNAME, Device, calendar_on
from tests.connections.providers.contract import Far
from tests.connections.providers.far_end import Fault, Proxy, edited, instead, without
from tests.connections.providers.google_far import calendar_at as google_calendar
from tests.connections.providers.microsoft_far import calendar_at as microsoft_calendar
from tests.factories import BookingFactory, ConnectionFactory, ConsultantFactory
from tests.fakes.google import FakeGoogle
from tests.fakes.microsoft import FakeMicrosoft

HOUR, DAY, MINUTE = timedelta(hours=1), timedelta(days=1), timedelta(minutes=1)
TODAY = datetime.now(UTC).replace(hour=10, minute=0, second=0, microsecond=0)


@dataclass
class World:
    """``now`` is a little ahead of the real clock, so that whatever was written is older."""

    connection: CalendarConnection
    far: Far
    commit: Callable[..., None]
    heal: Callable[[], None]
    hide: Callable[[str], Fault]  # a list's answer without the event
    about_lists: tuple[str, str]  # the method and a part of the address that lists are asked by
    about_event: str = "/events/"  # a part of the address that an event itself is asked by
    now: datetime = field(default_factory=lambda: datetime.now(UTC) + MINUTE)

    def book(self, days: int = 2, **changes) -> Booking:
        """A booking at ten in so many days, written to the calendar and seen there."""
        booking = BookingFactory(
            user=self.connection.user,
            start_time=TODAY + days * DAY,
            event_due_at=self.now - HOUR,
            **changes,
        )
        write_event(booking.pk, now=self.now)
        self.sync()
        assert SyncedEvent.objects.filter(booking_id=booking.pk).count() == 1
        return self.stored(booking)

    def stored(self, booking: Booking) -> Booking:
        return Booking.objects.select_related("meeting_type").get(pk=booking.pk)

    def status(self, booking: Booking) -> str:
        return self.stored(booking).status

    def sync(self, *, full: bool = False) -> None:
        self.now += MINUTE
        sync_connection(self.connection.pk, now=self.now, full=full)

    def lose_row(self, booking: Booking) -> None:
        """As after a sync that was told of a removal that never was."""
        SyncedEvent.objects.filter(booking_id=booking.pk).delete()

    def sweep(self) -> None:
        """What a sweeper and its workers do."""
        reconcile.raise_doubts(now=self.now)
        for booking_id in EventDoubt.objects.due(self.now).values_list("pk", flat=True):
            reconcile.look(booking_id, now=self.now)

    def pass_by(self, minutes: int = 6) -> None:
        """So many minutes, in each of which the calendar is synced and swept."""
        for _ in range(minutes):
            self.sync()
            self.sweep()

    def write(self, booking: Booking) -> Booking:
        """The event as the row says, if that is due."""
        self.now += MINUTE
        write_event(booking.pk, now=self.now)
        return self.stored(booking)

    def event(self, booking: Booking):
        """As the provider has it now. Raises ``EventGone``."""
        row = self.stored(booking)
        return self.far.adapter().read_event(
            self.connection.calendar_id, row.provider_event_id, zone=UTC
        )

    def remove(self, booking: Booking) -> None:
        self.far.remove(booking.provider_event_id)

    def move(self, booking: Booking, start: datetime, end: datetime | None = None) -> None:
        end = end or start + booking.duration
        self.far.change(booking.provider_event_id, "Meeting: Ivy Invitee", start, end)


def consent_connection(provider: str, far, **fields) -> CalendarConnection:
    defaults = {
        "user": ConsultantFactory(),
        "is_primary": True,
        "access_token": far.account.sign_in(),
        "refresh_token": far.account.stay_signed_in(),
        "token_expires_at": datetime.now(UTC) + DAY,
    }
    return ConnectionFactory(
        provider=provider,
        provider_email=far.account.email,
        calendar_id=far.calendar_id,
        app_specific_password=None,
        caldav_url=None,
        last_synced_at=None,
        synced_from=None,
        synced_until=None,
        **defaults | fields,
    )


def at_google(google: FakeGoogle) -> World:
    far = google_calendar(google)
    return World(
        connection=consent_connection("google", far),
        far=far,
        commit=lambda method, fault, **much: google.commit(fault, method=method, **much),
        heal=google.heal,
        hide=lambda event_id: edited(lambda body: _without(body, "items", event_id)),
        about_lists=("GET", "/events?"),
    )


def at_microsoft(microsoft: FakeMicrosoft) -> World:
    far = microsoft_calendar(microsoft)
    return World(
        connection=consent_connection("microsoft", far),
        far=far,
        commit=lambda method, fault, **much: microsoft.commit(fault, method=method, **much),
        heal=microsoft.heal,
        hide=lambda event_id: edited(lambda body: _without(body, "value", event_id)),
        about_lists=("GET", "/delta"),
    )


def at_caldav(radicale: Device, proxy: Proxy) -> World:
    far = calendar_on(radicale, f"/{USERNAME}/")
    path = urlsplit(far.calendar_id).path
    connection = ConnectionFactory(
        provider_email=USERNAME,
        app_specific_password=PASSWORD,
        caldav_url=f"{proxy.url}/",
        calendar_id=f"{proxy.url}{path}",
        is_primary=True,
        last_synced_at=None,
        synced_from=None,
        synced_until=None,
    )
    return World(
        connection=connection,
        far=far.through(proxy),
        commit=proxy.commit,
        heal=proxy.heal,
        hide=lambda event_id: without(event_id.rpartition("/")[2]),
        about_lists=("REPORT", ""),
        about_event=".ics",
    )


def _without(body: str, key: str, event_id: str) -> str:
    page = json.loads(body)
    page[key] = [item for item in page.get(key, []) if item["id"] != event_id]
    return json.dumps(page)


REFUSALS = {
    "401": instead(401),
    "403": instead(403),
    "404": instead(404),
    "410": instead(410),
    "429": instead(429, Retry_After="7"),
    "500": instead(500),
    "503": instead(503, Retry_After="7"),
    "empty": instead(200),
    "nonsense": instead(200, "<html>Sign in to the hotel's network</html>"),
}
