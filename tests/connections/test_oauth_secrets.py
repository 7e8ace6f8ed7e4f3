"""Tokens are in clear nowhere, however a consent ends: no table, session, log, page or report."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from json import dumps

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from allauth.socialaccount.models import SocialAccount, SocialLogin, SocialToken
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from connections.models import CalendarConnection, Consultant
from connections.oauth.consent import NotConnected, finish
from tests.connections.consents import Browser
from tests.connections.leaks import crash_reports, rows_with
from tests.connections.providers.far_end import Response, edited, instead
from tests.connections.registered import REGISTER
from tests.factories import ConsultantFactory

pytestmark = pytest.mark.django_db

ANNA, BEN, PASSWORD = "anna@example.com", "ben@example.com", "correct horse battery"
APP_SECRET = "GOCSPX-an-app-secret"


@pytest.fixture(params=["google", "microsoft"])
def browser(request, settings) -> Browser:
    far = request.getfixturevalue(request.param)
    at = far.oauth if request.param == "google" else far.identity
    at.client_secret = APP_SECRET
    REGISTER[request.param](settings, far)
    far.account(ANNA)
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    client = Client(raise_request_exception=False)
    consultant = ConsultantFactory()
    consultant.set_password(PASSWORD)
    consultant.save()
    client.force_login(consultant)
    return Browser(client, request.param, far)


def connects(browser: Browser):
    response = browser.connect()
    assert response.status_code == 302
    return browser.client.get(response.url)


def connects_again(browser: Browser):
    browser.connect()
    return browser.reconnect(CalendarConnection.objects.first())


def chooses_the_wrong_account(browser: Browser):
    browser.connect()
    browser.consent.account = browser.far.account(BEN)
    return browser.reconnect(CalendarConnection.objects.first())


def allows_a_part(browser: Browser):
    less = edited(lambda body: body.replace('"scope": "', '"scope": "nothing", "": "'))
    browser.far.commit(less, about="/token")
    return browser.connect()


def gets_no_refresh_token(browser: Browser):
    browser.far.commit(edited(lambda body: body.replace("refresh_token", "other")), about="/token")
    return browser.connect()


def finds_the_calendars_out_of_order(browser: Browser):
    browser.far.commit(instead(503), about="/me/calendar", times=10)
    return browser.connect()


def finds_nobody_at_home(browser: Browser):
    who = {"google": "/userinfo", "microsoft": "/v1.0/me?"}[browser.provider]
    browser.far.commit(_repeating, about=who, times=10)
    return browser.connect()


def is_shown_what_was_sent(browser: Browser):
    """The provider refuses the code, and quotes the question with the app's secret in it."""
    browser.far.commit(_repeating, about="/token", times=10)
    return browser.connect()


def is_somebody_else_by_then(browser: Browser):
    back = browser.decide(browser.go(reverse("connections:consent", args=[browser.provider])))
    browser.client.force_login(ConsultantFactory())
    return browser.client.get(back)


def is_shut_out_by_then(browser: Browser):
    back = browser.decide(browser.go(reverse("connections:consent", args=[browser.provider])))
    Consultant.objects.update(is_staff=False)
    return browser.client.get(back)


def _repeating(request, forward) -> Response:
    return Response(400, {}, request.body + str(request.headers).encode())


def links(browser: Browser):
    """The consent screen is reached once the password was said anew."""
    browser.client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    browser.link()
    assert SocialAccount.objects.count() == 1
    return browser.client.get(reverse("mfa_index"))


def signs_in(browser: Browser):
    links(browser)
    browser.client.logout()
    assert browser.sign_in().url == "/admin/"
    return browser.client.get("/admin/")


def signs_in_to_the_second_step(browser: Browser):
    """Half signed in, which is where allauth keeps what it knows in the session."""
    links(browser)
    TOTP.activate(Consultant.objects.get(), "A KEY")
    browser.client.logout()
    page = browser.client.get(browser.sign_in().url)
    assert "Second step" in page.content.decode()
    return page


def signs_in_without_a_link(browser: Browser):
    browser.client.logout()
    return browser.sign_in()


def links_what_lets_in_another(browser: Browser):
    links(browser)
    SocialAccount.objects.update(user=ConsultantFactory())
    return browser.link()


