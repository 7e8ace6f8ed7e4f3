"""Watches at Microsoft, the calls they bring, and what happens when Microsoft ends them."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from connections.providers.base import (
    AccessTokenRefused,
    ProviderUnavailable,
    PushUnsupported,
    RateLimited,
    Watch,
)
from tests.connections.providers.contract import HOUR, TEN
from tests.connections.providers.far_end import FarEnd, Request, Response, instead, lost
from tests.connections.providers.microsoft_far import MicrosoftCalendar, calendar_at
from tests.fakes.http import Call
from tests.fakes.microsoft import FakeMicrosoft, refusing

SECRET = "a secret of this watch"
PLAIN = {"Content-Type": "text/plain; charset=utf-8"}


@pytest.fixture
def far(microsoft: FakeMicrosoft) -> MicrosoftCalendar:
    return calendar_at(microsoft)


def answer(request: Request) -> Response:
    token = Call(request).first("validationToken")
    return Response(200, PLAIN, token.encode()) if token else Response(202)


@pytest.fixture
def webhook() -> Iterator[FarEnd]:
    with FarEnd(answer) as webhook:
        yield webhook


def watch(far: MicrosoftCalendar, webhook: FarEnd) -> Watch:
    return far.adapter().watch(far.calendar_id, address=f"{webhook.url}/hook/", secret=SECRET)


def renew(far: MicrosoftCalendar, webhook: FarEnd, opened: Watch) -> Watch:
    return far.adapter().renew_watch(far.calendar_id, opened, address=f"{webhook.url}/hook/")


def heard(far: MicrosoftCalendar, webhook: FarEnd) -> list[tuple[str, dict]]:
    """What was told, and where."""
    far.microsoft.subscriptions.settle()
    calls = [Call(request) for request in webhook.requests if request.body]
    return [(call.path, item) for call in calls for item in call.json["value"]]


def open_ids(far: MicrosoftCalendar) -> list[str]:
    return list(far.microsoft.subscriptions.open)


def minutes_left(watch: Watch) -> float:
    return (watch.expires_at - datetime.now(UTC)).total_seconds() / 60


def test_watch_is_told_of_changes_in_every_calendar_with_its_secret(far, webhook):
    opened = watch(far, webhook)
    event = far.add("Comes", TEN, TEN + HOUR)
    other = far.account.default.add("Elsewhere", TEN, TEN + HOUR)
    far.remove(event)
    told = heard(far, webhook)
    assert [(path, item["changeType"], item["resourceData"]["id"]) for path, item in told] == [
        ("/hook/", "created", event),
        ("/hook/", "created", other),
        ("/hook/", "deleted", event),
    ]
    assert {item["subscriptionId"] for _, item in told} == {opened.watch_id}
    assert {item["clientState"] for _, item in told} == {SECRET} == {opened.secret}


def test_both_addresses_are_tried_while_the_watch_is_opened(far, webhook):
    watch(far, webhook)
    assert [Call(request).path for request in webhook.requests] == ["/hook/", "/hook/lifecycle/"]


@pytest.mark.parametrize("event", ["reauthorizationRequired", "missed", "subscriptionRemoved"])
def test_news_of_the_watch_itself_come_to_an_address_of_their_own(far, webhook, event):
    opened = watch(far, webhook)
    far.microsoft.subscriptions.tell_lifecycle(opened.watch_id, event)
    [(path, item)] = heard(far, webhook)
    assert (path, item["lifecycleEvent"], item["clientState"]) == (
        "/hook/lifecycle/",
        event,
        SECRET,
    )


def test_address_that_does_not_give_the_token_back_gets_no_watch(far):
    for wrong in (Response(200, PLAIN, b'"quoted"'), Response(202, PLAIN), Response(404)):
        refused = pytest.raises(ProviderUnavailable, match="own address")
        with FarEnd(lambda request, wrong=wrong: wrong) as silent, refused:
            watch(far, silent)
    assert open_ids(far) == []


# --- how long ------------------------------------------------------------------------------------


def test_watch_is_asked_for_almost_seven_days(far, webhook):
    assert 10_080 - 11 < minutes_left(watch(far, webhook)) <= 10_080 - 10


def test_watch_is_as_long_as_microsoft_grants(far, webhook):
    def shorter(request, forward):
        body = json.loads(forward(request).body)
        granted = datetime.now(UTC) + timedelta(minutes=45)
        body["expirationDateTime"] = f"{granted:%Y-%m-%dT%H:%M:%S}.1234567Z"
        return Response(201, {}, json.dumps(body).encode())

    far.microsoft.commit(shorter, method="POST")
    assert 44 < minutes_left(watch(far, webhook)) < 45.01


def test_where_seven_days_are_too_long_three_are_asked_for(far, webhook):
    far.microsoft.subscriptions.longest = timedelta(minutes=4_230)
    opened = watch(far, webhook)
    assert 4_230 - 11 < minutes_left(opened) <= 4_230 - 10
    assert 4_230 - 11 < minutes_left(renew(far, webhook, opened)) <= 4_230 - 10


def test_renewed_watch_is_the_same_for_longer(far, webhook):
    opened = watch(far, webhook)
    body = far.microsoft.subscriptions.open[opened.watch_id].body
    body["expirationDateTime"] = f"{datetime.now(UTC) + HOUR:%Y-%m-%dT%H:%M:%SZ}"
    renewed = renew(far, webhook, opened)
    assert (renewed.watch_id, renewed.secret) == (opened.watch_id, SECRET)
    assert minutes_left(renewed) > 10_000
    assert open_ids(far) == [opened.watch_id]


def test_watch_that_microsoft_has_ended_is_opened_anew(far, webhook):
    opened = watch(far, webhook)
    far.microsoft.subscriptions.tell_lifecycle(opened.watch_id, "subscriptionRemoved")
    renewed = renew(far, webhook, opened)
    assert renewed.watch_id != opened.watch_id
    assert (renewed.secret, open_ids(far)) == (SECRET, [renewed.watch_id])


def test_watch_whose_answer_got_lost_is_closed_before_the_next(far, webhook):
    far.microsoft.subscriptions.refuses_duplicates = True
    far.microsoft.commit(lost, method="POST")
    with pytest.raises(ProviderUnavailable):
        watch(far, webhook)
    [forgotten] = open_ids(far)
    opened = watch(far, webhook)
    assert open_ids(far) == [opened.watch_id] != [forgotten]


def test_watch_that_somebody_else_has_is_left_alone(far, webhook):
    far.microsoft.subscriptions.refuses_duplicates = True
    with FarEnd(answer) as other:
        theirs = watch(far, other)
        with pytest.raises(ProviderUnavailable):
            watch(far, webhook)
    assert open_ids(far) == [theirs.watch_id]


# --- ending --------------------------------------------------------------------------------------


def test_stopped_watch_is_told_nothing_and_may_be_stopped_again(far, webhook):
    opened = watch(far, webhook)
    far.adapter().stop_watch(opened)
    far.adapter().stop_watch(opened)
    far.add("Unheard", TEN, TEN + HOUR)
    assert (heard(far, webhook), open_ids(far)) == ([], [])


@pytest.mark.parametrize("fault", [instead(503), instead(403), lost])
def test_watch_that_cannot_be_stopped_now_says_so(far, webhook, fault):
    opened = watch(far, webhook)
    far.microsoft.commit(fault, method="DELETE")
    with pytest.raises(ProviderUnavailable):
        far.adapter().stop_watch(opened)


# --- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (refusing(403, "ErrorAccessDenied"), PushUnsupported),
        (refusing(400, "MailboxNotEnabledForRESTAPI"), PushUnsupported),
        (refusing(400, "InvalidRequest"), ProviderUnavailable),
        (refusing(401, "InvalidAuthenticationToken"), AccessTokenRefused),
        (instead(429, Retry_After="9"), RateLimited),
        (instead(201, '{"id": "sub"}'), ProviderUnavailable),
        (instead(201, '{"id": "sub", "expirationDateTime": "soon"}'), ProviderUnavailable),
        (instead(201, '{"expirationDateTime": "2026-06-01T00:00:00Z"}'), ProviderUnavailable),
    ],
)
def test_what_a_refused_watch_means(far, webhook, fault, error):
    far.microsoft.commit(fault, times=9)
    with pytest.raises(error):
        watch(far, webhook)


def test_renewal_that_does_not_get_through_says_so(far, webhook):
    opened = watch(far, webhook)
    far.microsoft.commit(instead(503), method="PATCH")
    with pytest.raises(ProviderUnavailable):
        renew(far, webhook, opened)
    far.microsoft.commit(instead(400), method="PATCH")
    with pytest.raises(ProviderUnavailable):
        renew(far, webhook, opened)
    assert open_ids(far) == [opened.watch_id]
