"""Connecting, choosing, reconnecting, disconnecting, with a real CalDAV server at the far end."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.db import DatabaseError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from connections import adapters
from connections.accounts import choose_calendars, disconnect, list_calendars, remember_account
from connections.forms import ICLOUD, ConnectForm
from connections.models import CalendarConnection, Consultant
from connections.providers.apple import AppleAdapter
from connections.providers.base import Credentials, RemoteCalendar
from connections.providers.outbound import OutboundGuard
from connections.providers.session import Limits
from syncing.models import SyncedEvent
from tests.connections.providers.caldav_servers import (
    PASSWORD,
    USERNAME,
    Device,
    run_radicale,
)
from tests.connections.providers.far_end import FarEnd, Response
from tests.factories import ConnectionFactory, ConsultantFactory, SyncedEventFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
CONNECT = "/admin/calendars/connect/"
NEW_CALENDAR = """<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">
<D:set><D:prop><D:displayname>{}</D:displayname></D:prop></D:set></C:mkcalendar>"""


@dataclass(frozen=True)
class Account:
    """The consultant's account at a CalDAV server, with two calendars."""

    folder: Path
    url: str

    def calendar_id(self, name: str) -> str:
        return f"{self.url}{USERNAME}/{name.lower()}/"

    def change_password(self, password: str) -> None:
        (self.folder / "users").write_text(f"{USERNAME}:{password}\n")

    def sign_in(self, **changes: str) -> dict[str, str]:
        """What the consultant types."""
        return {"server_url": self.url, "username": USERNAME, "password": PASSWORD} | changes

    def credentials(self) -> Credentials:
        return Credentials(**self.sign_in())


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    folder = tmp_path_factory.mktemp("radicale")
    with run_radicale(folder) as url:
        for name in ("Work", "Private"):
            path, body = f"/{USERNAME}/{name.lower()}/", NEW_CALENDAR.format(name)
            assert Device(url).send("MKCALENDAR", path, body.encode()).status == 201
        yield Account(folder, f"{url}/")


@pytest.fixture
def account(server: Account) -> Iterator[Account]:
    yield server
    server.change_password(PASSWORD)


@pytest.fixture
def consultant() -> Consultant:
    return ConsultantFactory()


@pytest.fixture
def desk(client: Client, consultant: Consultant) -> Client:
    client.force_login(consultant)
    return client


def connected(consultant: Consultant, account: Account) -> dict[str, CalendarConnection]:
    """The account's calendars by name, signed in to but not yet chosen."""
    credentials = account.credentials()
    calendars = list_calendars("apple", credentials)
    rows = remember_account(consultant, "apple", credentials, calendars, now=NOW)
    return {row.calendar_name: row for row in rows}


def choices(
    rows: list[CalendarConnection], *, destination: CalendarConnection | None, **ticks: list
) -> dict[str, str]:
    """The table of calendars as the browser sends it; ``ticks`` names the rows ticked by column."""
    data = {"form-TOTAL_FORMS": len(rows), "form-INITIAL_FORMS": len(rows)}
    for number, row in enumerate(rows):
        data[f"form-{number}-id"] = row.pk
        for column, ticked in ticks.items():
            if row in ticked:
                data[f"form-{number}-{column}"] = "on"
    return data | ({"destination": destination.pk} if destination else {})


def by_name(consultant: Consultant) -> list[CalendarConnection]:
    return list(CalendarConnection.objects.filter(user=consultant).order_by("calendar_name"))


# --- signing in ----------------------------------------------------------------------------------


def test_form_proposes_icloud(desk):
    page = desk.get(CONNECT).content.decode()

    assert f'value="{ICLOUD}"' in page
    assert "account.apple.com" in page


def test_signing_in_remembers_the_calendars_and_connects_none(desk, consultant, account):
    response = desk.post(CONNECT, account.sign_in())

    private, work = by_name(consultant)
    assert [private.calendar_name, work.calendar_name] == ["Private", "Work"]
    assert [private.calendar_id, work.calendar_id] == [
        account.calendar_id("Private"),
        account.calendar_id("Work"),
    ]
    assert {row.is_active for row in (private, work)} == {False}
    assert {row.is_primary for row in (private, work)} == {False}
    assert {row.app_specific_password.reveal() for row in (private, work)} == {PASSWORD}
    assert {row.credentials() for row in (private, work)} == {account.credentials()}
    assert response.url == reverse("connections:choose", args=[private.pk])


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("cloud.example.com", "https://cloud.example.com/"),
        (" https://Cloud.Example.com ", "https://cloud.example.com/"),
        ("https://cloud.example.com/dav/Anna", "https://cloud.example.com/dav/Anna"),
        ("https://caldav.icloud.com", ICLOUD),
    ],
)
def test_one_server_is_stored_in_one_spelling(typed, stored):
    form = ConnectForm({"server_url": typed})
    form.full_clean()

    assert form.cleaned_data["server_url"] == stored


