from collections.abc import Iterator

import pytest

from tests.connections.providers.authority import Authority
from tests.connections.providers.caldav_servers import (
    USERNAME,
    CalDavCalendar,
    Device,
    calendar_on,
    run_radicale,
    run_xandikos,
)
from tests.connections.providers.far_end import Proxy


@pytest.fixture(scope="session")
def radicale(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Device]:
    with run_radicale(tmp_path_factory.mktemp("radicale")) as url:
        yield Device(url)


@pytest.fixture(scope="session")
def xandikos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Device]:
    with run_xandikos(tmp_path_factory.mktemp("xandikos")) as url:
        yield Device(url)


@pytest.fixture(scope="session")
def authority() -> Authority:
    """An authority that this process trusts."""
    authority = Authority()
    authority.trust()
    return authority


@pytest.fixture
def calendar(radicale: Device) -> CalDavCalendar:
    """A new calendar on Radicale."""
    return calendar_on(radicale, f"/{USERNAME}/")


@pytest.fixture
def proxy(radicale: Device) -> Iterator[Proxy]:
    """Stands before Radicale."""
    with Proxy(radicale.url) as proxy:
        yield proxy


@pytest.fixture
def proxied(calendar: CalDavCalendar, proxy: Proxy) -> CalDavCalendar:
    """The calendar as the adapter sees it by way of the proxy."""
    return calendar.through(proxy)
