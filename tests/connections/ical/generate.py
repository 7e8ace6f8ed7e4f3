"""Calendar objects whose occurrences are known without any rule engine.

Every kind writes an object as a calendar client would, and finds the truth by walking through the
days one by one and asking "does it take place today?". Wall times become instants through
``zoneinfo``, a duration is exact (RFC 5545 §3.8.5.3).

    made = list(resources(1000, seed=1))     # .text and .truth: starts and ends within WINDOW
    assert misread(made) == []
"""

import random
from calendar import monthrange
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from connections.providers.base import Window
from connections.providers.ical import ObjectReading, read_object

WINDOW = Window(datetime(2026, 6, 1, tzinfo=UTC), datetime(2027, 6, 1, tzinfo=UTC))
ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]
WEEKDAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
DAY = timedelta(days=1)

Span = tuple[datetime, datetime]

VTIMEZONE = """\
BEGIN:VTIMEZONE
TZID:{zone}
X-LIC-LOCATION:{zone}
BEGIN:DAYLIGHT
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
TZNAME:CEST
DTSTART:19700329T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
END:DAYLIGHT
BEGIN:STANDARD
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
TZNAME:CET
DTSTART:19701025T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
END:STANDARD
END:VTIMEZONE
"""  # as clients send it; the name decides, so that it may say Berlin's rules for every zone


@dataclass
class Resource:
    """One calendar object, and what it shows within ``WINDOW``."""

    kind: str
    zone: ZoneInfo
    text: str
    truth: list[Span]


@dataclass
class Draft:
    """A series that is being made up: its first day, time, length, and a source of chance."""

    chance: random.Random
    zone: ZoneInfo
    first: date
    at: time
    length: timedelta
    lines: list[str] = field(default_factory=list)  # further lines of the master
    overrides: list[list[str]] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    is_all_day: bool = False

    def span(self, day: date, *, shift: timedelta = timedelta(0), length=None) -> Span:
        """The occurrence of a day, which may be moved on the wall clock."""
        wall = datetime.combine(day, self.at) + shift
        start = instant(wall, self.zone)
        if self.is_all_day:
            return start, instant(wall + (length or self.length), self.zone)
        return start, start + (length or self.length)

    def days(self, *, until: date | None = None) -> Iterator[date]:
        """Every day from the first, to the window's end and a little more."""
        day = self.first
        while day <= (until or WINDOW.end.date() + 40 * DAY):
            yield day
            day += DAY

    def repeat(self, rule: str, takes_place: Callable[[date], bool], **bounds) -> list[date]:
        """Write a rule, and keep the days on which it takes place. The first one is among them."""
        self.lines.append(f"RRULE:{rule}")
        days = [day for day in self.days(**bounds) if takes_place(day)]
        assert not days or days[0] == self.first, (rule, self.first, days[:1])
        self.spans = [self.span(day) for day in days]
        return days

    def move_to(self, takes_place: Callable[[date], bool]) -> None:
        """Let the first day be one on which the rule takes place."""
        while not takes_place(self.first):
            self.first += DAY

    def written(self, day: date, *, shift: timedelta = timedelta(0)) -> str:
        """A time of the series with its parameter, as it stands behind a property's name."""
        wall = datetime.combine(day, self.at) + shift
        if self.is_all_day:
            return f";VALUE=DATE:{wall:%Y%m%d}"
        return f";TZID={self.zone.key}:{wall:%Y%m%dT%H%M%S}"

    def in_utc(self, day: date) -> str:
        return f"{instant(datetime.combine(day, self.at), self.zone):%Y%m%dT%H%M%SZ}"


def instant(wall: datetime, zone: ZoneInfo) -> datetime:
    return wall.replace(tzinfo=zone).astimezone(UTC)


# --- the kinds -------------------------------------------------------------------------------


def single(draft: Draft) -> None:
    draft.first = WINDOW.start.date() + draft.chance.randint(0, 360) * DAY
    draft.spans = [draft.span(draft.first)]


def single_all_day(draft: Draft) -> None:
    _all_day(draft, draft.chance.randint(1, 5))
    single(draft)


def daily(draft: Draft) -> None:
    draft.repeat("FREQ=DAILY", lambda day: True)


