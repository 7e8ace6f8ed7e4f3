"""Disconnecting an account that was connected by consent: the rows go, and so does the access."""

from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from connections.models import CalendarConnection, Consultant
from connections.oauth.offers import OFFERS
from tests.connections.consents import Browser
from tests.connections.providers.far_end import instead
from tests.connections.registered import REGISTER
from tests.factories import ConsultantFactory

pytestmark = pytest.mark.django_db

ANNA = "anna@example.com"
CANNOT_DECRYPT = ["MhUBA3l9cqGRpVKAGYkqMgtHiqwgvbg4RTQnHBa8GkA="]


@pytest.fixture
def consultant() -> Consultant:
    return ConsultantFactory()


@pytest.fixture
def at_google(consultant, google, settings) -> Browser:
    return connected("google", google, consultant, settings)


@pytest.fixture
def at_microsoft(consultant, microsoft, settings) -> Browser:
    return connected("microsoft", microsoft, consultant, settings)


def connected(provider: str, far, consultant: Consultant, settings) -> Browser:
    """Anna's account is connected."""
    REGISTER[provider](settings, far)
    far.account(ANNA)
    client = Client()
    client.force_login(consultant)
    browser = Browser(client, provider, far)
    browser.connect()
    assert CalendarConnection.objects.filter(user=consultant).exists()
    return browser


def disconnect(browser: Browser, consultant: Consultant) -> str:
    """What the desk says afterwards."""
    connection = CalendarConnection.objects.filter(user=consultant).first()
    address = reverse("connections:disconnect", args=[connection.pk])
    return unescape(browser.client.post(address, follow=True).content.decode())


def revocations(far) -> list[str]:
    return [request.path for request in far.requests if request.path == "/revoke"]


def refresh_token() -> str:
    return CalendarConnection.objects.first().refresh_token.reveal()


def test_google_is_told(at_google, consultant):
    token = refresh_token()

    page = disconnect(at_google, consultant)

    assert f"{ANNA.capitalize()} is disconnected." in page
    assert "To take back" not in page
    assert CalendarConnection.objects.count() == 0
    assert at_google.far.tokens.of_refresh(token) is None


def test_google_out_of_order_does_not_keep_the_rows(at_google, consultant, caplog):
    token = refresh_token()
    at_google.far.commit(instead(503), about="/revoke", times=10)

    page = disconnect(at_google, consultant)

    assert f"remove calsync at {OFFERS['google'].access_page}" in page
    assert CalendarConnection.objects.count() == 0
    assert "Access could not be revoked at google" in caplog.text
    assert token not in caplog.text


def test_a_secret_that_cannot_be_read_does_not_keep_the_rows(at_google, consultant, settings):
    settings.TOKEN_ENCRYPTION_KEYS = CANNOT_DECRYPT

    page = disconnect(at_google, consultant)

    assert f"remove calsync at {OFFERS['google'].access_page}" in page
    assert CalendarConnection.objects.count() == 0
    assert revocations(at_google.far) == []


def test_access_that_another_consultant_relies_on_stays(at_google, consultant):
    """Google ends all that an account has allowed, whoever of the consultants asks."""
    other = ConsultantFactory()
    at_google.client.force_login(other)
    at_google.connect()

    disconnect(at_google, other)

    assert set(CalendarConnection.objects.values_list("user", flat=True)) == {consultant.pk}
    assert revocations(at_google.far) == []


def test_microsoft_has_a_page_for_it(at_microsoft, consultant):
    page = disconnect(at_microsoft, consultant)

    assert f"remove calsync at {OFFERS['microsoft'].access_page}" in page
    assert CalendarConnection.objects.count() == 0


def test_what_disconnecting_means_is_said_first(at_google, consultant):
    connection = CalendarConnection.objects.first()

    page = at_google.client.get(reverse("connections:disconnect", args=[connection.pk]))

    assert OFFERS["google"].access_page in page.content.decode()
    assert "stored password" not in page.content.decode()
