"""The Microsoft adapter by the contract, and what it makes of refusals and of a hanging server."""

import json
from threading import Event

import pytest

from connections.providers.base import (
    AccessRevoked,
    AccessTokenRefused,
    CalendarGone,
    Credentials,
    ProviderError,
    ProviderUnavailable,
    RateLimited,
    RemoteCalendar,
)
from connections.providers.microsoft import MicrosoftAdapter, MicrosoftApp
from tests.connections.providers.contract import BERLIN, DRAFT, HOUR, TEN, WINDOW, AdapterContract
from tests.connections.providers.far_end import Response, cut_off, instead, lost
from tests.connections.providers.microsoft_far import MicrosoftCalendar, calendar_at
from tests.fakes.microsoft import FakeMicrosoft, refusing


@pytest.fixture
def far(microsoft: FakeMicrosoft) -> MicrosoftCalendar:
    return calendar_at(microsoft)


class TestMicrosoft(AdapterContract):
    pass


class TestMicrosoftInPieces(AdapterContract):
    """With pages of any size and in any order, and empty ones among them."""

    @pytest.fixture(autouse=True)
    def _in_pieces(self, microsoft: FakeMicrosoft) -> None:
        microsoft.cut_pages(seed=5)


# --- calendars -------------------------------------------------------------------------------


def test_calendars_carry_their_names_and_what_may_be_done(far):
    holidays = far.account.calendar("Holidays", can_edit=False)
    assert far.adapter().calendars() == [
        RemoteCalendar(
            calendar_id=far.account.default.id, name="Calendar", is_default=True, is_writable=True
        ),
        RemoteCalendar(calendar_id=far.calendar_id, name="Work", is_writable=True),
        RemoteCalendar(calendar_id=holidays.id, name="Holidays", is_writable=False),
    ]


def test_all_pages_of_calendars_are_read(far):
    for number in range(250):
        far.account.calendar(f"Team {number}")
    assert len(far.adapter().calendars()) == 252
    assert len(far.microsoft.requests) == 3


def test_account_that_has_not_allowed_calendars_is_to_connect_again(far):
    adapter = far.adapter(far.account.sign_in(frozenset({"User.Read"})))
    with pytest.raises(AccessRevoked, match="permission"):
        adapter.calendars()


def test_account_without_a_mailbox_has_no_calendars(far):
    far.microsoft.commit(refusing(404, "MailboxNotEnabledForRESTAPI"))
    with pytest.raises(CalendarGone, match="no mailbox"):
        far.adapter().calendars()


@pytest.mark.parametrize("fault", [refusing(404, "UnknownError"), instead(400)])
def test_calendars_that_cannot_be_listed_now_are_not_none(far, fault):
    far.microsoft.commit(fault)
    with pytest.raises(ProviderUnavailable):
        far.adapter().calendars()


# --- what refusals mean ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "error", "retry_after"),
    [
        (refusing(401, "InvalidAuthenticationToken"), AccessTokenRefused, None),
        (refusing(429, "ApplicationThrottled", headers={"Retry_After": "17"}), RateLimited, 17),
        (refusing(429, "MailboxConcurrency"), RateLimited, 60),
        (instead(429, Retry_After="in a while"), RateLimited, 60),
        (instead(503, Retry_After="30"), RateLimited, 30),
        (instead(504, Retry_After="5"), RateLimited, 5),
        (instead(503), ProviderUnavailable, None),
        (instead(502, "<html>Bad Gateway</html>"), ProviderUnavailable, None),
        (refusing(403, "ErrorAccessDenied"), CalendarGone, None),
        (refusing(404, "ErrorItemNotFound"), CalendarGone, None),
        (refusing(400, "ErrorInvalidIdMalformed"), ProviderUnavailable, None),
        (instead(301, Location="https://example.com/"), ProviderUnavailable, None),
        (instead(403, '{"error": "forbidden"}'), CalendarGone, None),
        (instead(403, '["error"]'), CalendarGone, None),
        (instead(200, "<html>Please sign in</html>"), ProviderUnavailable, None),
        (lost, ProviderUnavailable, None),
        (cut_off, ProviderUnavailable, None),
    ],
)
def test_what_a_refusal_means(far, fault, error, retry_after):
    far.microsoft.commit(fault, times=9)
    with pytest.raises(ProviderError) as raised:
        far.full_round()
    assert type(raised.value) is error
    assert getattr(raised.value, "retry_after", None) == retry_after
    assert len(far.microsoft.requests) == 1


