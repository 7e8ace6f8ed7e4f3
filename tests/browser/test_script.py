"""What the pages' own script adds: the invitee's zone, quick steps, a searchable list."""

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from bookings.models import Booking
from tests.bookings.bookable import at, tomorrow
from tests.browser.test_booking import BERLIN, day_name, expect_booked, fill_in, form_address

pytestmark = pytest.mark.browser


def test_a_time_zone_is_found_by_typing_and_kept(new_page, bo):
    page = new_page(timezone_id="America/New_York")
    page.goto(f"/book/bo/?day={tomorrow()}")
    expect(page.get_by_text("America/New York")).to_be_visible()
    page.get_by_role("link", name="Change time zone").click()
    search = page.get_by_label("Search")
    search.fill("São paulo")
    expect(page.get_by_role("status")).to_have_text("1 time zone")
    search.fill("port-au utc-05:00")
    expect(page.get_by_role("status")).to_have_text("1 time zone")
    expect(page.get_by_role("link", name="Keep")).to_have_text(re.compile("Keep America/New York"))
    search.fill("utc+05:45")
    expect(page.get_by_role("option")).to_have_text(
        ["Asia/Kathmandu (UTC+05:45)", "Asia/Katmandu (UTC+05:45)"]
    )
    search.press("Enter")
    expect(page.get_by_text("Times are in Asia/Kathmandu (UTC+05:45)")).to_be_visible()
    expect(page.locator("#change-zone")).to_be_focused()
    page.reload()
    expect(page.get_by_text("Times are in Asia/Kathmandu (UTC+05:45)")).to_be_visible()


def test_who_finds_no_time_zone_is_told_what_to_look_for(new_page, bo):
    page = new_page(timezone_id=BERLIN)
    page.goto("/book/bo/?choose=zone")
    search, zones = page.get_by_label("Search"), page.get_by_label("Time zone", exact=True)
    for wanted in ("germany", "PST", "München"):
        search.fill(wanted)
        expect(page.get_by_role("status")).to_have_text(
            "None found: try the nearest large city, such as Berlin."
        )
        expect(zones).to_be_hidden()
    search.press("Enter")
    expect(search).to_be_focused()  # nothing is chosen unseen
    search.fill("bérlin")
    expect(zones).to_have_value(BERLIN)
    search.press("Enter")
    expect(page.get_by_text("Times are in Europe/Berlin")).to_be_visible()


def test_a_zone_that_the_server_does_not_know_leaves_the_consultants(new_page, bo):
    page = new_page(timezone_id=BERLIN)
    page.add_init_script(
        "Intl.DateTimeFormat.prototype.resolvedOptions = () => ({ timeZone: 'Mars/Olympus' })"
    )
    page.goto("/book/bo/")
    page.wait_for_url("**zone=Mars%2FOlympus")
    expect(page.get_by_text("Times are in Europe/Berlin")).to_be_visible()


def test_days_are_stepped_through_without_full_loads_and_back_again(new_page, bo):
    page = new_page(timezone_id=BERLIN)
    page.goto(f"/book/bo/?day={tomorrow()}")
    page.evaluate("() => { window.isSamePage = true }")
    heading = page.locator("#times")
    next_month = page.locator("#later")
    month = next_month.get_attribute("aria-label")
    next_month.click()
    expect(page.locator("#month")).to_have_text(month)
    page.locator("td a").last.click()
    expect(heading).to_be_focused()
    page.go_back()
    page.go_back()
    expect(heading).to_have_text(day_name(tomorrow()))
    assert page.evaluate("() => window.isSamePage")


def test_a_late_switch_of_zones_never_wipes_out_what_was_typed(new_page, bo):
    page = new_page(timezone_id="Australia/Eucla")
    held = []
    page.route(lambda address: "zone=Australia" in address, lambda route: held.append(route))
    page.goto(form_address(at(tomorrow(), 9)).removesuffix(f"&zone={BERLIN}"))
    page.get_by_label("Your name").fill("Ivy Invitee")
    page.wait_for_function("() => document.querySelector('[aria-busy]')")
    with page.expect_response("**zone=Australia**"):
        held[0].continue_()
    expect(page.get_by_label("Your name")).to_have_value("Ivy Invitee")
    expect(page.locator(".chosen")).to_contain_text("Europe/Berlin")
    page.get_by_label("Your e-mail address").fill("ivy@example")
    page.get_by_role("button", name="Book this time").click()
    expect(page.locator("#message")).to_be_focused()
    expect(page.get_by_label("Your name")).to_have_value("Ivy Invitee")
    assert len(held) == 1  # nothing is fetched in the place of a page with a message


