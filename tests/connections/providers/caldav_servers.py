"""Real CalDAV servers on free loopback ports, and one in between that misbehaves when told to.

``run_radicale`` and ``run_xandikos`` are processes. ``FarEnd`` is an HTTP server in a thread that
answers as a function says; ``Proxy`` is a ``FarEnd`` that hands everything to a real server, except
for the faults it is told to commit.
"""

import contextlib
import http.client
import socket
import subprocess
import sys
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from ssl import SSLContext
from urllib.parse import urlsplit
from uuid import uuid4

import icalendar
from lxml import etree

from connections.providers.apple import AppleAdapter
from connections.providers.base import Credentials
from connections.providers.dav.session import Limits
from connections.providers.outbound import OutboundGuard
from tests.connections.providers.contract import Far

LIMITS = Limits(connect=2, read=5, total=20)
USERNAME, PASSWORD = "consultant@example.com", "an app-specific password"

NOT_FORWARDED = {"connection", "content-length", "host", "accept-encoding"}

RADICALE_CONFIGURATION = """
[server]
hosts = 127.0.0.1:{port}
max_connections = 100
[auth]
type = htpasswd
htpasswd_filename = {folder}/users
htpasswd_encryption = plain
delay = 0
[storage]
filesystem_folder = {folder}/collections
[logging]
level = warning
"""


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True)
class Response:
    """``body`` in pieces is sent piece by piece, without a length."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | Iterable[bytes] = b""


Answer = Callable[[Request], Response | None]  # None hangs up without an answer
Fault = Callable[[Request, Answer], Response | None]


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
        process.wait(timeout=10)


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

    def change(self, series_id: str, title: str, start: datetime, end: datetime) -> None:
        calendar = icalendar.Calendar.from_ical(self.device.get(series_id))
        for name, value in {"SUMMARY": title, "DTSTART": start, "DTEND": end}.items():
            calendar.events[0].pop(name)
            calendar.events[0].add(name, value)
        self.device.put(self.calendar_id, name_of(series_id), calendar.to_ical().decode())

    def remove(self, series_id: str) -> None:
        self.device.delete(series_id)

    def through(self, proxy: "Proxy") -> "CalDavCalendar":
        """The same calendar, reached by way of the proxy."""
        path = urlsplit(self.calendar_id).path
        return replace(self, calendar_id=f"{proxy.url}{path}", server_url=f"{proxy.url}/")


def calendar_on(device: Device, home: str) -> CalDavCalendar:
    calendar_id = device.make_calendar(home)
    return CalDavCalendar(device=device, calendar_id=calendar_id, server_url=f"{device.url}/")


def event_text(title: str, start: datetime, end: datetime, *lines: str) -> str:
    """A calendar object as a consultant's program writes it; ``lines`` go into the event."""
    return "\r\n".join(
        [
            *("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Phone//EN", "BEGIN:VEVENT"),
            *(f"UID:{uuid4()}", "DTSTAMP:20260101T000000Z", f"SUMMARY:{title}"),
            *(f"DTSTART:{start:%Y%m%dT%H%M%SZ}", f"DTEND:{end:%Y%m%dT%H%M%SZ}"),
            *(*lines, "END:VEVENT", "END:VCALENDAR", ""),
        ]
    )


def name_of(path: str) -> str:
    return path.rpartition("/")[2]


# --- a far end that does what it is told ---------------------------------------------------------


