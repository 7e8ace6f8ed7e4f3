"""Google Calendar: the whole adapter contract, the account's calendars, and what refusals mean."""

import gc
import logging
from contextlib import suppress
from pathlib import Path
from threading import Event
from urllib.parse import quote

import pytest

from connections.providers.base import (
    AccessRevoked,
    AccessTokenRefused,
    CalendarGone,
    Credentials,
    FreeBusyUnsupported,
    ProviderError,
    ProviderMisconfigured,
    ProviderUnavailable,
    RateLimited,
    RemoteCalendar,
)
from connections.providers.google import SCOPES, GoogleAdapter, GoogleApp
from tests.connections.providers.contract import (
    BERLIN,
    DRAFT,
    HOUR,
    TEN,
    WINDOW,
    AdapterContract,
    titles,
)
from tests.connections.providers.far_end import FarEnd, Response, cut_off, instead, lost
from tests.connections.providers.google_far import GoogleCalendar, app_at, calendar_at
from tests.fakes.google import FakeGoogle, refusing
from tests.fakes.google.tokens import CALENDAR
from tests.fakes.http import Call


@pytest.fixture
def far(google: FakeGoogle) -> GoogleCalendar:
    return calendar_at(google)


class TestGoogle(AdapterContract):
    pass


class TestGoogleInPieces(AdapterContract):
    """With pages of any size, and empty ones among them."""

    @pytest.fixture(autouse=True)
    def _in_pieces(self, google: FakeGoogle) -> None:
        google.cut_pages(seed=5)


# --- calendars -------------------------------------------------------------------------------


def calendars(far: GoogleCalendar) -> dict[str, RemoteCalendar]:
    return {calendar.calendar_id: calendar for calendar in far.adapter().calendars()}


def test_calendars_carry_their_real_ids_names_and_zones(google):
    anna = google.account("anna@example.com", time_zone="Europe/Vienna")
    far = calendar_at(google, time_zone="Asia/Tokyo")
    anna.subscribe(far.calendar, "owner", summaryOverride="My work")
    assert far.adapter().calendars() == [
        RemoteCalendar(
            calendar_id="anna@example.com",
            name="anna@example.com",
            time_zone="Europe/Vienna",
            is_default=True,
        ),
        RemoteCalendar(calendar_id=far.calendar_id, name="My work", time_zone="Asia/Tokyo"),
    ]


def test_alias_of_the_primary_calendar_is_never_an_id(far):
    assert "primary" not in calendars(far)
    assert far.account.primary.id in calendars(far)


@pytest.mark.parametrize(
    ("role", "is_writable"),
    [
        ("owner", True),
        ("writer", True),
        ("writerWithoutPrivateAccess", True),
        ("reader", False),
        ("freeBusyReader", False),
    ],
)
def test_calendar_may_be_written_to_by_its_role(far, role, is_writable):
    far.account.subscribe(far.calendar, role)
    assert calendars(far)[far.calendar_id].is_writable is is_writable


@pytest.mark.parametrize("role", ["none", "a new role"])
def test_calendar_that_may_not_be_read_is_not_offered(far, role):
    far.account.subscribe(far.calendar, role)
    assert far.calendar_id not in calendars(far)


def test_hidden_and_removed_calendars_are_not_offered(far):
    far.account.subscribe(far.calendar, "owner", hidden=True)
    assert far.calendar_id not in calendars(far)
    far.account.subscribe(far.calendar, "owner", deleted=True)
    assert far.calendar_id not in calendars(far)
    entry = '{"items": [{"id": "x", "accessRole": "owner", "%s": true}]}'
    for flag in ("deleted", "hidden"):
        far.google.commit(instead(200, entry % flag))
        assert calendars(far) == {}


def test_calendar_that_is_only_unticked_on_the_screen_is_offered(far):
    far.account.subscribe(far.calendar, "owner", selected=False)
    assert calendars(far)[far.calendar_id].blocks_time is True


def test_holidays_and_birthdays_are_nobodys_time(far):
    holidays = far.google.new_calendar(
        "en.german#holiday@group.v.calendar.google.com", "Holidays", "Europe/Berlin"
    )
    far.account.subscribe(holidays)
    assert calendars(far)[holidays.id].blocks_time is False
    assert calendars(far)[far.calendar_id].blocks_time is True


