"""Watches at Google and the calls they bring, and Google's own word on busy times."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from connections.providers.base import (
    CalendarGone,
    ProviderMisconfigured,
    ProviderUnavailable,
    PushUnsupported,
    RateLimited,
    Watch,
    Window,
)
from tests.connections.providers.contract import DAY, HOUR, TEN, WINDOW
from tests.connections.providers.far_end import FarEnd, Response, instead, lost
from tests.connections.providers.google_far import GoogleCalendar, calendar_at
from tests.fakes.google import FakeGoogle, refusing
from tests.fakes.http import Call

SECRET = "a secret of this watch"


@pytest.fixture
def far(google: FakeGoogle) -> GoogleCalendar:
    return calendar_at(google)


@pytest.fixture
def webhook() -> Iterator[FarEnd]:
    with FarEnd(lambda request: Response(204)) as webhook:
        yield webhook


def watch(far: GoogleCalendar, webhook: FarEnd) -> Watch:
    return far.adapter().watch(far.calendar_id, address=f"{webhook.url}/hook/", secret=SECRET)


def heard(far: GoogleCalendar, webhook: FarEnd) -> list[Call]:
    far.google.channels.settle()
    return [Call(request) for request in webhook.requests]


def states(far: GoogleCalendar, webhook: FarEnd) -> list[str]:
    return [call.header("X-Goog-Resource-State") for call in heard(far, webhook)]


# --- watches ---------------------------------------------------------------------------------


def test_watch_is_told_of_changes_with_its_secret(far, webhook):
    opened = watch(far, webhook)
    far.add("Comes", TEN, TEN + HOUR)
    first, second = heard(far, webhook)
    assert (first.path, first.header("X-Goog-Resource-State")) == ("/hook/", "sync")
    assert first.header("X-Goog-Message-Number") == "1"
    assert second.header("X-Goog-Resource-State") == "exists"
    for call in (first, second):
        assert call.header("X-Goog-Channel-ID") == opened.watch_id
        assert call.header("X-Goog-Channel-Token") == SECRET == opened.secret
        assert call.header("X-Goog-Resource-ID") == opened.resource_id
        assert call.request.body == b""


def test_watch_lasts_as_long_as_google_grants(far, webhook):
    far.google.channels.life = timedelta(days=2)
    left = watch(far, webhook).expires_at - datetime.now(UTC)
    assert timedelta(days=2) - timedelta(minutes=1) < left <= timedelta(days=2)


def test_every_watch_has_an_id_of_its_own(far, webhook):
    ids = {watch(far, webhook).watch_id for _ in range(3)}
    assert len(ids) == 3
    assert max(map(len, ids)) <= 64


def test_renewed_watch_is_a_new_one_beside_the_old_until_that_is_stopped(far, webhook):
    old = watch(far, webhook)
    new = far.adapter().renew_watch(far.calendar_id, old, address=f"{webhook.url}/hook/")
    assert (new.watch_id != old.watch_id, new.secret) == (True, old.secret)
    far.add("Heard twice", TEN, TEN + HOUR)
    assert states(far, webhook) == ["sync", "sync", "exists", "exists"]
    far.adapter().stop_watch(old)
    far.add("Heard once", TEN, TEN + HOUR)
    assert states(far, webhook) == ["sync", "sync", "exists", "exists", "exists"]


def test_watch_that_is_gone_counts_as_stopped(far, webhook):
    opened = watch(far, webhook)
    far.adapter().stop_watch(opened)
    far.adapter().stop_watch(opened)
    assert far.google.channels.open == {}


def test_watch_that_cannot_be_stopped_now_says_so(far, webhook):
    opened = watch(far, webhook)
    far.google.commit(instead(503), about="/stop")
    with pytest.raises(ProviderUnavailable):
        far.adapter().stop_watch(opened)
    far.google.commit(instead(403), about="/stop")
    with pytest.raises(ProviderUnavailable):
        far.adapter().stop_watch(opened)


def test_stop_is_answered_without_a_body(far, webhook):
    opened = watch(far, webhook)
    far.google.commit(instead(200), about="/stop")
    far.adapter().stop_watch(opened)


def test_watch_whose_answer_got_lost_is_opened_again_under_another_id(far, webhook):
    """The HTTP library repeats a request to a server that hangs up, with the id taken by then."""
    far.google.commit(lost, about="/watch")
    opened = watch(far, webhook)
    assert opened.watch_id in far.google.channels.open
    assert len(far.google.channels.open) == 2  # the lost one runs out by itself


@pytest.mark.parametrize(
    "reason", ["pushNotSupportedForRequestedResource", "push.pushNotSupportedForRequestedResource"]
)
def test_calendar_without_push_is_to_be_polled(far, webhook, reason):
    far.calendar.has_push = False
    with pytest.raises(PushUnsupported):
        watch(far, webhook)
    far.google.commit(refusing(400, reason), about="/watch")
    with pytest.raises(PushUnsupported):
        watch(far, webhook)


def test_address_that_google_does_not_call_is_the_operators_matter(far):
    with pytest.raises(ProviderMisconfigured):
        far.adapter().watch(far.calendar_id, address="http://example.com/", secret=SECRET)
    far.google.commit(refusing(401, "push.webhookUrlUnauthorized"), about="/watch")
    with pytest.raises(ProviderMisconfigured):
        far.adapter().watch(far.calendar_id, address="https://example.com/", secret=SECRET)


def test_calendar_that_is_gone_cannot_be_watched(far, webhook):
    far.google.remove_calendar(far.calendar)
    with pytest.raises(CalendarGone):
        watch(far, webhook)


@pytest.mark.parametrize(
    "body", ["{}", '{"expiration": 1}', '{"resourceId": "r", "expiration": "soon"}', "[1]"]
)
def test_watch_that_nobody_knows_the_end_of_is_none(far, webhook, body):
    far.google.commit(instead(200, body), about="/watch")
    with pytest.raises(ProviderUnavailable):
        watch(far, webhook)


def test_watch_whose_end_is_not_named_lives_for_a_day_at_least(far, webhook):
    far.google.commit(instead(200, '{"resourceId": "r"}'), about="/watch")
    left = watch(far, webhook).expires_at - datetime.now(UTC)
    assert timedelta(hours=23) < left <= timedelta(days=1)


# --- busy times ------------------------------------------------------------------------------


def busy(far: GoogleCalendar, window: Window = WINDOW) -> list[Window]:
    return far.adapter().busy(far.calendar_id, window=window)


def test_busy_periods_are_in_order_and_joined(far):
    far.add("Late", TEN + 3 * HOUR, TEN + 4 * HOUR)
    far.add("Early", TEN, TEN + HOUR)
    far.add("Right after", TEN + HOUR, TEN + 2 * HOUR)
    far.add("Free", TEN + 5 * HOUR, TEN + 6 * HOUR, transparency="transparent")
    assert busy(far) == [
        Window(TEN, TEN + 2 * HOUR),
        Window(TEN + 3 * HOUR, TEN + 4 * HOUR),
    ]


def test_busy_times_of_a_long_window_are_asked_for_in_parts(far):
    """Google refuses a question about more than some three months."""
    window = Window(WINDOW.start, WINDOW.start + 407 * DAY)
    far.add("Sabbatical", window.start + 10 * DAY, window.start + 200 * DAY)
    far.add("Last", window.end - HOUR, window.end + HOUR)
    assert busy(far, window) == [
        Window(window.start + 10 * DAY, window.start + 200 * DAY),
        Window(window.end - HOUR, window.end),
    ]
    assert len(far.google.asked("POST")) == 7


def test_busy_periods_within_others_make_them_no_shorter(far):
    spans = [(TEN, TEN + 4 * HOUR), (TEN + HOUR, TEN + 2 * HOUR)]
    busy_spans = [{"start": start.isoformat(), "end": end.isoformat()} for start, end in spans]
    answer = {"calendars": {far.calendar_id: {"busy": busy_spans}}}
    far.google.commit(instead(200, json.dumps(answer)), about="/freeBusy", times=9)
    assert busy(far) == [Window(TEN, TEN + 4 * HOUR)]


def test_calendar_that_is_gone_is_not_free(far):
    far.google.remove_calendar(far.calendar)
    with pytest.raises(CalendarGone):
        busy(far)


@pytest.mark.parametrize(
    "entry",
    [
        '{"errors": [{"reason": "internalError"}], "busy": []}',
        '{"errors": ["all wrong"], "busy": []}',
        '{"busy": [{"start": "soon", "end": "later"}]}',
        "{}",
        "[]",
    ],
)
def test_calendar_that_google_knows_nothing_of_is_not_free(far, entry):
    body = f'{{"calendars": {{"{far.calendar_id}": {entry}}}}}'
    far.google.commit(instead(200, body), about="/freeBusy")
    with pytest.raises(ProviderUnavailable):
        busy(far)


def test_answer_about_another_calendar_says_nothing(far):
    body = '{"calendars": {"another": {"busy": []}}}'
    far.google.commit(instead(200, body), about="/freeBusy")
    with pytest.raises(ProviderUnavailable):
        busy(far)


def test_one_part_that_fails_fails_the_whole(far):
    far.google.commit(refusing(429, "rateLimitExceeded"), about="2026-07-31")
    with pytest.raises(RateLimited):
        busy(far)
