"""The guarded line to a server: where it leads, and what the server at its end can cost."""

import gzip
import re
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from connections.providers.base import AddressRefused, ProviderUnavailable
from connections.providers.outbound import OutboundGuard
from connections.providers.session import AnswerTooLarge, GuardedSession, Limits
from tests.connections.providers.authority import Authority
from tests.connections.providers.caldav_servers import free_port, look_up
from tests.connections.providers.far_end import FarEnd, Request, Response

PUBLIC = "17.248.190.1"
QUICK = Limits(connect=0.5, read=0.2, total=0.5, size=100_000)


# --- connections ---------------------------------------------------------------------------------


def answering(request: Request) -> Response:
    return Response(200, {}, b"hello")


def ask(url: str, guard: OutboundGuard, limits: Limits = QUICK) -> bytes:
    session = GuardedSession(guard, limits)
    try:
        answer = session.request("GET", url)
        return answer.body.read()
    finally:
        session.close()


def test_name_that_changes_its_answer_is_never_connected_to():
    """DNS rebinding: whatever an earlier look-up said, the address connected to is checked."""
    with FarEnd(answering) as server:
        answers = [look_up(PUBLIC), look_up("127.0.0.1")]
        guard = OutboundGuard(look_up=lambda *args, **kw: answers.pop(0)(*args, **kw))
        guard.resolve("rebound.example", server.port)

        with pytest.raises(AddressRefused):
            ask(f"https://rebound.example:{server.port}/", guard)

        assert server.requests == []


def test_connection_goes_to_the_address_of_the_only_look_up():
    with FarEnd(answering) as server:
        asked = []

        def once(host, port, **_):
            asked.append(host)
            return look_up("127.0.0.1")(host, port)

        guard = OutboundGuard(["calendar.test"], look_up=once)

        assert ask(f"http://calendar.test:{server.port}/", guard) == b"hello"
        assert asked == ["calendar.test"]


def test_forbidden_address_is_not_even_looked_up():
    def look_up(*_, **__):
        raise AssertionError("looked up")

    with pytest.raises(AddressRefused, match="https only"):
        ask("http://calendar.example/", OutboundGuard(look_up=look_up))


def test_environment_brings_neither_a_proxy_nor_a_password(monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login ada password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    with FarEnd(answering) as server:
        ask(f"{server.url}/", OutboundGuard(["127.0.0.1"]))

        assert "Authorization" not in server.requests[0].headers


def test_redirect_is_handed_back_and_cookies_are_dropped():
    moved = Response(302, {"Location": "http://10.0.0.1/", "Set-Cookie": "a=b"})
    with FarEnd(lambda request: moved) as server:
        session = GuardedSession(OutboundGuard(["127.0.0.1"]), QUICK)
        statuses = [session.request("GET", f"{server.url}/").status for _ in range(2)]
        session.close()

        assert statuses == [302, 302]
        assert ["Cookie" in request.headers for request in server.requests] == [False, False]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (socket.EAI_NONAME, "There is no server called calendar.example."),
        (socket.EAI_AGAIN, "The name calendar.example cannot be looked up now."),
    ],
)
def test_name_that_leads_nowhere_is_named(code, reason):
    def fail(*_, **__):
        raise socket.gaierror(code, "no")

    with pytest.raises(ProviderUnavailable, match=re.escape(reason)):
        ask("https://calendar.example/", OutboundGuard(look_up=fail))


def test_name_service_that_hangs_is_not_waited_for():
    guard = OutboundGuard(look_up=lambda *_, **__: threading.Event().wait(1))
    started = time.monotonic()

    with pytest.raises(ProviderUnavailable, match=r"within 0\.2 seconds"):
        ask("https://calendar.example/", guard, Limits(connect=0.2))

    assert time.monotonic() - started < 0.7


def test_closed_port_is_a_failed_connection():
    with pytest.raises(ProviderUnavailable, match=r"connection to 127\.0\.0\.1 failed"):
        ask(f"http://127.0.0.1:{free_port()}/", OutboundGuard(["127.0.0.1"]))


# --- what a server can cost ----------------------------------------------------------------------


def drops(far_end: FarEnd, drop: bytes, pause: float) -> Iterator[bytes]:
    """One drop after the other for as long as the test runs."""
    while not far_end.is_closing.wait(pause):
        yield drop


def failing(answer, reason: str, error: type[Exception] = ProviderUnavailable) -> float:
    """How long, in seconds, it took to give up on a server that answers so."""
    with FarEnd(lambda request: answer(server)) as server:
        started = time.monotonic()
        with pytest.raises(error, match=reason):
            ask(f"{server.url}/", OutboundGuard(["127.0.0.1"]))
        return time.monotonic() - started


