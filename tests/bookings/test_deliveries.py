"""The consultant's own systems are told of what happens to a booking, once they have taken it."""

import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from django.db import transaction

from bookings import deliveries
from bookings.deliveries import ANSWER_KEPT, GIVE_UP_AFTER, KEEP, deliver, prune, send_again
from bookings.endpoints import WebhookDelivery, WebhookEndpoint
from bookings.models import Booking
from connections.fields import Secret
from tests.bookings.moments import MONDAY_TEN
from tests.connections.providers.far_end import FarEnd, Response
from tests.factories import BookingFactory, ConsultantFactory, MeetingTypeFactory

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC) + timedelta(minutes=1)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
FIRST_WAIT = timedelta(seconds=10)  # after one failure
SECRET = "whsec_known-to-both"


class Receiver(FarEnd):
    """Takes what it is sent, or answers as it is told."""

    def __init__(self) -> None:
        super().__init__(lambda request: self.response)
        self.response: Response | None = Response(200, {}, b"thanks")


@pytest.fixture
def receiver(settings) -> Iterator[Receiver]:
    settings.WEBHOOK_ALLOWED_PRIVATE_HOSTS = ["127.0.0.1"]
    with Receiver() as receiver:
        yield receiver


@pytest.fixture(autouse=True)
def _no_jitter(monkeypatch):
    monkeypatch.setattr("syncing.cadence.uniform", lambda low, high: high)


@pytest.fixture
def endpoint(receiver) -> WebhookEndpoint:
    return WebhookEndpoint.objects.create(
        user=ConsultantFactory(slug="ada"), url=f"{receiver.url}/calsync", secret=SECRET
    )


def booked(endpoint: WebhookEndpoint, **fields) -> Booking:
    return BookingFactory(user=endpoint.user, **fields)


def told(booking: Booking) -> list[tuple[str, int, str]]:
    rows = WebhookDelivery.objects.filter(booking=booking).order_by("sequence", "created_at")
    return [(row.event, row.sequence, row.payload["status"]) for row in rows]


def change(booking: Booking, **changes) -> None:
    Booking.objects.filter(pk=booking.pk).update(**changes)


def only() -> WebhookDelivery:
    return WebhookDelivery.objects.get()


# --- what is owed --------------------------------------------------------------------------------


def test_a_booking_its_move_its_cancellation_and_its_return_are_told(endpoint):
    booking = booked(endpoint)
    change(booking, start_time=MONDAY_TEN + HOUR, end_time=MONDAY_TEN + 2 * HOUR)
    change(booking, status="cancelled")
    change(booking, status="confirmed")
    assert told(booking) == [
        ("created", 0, "confirmed"),
        ("changed", 1, "confirmed"),
        ("cancelled", 2, "cancelled"),
        ("changed", 3, "confirmed"),
    ]


def test_a_request_is_created_then_changed_or_cancelled(endpoint):
    approved = booked(endpoint, status="pending")
    change(approved, status="confirmed")
    assert told(approved) == [("created", 0, "pending"), ("changed", 0, "confirmed")]
    declined = booked(endpoint, status="pending", start_time=MONDAY_TEN + DAY)
    change(declined, status="cancelled")
    assert told(declined) == [("created", 0, "pending"), ("cancelled", 1, "cancelled")]


def test_a_hold_is_told_once_it_is_a_booking(endpoint):
    hold = booked(endpoint, status="pending", hold_expires_at=NOW + HOUR)
    assert told(hold) == []
    change(hold, status="confirmed")
    assert told(hold) == [("created", 0, "confirmed")]


def test_what_changes_nothing_for_anybody_is_not_told(endpoint):
    booking = booked(endpoint)
    change(booking, event_error="down", conference_url="https://meet.example.com/x")
    assert len(told(booking)) == 1


def test_it_is_owed_by_the_transaction_that_makes_it_happen(endpoint):
    with transaction.atomic():
        assert len(told(booked(endpoint))) == 1
        transaction.set_rollback(True)
    assert not WebhookDelivery.objects.exists()


def test_each_endpoint_is_told_what_it_asked_for(endpoint):
    WebhookEndpoint.objects.update(events=["cancelled"])
    switched_off = {"url": "https://off.example.com", "is_active": False}
    WebhookEndpoint.objects.create(user=endpoint.user, **switched_off)
    WebhookEndpoint.objects.create(user=ConsultantFactory(), url=endpoint.url)
    booking = booked(endpoint)
    change(booking, status="cancelled")
    assert told(booking) == [("cancelled", 1, "cancelled")]