def refusal(desk: Client, sign_in: dict[str, str]) -> dict[str, list[str]]:
    """The errors of a sign-in that fails, by field; and that it left nothing behind."""
    response = desk.post(CONNECT, sign_in)
    assert response.status_code == 200
    assert "Not connected. Nothing was stored." in response.content.decode()
    assert not CalendarConnection.objects.exists()
    return dict(response.context["form"].errors)


def test_wrong_password_is_told_at_the_password(desk, account):
    errors = refusal(desk, account.sign_in(password="wrong"))

    assert errors == {
        "password": [
            "127.0.0.1 refuses the name or the password. With iCloud this must be an "
            "app-specific password, not the one of your Apple Account."
        ]
    }


def test_unknown_host_is_told_at_the_address(desk, account):
    errors = refusal(desk, account.sign_in(server_url="https://calendars.invalid/"))

    assert list(errors) == ["server_url"]
    assert "calendars.invalid" in errors["server_url"][0]
    assert errors["server_url"][0].endswith("Check the address; if it is right, try again later.")


def test_server_without_calendars_protocol_is_told_at_the_address(desk, account):
    with FarEnd(lambda request: Response(200, body=b"<html>Welcome</html>")) as website:
        errors = refusal(desk, account.sign_in(server_url=website.url))

    assert errors == {
        "server_url": [
            "127.0.0.1 does not answer as a CalDAV server at this address. "
            "Check the address; if it is right, try again later."
        ]
    }


def test_server_that_is_silent_is_told_at_the_address(desk, account, monkeypatch):
    def impatient(credentials: Credentials) -> AppleAdapter:
        guard = OutboundGuard(["127.0.0.1"])
        return AppleAdapter(credentials, guard=guard, limits=Limits(read=0.1))

    monkeypatch.setitem(adapters.ADAPTERS, "apple", impatient)
    with FarEnd(lambda request: silent.is_closing.wait(5) and None) as silent:
        errors = refusal(desk, account.sign_in(server_url=silent.url))

    assert errors == {
        "server_url": [
            "127.0.0.1 was silent for 0.1 seconds. "
            "Check the address; if it is right, try again later."
        ]
    }


def test_server_that_asks_to_wait_is_told_with_the_time(desk, account):
    with FarEnd(lambda request: Response(429, {"Retry-After": "90"})) as busy:
        errors = refusal(desk, account.sign_in(server_url=busy.url))

    assert errors == {"server_url": ["127.0.0.1 asks calsync to wait. Try again in 90 seconds."]}


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("http://caldav.example.com/", "calsync calls other servers over https only."),
        ("https://10.0.0.1/", "10.0.0.1 leads into a private network"),
        ("https://anna:secret@caldav.example.com/", "must not contain a name or a password"),
        ("https://[/", "This is not the address of a server."),
        ("file:///etc/passwd", "This is not the address of a server."),
    ],
)
def test_address_that_must_not_be_called_is_refused(desk, account, address, reason):
    errors = refusal(desk, account.sign_in(server_url=address))

    assert list(errors) == ["server_url"]
    assert reason in errors["server_url"][0]


def test_account_without_calendars_is_told(desk, tmp_path):
    with run_radicale(tmp_path) as url:
        errors = refusal(desk, Account(tmp_path, f"{url}/").sign_in())

    assert list(errors) == ["__all__"]
    assert errors["__all__"][0].startswith("This account has no calendar that holds events.")


def test_nothing_is_asked_of_a_server_while_something_is_missing(desk):
    with FarEnd(lambda request: Response(500)) as server:
        errors = refusal(desk, {"server_url": server.url, "username": "", "password": ""})

    assert errors == {
        "username": ["This field is required."],
        "password": ["This field is required."],
    }
    assert server.requests == []


# --- choosing ------------------------------------------------------------------------------------


