"""The API's description, as a browser shows it under its policy."""

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_the_api_is_described_from_our_own_assets_alone(new_page, live_server):
    page = new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/api/docs/")
    expect(page.get_by_text("/api/v1/holds/", exact=True)).to_be_visible()
    page.locator("#operations-v1-bookings_cancel button").first.click()
    expect(page.get_by_text("Cancel the booking. To ask twice is no error.")).to_be_visible()
    assert [url for url in asked if not url.startswith((live_server.url, "data:"))] == []