def test_the_payload_is_the_booking_as_it_was_then(endpoint):
    meeting_type = MeetingTypeFactory(user=endpoint.user, slug="first-talk")
    booking = booked(
        endpoint,
        meeting_type=meeting_type,
        title="First talk",
        location="By phone",
        invitee_notes="x" * 6000,
        answers={"topic": "Tax"},
    )
    change(booking, title="Renamed later")
    assert only().payload == {
        "id": str(booking.pk),
        "sequence": 0,
        "status": "confirmed",
        "start": "2027-03-01T10:00:00Z",
        "end": "2027-03-01T10:30:00Z",
        "moved_from": None,
        "title": "First talk",
        "location": "By phone",
        "meeting_type": "first-talk",
        "consultant": "ada",
        "invitee": {
            "name": "Ivy Invitee",
            "email": "ivy@example.com",
            "time_zone": "UTC",
            "notes": "x" * 5000,
        },
        "answers": {"topic": "Tax"},
        "changed_by": "",
        "cancellation_reason": "",
    }


# --- how it is told ------------------------------------------------------------------------------


def verify(body: bytes, header: str, secret: str, *, now: float) -> bool:
    """As the README tells the receivers."""
    fields = dict(field.split("=", 1) for field in header.split(","))
    signed = fields["t"].encode() + b"." + body
    expected = hmac.new(secret.encode(), signed, sha256).hexdigest()
    return hmac.compare_digest(expected, fields["v1"]) and abs(now - int(fields["t"])) < 300


def test_a_delivery_is_signed_and_on_record(endpoint, receiver):
    booking = booked(endpoint)
    deliver(only().pk, now=NOW)
    row, [request] = only(), receiver.requests
    assert (request.method, request.path) == ("POST", "/calsync")
    assert request.headers["X-Calsync-Delivery"] == str(row.pk)
    assert request.headers["Content-Type"] == "application/json; charset=utf-8"
    signature = request.headers["X-Calsync-Signature"]
    assert verify(request.body, signature, SECRET, now=NOW.timestamp())
    assert not verify(request.body + b" ", signature, SECRET, now=NOW.timestamp())
    assert not verify(request.body, signature, "another", now=NOW.timestamp())
    content = json.loads(request.body)
    assert (content["id"], content["event"]) == (str(row.pk), "booking.created")
    assert content["booking"]["id"] == str(booking.pk)
    assert (row.delivered_at, row.due_at, row.error) == (NOW, None, "")
    assert (row.status_code, row.answer, row.attempts) == (200, "thanks", 1)


def test_a_task_that_is_delivered_twice_tells_once(endpoint, receiver):
    booked(endpoint)
    for _ in range(2):
        deliver(only().pk, now=NOW)
    assert len(receiver.requests) == 1


def test_repeated_deliveries_have_the_same_id_and_a_new_time(endpoint, receiver):
    booked(endpoint)
    receiver.response = Response(500)
    deliver(only().pk, now=NOW)
    deliver(only().pk, now=NOW + HOUR)
    first, second = receiver.requests
    assert first.body == second.body
    assert first.headers["X-Calsync-Delivery"] == second.headers["X-Calsync-Delivery"]
    assert first.headers["X-Calsync-Signature"] != second.headers["X-Calsync-Signature"]


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 404, 410, 500, 503])
def test_any_other_answer_than_success_is_tried_again(endpoint, receiver, status):
    booked(endpoint)
    receiver.response = Response(status, {"Location": f"{receiver.url}/elsewhere"})
    deliver(only().pk, now=NOW)
    row = only()
    assert (row.delivered_at, row.due_at, row.status_code) == (None, NOW + FIRST_WAIT, status)
    assert row.error == f"The answer was {status}."
    assert [request.path for request in receiver.requests] == ["/calsync"]  # nobody was followed
    deliver(row.pk, now=NOW + FIRST_WAIT - timedelta(seconds=1))
    assert len(receiver.requests) == 1
    receiver.response = Response(204)
    deliver(row.pk, now=NOW + FIRST_WAIT)
    assert only().delivered_at == NOW + FIRST_WAIT


def test_who_hangs_up_is_tried_again(endpoint, receiver):
    booked(endpoint)
    receiver.response = None
    deliver(only().pk, now=NOW)
    row = only()
    assert (row.due_at, row.status_code) == (NOW + FIRST_WAIT, None)
    assert row.error == "The connection to 127.0.0.1 failed or broke off."


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("7200", 2 * HOUR),
        (f"{(NOW + 3 * HOUR):%a, %d %b %Y %H:%M:%S} GMT", 3 * HOUR),
        ("1", FIRST_WAIT),
        ("soon", FIRST_WAIT),
        ("-5", FIRST_WAIT),
        ("9" * 400, 6 * HOUR),
        ("Fri, 31 Dec 9999 23:59:59 -2359", FIRST_WAIT),
    ],
    ids=["in seconds", "a date", "at once", "in words", "in the past", "endless", "past all dates"],
)
def test_an_endpoint_says_when_to_come_again(endpoint, receiver, header, wait):
    booked(endpoint)
    receiver.response = Response(503, {"Retry-After": header})
    deliver(only().pk, now=NOW)
    assert abs(only().due_at - (NOW + wait)) < timedelta(seconds=1)


