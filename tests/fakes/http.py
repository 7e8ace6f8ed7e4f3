"""What a fake provider is made of: a web service on loopback, put together from routes.

A route takes a ``Call`` and what its pattern captures. It answers with a value, which is sent as
JSON, or with a ``Response``; it refuses by raising ``Refusal``. Routes run one at a time, so that
their state needs no further care. Faults are committed on demand; besides those of a fake's own
there are ``instead``, ``lost``, ``cut_off`` and ``edited`` of the far end.
"""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from threading import RLock
from urllib.parse import parse_qs, unquote, urlsplit

from tests.connections.providers.far_end import Answer, FarEnd, Fault, Request, Response

JSON = {"Content-Type": "application/json; charset=UTF-8"}
Route = tuple[str, str, Callable[..., object]]  # method, pattern of the path, what answers


class Refusal(Exception):
    """Raised by a route instead of returning a response."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


@dataclass(frozen=True)
class Call:
    """A request, read."""

    request: Request

    @cached_property
    def path(self) -> str:
        return urlsplit(self.request.path).path

    @cached_property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.request.path).query, keep_blank_values=True)

    @cached_property
    def form(self) -> dict[str, str]:
        """The fields of a posted form, the first of each name."""
        fields = parse_qs(self.request.body.decode(), keep_blank_values=True)
        return {name: values[0] for name, values in fields.items()}

    @cached_property
    def json(self) -> dict:
        return json.loads(self.request.body)

    def first(self, name: str, default: str = "") -> str:
        """The first value of that name in the query."""
        return self.query.get(name, [default])[0]

    def header(self, name: str) -> str:
        for known, value in self.request.headers.items():
            if known.lower() == name.lower():
                return value
        return ""


class FakeService(FarEnd):
    """Serves routes, and commits the faults it was told, each as often as asked."""

    def __init__(self, routes: Iterable[Route], **options) -> None:
        super().__init__(self._answer, **options)
        self._routes = [(method, re.compile(pattern), route) for method, pattern, route in routes]
        self._faults: list[list] = []
        self.lock = RLock()

    def commit(self, fault: Fault, *, method: str = "", about: str = "", times: int = 1) -> None:
        """Commit a fault on the next requests of that method whose path or body has ``about``."""
        self._faults.append([fault, method, about.encode(), times])

    def heal(self) -> None:
        """Commit no more faults."""
        self._faults.clear()

    def silence(self, request: Request, forward: Answer) -> None:
        """A fault: take the request and never answer."""
        self.is_closing.wait()

    def slow(self, seconds: float) -> Fault:
        """A fault: answer late."""

        def fault(request: Request, forward: Answer) -> Response | None:
            self.is_closing.wait(seconds)
            return forward(request)

        return fault

    def _answer(self, request: Request) -> Response | None:
        for entry in self._faults:
            fault, method, about, times = entry
            concerns = method in ("", request.method) and about in (
                request.path.encode() + request.body
            )
            if times and concerns:
                entry[3] -= 1
                return fault(request, self._serve)
        return self._serve(request)

    def _serve(self, request: Request) -> Response:
        call = Call(request)
        with self.lock:
            try:
                return as_response(self._dispatch(call))
            except Refusal as refusal:
                return refusal.response

    def _dispatch(self, call: Call) -> object:
        for method, pattern, route in self._routes:
            found = pattern.fullmatch(call.path)
            if found and method == call.request.method:
                return route(call, *(unquote(group) for group in found.groups()))
        return Response(404, {"Content-Type": "text/plain"}, b"There is nothing here.")


def as_response(value: object, status: int = 200) -> Response:
    """A response as it is; nothing as 204; anything else as JSON."""
    if isinstance(value, Response):
        return value
    if value is None:
        return Response(204)
    return Response(status, JSON, json.dumps(value).encode())
