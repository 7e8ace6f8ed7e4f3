"""caldav's client behind the guard: one account's authenticated line to its server.

``DAVClient`` brings the sign-in, the headers and the verbs; its one door, ``request``, is replaced.
As it stands it would follow a redirect with a changed body or method, read without limit, and
log the texts of events.

A password goes only to the server it was typed for. Another origin, in a redirect or an ``href``,
is refused, with two exceptions: iCloud's own hosts among each other, because every account lives
on a partition (``p42-caldav.icloud.com``); and a host below the typed one (``example.com`` ->
``caldav.example.com``), because both have the same owner. Both only over https on port 443.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import cached_property
from io import BytesIO
from itertools import islice
from typing import IO
from urllib.parse import urldefrag, urljoin, urlsplit

from caldav import DAVClient
from caldav.elements import dav
from caldav.lib.error import parse_preconditions
from caldav.response import DAVResponse
from lxml import etree

from connections.providers.base import (
    AccessRevoked,
    AddressRefused,
    Credentials,
    ProviderUnavailable,
    RateLimited,
)
from connections.providers.outbound import HTTPS_PORT, Origin, OutboundGuard, origin
from connections.providers.retry_after import seconds_to_wait
from connections.providers.session import Answer, GuardedSession, Limits

ICLOUD = "icloud.com"
MAX_REDIRECTS = 5
KEEPS_METHOD = {301, 302, 307, 308}  # 303 says "look elsewhere", which only a question can do
A_MINUTE = 60.0  # to wait where a server does not say how long
QUESTIONS = {"GET", "PROPFIND", "REPORT"}
NOT_IMPLEMENTED, INSUFFICIENT_STORAGE = 501, 507  # answers to a request, not failures of the server

# Control characters, as such and as references (XML 1.0 §2.2 allows tab, line feed and return).
_FORBIDDEN = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f]"
    r"|&#(x0*([0-8bcef]|1[0-9a-f])|0*([0-8]|1[1-24-9]|2[0-9]|3[01]));",
    re.IGNORECASE,
)


class Reply(DAVResponse):
    """What came back from ``url``, its XML (if it is any) read once."""

    def __init__(self, answer: Answer, url: str) -> None:
        self.url = url
        self.status = answer.status
        self.headers = answer.headers
        self._answer = answer

    @property
    def body(self) -> bytes:
        """The whole of it: for answers that are short, or make no sense."""
        return self._from_start().read()

    @cached_property
    def tree(self) -> etree._Element | None:
        """The XML, whatever type the server declares: iCloud and others declare it wrongly.

        One event with a character that XML forbids must not make all the others unreadable, nor
        one with a file of 10 MB in it: ``Limits.size`` bounds the whole, its parts need no bound.
        """
        parser = etree.XMLParser(resolve_entities=False, huge_tree=True)
        with suppress(etree.XMLSyntaxError):
            return etree.fromstring(self.body, parser)
        with suppress(etree.XMLSyntaxError):
            return etree.fromstring(_cleaned(self.text), parser)
        return None

    def elements(self, tag: str) -> Iterator[etree._Element]:
        """The elements of that name, one after the other: of a long list only one is kept at once.

        One walk must be over before the next begins.

        Raises ``etree.XMLSyntaxError`` where the XML ends to make sense, and at its end where it is
        not a multistatus.
        """
        seen = 0
        try:
            for element in _walk(self._from_start(), tag):
                yield element
                seen += 1
        except etree.XMLSyntaxError:
            yield from islice(_walk(BytesIO(_cleaned(self.text)), tag), seen, None)

    @cached_property
    def preconditions(self) -> frozenset[str]:
        """Why the request was refused, as names in Clark's notation (RFC 4918 §16)."""
        return frozenset(parse_preconditions(self.body) if self.status >= 400 else ())

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", errors="replace")

    def _from_start(self) -> IO[bytes]:
        self._answer.body.seek(0)
        return self._answer.body


