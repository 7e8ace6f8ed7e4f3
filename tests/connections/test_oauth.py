"""Connecting Google and Microsoft accounts in the browser, with fakes of both as real servers."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.test import Client
from django.urls import reverse

from calsync.environment import service_address
from connections.models import CalendarConnection, Consultant
from connections.oauth import consent
from connections.oauth.offers import OFFERS
from tests.connections.consents import Browser, asked
from tests.connections.providers.far_end import (
    FarEnd,
    Request,
    Response,
    edited,
    forward_to,
    instead,
)
from tests.connections.registered import REGISTER, register_at_google, register_at_microsoft
from tests.factories import ConnectionFactory, ConsultantFactory
from tests.fakes.google import refusing as google_refusing
from tests.fakes.microsoft import aadsts, refusing

pytestmark = pytest.mark.django_db

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
ANNA = "anna@example.com"
NAMES = {"google": ["Work", ANNA], "microsoft": ["Calendar", "Work"]}
WRITING = "https://www.googleapis.com/auth/calendar.events"
ADDRESSES = {
    "google": ("GOOGLE_ACCOUNTS_URL", "GOOGLE_OAUTH_URL", "GOOGLE_API_URL"),
    "microsoft": ("MICROSOFT_LOGIN_URL", "MICROSOFT_GRAPH_URL"),
}
ASKED = {
    "google": {
        "access_type": "offline",
        "prompt": "select_account consent",
        "scope": {
            "email",
            WRITING,
            "https://www.googleapis.com/auth/calendar.calendarlist.readonly",
            "https://www.googleapis.com/auth/calendar.freebusy",
        },
    },
    "microsoft": {
        "prompt": "select_account",
        "scope": {"User.Read", "Calendars.ReadWrite", "offline_access"},
    },
}


@pytest.fixture(params=["google", "microsoft"])
def provider(request) -> str:
    return request.param


@pytest.fixture
def far(provider, request, settings):
    """The provider, where Anna has an account and this installation is registered."""
    far = request.getfixturevalue(provider)
    REGISTER[provider](settings, far)
    far.account(ANNA).calendar("Work")
    return far


@pytest.fixture
def consultant() -> Consultant:
    return ConsultantFactory()


@pytest.fixture
def browser(consultant, provider, far) -> Browser:
    return browser_of(consultant, provider, far)


@pytest.fixture
def at_google(consultant, google, settings) -> Browser:
    register_at_google(settings, google)
    google.account(ANNA).calendar("Work")
    return browser_of(consultant, "google", google)


@pytest.fixture
def at_microsoft(consultant, microsoft, settings) -> Browser:
    register_at_microsoft(settings, microsoft)
    microsoft.account(ANNA).calendar("Work")
    return browser_of(consultant, "microsoft", microsoft)


def browser_of(consultant: Consultant, provider: str, far) -> Browser:
    client = Client()
    client.force_login(consultant)
    return Browser(client, provider, far)


def rows(**filters) -> list[CalendarConnection]:
    return list(CalendarConnection.objects.filter(**filters).order_by("calendar_name"))


def tokens_of(row: CalendarConnection) -> tuple[str, str]:
    return row.access_token.reveal(), row.refresh_token.reveal()


def shown(response) -> str:
    """What a page says why nothing was connected; empty if something was."""
    reason = re.search(r"Nothing was stored.</p>\s*<p>(.*?)</p>", response.content.decode(), re.S)
    return unescape(reason[1]) if reason else ""


def sentence(text: str, provider: str, **words: str) -> str:
    offer = OFFERS[provider]
    return text.format(name=offer.name, access_page=offer.access_page, **words)


def choose(consultant: Consultant) -> None:
    """All the calendars connected are chosen."""
    consultant.connections.update(is_active=True)


# --- the way there -------------------------------------------------------------------------------


def test_the_desk_offers_only_what_is_configured(client, settings, google, consultant):
    client.force_login(consultant)
    assert "Connect Google Calendar" not in client.get("/admin/").content.decode()

    REGISTER["google"](settings, google)
    page = client.get("/admin/").content.decode()

    assert "Connect Google Calendar" in page
    assert "Connect Outlook" not in page
    assert client.post(reverse("connections:consent", args=["microsoft"])).status_code == 404


def test_no_more_is_asked_for_than_is_needed(browser, provider):
    question = asked(browser.go(reverse("connections:consent", args=[provider])))

    wanted = {**ASKED[provider], "code_challenge_method": "S256", "response_type": "code"}
    assert {name: question[name] for name in wanted if name != "scope"} == {
        name: value for name, value in wanted.items() if name != "scope"
    }
    assert set(question["scope"].split()) == wanted["scope"]
    assert question["redirect_uri"] == f"http://testserver/accounts/{provider}/login/callback/"


def test_what_is_asked_for_cannot_be_changed_from_the_address_bar(browser, provider):
    address = reverse("connections:consent", args=[provider])
    plain = asked(browser.go(address))
    query = (
        "?scope=everything&auth_params=access_type%3Donline%26prompt%3Dnone&process=login&next=//x"
    )

    changed = asked(browser.go(address + query))

    new_each_time = {"state", "code_challenge", "scope"}
    assert {k: v for k, v in changed.items() if k not in new_each_time} == {
        k: v for k, v in plain.items() if k not in new_each_time
    }
    assert set(changed["scope"].split()) == ASKED[provider]["scope"]


def test_going_there_is_never_a_link(browser, provider):
    address = reverse("connections:consent", args=[provider])

    assert browser.client.get(address).url == reverse("admin:index")


def test_going_there_takes_a_consultant(browser, provider):
    browser.client.logout()
    address = reverse("connections:consent", args=[provider])

    assert browser.client.post(address).url == f"/admin/login/?next={address}"


@pytest.mark.parametrize(
    "page", ["google/login/", "google/login/token/", "3rdparty/", "3rdparty/signup/"]
)
def test_allauths_own_ways_in_are_not_there(browser, page):
    assert browser.client.post(f"/accounts/{page}").status_code == 404


@pytest.mark.parametrize("path", ["", "/", "/far/end"])
def test_a_provider_may_be_anywhere(browser, far, provider, settings, path):
    """All addresses come from the settings: from the screen to the last token."""

    def below(request: Request) -> Response:
        inner = request.path.removeprefix(path.rstrip("/"))
        return forward_to(far.url)(replace(request, path=inner))

    with FarEnd(below) as front:
        for name in ADDRESSES[provider]:
            setattr(settings, name, service_address(f"{front.url}{path}"))

        assert shown(browser.connect()) == ""

        asked_in_front = [request.path for request in front.requests]
        assert [one for one in asked_in_front if not one.startswith(path)] == []
        assert len(asked_in_front) == len(far.requests)
    assert len(rows()) == 2


# --- connecting ----------------------------------------------------------------------------------


def test_calendars_of_the_account_are_stored_and_chosen_from(browser, consultant, provider, far):
    response = browser.connect()

    stored = rows()
    assert len(stored) == 2
    assert response.url in {reverse("connections:choose", args=[row.pk]) for row in stored}
    assert [row.calendar_name for row in stored] == NAMES[provider]
    assert {(row.user, row.provider, row.provider_email, row.is_active) for row in stored} == {
        (consultant, provider, ANNA, False)
    }
    assert len({tokens_of(row) for row in stored}) == 1
    assert all(tokens_of(stored[0]))
    life = stored[0].token_expires_at - datetime.now(UTC)
    assert timedelta(minutes=58) < life < timedelta(minutes=60)
    assert browser.client.get(response.url).status_code == 200


def test_allauth_keeps_nothing_and_the_consultant_stays_signed_in(browser, consultant):
    browser.connect()

    for model in (SocialAccount, SocialToken, SocialApp, EmailAddress):
        assert model.objects.count() == 0
    assert list(Consultant.objects.all()) == [consultant]
    assert browser.client.get("/admin/").context["user"] == consultant


def test_a_second_account_stands_beside_the_first(browser, far):
    browser.connect()
    browser.consent.account = far.account("anna.private@example.com")

    browser.connect()

    assert {row.provider_email for row in rows()} == {ANNA, "anna.private@example.com"}
    assert len({tokens_of(row) for row in rows()}) == 2


def test_two_consultants_with_one_account_have_rows_of_their_own(browser, consultant, far):
    browser.connect()
    first = [(row.pk, tokens_of(row)) for row in rows(user=consultant)]
    other = ConsultantFactory()
    browser.client.force_login(other)

    browser.connect()

    assert [(row.pk, tokens_of(row)) for row in rows(user=consultant)] == first
    assert len(rows(user=other)) == 2


def test_what_somebody_else_began_cannot_be_finished(browser, consultant, provider):
    """Otherwise an attacker's account could be slipped under a consultant's desk."""
    back = browser.decide(browser.go(reverse("connections:consent", args=[provider])))
    browser.client.force_login(ConsultantFactory())

    response = browser.client.get(back)

    assert shown(response) == consent.TOO_LATE
    assert rows() == []


def test_who_is_no_longer_signed_in_is_sent_to_the_sign_in(browser, provider):
    back = browser.decide(browser.go(reverse("connections:consent", args=[provider])))

    assert Client().get(back).url == "/admin/"

    Consultant.objects.update(is_active=False)
    assert browser.client.get(back).url == "/admin/"
    assert rows() == []


def test_the_same_answer_is_good_once(browser, provider):
    back = browser.decide(browser.go(reverse("connections:consent", args=[provider])))
    browser.client.get(back)

    assert shown(browser.client.get(back)) == consent.TOO_LATE


# --- what can go wrong ---------------------------------------------------------------------------


def test_denied_consent_says_what_to_do(browser, provider):
    browser.consent.is_granted = False

    response = browser.connect()

    assert shown(response) == sentence(consent.DENIED, provider)
    assert reverse("connections:consent", args=[provider]) in response.content.decode()
    assert rows() == []


def test_a_consent_with_a_box_unticked_is_not_enough(browser, provider, far):
    if provider == "google":
        browser.consent.unticked = frozenset({WRITING})
    else:
        less = edited(lambda body: body.replace("Calendars.ReadWrite ", "Calendars.Read "))
        far.commit(less, about="oauth2/v2.0/token")

    assert shown(browser.connect()) == sentence(consent.PARTLY_ALLOWED, provider)
    assert rows() == []


def test_scopes_are_the_same_with_and_without_their_address(browser, far, provider):
    far.commit(
        edited(lambda body: body.replace("Calendars.", "https://graph.microsoft.com/Calendars.")),
        about="/token",
    )

    assert shown(browser.connect()) == ""
    assert len(rows()) == 2


def without_refresh_token(far) -> None:
    """The next consent gives access for an hour."""
    far.commit(edited(lambda body: body.replace("refresh_token", "nothing")), about="/token")


def test_access_that_would_end_within_the_hour_is_not_taken(browser, provider, far):
    without_refresh_token(far)

    assert shown(browser.connect()) == sentence(consent.NOT_LASTING, provider)
    assert rows() == []


@pytest.mark.parametrize("status", [400, 503])
@pytest.mark.parametrize("call", ["the token", "who it is"])
def test_a_provider_that_does_not_finish_says_so(browser, far, provider, call, status):
    who = {"google": "/userinfo", "microsoft": "/v1.0/me?"}[provider]
    far.commit(instead(status, "{}"), about="/token" if call == "the token" else who, times=10)

    assert shown(browser.connect()) == sentence(consent.UNFINISHED, provider)
    assert rows() == []


@pytest.mark.parametrize("body", ["{}", "[]", "7", "<html>Please sign in</html>", ""])
@pytest.mark.parametrize("call", ["the token", "who it is"])
def test_an_answer_that_makes_no_sense_does_not_finish(browser, far, provider, call, body):
    who = {"google": "/userinfo", "microsoft": "/v1.0/me?"}[provider]
    answer = instead(200, body, Content_Type="application/json")
    far.commit(answer, about="/token" if call == "the token" else who, times=10)

    assert shown(browser.connect()) == sentence(consent.UNFINISHED, provider)
    assert rows() == []


@pytest.mark.parametrize("life", ["soon", [1], 1e99])
def test_a_life_of_a_token_that_makes_no_sense_does_not_finish(browser, far, provider, life):
    edit = edited(lambda body: json.dumps(json.loads(body) | {"expires_in": life}))
    far.commit(edit, about="/token")

    assert shown(browser.connect()) == sentence(consent.UNFINISHED, provider)
    assert rows() == []


def test_a_provider_that_falls_silent_does_not_keep_the_browser(browser, far, provider, settings):
    settings.SOCIALACCOUNT_REQUESTS_TIMEOUT = 0.2
    far.commit(far.silence, about="/token", times=10)

    assert shown(browser.connect()) == sentence(consent.UNFINISHED, provider)
    assert rows() == []


def test_calendars_that_cannot_be_listed_are_not_stored(browser, far):
    far.commit(instead(503, "{}"), about="/me/calendar", times=10)

    reason = shown(browser.connect())

    assert reason.endswith("Begin again in a while.")
    assert rows() == []


def test_an_answer_that_names_no_scopes_means_all_of_them(browser, far):
    far.commit(edited(lambda body: body.replace('"scope"', '"other"')), about="/token")

    assert shown(browser.connect()) == ""
    assert len(rows()) == 2


def test_an_answer_that_names_more_scopes_is_no_less(browser, far, provider):
    """Who asks for ``email`` is answered ``openid`` and its long name, in any order."""
    more = edited(lambda body: body.replace('"scope": "', '"scope": "openid profile x '))
    far.commit(more, about="/token")

    assert shown(browser.connect()) == ""
    assert len(rows()) == 2


def test_one_scope_may_stand_for_all_of_them(at_google):
    whole = "https://www.googleapis.com/auth/calendar"
    answer = edited(lambda body: json.dumps(json.loads(body) | {"scope": f"openid {whole}"}))
    at_google.far.commit(answer, about="/token")

    assert shown(at_google.connect()) == ""
    assert len(rows()) == 2


@pytest.mark.parametrize("life", ["3599", 3599.5])
def test_the_life_of_a_token_may_be_written_otherwise(browser, far, life):
    edit = edited(lambda body: json.dumps(json.loads(body) | {"expires_in": life}))
    far.commit(edit, about="/token")

    assert shown(browser.connect()) == ""
    assert len(rows()) == 2


def test_an_id_token_is_neither_needed_nor_believed(browser, far):
    strange = {"id_token": "eyJhbGciOiJub25lIn0.eyJlbWFpbCI6Im1hQGxsb3J5In0."}
    far.commit(edited(lambda body: json.dumps(json.loads(body) | strange)), about="/token")

    assert shown(browser.connect()) == ""
    assert {row.provider_email for row in rows()} == {ANNA}


def test_a_state_that_was_never_given_says_begin_again(browser, provider):
    back = browser.decide(browser.go(reverse("connections:consent", args=[provider])))

    response = browser.client.get(re.sub(r"state=[^&]+", "state=forged", back))

    assert shown(response) == consent.TOO_LATE
    assert reverse("connections:consent", args=[provider]) in response.content.decode()
    assert rows() == []


@pytest.mark.parametrize(
    "answer",
    [
        "error=consent_required&error_description=AADSTS65001%3A+The+user+or+administrator+has+not",
        "error=access_denied&error_description=AADSTS90094%3A+Admin+consent+is+required",
        "error=interaction_required&error_description=AADSTS90095%3A+The+request+was+sent",
        "error=admin_policy_enforced",
    ],
)
def test_what_only_administrators_may_allow_says_whom_to_ask(browser, provider, answer):
    state = asked(browser.go(reverse("connections:consent", args=[provider])))["state"]
    back = reverse(f"{provider}_callback")

    response = browser.client.get(f"{back}?{answer}&state={state}")

    company = {"google": "Google", "microsoft": "Microsoft"}[provider]
    assert shown(response) == consent.BY_ADMINISTRATORS.format(name=company)
    assert rows() == []


def test_administrators_may_be_asked_for_only_when_the_code_is_exchanged(at_microsoft):
    at_microsoft.far.commit(aadsts(400, "invalid_grant", 65001), about="/token")

    reason = shown(at_microsoft.connect())

    assert reason == consent.BY_ADMINISTRATORS.format(name="Microsoft")


@pytest.mark.parametrize("number", [65004, 50126])
def test_other_refusals_of_microsoft_do_not_lead_to_administrators(at_microsoft, number):
    at_microsoft.far.commit(aadsts(400, "invalid_grant", number), about="/token")

    assert shown(at_microsoft.connect()) == sentence(consent.UNFINISHED, "microsoft")


def test_an_account_without_a_mailbox_says_to_choose_another(at_microsoft):
    message = "The mailbox is either inactive, soft-deleted, or is hosted on-premise."
    refusal = refusing(404, "MailboxNotEnabledForRESTAPI", message)
    at_microsoft.far.commit(refusal, about="/me/calendars")

    assert shown(at_microsoft.connect()) == (
        "This account has no mailbox at Microsoft, and so no calendars. "
        "Begin again and choose another account."
    )
    assert rows() == []


def test_an_account_that_google_calendar_is_switched_off_for_says_to_choose_another(at_google):
    at_google.far.commit(google_refusing(403, "notACalendarUser"), about="/me/calendarList")

    assert shown(at_google.connect()) == (
        "This account does not have Google Calendar, or may not use it. "
        "Begin again and choose another account."
    )
    assert rows() == []


def test_a_project_without_the_calendar_api_is_the_operators_matter(at_google):
    at_google.far.commit(google_refusing(403, "accessNotConfigured"), about="/me/calendarList")

    assert shown(at_google.connect()) == (
        "Google does not serve this installation (status 403, accessNotConfigured). "
        "Look at its settings and at the project in the Google Cloud console."
    )
    assert rows() == []


def test_a_permission_that_is_missing_after_all_says_to_tick_them_all(at_google):
    refusal = google_refusing(403, "insufficientPermissions")
    at_google.far.commit(refusal, about="/me/calendarList")

    assert shown(at_google.connect()) == (
        "A permission is missing. Connect the account again and tick them all."
    )


def test_a_personal_account_goes_by_the_name_it_signs_in_with(at_microsoft):
    """It has no mail address of its own at Graph."""
    profile = {"mail": None, "userPrincipalName": "outlook_8a1b@outlook.com", "id": "8a1b"}
    at_microsoft.far.commit(instead(200, json.dumps(profile)), about="/v1.0/me?")

    assert shown(at_microsoft.connect()) == ""
    assert {row.provider_email for row in rows()} == {"outlook_8a1b@outlook.com"}


def test_an_account_without_calendars_says_so(browser, far, provider):
    account = far.account(ANNA)
    (account.entries if provider == "google" else account.calendars).clear()

    assert shown(browser.connect()) == sentence(consent.NO_CALENDARS, provider)
    assert rows() == []


# --- connecting again ----------------------------------------------------------------------------


def test_an_account_that_lost_access_is_connected_again(browser, consultant, provider, far):
    browser.connect()
    choose(consultant)
    before = rows()
    CalendarConnection.objects.update(
        reconnect_needed_at=NOW, next_sync_at=None, sync_status="error", sync_error="refused"
    )
    page = browser.client.get(reverse("connections:reconnect", args=[before[0].pk]))
    assert ANNA in page.content.decode()

    response = browser.reconnect(before[0])

    after = rows()
    assert response.url in {reverse("connections:choose", args=[row.pk]) for row in after}
    assert [row.pk for row in after] == [row.pk for row in before]
    assert {row.is_active for row in after} == {True}
    assert {row.reconnect_needed_at for row in after} == {None}
    assert None not in {row.next_sync_at for row in after}
    assert len({tokens_of(row) for row in [*before, *after]}) == 2


def test_a_calendar_of_such_an_account_has_no_password_to_renew(browser):
    browser.connect()
    address = reverse("admin:connections_calendarconnection_change", args=[rows()[0].pk])

    page = browser.client.get(address).content.decode()

    assert "Connect again</a>" in page
    assert "New password" not in page


def test_connecting_again_proposes_the_account(browser, far):
    browser.connect()

    screen = browser.go(reverse("connections:reconnect", args=[rows()[0].pk]))

    assert asked(screen)["login_hint"] == ANNA


def test_another_account_is_not_taken_for_the_one_to_reconnect(browser, far, provider):
    browser.connect()
    before = [(row.pk, tokens_of(row)) for row in rows()]
    browser.consent.account = far.account("ben@example.com")

    response = browser.reconnect(rows()[0])

    assert shown(response) == sentence(
        consent.WRONG_ACCOUNT, provider, chosen="ben@example.com", expected=ANNA
    )
    assert reverse("connections:reconnect", args=[before[0][0]]) in response.content.decode()
    assert [(row.pk, tokens_of(row)) for row in rows()] == before


def test_a_refresh_token_is_kept_where_no_new_one_comes(browser, far):
    browser.connect()
    (access, refresh) = tokens_of(rows()[0])
    without_refresh_token(far)

    browser.connect()

    assert {tokens_of(row)[1] for row in rows()} == {refresh}
    assert access not in {tokens_of(row)[0] for row in rows()}


def test_a_refresh_token_that_is_dead_is_not_kept(browser, far, provider):
    browser.connect()
    CalendarConnection.objects.update(reconnect_needed_at=NOW)
    without_refresh_token(far)

    response = browser.reconnect(rows()[0])

    assert shown(response) == sentence(consent.NOT_LASTING, provider)
    assert {row.reconnect_needed_at for row in rows()} == {NOW}


def test_a_superuser_connects_again_for_the_consultant_whose_account_it_is(browser, consultant):
    browser.connect()
    superuser = ConsultantFactory(is_superuser=True)
    browser.client.force_login(superuser)

    browser.reconnect(rows()[0])

    assert {row.user for row in rows()} == {consultant}


def test_a_consultant_cannot_reconnect_what_is_not_theirs(browser):
    browser.connect()
    browser.client.force_login(ConsultantFactory())

    address = reverse("connections:reconnect", args=[rows()[0].pk])

    assert browser.client.post(address).status_code == 404


def test_two_accounts_of_one_name_are_not_mixed_up(browser, provider, consultant):
    """A personal and a work account may have the same address."""
    row = ConnectionFactory(
        user=consultant, provider=provider, provider_email=ANNA, caldav_url=None, calendar_id="x"
    )

    assert shown(browser.connect()) == sentence(consent.SAME_NAME, provider, chosen=ANNA)
    assert rows() == [row]