def test_all_pages_of_calendars_are_read(far):
    for number in range(600):
        far.account.calendar(f"Team {number}")
    assert len(calendars(far)) == 602


def test_address_of_a_calendar_survives_odd_letters(google):
    far = calendar_at(google)
    odd = google.new_calendar("de.german#holiday/ü@group.v.calendar.google.com", "Odd", "UTC")
    far.account.subscribe(odd)
    far.calendar = odd
    far.add("Inside", TEN, TEN + HOUR)
    assert titles(far.full_round()) == ["Inside"]
    assert quote(odd.id, safe="") in google.requests[-1].path


# --- what refusals mean ----------------------------------------------------------------------


NEWER = '{{"error": {{"code": 403, "details": [{{"@type": "x/ErrorInfo", "reason": "{}"}}]}}}}'


@pytest.mark.parametrize(
    ("fault", "error", "retry_after"),
    [
        (refusing(401, "authError"), AccessTokenRefused, None),
        (refusing(403, "rateLimitExceeded", domain="usageLimits"), RateLimited, 60),
        (refusing(403, "userRateLimitExceeded", domain="usageLimits"), RateLimited, 60),
        (refusing(429, "rateLimitExceeded", headers={"Retry_After": "17"}), RateLimited, 17),
        (instead(429), RateLimited, 60),
        (instead(429, Retry_After="in a while"), RateLimited, 60),
        (refusing(403, "quotaExceeded", domain="usageLimits"), RateLimited, 1800),
        (refusing(403, "quotaExceeded", headers={"Retry_After": "7200"}), RateLimited, 7200),
        (refusing(403, "dailyLimitExceeded", domain="usageLimits"), RateLimited, 1800),
        (refusing(403, "servingLimitExceeded", domain="usageLimits"), RateLimited, 60),
        (refusing(403, "insufficientPermissions"), AccessRevoked, None),
        (instead(403, NEWER.format("ACCESS_TOKEN_SCOPE_INSUFFICIENT")), AccessRevoked, None),
        (instead(403, NEWER.format("SERVICE_DISABLED")), ProviderMisconfigured, None),
        (instead(403, NEWER.format("RATE_LIMIT_EXCEEDED")), RateLimited, 60),
        (refusing(403, "accessNotConfigured", domain="usageLimits"), ProviderMisconfigured, None),
        (refusing(403, "forbidden"), CalendarGone, None),
        (refusing(403, "notACalendarUser"), CalendarGone, None),
        (refusing(404, "notFound"), CalendarGone, None),
        (refusing(400, "badRequest"), ProviderUnavailable, None),
        (refusing(500, "backendError"), ProviderUnavailable, None),
        (refusing(503, "backendError", headers={"Retry_After": "30"}), RateLimited, 30),
        (instead(502, "<html>Bad Gateway</html>"), ProviderUnavailable, None),
        (instead(503), ProviderUnavailable, None),
        (instead(301, Location="https://example.com/"), ProviderUnavailable, None),
        (instead(403, "<html>Forbidden</html>"), CalendarGone, None),
        (instead(403, '{"error": "forbidden"}'), CalendarGone, None),
        (instead(403, '{"error": {"errors": "all of them"}}'), CalendarGone, None),
        (instead(403, '["error"]'), ProviderUnavailable, None),
        (instead(200, "<html>Please sign in</html>"), ProviderUnavailable, None),
        (lost, ProviderUnavailable, None),
        (cut_off, ProviderUnavailable, None),
    ],
)
def test_what_a_refusal_means(far, fault, error, retry_after):
    far.google.commit(fault, times=9)
    with pytest.raises(ProviderError) as raised:
        far.full_round()
    assert type(raised.value) is error
    if retry_after is not None:
        assert raised.value.retry_after == retry_after


def test_redirect_is_not_followed_with_the_token(far):
    with FarEnd(lambda request: Response(200, {}, b"{}")) as elsewhere:
        far.google.commit(instead(302, Location=elsewhere.url))
        with pytest.raises(ProviderUnavailable):
            far.full_round()
        assert elsewhere.requests == []


def test_nothing_is_repeated_by_the_library(far):
    far.google.commit(refusing(403, "rateLimitExceeded"), times=9)
    for fault in (instead(503), instead(429)):
        far.google.commit(fault, times=9)
    with pytest.raises(RateLimited):
        far.full_round()
    assert len(far.google.requests) == 1


