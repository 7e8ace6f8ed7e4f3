"""The fake Microsoft keeps to the protocol where the adapter's own tests do not reach: sign-in."""

import base64
import hashlib
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.fakes.microsoft import Account, FakeMicrosoft

BACK = "https://calsync.example/accounts/microsoft/login/callback/"
SCOPES = "User.Read Calendars.ReadWrite offline_access"
VERIFIER = "a long enough verifier of this very sign-in"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=")


@pytest.fixture
def anna(microsoft: FakeMicrosoft) -> Account:
    return microsoft.account("anna@example.com")


def consent(microsoft: FakeMicrosoft, **wishes: str) -> dict[str, list[str]]:
    """What comes back from the consent screen."""
    question = {
        "client_id": microsoft.identity.client_id,
        "response_type": "code",
        "redirect_uri": BACK,
        "scope": SCOPES,
        "state": "a state",
        "code_challenge": CHALLENGE.decode(),
        "code_challenge_method": "S256",
        **wishes,
    }
    address = f"{microsoft.url}/common/oauth2/v2.0/authorize"
    answer = requests.get(address, params=question, allow_redirects=False, timeout=5)
    assert answer.headers["Location"].startswith(f"{BACK}?")
    return parse_qs(urlsplit(answer.headers["Location"]).query)


def exchange(microsoft: FakeMicrosoft, code: str, **wishes: str) -> requests.Response:
    form = {
        "grant_type": "authorization_code",
        "client_id": microsoft.identity.client_id,
        "client_secret": microsoft.identity.client_secret,
        "redirect_uri": BACK,
        "code": code,
        "code_verifier": VERIFIER,
        **wishes,
    }
    return requests.post(f"{microsoft.url}/common/oauth2/v2.0/token", data=form, timeout=5)


def test_consent_becomes_a_code_and_the_code_becomes_tokens_once(microsoft, anna):
    back = consent(microsoft)
    tokens = exchange(microsoft, back["code"][0]).json()
    assert (back["state"], tokens["scope"]) == (["a state"], "Calendars.ReadWrite User.Read")
    assert tokens["refresh_token"] != ""
    me = requests.get(
        f"{microsoft.url}/v1.0/me",
        headers={"Authorization": f"Bearer {tokens['access_token']}"},
        timeout=5,
    )
    assert (me.json()["mail"], me.json()["id"]) == (anna.email, "user-anna@example.com")
    assert exchange(microsoft, back["code"][0]).json()["error"] == "invalid_grant"


def test_hinted_account_signs_in_and_without_lasting_access_there_is_no_refresh_token(microsoft):
    microsoft.account("anna@example.com")
    microsoft.account("ben@example.com")
    code = consent(microsoft, login_hint="ben@example.com", scope="User.Read")["code"][0]
    tokens = exchange(microsoft, code).json()
    assert "refresh_token" not in tokens
    assert tokens["access_token"].endswith("ben@example.com")


def test_refused_consent_comes_back_as_an_error(microsoft, anna):
    microsoft.identity.consent.is_granted = False
    assert consent(microsoft) == {"error": ["access_denied"], "state": ["a state"]}


@pytest.mark.parametrize(
    "wrong", [{"code_verifier": "x"}, {"redirect_uri": "https://evil.example"}]
)
def test_code_is_good_for_who_asked_for_it_alone(microsoft, anna, wrong):
    answer = exchange(microsoft, consent(microsoft)["code"][0], **wrong)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("scopes", "claims"),
    [
        ({"openid"}, {"sub"}),
        ({"openid", "email", "profile"}, {"sub", "email", "name"}),
        ({"User.Read"}, {"error"}),
    ],
)
def test_who_it_is_is_said_as_far_as_was_allowed(microsoft, anna, scopes, claims):
    answer = requests.get(
        f"{microsoft.url}/oidc/userinfo",
        headers={"Authorization": f"Bearer {anna.sign_in(frozenset(scopes))}"},
        timeout=5,
    )
    assert set(answer.json()) == claims


def test_call_without_the_permission_is_refused(microsoft, anna):
    token = anna.sign_in(frozenset({"Calendars.Read"}))
    address = f"{microsoft.url}/v1.0/me/calendars/{anna.default.id.replace('/', '%2F')}/events"
    headers = {"Authorization": f"Bearer {token}"}
    assert requests.get(address, headers=headers, timeout=5).json() == {"value": []}
    refused = requests.post(address, headers=headers, json={}, timeout=5)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "ErrorAccessDenied")