def finds_nobody_at_home_in_signing_in(browser: Browser):
    browser.far.commit(_repeating, about="/userinfo", times=10)
    return signs_in_without_a_link(browser)


def is_shown_what_was_sent_in_signing_in(browser: Browser):
    browser.far.commit(_repeating, about="/token", times=10)
    return signs_in_without_a_link(browser)


ENDINGS = [
    connects,
    connects_again,
    chooses_the_wrong_account,
    allows_a_part,
    gets_no_refresh_token,
    finds_the_calendars_out_of_order,
    finds_nobody_at_home,
    is_shown_what_was_sent,
    is_somebody_else_by_then,
    is_shut_out_by_then,
    links,
    signs_in,
    signs_in_to_the_second_step,
    signs_in_without_a_link,
    links_what_lets_in_another,
    finds_nobody_at_home_in_signing_in,
    is_shown_what_was_sent_in_signing_in,
]
WITHOUT_TOKENS = {
    is_somebody_else_by_then,
    is_shown_what_was_sent,
    is_shown_what_was_sent_in_signing_in,
}


@pytest.mark.parametrize("ending", ENDINGS, ids=lambda ending: ending.__name__)
def test_whoever(ending: Callable, browser, caplog):
    caplog.set_level(logging.DEBUG)

    page = ending(browser)
    pages = [page, browser.client.get("/admin/", follow=True)]

    secrets = [APP_SECRET, *browser.tokens]
    if ending not in WITHOUT_TOKENS:
        assert len(secrets) > 1, "the provider gave out tokens"
    sessions = [dumps(session.get_decoded()) for session in Session.objects.all()]
    texts = [*sessions, caplog.text, *(str(one.headers) + one.content.decode() for one in pages)]
    assert sessions
    for secret in secrets:
        assert rows_with(secret) == {}
        assert not [text for text in texts if secret in text]


def test_the_search_finds_what_is_there(browser):
    """Otherwise finding nothing would prove nothing."""
    browser.connect()
    row = CalendarConnection.objects.first()
    count = CalendarConnection.objects.count()

    assert {row.access_token.reveal(), row.refresh_token.reveal()} <= set(browser.tokens)
    for secret in (row.access_token, row.refresh_token):
        assert rows_with(secret.ciphertext) == {"public.calendar_connections": count}


def test_in_the_report_of_a_crash(browser, caplog):
    """The table takes no row any more, so that storing fails after the provider said yes."""
    caplog.set_level(logging.DEBUG)
    with connection.cursor() as cursor:
        cursor.execute(
            "SET CONSTRAINTS ALL IMMEDIATE;"
            "ALTER TABLE public.calendar_connections ADD CHECK (false) NOT VALID"
        )

    with crash_reports() as reports, transaction.atomic():
        browser.connect()
        transaction.set_rollback(True)

    assert ["remember_account" in report for report in reports] == [True, True]
    assert len(browser.tokens) == 2
    for token in browser.tokens:
        assert not [text for text in [*reports, caplog.text] if token in text]


def test_in_the_report_of_a_crash_while_signing_in(browser, caplog):
    """The table of links is not there: it is looked into with the token in hand."""
    caplog.set_level(logging.DEBUG)
    browser.client.logout()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE socialaccount_socialaccount RENAME TO gone")

    with crash_reports() as reports, transaction.atomic():
        browser.sign_in()
        transaction.set_rollback(True)

    assert ["complete_social_login" in report for report in reports] == [True, True]
    assert len(browser.tokens) == 1
    for token in browser.tokens:
        assert not [text for text in [*reports, caplog.text] if token in text]


def test_who_was_shut_out_is_connected_to_nothing(browser):
    assert is_shut_out_by_then(browser).url == "/admin/"
    assert CalendarConnection.objects.count() == 0


def test_tokens_are_taken_off_before_anything_can_go_wrong():
    """Whatever allauth did with a login afterwards, it could not write tokens into a session."""
    account = SocialAccount(provider="google", uid="1")
    login = SocialLogin(account=account, user=Consultant(email=BEN))
    login.token = SocialToken(token="access", token_secret="refresh")
    login.state = {"data": {"account": ANNA}}

    with pytest.raises(NotConnected):
        finish(login, now=datetime(2027, 3, 1, tzinfo=UTC))

    assert login.token is None