def test_all_blocking_calendars_and_the_first_destination_are_proposed(desk, consultant, account):
    response = desk.post(CONNECT, account.sign_in(), follow=True)

    calendars, destination = response.context["calendars"], response.context["destination"]
    assert [form["is_active"].value() for form in calendars] == [True, True]
    assert destination.chosen == str(by_name(consultant)[0].pk)


def test_calendar_that_never_blocks_is_not_proposed(desk, consultant):
    quiet = RemoteCalendar(calendar_id="/quiet/", name="Birthdays", blocks_time=False)
    loud = RemoteCalendar(calendar_id="/loud/", name="Work")
    rows = remember_account(consultant, "apple", Credentials(username="a"), [quiet, loud], now=NOW)

    calendars = desk.get(reverse("connections:choose", args=[rows[1].pk])).context["calendars"]

    proposed = {str(form.instance): form["is_active"].value() for form in calendars}
    assert proposed == {"Birthdays": False, "Work": True}


def test_calendar_that_cannot_be_written_to_is_not_proposed_for_bookings(desk, consultant):
    shared = RemoteCalendar(calendar_id="/shared/", name="A team", is_writable=False)
    own = RemoteCalendar(calendar_id="/own/", name="Own")
    rows = remember_account(consultant, "apple", Credentials(username="a"), [shared, own], now=NOW)

    page = desk.get(reverse("connections:choose", args=[rows[0].pk]))

    assert page.context["destination"].chosen == str(rows[1].pk)


def test_chosen_calendars_are_connected_and_due(desk, consultant, account):
    rows = connected(consultant, account)
    before = timezone.now()

    response = desk.post(
        reverse("connections:choose", args=[rows["Work"].pk]),
        choices(
            by_name(consultant),
            destination=rows["Work"],
            is_active=[rows["Work"]],
            blocks_time=[rows["Work"], rows["Private"]],
            tentative_blocks=[rows["Private"]],
        ),
    )

    assert response.url == "/admin/"
    private, work = by_name(consultant)
    assert (work.is_active, work.is_primary, work.blocks_time, work.tentative_blocks) == (
        True,
        True,
        True,
        False,
    )
    assert (private.is_active, private.is_primary) == (False, False)
    due = CalendarConnection.objects.due(timezone.now())
    assert list(due) == [work]
    assert work.sync_requested_at >= before


def test_destination_must_be_connected(desk, consultant, account):
    rows = connected(consultant, account)

    response = desk.post(
        reverse("connections:choose", args=[rows["Work"].pk]),
        choices(by_name(consultant), destination=rows["Work"], is_active=[rows["Private"]]),
    )

    assert response.context["destination"].errors == {
        "destination": ["Bookings cannot be written to Work unless it is connected."]
    }
    assert not CalendarConnection.objects.active().exists()


def test_one_calendar_must_receive_bookings(desk, consultant, account):
    rows = connected(consultant, account)

    response = desk.post(
        reverse("connections:choose", args=[rows["Work"].pk]),
        choices(by_name(consultant), destination=None, is_active=[rows["Work"]]),
    )

    assert response.context["destination"].errors == {
        "destination": ["Choose the calendar that receives bookings."]
    }


def test_choosing_no_calendar_at_all_is_not_a_choice(desk, consultant, account):
    rows = connected(consultant, account)

    response = desk.post(
        reverse("connections:choose", args=[rows["Work"].pk]),
        choices(by_name(consultant), destination=None),
    )

    assert response.context["calendars"].non_form_errors() == [
        "Choose at least one calendar, or disconnect the account."
    ]


def test_calendars_that_are_only_read_need_no_destination(desk, consultant):
    shared = ConnectionFactory(user=consultant, is_active=False, is_writable=False)

    response = desk.post(
        reverse("connections:choose", args=[shared.pk]),
        choices([shared], destination=None, is_active=[shared]),
    )

    assert response.url == "/admin/"
    assert CalendarConnection.objects.active().get() == shared


def test_destination_of_another_account_stays_the_proposal(desk, consultant, account):
    other = ConnectionFactory(user=consultant, is_primary=True, provider_email="other")
    rows = connected(consultant, account)
    address = reverse("connections:choose", args=[rows["Work"].pk])

    assert desk.get(address).context["destination"].chosen == str(other.pk)

    desk.post(address, choices(by_name(consultant)[1:], destination=other, is_active=rows.values()))
    assert CalendarConnection.objects.get(is_primary=True) == other