def test_silent_server_is_left():
    assert failing(lambda server: server.is_closing.wait(5), "silent for 0.2 seconds") < 3


def test_dripping_body_is_cut_when_time_is_up():
    def drip(server: FarEnd) -> Response:
        return Response(200, {"Content-Length": "9999"}, drops(server, b"x", 0.05))

    assert 0.4 < failing(drip, "longer than 0.5 seconds") < 3


def test_dripping_headers_are_cut_when_time_is_up():
    def drip(server: FarEnd) -> Response:
        return Response(200, Slowly(server))

    assert 0.4 < failing(drip, "longer than 0.5 seconds") < 3


class Slowly:
    """Headers, one at a time, each sent at once."""

    def __init__(self, server: FarEnd) -> None:
        self._server = server

    def items(self) -> Iterator[tuple[str, str]]:
        for drop in drops(self._server, b"x", 0.05):
            yield "X-Drop", drop.decode()


def test_endless_body_is_left_at_the_limit():
    def flood(server: FarEnd) -> Response:
        return Response(200, {}, drops(server, b"x" * 65_536, 0))

    assert failing(flood, "too large", AnswerTooLarge) < 3


def test_compressed_flood_counts_as_what_it_becomes():
    bomb = gzip.compress(b"x" * 10_000_000)
    assert len(bomb) < QUICK.size

    failing(
        lambda server: Response(200, {"Content-Encoding": "gzip"}, bomb),
        "too large",
        AnswerTooLarge,
    )


def test_cut_off_body_is_no_answer():
    def cut(server: FarEnd) -> Response:
        return Response(200, {"Content-Length": "9999"}, iter([b"half"]))

    assert failing(cut, "failed or broke off") < 3


def test_requests_of_one_call_share_its_time():
    with FarEnd(lambda request: server.is_closing.wait(0.6) or Response()) as server:
        session = GuardedSession(OutboundGuard(["127.0.0.1"]), Limits(total=1))
        session.request("GET", f"{server.url}/")
        with pytest.raises(ProviderUnavailable, match="longer than 1 seconds"):
            session.request("GET", f"{server.url}/")
        with pytest.raises(ProviderUnavailable, match="longer than 1 seconds"):
            session.request("GET", f"{server.url}/")
        session.begin()
        answered = session.request("GET", f"{server.url}/").status
        session.close()

        assert (answered, len(server.requests)) == (200, 3)


# --- TLS -----------------------------------------------------------------------------------------


def test_certificate_is_checked_for_the_name_while_the_address_is_pinned(authority, tmp_path):
    with FarEnd(answering, tls=authority.context_for("calendar.test", folder=tmp_path)) as server:
        guard = OutboundGuard(["calendar.test"], look_up=look_up("127.0.0.1"))

        assert ask(f"https://calendar.test:{server.port}/", guard, Limits()) == b"hello"


def test_certificate_of_another_name_gets_no_request(authority, tmp_path):
    with FarEnd(answering, tls=authority.context_for("other.test", folder=tmp_path)) as server:
        guard = OutboundGuard(["calendar.test"], look_up=look_up("127.0.0.1"))

        with pytest.raises(ProviderUnavailable, match=r"No secure connection to calendar\.test"):
            ask(f"https://calendar.test:{server.port}/", guard, Limits())

        assert server.requests == []


def test_certificate_of_an_unknown_authority_gets_no_request(tmp_path):
    with FarEnd(answering, tls=Authority().context_for("calendar.test", folder=tmp_path)) as server:
        guard = OutboundGuard(["calendar.test"], look_up=look_up("127.0.0.1"))

        with pytest.raises(ProviderUnavailable, match=r"No secure connection to calendar\.test"):
            ask(f"https://calendar.test:{server.port}/", guard, Limits())

        assert server.requests == []


def test_addresses_inside_a_certificate_are_not_called(authority, tmp_path):
    """Looking up whether it was revoked would call what the server's certificate names."""
    with FarEnd(answering) as named:
        tls = authority.context_for(
            "calendar.test", folder=tmp_path, revocations=f"{named.url}/revoked"
        )
        with FarEnd(answering, tls=tls) as server:
            guard = OutboundGuard(["calendar.test", "127.0.0.1"], look_up=look_up("127.0.0.1"))
            address = f"https://calendar.test:{server.port}/"

            assert ask(address, guard, Limits()) == b"hello"
            assert named.requests == []