def every_nth_day(draft: Draft) -> None:
    n, first = draft.chance.randint(2, 9), draft.first
    draft.repeat(f"FREQ=DAILY;INTERVAL={n}", lambda day: (day - first).days % n == 0)


def working_days(draft: Draft) -> None:
    draft.move_to(lambda day: day.weekday() < 5)
    draft.repeat("FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR", lambda day: day.weekday() < 5)


def weekly(draft: Draft) -> None:
    weekday = draft.first.weekday()
    draft.repeat("FREQ=WEEKLY", lambda day: day.weekday() == weekday)


def weekly_on_days(draft: Draft) -> None:
    _weekly_on_days(draft, "")


def weekly_by_count(draft: Draft) -> None:
    days = _weekly_on_days(draft, ";COUNT={count}")
    count = int(draft.lines[-1].rpartition("=")[2])
    draft.spans = [draft.span(day) for day in days[:count]]


def weekly_until_instant(draft: Draft) -> None:
    """UNTIL is exactly the last occurrence, in UTC as the standard asks for."""
    weekday, last = draft.first.weekday(), draft.first + draft.chance.randint(0, 150) * 7 * DAY
    draft.repeat(
        f"FREQ=WEEKLY;UNTIL={draft.in_utc(last)}", lambda day: day.weekday() == weekday, until=last
    )


def weekly_until_date(draft: Draft) -> None:
    """UNTIL is a date, and the occurrence on it counts."""
    weekday, last = draft.first.weekday(), draft.first + draft.chance.randint(0, 150) * 7 * DAY
    draft.repeat(
        f"FREQ=WEEKLY;UNTIL={last:%Y%m%d}", lambda day: day.weekday() == weekday, until=last
    )


def fortnightly_weeks_from_sunday(draft: Draft) -> None:
    """Which week is "every other" depends on WKST."""
    draft.move_to(lambda day: day.weekday() == 1)
    sunday = draft.first - 2 * DAY

    def takes_place(day: date) -> bool:
        return (day - sunday).days // 7 % 2 == 0 and day.weekday() in (1, 6)

    draft.repeat("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=SU", takes_place)


def monthly_on_date(draft: Draft) -> None:
    """Months without that date are left out."""
    number = draft.first.day
    draft.repeat("FREQ=MONTHLY", lambda day: day.day == number)


def monthly_from_the_end(draft: Draft) -> None:
    number = draft.chance.randint(1, 28)
    draft.move_to(lambda day: _days_left(day) == number - 1)
    draft.repeat(f"FREQ=MONTHLY;BYMONTHDAY=-{number}", lambda day: _days_left(day) == number - 1)


def monthly_nth_weekday(draft: Draft) -> None:
    nth, weekday = (draft.first.day - 1) // 7 + 1, draft.first.weekday()
    draft.repeat(
        f"FREQ=MONTHLY;BYDAY={nth}{WEEKDAYS[weekday]}",
        lambda day: day.weekday() == weekday and (day.day - 1) // 7 + 1 == nth,
    )


def monthly_last_working_day(draft: Draft) -> None:
    def takes_place(day: date) -> bool:
        later = [day + n * DAY for n in range(1, _days_left(day) + 1)]
        return day.weekday() < 5 and all(other.weekday() > 4 for other in later)

    draft.move_to(takes_place)
    draft.repeat("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", takes_place)


def yearly(draft: Draft) -> None:
    month, number = draft.first.month, draft.first.day
    draft.repeat("FREQ=YEARLY", lambda day: (day.month, day.day) == (month, number))


def yearly_last_weekday_of_month(draft: Draft) -> None:
    month, weekday = draft.chance.randint(1, 12), draft.chance.randint(0, 6)

    def takes_place(day: date) -> bool:
        return day.month == month and day.weekday() == weekday and _days_left(day) < 7

    draft.move_to(takes_place)
    draft.repeat(f"FREQ=YEARLY;BYMONTH={month};BYDAY=-1{WEEKDAYS[weekday]}", takes_place)


def all_day_weekly(draft: Draft) -> None:
    _all_day(draft, draft.chance.randint(1, 3))
    weekly(draft)


