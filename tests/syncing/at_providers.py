"""A consultant's calendar at each of the providers, all spoken to in the same way by tests."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from connections import adapters
from connections.models import CalendarConnection, Consultant
from connections.providers.apple import AppleAdapter
from connections.providers.google import GoogleAdapter
from connections.providers.microsoft import MicrosoftAdapter
from connections.providers.outbound import OutboundGuard
from connections.providers.session import Limits
from tests.connections.providers import google_far, microsoft_far
from tests.connections.providers.caldav_servers import (
    PASSWORD,
    USERNAME,
    Device,
    calendar_on,
    event_text,
)
from tests.connections.providers.contract import Far
from tests.connections.providers.far_end import Answer, Fault, Proxy, Request, Response
from tests.connections.registered import register_at_google, register_at_microsoft
from tests.factories import ConnectionFactory
from tests.fakes.google import FakeGoogle
from tests.fakes.http import FakeService
from tests.fakes.microsoft import FakeMicrosoft

PATIENCE = 1.0  # seconds that a hanging provider is waited for
PROVIDERS = ("google", "microsoft", "apple")


@dataclass(frozen=True)
class Provided:
    """A calendar, the far end it is at, and which of its requests are about what is in it."""

    provider: str
    far: Far
    server: FakeService | Proxy
    about: str = ""
    committed: list[Request] = field(default_factory=list)  # what was answered with a fault

    def connect(self, consultant: Consultant, **fields) -> CalendarConnection:
        return ConnectionFactory(
            user=consultant,
            provider=self.provider,
            calendar_id=self.far.calendar_id,
            last_synced_at=None,
            synced_from=None,
            synced_until=None,
            **self._access(),
            **fields,
        )

    def another(self) -> "Provided":
        """A further calendar of the same account."""
        if self.provider == "apple":
            path = f"/{USERNAME}/"
            return replace(self, far=calendar_on(self.far.device, path).through(self.server))
        return replace(self, far=replace(self.far, calendar=self.far.account.calendar("Another")))

    def add(self, title: str, start: datetime, end: datetime, *, uid: str) -> None:
        """An event that has this UID in all calendars it is in; one of its own if it is empty."""
        if self.provider == "apple":
            self.far.device.put(
                self.far.calendar_id, f"{uuid4()}.ics", _text(title, start, end, uid)
            )
        else:
            name = {"google": "iCalUID", "microsoft": "iCalUId"}[self.provider]
            self.far.add(title, start, end, **({name: uid} if uid else {}))

    def commit(self, fault: Fault, *, about: str = "", times: int = 100) -> None:
        """Commit a fault on the next requests about what is in the calendar."""

        def counted(request: Request, forward: Answer) -> Response | None:
            self.committed.append(request)
            return fault(request, forward)

        if isinstance(self.server, FakeService):
            self.server.commit(counted, about=about or self.about, times=times)
        else:
            for method in ("REPORT", "PROPFIND"):
                self.server.commit(method, counted, about=about, times=times)

    def _access(self) -> dict:
        if self.provider == "apple":
            address = self.far.server_url
            known = {"provider_email": USERNAME, "app_specific_password": PASSWORD}
            return known | {"caldav_url": address}
        account = self.far.account
        return {
            "provider_email": account.email,
            "access_token": account.sign_in(),
            "refresh_token": account.stay_signed_in(),
            "token_expires_at": datetime.now(UTC) + timedelta(days=1),
            "app_specific_password": None,
            "caldav_url": None,
        }


@contextmanager
def provided(name: str, settings, monkeypatch, radicale: Device) -> Iterator[Provided]:
    """A new calendar at the provider of that name, which is Radicale behind a proxy for Apple."""
    with ExitStack() as stack:
        yield MAKERS[name](stack, settings, monkeypatch, radicale)


def _at_google(stack: ExitStack, settings, monkeypatch, radicale: Device) -> Provided:
    google = stack.enter_context(FakeGoogle())
    register_at_google(settings, google)
    app = google_far.app_at(google)
    monkeypatch.setitem(
        adapters.ADAPTERS, "google", lambda known: GoogleAdapter(known, app=app, timeout=PATIENCE)
    )
    return Provided("google", google_far.calendar_at(google), google, about="/events?")


def _at_microsoft(stack: ExitStack, settings, monkeypatch, radicale: Device) -> Provided:
    microsoft = stack.enter_context(FakeMicrosoft())
    register_at_microsoft(settings, microsoft)
    app = microsoft_far.app_at(microsoft)
    monkeypatch.setitem(
        adapters.ADAPTERS,
        "microsoft",
        lambda known: MicrosoftAdapter(known, app=app, timeout=PATIENCE),
    )
    far = microsoft_far.calendar_at(microsoft)
    return Provided("microsoft", far, microsoft, about="/calendarView/delta")


def _at_apple(stack: ExitStack, settings, monkeypatch, radicale: Device) -> Provided:
    proxy = stack.enter_context(Proxy(radicale.url))
    limits, guard = Limits(read=PATIENCE, total=10), OutboundGuard(["127.0.0.1"])
    monkeypatch.setitem(
        adapters.ADAPTERS, "apple", lambda known: AppleAdapter(known, guard=guard, limits=limits)
    )
    return Provided("apple", calendar_on(radicale, f"/{USERNAME}/").through(proxy), proxy)


MAKERS = {"google": _at_google, "microsoft": _at_microsoft, "apple": _at_apple}


def _text(title: str, start: datetime, end: datetime, uid: str) -> str:
    text = event_text(title, start, end)
    return re.sub(r"(?m)^UID:.*?(?=\r?$)", f"UID:{uid}", text) if uid else text


def stored_ids(connection_id: UUID) -> set[str]:
    """The ids of the rows that a calendar has."""
    events = CalendarConnection.objects.get(pk=connection_id).events
    return set(events.values_list("provider_event_id", flat=True))
