"""Time zones as invitees read and choose them."""

from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

from availability.zones import known_zones, places


def zone_named(name: str) -> ZoneInfo | None:
    return ZoneInfo(name) if name in known_zones() else None


def offset_of(instant: datetime) -> str:
    """The distance of an aware instant's wall clock from UTC: ``UTC+05:45``."""
    return "UTC" + instant.isoformat(timespec="minutes")[-6:].replace("-", "−")


def name_of(zone: ZoneInfo) -> str:
    """``America/New York``: the IANA name with spaces for underscores."""
    return zone.key.replace("_", " ")


def label_of(zone: ZoneInfo, at: datetime) -> str:
    """The zone with the offset it has at that instant: ``Europe/Berlin (UTC+01:00)``."""
    if zone.key == "UTC":
        return "UTC"
    return f"{name_of(zone)} ({offset_of(at.astimezone(zone))})"


def zone_choices(chosen: ZoneInfo, now: datetime) -> list[tuple[str, str]]:
    """What a person may choose from, as (name, label): the places, and always the chosen zone."""
    names = sorted({*places(), chosen.key})
    return [(name, label_of(ZoneInfo(name), now)) for name in names]


def clock_times(instants: Iterable[datetime], zone: ZoneInfo) -> list[str]:
    """The wall clock of each instant, ``09:30``; the offset joins where an hour happens twice."""
    local = [instant.astimezone(zone) for instant in instants]
    clocks = [f"{instant:%H:%M}" for instant in local]
    return [
        f"{clock} ({offset_of(instant)})" if clocks.count(clock) > 1 else clock
        for clock, instant in zip(clocks, local, strict=True)
    ]
