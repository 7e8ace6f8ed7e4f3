"""Whatever a consultant does in a CalDAV calendar: rounds of changes end where a fresh one does."""

from random import Random

import pytest

from tests.connections.providers.caldav_history import Owner
from tests.connections.providers.caldav_servers import CalDavCalendar
from tests.connections.providers.far_end import CutInto, Proxy, edited
from tests.connections.providers.rows import Rows


def whole(proxy: Proxy) -> None:
    """The server tells of changes by sync-collection."""


def in_parts(proxy: Proxy) -> None:
    proxy.commit("REPORT", CutInto(3), about="sync-collection", times=9999)


def by_etags(proxy: Proxy) -> None:
    """The server has no sync-collection."""
    without_sync = edited(lambda body: body.replace("<sync-collection />", ""))
    proxy.commit("PROPFIND", without_sync, about="supported-report-set", times=9999)


@pytest.mark.parametrize("tells", [whole, in_parts, by_etags])
@pytest.mark.parametrize("seed", range(5))
def test_any_history_followed_by_incremental_rounds_equals_one_fresh_full_round(
    calendar: CalDavCalendar, proxy: Proxy, tells, seed
):
    random, proxied = Random(seed), calendar.through(proxy)
    tells(proxy)
    owner, rows = Owner(calendar, random), Rows(proxied)
    rows.sync()
    for _ in range(8):
        for _ in range(random.randint(0, 4)):
            owner.does_something()
        assert rows.sync() == Rows(proxied).sync()
    assert rows.operations == ["full"] + ["incremental"] * 8
    assert rows.events