def test_exactly_one_calendar_receives_bookings_over_all_accounts(desk, consultant, account):
    ConnectionFactory(user=consultant, is_primary=True, provider_email="other", calendar_name="A")
    rows = connected(consultant, account)

    desk.post(
        reverse("connections:choose", args=[rows["Work"].pk]),
        choices(by_name(consultant)[1:], destination=rows["Work"], is_active=rows.values()),
    )

    assert CalendarConnection.objects.get(user=consultant, is_primary=True) == rows["Work"]


def test_rows_of_another_consultant_cannot_be_smuggled_into_the_choice(desk, consultant, account):
    rows = connected(consultant, account)
    foreign = ConnectionFactory(is_active=False, is_primary=True)

    response = desk.post(
        reverse("connections:choose", args=[rows["Work"].pk]),
        choices([foreign], destination=foreign, is_active=[foreign]),
    )

    assert response.status_code == 200
    assert not CalendarConnection.objects.active().exists()


@pytest.mark.parametrize("whose", ["another consultant's", "an account that is not connected"])
def test_destination_is_one_of_the_consultants_connected_calendars(
    desk, consultant, account, whose
):
    rows = connected(consultant, account)
    other = (
        ConnectionFactory()
        if whose == "another consultant's"
        else ConnectionFactory(user=consultant, is_active=False, provider_email="other")
    )
    address = reverse("connections:choose", args=[rows["Work"].pk])

    page = desk.get(address)
    response = desk.post(
        address, choices(list(rows.values()), destination=other, is_active=rows.values())
    )

    assert list(page.context["destination"].elsewhere) == []
    assert response.context["destination"].errors == {
        "destination": ["Choose a calendar that is connected and that can be written to."]
    }


def test_row_that_does_not_exist_cannot_be_smuggled_into_the_choice(desk, consultant, account):
    other = ConnectionFactory(user=consultant, provider_email="other")
    rows = connected(consultant, account)
    data = {"form-TOTAL_FORMS": 1, "form-INITIAL_FORMS": 0, "form-0-is_active": "on"}

    response = desk.post(
        reverse("connections:choose", args=[rows["Work"].pk]), data | {"destination": other.pk}
    )

    assert response.context["calendars"].non_form_errors() == [
        "Choose at least one calendar, or disconnect the account."
    ]
    assert CalendarConnection.objects.active().get() == other


# --- connecting again ----------------------------------------------------------------------------


def test_new_password_reaches_every_calendar_of_the_account(desk, consultant, account):
    rows = connected(consultant, account)
    for row in rows.values():
        row.is_active = True
    choose_calendars(list(rows.values()), destination=rows["Work"], now=NOW)
    CalendarConnection.objects.update(
        reconnect_needed_at=NOW,
        access_refused_at=NOW,
        next_sync_at=None,
        sync_status="error",
        sync_error="refused",
        failure_count=3,
    )
    account.change_password("a new password")
    before = timezone.now()

    response = desk.post(
        reverse("connections:reconnect", args=[rows["Work"].pk]),
        account.sign_in(password="a new password"),
    )

    assert response.status_code == 302
    for row in by_name(consultant):
        assert row.app_specific_password.reveal() == "a new password"
        assert (row.reconnect_needed_at, row.access_refused_at) == (None, None)
        assert (row.sync_status, row.sync_error, row.failure_count) == ("pending", None, 0)
        assert row.next_sync_at >= before
    assert [row.is_primary for row in by_name(consultant)] == [False, True]


def test_connecting_again_keeps_what_was_chosen(desk, consultant, account):
    rows = connected(consultant, account)
    work = rows["Work"]
    work.is_active, work.blocks_time, work.stores_titles = True, False, False
    choose_calendars([work], now=NOW)

    desk.post(CONNECT, account.sign_in())

    private, work = by_name(consultant)
    assert (work.is_active, work.blocks_time, work.stores_titles) == (True, False, False)
    assert private.is_active is False


def test_page_for_a_new_password_knows_the_account(desk, consultant, account):
    row = connected(consultant, account)["Work"]

    form = desk.get(reverse("connections:reconnect", args=[row.pk])).context["form"]

    assert form["server_url"].value() == account.url
    assert form["username"].value() == USERNAME
    assert form["password"].value() is None


