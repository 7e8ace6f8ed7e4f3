"""What providers send to the address of a watch, in neutral words."""

import json

import pytest

from connections.providers import google, microsoft
from connections.providers.base import Notification, NotificationUnreadable

HEADERS = {
    "X-Goog-Channel-ID": "channel-1",
    "X-Goog-Channel-Token": "secret",
    "X-Goog-Resource-ID": "resource-1",
}


def item(**fields) -> dict:
    return {"subscriptionId": "sub-1", "clientState": "secret"} | fields


def read(*items: object) -> list[Notification]:
    return microsoft.read_notifications({}, json.dumps({"value": items}).encode())


@pytest.mark.parametrize(
    ("state", "meaning"), [("sync", "hello"), ("exists", "changed"), ("not_exists", "changed")]
)
def test_google_says_everything_in_headers(state, meaning):
    assert google.read_notifications(HEADERS | {"X-Goog-Resource-State": state}, b"") == [
        Notification(
            watch_id="channel-1", secret="secret", resource_id="resource-1", meaning=meaning
        )
    ]


@pytest.mark.parametrize("headers", [{}, {"X-Goog-Resource-State": "trash"}])
def test_a_call_that_google_would_not_make_is_no_notification(headers):
    with pytest.raises(NotificationUnreadable):
        google.read_notifications(headers, b"")


@pytest.mark.parametrize(
    ("fields", "meaning"),
    [
        ({"changeType": "updated"}, "changed"),
        ({"lifecycleEvent": "reauthorizationRequired"}, "renew"),
        ({"lifecycleEvent": "subscriptionRemoved"}, "lost"),
        ({"lifecycleEvent": "missed"}, "missed"),
    ],
)
def test_microsoft_tells_of_events_and_of_the_watch(fields, meaning):
    assert read(item(**fields)) == [
        Notification(watch_id="sub-1", secret="secret", meaning=meaning)
    ]


def test_news_of_an_unknown_kind_are_left_out():
    known, *others = read(item(), item(lifecycleEvent="birthday"), item(lifecycleEvent=[1]))
    assert (known.meaning, others) == ("changed", [])


@pytest.mark.parametrize("odd", [None, 7, ["sub-1"], "sub\0", "\ud800", "süß"])
def test_an_id_that_microsoft_would_not_make_is_nobodys(odd):
    [notification] = read(item(subscriptionId=odd, clientState=odd))
    assert (notification.watch_id, notification.secret) == ("", "")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b"null",
        b'{"value": {}}',
        b'{"value": [1]}',
        b"\xff",
        b"[" * 200_000,
    ],
)
def test_a_body_that_microsoft_would_not_send_is_no_notification(body):
    with pytest.raises(NotificationUnreadable):
        microsoft.read_notifications({}, body)


def test_a_handshake_is_answered_with_its_token():
    assert microsoft.handshake({"validationToken": "a+b/=:"}) == "a+b/=:"
    assert microsoft.handshake({}) == ""
    with pytest.raises(NotificationUnreadable):
        microsoft.handshake({"validationToken": "a" * 2049})


def test_a_notification_does_not_show_its_secret():
    assert "secret" not in repr(Notification(watch_id="w", secret="secret", meaning="hello"))
