import pytest

from connections import adapters
from tests.syncing.scripted import ScriptedCalendar


@pytest.fixture
def calendar(monkeypatch):
    """Every Apple connection talks to this calendar."""
    scripted = ScriptedCalendar()
    monkeypatch.setitem(adapters.ADAPTERS, "apple", lambda credentials: scripted)
    return scripted
