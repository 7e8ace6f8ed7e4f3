"""The desk in a browser: what people are called does not push anything off the page."""

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from bookings.endpoints import WebhookEndpoint
from bookings.models import Booking
from bookings.states import BookingStatus
from connections.models import Consultant
from tests.bookings.bookable import at, tomorrow
from tests.factories import BlockedDateFactory, BookingFactory, ConnectionFactory

pytestmark = pytest.mark.browser

LONG = "Donaudampfschifffahrtsgesellschaft" * 5
LISTS = ["bookings/booking", "bookings/webhookendpoint", "availability/blockeddate"]
IS_WHOLE = """() => [document.documentElement, ...document.querySelectorAll(".readonly")]
  .every(({ scrollWidth, clientWidth }) => scrollWidth <= clientWidth)"""


@pytest.fixture
def booking(ana) -> Booking:
    """With long names in everything that is shown of it."""
    ConnectionFactory(user=ana, calendar_name=LONG)
    day = tomorrow() + timedelta(days=7)
    BlockedDateFactory(user=ana, start_date=day, end_date=day, reason=LONG)
    WebhookEndpoint.objects.create(user=ana, url=f"https://crm.example.com/{LONG}")
    named = {"title": LONG, "invitee_name": LONG, "location": LONG, "event_error": LONG}
    BookingFactory(user=ana, start_time=at(tomorrow(), 11), status=BookingStatus.PENDING, **named)
    return BookingFactory(user=ana, start_time=at(tomorrow(), 9), event_attempts=2, **named)


@pytest.fixture(params=[1280, 375])
def page(request, signed_in, ana: Consultant) -> Page:
    return signed_in(ana, viewport={"width": request.param, "height": 900})


def test_long_names_fit_on_every_page(page, booking):
    addresses = ["", *(f"{name}/" for name in LISTS)]
    addresses += [f"bookings/booking/{booking.pk}/{word}/" for word in ("change", "cancel", "move")]
    found = {}
    for address in addresses:
        page.goto(f"/admin/{address}")
        found[address] = page.evaluate(IS_WHOLE)
    assert [address for address, is_whole in found.items() if not is_whole] == []


def test_a_date_beside_a_long_name_stays_on_its_line(page, booking):
    page.goto("/admin/bookings/booking/")
    start = page.locator("th.field-start_time a").first
    expect(start).to_be_visible()
    assert start.evaluate("date => date.getClientRects().length") == 1
