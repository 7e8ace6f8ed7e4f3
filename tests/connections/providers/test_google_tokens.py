"""Refreshing and revoking an account's tokens at Google."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from google.auth import _exponential_backoff

from connections.providers.base import (
    AccessRevoked,
    ProviderError,
    ProviderMisconfigured,
    ProviderUnavailable,
    RateLimited,
)
from connections.providers.google import GoogleApp, refresh, revoke
from tests.connections.providers.far_end import cut_off, instead, lost
from tests.connections.providers.google_far import app_at, calendar_at
from tests.fakes.google import Account, FakeGoogle


@pytest.fixture
def anna(google: FakeGoogle) -> Account:
    return google.account("anna@example.com")


@pytest.fixture
def app(google: FakeGoogle) -> GoogleApp:
    return app_at(google)


@pytest.fixture(autouse=True)
def pauses(monkeypatch) -> list[float]:
    """The pauses between the library's tries, without making them."""
    pauses: list[float] = []
    monkeypatch.setattr(_exponential_backoff.time, "sleep", pauses.append)
    return pauses


def oauth_refusing(status: int, error: str, **headers: str):
    return instead(status, f'{{"error": "{error}", "error_description": "why"}}', **headers)


# --- refreshing ------------------------------------------------------------------------------


def test_new_access_token_works_and_says_how_long(google, app, anna):
    tokens = refresh(app, anna.stay_signed_in())
    assert calendar_at(google).adapter(tokens.access_token).calendars() != []
    left = tokens.expires_at - datetime.now(UTC)
    assert timedelta(minutes=58) < left <= timedelta(hours=1)
    assert tokens.refresh_token == ""


def test_refresh_token_that_google_replaces_is_handed_on(google, app, anna):
    google.oauth.rotates_refresh_tokens = True
    first = anna.stay_signed_in()
    second = refresh(app, first).refresh_token
    assert second not in ("", first)
    assert refresh(app, second).access_token != ""
    with pytest.raises(AccessRevoked):
        refresh(app, first)


def test_revoked_access_is_asked_about_once(google, app, anna):
    token = anna.stay_signed_in()
    anna.revoke()
    with pytest.raises(AccessRevoked):
        refresh(app, token)
    assert len(google.requests) == 1


@pytest.mark.parametrize("subtype", ["invalid_rapt", "rapt_required"])
def test_sign_in_that_an_administrator_wants_again_is_revoked(google, app, anna, subtype):
    body = f'{{"error": "invalid_grant", "error_subtype": "{subtype}"}}'
    google.commit(instead(400, body))
    with pytest.raises(AccessRevoked):
        refresh(app, anna.stay_signed_in())


def test_access_that_administrators_no_longer_allow_is_revoked_and_says_whom_to_ask(
    google, app, anna
):
    google.commit(oauth_refusing(400, "admin_policy_enforced"))
    with pytest.raises(AccessRevoked, match="Administrators of your organisation"):
        refresh(app, anna.stay_signed_in())


def test_registration_that_google_does_not_know_is_the_operators_matter(app, anna):
    token = anna.stay_signed_in()
    for wrong in (replace(app, client_secret="old"), replace(app, client_id="unknown")):
        with pytest.raises(ProviderMisconfigured, match="invalid_client"):
            refresh(wrong, token)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (oauth_refusing(400, "unauthorized_client"), ProviderMisconfigured),
        (oauth_refusing(401, "deleted_client"), ProviderMisconfigured),
        (oauth_refusing(400, "unsupported_grant_type"), ProviderMisconfigured),
        (oauth_refusing(400, "a_new_word"), ProviderUnavailable),
        (oauth_refusing(403, "rate_limit_exceeded"), ProviderUnavailable),
        (oauth_refusing(429, "rate_limit_exceeded"), RateLimited),
        (instead(500), ProviderUnavailable),
        (instead(503, "<html>Out of order</html>"), ProviderUnavailable),
        (instead(502, "<html>Bad Gateway</html>"), ProviderUnavailable),
        (instead(400, "<html>Bad Request</html>"), ProviderUnavailable),
        (instead(401), ProviderUnavailable),
        (instead(403, "[]"), ProviderUnavailable),
        (instead(200, "<html>Please sign in</html>"), ProviderUnavailable),
        (instead(200, "{}"), ProviderUnavailable),
        (instead(200, '{"access_token": "ya29.x"}'), ProviderUnavailable),
        (instead(200, '{"access_token": "ya29.x", "expires_in": "soon"}'), ProviderUnavailable),
        (instead(302, Location="https://example.com/"), ProviderUnavailable),
        (lost, ProviderUnavailable),
        (cut_off, ProviderUnavailable),
    ],
)
def test_only_googles_word_means_that_access_was_revoked(google, app, anna, fault, error):
    token = anna.stay_signed_in()
    google.commit(fault, times=9)
    with pytest.raises(ProviderError) as raised:
        refresh(app, token)
    assert type(raised.value) is error
    assert [one for one in (token, app.client_secret, "http") if one in str(raised.value)] == []
    google.heal()
    assert refresh(app, token).access_token != ""


def test_server_out_of_order_is_asked_three_times(google, app, anna, pauses):
    google.commit(instead(503), times=2)
    assert refresh(app, anna.stay_signed_in()).access_token != ""
    assert len(google.requests) == 3
    assert sum(pauses) < 4


def test_too_many_refreshes_wait_as_long_as_google_says(google, app, anna):
    google.commit(oauth_refusing(429, "slow_down", Retry_After="90"), times=9)
    with pytest.raises(RateLimited) as limited:
        refresh(app, anna.stay_signed_in())
    assert limited.value.retry_after == 90


def test_silent_token_server_is_given_up_in_time(google, app, anna):
    google.commit(google.silence, times=9)
    with pytest.raises(ProviderUnavailable):
        refresh(app, anna.stay_signed_in(), timeout=0.1)
    with pytest.raises(ProviderUnavailable):
        revoke(app, anna.stay_signed_in(), timeout=0.1)


def test_token_server_that_is_not_there_is_unavailable(app):
    away = replace(app, oauth_url="http://127.0.0.1:1")
    with pytest.raises(ProviderUnavailable):
        refresh(away, "1//token")
    with pytest.raises(ProviderUnavailable):
        revoke(away, "1//token")


# --- revoking --------------------------------------------------------------------------------


def test_revoking_ends_all_access(google, app, anna):
    token, access = anna.stay_signed_in(), anna.sign_in()
    revoke(app, token)
    with pytest.raises(AccessRevoked):
        refresh(app, token)
    assert google.tokens.of_access(access) is None


def test_access_that_has_ended_already_counts_as_revoked(app, anna):
    token = anna.stay_signed_in()
    anna.revoke()
    revoke(app, token)


@pytest.mark.parametrize("fault", [instead(500), instead(503), lost])
def test_revocation_that_does_not_get_through_says_so(google, app, anna, fault):
    token = anna.stay_signed_in()
    google.commit(fault, times=9)
    with pytest.raises(ProviderUnavailable):
        revoke(app, token)
