"""The booking page inside another website, by the custom element of /embed.js."""

from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import expect

from bookings.models import Booking
from tests.bookings.bookable import at, tomorrow
from tests.browser.test_booking import BERLIN, day_name

pytestmark = pytest.mark.browser

WEBSITE = """<!doctype html><html lang="en"><title>Ana's website</title>
<link rel="icon" href="data:,">
<script src="{calsync}/embed.js" defer></script>
<h1>Ana's website</h1>
<calsync-booking consultant="ana" meeting-type="talk"><a href="#">Book by mail</a></calsync-booking>
"""


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_args) -> None:
        """Nothing: the test reads the page, not the server's log."""


@pytest.fixture
def website(live_server, tmp_path: Path) -> Iterator[str]:
    """The origin of a website on another host than calsync's, out of reach of cookies."""
    (tmp_path / "index.html").write_text(WEBSITE.format(calsync=live_server.url))
    (tmp_path / "elsewhere.html").write_text('<link rel="icon" href="data:,">')
    handler = partial(QuietHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_booking_on_another_website(new_page, ana, website, settings):
    settings.ALLOWED_ORIGINS = [website]
    page = new_page(timezone_id=BERLIN)
    page.goto(website)
    frame = page.frame_locator("iframe[title='Book a meeting'][loading=lazy]")
    frame.get_by_role("link", name=day_name(tomorrow())).click()
    frame.get_by_role("link", name="09:00").click()
    frame.get_by_label("Your name").fill("Ivy Invitee")
    frame.get_by_label("Your e-mail address").fill("ivy@example.com")
    frame.get_by_label("Topic").select_option("Law")
    frame.get_by_role("button", name="Book this time").click()
    expect(frame.get_by_text("The confirmation goes to")).to_be_visible()
    assert Booking.objects.get().start_time == at(tomorrow(), 9)
    assert page.context.cookies() == []


def test_a_message_takes_the_focus_in_the_widget_too(new_page, ana, website, settings):
    settings.ALLOWED_ORIGINS = [website]
    page = new_page(timezone_id=BERLIN)
    page.goto(website)
    frame = page.frame_locator("iframe")
    frame.get_by_role("link", name=day_name(tomorrow())).click()
    frame.get_by_role("link", name="09:00").click()
    frame.get_by_label("Your name").fill("Ivy Invitee")
    frame.get_by_label("Your e-mail address").fill("ivy@example")
    frame.get_by_label("Topic").select_option("Law")
    frame.get_by_role("button", name="Book this time").click()
    expect(frame.locator("#message")).to_be_focused()


def test_the_widget_is_as_high_as_its_page(new_page, ana, website, settings):
    settings.ALLOWED_ORIGINS = [website]
    page = new_page(timezone_id=BERLIN, viewport={"width": 400, "height": 700})
    page.goto(website)
    iframe = page.locator("iframe")
    expect(iframe).to_be_visible()
    inside = iframe.element_handle().content_frame()
    inside.get_by_role("link", name=day_name(tomorrow())).click()
    inside.get_by_role("link", name="09:00").wait_for()

    def heights() -> tuple[int, int]:
        within = inside.evaluate("() => Math.ceil(document.body.getBoundingClientRect().height)")
        return within, round(iframe.bounding_box()["height"])

    calendar, shown = heights()
    assert calendar == shown
    inside.get_by_role("link", name="09:00").click()
    expect(iframe).not_to_have_css("height", f"{shown}px")
    form, shown = heights()
    assert form == shown
    assert form != calendar


def test_the_widget_listens_to_its_own_page_alone(new_page, ana, website, settings, complaints):
    settings.ALLOWED_ORIGINS = [website]
    page = new_page(timezone_id=BERLIN)
    page.goto(website)
    expect(page.locator("iframe")).to_be_visible()
    height = page.locator("iframe").bounding_box()["height"]
    page.evaluate("""() => new Promise((done) => {
      const other = document.body.appendChild(document.createElement("iframe"));
      addEventListener("message", () => setTimeout(done));
      other.contentWindow.eval('parent.postMessage({type: "calsync:height", height: 7}, "*")');
    })""")
    widget = page.locator("calsync-booking iframe")
    assert widget.bounding_box()["height"] == height
    widget.evaluate("""(frame) => new Promise((done) => {
      frame.addEventListener("load", () => {
        frame.contentWindow.eval('parent.postMessage({type: "calsync:height", height: 7}, "*")');
      });
      addEventListener("message", () => setTimeout(done));
      frame.src = "/elsewhere.html";
    })""")
    assert widget.bounding_box()["height"] == height
    [refused] = complaints  # nor does it speak to any other page
    assert "does not match the recipient window's origin" in refused
    complaints.clear()


def test_another_meeting_type_is_shown_when_its_attribute_changes(new_page, ana, website, settings):
    settings.ALLOWED_ORIGINS = [website]
    page = new_page(timezone_id=BERLIN)
    page.goto(website)
    page.evaluate(
        "() => document.querySelector('calsync-booking').setAttribute('meeting-type', 'visit')"
    )
    heading = page.frame_locator("iframe").get_by_role("heading", level=1)
    expect(heading).to_have_text("Visit")
    page.evaluate("() => document.querySelector('calsync-booking').removeAttribute('meeting-type')")
    expect(heading).to_have_text("Book a meeting with Ana Ruiz")


def test_a_website_that_is_not_allowed_shows_no_booking_page(
    new_page, ana, website, settings, complaints
):
    settings.ALLOWED_ORIGINS = ["https://elsewhere.example"]
    page = new_page()
    page.clock.install()
    with page.expect_console_message(lambda message: "frame-ancestors" in message.text):
        page.goto(website)
    frame, fallback = page.locator("iframe"), page.get_by_role("link", name="Book by mail")
    for _ in range(2):
        expect(fallback).to_be_visible()
        expect(frame).to_be_hidden()
        page.clock.run_for(60_000)
    [refusal] = [text for text in complaints if "frame-ancestors" in text]
    assert "elsewhere.example" in refusal
    complaints.clear()


def test_the_link_between_the_tags_gives_way_to_the_page_and_comes_back_for_a_lost_one(
    new_page, ana, website, settings, complaints
):
    settings.ALLOWED_ORIGINS = [website]
    page = new_page(timezone_id=BERLIN)
    page.clock.install()
    page.goto(website)
    widget, fallback = page.locator("iframe"), page.get_by_role("link", name="Book by mail")
    expect(widget).to_be_visible()
    expect(fallback).to_be_hidden()
    page.clock.run_for(60_000)
    expect(widget).to_be_visible()
    widget.evaluate("""(frame) => new Promise((done) => {
      frame.addEventListener("load", done);
      frame.src = "/elsewhere.html";  // as an error page does, it says no height
    })""")
    page.clock.run_for(60_000)
    expect(fallback).to_be_visible()
    expect(widget).to_be_hidden()
    complaints.clear()


def test_a_widget_without_a_consultant_tells_its_author(
    new_page, ana, website, settings, complaints
):
    settings.ALLOWED_ORIGINS = [website]
    page = new_page()
    page.goto(website)
    expect(page.frame_locator("iframe").get_by_role("heading", level=1)).to_have_text("Talk")
    page.evaluate("() => document.body.append(document.createElement('calsync-booking'))")
    assert complaints == ['<calsync-booking> needs its consultant: consultant="slug"']
    complaints.clear()
