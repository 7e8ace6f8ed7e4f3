"""Supabase calls when a booking was written: what is due is handed out at once, and no more."""

import json
import logging

import pytest
from django.core.cache import cache
from django.test import Client
from django_q.models import OrmQ

from bookings.models import Booking
from bookings.tasks import make_haste
from tests.bookings.moments import MONDAY_TEN
from tests.factories import BookingFactory

pytestmark = pytest.mark.django_db

ADDRESS = "/webhooks/supabase/"
SECRET = "a shared secret, ä"
TOLD = SECRET.encode().decode("latin-1")  # a header's bytes, as WSGI passes them on (PEP 3333)
CALL = {
    "type": "INSERT",
    "schema": "public",
    "table": "bookings",
    "record": {"id": "not even a key", "status": "cancelled"},
    "old_record": None,
}


@pytest.fixture(autouse=True)
def _configured(settings):
    settings.SUPABASE_WEBHOOK_SECRET = SECRET
    cache.clear()


def call(client: Client, body: object = CALL, *, path: str = ADDRESS, **headers):
    data = body if isinstance(body, bytes) else json.dumps(body)
    given = headers or {"authorization": f"Bearer {TOLD}"}
    return client.post(path, data, content_type="application/json", headers=given)


def queued() -> list[str]:
    return sorted(task.func() for task in OrmQ.objects.all())


def test_a_call_makes_the_worker_look_for_what_is_due(client):
    BookingFactory()
    response = call(client)
    assert (response.status_code, queued()) == (202, ["bookings.tasks.make_haste"])
    OrmQ.objects.all().delete()
    make_haste()
    assert queued() == ["bookings.tasks.send_mail"] * 2 + ["bookings.tasks.write_event"]


def test_the_secret_may_come_in_a_header_of_its_own(client):
    assert call(client, **{"x-webhook-secret": TOLD}).status_code == 202
    assert call(client, **{"x-webhook-secret": "wrong"}).status_code == 401


@pytest.mark.parametrize("path", ["/webhooks/supabase", ADDRESS])
def test_the_closing_slash_is_no_matter(client, path):
    assert call(client, path=path).status_code == 202


def test_the_words_of_a_call_change_nothing(client):
    booking = BookingFactory(start_time=MONDAY_TEN)
    lie = {"id": str(booking.pk), "status": "cancelled", "user_id": None}
    assert call(client, CALL | {"type": "UPDATE", "record": lie}).status_code == 202
    assert Booking.objects.values().get() == Booking.objects.filter(pk=booking.pk).values().get()
    booking.refresh_from_db()
    assert (booking.status, booking.start_time) == ("confirmed", MONDAY_TEN)


def test_a_thousand_rows_are_one_look(client):
    assert [call(client).status_code for _ in range(5)] == [202] * 5
    assert queued() == ["bookings.tasks.make_haste"]


@pytest.mark.parametrize("change", [{"table": "meeting_types"}, {"schema": "calsync"}])
def test_other_tables_are_heard_and_left_alone(client, change):
    response = call(client, CALL | change)
    assert (response.status_code, queued()) == (200, [])


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer wrong"},
        {"authorization": f"Basic {TOLD}"},
        {"authorization": ""},
        {"authorization": "Bearer "},
    ],
    ids=lambda headers: headers["authorization"][:12],
)
def test_who_does_not_know_the_secret_is_not_heard(client, headers):
    response = call(client, **headers)
    assert (response.status_code, response.json()["code"]) == (401, "authentication_failed")
    assert queued() == []


def test_without_a_secret_there_is_no_such_address_and_the_log_says_why(client, settings, caplog):
    settings.SUPABASE_WEBHOOK_SECRET = ""
    with caplog.at_level(logging.ERROR, logger="bookings"):
        assert call(client, authorization="Bearer ").status_code == 404
    assert caplog.messages == ["Supabase called a webhook, but SUPABASE_WEBHOOK_SECRET is not set."]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[" * 100_000, 400),
        (b"\xff", 400),
        (b"", 400),
        ([], 400),
        ({"table": "bookings"}, 400),
        (CALL | {"table": ["bookings"]}, 400),
        (b" " * 300_000, 413),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_is_no_call_is_refused(client, body, status):
    assert (call(client, body).status_code, queued()) == (status, [])


def test_only_calls_are_answered(client):
    assert client.get(ADDRESS).status_code == 405
