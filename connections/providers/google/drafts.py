"""A booking as an event of Google's: its ids, its body, and how a stored event differs from it."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from uuid import UUID

from connections.providers.base import EventDraft
from connections.providers.google.conferences import missing_conference, new_conference

BOOKING_PROPERTY = "calsyncBooking"  # a private extended property; its value is the booking's id
MAX_DESCRIPTION = 8192  # characters; a longer one is refused
IDS = 5


def event_ids(booking_id: UUID) -> Iterator[str]:
    """The ids a booking's event may have, the first one first: letters a to v and digits only.

    The further ones are for when somebody holds the first, or Google will not give it back.
    """
    yield f"b{booking_id.hex}"
    yield from (f"b{booking_id.hex}v{number}" for number in range(2, IDS + 1))


def is_id_of(event_id: str, booking_id: UUID) -> bool:
    return event_id in event_ids(booking_id)


def new_body(draft: EventDraft, event_id: str, calendar_id: str) -> dict:
    """For ``events.insert``. Google makes up the UID: it takes either an id or a UID."""
    body = {
        "id": event_id,
        **_wanted(draft),
        "start": {"dateTime": draft.start.isoformat()},
        "end": {"dateTime": draft.end.isoformat()},
        "extendedProperties": {"private": {BOOKING_PROPERTY: str(draft.booking_id)}},
    }
    return body | (new_conference(calendar_id, event_id) if draft.wants_conference else {})


def revision(item: Mapping, draft: EventDraft, calendar_id: str) -> dict:
    """For ``events.patch``: what has to change; empty where nothing does.

    A patch merges what is nested, so that an event turned into an all-day one keeps its ``date``
    unless that is taken away. The consultant's own choices (colour, reminders, guests) stay.
    """
    changes = {
        name: wanted for name, wanted in _wanted(draft).items() if item.get(name, "") != wanted
    }
    for name, wanted in (("start", draft.start), ("end", draft.end)):
        if not _is_at(item.get(name, {}), wanted):
            changes[name] = {"dateTime": wanted.isoformat(), "date": None}
    if draft.wants_conference:
        changes |= missing_conference(item, calendar_id)
    return changes


def _wanted(draft: EventDraft) -> dict[str, str]:
    return {
        "status": "confirmed",
        "summary": draft.title,
        "description": draft.description[:MAX_DESCRIPTION],
        "location": draft.location,
    }


def _is_at(value: Mapping, wanted: datetime) -> bool:
    try:
        return datetime.fromisoformat(value["dateTime"]) == wanted
    except (LookupError, ValueError):
        return False
