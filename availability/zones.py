"""Names of time zones: which are valid, and which a person would choose."""

from functools import cache
from zoneinfo import available_timezones

REGIONS = {
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Europe",
    "Indian",
    "Pacific",
    "UTC",
}


@cache
def known_zones() -> frozenset[str]:
    """Every name the server can read; looked up once, because it walks the whole zone directory."""
    return frozenset(available_timezones())


def places() -> list[str]:
    """The zones that are named after a place, and UTC; ``EST`` and ``Etc/GMT+5`` are not."""
    return sorted(name for name in known_zones() if name.split("/")[0] in REGIONS)
