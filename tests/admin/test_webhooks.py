"""Webhooks on the desk: made, given a secret that is shown once, looked at, sent again."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from bookings.endpoints import WebhookDelivery, WebhookEndpoint
from tests.factories import BookingFactory

pytestmark = pytest.mark.django_db

WEBHOOKS, DELIVERIES = "/admin/bookings/webhookendpoint/", "/admin/bookings/webhookdelivery/"
URL = "https://crm.example.com/calsync"
NOW = datetime.now(UTC)


def make(desk, **changes):
    fields = {"url": URL, "events": ["created", "cancelled"], "is_active": "on"}
    return desk.post(f"{WEBHOOKS}add/", fields | changes)


def secret_in(response) -> str:
    return re.search(r'value="(whsec_[\w-]{43})"', response.content.decode())[1]


@pytest.fixture
def endpoint(consultant) -> WebhookEndpoint:
    return WebhookEndpoint.objects.create(user=consultant, url=URL, secret="whsec_old")


@pytest.fixture
def delivery(endpoint) -> WebhookDelivery:
    BookingFactory(user=endpoint.user)
    return WebhookDelivery.objects.get()


def test_a_new_webhook_shows_its_secret_once(desk, consultant):
    shown = secret_in(make(desk))
    row = WebhookEndpoint.objects.get()
    assert (row.user, row.url, row.events) == (consultant, URL, ["created", "cancelled"])
    assert row.secret.reveal() == shown
    for page in (f"{WEBHOOKS}{row.pk}/change/", WEBHOOKS, f"{WEBHOOKS}{row.pk}/history/"):
        assert "whsec_" not in desk.get(page).content.decode()


def test_the_page_with_the_secret_is_kept_nowhere(desk):
    response = make(desk)
    assert "no-store" in response.headers["Cache-Control"]
    assert not [cookie for cookie in response.cookies.values() if "whsec" in cookie.value]


def test_an_address_inside_is_refused_at_once(desk):
    page = make(desk, url="https://127.0.0.1/hook").content.decode()
    assert "127.0.0.1 leads into a private network" in page
    assert not WebhookEndpoint.objects.exists()


@pytest.mark.parametrize(
    ("fields", "is_named"),
    [
        ({"error": "The answer was 500.", "attempts": 1}, True),
        ({"error": "Given up. The answer was 500.", "due_at": None}, True),
        ({"error": "Given up.", "due_at": None, "created_at": NOW - timedelta(days=8)}, False),
        ({"error": "", "attempts": 0}, False),
        ({"error": "", "due_at": None, "delivered_at": NOW}, False),
    ],
    ids=["tried in vain", "given up", "given up long ago", "not tried", "delivered"],
)
def test_a_webhook_that_fails_is_named_on_the_first_page(desk, delivery, fields, is_named):
    WebhookDelivery.objects.update(**fields)
    page = desk.get("/admin/").content.decode()
    assert ("Webhook that fails" in page) == is_named
    assert (URL in page) == is_named


def test_a_webhook_that_was_switched_off_fails_no_more(desk, delivery):
    WebhookDelivery.objects.update(error="The answer was 500.", attempts=1)
    WebhookEndpoint.objects.update(is_active=False)
    assert "Webhook that fails" not in desk.get("/admin/").content.decode()


def test_a_changed_webhook_keeps_its_secret(desk, endpoint):
    fields = {"url": URL, "events": ["changed"]}
    desk.post(f"{WEBHOOKS}{endpoint.pk}/change/", fields)
    endpoint.refresh_from_db()
    assert (endpoint.events, endpoint.is_active) == (["changed"], False)
    assert endpoint.secret.reveal() == "whsec_old"


def test_a_new_secret_takes_the_place_of_the_old_one(desk, endpoint):
    shown = secret_in(desk.post(f"{WEBHOOKS}{endpoint.pk}/new-secret/"))
    endpoint.refresh_from_db()
    assert endpoint.secret.reveal() == shown


def test_nobody_makes_a_secret_for_anothers_webhook(desk, endpoint, superuser):
    WebhookEndpoint.objects.update(user=superuser)
    assert desk.post(f"{WEBHOOKS}{endpoint.pk}/new-secret/").status_code == 404
    endpoint.refresh_from_db()
    assert endpoint.secret.reveal() == "whsec_old"


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"url": "http://crm.example.com/"}, "over https only"),
        ({"url": "https://me:password@example.com/"}, "must not contain a name or a password"),
        ({"url": "crm"}, "not the address of a server"),
        ({"url": ""}, "This field is required"),
        ({"events": []}, "This field is required"),
        ({"events": ["paid"]}, "Select a valid choice"),
    ],
)
def test_what_cannot_be_called_is_not_saved(desk, changes, complaint):
    assert complaint in make(desk, **changes).content.decode()
    assert not WebhookEndpoint.objects.exists()


def test_an_address_is_called_once(desk, endpoint):
    assert "This address is called already." in make(desk).content.decode()
    assert WebhookEndpoint.objects.count() == 1


def test_the_log_says_what_was_told_and_what_became_of_it(desk, delivery):
    WebhookDelivery.objects.update(due_at=None, status_code=500, error="Given up.")
    page = desk.get(f"{DELIVERIES}{delivery.pk}/change/").content.decode()
    assert "Ivy Invitee" in page
    assert "Given up." in page
    assert URL in desk.get(DELIVERIES, {"outcome": "given-up"}).content.decode()
    assert "crm" not in desk.get(DELIVERIES, {"outcome": "waiting"}).content.decode()
    assert "crm" not in desk.get(DELIVERIES, {"outcome": "delivered"}).content.decode()


def test_send_again_makes_it_due(desk, delivery):
    WebhookDelivery.objects.update(due_at=None, error="Given up.")
    chosen = {"action": "tell_again", "_selected_action": [str(delivery.pk)]}
    page = desk.post(DELIVERIES, chosen, follow=True).content.decode()
    assert "Within the next seconds 1 will be sent." in page
    assert WebhookDelivery.objects.get().due_at >= NOW
