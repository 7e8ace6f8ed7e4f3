"""Instances of simple recurring events: RRULE, RDATE and EXDATE lines, expanded in their zone."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

HORIZON = datetime(2030, 1, 1, tzinfo=UTC)  # endless series are expanded until then


def instances_of(master: dict) -> Iterator[dict]:
    """What each instance has of its own. Its id names its original start."""
    start = read_time(master["start"])
    length = read_time(master["end"]) - start
    for moment in _starts(master["recurrence"], start, master["start"].get("timeZone")):
        original = write_time(moment, master["start"].get("timeZone"))
        yield {
            "id": f"{master['id']}_{_stamp(moment)}",
            "recurringEventId": master["id"],
            "originalStartTime": original,
            "start": original,
            "end": write_time(moment + length, master["start"].get("timeZone")),
        }


def read_time(value: dict) -> datetime | date:
    if "date" in value:
        return date.fromisoformat(value["date"])
    return datetime.fromisoformat(value["dateTime"])


def write_time(moment: datetime | date, zone: str | None) -> dict:
    if not isinstance(moment, datetime):
        return {"date": moment.isoformat()}
    local = moment.astimezone(ZoneInfo(zone)) if zone else moment
    return {"dateTime": local.isoformat()} | ({"timeZone": zone} if zone else {})


def _starts(
    lines: list[str], start: datetime | date, zone: str | None
) -> Iterator[datetime | date]:
    is_all_day = not isinstance(start, datetime)
    first = datetime.combine(start, time.min) if is_all_day else start.astimezone(ZoneInfo(zone))
    for moment in rrulestr("\n".join(lines), dtstart=first):
        if (moment.replace(tzinfo=UTC) if is_all_day else moment) >= HORIZON:
            return
        yield moment.date() if is_all_day else moment


def _stamp(moment: datetime | date) -> str:
    if isinstance(moment, datetime):
        return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    return f"{moment:%Y%m%d}"
