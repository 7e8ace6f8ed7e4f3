"""A booking as a calendar object: the text that is written, and what is changed in a stored one.

Times are in UTC, so no time zone has to be described. There is no ATTENDEE and no ORGANIZER: a
server that schedules (RFC 6638) would send invitations of its own. DTEND is always there; iCloud
refuses events without.
"""

import re
from datetime import UTC, datetime
from uuid import UUID

from icalendar import Calendar, Event

from connections.providers.base import EventDraft, ProviderUnavailable
from connections.providers.booking_ids import (
    BOOKING_PROPERTY,
    booking_id_of,
    read_booking_id,
)
from connections.providers.ical.parser import Component, parse

CONFIRMED, CANCELLED = "CONFIRMED", "CANCELLED"
PRODUCT = "-//calsync//calsync//EN"

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def new_object(draft: EventDraft, *, now: datetime) -> str:
    calendar = Calendar()
    calendar.add("PRODID", PRODUCT)
    calendar.add("VERSION", "2.0")
    event = Event()
    event.add("UID", draft.uid)
    event.add(BOOKING_PROPERTY, str(draft.booking_id))
    event.add("CREATED", now)
    event.add("TRANSP", "OPAQUE")
    _write(event, draft, now)
    calendar.add_component(event)
    return calendar.to_ical().decode()


def revised_object(text: str, draft: EventDraft, *, now: datetime) -> str | None:
    """The stored object brought to the draft, or None if it stands as drafted.

    Whatever else the consultant or their programs put into it, such as alarms, is kept.
    """
    try:
        calendar = Calendar.from_ical(text)
        event = _main_event(calendar)
    except (ValueError, LookupError):
        raise ProviderUnavailable("The event in the calendar cannot be read.") from None
    if _is_as_drafted(event, draft):
        return None
    _write(event, draft, now)
    return calendar.to_ical().decode()


def booking_of(text: str) -> UUID | None:
    """The booking an object belongs to, or None for an event that is not ours."""
    for event in _vevents(text):
        mark, uid = event.first(BOOKING_PROPERTY), event.first("UID")
        return (read_booking_id(mark.value) if mark else None) or (
            booking_id_of(uid.value) if uid else None
        )
    return None


def is_cancelled(text: str) -> bool:
    """Whether the event is still there, but marked as not taking place."""
    statuses = [event.first("STATUS") for event in _vevents(text)]
    return bool(statuses) and all(
        status and status.value.strip().upper() == "CANCELLED" for status in statuses
    )


def _vevents(text: str) -> list[Component]:
    return [component for component in parse(text).walk() if component.name == "VEVENT"]


def _main_event(calendar: Calendar) -> Event:
    """The event itself, not the change of a single occurrence that somebody may have added."""
    events = calendar.events
    return next((event for event in events if "RECURRENCE-ID" not in event), events[0])


def _write(event: Event, draft: EventDraft, now: datetime) -> None:
    status = _text(event, "STATUS")
    values = {
        "DTSTAMP": now,
        "LAST-MODIFIED": now,
        "DTSTART": draft.start.astimezone(UTC),
        "DTEND": draft.end.astimezone(UTC),
        "SUMMARY": _plain(draft.title),
        "DESCRIPTION": _plain(draft.description),
        "LOCATION": _plain(draft.location),
        "SEQUENCE": max(draft.sequence, _sequence(event)),
        "STATUS": CONFIRMED if status in ("", CANCELLED) else status,
    }
    event.pop("DURATION", None)  # must not stand beside DTEND (RFC 5545 §3.6.1)
    for name, value in values.items():
        event.pop(name, None)
        if value != "":
            event.add(name, value)


def _is_as_drafted(event: Event, draft: EventDraft) -> bool:
    return (
        (_moment(event, "DTSTART"), _moment(event, "DTEND")) == (draft.start, draft.end)
        and _text(event, "SUMMARY") == _plain(draft.title)
        and _text(event, "DESCRIPTION") == _plain(draft.description)
        and _text(event, "LOCATION") == _plain(draft.location)
        and _sequence(event) >= draft.sequence
        and _text(event, "STATUS") != CANCELLED
    )


def _moment(event: Event, name: str) -> object:
    return getattr(event.get(name), "dt", None)


def _text(event: Event, name: str) -> str:
    return _plain(str(event.get(name, "")))


def _plain(text: str) -> str:
    """With line feeds alone and no other control characters, which servers refuse."""
    return _CONTROL.sub("", text.replace("\r\n", "\n"))


def _sequence(event: Event) -> int:
    try:
        return int(event.get("SEQUENCE", 0))
    except (TypeError, ValueError):
        return 0
