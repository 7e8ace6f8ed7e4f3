"""Memory does not grow with the calendar: neither its list nor its events are ever held whole."""

import re
import subprocess
import sys

from tests.connections.providers.caldav_servers import calendar_text, vevent
from tests.connections.providers.contract import HOUR, TEN
from tests.connections.providers.far_end import FarEnd, Request, Response

CALENDAR = "/anna/a%20calendar%20of%20many%20years/"
SMALL, LARGE = 1_500, 12_000
LIST = CALENDAR + "{:08d}-0000-4000-8000-000000000000.ics"
TOLD = "<propstat><prop>{}</prop><status>HTTP/1.1 200 OK</status></propstat>"
ETAG = TOLD.format(f"<getetag>&quot;{'0' * 64}&quot;</getetag>")
TEXT = calendar_text(vevent("Meeting", TEN, TEN + HOUR))
EVENT = TOLD.format(f"<getetag>&quot;1&quot;</getetag><C:calendar-data>{TEXT}</C:calendar-data>")
ABILITIES = TOLD.format(
    "<supported-report-set><supported-report><report><sync-collection/></report>"
    "</supported-report></supported-report-set>"
)


def calendar_of(events: int) -> FarEnd:
    """A server with sync-collection, which names all it has in one answer."""
    listed = "".join(_response(LIST.format(number), ETAG) for number in range(events))

    def answer(request: Request) -> Response:
        body = request.body.decode()
        if request.method == "PROPFIND":
            return _multistatus(_response(CALENDAR, ABILITIES))
        if "calendar-multiget" in body:
            asked = re.findall(r"href>(/[^<]+)<", body)
            return _multistatus("".join(_response(path, EVENT) for path in asked))
        if "RRULE" in body or "RDATE" in body:
            return _multistatus("")
        return _multistatus(listed + "<sync-token>http://example.com/sync/1</sync-token>")

    return FarEnd(answer)


def _response(path: str, told: str) -> str:
    return f"<response><href>{path}</href>{told}</response>"


def _multistatus(inner: str) -> Response:
    spaces = 'xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'
    return Response(207, {}, f"<multistatus {spaces}>{inner}</multistatus>".encode())


def peak(events: int) -> int:
    """Bytes that a process needs to read so many events."""
    with calendar_of(events) as server:
        where = (f"{server.url}/", f"{server.url}{CALENDAR}")
        command = [sys.executable, "-m", "tests.connections.providers.read_all", *where]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    read, most = map(int, done.stdout.split())
    assert read == events
    return most


def test_memory_does_not_grow_with_the_calendar():
    grown = peak(LARGE) - peak(SMALL)

    assert grown < 500_000  # its list alone is 4 MB of XML, read twice