class FarEnd:
    """An HTTP server on loopback: answers with ``answer`` and remembers what it was asked."""

    def __init__(self, answer: Answer, *, tls: SSLContext | None = None) -> None:
        self.answer = answer
        self.requests: list[Request] = []
        self.is_closing = threading.Event()
        handler = type("Handler", (_Handler,), {"far_end": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.handle_error = lambda *_: None  # a client that gave up is expected here
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> "FarEnd":
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.is_closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def asked(self, method: str) -> list[Request]:
        return [request for request in self.requests if request.method == method]


class Proxy(FarEnd):
    """Stands before a real server and commits the faults it was told, each as often as asked."""

    def __init__(self, target: str) -> None:
        super().__init__(self._answer)
        self._forward = forward_to(target)
        self._faults: list[list] = []

    def commit(self, method: str, fault: Fault, *, times: int = 1, about: str = "") -> None:
        """Commit a fault on the next requests of that method whose body or path has ``about``."""
        self._faults.append([method, about.encode(), fault, times])

    def heal(self) -> None:
        """Commit no more faults."""
        self._faults.clear()

    def _answer(self, request: Request) -> Response | None:
        for entry in self._faults:
            method, about, fault, times = entry
            if times and request.method == method and about in request.path.encode() + request.body:
                entry[3] -= 1
                return fault(request, self._forward)
        return self._forward(request)


class _Handler(BaseHTTPRequestHandler):
    far_end: FarEnd
    protocol_version = "HTTP/1.1"
    timeout = 10

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        request = Request(self.command, self.path, dict(self.headers), self.rfile.read(length))
        self.far_end.requests.append(request)
        response = self.far_end.answer(request)
        self.close_connection = True
        if response is not None:
            self._send(response)

    do_GET = do_PUT = do_DELETE = _serve  # noqa: N815  the names http.server looks for
    do_PROPFIND = do_REPORT = do_MKCALENDAR = _serve  # noqa: N815

    def _send(self, response: Response) -> None:
        self.send_response_only(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
            self.flush_headers()
        if isinstance(response.body, bytes):
            self.send_header("Content-Length", str(len(response.body)))
        self.send_header("Connection", "close")
        self.end_headers()
        for piece in [response.body] if isinstance(response.body, bytes) else response.body:
            self.wfile.write(piece)

    def log_message(self, *_) -> None:
        """Nothing: requests are remembered, not printed."""


def forward_to(url: str) -> Answer:
    """An answer that is fetched from a real server."""
    target = urlsplit(url)

    def answer(request: Request) -> Response:
        connection = http.client.HTTPConnection(target.hostname, target.port, timeout=30)
        with contextlib.closing(connection):
            headers = {
                name: value
                for name, value in request.headers.items()
                if name.lower() not in NOT_FORWARDED
            }
            connection.request(request.method, request.path, request.body, headers)
            reply = connection.getresponse()
            kept = {
                name: value
                for name, value in reply.getheaders()
                if name.lower() in ("content-type", "etag", "location")
            }
            return Response(reply.status, kept, reply.read())

    return answer


# --- faults --------------------------------------------------------------------------------------


def instead(status: int, body: str = "", **headers: str) -> Fault:
    """Answer so, without asking the server behind. ``Retry_After`` stands for ``Retry-After``."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request, forward: Response(status, named, body.encode())


def refused(status: int, precondition: str) -> Fault:
    """Refuse, naming why (RFC 4918 §16)."""
    namespaces = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'
    body = f"<D:error {namespaces}>{precondition}</D:error>"
    return instead(status, body, Content_Type="text/xml")


def lost(request: Request, forward: Answer) -> None:
    """Do what was asked, and hang up instead of answering."""
    forward(request)


def cut_off(request: Request, forward: Answer) -> Response:
    """Promise the whole answer and send the first half."""
    answer = forward(request)
    headers = {**answer.headers, "Content-Length": str(len(answer.body))}
    return Response(answer.status, headers, iter([answer.body[: len(answer.body) // 2]]))


def edited(edit: Callable[[str], str]) -> Fault:
    """Answer with a changed body."""

    def fault(request: Request, forward: Answer) -> Response:
        answer = forward(request)
        return Response(answer.status, answer.headers, edit(answer.body.decode()).encode())

    return fault


def without(*names: str) -> Fault:
    """Leave out of a multistatus what it says about the objects of these names."""

    def edit(body: str) -> str:
        multistatus = etree.fromstring(body.encode())
        for response in multistatus.findall("{DAV:}response"):
            if response.findtext("{DAV:}href").endswith(names):
                multistatus.remove(response)
        return etree.tostring(multistatus, encoding="unicode")

    return edited(edit)
