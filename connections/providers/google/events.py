"""One event as Google sends it, to a remote event.

https://developers.google.com/workspace/calendar/api/v3/reference/events
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from connections.providers.base import (
    CANCELLED,
    CONFIRMED,
    OPAQUE,
    TENTATIVE,
    TRANSPARENT,
    RemoteEvent,
)
from connections.providers.booking_ids import booking_id_of, read_booking_id
from connections.providers.google.drafts import BOOKING_PROPERTY, is_id_of
from connections.providers.ical.classification import MAX_SEQUENCE, PRIVATE_TITLE, clean

# What is asked of an event: nothing of its description, its place or its guests but ourselves.
FIELDS = (
    "id,status,etag,updated,summary,start,end,transparency,visibility,eventType,recurringEventId,"
    "iCalUID,sequence,attendees(self,responseStatus),extendedProperties/private"
)

PRIVATE = {"private", "confidential"}
NOT_TIME = {"workingLocation", "birthday"}
OUT_OF_OFFICE = "outOfOffice"
DAY = timedelta(days=1)
NO_END = "its end cannot be read"
# What reading a time raises.
UNREADABLE = (LookupError, TypeError, ValueError, OverflowError, AttributeError)

# An instance's id is its series' id and its original start. Ids of our own have no underscore.
_INSTANCE = re.compile(r"(.+)_\d{8}(?:T\d{6}Z)?", re.ASCII)


class Unreadable(Exception):
    """Nothing tells when the event begins."""


def is_cancelled(item: Mapping) -> bool:
    return item.get("status") == CANCELLED


def series_of(item: Mapping) -> str:
    """The recurring event that an item is an instance of; empty for any other.

    A cancelled item is sure to have nothing but its id.
    """
    named = item.get("recurringEventId") or ""
    if named or not is_cancelled(item):
        return named
    found = _INSTANCE.fullmatch(item["id"])
    return found[1] if found else ""


def remote_event(item: Mapping, *, zone: ZoneInfo) -> RemoteEvent:
    """A live item. ``zone`` gives all-day events their instants. Raises ``Unreadable``."""
    try:
        start, start_date = _moment(item["start"], zone)
        end, end_date, problem = _end(item, start, start_date, zone)
    except UNREADABLE:
        raise Unreadable from None
    uid = clean(item.get("iCalUID") or "")
    return RemoteEvent(
        provider_event_id=item["id"],
        series_id=item.get("recurringEventId") or "",
        start=start,
        end=end,
        start_date=start_date,
        end_date=end_date,
        title=_title(item),
        status=_status(item),
        transparency=_transparency(item),
        booking_id=booking_of(item) or booking_id_of(uid),
        updated_at=_updated_at(item),
        uid=uid,
        sequence=min(item.get("sequence") or 0, MAX_SEQUENCE),
        version=item.get("etag") or "",
        problem=problem,
    )


def booking_of(item: Mapping) -> UUID | None:
    """The booking an event was written for. A copy that somebody made of it is theirs."""
    properties = (item.get("extendedProperties") or {}).get("private") or {}
    booking_id = read_booking_id(properties.get(BOOKING_PROPERTY, ""))
    own_id = item.get("recurringEventId") or item["id"]
    return booking_id if booking_id and is_id_of(own_id, booking_id) else None


def _end(
    item: Mapping, start: datetime, start_date: date | None, zone: ZoneInfo
) -> tuple[datetime, date | None, str]:
    """When it ends, and what is wrong with that: then it lasts a day."""
    with suppress(*UNREADABLE):
        end, end_date = _moment(item["end"], zone)
        if _is_end_of(start_date, end_date):
            return end, end_date, ""
    if start_date is None:
        return start + DAY, None, NO_END
    return _midnight(start_date + DAY, zone), start_date + DAY, NO_END


def _is_end_of(start_date: date | None, end_date: date | None) -> bool:
    """Whether both are dates and in order, or neither is one."""
    if start_date is None or end_date is None:
        return start_date is end_date
    return start_date < end_date


def _moment(value: Mapping, zone: ZoneInfo) -> tuple[datetime, date | None]:
    """An instant in UTC, and the date of an all-day event, which begins at midnight in ``zone``.

    A time without an offset is in the zone that is written beside it, or else in ``zone``.
    """
    if value.get("date"):
        day = date.fromisoformat(value["date"])
        return _midnight(day, zone), day
    moment = datetime.fromisoformat(value["dateTime"])
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone_named(value.get("timeZone"), otherwise=zone))
    return moment.astimezone(UTC), None


def zone_named(name: object, *, otherwise: ZoneInfo) -> ZoneInfo:
    """The zone of that name, where there is a name and it is known here."""
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, TypeError, OSError):
        return otherwise


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def _title(item: Mapping) -> str:
    if item.get("visibility") in PRIVATE:
        return PRIVATE_TITLE
    return clean(item.get("summary") or "")


def _status(item: Mapping) -> str:
    return TENTATIVE if TENTATIVE in (item.get("status"), _own_answer(item)) else CONFIRMED


def _transparency(item: Mapping) -> str:
    """Whether it blocks. What is not understood does."""
    if _own_answer(item) == "declined" or item.get("eventType") in NOT_TIME:
        return TRANSPARENT
    if item.get("eventType") == OUT_OF_OFFICE:
        return OPAQUE
    return TRANSPARENT if item.get("transparency") == TRANSPARENT else OPAQUE


def _own_answer(item: Mapping) -> str:
    """The answer of whose calendar this is, to an invitation."""
    for attendee in item.get("attendees") or ():
        if attendee.get("self"):
            return attendee.get("responseStatus") or ""
    return ""


def _updated_at(item: Mapping) -> datetime | None:
    try:
        return datetime.fromisoformat(item["updated"]).astimezone(UTC)
    except UNREADABLE:
        return None
