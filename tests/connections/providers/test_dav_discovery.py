"""From what a consultant types to the calendars of the account, or to the reason why not."""

from dataclasses import replace

import pytest

from connections.providers.apple import AppleAdapter
from connections.providers.base import (
    AccessRevoked,
    AddressRefused,
    Credentials,
    ProviderError,
    ProviderUnavailable,
    RateLimited,
    RemoteCalendar,
)
from connections.providers.dav.client import GuardedClient
from connections.providers.outbound import OutboundGuard
from connections.providers.session import Limits
from tests.connections.providers.caldav_servers import PASSWORD, USERNAME, calendar_on, free_port
from tests.connections.providers.far_end import FarEnd, Request, Response, cut_off, instead

QUICK = Limits(connect=1, read=0.3, total=2)


def adapter(server_url: str, *, password: str = PASSWORD) -> AppleAdapter:
    credentials = Credentials(username=USERNAME, password=password, server_url=server_url)
    return AppleAdapter(credentials, guard=OutboundGuard(["127.0.0.1"]), limits=QUICK)


def found_from(server_url: str) -> list[str]:
    return [calendar.calendar_id for calendar in adapter(server_url).calendars()]


# --- where one may start -------------------------------------------------------------------------


def test_calendars_are_found_from_the_servers_address(calendar):
    assert calendar.calendar_id in found_from(calendar.device.url)


def test_calendars_are_found_from_the_principals_address(calendar):
    assert calendar.calendar_id in found_from(f"{calendar.device.url}/{USERNAME}/")


def test_address_of_one_calendar_offers_that_one(calendar):
    calendar_on(calendar.device, f"/{USERNAME}/")

    assert found_from(calendar.calendar_id) == [calendar.calendar_id]


def test_calendars_are_found_through_the_well_known_address(calendar, proxy):
    proxy.commit("PROPFIND", instead(404), about="/wrong/place")

    assert len(found_from(f"{proxy.url}/wrong/place")) == len(found_from(proxy.url))
    assert "/.well-known/caldav" in [request.path for request in proxy.requests]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_followed_with_the_same_question(status, calendar, proxy):
    proxy.commit("PROPFIND", instead(status, Location="/"), about="/moved")

    assert len(found_from(f"{proxy.url}/moved")) == len(found_from(calendar.device.url))
    [first, second, *_] = proxy.requests
    assert (second.method, second.path, second.body) == ("PROPFIND", "/", first.body)
    assert second.headers["Authorization"] == first.headers["Authorization"]


def test_redirect_in_a_circle_ends(proxy):
    proxy.commit("PROPFIND", instead(302, Location="/again"), times=99)

    with pytest.raises(ProviderUnavailable, match="in a circle"):
        adapter(proxy.url).calendars()

    assert len(proxy.requests) == 6


# --- where a password must not go ----------------------------------------------------------------


def test_redirect_to_another_host_is_not_followed(proxy):
    with FarEnd(lambda request: Response(207)) as stranger:
        proxy.commit("PROPFIND", instead(302, Location=f"{stranger.url}/caldav"), times=9)

        with pytest.raises(AddressRefused, match=f"sends calsync on to {stranger.url}, which"):
            adapter(proxy.url).calendars()

        assert stranger.requests == []


@pytest.mark.parametrize("property_name", ["current-user-principal", "calendar-home-set"])
def test_link_to_another_host_is_not_followed(property_name):
    with FarEnd(lambda request: Response(207)) as stranger:
        link = f"<href xmlns='DAV:'>{stranger.url}/home/</href>"
        page = account(**{property_name.replace("-", "_"): link})
        with FarEnd(lambda request: page) as server:
            with pytest.raises(AddressRefused, match="which you did not name"):
                adapter(server.url).calendars()

            assert stranger.requests == []


@pytest.mark.parametrize(
    ("start", "target", "is_followed"),
    [
        ("https://example.com/", "https://caldav.example.com/dav/", True),
        ("https://example.com/", "https://example.com:443/dav/", True),
        ("https://caldav.icloud.com/", "https://p42-caldav.icloud.com:443/1/", True),
        ("https://p42-caldav.icloud.com/", "https://p7-caldav.icloud.com/1/", True),
        ("https://www.example.com/", "https://caldav.example.com/", False),
        ("https://caldav.example.com/", "https://example.com/", False),
        ("https://example.com/", "https://badexample.com/", False),
        ("https://example.com/", "https://example.com.evil.net/", False),
        ("https://example.com/", "https://caldav.example.com:8443/", False),
        ("https://example.com:8443/", "https://caldav.example.com/", False),
        ("https://example.com/", "http://example.com/", False),
        ("https://example.com/", "http://caldav.example.com/", False),
        ("https://caldav.icloud.com/", "https://icloud.com.evil.net/", False),
        ("https://caldav.icloud.com/", "https://notcaldav-icloud.com/", False),
        ("https://example.com/", "https://p42-caldav.icloud.com/", False),
        ("https://example.com/", "//evil.net/", False),
        ("https://example.com/", "ftp://example.com/", False),
    ],
)
def test_password_goes_to_the_named_server_and_its_own_hosts_only(start, target, is_followed):
    credentials = Credentials(username=USERNAME, password=PASSWORD, server_url=start)
    client = GuardedClient(credentials, guard=OutboundGuard(), limits=QUICK)

    if is_followed:
        assert client.join(start, target) == target
    else:
        with pytest.raises(AddressRefused):
            client.join(start, target)


