"""Signing in with a second step, and at Google, as a consultant does it; no page has a barrier."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from connections.models import Consultant
from tests.authenticator import Clock, code
from tests.browser.screens import ON_BOTH_SCREENS
from tests.connections.registered import register_at_google

pytestmark = pytest.mark.browser

PASSWORD = "correct horse battery"


@pytest.fixture
def consultant(ana, google, settings) -> Consultant:
    """Has a password here, and an account at Google."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    register_at_google(settings, google)
    google.account("ana@gmail.example")
    ana.is_staff = True
    ana.set_password(PASSWORD)
    ana.save()
    return ana


@ON_BOTH_SCREENS
def test_a_consultant_sets_up_a_second_step_and_signs_in_with_it(
    new_page, consultant, clock, barriers, options
):
    page = new_page(**options)
    found = {state: barriers(page) for state in each_state(page, consultant, clock)}
    assert {state: seen for state, seen in found.items() if seen} == {}


def each_state(page: Page, consultant: Consultant, clock: Clock) -> Iterator[str]:
    """Bring the page to one state after the other, and say which."""
    yield from with_the_password(page, consultant)
    yield from linking(page)
    key = yield from setting_up(page, clock)
    yield from with_recovery_codes(page)
    sign_out(page)
    yield from with_a_code(page, key, clock)
    sign_out(page)
    yield from removing(page, consultant, key, clock)
    sign_out(page)
    yield from with_an_account_that_is_not_linked(page)


def sign_out(page: Page) -> None:
    page.goto("/admin/")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def with_the_password(page: Page, consultant: Consultant) -> Iterator[str]:
    page.goto("/admin/")
    yield "sign-in page"
    page.get_by_label("Email").fill(consultant.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Your desk")).to_be_visible()
    page.get_by_role("link", name="Sign-in").click()
    yield "how you sign in, with nothing set up"


def linking(page: Page) -> Iterator[str]:
    page.get_by_role("button", name="Link a Google account").click()
    expect(page.get_by_role("heading", name="Is it you?")).to_be_visible()
    yield "password once more"
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("ana@gmail.example at Google lets you in now.")).to_be_visible()
    yield "how you sign in, with a linked account"


def setting_up(page: Page, clock: Clock) -> Iterator[str]:
    page.get_by_role("link", name="Set up an authenticator app").click()
    expect(page.get_by_role("img", name="QR code of the key below")).to_be_visible()
    yield "setting up"
    key = page.locator("#authenticator-key").inner_text()
    page.get_by_label("Authenticator code").fill("000000")
    page.get_by_role("button", name="Finish").click()
    expect(page.get_by_text("Incorrect code.")).to_be_visible()
    yield "setting up with a wrong code"
    page.get_by_label("Authenticator code").fill(code(key, clock.now))
    page.get_by_role("button", name="Finish").click()
    clock.pass_on()
    return key


def with_recovery_codes(page: Page) -> Iterator[str]:
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    yield "recovery codes"
    with page.expect_download() as download:
        page.get_by_role("link", name="Download them").click()
    kept = download.value.path().read_text().split()
    assert kept == page.locator(".codes li").all_inner_texts()
    page.get_by_role("link", name="Make new ones").click()
    yield "new recovery codes"
    page.get_by_role("button", name="Make new ones").click()
    expect(page.get_by_text(kept[0])).to_have_count(0)
    page.get_by_role("link", name="How you sign in").click()
    yield "how you sign in, with everything set up"


def with_a_code(page: Page, key: str, clock: Clock) -> Iterator[str]:
    page.get_by_role("button", name="Sign in with Google").click()
    expect(page.get_by_role("heading", name="Second step")).to_be_visible()
    yield "second step"
    page.get_by_label("Code").fill("000000")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_text("Incorrect code.")).to_be_visible()
    yield "second step with a wrong code"
    page.get_by_label("Code").fill(code(key, clock.now))
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Your desk")).to_be_visible()
    clock.pass_on()


def removing(page: Page, consultant: Consultant, key: str, clock: Clock) -> Iterator[str]:
    page.get_by_label("Email").fill(consultant.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_label("Code").fill(code(key, clock.now))
    page.get_by_role("button", name="Sign in", exact=True).click()
    clock.pass_on()
    page.goto("/accounts/2fa/")
    page.get_by_role("link", name="Remove the authenticator app").click()
    page.get_by_role("link", name="Use authenticator app or code").click()
    yield "code once more"
    page.get_by_label("Code").fill(code(key, clock.now))
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name="Remove the authenticator app?")).to_be_visible()
    yield "removing"
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("The authenticator app is removed.")).to_be_visible()
    page.get_by_role("button", name="Unlink Google ana@gmail.example").click()
    expect(page.get_by_text("That account lets you in no more.")).to_be_visible()


def with_an_account_that_is_not_linked(page: Page) -> Iterator[str]:
    page.get_by_role("button", name="Sign in with Google").click()
    expect(page.get_by_text("ana@gmail.example at Google lets nobody in here.")).to_be_visible()
    yield "not linked"
