"""When calendars are busy, by Google's own reckoning.

https://developers.google.com/workspace/calendar/api/v3/reference/freebusy
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from tests.fakes.google.accounts import Account
from tests.fakes.google.events import instant
from tests.fakes.google.refusals import refusal
from tests.fakes.google.store import Calendar
from tests.fakes.http import Call

LONGEST = timedelta(days=90)


def query(call: Call, account: Account) -> dict:
    start, end = (datetime.fromisoformat(call.json[name]) for name in ("timeMin", "timeMax"))
    if end - start > LONGEST:
        raise refusal(400, "timeRangeTooLong", "The requested time range is too long.")
    asked = [item["id"] for item in call.json["items"]]
    found = {calendar_id: account.entries.get(calendar_id) for calendar_id in asked}
    return {
        "kind": "calendar#freeBusy",
        "calendars": {
            calendar_id: _busy(entry.calendar, start, end) if entry else _unknown()
            for calendar_id, entry in found.items()
        },
    }


def _unknown() -> dict:
    return {"errors": [{"domain": "global", "reason": "notFound"}], "busy": []}


def _busy(calendar: Calendar, start: datetime, end: datetime) -> dict:
    zone = ZoneInfo(calendar.time_zone)
    spans = sorted(
        (max(instant(item["start"], zone), start), min(instant(item["end"], zone), end))
        for item in calendar.live()
        if _blocks(item)
    )
    joined: list[list[datetime]] = []
    for first, last in spans:
        if first >= last:
            continue
        if joined and first <= joined[-1][1]:
            joined[-1][1] = max(joined[-1][1], last)
        else:
            joined.append([first, last])
    return {"busy": [{"start": _text(first), "end": _text(last)} for first, last in joined]}


def _blocks(item: dict) -> bool:
    declined = any(
        guest.get("self") and guest.get("responseStatus") == "declined"
        for guest in item.get("attendees", [])
    )
    is_time = item["eventType"] not in ("workingLocation", "birthday")
    return is_time and not declined and item.get("transparency") != "transparent"


def _text(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
