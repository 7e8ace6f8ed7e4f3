"""Access tokens are refreshed once, however many ask; only a revocation ends an account."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from time import sleep

import pytest
from django.db import connection as database

from connections import token_sources
from connections.adapters import open_adapter
from connections.models import CalendarConnection
from connections.providers.base import (
    AccessRevoked,
    AccessTokenRefused,
    ProviderMisconfigured,
    ProviderUnavailable,
    RateLimited,
    Tokens,
)
from connections.tokens import fresh_credentials, with_fresh_token
from tests.connections.providers.far_end import instead
from tests.connections.registered import register_at_microsoft
from tests.factories import ConnectionFactory

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
AN_HOUR_AGO = datetime.now(UTC) - HOUR


class Source:
    """A token endpoint by script: what it was asked, and what it answers next."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers: list[Tokens | Exception] = []

    def refresh(self, refresh_token: str) -> Tokens:
        self.asked.append(refresh_token)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def source(monkeypatch) -> Source:
    source = Source()
    monkeypatch.setitem(
        token_sources.TOKEN_SOURCES,
        "google",
        token_sources.TokenSource(refresh=source.refresh, revoke=None),
    )
    return source


def account(**fields) -> CalendarConnection:
    """A Google account whose access token has expired."""
    known = {
        "provider": "google",
        "provider_email": "anna@example.com",
        "caldav_url": None,
        "app_specific_password": None,
        "access_token": "old access",
        "refresh_token": "refresh",
        "token_expires_at": AN_HOUR_AGO,
    }
    return ConnectionFactory(**known | fields)


def tokens(access: str = "new access", **fields) -> Tokens:
    return Tokens(access_token=access, expires_at=datetime.now(UTC) + HOUR, **fields)


def stored(connection: CalendarConnection) -> tuple[str, str]:
    row = CalendarConnection.objects.get(pk=connection.pk)
    return row.access_token.reveal(), row.refresh_token.reveal()


def test_a_token_that_is_good_for_long_enough_is_used_as_it_is(source):
    connection = account(token_expires_at=datetime.now(UTC) + HOUR)
    assert fresh_credentials(connection).access_token == "old access"
    assert source.asked == []


def test_an_expired_token_is_refreshed_for_all_calendars_of_the_account(source):
    connection = account()
    sibling = account(user=connection.user)
    stranger = account()
    source.answers = [tokens(refresh_token="rotated")]
    assert fresh_credentials(connection).access_token == "new access"
    assert source.asked == ["refresh"]
    assert stored(connection) == stored(sibling) == ("new access", "rotated")
    assert stored(stranger) == ("old access", "refresh")


def test_a_token_about_to_expire_is_refreshed_in_time(source):
    connection = account(token_expires_at=datetime.now(UTC) + timedelta(minutes=4))
    source.answers = [tokens()]
    assert fresh_credentials(connection).access_token == "new access"


@pytest.mark.parametrize("life", [timedelta(minutes=1), timedelta(0)])
def test_a_token_that_never_lives_long_is_asked_for_once_each_time(source, life):
    connection = account()
    short = Tokens(access_token="new access", expires_at=datetime.now(UTC) + life)
    source.answers = [short, short]
    for _ in range(2):
        assert fresh_credentials(connection).access_token == "new access"
    assert source.asked == ["refresh", "refresh"]


def test_a_rotated_refresh_token_is_stored_whatever_comes_of_the_call_it_was_for(
    microsoft, settings
):
    register_at_microsoft(settings, microsoft)
    first = microsoft.account("anna@example.com").stay_signed_in()
    connection = account(provider="microsoft", refresh_token=first)
    microsoft.commit(instead(503), about="/me/calendars")

    with pytest.raises(ProviderUnavailable):
        with_fresh_token(connection, lambda: open_adapter(connection).calendars())

    assert stored(connection)[1] != first
    assert stored(connection) == tuple(microsoft.identity.given_out[i] for i in (0, -1))


def test_an_answer_without_a_refresh_token_keeps_the_old_one(source):
    connection = account()
    source.answers = [tokens()]
    fresh_credentials(connection)
    assert stored(connection) == ("new access", "refresh")