# --- why there are none --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "error", "reason"),
    [
        (instead(401), AccessRevoked, "127.0.0.1 refuses the name or the password."),
        (instead(403), ProviderUnavailable, "127.0.0.1 does not answer as a CalDAV server"),
        (instead(404), ProviderUnavailable, "127.0.0.1 does not answer as a CalDAV server"),
        (instead(405), ProviderUnavailable, "127.0.0.1 does not answer as a CalDAV server"),
        (instead(501), ProviderUnavailable, "127.0.0.1 does not answer as a CalDAV server"),
        (
            instead(200, "<html><body>Please sign in</body></html>", Content_Type="text/html"),
            ProviderUnavailable,
            "127.0.0.1 does not answer as a CalDAV server",
        ),
        (instead(207, "not XML"), ProviderUnavailable, "does not answer as a CalDAV server"),
        (instead(500), ProviderUnavailable, "127.0.0.1 answered with error 500."),
        (instead(503), ProviderUnavailable, "127.0.0.1 answered with error 503."),
        (instead(429), RateLimited, "127.0.0.1 asks calsync to wait."),
        (cut_off, ProviderUnavailable, "The connection to 127.0.0.1 failed or broke off."),
        (lambda *_: None, ProviderUnavailable, "The connection to 127.0.0.1 failed or broke off."),
    ],
)
def test_reason_is_a_sentence_for_the_form(fault, error, reason, proxy):
    proxy.commit("PROPFIND", fault, times=99)

    with pytest.raises(ProviderError) as failure:
        adapter(proxy.url).calendars()

    assert (type(failure.value), reason in str(failure.value)) == (error, True)
    assert PASSWORD not in str(failure.value)


def test_wrong_password_is_tried_once(proxy):
    with pytest.raises(AccessRevoked, match="refuses the name or the password"):
        adapter(proxy.url, password="wrong").calendars()

    assert len(proxy.requests) == 1


def test_account_that_may_not_see_its_calendars_is_told_so():
    page = account(current_user_principal="<href xmlns='DAV:'>/principal/</href>")
    with (
        FarEnd(lambda request: page if request.path == "/" else Response(403)) as server,
        pytest.raises(AccessRevoked, match="does not let this account"),
    ):
        adapter(server.url).calendars()


@pytest.mark.parametrize(
    ("typed", "error", "reason"),
    [
        ("10.0.0.1", AddressRefused, "leads into a private network"),
        ("http://example.com", AddressRefused, "over https only"),
        ("https://ada:secret@example.com", AddressRefused, "must not contain a name or a password"),
        ("what is this?", AddressRefused, "not the address of a server"),
        ("https://[", AddressRefused, "not the address of a server"),
    ],
)
def test_address_is_refused_with_a_reason(typed, error, reason):
    with pytest.raises(error, match=reason):
        adapter(typed).calendars()


def test_closed_port_is_a_failed_connection():
    with pytest.raises(ProviderUnavailable, match="failed or broke off"):
        adapter(f"http://127.0.0.1:{free_port()}/").calendars()


def test_silent_server_does_not_hold_the_form():
    with (
        FarEnd(lambda request: server.is_closing.wait(5)) as server,
        pytest.raises(ProviderUnavailable, match=r"silent for 0\.3 seconds"),
    ):
        adapter(server.url).calendars()


def test_every_call_has_its_own_time():
    def answer(request: Request) -> Response:
        server.is_closing.wait(0.4)
        return account(calendar_home_set="<href xmlns='DAV:'>/</href>")

    with FarEnd(answer) as server:
        one = AppleAdapter(
            Credentials(server_url=server.url),
            guard=OutboundGuard(["127.0.0.1"]),
            limits=Limits(total=1.4),
        )

        assert (one.calendars(), one.calendars()) == ([], [])


# --- what is said about a calendar ---------------------------------------------------------------

CALENDAR = "<resourcetype><collection/><c:calendar/></resourcetype>"
PRIVILEGES = (
    "<current-user-privilege-set><privilege><read/></privilege>{}</current-user-privilege-set>"
)
ZONE = "BEGIN:VCALENDAR&#13;\nBEGIN:VTIMEZONE&#13;\nTZID:{}&#13;\nEND:VTIMEZONE&#13;\nEND:VCALENDAR"


