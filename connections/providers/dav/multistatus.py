"""Reading a multistatus answer (RFC 4918 §13): resources, their states and properties.

caldav's own readers are not used here because they drop the host of an ``href`` and the status of
a property, and both decide something: whether the address may be called, and whether a resource
is gone or only lacks the property.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import quote, unquote, urlsplit

from caldav.elements import dav
from lxml import etree

from connections.providers.base import AccessRevoked, CalendarGone, ProviderUnavailable
from connections.providers.dav.client import GuardedClient, Reply

OK, FORBIDDEN = 200, 403
MISSING = {404, 410}

_PLAIN_PATH = re.compile(r"/[A-Za-z0-9._~/-]*")
# An href that cannot lead to another server, nor needs to be resolved.
_ROOTED = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9%@:._~-]+)+/?")
_UNESCAPED_IN_PATHS = "!$&'()*+,;=:@"  # RFC 3986's pchar


class Forbidden(AccessRevoked):
    """This account may not read the resource (403). Unlike a 401 it says nothing of the others."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of an answer. ``status`` is its own; ``properties`` are those that it has."""

    path: str
    status: int
    properties: dict[str, etree._Element] = field(default_factory=dict)

    def text(self, tag: str) -> str:
        element = self.properties.get(tag)
        return "" if element is None else (element.text or "").strip()

    @property
    def is_gone(self) -> bool:
        return self.status in MISSING


def read_resources(client: GuardedClient, reply: Reply) -> Iterator[Resource]:
    """The resources of a multistatus, read as they are asked for: there may be 20,000.

    Raises ``Forbidden`` (403), ``CalendarGone`` (404, 410), and ``ProviderUnavailable`` for
    anything else that is none, such as a web page.
    """
    _require_answer(reply)
    try:
        for response in reply.elements(dav.Response.tag):
            yield _read_resource(client, reply, response)
    except etree.XMLSyntaxError:
        raise makes_no_sense(reply) from None


def read_sync_token(reply: Reply) -> str:
    """The new bookmark of a sync-collection report (RFC 6578 §6.2), or nothing."""
    return "".join((token.text or "").strip() for token in reply.elements(dav.SyncToken.tag))


def href_texts(element: etree._Element | None) -> list[str]:
    """The ``href``s inside a property, such as a principal or the homes of calendars."""
    if element is None:
        return []
    return [href.text.strip() for href in element.iter(dav.Href.tag) if href.text]


def path_of(url: str) -> str:
    """The path of an address in one spelling: servers differ in what they percent-encode."""
    path = url if _PLAIN_PATH.fullmatch(url) else urlsplit(url).path
    if _PLAIN_PATH.fullmatch(path):
        return path
    parent, _, name = path.rpartition("/")
    return f"{_in_one_spelling(parent)}/{_spelled(name)}"


@lru_cache(maxsize=100)
def _in_one_spelling(parent: str) -> str:
    """Kept, for thousands of objects are in one collection."""
    return "/".join(_spelled(segment) for segment in parent.split("/"))


def _spelled(segment: str) -> str:
    return quote(unquote(segment), safe=_UNESCAPED_IN_PATHS)


def makes_no_sense(reply: Reply) -> ProviderUnavailable:
    host = urlsplit(reply.url).hostname
    return ProviderUnavailable(f"The answer of {host} makes no sense (status {reply.status}).")


def _require_answer(reply: Reply) -> None:
    host = urlsplit(reply.url).hostname
    if reply.status == FORBIDDEN:
        raise Forbidden(f"{host} does not let this account read the calendar.")
    if reply.status in MISSING:
        raise CalendarGone(f"The calendar no longer exists at {host}.")
    if reply.status not in (200, 207):
        raise makes_no_sense(reply)


def _read_resource(client: GuardedClient, reply: Reply, response: etree._Element) -> Resource:
    href = (response.findtext(dav.Href.tag) or "").strip()
    if not href:
        raise makes_no_sense(reply)
    return Resource(
        path=path_of(href if _ROOTED.fullmatch(href) else client.join(reply.url, href)),
        status=_code(response.findtext(dav.Status.tag)),
        properties=dict(_properties(response)),
    )


def _properties(response: etree._Element) -> Iterator[tuple[str, etree._Element]]:
    for propstat in response.iterfind(dav.PropStat.tag):
        if _code(propstat.findtext(dav.Status.tag)) == OK:
            for element in propstat.iterfind(f"{dav.Prop.tag}/*"):
                yield element.tag, element


def _code(status: str | None) -> int:
    """The number in ``HTTP/1.1 404 Not Found``; a resource without a status of its own is there."""
    parts = (status or "").split()
    return int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else OK
