"""Notifications: known ones make rows due, all others nothing, and no provider is called."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django_q.models import OrmQ

from connections.models import CalendarConnection
from tests.factories import ConnectionFactory

pytestmark = pytest.mark.django_db

GOOGLE, MICROSOFT = "/webhooks/google/", "/webhooks/microsoft/"
LIFECYCLE = "/webhooks/microsoft/lifecycle/"
LATER = datetime(2100, 1, 1, tzinfo=UTC)
IDLE = (LATER, None, None, False)  # due, asked for at, to look again at, from scratch


@pytest.fixture
def channel() -> CalendarConnection:
    """A Google calendar with a watch of its own."""
    return watched(provider="google", webhook_channel_id="channel-1", webhook_resource_id="r1")


@pytest.fixture
def calendars() -> list[CalendarConnection]:
    """Two calendars of a Microsoft account, told of by one watch."""
    first = watched(provider="microsoft", webhook_subscription_id="sub-1")
    return [first, watched(provider="microsoft", webhook_subscription_id="sub-1", user=first.user)]


def watched(**fields) -> CalendarConnection:
    known = {"webhook_secret": "secret", "webhook_expiration": LATER, "next_watch_at": LATER}
    return ConnectionFactory(next_sync_at=LATER, **known | fields)


def state(connection: CalendarConnection) -> tuple:
    row = CalendarConnection.objects.get(pk=connection.pk)
    return row.next_sync_at, row.sync_requested_at, row.look_again_at, row.full_sync_requested


def is_due(connection: CalendarConnection) -> bool:
    next_sync_at, requested_at, *_ = state(connection)
    return next_sync_at == requested_at and datetime.now(UTC) - requested_at < timedelta(minutes=1)


def told_by_google(client: Client, *, path: str = GOOGLE, **changes) -> int:
    headers = {
        "X-Goog-Channel-ID": "channel-1",
        "X-Goog-Channel-Token": "secret",
        "X-Goog-Resource-ID": "r1",
        "X-Goog-Resource-State": "exists",
    }
    changed = {name.replace("_", "-"): value for name, value in changes.items()}
    return client.post(path, headers=headers | changed).status_code


def told_by_microsoft(client: Client, *items: dict, path: str = MICROSOFT) -> int:
    body = json.dumps({"value": items})
    return client.post(path, body, content_type="application/json").status_code


def item(**fields) -> dict:
    return {"subscriptionId": "sub-1", "clientState": "secret", "changeType": "updated"} | fields


# --- Google ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/webhooks/google/", "/webhooks/google"])
def test_a_changed_calendar_is_due_at_once(client, channel, path):
    stranger = watched(provider="google", webhook_channel_id="channel-2")
    assert told_by_google(client, path=path) == 202
    assert is_due(channel)
    assert state(stranger) == IDLE


def test_the_first_call_of_a_watch_means_no_change_whether_it_is_stored_yet_or_not(client, channel):
    assert told_by_google(client, X_Goog_Resource_State="sync") == 202
    soon = {"X_Goog_Resource_State": "sync", "X_Goog_Channel_ID": "channel-9"}
    assert told_by_google(client, **soon) == 202
    assert state(channel) == IDLE


@pytest.mark.parametrize(
    "wrong",
    [
        {"X_Goog_Channel_ID": "channel-9"},
        {"X_Goog_Channel_ID": ""},
        {"X_Goog_Channel_Token": "guessed"},
        {"X_Goog_Channel_Token": ""},
        {"X_Goog_Channel_Token": "s\u00e4cret"},
        {"X_Goog_Resource_ID": "r2"},
        {"X_Goog_Resource_ID": ""},
    ],
)
def test_somebody_elses_words_have_no_effect(client, channel, wrong):
    assert told_by_google(client, **wrong) == 404
    assert state(channel) == IDLE


def test_a_call_that_is_no_notification_is_refused(client, channel):
    assert client.post(GOOGLE).status_code == 400
    assert client.get(GOOGLE).status_code == 405
    assert client.post("/webhooks/apple/").status_code == 404
    assert state(channel) == IDLE


def test_a_watch_of_another_provider_is_unknown(client, channel):
    assert told_by_microsoft(client, item(subscriptionId="channel-1")) == 202
    assert state(channel) == IDLE


def test_disconnected_calendars_and_lost_accounts_are_left_alone(client, channel):
    now = datetime.now(UTC)
    CalendarConnection.objects.update(reconnect_needed_at=now)
    assert told_by_google(client) == 202
    assert state(channel) == IDLE
    CalendarConnection.objects.update(reconnect_needed_at=None, is_active=False)
    assert told_by_google(client) == 404
    assert state(channel) == IDLE


def test_a_calendar_whose_provider_wants_to_be_left_alone_is_not_due_before(client, channel):
    until = datetime.now(UTC) + timedelta(minutes=20)
    CalendarConnection.objects.update(not_before=until, next_sync_at=until)
    assert told_by_google(client) == 202
    next_sync_at, requested_at, *_ = state(channel)
    assert next_sync_at == until
    assert datetime.now(UTC) - requested_at < timedelta(minutes=1)


# --- Microsoft -----------------------------------------------------------------------------------

TOKENS = ["Validation: a+b/c=:%&?", "<script>alert(1)</script>", "\u00fc" * 100, "a" * 2048]


@pytest.mark.parametrize("path", [MICROSOFT, LIFECYCLE, MICROSOFT[:-1], LIFECYCLE[:-1]])
@pytest.mark.parametrize("accept", ["text/plain", "application/xml", "*/*"])
@pytest.mark.parametrize("token", TOKENS)
def test_the_handshake_gives_the_token_back_byte_by_byte(path, accept, token):
    response = Client(enforce_csrf_checks=True).post(
        path,
        "",
        content_type="text/plain; charset=utf-8",
        query_params={"validationToken": token},
        headers={"Accept": accept},
    )
    assert (response.status_code, response.content) == (200, token.encode())
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.cookies == {}


def test_a_handshake_that_is_too_long_is_refused(client):
    long = {"validationToken": "a" * 2049}
    assert client.post(MICROSOFT, query_params=long).status_code == 400


def test_all_calendars_of_a_changed_account_are_due_and_looked_at_again(client, calendars):
    other = watched(provider="microsoft", webhook_subscription_id="sub-2")
    assert told_by_microsoft(client, item(), item()) == 202
    assert [is_due(one) for one in calendars] == [True, True]
    for one in calendars:
        next_sync_at, _, look_again_at, _ = state(one)
        assert look_again_at - next_sync_at == timedelta(seconds=20)
    assert state(other) == IDLE


def test_only_the_valid_items_of_a_batch_have_an_effect(client, calendars):
    other = watched(provider="microsoft", webhook_subscription_id="sub-2")
    forged = item(subscriptionId="sub-2", clientState="guessed")
    assert told_by_microsoft(client, forged, item(subscriptionId="sub-9"), item()) == 202
    assert [is_due(one) for one in calendars] == [True, True]
    assert state(other) == IDLE


@pytest.mark.parametrize(
    "wrong", [{"clientState": "guessed"}, {"clientState": None}, {"subscriptionId": "sub-9"}]
)
def test_a_batch_without_a_valid_item_has_no_effect(client, calendars, wrong):
    assert told_by_microsoft(client, item(**wrong)) == 202
    assert told_by_microsoft(client, item(**wrong, lifecycleEvent="missed"), path=LIFECYCLE) == 202
    assert [state(one) for one in calendars] == [IDLE, IDLE]


def test_microsoft_is_given_no_reason_to_repeat_what_concerns_nobody(client, calendars):
    unknown = item(lifecycleEvent="somethingNew")
    answers = [
        client.post(path, json.dumps({"value": items}), content_type="application/json")
        for path, items in [
            (MICROSOFT, []),
            (LIFECYCLE, [unknown]),
            (MICROSOFT, [item(subscriptionId="sub-9")]),
            (MICROSOFT, [item(clientState="guessed")]),
        ]
    ]
    assert [state(one) for one in calendars] == [IDLE, IDLE]
    answers.append(client.post(MICROSOFT, json.dumps({"value": [item()]}), "application/json"))
    assert {(one.status_code, one.content) for one in answers} == {(202, b"")}


def test_a_body_that_is_too_large_is_not_read(client, calendars):
    assert told_by_microsoft(client, item(resource="x" * 256 * 1024)) == 413
    assert [state(one) for one in calendars] == [IDLE, IDLE]


@pytest.mark.parametrize("body", ["", "{", "[]", "x" * 1000])
def test_a_body_that_makes_no_sense_is_refused(client, body):
    response = client.post(MICROSOFT, body, content_type="application/json")
    assert response.status_code == 400


def test_a_batch_costs_few_queries_and_queues_nothing(client, calendars, django_assert_num_queries):
    items = [item(changeType=kind) for kind in ("created", "updated", "deleted") * 100]
    with django_assert_num_queries(7):  # look up; begin, lock, become due, look again, commit
        assert told_by_microsoft(client, *items) == 202
    assert OrmQ.objects.count() == 0


def test_missed_notifications_are_made_up_for_by_a_full_sync(client, calendars):
    assert told_by_microsoft(client, item(lifecycleEvent="missed"), path=LIFECYCLE) == 202
    assert [is_due(one) for one in calendars] == [True, True]
    assert [state(one)[3] for one in calendars] == [True, True]


def test_a_watch_that_must_be_renewed_is_due_once(client, calendars):
    told = item(lifecycleEvent="reauthorizationRequired")
    assert told_by_microsoft(client, told, path=LIFECYCLE) == 202
    rows = CalendarConnection.objects
    assert [one.pk for one in rows.needing_watch(datetime.now(UTC))] != []
    soon = datetime.now(UTC) + timedelta(minutes=2)  # a worker is at it
    rows.update(next_watch_at=soon)
    assert told_by_microsoft(client, told, path=LIFECYCLE) == 202
    assert set(rows.values_list("next_watch_at", flat=True)) == {soon}
    assert [state(one) for one in calendars] == [IDLE, IDLE]


@pytest.mark.parametrize("event", ["reauthorizationRequired", "subscriptionRemoved"])
def test_a_watch_is_not_seen_to_before_the_provider_may_be_asked_again(client, calendars, event):
    until = datetime.now(UTC) + timedelta(minutes=20)
    CalendarConnection.objects.update(not_before=until)
    assert told_by_microsoft(client, item(lifecycleEvent=event), path=LIFECYCLE) == 202
    due = set(CalendarConnection.objects.values_list("next_watch_at", flat=True))
    assert due == {until}


def test_a_lost_watch_is_opened_anew_and_everything_read_once(client, calendars):
    told = item(lifecycleEvent="subscriptionRemoved")
    assert told_by_microsoft(client, told, path=LIFECYCLE) == 202
    rows = CalendarConnection.objects
    assert rows.needing_watch(datetime.now(UTC)).count() == 2
    assert [state(one)[3] for one in calendars] == [True, True]
    assert list(rows.values_list("webhook_subscription_id", "webhook_expiration").distinct()) == [
        (None, None)
    ]
    rows.update(full_sync_requested=False, next_watch_at=LATER)
    assert told_by_microsoft(client, told, path=LIFECYCLE) == 202
    assert [state(one)[3] for one in calendars] == [False, False]
    assert rows.needing_watch(datetime.now(UTC)).count() == 0
