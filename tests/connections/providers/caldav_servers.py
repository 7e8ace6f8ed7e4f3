"""Real CalDAV servers on free loopback ports, and a consultant's calendar on one of them."""

import contextlib
import socket
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import icalendar

from connections.providers.apple import AppleAdapter
from connections.providers.base import Credentials
from connections.providers.outbound import OutboundGuard
from connections.providers.session import Limits
from tests.connections.providers.contract import DAY, HOUR, TEN, Far
from tests.connections.providers.far_end import Proxy, Request, Response, forward_to

LIMITS = Limits(read=60, total=120)  # the machine may be busy with other tests
USERNAME, PASSWORD = "consultant@example.com", "an app-specific password"

RADICALE_CONFIGURATION = """
[server]
hosts = 127.0.0.1:{port}
max_connections = 100
[auth]
type = htpasswd
htpasswd_filename = {folder}/users
htpasswd_encryption = plain
delay = 0
lc_username = True
[storage]
filesystem_folder = {folder}/collections
[logging]
level = warning
"""


# --- real servers --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Device:
    """The consultant's own program: makes calendars, writes and removes events, by plain HTTP."""

    url: str

    def make_calendar(self, home: str) -> str:
        """A new empty calendar; its absolute address."""
        path = f"{home}{uuid4()}/"
        assert self.send("MKCALENDAR", path).status == 201
        return f"{self.url}{path}"

    def put(self, calendar: str, name: str, text: str) -> str:
        path = f"{urlsplit(calendar).path}{name}"
        assert self.send("PUT", path, text.encode()).status in (201, 204)
        return path

    def get(self, path: str) -> str:
        response = self.send("GET", path)
        assert response.status == 200
        return response.body.decode()

    def delete(self, path: str) -> None:
        assert self.send("DELETE", path).status in (200, 204)

    def send(self, method: str, path: str, body: bytes = b"") -> Response:
        kind = {"Content-Type": "text/calendar"} if method == "PUT" else {}
        return forward_to(self.url)(Request(method, path, {"Authorization": basic(), **kind}, body))


def basic(username: str = USERNAME, password: str = PASSWORD) -> str:
    return "Basic " + b64encode(f"{username}:{password}".encode()).decode()


@contextlib.contextmanager
def run_radicale(folder: Path) -> Iterator[str]:
    port = free_port()
    (folder / "users").write_text(f"{USERNAME}:{PASSWORD}\n")
    (folder / "configuration").write_text(RADICALE_CONFIGURATION.format(port=port, folder=folder))
    command = ["-m", "radicale", "--config", str(folder / "configuration")]
    with _running([sys.executable, *command], port, folder):
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def run_xandikos(folder: Path) -> Iterator[str]:
    port = free_port()
    command = [
        *(str(Path(sys.executable).with_name("xandikos")), "serve", "--defaults"),
        *("--directory", str(folder / "collections"), "--current-user-principal", "/consultant"),
        *("--listen-address", "127.0.0.1", "--port", str(port), "--no-detect-systemd"),
    ]
    with _running(command, port, folder):
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def _running(command: list[str], port: int, folder: Path) -> Iterator[None]:
    """The process, from when it accepts connections until the block is left."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    try:
        _wait_for(port, process, folder)
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:  # in the middle of something long
            process.kill()
            process.wait()


def _wait_for(port: int, process: subprocess.Popen, folder: Path) -> None:
    for _ in range(500):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if process.poll() is not None:
            break
        time.sleep(0.02)
    raise RuntimeError(f"The server did not start: {(folder / 'log').read_text()}")


def look_up(*addresses: str) -> Callable[..., list[tuple]]:
    """A name service that answers every question with these addresses."""
    return lambda host, port, **_: [
        (10 if ":" in address else 2, 1, 6, "", (address, port)) for address in addresses
    ]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


# --- a calendar on one of them -------------------------------------------------------------------


@dataclass(kw_only=True)
class CalDavCalendar(Far):
    """A new calendar on a real server; ``server_url`` is what the adapter is told."""

    device: Device
    calendar_id: str
    server_url: str
    limits: Limits = LIMITS

    def adapter(self, **credentials: str) -> AppleAdapter:
        known = {"username": USERNAME, "password": PASSWORD, "server_url": self.server_url}
        return AppleAdapter(
            Credentials(**known | credentials),
            guard=OutboundGuard(["127.0.0.1"]),
            limits=self.limits,
        )

    def add(self, title: str, start: datetime, end: datetime, *lines: str) -> str:
        name = f"{uuid4()}.ics"
        return self.device.put(self.calendar_id, name, event_text(title, start, end, *lines))

    def add_some(self, count: int) -> list[str]:
        """``Event 0``, ``Event 1`` and so on, within the window."""
        return [self.add(f"Event {n}", TEN + n * HOUR, TEN + DAY) for n in range(count)]

    def upload(self, *vevents: str) -> None:
        """Put many events at once into the empty calendar, which Radicale takes apart."""
        path = urlsplit(self.calendar_id).path
        assert self.device.send("PUT", path, calendar_text(*vevents).encode()).status == 201

    def change(self, series_id: str, title: str, start: datetime, end: datetime) -> None:
        calendar = icalendar.Calendar.from_ical(self.device.get(series_id))
        for name, value in {"SUMMARY": title, "DTSTART": start, "DTEND": end}.items():
            calendar.events[0].pop(name)
            calendar.events[0].add(name, value)
        self.device.put(self.calendar_id, name_of(series_id), calendar.to_ical().decode())

    def remove(self, series_id: str) -> None:
        self.device.delete(series_id)

    def through(self, proxy: Proxy) -> "CalDavCalendar":
        """The same calendar, reached by way of the proxy."""
        path = urlsplit(self.calendar_id).path
        return replace(self, calendar_id=f"{proxy.url}{path}", server_url=f"{proxy.url}/")


def calendar_on(device: Device, home: str) -> CalDavCalendar:
    calendar_id = device.make_calendar(home)
    return CalDavCalendar(device=device, calendar_id=calendar_id, server_url=f"{device.url}/")


def event_text(title: str, start: datetime, end: datetime, *lines: str) -> str:
    """A calendar object as a consultant's program writes it; ``lines`` go into the event."""
    return calendar_text(vevent(title, start, end, *lines))


def calendar_text(*vevents: str) -> str:
    head = ("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Phone//EN")
    return "\r\n".join([*head, *vevents, "END:VCALENDAR", ""])


def vevent(title: str, start: datetime, end: datetime, *lines: str) -> str:
    """The UID, from which Radicale makes the name of the object, begins with the title."""
    uid = f"{title.replace(' ', '-')}-{uuid4()}"
    return "\r\n".join(
        [
            *("BEGIN:VEVENT", f"UID:{uid}", "DTSTAMP:20260101T000000Z", f"SUMMARY:{title}"),
            *(f"DTSTART:{start:%Y%m%dT%H%M%SZ}", f"DTEND:{end:%Y%m%dT%H%M%SZ}"),
            *(*lines, "END:VEVENT"),
        ]
    )


def name_of(path: str) -> str:
    return path.rpartition("/")[2]
