"""Why a time is offered, or not: asked on the desk, in a real browser."""

import pytest
from playwright.sync_api import expect

from tests.bookings.bookable import at, tomorrow
from tests.browser.screens import ON_BOTH_SCREENS
from tests.factories import ConnectionFactory, SyncedEventFactory

pytestmark = pytest.mark.browser


@ON_BOTH_SCREENS
def test_the_reason_is_asked_for_by_keyboard_and_shown_without_a_barrier(
    signed_in, ana, barriers, options
):
    SyncedEventFactory(
        connection=ConnectionFactory(user=ana),
        title="Dentist",
        start_time=at(tomorrow(), 9),
        end_time=at(tomorrow(), 10),
    )
    page = signed_in(ana, **options)
    page.goto("/admin/")
    page.get_by_role("link", name="Why is a time offered, or not?").press("Enter")
    page.get_by_role("button", name="Tell me why").press("Enter")
    start = page.get_by_label("Start")
    expect(start).to_have_accessible_description(
        "When it would start, in Europe/Berlin. This field is required."
    )
    found = {"refused": barriers(page)}
    page.get_by_label("Meeting type", exact=True).press("V")
    start.fill(f"{tomorrow()}T09:00")
    start.press("Enter")
    expect(page.get_by_role("heading", name="09:00: not offered")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text="Dentist")).to_be_visible()
    expect(page.get_by_label("Meeting type", exact=True)).to_contain_text("Visit")
    found["not offered"] = barriers(page)
    start.fill(f"{tomorrow()}T10:00")
    start.press("Enter")
    expect(page.get_by_role("heading", name="10:00: offered")).to_be_visible()
    found["offered"] = barriers(page)
    assert found == {"refused": [], "not offered": [], "offered": []}
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