def with_exdates(draft: Draft) -> None:
    """EXDATE in three spellings, on several lines."""
    days = _weekly_on_days(draft, "")
    gone = draft.chance.sample(days, min(len(days), 9))
    for number, day in enumerate(gone):
        spellings = [draft.written(day), f":{draft.in_utc(day)}", f";VALUE=DATE:{day:%Y%m%d}"]
        draft.lines.append(f"EXDATE{spellings[number % 3]}")
    draft.spans = [draft.span(day) for day in days if day not in gone]


def with_overrides(draft: Draft) -> None:
    """Moved, lengthened and cancelled occurrences, RECURRENCE-ID in two spellings."""
    weekday = draft.first.weekday()
    days = draft.repeat("FREQ=WEEKLY", lambda day: day.weekday() == weekday)
    changed = draft.chance.sample(days, min(len(days), 6))
    for number, day in enumerate(changed):
        shift = draft.chance.choice([-26, -1, 0, 3, 24 * 30]) * timedelta(hours=1)
        slot = draft.written(day) if number % 2 else f":{draft.in_utc(day)}"
        lines = [f"RECURRENCE-ID{slot}", f"DTSTART{draft.written(day, shift=shift)}"]
        draft.overrides.append([*lines, "DURATION:PT95M"])
        draft.spans.remove(draft.span(day))
        if number == 0:
            draft.overrides[-1].append("STATUS:CANCELLED")
        else:
            draft.spans.append(draft.span(day, shift=shift, length=timedelta(minutes=95)))


def with_all_following_moved(draft: Draft) -> None:
    """From some occurrence on all are three hours later and last 20 minutes."""
    weekday = draft.first.weekday()
    days = draft.repeat("FREQ=WEEKLY", lambda day: day.weekday() == weekday)
    turn, shift, length = draft.chance.choice(days), timedelta(hours=3), timedelta(minutes=20)
    draft.overrides.append(
        [
            f"RECURRENCE-ID;RANGE=THISANDFUTURE{draft.written(turn)}",
            f"DTSTART{draft.written(turn, shift=shift)}",
            "DURATION:PT20M",
        ]
    )
    draft.spans = [draft.span(day) for day in days if day < turn]
    draft.spans += [draft.span(day, shift=shift, length=length) for day in days if day >= turn]


def with_rdates(draft: Draft) -> None:
    """No rule but further dates, one of them a period of its own length."""
    draft.first = WINDOW.start.date() + draft.chance.randint(0, 20) * DAY
    days = [draft.first + draft.chance.randint(1 + n * 30, 29 + n * 30) * DAY for n in range(9)]
    joined = ",".join(f"{datetime.combine(day, draft.at):%Y%m%dT%H%M%S}" for day in days[1:])
    draft.lines.append(f"RDATE;TZID={draft.zone.key}:{joined}")
    draft.lines.append(f"RDATE;VALUE=PERIOD:{draft.in_utc(days[0])}/PT3H")
    draft.spans = [draft.span(day) for day in (draft.first, *days[1:])]
    draft.spans.append(draft.span(days[0], length=timedelta(hours=3)))


def at_night(draft: Draft) -> None:
    """Every night at 02:30, when the clocks change, or 01:45 where they change by half an hour."""
    draft.at = draft.chance.choice([time(2, 30), time(1, 45), time(2, 0), time(1, 30)])
    daily(draft)


KINDS: list[Callable[[Draft], None]] = [
    single,
    single_all_day,
    daily,
    every_nth_day,
    working_days,
    weekly,
    weekly_on_days,
    weekly_by_count,
    weekly_until_instant,
    weekly_until_date,
    fortnightly_weeks_from_sunday,
    monthly_on_date,
    monthly_from_the_end,
    monthly_nth_weekday,
    monthly_last_working_day,
    yearly,
    yearly_last_weekday_of_month,
    all_day_weekly,
    with_exdates,
    with_overrides,
    with_all_following_moved,
    with_rdates,
    at_night,
]


def _all_day(draft: Draft, days: int) -> None:
    draft.is_all_day, draft.at, draft.length = True, time(0), days * DAY