def test_what_was_typed_survives_the_choice_of_another_time_until_it_is_booked(new_page, ana):
    page = new_page(timezone_id=BERLIN)
    page.goto(form_address(at(tomorrow(), 9), page="ana/talk"))
    fill_in(page)
    page.get_by_label("Topic").select_option("Law")
    page.get_by_label("Goal").fill("Peace")
    page.get_by_role("link", name="Choose another time").click()
    page.get_by_role("link", name="11:00").click()
    expect(page.get_by_label("Your name")).to_have_value("Ivy Invitee")
    expect(page.get_by_label("Topic")).to_have_value("Law")
    page.goto(form_address(at(tomorrow(), 9), page="ana/visit"))
    expect(page.get_by_label("Your name")).to_have_value("")  # other questions, asked anew
    page.goto(form_address(at(tomorrow(), 11), page="ana/talk"))
    page.get_by_role("button", name="Book this time").click()
    expect_booked(page)
    booking = Booking.objects.get()
    assert (booking.start_time, booking.answers["goal"]) == (at(tomorrow(), 11), "Peace")
    page.wait_for_function("() => sessionStorage.length + localStorage.length === 0")
    page.goto(form_address(at(tomorrow(), 9), page="ana/talk"))
    expect(page.get_by_label("Your name")).to_have_value("")


def test_a_field_that_was_emptied_stays_empty_beside_a_message(new_page, bo):
    page = new_page(timezone_id=BERLIN)
    page.goto(form_address(at(tomorrow(), 9)))
    fill_in(page)
    page.get_by_label("Your e-mail address").fill("ivy@example")
    page.get_by_role("button", name="Book this time").click()
    expect(page.locator("#message")).to_be_focused()
    expect(page.get_by_label("Your e-mail address")).to_have_value("ivy@example")
    page.get_by_label("Your name").fill("")
    page.get_by_role("link", name="Choose another time").click()
    page.get_by_role("link", name="11:00").click()
    expect(page.get_by_label("Your name")).to_have_value("")
    expect(page.get_by_label("Your e-mail address")).to_have_value("ivy@example")


@pytest.mark.parametrize("with_script", [True, False])
def test_only_without_javascript_are_details_typed_again(new_page, bo, with_script):
    page = new_page(java_script_enabled=with_script, timezone_id=BERLIN)
    page.goto(f"/book/bo/?day={tomorrow()}")
    page.get_by_role("link", name="09:00").click()
    warning = page.get_by_text("(you would type your details again)")
    expect(warning).to_be_visible(visible=not with_script)


def test_a_browser_that_keeps_nothing_books_all_the_same(new_page, bo):
    page = new_page(timezone_id=BERLIN)
    page.add_init_script("""Object.defineProperty(window, "sessionStorage", {
      get() { throw new DOMException("no storage here", "SecurityError"); },
    })""")
    page.goto(form_address(at(tomorrow(), 9)))
    fill_in(page)
    page.get_by_role("button", name="Book this time").click()
    expect_booked(page)


def test_when_a_quick_step_fails_the_browser_takes_it(new_page, bo, complaints):
    page = new_page(timezone_id=BERLIN)
    page.goto("/book/bo/")
    page.route("**", lambda route: route.abort() if is_fetch(route) else route.continue_())
    with page.expect_console_message():
        page.get_by_role("link", name=day_name(tomorrow())).click()
    expect(page.locator("#times")).to_have_text(day_name(tomorrow()))
    assert complaints == ["Failed to load resource: net::ERR_FAILED"]
    complaints.clear()


def is_fetch(route) -> bool:
    return route.request.resource_type == "fetch"


def test_the_pages_are_light_and_ask_nobody_else(new_page, ana):
    page = new_page(timezone_id=BERLIN)
    loaded = []
    page.on("request", lambda asked: loaded.append(asked.url))
    page.goto("/book/ana/talk/")
    page.get_by_role("link", name=day_name(tomorrow())).click()
    page.get_by_role("link", name="09:00").click()
    expect(page.get_by_label("Your name")).to_be_visible()

    def bytes_of(ending: str) -> int:
        """A page that was left has no bodies any more, so each file is fetched again."""
        paths = {path for path in map(path_of, loaded) if path.endswith(ending)}
        return sum(len(page.request.get(path).body()) for path in paths)

    loaded.append(f"{page.url.split('/book/')[0]}/embed.js")
    assert 0 < bytes_of(".js") < 30_000
    assert 0 < bytes_of(".css") < 15_000
    assert {urlsplit(url).netloc for url in loaded} == {urlsplit(page.url).netloc}


def path_of(url: str) -> str:
    return urlsplit(url).path
