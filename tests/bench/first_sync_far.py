"""A calendar with many events at a provider, in a process of its own, that answers from memory.

``python -m tests.bench.first_sync_far google 20000`` reads the calendar once, prints as JSON where
it is and what was asked of it, and serves until its standard input is closed. Apple's is Radicale,
whose answers a proxy remembers.
"""

import json
import subprocess
import sys
import tempfile
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from connections.providers.apple import AppleAdapter
from connections.providers.base import CalendarAdapter, ChangePage, Credentials, Window
from connections.providers.google import GoogleAdapter, GoogleApp
from connections.providers.microsoft import MicrosoftAdapter, MicrosoftApp
from connections.providers.outbound import OutboundGuard
from connections.providers.session import Limits
from tests.connections.providers.caldav_servers import (
    PASSWORD,
    USERNAME,
    Device,
    basic,
    calendar_on,
    calendar_text,
    run_radicale,
    vevent,
)
from tests.connections.providers.contract import BERLIN
from tests.connections.providers.far_end import FarEnd, Proxy, Request, Response, forward_to
from tests.fakes.google import FakeGoogle
from tests.fakes.microsoft import FakeMicrosoft

NOW = datetime(2027, 1, 10, 12, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(days=7), NOW + timedelta(days=400))
HALF_HOUR = timedelta(minutes=30)
LIMITS = Limits(read=600, total=600)  # Radicale reads 20,000 files before its first answer
TEXT = "What it is about, at some length. " * 5


@dataclass(frozen=True)
class Served:
    """A calendar in the other process, and what a first sync asks: method, path, body in base64."""

    provider: str
    url: str
    secret: str
    calendar_id: str
    asked: list[tuple[str, str, str]]

    def adapter(self) -> CalendarAdapter:
        return ADAPTERS[self.provider](self.url, self.secret)

    def pages(self) -> Iterator[ChangePage]:
        return self.adapter().changes(self.calendar_id, window=WINDOW, zone=BERLIN)

    def requests(self) -> list[Request]:
        return [Request(method, path, {}, b64decode(body)) for method, path, body in self.asked]


def _google(url: str, token: str) -> GoogleAdapter:
    app = GoogleApp(client_id="", client_secret="", api_url=url)
    return GoogleAdapter(Credentials(access_token=token), app=app)


def _microsoft(url: str, token: str) -> MicrosoftAdapter:
    app = MicrosoftApp(client_id="", client_secret="", login_url=url, graph_url=url)
    return MicrosoftAdapter(Credentials(access_token=token), app=app)


def _apple(url: str, password: str) -> AppleAdapter:
    known = Credentials(username=USERNAME, password=password, server_url=f"{url}/")
    return AppleAdapter(known, guard=OutboundGuard(["127.0.0.1"]), limits=LIMITS)


ADAPTERS: dict[str, Callable[[str, str], CalendarAdapter]] = {
    "google": _google,
    "microsoft": _microsoft,
    "apple": _apple,
}


@contextmanager
def served(provider: str, events: int) -> Iterator[Served]:
    """Start the other process, and end it."""
    command = [sys.executable, "-m", "tests.bench.first_sync_far", provider, str(events)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as process:
        yield Served(**json.loads(process.stdout.readline()))
        process.stdin.close()


# --- in the other process ------------------------------------------------------------------------


class FromMemory(FarEnd):
    """Answers a question once, and from then on from memory."""

    def _answer(self, request: Request) -> Response:
        known = self.__dict__.setdefault("known", {})
        question = (request.method, request.path, request.body)
        if question not in known:
            known[question] = super()._answer(request)
        return known[question]


class Google(FromMemory, FakeGoogle):
    """Google, from memory."""


class Microsoft(FromMemory, FakeMicrosoft):
    """Microsoft, from memory."""


class Apple(FromMemory, Proxy):
    """Radicale, from memory."""


@contextmanager
def _google_calendar(events: int) -> Iterator[tuple[FarEnd, str, str]]:
    with Google() as google:
        account = google.account("anna@example.com")
        guests = [
            {"email": "anna@example.com", "self": True, "responseStatus": "accepted"},
            {"email": "guest@example.com", "responseStatus": "needsAction"},
        ]
        for title, start in _meetings(events):
            account.primary.add(title, start, start + HALF_HOUR, description=TEXT, attendees=guests)
        yield google, account.sign_in(), account.primary.id


@contextmanager
def _microsoft_calendar(events: int) -> Iterator[tuple[FarEnd, str, str]]:
    with Microsoft() as microsoft:
        account = microsoft.account("anna@example.com")
        for title, start in _meetings(events):
            account.default.add(title, start, start + HALF_HOUR, bodyPreview=TEXT)
        yield microsoft, account.sign_in(), account.default.id


@contextmanager
def _apple_calendar(events: int) -> Iterator[tuple[FarEnd, str, str]]:
    with tempfile.TemporaryDirectory() as folder, run_radicale(Path(folder)) as url:
        calendar = calendar_on(Device(url), f"/{USERNAME}/")
        description = f"DESCRIPTION:{TEXT}"
        text = calendar_text(
            *(
                vevent(title, start, start + HALF_HOUR, description)
                for title, start in _meetings(events)
            )
        )
        headers = {"Authorization": basic(), "Content-Type": "text/calendar"}
        path = urlsplit(calendar.calendar_id).path
        upload = Request("PUT", path, headers, text.encode())  # which Radicale takes apart
        assert forward_to(url, patience=600)(upload).status == 201
        with Apple(url, patience=600) as proxy:
            yield proxy, PASSWORD, calendar.through(proxy).calendar_id


CALENDARS = {
    "google": _google_calendar,
    "microsoft": _microsoft_calendar,
    "apple": _apple_calendar,
}


def _meetings(events: int) -> Iterator[tuple[str, datetime]]:
    for number in range(events):
        yield f"Meeting number {number} with somebody", NOW + timedelta(minutes=25 * number)


def main(provider: str, events: int) -> None:
    with CALENDARS[provider](events) as (server, secret, calendar_id):
        served = Served(provider, server.url, secret, calendar_id, [])
        shown = sum(len(page.events) for page in served.pages())
        assert shown == events
        for one in server.requests:
            served.asked.append((one.method, one.path, b64encode(one.body).decode()))
        print(json.dumps(asdict(served)), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
