import pytest
from django.test import Client

from connections.models import Consultant
from tests.factories import ConsultantFactory


@pytest.fixture
def consultant() -> Consultant:
    return ConsultantFactory(settings__time_zone="Europe/Berlin")


@pytest.fixture
def desk(client: Client, consultant: Consultant) -> Client:
    """The desk of a consultant in Berlin."""
    client.force_login(consultant)
    return client


@pytest.fixture
def superuser() -> Consultant:
    return ConsultantFactory(is_superuser=True, name="Superuser")


@pytest.fixture
def superuser_desk(superuser: Consultant) -> Client:
    client = Client()
    client.force_login(superuser)
    return client
