"""The Microsoft adapter by the contract, and what it makes of refusals and of a hanging server."""

import pytest

from tests.connections.providers.contract import AdapterContract
from tests.connections.providers.microsoft_far import MicrosoftCalendar, calendar_at
from tests.fakes.microsoft import FakeMicrosoft


@pytest.fixture
def far(microsoft: FakeMicrosoft) -> MicrosoftCalendar:
    return calendar_at(microsoft)


class TestMicrosoft(AdapterContract):
    """See the contract."""