def _weekly_on_days(draft: Draft, suffix: str) -> list[date]:
    """Every nth week on some weekdays, among them that of the first day."""
    first, n = draft.first, draft.chance.randint(1, 3)
    weekdays = {first.weekday(), *draft.chance.sample(range(7), 2)}
    monday = first - first.weekday() * DAY
    rule = f"FREQ=WEEKLY;INTERVAL={n};BYDAY={','.join(WEEKDAYS[day] for day in sorted(weekdays))}"
    return draft.repeat(
        rule + suffix.format(count=draft.chance.randint(1, 400)),
        lambda day: day.weekday() in weekdays and (day - monday).days // 7 % n == 0,
    )


def _days_left(day: date) -> int:
    return monthrange(day.year, day.month)[1] - day.day


# --- reading ---------------------------------------------------------------------------------


def reading_of(resource: Resource) -> ObjectReading:
    return read_object(
        resource.text,
        href="/calendars/anna/work/42.ics",
        version='"1"',
        window=WINDOW,
        zone=resource.zone,
    )


def misread(made: Iterable[Resource]) -> list[Resource]:
    """The resources of which anything but the truth is read."""
    return [resource for resource in made if not _is_read_well(resource)]


def _is_read_well(resource: Resource) -> bool:
    reading = reading_of(resource)
    found = sorted((event.start, event.end) for event in reading.events)
    return found == resource.truth and not reading.problems


# --- writing ---------------------------------------------------------------------------------


def resources(count: int, *, seed: int = 1) -> Iterator[Resource]:
    """``count`` objects, the kinds and the zones in turn."""
    chance = random.Random(seed)
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        yield _resource(kind, ZoneInfo(ZONES[number % len(ZONES)]), number, chance)


def _resource(
    kind: Callable[[Draft], None], zone: ZoneInfo, number: int, chance: random.Random
) -> Resource:
    first = date(2024, 1, 1) + chance.randint(0, 1000) * DAY
    at = time(chance.randint(0, 23), chance.choice([0, 15, 30, 45]))
    length = chance.choice([15, 30, 60, 90, 480, 1800]) * timedelta(minutes=1)
    draft = Draft(chance, zone, first, at, length)
    kind(draft)
    truth = sorted(s for s in draft.spans if s[0] < WINDOW.end and s[1] > WINDOW.start)
    return Resource(kind.__name__, zone, _text(draft, number), truth)


def _text(draft: Draft, number: int) -> str:
    vtimezone = VTIMEZONE.format(zone=draft.zone.key).splitlines()
    masters = [[*_times(draft), *draft.lines], *draft.overrides]
    vevents = [line for lines in masters for line in _vevent(number, lines)]
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Example Corp.//Example 1.0//EN"]
    return "\r\n".join([*lines, *vtimezone, *vevents, "END:VCALENDAR", ""])


def _times(draft: Draft) -> list[str]:
    """DTSTART, and the end as a time where this cannot be ambiguous, else as a duration."""
    start = f"DTSTART{draft.written(draft.first)}"
    if draft.is_all_day:
        return [start, f"DTEND;VALUE=DATE:{draft.first + draft.length:%Y%m%d}"]
    if draft.chance.random() < 0.5:
        return [start, f"DURATION:PT{draft.length // timedelta(minutes=1)}M"]
    return [start, f"DTEND:{draft.span(draft.first)[1]:%Y%m%dT%H%M%SZ}"]


def _vevent(number: int, lines: list[str]) -> list[str]:
    return [
        "BEGIN:VEVENT",
        f"UID:20260601T000000Z-{number}@example.com",
        "DTSTAMP:20260501T080000Z",
        "LAST-MODIFIED:20260502T081500Z",
        "SEQUENCE:2",
        f"SUMMARY:Meeting number {number}\\, as every time",
        *lines,
        "DESCRIPTION:A text that is long enough to be folded at seventy-five octets as",
        "  the standard wants it\\, with a second line\\nand a third",
        "TRANSP:OPAQUE",
        "BEGIN:VALARM",
        "ACTION:DISPLAY",
        "TRIGGER:-PT15M",
        "END:VALARM",
        "END:VEVENT",
    ]
