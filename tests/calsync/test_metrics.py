"""What Prometheus is told, and whom /metrics answers."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.db import OperationalError, connection
from django_q.tasks import async_task
from prometheus_client.parser import text_string_to_metric_families

from bookings.audit import EXPLANATIONS
from bookings.booking_mails import BookingMail
from bookings.endpoints import WebhookDelivery, WebhookEndpoint
from bookings.models import AuditFinding, Booking
from calsync import sweeper
from calsync.metrics import exposition
from connections.models import CalendarConnection, Departure
from tests.factories import BookingFactory, ConnectionFactory, ConsultantFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
TOKEN = "a-long-token-of-this-installation"
ASKING = {"Authorization": f"Bearer {TOKEN}"}


def told() -> dict[tuple, float]:
    """Values by name and labels."""
    families = text_string_to_metric_families(exposition(now=NOW).decode())
    samples = [sample for family in families for sample in family.samples]
    return {(one.name, *one.labels.values()): one.value for one in samples}


def test_calendars_are_counted_by_provider_and_state():
    ConnectionFactory()
    ConnectionFactory()
    ConnectionFactory(provider="google", sync_status="error")
    ConnectionFactory(provider="google", sync_status="error", reconnect_needed_at=NOW)
    ConnectionFactory(provider="google", sync_status="error", is_active=False)
    counted = {key[1:]: value for key, value in told().items() if key[0] == "calsync_connections"}
    assert counted == {
        ("apple", "synced"): 2,
        ("google", "error"): 1,
        ("google", "reconnect"): 1,
        ("google", "off"): 1,
    }


def test_share_of_calendars_whose_changes_are_seen_soon():
    for _ in range(2):
        ConnectionFactory(webhook_expiration=NOW + HOUR, next_sync_at=NOW + HOUR)
    ConnectionFactory(next_sync_at=NOW + MINUTE)
    ConnectionFactory(next_sync_at=NOW + HOUR)
    ConnectionFactory(next_sync_at=NOW, is_active=False)
    ConnectionFactory(next_sync_at=None, reconnect_needed_at=NOW)
    said = told()
    ways = [said["calsync_calendars", way] for way in ("push", "fast_poll", "neither")]
    assert ways == [2, 1, 1]
    assert said["calsync_calendars_followed_ratio",] == 0.75


def test_broken_invariants_are_counted_and_those_that_hold_say_so():
    for _ in range(2):
        AuditFinding.objects.create(
            invariant="sync_is_stuck", subject=uuid4(), detail="due", found_at=NOW
        )
    counted = {key[1]: value for key, value in told().items() if key[0] == "calsync_broken"}
    assert counted == dict.fromkeys(EXPLANATIONS, 0) | {"sync_is_stuck": 2}


def test_webhooks_that_were_not_told_yet():
    endpoint = WebhookEndpoint.objects.create(user=ConsultantFactory(), url="https://example.com")
    for day in range(4):
        BookingFactory(user=endpoint.user, start_time=NOW + timedelta(days=day))
    first, second, *_ = WebhookDelivery.objects.all()
    WebhookDelivery.objects.filter(pk=first.pk).update(due_at=None)
    WebhookDelivery.objects.filter(pk=second.pk).update(due_at=None, delivered_at=NOW)
    said = told()
    assert said["calsync_deliveries_undone", "due"] == 2
    assert said["calsync_deliveries_undone", "given_up"] == 1


def test_without_a_calendar_all_of_them_are_followed():
    said = told()
    assert said["calsync_calendars_followed_ratio",] == 1
    assert ("calsync_oldest_sync_age_seconds",) not in said


def test_drift_is_told_by_connection_and_without_anything_personal():
    row = ConnectionFactory(
        verified_at=NOW - HOUR,
        drift_missing_minutes=60,
        drift_surplus_minutes=5,
        calendar_name="Private calendar",
    )
    ConnectionFactory(verified_at=NOW)  # nothing to compare with
    said = told()
    key = str(row.pk)
    drift = {labels: value for labels, value in said.items() if "drift" in labels[0]}
    assert drift == {
        ("calsync_drift_minutes", key, "missing"): 60,
        ("calsync_drift_minutes", key, "surplus"): 5,
        ("calsync_drift_age_seconds", key): 3600,
    }
    text = exposition(now=NOW).decode()
    for personal in (row.calendar_name, row.provider_email, row.calendar_id, str(row.user_id)):
        assert personal not in text


def test_calendar_that_waits_longest_gives_the_age():
    ConnectionFactory(last_synced_at=NOW - MINUTE)
    ConnectionFactory(last_synced_at=NOW - 3 * MINUTE)
    ConnectionFactory(last_synced_at=NOW - HOUR, is_active=False)
    assert told()["calsync_oldest_sync_age_seconds",] == 180
    CalendarConnection.objects.update(last_synced_at=None, created_at=NOW - 2 * HOUR)
    assert told()["calsync_oldest_sync_age_seconds",] == 7200


def test_what_waits_is_counted():
    ConnectionFactory(next_sync_at=NOW)
    ConnectionFactory(next_sync_at=NOW + MINUTE)
    Departure.objects.create(
        provider="google", provider_email="a@b.c", refresh_token="secret", due_at=NOW
    )
    async_task("math.sqrt", 4)
    said = told()
    names = ("syncs_due", "departures", "queue_length")
    assert [said[f"calsync_{name}",] for name in names] == [1, 1, 1]


def test_undone_events_and_unsent_mails_are_counted():
    for hours, status, state in [
        (0, "confirmed", "due"),
        (2, "cancelled", "due"),
        (4, "confirmed", "failed"),
        (6, "confirmed", "written"),
        (8, "pending", "due"),
    ]:
        booking = BookingFactory(
            start_time=NOW + hours * HOUR, status=status, hold_expires_at=NOW + HOUR
        )
        Booking.objects.filter(pk=booking.pk).update(event_state=state)
    BookingMail.objects.all().delete()
    for kind, fields in [
        ("confirmation", {"due_at": NOW}),
        ("consultant_notice", {"due_at": None, "sent_at": NOW}),
        ("cancellation", {"due_at": None, "error": "No such mailbox."}),
    ]:
        BookingMail.objects.create(booking=booking, kind=kind, recipient="invitee", **fields)
    said = told()
    assert [said["calsync_bookings_undone", state] for state in ("due", "failed")] == [2, 1]
    assert [said["calsync_mails_unsent", state] for state in ("due", "given_up")] == [1, 1]


def test_last_sweep_has_an_age():
    cache.delete(sweeper.LAST_SWEEP)
    assert ("calsync_last_sweep_age_seconds",) not in told()
    cache.set(sweeper.LAST_SWEEP, NOW - MINUTE, timeout=None)
    assert told()["calsync_last_sweep_age_seconds",] == 60


# --- over HTTP -----------------------------------------------------------------------------------


def test_who_knows_the_token_is_answered_under_whatever_name(client, settings):
    settings.METRICS_TOKEN = TOKEN
    settings.ALLOWED_HOSTS = ["booking.example.com"]
    settings.SECURE_SSL_REDIRECT = True
    answer = client.get("/metrics", headers=ASKING | {"host": "127.0.0.1:8000"})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    assert b"calsync_queue_length 0.0" in answer.content


@pytest.mark.parametrize(
    "given", ["", "Bearer ", "Bearer guessed", f"Basic {TOKEN}", TOKEN, "Bearer g\u00fcessed"]
)
def test_who_does_not_know_it_is_told_nothing(client, settings, given):
    settings.METRICS_TOKEN = TOKEN
    answer = client.get("/metrics", headers={"Authorization": given} if given else {})
    assert (answer.status_code, answer.content) == (401, b"")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("given", ["", "Bearer ", "Bearer"])
def test_without_a_token_there_is_no_such_page(client, given):
    answer = client.get("/metrics", headers={"Authorization": given} if given else {})
    assert (answer.status_code, answer.content) == (404, b"")


def test_a_database_that_does_not_answer_is_an_error_and_no_zero(client, settings):
    settings.METRICS_TOKEN = TOKEN
    client.raise_request_exception = False
    with connection.execute_wrapper(_no_answer):
        assert client.get("/metrics", headers=ASKING).status_code == 500


def _no_answer(*query):
    raise OperationalError("connection refused")