@pytest.mark.parametrize(
    "fault", [ProviderUnavailable("503"), RateLimited("429"), ProviderMisconfigured("client")]
)
def test_a_fault_of_the_token_endpoint_is_no_revocation(source, fault):
    connection = account()
    source.answers = [fault, tokens()]
    with pytest.raises(type(fault)):
        fresh_credentials(connection)
    assert CalendarConnection.objects.get(pk=connection.pk).reconnect_needed_at is None
    assert fresh_credentials(connection).access_token == "new access"


def test_a_revocation_stops_the_whole_account(source):
    connection = account()
    sibling = account(user=connection.user)
    source.answers = [AccessRevoked("invalid_grant")]
    with pytest.raises(AccessRevoked):
        fresh_credentials(connection)
    for row in (connection, sibling):
        row.refresh_from_db()
        assert row.reconnect_needed_at is not None
        assert row.next_sync_at is None


def test_tokens_of_a_consultant_who_reconnects_meanwhile_are_not_overwritten(source):
    connection = account()

    def refresh(refresh_token: str) -> Tokens:
        CalendarConnection.objects.update(**_reconnected())
        return tokens("late answer")

    source.refresh = refresh
    token_sources.TOKEN_SOURCES["google"] = token_sources.TokenSource(refresh, None)
    assert fresh_credentials(connection).access_token == "from reconnecting"
    assert stored(connection) == ("from reconnecting", "newer refresh")


def test_new_tokens_are_kept_though_the_old_one_is_refused_meanwhile(source):
    """Another worker's call ends in a 401 just while this one renews the access."""
    connection = account()

    def refresh(refresh_token: str) -> Tokens:
        CalendarConnection.objects.update(token_expires_at=None)
        return tokens("renewed")

    token_sources.TOKEN_SOURCES["google"] = token_sources.TokenSource(refresh, None)
    assert fresh_credentials(connection).access_token == "renewed"
    connection.refresh_from_db()
    assert connection.token_expires_at is not None


def _reconnected() -> dict:
    row = CalendarConnection(access_token="from reconnecting", refresh_token="newer refresh")
    return {
        "access_token": row.access_token,
        "refresh_token": row.refresh_token,
        "token_expires_at": datetime.now(UTC) + HOUR,
    }


def test_the_lease_of_a_dead_worker_runs_out(source):
    connection = account(token_lease_expires_at=datetime.now(UTC) - timedelta(seconds=1))
    source.answers = [tokens()]
    assert fresh_credentials(connection).access_token == "new access"


@pytest.mark.django_db(transaction=True)
def test_twenty_workers_with_one_expired_token_make_one_refresh(source):
    connection = account()
    asked = []

    def refresh(refresh_token: str) -> Tokens:
        asked.append(refresh_token)
        sleep(0.3)
        return tokens()

    token_sources.TOKEN_SOURCES["google"] = token_sources.TokenSource(refresh, None)

    def work(_: int) -> str:
        try:
            return fresh_credentials(connection).access_token
        finally:
            database.close()

    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(work, range(20))) == {"new access"}
    assert asked == ["refresh"]


def refusing(times: int) -> Iterator[str]:
    for _ in range(times):
        yield "refused"
    while True:
        yield "fine"


@pytest.mark.parametrize(("refusals", "outcome"), [(0, "fine"), (1, "fine"), (2, None)])
def test_a_refused_token_is_renewed_once_and_then_access_is_lost(source, refusals, outcome):
    connection = account(token_expires_at=datetime.now(UTC) + HOUR)
    source.answers = [tokens()]
    answers = refusing(refusals)

    def act() -> str:
        fresh_credentials(connection)
        if (answer := next(answers)) == "refused":
            raise AccessTokenRefused("401")
        return answer

    if outcome is None:
        with pytest.raises(AccessRevoked):
            with_fresh_token(connection, act)
    else:
        assert with_fresh_token(connection, act) == outcome
    assert len(source.asked) == min(refusals, 1)