class GuardedClient(DAVClient):
    """Sends requests of one account. Every method may raise what ``request`` raises."""

    def __init__(self, credentials: Credentials, *, guard: OutboundGuard, limits: Limits) -> None:
        guard.check(credentials.server_url)
        super().__init__(
            url=credentials.server_url,
            username=credentials.username,
            password=credentials.password,
            auth_type="basic",  # at once: waiting for a challenge, some answer as to a stranger
            enable_rfc6764=False,
            headers={"User-Agent": "calsync"},
        )
        self.session.close()  # caldav's own, which knows no guard
        self.session = GuardedSession(guard, limits)
        self._start = credentials.server_url

    def begin(self, *, is_long: bool = False) -> None:
        """Start the clock of a call (see ``GuardedSession.begin``)."""
        self.session.begin(is_long=is_long)

    def request(
        self,
        url: str,
        method: str = "GET",
        body: str = "",
        headers: Mapping[str, str] | None = None,
        rate_limit_time_slept: int = 0,
    ) -> Reply:
        """Send a request, to where the server says, with its method and body unchanged.

        Refusals (4xx) are returned: what they mean depends on what was asked. Raises
        ``AccessRevoked``, ``RateLimited``, ``ProviderUnavailable`` and ``AddressRefused``.
        Nothing is repeated, so ``rate_limit_time_slept``, which is caldav's, has no use.
        """
        target = self.join(self._start, url)
        for _ in range(MAX_REDIRECTS + 1):
            reply = self._send(method, target, body, headers or {})
            if not _is_redirect(reply, method):
                return reply
            target = self.join(target, reply.headers["Location"])
        raise ProviderUnavailable(f"{urlsplit(target).hostname} sends calsync in a circle.")

    def join(self, base: str, href: str) -> str:
        """The absolute address of an ``href``, refused where the password must not go."""
        target = urldefrag(urljoin(base, href)).url
        if not self._is_trusted(target):
            raise AddressRefused(
                f"The server sends calsync on to {origin(target)}, which you did not name. "
                "If you trust it, enter its address instead."
            )
        return target

    def _is_trusted(self, target: str) -> bool:
        here, there = origin(self._start), origin(target)
        return here == there or (
            _is_plain_https(here)
            and _is_plain_https(there)
            and (_is_below(there, here.host) or (_is_icloud(here) and _is_icloud(there)))
        )

    def _send(self, method: str, url: str, body: str, headers: Mapping[str, str]) -> Reply:
        answer = self.session.request(
            method,
            url,
            data=body.encode(),
            headers={**self.headers, **headers},
            auth=self.auth,
        )
        _raise_for(answer, urlsplit(url).hostname)
        return Reply(answer, url)


def _walk(xml: IO[bytes], tag: str) -> Iterator[etree._Element]:
    passing = {tag, dav.Response.tag}  # whichever is asked for, thousands of these must not be kept
    walk = etree.iterparse(xml, tag=passing, resolve_entities=False, huge_tree=True)
    for _, element in walk:
        if element.tag == tag:
            yield element
        element.clear(keep_tail=True)
        while element.getprevious() is not None:
            del element.getparent()[0]
    if walk.root.tag != dav.MultiStatus.tag:
        raise etree.XMLSyntaxError("not a multistatus", None, 0, 0)


def _cleaned(text: str) -> bytes:
    return _FORBIDDEN.sub("", text).encode()


def _is_redirect(reply: Reply, method: str) -> bool:
    moved = reply.status in KEEPS_METHOD or (reply.status == 303 and method in QUESTIONS)
    return moved and "Location" in reply.headers


def _raise_for(answer: Answer, host: str) -> None:
    """What an answer means whatever was asked."""
    retry_after = answer.headers.get("Retry-After", "")
    if answer.status == 401:
        raise AccessRevoked(f"{host} refuses the name or the password.")
    if answer.status == 429 or (answer.status == 503 and retry_after):
        wait = seconds_to_wait(retry_after, now=datetime.now(UTC)) or A_MINUTE
        raise RateLimited(f"{host} asks calsync to wait.", retry_after=wait)
    if answer.status >= 500 and answer.status not in (NOT_IMPLEMENTED, INSUFFICIENT_STORAGE):
        raise ProviderUnavailable(f"{host} answered with error {answer.status}.")


def _is_plain_https(where: Origin) -> bool:
    return (where.scheme, where.port) == ("https", HTTPS_PORT)


def _is_below(where: Origin, parent: str) -> bool:
    return where.host.endswith(f".{parent}")


def _is_icloud(where: Origin) -> bool:
    return where.host == ICLOUD or _is_below(where, ICLOUD)
