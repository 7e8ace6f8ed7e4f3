"""axe-core finds nothing to object to, on any page in any state (WCAG 2.2 AA)."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from availability.models import BookingSettings
from bookings.models import Booking
from bookings.states import BookingStatus
from connections.models import Consultant
from tests.bookings.bookable import at, take_everything, tomorrow
from tests.browser.screens import ON_BOTH_SCREENS
from tests.browser.test_booking import day_name, fill_in, form_address
from tests.factories import BookingFactory, ConnectionFactory

pytestmark = pytest.mark.browser


@ON_BOTH_SCREENS
def test_no_page_has_a_barrier_in_any_state(new_page, ana, bo, barriers, options):
    page = new_page(**options, timezone_id="Europe/Berlin")
    found = {state: barriers(page) for state in each_state(page, ana=ana, bo=bo)}
    assert {state: seen for state, seen in found.items() if seen} == {}


def each_state(page: Page, *, ana: Consultant, bo: Consultant) -> Iterator[str]:
    """Bring the page to one state after the other, and say which."""
    yield from choosing(page, bo)
    yield from typing(page)
    yield from refused(page, bo)
    yield from after_booking(page)
    yield from nothing_to_choose(page, bo)


def choosing(page: Page, bo: Consultant) -> Iterator[str]:
    page.goto("/book/ana/")
    yield "meeting types"
    page.goto("/book/ana/talk/")
    yield "calendar"
    page.get_by_role("link", name="Change time zone").click()
    page.get_by_label("Search").fill("europe")
    yield "time zones"
    full = tomorrow() + timedelta(days=3)
    take_everything(bo, full, full)
    page.goto(f"/book/bo/?day={full}")
    expect(page.get_by_text(f"Nothing is free on {day_name(full)}")).to_be_visible()
    yield "a day without free time"
    page.goto(form_address(at(tomorrow(), 9, 10)))
    expect(page.get_by_text("That time is no longer free")).to_be_visible()
    yield "an address with a time that is taken"


def typing(page: Page) -> Iterator[str]:
    page.goto(f"/book/ana/talk/?day={tomorrow()}")
    page.get_by_role("link", name="09:00").click()
    booking = page.get_by_role("button", name="Book this time")
    expect(booking).to_be_visible()
    yield "form"
    booking.evaluate("button => { button.form.noValidate = true }")
    booking.click()
    expect(page.get_by_text("Please check your details")).to_be_visible()
    yield "form with mistakes"


def refused(page: Page, bo: Consultant) -> Iterator[str]:
    page.goto(form_address(at(tomorrow(), 9)))
    fill_in(page)
    BookingFactory(user=bo, start_time=at(tomorrow(), 9))
    page.get_by_role("button", name="Book this time").click()
    expect(page.get_by_text("That time is no longer free")).to_be_visible()
    page.get_by_role("radio", name="09:30").check()
    yield "form whose time was taken"
    connection = ConnectionFactory(
        user=bo,
        caldav_url="http://127.0.0.1:9/",
        calendar_id="http://127.0.0.1:9/calendar/",
        last_synced_at=datetime(2020, 1, 1, tzinfo=UTC),
    )
    page.get_by_role("button", name="Book this time").click()
    expect(page.get_by_text("calendar cannot be reached")).to_be_visible()
    yield "calendar that cannot be verified"
    connection.delete()


def after_booking(page: Page) -> Iterator[str]:
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("The confirmation goes to")).to_be_visible()
    yield "booked"
    Booking.objects.update(status=BookingStatus.CANCELLED)
    page.reload()
    expect(page.get_by_text("This booking was cancelled.")).to_be_visible()
    yield "cancelled"
    for address in ("/booking/unknown/", "/book/nobody/", "/nothing/here/"):
        page.goto(address)
        yield f"nothing at {address}"


def nothing_to_choose(page: Page, bo: Consultant) -> Iterator[str]:
    take_everything(bo, tomorrow() + timedelta(days=1), tomorrow() + timedelta(days=90))
    page.goto(f"/book/bo/?month={tomorrow() + timedelta(days=59):%Y-%m}")
    expect(page.get_by_text("Nothing is free in")).to_be_visible()
    yield "a full month"
    take_everything(bo, tomorrow() - timedelta(days=2), tomorrow())
    page.goto("/book/bo/")
    expect(page.get_by_text("Everything is taken")).to_be_visible()
    yield "everything taken"
    BookingSettings.objects.filter(user=bo).update(stale_policy="close")
    ConnectionFactory(user=bo, last_synced_at=datetime(2020, 1, 1, tzinfo=UTC))
    page.goto("/book/bo/")
    expect(page.get_by_text("No times can be shown right now")).to_be_visible()
    yield "closed"
