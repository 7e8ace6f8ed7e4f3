"""The settings reach every call: tokens are refreshed and calendars read where they say."""

import pytest

from connections.adapters import open_adapter
from connections.models import CalendarConnection
from tests.connections.registered import REGISTER
from tests.factories import ConnectionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["google", "microsoft"])
def provider(request) -> str:
    return request.param


@pytest.fixture
def far(provider, request, settings):
    """The fake provider, at which this installation is registered."""
    far = request.getfixturevalue(provider)
    REGISTER[provider](settings, far)
    return far


def test_an_account_is_read_with_a_new_access_token(provider, far):
    account = far.account("anna@example.com")
    account.calendar("Work")
    refresh_token = account.stay_signed_in()
    connection = ConnectionFactory(
        provider=provider,
        provider_email=account.email,
        caldav_url=None,
        app_specific_password=None,
        refresh_token=refresh_token,
    )

    assert "Work" in [one.name for one in open_adapter(connection).calendars()]
    assert CalendarConnection.objects.get().token_expires_at is not None
