"""One guarded line to a server: checked addresses, and a limit on time and size.

Whatever a person has typed the address of is called through this: calendar servers, and the
endpoints of webhooks. Nothing a server does can hold a call longer than ``Limits.total`` seconds:
not silence, not one byte a second, not a body without end. Redirects are handed back, cookies
dropped, proxies and ``.netrc`` ignored.
"""

import socket
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import IO
from urllib.parse import urlsplit

import niquests
from niquests.packages.urllib3.contrib.resolver.system import SystemResolver
from niquests.packages.urllib3.exceptions import HTTPError

from connections.providers.base import ProviderUnavailable
from connections.providers.outbound import Endpoint, OutboundGuard

IN_MEMORY_BYTES = 250_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one call may cost: seconds to connect, of silence, and in all; bytes of one answer."""

    connect: float = 5.0
    read: float = 10.0
    total: float = 30.0
    size: int = 32 * 2**20


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Answer:
    """A complete answer. Its body, decoded and read to the end, is a file that closes with it.

    Beyond ``IN_MEMORY_BYTES`` it lies on disk: some answers list a whole calendar.
    """

    status: int
    headers: Mapping[str, str]
    body: IO[bytes]

    def __post_init__(self) -> None:
        weakref.finalize(self, self.body.close)


class AnswerTooLarge(ProviderUnavailable):
    """The answer was longer than ``Limits.size``; asking for less may help."""


class GuardedSession:
    """Sends requests for one task, one at a time. ``begin`` starts the clock of a call."""

    def __init__(self, guard: OutboundGuard, limits: Limits) -> None:
        self._guard, self._limits = guard, limits
        self._lines = _Lines(guard, limits.connect)
        # HTTP/1.1 alone: no Alt-Svc leads elsewhere, and no certificate's own URLs are called.
        self._http = niquests.Session(
            resolver=self._lines,
            disable_http2=True,
            disable_http3=True,
            revocation_configuration=None,
            allow_incoming_cookies=False,
        )
        self._http.trust_env = False
        weakref.finalize(self, _close, self._http, self._lines)
        self.begin()

    def begin(self, *, is_long: bool = False) -> None:
        """Start the clock: the requests from here on share ``Limits.total`` seconds.

        Before the answer to a long question the server may be silent for all of them.
        """
        self._silence = self._limits.total if is_long else self._limits.read
        self._deadline = time.monotonic() + self._limits.total

    def close(self) -> None:
        _close(self._http, self._lines)

    def request(self, method: str, url: str, **content) -> Answer:
        """Send once (``data``, ``headers``, ``auth``) and read the whole answer.

        Raises ``ProviderUnavailable`` with a reason for the person, or ``AddressRefused``.
        """
        self._guard.check(url)
        try:
            with self._lines.cut_after(self._deadline - time.monotonic()):
                return self._exchange(method, url, **content)
        except (OSError, HTTPError) as error:
            raise ProviderUnavailable(self._explain(error, urlsplit(url).hostname)) from None

    def _exchange(self, method: str, url: str, **content) -> Answer:
        response = self._http.request(
            method,
            url,
            allow_redirects=False,
            stream=True,
            timeout=(self._limits.connect, self._silence),
            **content,
        )
        try:
            return Answer(response.status_code, response.headers, self._read(response))
        finally:
            response.close()

    def _read(self, response: niquests.Response) -> IO[bytes]:
        with ExitStack() as on_failure:
            body = on_failure.enter_context(SpooledTemporaryFile(IN_MEMORY_BYTES))
            for chunk in response.iter_content(-1):
                body.write(chunk)
                if body.tell() > self._limits.size:
                    raise AnswerTooLarge("The server's answer is too large to read.")
            body.seek(0)
            on_failure.pop_all()
            return body

    def _explain(self, error: Exception, host: str) -> str:
        """A sentence for the person; the library's own text would hold the whole address."""
        limits = self._limits
        if time.monotonic() >= self._deadline:
            return f"{host} took longer than {limits.total:g} seconds to answer."
        if isinstance(error, niquests.exceptions.SSLError):
            return (
                f"No secure connection to {host} is possible: "
                "its certificate is expired, not trusted, or made out to another name."
            )
        if isinstance(error, niquests.exceptions.ConnectTimeout):
            return f"{host} did not accept a connection within {limits.connect:g} seconds."
        if isinstance(error, niquests.exceptions.ReadTimeout):
            return f"{host} was silent for {self._silence:g} seconds."
        return f"The connection to {host} failed or broke off."


class _Lines(SystemResolver):
    """Opens sockets to checked addresses only, and can cut them all when time is up."""

    def __init__(self, guard: OutboundGuard, patience: float) -> None:
        super().__init__()
        self._guard, self._patience = guard, patience
        self._open: dict[tuple[str, int], socket.socket] = {}
        self._is_cut = False

    def getaddrinfo(self, host: str, port: int, *_, **__) -> list[Endpoint]:
        try:
            return _within(self._patience, lambda: self._guard.resolve(host, port))
        except socket.gaierror as error:
            if error.errno == socket.EAI_AGAIN:
                raise ProviderUnavailable(f"The name {host} cannot be looked up now.") from None
            raise ProviderUnavailable(f"There is no server called {host}.") from None

    def create_connection(self, address: tuple[str, int], *args, **options) -> socket.socket:
        line = super().create_connection(address, *args, **options)
        self._forget(address)
        # A second handle on the same connection: TLS takes the first one over.
        self._open[address] = line.dup()
        if self._is_cut:
            self._cut()
        return line

    @contextmanager
    def cut_after(self, seconds: float) -> Iterator[None]:
        """Give what happens inside so many seconds, then end whatever it is waiting for."""
        if seconds <= 0:
            raise TimeoutError
        self._is_cut = False
        watch = threading.Timer(seconds, self._cut)
        watch.daemon = True
        watch.start()
        try:
            yield
        finally:
            watch.cancel()

    def _cut(self) -> None:
        """Shutting a line down wakes a read in another thread; closing it would not."""
        self._is_cut = True
        for line in list(self._open.values()):
            with suppress(OSError):  # the other side has hung up first
                line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        for address in list(self._open):
            self._forget(address)

    def _forget(self, address: tuple[str, int]) -> None:
        if address in self._open:
            self._open.pop(address).close()


def _within(seconds: float, look_up: Callable[[], list[Endpoint]]) -> list[Endpoint]:
    """The system's name look-up knows no time limit, so it is waited for from outside."""
    thread = ThreadPoolExecutor(max_workers=1)
    try:
        return thread.submit(look_up).result(timeout=seconds)
    finally:
        thread.shutdown(wait=False)


def _close(http: niquests.Session, lines: _Lines) -> None:
    http.close()
    lines.close()
