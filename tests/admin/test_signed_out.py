"""A button pressed after the session has expired: what stands there once signed in again."""

from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse

from bookings.endpoints import WebhookEndpoint
from tests.bookings.paper import Paper
from tests.factories import BookingFactory, ConsultantFactory

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"
SAID = ["You had been signed out; nothing was done. Press it again."]
BOOKINGS, WEBHOOKS = "/admin/bookings/booking/", "/admin/bookings/webhookendpoint/"


@pytest.fixture
def consultant(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    consultant = ConsultantFactory(email="anna@example.com")
    consultant.set_password(PASSWORD)
    consultant.save()
    return consultant


def press_and_sign_in(client: Client, address: str) -> tuple[str, list[str]]:
    """Where the browser is in the end, and what is said there."""
    to_sign_in = client.post(address, follow=True).redirect_chain[-1][0]
    typed = {"login": "anna@example.com", "password": PASSWORD, "next": address}
    answer = client.post(to_sign_in, typed, follow=True)
    end, _ = answer.redirect_chain[-1]
    return end, Paper(client, answer).texts("//ul[@class='messagelist']/li[@class='warning']")


@pytest.mark.parametrize(
    "name",
    [
        "connections:sync_now",
        "admin:availability_availabilityrule_office_hours",
        "admin:bookings_booking_retry_events",
        "admin:bookings_booking_cancel_deleted",
        "admin:bookings_booking_write_back",
    ],
)
def test_a_button_of_the_first_page_leads_back_to_it(client, consultant, name):
    assert press_and_sign_in(client, reverse(name)) == ("/admin/", SAID)


def test_connecting_google_leads_back_to_the_first_page(client, consultant):
    address = reverse("connections:consent", args=["google"])
    assert press_and_sign_in(client, address) == ("/admin/", SAID)


@pytest.mark.parametrize(
    "verb", ["confirm", "restore", "take-back", "write-event", f"mails/{UUID(int=1)}/send"]
)
def test_a_button_of_a_booking_leads_back_to_its_page(client, consultant, verb):
    booking = BookingFactory(user=consultant)
    there = f"{BOOKINGS}{booking.pk}/change/"
    assert press_and_sign_in(client, f"{BOOKINGS}{booking.pk}/{verb}/") == (there, SAID)


def test_a_new_secret_leads_back_to_the_webhooks(client, consultant):
    endpoint = WebhookEndpoint.objects.create(user=consultant, url="https://crm.example.com/")
    address = f"{WEBHOOKS}{endpoint.pk}/new-secret/"
    assert press_and_sign_in(client, address) == (WEBHOOKS, SAID)
    endpoint.refresh_from_db()
    assert endpoint.secret is None


@pytest.mark.parametrize(
    "address",
    [reverse("identity_link", args=["google"]), reverse("identity_unlink", args=[1])],
    ids=["link", "unlink"],
)
def test_a_linked_account_leads_back_to_the_overview(client, consultant, address):
    assert press_and_sign_in(client, address) == (reverse("mfa_index"), SAID)
