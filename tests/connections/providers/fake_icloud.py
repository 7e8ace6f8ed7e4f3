"""iCloud as it is known to behave, before a real CalDAV server that does the work.

``caldav.icloud.com`` knows the principal; its calendars live on a partition host, to which absolute
addresses lead, port included. There it answers as Radicale does, except for what is listed in
``_quirks``. Other hosts, and calendars asked for at the wrong host, are not found.
"""

from dataclasses import dataclass, replace

from tests.connections.providers.caldav_servers import (
    USERNAME,
    Answer,
    CalDavCalendar,
    FarEnd,
    Request,
    Response,
    basic,
    forward_to,
    instead,
)

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
        inside = replace(
            request,
            path=request.path.replace(HOME, f"/{USERNAME}/"),
            body=request.body.replace(HOME.encode(), f"/{USERNAME}/".encode()),
        )
        answer = self._forward(inside)
        body = answer.body.replace(f"/{USERNAME}/".encode(), HOME.encode())
        if b"sync-collection" in request.body:
            body = _with_itself(body, request.path)
        return Response(answer.status, answer.headers, body)


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
