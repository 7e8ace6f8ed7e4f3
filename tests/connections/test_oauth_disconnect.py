"""Disconnecting an account that was connected by consent: the rows go, and so does the access."""

from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.module_loading import import_string
from django_q.models import OrmQ

from connections.due_rows import PATIENCE
from connections.models import CalendarConnection, Consultant, Departure
from connections.oauth.offers import OFFERS
from connections.tasks import dispatch_due
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


def tell_provider() -> None:
    """What a worker does with what the sweeper hands it."""
    OrmQ.objects.all().delete()
    dispatch_due(timezone.now())
    for queued in OrmQ.objects.all():
        import_string(queued.task["func"])(*queued.task["args"])


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
    assert revocations(at_google.far) == []  # nobody waits for Google

    tell_provider()

    assert at_google.far.tokens.of_refresh(token) is None
    assert Departure.objects.count() == 0


def test_google_out_of_order_is_told_later(at_google, consultant, caplog):
    token = refresh_token()
    at_google.far.commit(instead(503), about="/revoke")
    disconnect(at_google, consultant)

    tell_provider()

    assert CalendarConnection.objects.count() == 0
    assert "Access could not be ended at google yet" in caplog.text
    assert token not in caplog.text
    departure = Departure.objects.get()
    assert departure.failure_count == 1
    wait = departure.due_at - timezone.now()
    assert timedelta(seconds=25) < wait <= timedelta(seconds=30)
    tell_provider()
    assert at_google.far.tokens.of_refresh(token) is not None  # it is not due yet

    Departure.objects.update(due_at=timezone.now())
    tell_provider()

    assert at_google.far.tokens.of_refresh(token) is None
    assert Departure.objects.count() == 0


def test_google_is_not_asked_again_before_it_wants_to_be(at_google, consultant):
    at_google.far.commit(instead(503, Retry_After="7200"), about="/revoke")
    at_google.far.commit(instead(429, Retry_After="7200"), about="/revoke")
    disconnect(at_google, consultant)
    tell_provider()
    Departure.objects.update(due_at=timezone.now())
    tell_provider()
    assert Departure.objects.get().due_at - timezone.now() > timedelta(minutes=119)


def test_telling_is_handed_out_once_until_a_worker_must_have_died(at_google, consultant):
    disconnect(at_google, consultant)
    now = timezone.now()
    assert [dispatch_due(now), dispatch_due(now), dispatch_due(now + PATIENCE)] == [1, 0, 1]


def test_telling_is_given_up_after_a_week(at_google, consultant, caplog):
    at_google.far.commit(instead(503), about="/revoke")
    disconnect(at_google, consultant)
    Departure.objects.update(created_at=timezone.now() - timedelta(days=7))
    tell_provider()
    assert Departure.objects.count() == 0
    assert "Access was not ended at google, given up" in caplog.text


def test_a_secret_that_cannot_be_read_does_not_keep_the_rows(at_google, consultant, settings):
    settings.TOKEN_ENCRYPTION_KEYS = CANNOT_DECRYPT

    disconnect(at_google, consultant)
    tell_provider()

    assert CalendarConnection.objects.count() == 0
    assert revocations(at_google.far) == []
    assert Departure.objects.get().failure_count == 1  # the key may come back


def test_access_that_was_given_again_meanwhile_stays(at_google, consultant):
    disconnect(at_google, consultant)
    at_google.connect()

    tell_provider()

    assert revocations(at_google.far) == []
    assert Departure.objects.count() == 0
    assert CalendarConnection.objects.filter(user=consultant).exists()


def test_access_that_another_consultant_relies_on_stays(at_google, consultant):
    """Google ends all that an account has allowed, whoever of the consultants asks."""
    other = ConsultantFactory()
    at_google.client.force_login(other)
    at_google.connect()

    page = disconnect(at_google, other)
    tell_provider()

    assert f"remove calsync at {OFFERS['google'].access_page}" in page
    assert set(CalendarConnection.objects.values_list("user", flat=True)) == {consultant.pk}
    assert revocations(at_google.far) == []


def test_microsoft_has_a_page_for_it(at_microsoft, consultant):
    page = disconnect(at_microsoft, consultant)

    assert f"remove calsync at {OFFERS['microsoft'].access_page}" in page
    assert CalendarConnection.objects.count() == 0
    assert Departure.objects.count() == 0  # nothing was watched: there is nothing to say


def test_what_disconnecting_means_is_said_first(at_google, consultant):
    connection = CalendarConnection.objects.first()

    page = at_google.client.get(reverse("connections:disconnect", args=[connection.pk]))

    assert OFFERS["google"].access_page in page.content.decode()
    assert "stored password" not in page.content.decode()
