"""One event as Graph sends it, to a remote event.

https://learn.microsoft.com/en-us/graph/api/resources/event
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from connections.providers.base import (
    CANCELLED,
    CONFIRMED,
    OPAQUE,
    TENTATIVE,
    TRANSPARENT,
    RemoteEvent,
)
from connections.providers.booking_ids import booking_id_of
from connections.providers.ical.classification import PRIVATE_TITLE, clean
from connections.providers.ical.zones import named_zone
from connections.providers.microsoft.drafts import booking_of

# What the occurrences of a series have in common, unless they say otherwise.
COMMON = (
    "subject",
    "isAllDay",
    "isCancelled",
    "showAs",
    "sensitivity",
    "responseStatus",
    "iCalUId",
    "transactionId",
    "lastModifiedDateTime",
)
FIELDS = ",".join(
    ("id", "type", "seriesMasterId", "start", "end", "originalStartTimeZone", *COMMON)
)

MASTER = "seriesMaster"
PRIVATE = {"private", "confidential"}
NOT_TIME = {"free", "workingElsewhere"}
DAY = timedelta(days=1)
NO_END = "its end cannot be read"
UNREADABLE = (LookupError, TypeError, ValueError, OverflowError, AttributeError)

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  a wall clock has no zone


class Unreadable(Exception):
    """Nothing tells when the event begins."""


def series_of(item: Mapping) -> str:
    """The series that an item belongs to or is the master of; empty for a single event."""
    if item.get("type") == MASTER:
        return item["id"]
    return item.get("seriesMasterId") or ""


def completed(item: Mapping, master: Mapping) -> dict:
    """An occurrence with what it leaves to its series to say."""
    common = {name: master[name] for name in COMMON if name in master}
    return common | {name: value for name, value in item.items() if value is not None}


def remote_event(item: Mapping, *, zone: ZoneInfo) -> RemoteEvent:
    """A complete item. ``zone`` gives all-day events their instants. Raises ``Unreadable``."""
    is_all_day = bool(item.get("isAllDay"))
    try:
        start, start_date = _moment(item["start"], zone, is_all_day=is_all_day)
        end, end_date, problem = _end(item, start, start_date, zone)
    except UNREADABLE:
        raise Unreadable from None
    uid = clean(item.get("iCalUId") or "")
    return RemoteEvent(
        provider_event_id=item["id"],
        series_id=item.get("seriesMasterId") or "",
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
        version=item.get("@odata.etag") or "",
        problem=problem,
    )


def _end(
    item: Mapping, start: datetime, start_date: date | None, zone: ZoneInfo
) -> tuple[datetime, date | None, str]:
    """When it ends, and what is wrong with that: then it lasts a day."""
    is_all_day = start_date is not None
    with suppress(*UNREADABLE):
        end, end_date = _moment(item["end"], zone, is_all_day=is_all_day)
        if not is_all_day or end_date > start_date:
            return end, end_date, ""
    if not is_all_day:
        return start + DAY, None, NO_END
    return _midnight(start_date + DAY, zone), start_date + DAY, NO_END


def _moment(value: Mapping, zone: ZoneInfo, *, is_all_day: bool) -> tuple[datetime, date | None]:
    """An instant in UTC, and the date of an all-day event, which begins at midnight in ``zone``.

    Graph puts all-day events at midnight of whatever zone is asked for, so the date is what counts.
    A zone that nobody knows is taken for the consultant's. None is UTC, which was asked for.
    """
    wall = datetime.fromisoformat(value["dateTime"])
    if is_all_day:
        return _midnight(wall.date(), zone), wall.date()
    if wall.tzinfo is not None:
        return wall.astimezone(UTC), None
    known = named_zone(value.get("timeZone") or "UTC")
    if known is None:
        return wall.replace(tzinfo=zone).astimezone(UTC), None
    return datetime.fromtimestamp(known.instant(int((wall - _EPOCH).total_seconds())), UTC), None


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def _title(item: Mapping) -> str:
    if item.get("sensitivity") in PRIVATE:
        return PRIVATE_TITLE
    return clean(item.get("subject") or "")


def _status(item: Mapping) -> str:
    if item.get("isCancelled"):
        return CANCELLED
    is_tentative = item.get("showAs") == "tentative" or _answer(item) == "tentativelyAccepted"
    return TENTATIVE if is_tentative else CONFIRMED


def _transparency(item: Mapping) -> str:
    """Whether it blocks. What is not understood does."""
    is_free = item.get("showAs") in NOT_TIME or _answer(item) == "declined"
    return TRANSPARENT if is_free else OPAQUE


def _answer(item: Mapping) -> str:
    """The answer of whose calendar this is, to an invitation."""
    return (item.get("responseStatus") or {}).get("response", "")


def _updated_at(item: Mapping) -> datetime | None:
    try:
        return datetime.fromisoformat(item["lastModifiedDateTime"]).astimezone(UTC)
    except UNREADABLE:
        return None
