"""Outlook's own word on when a calendar is busy, to compare ours with.

https://learn.microsoft.com/en-us/graph/api/calendar-list-calendarview

``getSchedule`` would know an account's default calendar alone; the calendar view knows each.
"""

from collections.abc import Iterator, Mapping
from zoneinfo import ZoneInfo, available_timezones

from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from connections.providers.base import (
    CANCELLED,
    OPAQUE,
    ProviderUnavailable,
    RemoteEvent,
    Window,
)
from connections.providers.microsoft.api import GraphApi, calendar_path
from connections.providers.microsoft.events import FIELDS, Unreadable, remote_event
from connections.providers.microsoft.replies import refusal_of_calendar


def busy_periods(api: GraphApi, calendar_id: str, window: Window) -> list[Window]:
    """In order and without overlap."""
    query = {
        "startDateTime": f"{window.start:%Y-%m-%dT%H:%M:%SZ}",
        "endDateTime": f"{window.end:%Y-%m-%dT%H:%M:%SZ}",
        "$select": FIELDS,
    }
    address = api.address(f"{calendar_path(calendar_id)}/calendarView", **query)
    events = [_event(item) for item in _items(api, address)]
    spans = [_clipped(event, window) for event in events if _is_busy(event)]
    return _joined(span for span in spans if span.start < span.end)


def _items(api: GraphApi, address: str) -> Iterator[dict]:
    for reply in api.pages(address):
        if not reply.is_ok:
            raise refusal_of_calendar(reply)
        yield from reply.items


def _event(item: Mapping) -> RemoteEvent:
    try:
        return remote_event(item, zone=_zone_of(item))
    except Unreadable:
        raise ProviderUnavailable("Microsoft's answer about busy times makes no sense.") from None


def _zone_of(item: Mapping) -> ZoneInfo:
    """Where an all-day event was written. UTC where that is a zone of somebody's own making."""
    name = item.get("originalStartTimeZone") or ""
    key = WINDOWS_TO_OLSON.get(name, name)
    return ZoneInfo(key if key in available_timezones() else "UTC")


def _is_busy(event: RemoteEvent) -> bool:
    return event.transparency == OPAQUE and event.status != CANCELLED


def _clipped(event: RemoteEvent, window: Window) -> Window:
    return Window(max(event.start, window.start), min(event.end, window.end))


def _joined(spans: Iterator[Window]) -> list[Window]:
    """Periods that touch are one."""
    periods: list[Window] = []
    for span in sorted(spans, key=lambda span: span.start):
        if periods and span.start <= periods[-1].end:
            periods[-1] = Window(periods[-1].start, max(periods[-1].end, span.end))
        else:
            periods.append(span)
    return periods
