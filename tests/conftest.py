"""What tests of several apps share."""

from collections.abc import Iterator

import pytest
from allauth.mfa.totp.internal import auth

from tests.authenticator import Clock
from tests.connections.providers.caldav_servers import Device, run_radicale, run_xandikos
from tests.fakes.google import FakeGoogle
from tests.fakes.microsoft import FakeMicrosoft


@pytest.fixture(scope="session")
def radicale(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Device]:
    with run_radicale(tmp_path_factory.mktemp("radicale")) as url:
        yield Device(url)


@pytest.fixture(scope="session")
def xandikos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Device]:
    with run_xandikos(tmp_path_factory.mktemp("xandikos")) as url:
        yield Device(url)


@pytest.fixture
def google() -> Iterator[FakeGoogle]:
    with FakeGoogle() as google:
        yield google


@pytest.fixture
def microsoft() -> Iterator[FakeMicrosoft]:
    with FakeMicrosoft() as microsoft:
        yield microsoft


@pytest.fixture
def clock(monkeypatch) -> Clock:
    """What codes of an authenticator app are checked by."""
    clock = Clock()
    monkeypatch.setattr(auth, "time", clock)
    return clock
