"""An invitee books in a real browser: by mouse, by keyboard, without JavaScript, on a phone."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

from bookings.models import Booking
from tests.bookings.bookable import at, tomorrow
from tests.factories import BookingFactory

pytestmark = pytest.mark.browser

BERLIN = "Europe/Berlin"
FOCUSED_NAME = """() => {
  const it = document.activeElement;
  const words = it.getAttribute("aria-label") ?? it.labels?.[0]?.textContent ?? it.textContent;
  return words.trim();
}"""
HAS_VISIBLE_FOCUS = "() => getComputedStyle(document.activeElement).outlineStyle === 'solid'"


def day_name(day: date) -> str:
    return f"{day:%A} {day.day} {day:%B}"


def form_address(start: datetime, *, page: str = "bo", zone: str = BERLIN) -> str:
    return f"/book/{page}/?start={start.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}&zone={zone}"


def fill_in(page: Page) -> None:
    page.get_by_label("Your name").fill("Ivy Invitee")
    page.get_by_label("Your e-mail address").fill("ivy@example.com")


def expect_booked(page: Page) -> None:
    expect(page.get_by_text("The confirmation goes to ivy@example.com.")).to_be_visible()


def tab_to(page: Page, name: str) -> None:
    """Press Tab until the focus is on what is called so; it must be seen on every stop."""
    for _ in range(80):
        page.keyboard.press("Tab")
        assert page.evaluate(HAS_VISIBLE_FOCUS)
        if page.evaluate(FOCUSED_NAME).startswith(name):
            return
    raise AssertionError(f"The Tab key never reaches “{name}”.")


def test_a_booking_by_mouse_in_the_invitees_own_time_zone(new_page, ana):
    page = new_page(timezone_id="Australia/Eucla")
    page.goto("/book/ana/")
    page.get_by_role("link", name="Talk").click()
    expect(page.get_by_text("Times are in Australia/Eucla (UTC+08:45)")).to_be_visible()
    page.get_by_role("link", name=day_name(tomorrow())).click()
    local = at(tomorrow(), 9).astimezone(ZoneInfo("Australia/Eucla"))
    page.get_by_role("link", name=f"{local:%H:%M}", exact=True).click()
    fill_in(page)
    page.get_by_label("Topic").select_option("Law")
    page.get_by_label("Goal").fill("Peace")
    page.get_by_role("button", name="Book this time").click()
    expect_booked(page)
    hours = f"{local:%H:%M}–{local + timedelta(minutes=30):%H:%M}"
    expect(page.locator("dl")).to_contain_text(f"{hours}, Australia/Eucla (UTC+08:45)")
    with page.expect_download() as download:
        page.get_by_role("link", name="Add to your calendar").click()
    assert download.value.suggested_filename == "invite.ics"
    [booking] = Booking.objects.all()
    assert (booking.start_time, booking.invitee_time_zone) == (at(tomorrow(), 9), "Australia/Eucla")
    assert booking.answers == {"topic": "Law", "goal": "Peace"}


def test_a_booking_by_keyboard_alone(new_page, ana):
    page = new_page(timezone_id=BERLIN)
    page.goto("/book/ana/")
    keyboard = page.keyboard
    tab_to(page, "Talk")
    keyboard.press("Enter")
    page.wait_for_url("**/talk/")
    tab_to(page, day_name(tomorrow() + timedelta(days=1)))
    keyboard.press("Enter")
    expect(page.locator("#times")).to_be_focused()
    tab_to(page, "09:00")
    keyboard.press("Enter")
    expect(page.locator("#step")).to_be_focused()
    tab_to(page, "Your name")
    keyboard.type("Ivy Invitee")
    tab_to(page, "Your e-mail address")
    keyboard.type("ivy@example.com")
    tab_to(page, "Topic")
    keyboard.type("Law")
    tab_to(page, "Book this time")
    keyboard.press("Enter")
    expect_booked(page)
    assert Booking.objects.get().start_time == at(tomorrow() + timedelta(days=1), 9)


def test_a_booking_without_javascript(new_page, ana):
    page = new_page(java_script_enabled=False, timezone_id="Australia/Eucla")
    page.goto("/book/ana/")
    page.get_by_role("link", name="Talk").click()
    expect(page.get_by_text("Times are in Europe/Berlin")).to_be_visible()
    page.get_by_role("link", name="Change time zone").click()
    expect(page.locator("#zone-search")).to_be_hidden()
    page.get_by_label("Time zone", exact=True).select_option("Australia/Eucla")
    page.get_by_role("button", name="Use this time zone").click()
    page.get_by_role("link", name=day_name(tomorrow())).click()
    local = at(tomorrow(), 9).astimezone(ZoneInfo("Australia/Eucla"))
    page.get_by_role("link", name=f"{local:%H:%M}", exact=True).click()
    fill_in(page)
    page.get_by_label("Topic").select_option("Law")
    page.get_by_role("button", name="Book this time").click()
    expect_booked(page)
    assert Booking.objects.get().start_time == at(tomorrow(), 9)


@pytest.mark.parametrize("with_script", [True, False])
def test_a_double_click_books_once(new_page, bo, with_script):
    page = new_page(java_script_enabled=with_script)
    page.goto(form_address(at(tomorrow(), 9)))
    fill_in(page)
    page.get_by_role("button", name="Book this time").dblclick()
    expect_booked(page)
    assert Booking.objects.count() == 1


@pytest.mark.parametrize("with_script", [True, False])
def test_a_time_taken_while_the_form_is_filled_in(new_page, bo, with_script):
    page = new_page(java_script_enabled=with_script)
    page.goto(form_address(at(tomorrow(), 9)))
    fill_in(page)
    page.get_by_label("Anything that helps").fill("Hello")
    BookingFactory(user=bo, start_time=at(tomorrow(), 9))
    page.get_by_role("button", name="Book this time").click()
    expect(page.locator("#message")).to_be_focused()
    expect(page.locator("#message")).to_contain_text("That time is no longer free")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.get_by_role("radio", name="09:30")).to_be_checked()
    page.get_by_role("button", name="Book this time").click()
    expect_booked(page)
    booking = Booking.objects.get(invitee_notes="Hello")
    assert (booking.start_time, booking.invitee_name) == (at(tomorrow(), 9, 30), "Ivy Invitee")


def test_mistakes_are_listed_and_each_leads_to_its_field(new_page, bo):
    page = new_page()
    page.goto(form_address(at(tomorrow(), 9)))
    fill_in(page)
    page.get_by_label("Your e-mail address").fill("ivy@example")  # good enough for the browser
    page.get_by_role("button", name="Book this time").click()
    expect(page.locator("#message")).to_be_focused()
    steps = []
    page.on("request", lambda request: steps.append(request.resource_type))
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Your e-mail address")).to_be_focused()
    assert {"document", "fetch"}.isdisjoint(steps)
    page.keyboard.press("Control+A")
    page.keyboard.type("ivy@example.com")
    page.get_by_role("button", name="Book this time").click()
    expect_booked(page)
    assert Booking.objects.get().invitee_name == "Ivy Invitee"


@pytest.mark.parametrize("width", [320, 390, 768])
def test_a_booking_on_a_small_screen_never_scrolls_sideways(new_page, ana, width):
    page = new_page(viewport={"width": width, "height": 700}, has_touch=True, timezone_id=BERLIN)

    def expect_to_fit() -> None:
        assert page.evaluate("() => document.documentElement.scrollWidth") == width

    page.goto("/book/ana/")
    expect_to_fit()
    page.get_by_role("link", name="Talk").tap()
    page.get_by_role("link", name=day_name(tomorrow())).tap()
    expect(page.locator("#times")).to_be_in_viewport()
    expect_to_fit()
    page.get_by_role("link", name="09:00").tap()
    fill_in(page)
    expect_to_fit()
    page.get_by_label("Topic").select_option("Law")
    page.get_by_role("button", name="Book this time").tap()
    expect_booked(page)
    expect_to_fit()
