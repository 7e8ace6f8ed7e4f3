"""A far end that does what it is told: answers as a function says, or misbehaves on demand.

``FarEnd`` is an HTTP server in a thread. ``Proxy`` is one that hands everything to a real server,
except for the faults it is told to commit.
"""

import contextlib
import http.client
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext
from urllib.parse import urlsplit

from lxml import etree

NOT_FORWARDED = {"connection", "content-length", "host", "accept-encoding"}


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

    def __init__(self, target: str, *, patience: float = 30) -> None:
        """``patience`` is how long the real server may take, in seconds."""
        super().__init__(self._answer)
        self._forward = forward_to(target, patience=patience)
        self._faults: list[list] = []

    def commit(self, method: str, fault: Fault, *, times: int = 1, about: str = "") -> None:
        """Commit a fault on the next requests of that method whose body or path has ``about``."""
        self._faults.append([method, about.encode(), fault, times])

    def heal(self) -> None:
        """Commit no more faults."""
        self._faults.clear()

    def fetched(self) -> list[int]:
        """How many objects each multiget asked for."""
        bodies = (request.body for request in self.asked("REPORT"))
        return [body.count(b".ics") for body in bodies if b"calendar-multiget" in body]

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

    do_GET = do_PUT = do_DELETE = do_POST = do_PATCH = _serve  # noqa: N815  as http.server asks
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


def forward_to(url: str, *, patience: float = 30) -> Answer:
    """An answer that is fetched from a real server, which may take so many seconds."""
    target = urlsplit(url)

    def answer(request: Request) -> Response:
        connection = http.client.HTTPConnection(target.hostname, target.port, timeout=patience)
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
    """Leave out of a multistatus what it says about objects with this in their names."""

    def edit(body: str) -> str:
        multistatus = etree.fromstring(body.encode())
        for response in multistatus.findall("{DAV:}response"):
            if any(name in response.findtext("{DAV:}href") for name in names):
                multistatus.remove(response)
        return etree.tostring(multistatus, encoding="unicode")

    return edited(edit)


TRUNCATED = (
    '<response xmlns="DAV:"><href>/</href><status>HTTP/1.1 507 Insufficient Storage</status>'
    "<error><number-of-matches-within-limits/></error></response>"
)


class CutInto:
    """Answer sync reports in parts of ``size`` members, the way RFC 6578 §3.6 has it."""

    def __init__(self, size: int) -> None:
        self._size = size

    def __call__(self, request: Request, forward: Answer) -> Response:
        question = etree.fromstring(request.body)
        token = question.find("{DAV:}sync-token")
        start = 0
        if token.text and token.text.startswith("part:"):
            _, offset, token.text = token.text.split(":", 2)
            start = int(offset)
        answer = forward(replace(request, body=etree.tostring(question)))
        return replace(answer, body=self._part(answer.body, start, token.text or ""))

    def _part(self, body: bytes, start: int, token: str) -> bytes:
        multistatus = etree.fromstring(body)
        responses = multistatus.findall("{DAV:}response")
        end = start + self._size
        for number, response in enumerate(responses):
            if not start <= number < end:
                multistatus.remove(response)
        if end < len(responses):
            multistatus.append(etree.fromstring(TRUNCATED))
            multistatus.find("{DAV:}sync-token").text = f"part:{end}:{token}"
        return etree.tostring(multistatus)