def test_access_token_that_has_expired_is_not_refreshed_here(far):
    adapter = far.adapter()
    far.google.expire_access_tokens()
    with pytest.raises(AccessTokenRefused):
        adapter.calendars()
    assert [Call(request).path for request in far.google.requests] == [
        "/calendar/v3/users/me/calendarList"
    ]


def test_account_without_an_access_token_asks_for_one():
    nowhere = GoogleApp(client_id="", client_secret="", api_url="http://127.0.0.1:1")
    with pytest.raises(AccessTokenRefused):
        GoogleAdapter(Credentials(), app=nowhere).calendars()


def test_scopes_we_ask_for_are_enough_and_each_is_needed(far):
    assert frozenset(SCOPES) == CALENDAR
    for scope in SCOPES:
        adapter = far.adapter(far.account.sign_in(frozenset(SCOPES) - {scope}))
        with pytest.raises((AccessRevoked, FreeBusyUnsupported), match="permission"):
            use_everything(adapter, far)
    use_everything(far.adapter(far.account.sign_in(frozenset(SCOPES))), far)


def use_everything(adapter: GoogleAdapter, far: GoogleCalendar) -> None:
    adapter.calendars()
    list(adapter.changes(far.calendar_id, window=WINDOW, zone=BERLIN))
    adapter.create_event(far.calendar_id, DRAFT)
    adapter.busy(far.calendar_id, window=WINDOW)


# --- servers that do not answer --------------------------------------------------------------


def test_silent_server_is_given_up_in_time(far):
    far.timeout = 0.1
    far.google.commit(far.google.silence, times=9)
    with pytest.raises(ProviderUnavailable, match="in time"):
        far.full_round()
    assert len(far.google.requests) == 1


def test_server_that_falls_silent_half_way_is_given_up_in_time(far):
    far.timeout = 0.1
    closing = far.google.is_closing

    def half(request, forward):
        answer = forward(request)
        headers = {**answer.headers, "Content-Length": str(len(answer.body))}
        return Response(200, headers, first_half_then_wait(answer.body, closing))

    far.google.commit(half, times=9)
    with pytest.raises(ProviderUnavailable, match="in time"):
        far.full_round()


def first_half_then_wait(body: bytes, closing: Event):
    yield body[: len(body) // 2]
    closing.wait()


def test_answers_that_break_off_leave_no_connection_open(far):
    """Not even until the next garbage collection: a worker runs for weeks."""
    far.google.commit(cut_off, times=99)
    gc.disable()
    try:
        before = len(list(Path("/dev/fd").iterdir()))
        for _ in range(20):
            with suppress(ProviderUnavailable):
                far.adapter().calendars()
        assert len(list(Path("/dev/fd").iterdir())) < before + 10
    finally:
        gc.enable()


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://nowhere.invalid"])
def test_server_that_is_not_there_is_unavailable(url):
    app = GoogleApp(client_id="", client_secret="", api_url=url)
    with pytest.raises(ProviderUnavailable, match="connection"):
        GoogleAdapter(Credentials(access_token="ya29.token"), app=app).calendars()


# --- secrets ---------------------------------------------------------------------------------


def test_no_text_for_people_holds_a_secret_or_an_address(far, caplog):
    caplog.set_level(logging.INFO)
    far.add("Private matter", TEN, TEN + HOUR)
    sync_token = far.token()
    secrets = [sync_token.rpartition(":")[2], "ya29", "Private matter", "http", far.calendar_id]
    hostile = '{"error": {"errors": [{"reason": "http://evil/?syncToken=1"}], "message": "ya29"}}'
    for fault in (
        *(refusing(status, "notFound") for status in (400, 401, 403, 404, 410, 412, 429, 500, 503)),
        *(instead(status, hostile) for status in (400, 403, 404, 429, 500)),
        lost,
        cut_off,
    ):
        far.google.commit(fault, times=2)
        with pytest.raises(ProviderError) as raised:
            far.since(sync_token)
        far.google.heal()
        assert [one for one in secrets if one in str(raised.value)] == []
        assert raised.value.__cause__ is None
        assert raised.value.__suppress_context__ or raised.value.__context__ is None
    secrets.remove("http")  # the library logs Google's name for a refusal, whatever that is
    assert [one for one in secrets if one in caplog.text] == []


def test_registration_keeps_its_secret_out_of_its_looks(google):
    app = app_at(google)
    assert app.client_secret not in repr(app)
