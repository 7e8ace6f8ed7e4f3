"""iCloud as it is known to behave, before a real CalDAV server that does the work.

``caldav.icloud.com`` knows the principal; its calendars live on a partition host, to which absolute
addresses lead, port included. There it answers as Radicale does, except for what is listed in
``_quirks``. Other hosts, and calendars asked for at the wrong host, are not found.
"""

from dataclasses import dataclass, replace
from socket import AF_INET, SOCK_STREAM
from urllib.parse import quote, urlsplit

from connections.providers.apple import AppleAdapter
from connections.providers.base import Credentials
from connections.providers.outbound import OutboundGuard
from tests.connections.providers.caldav_servers import (
    PASSWORD,
    USERNAME,
    CalDavCalendar,
    Device,
    basic,
)
from tests.connections.providers.far_end import FarEnd, Request, Response, forward_to

FRONT, PARTITION = "caldav.icloud.com", "p42-caldav.icloud.com"
ACCOUNT = "/1234567890"
PRINCIPAL, HOME = f"{ACCOUNT}/principal/", f"{ACCOUNT}/calendars/"
XML = {"Content-Type": "text/xml;charset=UTF-8"}


class FakeICloud(FarEnd):
    """Plays iCloud before the Radicale at ``target``."""

    def __init__(self, target: str, **options) -> None:
        super().__init__(self._answer, **options)
        self._forward = forward_to(target)

    def _answer(self, request: Request) -> Response:
        if request.headers.get("Authorization") != basic():
            return Response(401, {"WWW-Authenticate": 'X-MobileMe-AuthToken realm="MMCal"'})
        host = request.headers["Host"]
        if host == FRONT:
            return _front(request)
        if host == PARTITION and request.path.startswith(HOME):
            return self._partition(request)
        return Response(404)

    def _partition(self, request: Request) -> Response:
        refused = _quirks(request)
        if refused is not None:
            return refused
        body = _inside(request.body.decode()).encode()
        answer = self._forward(replace(request, path=_inside(request.path), body=body))
        body = _outside(answer.body.decode())
        if b"sync-collection" in request.body:
            body = _with_itself(body, request.path)
        return Response(answer.status, answer.headers, body.encode())


def _front(request: Request) -> Response:
    if request.method != "PROPFIND" or b"allprop" in request.body:
        return Response(400)
    if request.path == "/":
        link = f"<href>{PRINCIPAL}</href>"
        return _with("/", f"<current-user-principal>{link}</current-user-principal>")
    if request.path == PRINCIPAL:
        home = f"<href xmlns='DAV:'>https://{PARTITION}:443{HOME}</href>"
        return _with(PRINCIPAL, f"<c:calendar-home-set>{home}</c:calendar-home-set>")
    return Response(404)


def _with(path: str, properties: str) -> Response:
    """A multistatus about one resource."""
    namespaces = 'xmlns="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"'
    body = (
        f"<multistatus {namespaces}><response><href>{path}</href><propstat>"
        f"<prop>{properties}</prop><status>HTTP/1.1 200 OK</status></propstat>"
        "</response></multistatus>"
    )
    return Response(207, XML, body.encode())


def _quirks(request: Request) -> Response | None:
    """Where iCloud differs from Radicale in what it takes."""
    if request.headers.get("If-Match") == "*":  # holds backwards
        return Response(412)
    if request.method == "PUT" and b"DTEND" not in request.body:
        return Response(403)
    return None


def _with_itself(body: str, path: str) -> str:
    """A sync report lists the collection as if it were one of its members."""
    entry = (
        f'<response><href>{path}</href><propstat><prop><getetag>"itself"</getetag></prop>'
        "<status>HTTP/1.1 200 OK</status></propstat></response></multistatus>"
    )
    return body.replace("</multistatus>", entry)


@dataclass(kw_only=True)
class ICloudCalendar(CalDavCalendar):
    """A calendar on Radicale that the adapter finds, without being told an address, at iCloud."""

    icloud: FakeICloud

    def adapter(self, **credentials: str) -> AppleAdapter:
        known = {"username": USERNAME, "password": PASSWORD} | credentials
        there = [(AF_INET, SOCK_STREAM, 6, "", ("127.0.0.1", self.icloud.port))]
        guard = OutboundGuard([FRONT, PARTITION], look_up=lambda *_, **__: there)
        return AppleAdapter(Credentials(**known), guard=guard, limits=self.limits)


class _DeviceInside(Device):
    """Speaks iCloud's paths and goes to Radicale."""

    def send(self, method: str, path: str, body: bytes = b"") -> Response:
        return super().send(method, _inside(path), body)


def icloud_calendar(device: Device, icloud: FakeICloud) -> ICloudCalendar:
    inside = _DeviceInside(device.url)
    path = urlsplit(inside.make_calendar(HOME)).path
    return ICloudCalendar(
        device=inside,
        calendar_id=f"https://{PARTITION}{path}",
        server_url="",
        icloud=icloud,
    )


def _outside(text: str) -> str:
    return text.replace(f"/{quote(USERNAME)}/", HOME)  # as Radicale spells it


def _inside(text: str) -> str:
    return text.replace(HOME, f"/{USERNAME}/")
