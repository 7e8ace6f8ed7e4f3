"""An app-specific password is in clear nowhere: no table, session, log, page or error report."""

import logging
from base64 import b64encode
from collections.abc import Iterator
from json import dumps

import pytest
from django.contrib.sessions.models import Session
from django.core import mail
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from connections import adapters
from connections.models import CalendarConnection
from connections.providers.base import Credentials
from tests.connections.leaks import crash_reports, rows_with
from tests.connections.providers.caldav_servers import (
    USERNAME,
    Device,
    run_radicale,
)
from tests.connections.providers.far_end import FarEnd, Response
from tests.factories import ConsultantFactory

pytestmark = pytest.mark.django_db

CONNECT = "/admin/calendars/connect/"
PASSWORD = "wxyz-qwer-tzui-opas"
CLEAR = {PASSWORD, b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()}


@pytest.fixture
def pages(client: Client) -> Iterator["Pages"]:
    client.force_login(ConsultantFactory(is_superuser=True))
    client.raise_request_exception = False
    return Pages(client)


@pytest.fixture(scope="module")
def calendar(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("radicale")
    with run_radicale(folder) as url:
        address = Device(url).make_calendar(f"/{USERNAME}/")
        (folder / "users").write_text(f"{USERNAME}:{PASSWORD}\n")
        yield address


class Pages:
    """What the browser was shown."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.shown: list[str] = []

    def get(self, address: str) -> str:
        return self._show(self.client.get(address, follow=True))

    def post(self, address: str, data: dict) -> str:
        return self._show(self.client.post(address, data, follow=True))

    def _show(self, response) -> str:
        self.shown.append(response.content.decode() + str(response.headers))
        return self.shown[-1]


def sign_in(server_url: str, **changes: str) -> dict[str, str]:
    return {"server_url": server_url, "username": USERNAME, "password": PASSWORD} | changes


def assert_hidden(pages: Pages, caplog: pytest.LogCaptureFixture) -> None:
    sessions = [dumps(session.get_decoded()) for session in Session.objects.all()]
    assert sessions, "the consultant is signed in"
    for secret in CLEAR:
        assert rows_with(secret) == {}
        assert secret not in caplog.text
        assert not [session for session in sessions if secret in session]
        assert not [page for page in pages.shown if secret in page]
        assert not [letter for letter in mail.outbox if secret in letter.body]


def test_the_search_finds_what_is_there(calendar, pages):
    """Otherwise finding nothing would prove nothing."""
    pages.post(CONNECT, sign_in(calendar))
    ciphertext = CalendarConnection.objects.get().app_specific_password.ciphertext

    assert rows_with(ciphertext) == {"public.calendar_connections": 1}


def test_after_connecting(calendar, pages, caplog):
    caplog.set_level(logging.DEBUG)

    pages.post(CONNECT, sign_in(calendar))
    row = CalendarConnection.objects.get()
    assert row.app_specific_password.reveal() == PASSWORD
    for name in ("reconnect", "choose", "disconnect"):
        pages.get(reverse(f"connections:{name}", args=[row.pk]))
    for page in ("changelist", "change", "history"):
        args = [] if page == "changelist" else [row.pk]
        pages.get(reverse(f"admin:connections_calendarconnection_{page}", args=args))
    pages.get("/admin/")

    assert_hidden(pages, caplog)
    assert not [page for page in pages.shown if row.app_specific_password.ciphertext in page]


def test_after_a_refused_password(calendar, pages, caplog):
    caplog.set_level(logging.DEBUG)

    page = pages.post(CONNECT, sign_in(calendar, username="somebody else"))

    assert "refuses the name or the password" in page
    assert_hidden(pages, caplog)


def test_after_a_server_that_repeats_the_password(pages, caplog):
    """Even what a hostile server says of the sign-in is not shown."""
    caplog.set_level(logging.DEBUG)
    with FarEnd(lambda request: Response(500, dict(request.headers), PASSWORD.encode())) as echo:
        pages.post(CONNECT, sign_in(echo.url))

    assert_hidden(pages, caplog)


def test_after_connecting_again(calendar, pages, caplog):
    caplog.set_level(logging.DEBUG)
    pages.post(CONNECT, sign_in(calendar))
    row = CalendarConnection.objects.get()

    pages.post(reverse("connections:reconnect", args=[row.pk]), sign_in(calendar))

    assert_hidden(pages, caplog)


@pytest.mark.parametrize("is_known", [False, True], ids=["connecting", "connecting again"])
def test_in_the_report_of_a_crash(calendar, pages, caplog, reports, is_known):
    """The table takes no row any more, so that storing fails after the server said yes."""
    caplog.set_level(logging.DEBUG)
    address = CONNECT
    if is_known:
        pages.post(CONNECT, sign_in(calendar))
        address = reverse("connections:reconnect", args=[CalendarConnection.objects.get().pk])
    with connection.cursor() as cursor:
        cursor.execute(
            "SET CONSTRAINTS ALL IMMEDIATE;"
            "ALTER TABLE public.calendar_connections ADD CHECK (false) NOT VALID"
        )

    with transaction.atomic():
        pages.client.post(address, sign_in(calendar))
        transaction.set_rollback(True)

    assert ["remember_account" in report for report in reports] == [True, True]
    for secret in CLEAR:
        assert not [report for report in reports if secret in report]
        assert secret not in caplog.text


def test_in_the_report_of_a_crash_with_the_password_in_hand(pages, reports, monkeypatch):
    def broken_adapter(credentials: Credentials) -> None:
        password = credentials.password
        raise RuntimeError(f"a bug, {len(password)} letters on")

    monkeypatch.setitem(adapters.ADAPTERS, "apple", broken_adapter)

    pages.client.post(CONNECT, sign_in("https://caldav.example.com/"))

    assert ["broken_adapter" in report for report in reports] == [True, True]
    assert not [report for report in reports if PASSWORD in report]


@pytest.fixture
def reports() -> Iterator[list[str]]:
    with crash_reports() as reports:
        yield reports
