"""A consultant connects Google and Outlook, is booked there, and leaves: all of it in a browser.

The providers are fakes on loopback, each with a consent screen. They call our live server when
something changes; the worker's tasks run when the test says so.
"""

import re
from collections.abc import Iterator
from datetime import UTC

import pytest
from django.urls import reverse
from playwright.sync_api import Locator, Page, expect

from connections.models import CalendarConnection, Consultant
from tests.bookings.bookable import at, bookable_consultant, tomorrow
from tests.browser.test_booking import expect_booked, fill_in
from tests.connections.registered import register_at_google, register_at_microsoft
from tests.fakes.consent_page import consent_page
from tests.fakes.google import FakeGoogle
from tests.fakes.microsoft import FakeMicrosoft
from tests.worker import work

pytestmark = pytest.mark.browser

BERLIN = "Europe/Berlin"
PASSWORD = "correct horse battery"
ALL = {f"{hour:02}:{minute:02}" for hour in range(9, 17) for minute in (0, 30)}
GOOGLE, OUTLOOK = "ana@gmail.example", "ana@work.example"


@pytest.fixture
def ana(transactional_db, settings) -> Consultant:
    """May sign in, is open every day from 9 to 17, and has connected nothing."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    consultant = bookable_consultant(email="ana@example.com")
    consultant.set_password(PASSWORD)
    consultant.save()
    return consultant


@pytest.fixture(autouse=True)
def providers(live_server, settings, google: FakeGoogle, microsoft: FakeMicrosoft) -> None:
    """Ana has an account at both, where this installation is registered."""
    settings.PUSH_ADDRESS = f"{live_server.url}/webhooks"
    register_at_google(settings, google)
    register_at_microsoft(settings, microsoft)
    google.account(GOOGLE)
    microsoft.account(OUTLOOK)
    google.commit(consent_page, about="/o/oauth2/", times=100)
    microsoft.commit(consent_page, about="/authorize", times=100)


@pytest.fixture
def desk(new_page, ana) -> Page:
    """Ana's browser, signed in."""
    page = new_page(viewport={"width": 1280, "height": 900}, timezone_id=BERLIN)
    page.goto("/admin/")
    page.locator("[name=login]").fill("ana@example.com")
    page.locator("[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Calendars", exact=True)).to_be_visible()
    return page


def begin(page: Page, button: str) -> None:
    """From the desk to the provider's consent screen. While the desk is new, it says so twice."""
    page.goto("/admin/")
    page.get_by_role("button", name=button).first.click()


def allow(page: Page) -> None:
    """From the consent screen to the account's calendars."""
    page.get_by_role("link", name="Allow").click()
    page.wait_for_url("**/choose/")


def box(page: Page, name: str) -> Locator:
    return page.get_by_role("checkbox", name=name, exact=True)


def save(page: Page) -> None:
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The calendars are read within the next seconds.")).to_be_visible()
    work()


def disconnect(page: Page, calendar: str) -> None:
    page.goto("/admin/")
    calendars = page.get_by_role("region", name="Calendars", exact=True)
    calendars.get_by_role("link", name=calendar, exact=True).click()
    page.get_by_role("link", name="Disconnect").click()
    page.get_by_role("button", name="Disconnect").click()
    expect(page.get_by_text("is disconnected.")).to_be_visible()
    work()


def times(page: Page) -> set[str]:
    """The slots of tomorrow, as an invitee sees them."""
    page.goto(f"/book/ana/?day={tomorrow()}")
    return set(page.get_by_role("link", name=re.compile(r"^\d\d:\d\d$")).all_inner_texts())


def book(page: Page, time: str) -> None:
    page.goto(f"/book/ana/?day={tomorrow()}")
    page.get_by_role("link", name=time, exact=True).click()
    fill_in(page)
    page.get_by_role("button", name="Book this time").click()
    expect_booked(page)
    work()


def test_from_the_first_consent_to_the_last_token(desk, new_page, ana, google, microsoft):
    invitee = new_page(timezone_id=BERLIN)
    family = google.account(GOOGLE).calendar("Family")
    bookings = google.account(GOOGLE).calendar("Bookings")
    office = microsoft.account(OUTLOOK).default
    family.add("Breakfast", at(tomorrow(), 9), at(tomorrow(), 10))
    bookings.add("Lunch", at(tomorrow(), 12), at(tomorrow(), 13))

    begin(desk, "Connect Google Calendar")
    allow(desk)
    box(desk, "Family: Blocks time").uncheck()
    desk.get_by_label("Bookings receives bookings").check()
    save(desk)
    begin(desk, "Connect Outlook")
    allow(desk)
    save(desk)
    assert times(invitee) == ALL - {"12:00", "12:30"}  # the family's breakfast blocks nothing
    assert len(google.channels.open) == 3
    assert len(microsoft.subscriptions.open) == 1

    bookings.add("Dentist", at(tomorrow(), 15), at(tomorrow(), 16))
    office.add("Board", at(tomorrow(), 10), at(tomorrow(), 11))
    google.channels.settle()
    microsoft.subscriptions.settle()
    work()
    assert times(invitee) == ALL - {"10:00", "10:30", "12:00", "12:30", "15:00", "15:30"}

    book(invitee, "14:00")
    [event] = [one for one in bookings.live() if "Ivy Invitee" in one["summary"]]
    assert event["start"]["dateTime"] == at(tomorrow(), 14).astimezone(UTC).isoformat()
    assert "14:00" not in times(invitee)

    refresh_token = CalendarConnection.objects.filter(provider="google")[0].refresh_token.reveal()
    disconnect(desk, "Bookings")
    assert google.tokens.of_refresh(refresh_token) is None
    assert google.channels.open == {}
    assert times(invitee) == ALL - {"10:00", "10:30", "14:00"}  # Outlook and the booking stand
    disconnect(desk, "Calendar")
    expect(desk.get_by_text("To take back the access you allowed")).to_be_visible()
    assert microsoft.subscriptions.open == {}
    assert CalendarConnection.objects.count() == 0


def test_consent_that_is_denied_leads_back_to_where_it_began(desk, google):
    begin(desk, "Connect Google Calendar")
    desk.get_by_role("link", name="Deny").click()
    expect(desk.get_by_text("The access was not allowed at Google Calendar.")).to_be_visible()

    desk.get_by_role("button", name="Begin again").click()
    allow(desk)

    expect(desk.get_by_role("heading", name=f"Calendars of {GOOGLE}")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_on_the_way_has_a_barrier(desk, barriers, scheme):
    desk.emulate_media(color_scheme=scheme)
    found = {state: barriers(desk) for state in on_the_way(desk)}
    assert {state: seen for state, seen in found.items() if seen} == {}


def on_the_way(page: Page) -> Iterator[str]:
    """Bring the page to one state after the other, and say which."""
    yield "desk without calendars"
    begin(page, "Connect Outlook")
    page.get_by_role("link", name="Deny").click()
    yield "not connected"
    page.get_by_role("button", name="Begin again").click()
    allow(page)
    yield "choosing calendars"
    save(page)
    page.goto("/admin/")
    yield "desk with calendars"
    CalendarConnection.objects.update(reconnect_needed_at=at(tomorrow(), 9))
    page.goto("/admin/")
    yield "desk with a lost account"
    page.get_by_role("link", name="Connect again").click()
    yield "connecting again"
    [connection] = CalendarConnection.objects.all()
    page.goto(reverse("connections:disconnect", args=[connection.pk]))
    yield "disconnecting"
