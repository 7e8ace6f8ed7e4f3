"""A real Chromium on a live server. Whatever its console complains about fails the test."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.core.cache import cache
from django.test import Client
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from availability.models import MeetingType
from connections.models import Consultant
from tests.bookings.bookable import bookable_consultant
from tests.factories import MeetingTypeFactory

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # People are protected from clicks on a frame that has just moved; a test clicks faster.
    "--disable-features=DiscardInputEventsToRecentlyMovedFrames",
]
PATIENCE = 10_000  # milliseconds
AXE = Path(__file__).parent.parent / "node_modules" / "axe-core" / "axe.min.js"
AXE_MISSING = (
    "axe-core was not found, so the pages were not searched for barriers. "
    "Install it with: cd tests && npm ci --ignore-scripts"
)
RUN_AXE = """async () => {
  const { violations } = await axe.run(document, { rules: { "target-size": { enabled: true } } });
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
}"""
NOT_FOUND = (
    "Chromium was not found, so nothing was tried in a browser. "
    "Install it, or say where it is in the environment variable CHROMIUM."
)

NewPage = Callable[..., Page]


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip(NOT_FOUND)
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Playwright runs an event loop in this thread, where Django would refuse every query.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> Iterator[list[str]]:
    """What pages complain about: errors, and loads that their policy refused. None may be left."""
    found: list[str] = []
    yield found
    assert found == []


@pytest.fixture
def new_page(chromium, live_server, complaints) -> Iterator[NewPage]:
    """Pages in a fresh context each; the options are those of Playwright's ``new_context``."""
    contexts = []

    def open_context(**options) -> Page:
        context = chromium.new_context(base_url=live_server.url, **options)
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: _note(message, complaints))
        return page

    yield open_context
    for context in contexts:
        context.close()


@pytest.fixture
def signed_in(new_page, live_server) -> Callable[..., Page]:
    """Pages in which a consultant is signed in."""

    def open_desk(consultant: Consultant, **options) -> Page:
        client = Client()
        client.force_login(consultant)
        session = {"name": "sessionid", "value": client.cookies["sessionid"].value}
        page = new_page(**options)
        page.context.add_cookies([session | {"url": live_server.url}])
        return page

    return open_desk


def _note(message: ConsoleMessage, complaints: list[str]) -> None:
    """That a page was answered with an error status is for the test to judge."""
    is_status = "the server responded with a status of" in message.text
    is_of_page = message.location["url"] in [frame.url for frame in message.page.frames]
    if message.type in ("error", "warning") and not (is_status and is_of_page):
        complaints.append(message.text)


@pytest.fixture(scope="package")
def barriers() -> Callable[[Page], list[str]]:
    """What axe-core objects to on a page as it is now (WCAG 2.2 AA)."""
    if not AXE.exists():
        pytest.skip(AXE_MISSING)
    script = AXE.read_text()

    def search(page: Page) -> list[str]:
        page.evaluate(script)
        return page.evaluate(RUN_AXE)

    return search


@pytest.fixture
def ana(transactional_db) -> Consultant:
    """Bookable in Berlin from 9 to 17, for a talk that asks a question, or for a visit."""
    cache.clear()
    consultant = bookable_consultant()
    MeetingTypeFactory(user=consultant, slug="visit", title="Visit")
    MeetingTypeFactory(
        user=consultant,
        slug="talk",
        title="Talk",
        location="Video call",
        description="We look at where you stand.",
        questions=[
            {
                "name": "topic",
                "label": "Topic",
                "required": True,
                "type": "select",
                "options": ["Taxes", "Law"],
            },
            {"name": "goal", "label": "Goal", "required": False, "type": "textarea"},
        ],
    )
    return consultant


@pytest.fixture
def bo(transactional_db) -> Consultant:
    """Bookable without meeting types, and so without questions."""
    cache.clear()
    consultant = bookable_consultant(name="Bo Berg", slug="bo")
    assert not MeetingType.objects.filter(user=consultant).exists()
    return consultant
