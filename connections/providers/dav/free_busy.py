"""The server's own word on when a calendar is busy, to compare ours with (RFC 4791 §7.10)."""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from connections.providers.base import (
    CalendarGone,
    FreeBusyUnsupported,
    Window,
)
from connections.providers.dav import queries
from connections.providers.dav.client import GuardedClient, Reply
from connections.providers.dav.multistatus import MISSING, OK, makes_no_sense
from connections.providers.ical.parser import Component, parse
from connections.providers.ical.values import Unreadable, read_duration, read_time

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def busy_periods(client: GuardedClient, url: str, window: Window) -> list[Window]:
    """In order; tentative time counts. Raises ``FreeBusyUnsupported`` where the server has none."""
    client.begin(is_long=True)
    reply = client.request(url, "REPORT", queries.free_busy(window), {"Depth": "1"})
    texts = [line for part in _parts(reply) for line in part.all("FREEBUSY")]
    try:
        periods = [
            _period(text)
            for line in texts
            if line.parameters.get("FBTYPE", "BUSY").upper() != "FREE"
            for text in line.value.split(",")
        ]
    except Unreadable:
        raise makes_no_sense(reply) from None
    return sorted(periods, key=lambda period: period.start)


def _parts(reply: Reply) -> list[Component]:
    """The VFREEBUSY components of a complete answer: one that is cut off looks free."""
    _raise_for(reply)
    parts = [part for part in parse(reply.text).walk() if part.name == "VFREEBUSY"]
    if not parts or not all(part.is_closed for part in parts):
        raise makes_no_sense(reply)
    return parts


def _raise_for(reply: Reply) -> None:
    if reply.status in MISSING:
        raise CalendarGone(f"The calendar no longer exists at {urlsplit(reply.url).hostname}.")
    if reply.status >= 400:
        raise FreeBusyUnsupported(f"{urlsplit(reply.url).hostname} does not tell busy times.")
    if reply.status != OK:
        raise makes_no_sense(reply)


def _period(text: str) -> Window:
    """``start/end`` or ``start/duration``, in UTC (RFC 5545 §3.8.2.6)."""
    start, _, end = text.partition("/")
    if end.upper().startswith(("P", "+P")):
        return Window(_instant(start), _instant(start) + _length(end))
    return Window(_instant(start), _instant(end))


def _instant(text: str) -> datetime:
    written = read_time(text)
    if not written.is_utc:
        raise Unreadable(f"{text} is not in UTC")
    return EPOCH + timedelta(seconds=written.wall)


def _length(text: str) -> timedelta:
    return timedelta(seconds=read_duration(text).extent)