@pytest.mark.parametrize(
    ("response", "wait"),
    [(None, FIRST_WAIT), (Response(503, {"Retry-After": "7200"}), 2 * HOUR)],
    ids=["silent", "asks to wait"],
)
def test_an_endpoint_that_does_not_answer_is_left_alone_with_all_it_is_to_be_told(
    endpoint, receiver, response, wait
):
    """Else everything that waits for it would keep a worker busy, one after the other."""
    elsewhere = WebhookEndpoint.objects.create(
        user=endpoint.user, url=f"{receiver.url}/elsewhere", secret=SECRET
    )
    for day in range(3):
        booked(endpoint, start_time=MONDAY_TEN + day * DAY)
    receiver.response = response
    first, *others = endpoint.deliveries.order_by("created_at")
    for delivery in (first, *others):
        deliver(delivery.pk, now=NOW)
    assert len(receiver.requests) == 1
    assert set(endpoint.deliveries.values_list("due_at", flat=True)) == {NOW + wait}
    assert elsewhere.deliveries.startable(NOW).count() == 3


def test_what_is_not_taken_keeps_nothing_else_waiting(endpoint, receiver):
    for day in range(2):
        booked(endpoint, start_time=MONDAY_TEN + day * DAY)
    receiver.response = Response(400)
    for delivery in endpoint.deliveries.all():
        deliver(delivery.pk, now=NOW)
    assert len(receiver.requests) == 2


def test_after_three_days_it_is_given_up_and_can_be_sent_again(endpoint, receiver):
    booked(endpoint)
    receiver.response = Response(500)
    now = NOW
    while (row := only()).due_at:
        deliver(row.pk, now=now)
        now += HOUR / 2
    assert NOW + GIVE_UP_AFTER - HOUR < now < NOW + GIVE_UP_AFTER + HOUR
    assert (row.delivered_at, row.error) == (None, "Given up. The answer was 500.")
    assert list(WebhookDelivery.objects.given_up()) == [row]
    receiver.response = Response(200)
    assert send_again(WebhookDelivery.objects.all(), now=now) == 1
    deliver(row.pk, now=now)
    assert only().delivered_at == now


def test_little_is_kept_of_an_answer(endpoint, receiver):
    booked(endpoint)
    receiver.response = Response(200, {}, b"\x00<b>\r\n" + b"x" * 50_000)
    deliver(only().pk, now=NOW)
    kept = only().answer
    assert (len(kept), kept[:5]) == (ANSWER_KEPT, "<b> x")


def test_an_answer_without_end_is_not_read(endpoint, receiver):
    booked(endpoint)
    receiver.response = Response(200, {}, (b"x" * 10_000 for _ in range(1000)))
    deliver(only().pk, now=NOW)
    assert (only().delivered_at, only().error) == (
        None,
        "The server's answer is too large to read.",
    )


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://example.com/", "over https only"),
        ("https://127.0.0.1/", "private network"),
        ("https://169.254.169.254/latest/meta-data/", "private network"),
        ("https://[::1]/", "private network"),
        ("https://localhost/", "private network"),
        ("https://user:password@example.com/", "name or a password"),
        ("https://example.com:22/", "Port 22"),
        ("file:///etc/passwd", "not the address of a server"),
    ],
)
def test_addresses_within_the_network_are_not_called(endpoint, settings, url, reason):
    settings.WEBHOOK_ALLOWED_PRIVATE_HOSTS = []
    booked(endpoint)
    WebhookEndpoint.objects.update(url=url)
    deliver(only().pk, now=NOW)
    assert only().delivered_at is None
    assert reason in only().error


def test_a_webhook_that_was_switched_off_meanwhile_is_left_alone(endpoint, receiver):
    booked(endpoint)
    WebhookEndpoint.objects.update(is_active=False)
    deliver(only().pk, now=NOW)
    assert (receiver.requests, only().due_at) == ([], None)
    assert only().error == "The webhook was switched off."


@pytest.mark.parametrize(
    ("secret", "reason"),
    [(None, "no secret yet"), (Secret("lost"), "cannot be decrypted")],
    ids=["none", "lost"],
)
def test_nothing_is_sent_unsigned(endpoint, receiver, secret, reason):
    booked(endpoint)
    WebhookEndpoint.objects.update(secret=secret)
    deliver(only().pk, now=NOW)
    assert receiver.requests == []
    assert reason in only().error


def test_a_bug_is_on_the_row_and_raises(endpoint, receiver, monkeypatch):
    booked(endpoint)
    monkeypatch.setattr(deliveries, "json", None)
    with pytest.raises(AttributeError):
        deliver(only().pk, now=NOW)
    assert only().error.startswith("Internal error (AttributeError)")


def test_what_is_settled_is_forgotten_after_a_month(endpoint):
    booked(endpoint)
    booked(endpoint, start_time=MONDAY_TEN + DAY)
    waiting, settled = WebhookDelivery.objects.order_by("created_at", "pk")
    WebhookDelivery.objects.filter(pk=settled.pk).update(due_at=None)
    prune(now=datetime.now(UTC) + KEEP - MINUTE)
    assert WebhookDelivery.objects.count() == 2
    prune(now=datetime.now(UTC) + KEEP + MINUTE)
    assert only() == waiting
