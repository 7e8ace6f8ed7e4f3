"""The demo's calendar server: a real Radicale on loopback, with two calendars of sample events."""

import sys
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from textwrap import dedent
from zoneinfo import ZoneInfo

from caldav import DAVClient
from caldav.collection import Calendar as RemoteCalendar
from icalendar import Calendar, Event

from calsync.processes import Process

USER = "anna"


@dataclass(frozen=True)
class CalendarServer:
    """Where the server keeps its files, where it listens, and who may sign in."""

    directory: Path
    port: int
    password: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def process(self, *, log: Path) -> Process:
        """The server, its configuration written."""
        self.directory.mkdir(parents=True, exist_ok=True)
        users = self.directory / "users"
        users.touch(mode=0o600)
        users.write_text(f"{USER}:{self.password}\n")
        config = self.directory / "radicale.ini"
        config.write_text(
            dedent(f"""\
                [server]
                hosts = 127.0.0.1:{self.port}
                [auth]
                type = htpasswd
                htpasswd_filename = {users}
                htpasswd_encryption = plain
                [storage]
                filesystem_folder = {self.directory / "collections"}
                """)
        )
        command = [sys.executable, "-m", "radicale", "--config", str(config)]
        return Process("calendar server", command, log=log)

    def fill(self, *, today: date, zone: ZoneInfo) -> None:
        """Two calendars with sample events, at the first start; later ones keep what is there."""
        with DAVClient(url=self.url, username=USER, password=self.password) as client:
            principal = client.principal()
            if principal.calendars():
                return
            monday = today - timedelta(days=today.weekday())
            work, private = _work_events(monday, zone), _private_events(monday, zone)
            _save(principal.make_calendar(name="Work", cal_id="work"), work)
            _save(principal.make_calendar(name="Private", cal_id="private"), private)

    def write_sample(self, file: Path, day: date) -> None:
        """An event that takes a whole day, for whoever wants to put one into a calendar."""
        file.write_bytes(_document(_event("Out of office", day, day + timedelta(1))))


def _save(calendar: RemoteCalendar, events: list[Event]) -> None:
    for event in events:
        calendar.save_event(_document(event).decode())


def _document(event: Event) -> bytes:
    document = Calendar()
    document.add("prodid", "-//calsync demo//EN")
    document.add("version", "2.0")
    document.add_component(event)
    return document.to_ical()


def _work_events(monday: date, zone: ZoneInfo) -> list[Event]:
    def at(days: int, hour: int, minute: int = 0) -> datetime:
        return datetime.combine(monday + timedelta(days), time(hour, minute), zone)

    return [
        _event("Team meeting", at(0, 9), at(0, 10), rrule={"freq": "weekly"}),
        _event(
            "Stand-up",
            at(0, 13, 30),
            at(0, 13, 45),
            rrule={"freq": "weekly", "byday": ["TU", "WE", "TH", "FR"]},
        ),
        _event("Client workshop", at(8, 13), at(8, 16)),
        _event("Conference (all day)", monday + timedelta(10), monday + timedelta(11)),
        _event("Perhaps: call with Bo", at(9, 10), at(9, 11), status="TENTATIVE"),
        _event("Focus time, may be booked", at(7, 14), at(7, 17), transp="TRANSPARENT"),
    ]


def _private_events(monday: date, zone: ZoneInfo) -> list[Event]:
    def at(days: int, hour: int) -> datetime:
        return datetime.combine(monday + timedelta(days), time(hour), zone)

    return [
        _event("Dentist", at(9, 15), at(9, 16)),
        _event("Choir", at(2, 16), at(2, 18), rrule={"freq": "weekly", "interval": 2}),
        _event("Holidays", monday + timedelta(28), monday + timedelta(33)),
    ]


def _event(summary: str, start: date, end: date, **properties) -> Event:
    event = Event.new(summary=summary, start=start, end=end)
    for name, value in properties.items():
        event.add(name, value)
    return event
