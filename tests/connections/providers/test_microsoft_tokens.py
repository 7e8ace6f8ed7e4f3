"""Refreshing an account's tokens at Microsoft."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import pytest

from connections.providers.base import (
    AccessRevoked,
    ProviderError,
    ProviderMisconfigured,
    ProviderUnavailable,
    RateLimited,
)
from connections.providers.microsoft import MicrosoftApp, refresh
from tests.connections.providers.far_end import FarEnd, Response, cut_off, instead, lost
from tests.connections.providers.microsoft_far import app_at, calendar_at
from tests.fakes.microsoft import Account, FakeMicrosoft, aadsts

TOKEN = "/token"
ANSWER = b'{"access_token": "x", "expires_in": 3599}'


@pytest.fixture
def anna(microsoft: FakeMicrosoft) -> Account:
    return microsoft.account("anna@example.com")


@pytest.fixture
def app(microsoft: FakeMicrosoft) -> MicrosoftApp:
    return app_at(microsoft)


def test_new_access_token_works_and_says_how_long(microsoft, app, anna):
    tokens = refresh(app, anna.stay_signed_in())
    assert calendar_at(microsoft).adapter(tokens.access_token).calendars() != []
    left = tokens.expires_at - datetime.now(UTC)
    assert timedelta(minutes=58) < left <= timedelta(hours=1)


def test_every_refresh_hands_on_the_new_refresh_token(app, anna):
    first = anna.stay_signed_in()
    second = refresh(app, first).refresh_token
    third = refresh(app, second).refresh_token
    assert len({"", first, second, third}) == 4


def test_refresh_token_that_stays_is_not_handed_on(microsoft, app, anna):
    microsoft.identity.rotates_refresh_tokens = False
    assert refresh(app, anna.stay_signed_in()).refresh_token == ""


def test_what_is_asked_for_is_what_was_allowed(microsoft, app, anna):
    refresh(app, anna.stay_signed_in())
    [question] = microsoft.requests
    assert question.path == "/common/oauth2/v2.0/token"
    assert parse_qs(question.body)[b"scope"] == [b"Calendars.ReadWrite User.Read offline_access"]


def test_nothing_is_remembered_from_one_refresh_to_the_next(microsoft, app, anna):
    token = anna.stay_signed_in()
    microsoft.commit(aadsts(400, "invalid_grant", 70008), about=TOKEN)
    with pytest.raises(AccessRevoked):
        refresh(app, token)
    assert refresh(app, token).access_token != refresh(app, token).access_token


@pytest.mark.parametrize("number", [50173, 700082, 70008])
def test_revoked_access_is_asked_about_once(microsoft, app, anna, number):
    token = anna.stay_signed_in()
    anna.revoke(number)
    with pytest.raises(AccessRevoked):
        refresh(app, token)
    assert len(microsoft.requests) == 1


def test_registration_that_microsoft_does_not_know_is_the_operators_matter(app, anna):
    token = anna.stay_signed_in()
    for wrong, name in (
        (replace(app, client_secret="old"), "AADSTS7000215"),
        (replace(app, client_id="unknown"), "AADSTS700016"),
        (replace(app, tenant="nobody"), "AADSTS90002"),
    ):
        with pytest.raises(ProviderMisconfigured, match=name):
            refresh(wrong, token)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (aadsts(401, "invalid_client", 7000222), ProviderMisconfigured),
        (aadsts(400, "invalid_grant", 7000222), ProviderMisconfigured),
        (aadsts(400, "unauthorized_client", 700016), ProviderMisconfigured),
        (aadsts(400, "invalid_scope", 70011), ProviderMisconfigured),
        (aadsts(400, "interaction_required", 50076), AccessRevoked),
        (aadsts(400, "consent_required", 65001), AccessRevoked),
        (aadsts(400, "invalid_grant", 50196), RateLimited),
        (aadsts(429, "temporarily_unavailable", 90055), RateLimited),
        (aadsts(400, "temporarily_unavailable", 90033), ProviderUnavailable),
        (aadsts(503, "temporarily_unavailable", 90033), ProviderUnavailable),
        (aadsts(400, "a_new_word", 1), ProviderUnavailable),
        (instead(500), ProviderUnavailable),
        (instead(502, "<html>Bad Gateway</html>"), ProviderUnavailable),
        (instead(400, "<html>Bad Request</html>"), ProviderUnavailable),
        (instead(400, '{"error": "invalid_grant", "error_codes": "all"}'), ProviderUnavailable),
        (instead(403, "[]"), ProviderUnavailable),
        (instead(200, "<html>Please sign in</html>"), ProviderUnavailable),
        (instead(200, "{}"), ProviderUnavailable),
        (instead(200, '{"access_token": "x"}'), ProviderUnavailable),
        (instead(200, '{"access_token": "x", "expires_in": "soon"}'), ProviderUnavailable),
        (instead(302, Location="https://example.com/"), ProviderUnavailable),
        (lost, ProviderUnavailable),
        (cut_off, ProviderUnavailable),
    ],
)
def test_only_microsofts_word_means_that_access_was_revoked(microsoft, app, anna, fault, error):
    token = anna.stay_signed_in()
    microsoft.commit(fault, about=TOKEN, times=9)
    with pytest.raises(ProviderError) as raised:
        refresh(app, token)
    assert type(raised.value) is error
    assert [one for one in (token, app.client_secret, "http") if one in str(raised.value)] == []
    microsoft.heal()
    assert refresh(app, token).access_token != ""


@pytest.mark.parametrize("life", ["3599", "3599.0", 3599.0, 3599])
def test_life_of_a_token_may_be_written_as_any_number(microsoft, app, anna, life):
    answer = {"access_token": "x", "expires_in": life, "id_token": "unsigned"}
    microsoft.commit(instead(200, json.dumps(answer)), about=TOKEN)
    left = refresh(app, anna.stay_signed_in()).expires_at - datetime.now(UTC)
    assert timedelta(minutes=58) < left <= timedelta(hours=1)


def test_answer_that_cannot_be_read_is_not_logged(microsoft, app, anna, caplog):
    microsoft.commit(instead(200, '{"access_token": "EwBsecret"'), about=TOKEN)
    with pytest.raises(ProviderUnavailable):
        refresh(app, anna.stay_signed_in())
    assert "EwBsecret" not in caplog.text


@pytest.mark.parametrize("path", ["", "/", "/microsoft", "/microsoft/"])
def test_microsoft_may_be_anywhere(app, path):
    with FarEnd(lambda request: Response(200, {}, ANSWER)) as elsewhere:
        refresh(replace(app, login_url=elsewhere.url + path), "a token")
        [question] = elsewhere.requests
    assert question.path == f"{path.rstrip('/')}/common/oauth2/v2.0/token"


@pytest.mark.parametrize(
    ("status", "error", "number"),
    [(429, "slow_down", 90055), (503, "temporarily_unavailable", 90033)],
)
def test_refreshes_wait_as_long_as_microsoft_says(microsoft, app, anna, status, error, number):
    microsoft.commit(aadsts(status, error, number, Retry_After="90"), about=TOKEN)
    with pytest.raises(RateLimited) as limited:
        refresh(app, anna.stay_signed_in())
    assert limited.value.retry_after == 90


def test_silent_server_is_given_up_in_time(microsoft, app, anna):
    microsoft.commit(microsoft.silence, about=TOKEN, times=9)
    with pytest.raises(ProviderUnavailable):
        refresh(app, anna.stay_signed_in(), timeout=0.1)


def test_server_that_is_not_there_is_unavailable(app):
    with pytest.raises(ProviderUnavailable):
        refresh(replace(app, login_url="http://127.0.0.1:1"), "a token")


def test_secret_goes_nowhere_by_a_redirect(microsoft, app, anna):
    with FarEnd(lambda request: Response(200)) as thief:
        microsoft.commit(instead(307, Location=f"{thief.url}/token"), about=TOKEN)
        with pytest.raises(ProviderUnavailable):
            refresh(app, anna.stay_signed_in())
        assert thief.requests == []
