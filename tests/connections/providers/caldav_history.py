"""What a consultant does at random in a CalDAV calendar, with programs that write whole objects."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from random import Random
from urllib.parse import urlsplit

from tests.connections.providers.caldav_servers import CalDavCalendar, calendar_text
from tests.connections.providers.contract import DAY, HOUR, WINDOW

# How programs write times: in UTC, without a zone, and with the name of one they do not define.
UTC, FLOATING, NAMED = "{}:{}Z", "{}:{}", "{};TZID=W. Europe Standard Time:{}"


@dataclass
class Entry:
    """One object: an event, or a series of so many days with what was changed in it."""

    title: str
    start: datetime
    days: int = 0  # 0: no series
    all_day: bool = False
    spelling: str = UTC
    left_out: set[int] = field(default_factory=set)
    moved: dict[int, datetime] = field(default_factory=dict)

    def text(self, uid: str) -> str:
        overrides = [self._override(uid, day, start) for day, start in sorted(self.moved.items())]
        return calendar_text(self._master(uid), *overrides)

    def _master(self, uid: str) -> str:
        rule = [f"RRULE:FREQ=DAILY;COUNT={self.days}"] if self.days else []
        left_out = [self._time("EXDATE", self.start + day * DAY) for day in sorted(self.left_out)]
        return self._event(uid, self.title, self.start, *rule, *left_out)

    def _override(self, uid: str, day: int, start: datetime) -> str:
        original = self._time("RECURRENCE-ID", self.start + day * DAY)
        return self._event(uid, f"{self.title} moved", start, original)

    def _event(self, uid: str, title: str, start: datetime, *lines: str) -> str:
        head = ("BEGIN:VEVENT", f"UID:{uid}", "DTSTAMP:20260101T000000Z", f"SUMMARY:{title}")
        return "\r\n".join([*head, *self._times(start), *lines, "END:VEVENT"])

    def _times(self, start: datetime) -> tuple[str, str]:
        if self.all_day:
            days = (start, start + DAY)
            return tuple(
                f"{name};VALUE=DATE:{day:%Y%m%d}"
                for name, day in zip(("DTSTART", "DTEND"), days, strict=True)
            )
        return self._time("DTSTART", start), self._time("DTEND", start + HOUR)

    def _time(self, name: str, at: datetime) -> str:
        return self.spelling.format(name, f"{at:%Y%m%dT%H%M%S}")


class Owner:
    """Does something to a calendar that nobody else writes to."""

    def __init__(self, calendar: CalDavCalendar, random: Random) -> None:
        self._calendar, self._random, self._numbers = calendar, random, count()
        self._entries: dict[str, Entry] = {}

    def does_something(self) -> None:
        deeds = [self.adds, self.adds_a_series]
        if self._entries:
            deeds += [self.moves, self.renames, self.deletes]
        if self._series():
            deeds += [self.cuts_a_series, self.moves_an_occurrence, self.deletes_an_occurrence] * 2
        self._random.choice(deeds)()

    def adds(self) -> None:
        entry = Entry(self._title(), self._moment(), all_day=self._chance())
        entry.spelling = self._random.choice((UTC, FLOATING, NAMED))
        self._write(self._new(), entry)

    def adds_a_series(self) -> None:
        entry = Entry(self._title(), self._moment(), days=self._random.randint(2, 30))
        entry.spelling = self._random.choice((UTC, FLOATING))
        self._write(self._new(), entry)

    def moves(self) -> None:
        uid, entry = self._random.choice(list(self._entries.items()))
        entry.start, entry.left_out, entry.moved = self._moment(), set(), {}
        self._write(uid, entry)

    def renames(self) -> None:
        uid, entry = self._random.choice(list(self._entries.items()))
        entry.title = self._title()
        self._write(uid, entry)

    def deletes(self) -> None:
        uid = self._random.choice(list(self._entries))
        del self._entries[uid]
        path = urlsplit(self._calendar.calendar_id).path
        self._calendar.device.delete(f"{path}{uid}.ics")

    def cuts_a_series(self) -> None:
        uid, entry = self._random.choice(self._series())
        entry.days = max(2, entry.days // 2)
        entry.left_out = {day for day in entry.left_out if day < entry.days}
        entry.moved = {day: start for day, start in entry.moved.items() if day < entry.days}
        self._write(uid, entry)

    def moves_an_occurrence(self) -> None:
        uid, entry = self._random.choice(self._series())
        day = self._random.randrange(entry.days)
        entry.left_out.discard(day)
        entry.moved[day] = self._moment()
        self._write(uid, entry)

    def deletes_an_occurrence(self) -> None:
        """Never the last one: a series without any is no series."""
        uid, entry = self._random.choice(self._series())
        day = self._random.randrange(1, entry.days)
        entry.moved.pop(day, None)
        entry.left_out.add(day)
        self._write(uid, entry)

    def _write(self, uid: str, entry: Entry) -> None:
        self._entries[uid] = entry
        self._calendar.device.put(self._calendar.calendar_id, f"{uid}.ics", entry.text(uid))

    def _series(self) -> list[tuple[str, Entry]]:
        return [(uid, entry) for uid, entry in self._entries.items() if entry.days]

    def _new(self) -> str:
        return f"object-{next(self._numbers)}-{self._random.getrandbits(64):x}"

    def _title(self) -> str:
        return f"event {next(self._numbers)}"

    def _chance(self) -> bool:
        return self._random.random() < 0.2

    def _moment(self) -> datetime:
        """In the window or not far from it."""
        return WINDOW.start + timedelta(hours=self._random.randint(-24 * 20, 24 * 112))