def test_calendar_moves_to_the_sign_in_that_reaches_it_now(consultant):
    """An Apple Account can be renamed; its calendars keep their addresses."""
    work = RemoteCalendar(calendar_id="/work/", name="Work")
    old = Credentials(username="old@example.com", password="old")
    new = Credentials(username="new@example.com", password="new")
    remember_account(consultant, "apple", old, [work], now=NOW)

    remember_account(consultant, "apple", new, [work], now=NOW)

    assert [row.credentials() for row in by_name(consultant)] == [new]


def test_account_is_remembered_whole_or_not_at_all(consultant):
    good = RemoteCalendar(calendar_id="/work/", name="Work")
    impossible = RemoteCalendar(calendar_id="/odd/", name="a NUL: \0")

    with pytest.raises(DatabaseError, match="NUL"):
        remember_account(consultant, "apple", Credentials(), [good, impossible], now=NOW)

    assert not CalendarConnection.objects.exists()


def test_other_accounts_keep_their_password(consultant, account):
    other = ConnectionFactory(user=consultant, provider_email="other", reconnect_needed_at=NOW)

    connected(consultant, account)

    other.refresh_from_db()
    assert other.app_specific_password.reveal() == "app-password"
    assert other.reconnect_needed_at == NOW


def test_superuser_reconnects_for_the_consultant(client, consultant, account):
    row = connected(consultant, account)["Work"]
    client.force_login(ConsultantFactory(is_superuser=True))

    client.post(reverse("connections:reconnect", args=[row.pk]), account.sign_in())

    assert set(CalendarConnection.objects.values_list("user", flat=True)) == {consultant.pk}


# --- disconnecting -------------------------------------------------------------------------------


def test_disconnecting_says_first_what_it_means(desk, consultant, account):
    work = connected(consultant, account)["Work"]
    work.is_active = True
    choose_calendars([work], destination=work, now=NOW)

    page = desk.get(reverse("connections:disconnect", args=[work.pk])).content.decode()

    assert "<strong>Private</strong>, <strong>Work</strong>" in page
    assert "Bookings are no longer written to <strong>Work</strong>" in page
    assert CalendarConnection.objects.count() == 2


def test_disconnecting_forgets_the_account_and_nothing_else(desk, consultant, account):
    work = connected(consultant, account)["Work"]
    SyncedEventFactory(connection=work)
    other = SyncedEventFactory(connection__user=consultant)

    response = desk.post(reverse("connections:disconnect", args=[work.pk]))

    assert response.url == "/admin/"
    assert by_name(consultant) == [other.connection]
    assert list(SyncedEvent.objects.all()) == [other]


def test_calendar_at_the_provider_is_left_alone(consultant, account):
    row = connected(consultant, account)["Work"]

    disconnect(row, now=NOW)

    assert {one.name for one in list_calendars("apple", account.credentials())} == {
        "Private",
        "Work",
    }


# --- who may -------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["reconnect", "choose", "disconnect"])
def test_calendars_of_another_consultant_do_not_exist_here(desk, page):
    foreign = ConnectionFactory()
    address = reverse(f"connections:{page}", args=[foreign.pk])

    assert desk.get(address).status_code == 404
    assert desk.post(address, {}).status_code == 404
    assert CalendarConnection.objects.get() == foreign


@pytest.mark.parametrize("page", ["connect", "sync_now", "reconnect", "choose", "disconnect"])
def test_strangers_are_sent_to_the_sign_in(client, page):
    needs_id = page not in ("connect", "sync_now")
    address = reverse(f"connections:{page}", args=[uuid4()] if needs_id else [])

    response = client.post(address)

    assert response.status_code == 302
    assert response.url.startswith("/admin/login/")


def test_syncing_now_makes_own_calendars_due(desk, consultant):
    later = timezone.now() + timedelta(hours=1)
    own = ConnectionFactory(user=consultant, next_sync_at=later)
    foreign = ConnectionFactory(next_sync_at=later)

    assert desk.get(reverse("connections:sync_now")).url == reverse("admin:index")
    assert list(CalendarConnection.objects.due(timezone.now())) == []
    desk.post(reverse("connections:sync_now"))

    assert list(CalendarConnection.objects.due(timezone.now())) == [own]
    foreign.refresh_from_db()
    assert foreign.next_sync_at == later


def test_syncing_now_without_calendars_says_what_to_do(desk):
    page = desk.post(reverse("connections:sync_now"), follow=True).content.decode()

    assert "There is no calendar to read. Connect one first." in page
