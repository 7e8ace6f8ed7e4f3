"""recurring-ical-events as an oracle for starts, on random objects in which much comes together.

It shows cancelled overrides as events, and drops the occurrence on an UNTIL that is a date; the
tests named after these say what is right.
"""

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import icalendar
import pytest
import recurring_ical_events

from connections.providers.base import Window
from tests.connections.ical.generate import WINDOW, ZONES, instant, reading_of, resources
from tests.connections.ical.objects import read, vcalendar

RULES = [
    "FREQ=DAILY;INTERVAL=3",
    "FREQ=DAILY;COUNT=500",
    "FREQ=DAILY;BYHOUR=8,20;BYMINUTE=15",
    "FREQ=WEEKLY;BYDAY=MO,TH,SU;WKST=SU;INTERVAL=2",
    "FREQ=WEEKLY;BYMONTH=6,7,10,3",
    "FREQ=MONTHLY;BYMONTHDAY=31,-1",
    "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
    "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=2,-2",
    "FREQ=YEARLY;BYMONTH=3,10;BYDAY=-1SU",
    "FREQ=YEARLY;BYYEARDAY=1,100,-60",
    "FREQ=YEARLY;BYWEEKNO=1,26,-1;BYDAY=TU",
    "FREQ=HOURLY;INTERVAL=31",
]


def starts_by_oracle(text: str, window: Window, zone: ZoneInfo) -> list[datetime]:
    """What recurring-ical-events finds to start within the window (asked for a day more: it
    compares whole days with the window as if they were in UTC)."""
    calendar = icalendar.Calendar.from_ical(text)
    day = timedelta(days=1)
    found = recurring_ical_events.of(calendar).between(window.start - day, window.end + day)
    shown = [event for event in found if event.get("STATUS") != "CANCELLED"]
    starts = (_instant(event["DTSTART"].dt, zone) for event in shown)
    return sorted(start for start in starts if window.start <= start < window.end)


def _instant(start, zone: ZoneInfo) -> datetime:
    if not isinstance(start, datetime):
        start = datetime(start.year, start.month, start.day, tzinfo=zone)
    return start.astimezone(UTC)


@pytest.mark.parametrize("seed", [2, 3])
def test_the_generated_objects_start_when_the_oracle_says(seed: int):
    made = [each for each in resources(230, seed=seed) if each.kind != "weekly_until_date"]
    wrong = []
    for resource in made:
        starts = sorted(e.start for e in reading_of(resource).events if e.start >= WINDOW.start)
        if starts != starts_by_oracle(resource.text, WINDOW, resource.zone):
            wrong.append((resource.kind, resource.text))
    assert (wrong, len(made)) == ([], 220)


@pytest.mark.parametrize("rule", RULES)
def test_random_series_start_when_the_oracle_says(rule: str):
    chance = random.Random(rule)
    for _ in range(12):
        zone = ZoneInfo(chance.choice(ZONES))
        text = _series(rule, zone, chance)
        starts = sorted(event.start for event in read(text, window=WINDOW, zone=zone).events)
        starts = [start for start in starts if start >= WINDOW.start]
        assert starts == starts_by_oracle(text, WINDOW, zone), text


def _series(rule: str, zone: ZoneInfo, chance: random.Random) -> str:
    """A series with everything: exclusions, further dates, overrides, and some for all to come."""
    later = timedelta(days=chance.randint(0, 300), hours=chance.randint(0, 23))
    first = datetime.fromisoformat("2025-11-01") + later
    length = chance.choice(["PT20M", "PT3H"])
    until = f";UNTIL={_utc(first + timedelta(days=chance.randint(100, 500)), zone)}"
    rule += until if "COUNT" not in rule and chance.random() < 0.4 else ""
    text = _master(first, zone, length) + f"RRULE:{rule}\n"
    starts = starts_by_oracle(vcalendar(text), WINDOW, zone) or [instant(first, zone)]
    slots = chance.sample(starts, min(len(starts), 8))
    excluded, ranges, moved = slots[:3], sorted(slots[3:5]), slots[5:]
    for number, slot in enumerate(excluded):
        text += f"EXDATE{_written(slot, zone, number % 2)}\n"
    extra = first + timedelta(days=chance.randint(50, 400), minutes=7)
    text += f"RDATE;TZID={zone.key}:{extra:%Y%m%dT%H%M%S}\n"
    overrides = [_override(slot, zone, chance, ";RANGE=THISANDFUTURE") for slot in ranges]
    overrides += [_override(slot, zone, chance, "") for slot in moved]
    return vcalendar(text, *overrides)


def _master(first: datetime, zone: ZoneInfo, length: str) -> str:
    start = f"DTSTART;TZID={zone.key}:{first:%Y%m%dT%H%M%S}"
    return f"UID:1\nDTSTAMP:20260101T000000Z\n{start}\nDURATION:{length}\n"


def _override(slot: datetime, zone: ZoneInfo, chance: random.Random, parameter: str) -> str:
    start = slot.astimezone(zone).replace(tzinfo=None) + timedelta(hours=chance.randint(-30, 30))
    slot_text = _written(slot, zone, chance.random() < 0.5)
    return f"{_master(start, zone, 'PT45M')}RECURRENCE-ID{parameter}{slot_text}"


def _written(at: datetime, zone: ZoneInfo, in_utc: bool) -> str:
    if in_utc:
        return f":{at:%Y%m%dT%H%M%SZ}"
    return f";TZID={zone.key}:{at.astimezone(zone):%Y%m%dT%H%M%S}"


def _utc(wall: datetime, zone: ZoneInfo) -> str:
    return f"{instant(wall, zone):%Y%m%dT%H%M%SZ}"