def test_texts_for_people_hold_nothing_that_the_server_wrote(far):
    message = "Bearer EwB1 of anna@example.com at /v1.0/me/calendars"
    body = json.dumps({"error": {"code": "Bad <b>", "message": message, "innerError": "x"}})
    far.microsoft.commit(instead(400, body), times=9)
    with pytest.raises(ProviderUnavailable) as raised:
        far.full_round()
    assert str(raised.value) == "Microsoft's answer makes no sense (status 400)."


def test_account_without_an_access_token_asks_for_one():
    nowhere = MicrosoftApp(client_id="", client_secret="", graph_url="http://127.0.0.1:1")
    with pytest.raises(AccessTokenRefused):
        MicrosoftAdapter(Credentials(), app=nowhere).calendars()


def test_secrets_stay_out_of_what_is_shown():
    app = MicrosoftApp(client_id="an id", client_secret="a secret")
    assert repr(app) == "MicrosoftApp(client_id='an id', tenant='common')"


# --- servers that do not answer --------------------------------------------------------------


def test_silent_server_is_given_up_in_time(far):
    far.timeout = 0.1
    far.microsoft.commit(far.microsoft.silence, times=9)
    adapter = far.adapter()
    for call in (
        adapter.calendars,
        lambda: list(adapter.changes(far.calendar_id, window=WINDOW, zone=BERLIN)),
        lambda: adapter.create_event(far.calendar_id, DRAFT),
        lambda: adapter.watch(far.calendar_id, address="https://a.example/", secret="x"),
    ):
        with pytest.raises(ProviderUnavailable, match="in time"):
            call()
    assert len(far.microsoft.requests) == 4


def test_server_that_falls_silent_half_way_is_given_up_in_time(far):
    far.timeout = 0.1
    closing = far.microsoft.is_closing

    def half(request, forward):
        answer = forward(request)
        headers = {**answer.headers, "Content-Length": str(len(answer.body))}
        return Response(200, headers, first_half_then_wait(answer.body, closing))

    far.microsoft.commit(half, times=9)
    with pytest.raises(ProviderUnavailable):
        far.full_round()


def first_half_then_wait(body: bytes, closing: Event):
    yield body[: len(body) // 2]
    closing.wait()


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://nowhere.invalid"])
def test_server_that_is_not_there_is_unavailable(url):
    app = MicrosoftApp(client_id="", client_secret="", graph_url=url)
    with pytest.raises(ProviderUnavailable, match="connection"):
        MicrosoftAdapter(Credentials(access_token="x"), app=app, timeout=1).calendars()


# --- Outlook's own word on busy times ----------------------------------------------------------


def busy(far: MicrosoftCalendar) -> list[tuple]:
    periods = far.adapter().busy(far.calendar_id, window=WINDOW)
    return [(period.start, period.end) for period in periods]


def test_busy_periods_are_in_order_and_joined(far):
    far.add("Late", TEN + 8 * HOUR, TEN + 9 * HOUR)
    far.add("First", TEN, TEN + HOUR)
    far.add("Touches", TEN + HOUR, TEN + 2 * HOUR)
    far.add("Free", TEN + 4 * HOUR, TEN + 5 * HOUR, showAs="free")
    far.add("Cancelled", TEN + 4 * HOUR, TEN + 5 * HOUR, isCancelled=True)
    far.add("Over the edge", WINDOW.start - HOUR, WINDOW.start + HOUR)
    far.add("Without length", TEN + 6 * HOUR, TEN + 6 * HOUR)
    assert busy(far) == [
        (WINDOW.start, WINDOW.start + HOUR),
        (TEN, TEN + 2 * HOUR),
        (TEN + 8 * HOUR, TEN + 9 * HOUR),
    ]


def test_series_and_all_day_events_are_busy_where_they_were_written(far):
    day = TEN.date()
    far.add("Off", day, day + 24 * HOUR, originalStartTimeZone="W. Europe Standard Time")
    far.add("Daily", TEN, TEN + HOUR, repeats="FREQ=DAILY;COUNT=3")
    midnight = TEN - 12 * HOUR  # in Berlin
    assert busy(far) == [
        (midnight, midnight + 24 * HOUR),
        (TEN + 24 * HOUR, TEN + 25 * HOUR),
        (TEN + 48 * HOUR, TEN + 49 * HOUR),
    ]


def test_busy_times_of_a_calendar_that_is_gone_are_no_empty_list(far):
    far.account.drop(far.calendar)
    with pytest.raises(CalendarGone):
        busy(far)