def account(**properties: str) -> Response:
    """A multistatus about ``/`` with these properties."""
    return listing({"/": "".join(element(name, content) for name, content in properties.items())})


def element(name: str, content: str) -> str:
    prefix = "c:" if name.startswith("calendar") else ""
    tag = prefix + name.replace("_", "-")
    return f"<{tag}>{content}</{tag}>"


def listing(resources: dict[str, str]) -> Response:
    responses = "".join(
        f"<response><href>{href}</href><propstat><prop>{properties}</prop>"
        "<status>HTTP/1.1 200 OK</status></propstat></response>"
        for href, properties in resources.items()
    )
    namespaces = (
        'xmlns="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav" '
        'xmlns:cs="http://calendarserver.org/ns/"'
    )
    body = f"<multistatus {namespaces}>{responses}</multistatus>"
    return Response(207, {"Content-Type": "text/xml"}, body.encode())


def listed(resources: dict[str, str]) -> list[RemoteCalendar]:
    """The calendars of a home that shows these resources."""

    def answer(request: Request) -> Response:
        if request.path == "/":
            return account(calendar_home_set="<href xmlns='DAV:'>/home/</href>")
        assert request.headers["Depth"] == "1"
        return listing(resources)

    with FarEnd(answer) as server:
        calendars = adapter(server.url).calendars()
        return [
            replace(each, calendar_id=each.calendar_id.removeprefix(server.url))
            for each in calendars
        ]


def test_only_collections_of_events_are_offered():
    kinds = "<c:supported-calendar-component-set>{}</c:supported-calendar-component-set>"
    events, tasks = '<c:comp name="VEVENT"/>', '<c:comp name="VTODO"/>'
    offered = listed(
        {
            "/home/": "<resourcetype><collection/></resourcetype>",
            "/home/inbox/": "<resourcetype><collection/><c:schedule-inbox/></resourcetype>",
            "/home/outbox/": "<resourcetype><collection/><c:schedule-outbox/></resourcetype>",
            "/home/notes/": "<resourcetype><collection/><cs:notification/></resourcetype>",
            "/home/reminders/": CALENDAR + kinds.format(tasks),
            "/home/feed/": CALENDAR.replace("<c:calendar/>", "<c:calendar/><cs:subscribed/>"),
            "/home/both/": CALENDAR + kinds.format(tasks + events),
            "/home/unsaid/": CALENDAR,
        }
    )

    assert [calendar.calendar_id for calendar in offered] == ["/home/both/", "/home/unsaid/"]


def test_what_a_calendar_is_like_is_read():
    [work, holidays] = listed(
        {
            "/home/inbox/": "<resourcetype><c:schedule-inbox/></resourcetype>"
            "<c:schedule-default-calendar-URL><href>/home/w%6Frk/</href>"
            "</c:schedule-default-calendar-URL>",
            "/home/work/": CALENDAR
            + PRIVILEGES.format("<privilege><write/></privilege>")
            + f"<displayname> Work &amp; more </displayname>"
            f"<c:calendar-timezone>{ZONE.format('Europe/Berlin')}</c:calendar-timezone>"
            "<c:schedule-calendar-transp><c:opaque/></c:schedule-calendar-transp>",
            "/home/days%20off/": CALENDAR
            + PRIVILEGES.format("")
            + f"<c:calendar-timezone>{ZONE.format('Berlin, Paris')}</c:calendar-timezone>"
            "<c:schedule-calendar-transp><c:transparent/></c:schedule-calendar-transp>",
        }
    )

    assert work == RemoteCalendar(
        calendar_id="/home/work/",
        name="Work & more",
        time_zone="Europe/Berlin",
        is_default=True,
        is_writable=True,
        blocks_time=True,
    )
    assert holidays == RemoteCalendar(
        calendar_id="/home/days%20off/",
        name="days off",
        time_zone="",
        is_default=False,
        is_writable=False,
        blocks_time=False,
    )


@pytest.mark.parametrize(
    ("privilege", "is_writable"),
    [
        ("<privilege><all/></privilege>", True),
        ("<privilege><write/></privilege>", True),
        ("<privilege><bind/></privilege>", True),
        ("<privilege><write-properties/></privilege>", False),
        ("", False),
    ],
)
def test_writable_is_where_events_can_be_added(privilege, is_writable):
    [calendar] = listed({"/home/work/": CALENDAR + PRIVILEGES.format(privilege)})

    assert calendar.is_writable is is_writable


def test_calendar_in_two_homes_is_offered_once():
    homes = "<href xmlns='DAV:'>/home/</href><href xmlns='DAV:'>/home/</href>"
    pages = {"/": account(calendar_home_set=homes), "/home/": listing({"/home/work/": CALENDAR})}
    with FarEnd(lambda request: pages[request.path]) as server:
        assert found_from(server.url) == [f"{server.url}/home/work/"]
