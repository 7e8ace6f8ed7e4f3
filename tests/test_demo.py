"""``make demo``, used as a newcomer would: book, look into the calendar, kill what runs."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import monotonic, sleep
from uuid import uuid4

import pytest
import requests
from caldav import DAVClient
from icalendar import Calendar

from tests.databases import ROOT, empty_database

POLL_SECONDS = 3  # a minute in the real demo


class Demo:
    """A running demo, and what its banner says."""

    def __init__(self, folder: Path, database: str, *, poll_seconds: int) -> None:
        self.output = folder / "output"
        environment = {
            "VAR_DIR": str(folder / "var"),
            "DATABASE_URL": database,
            "CALDAV_ALLOWED_PRIVATE_HOSTS": "127.0.0.1",
            "POLL_INTERVAL_NO_WATCH_SECONDS": str(poll_seconds),
        }
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "demo"],
                cwd=ROOT,
                env=os.environ | environment,
                stdout=output,
                stderr=output,
            )

    def say(self, pattern: str) -> str:
        return re.search(pattern, self.output.read_text())[1]

    def until(self, condition: Callable[[], object], *, seconds: float = 30) -> object:
        deadline = monotonic() + seconds
        while not (answer := condition()):
            assert monotonic() < deadline, self.output.read_text()
            assert self.process.poll() is None, self.output.read_text()
            sleep(0.2)
        return answer

    def is_up(self) -> bool:
        return "Ctrl-C stops everything" in self.output.read_text()

    def starts(self, day: date) -> list[str]:
        """The starts of the first call's slots on a day, as the API offers them."""
        question = {"start": day.isoformat(), "meeting_type": "first-call"}
        try:
            answer = requests.get(f"{self.url}/api/v1/slots/", question, timeout=10)
        except requests.ConnectionError:
            return []
        return [slot["start"] for slot in answer.json()["slots"]]

    def book(self, start: str) -> requests.Response:
        return requests.post(
            f"{self.url}/api/v1/bookings/",
            json={
                "start": start,
                "meeting_type": "first-call",
                "name": "Ivy Invitee",
                "email": "ivy@example.com",
                "timezone": "America/New_York",
            },
            headers={"Idempotency-Key": str(uuid4())},
            timeout=30,
        )

    @property
    def url(self) -> str:
        return self.say(r"Booking page +(http://[^/]+)/")

    @property
    def calendars(self) -> str:
        return self.say(r"Calendars +(\S+)")

    @property
    def calendar_password(self) -> str:
        return self.say(r"anna +password: (\S+)")

    def events(self) -> list[tuple[str, datetime]]:
        """Title and start of each event in the calendar "Work"."""
        with DAVClient(
            url=self.calendars, username="anna", password=self.calendar_password
        ) as client:
            work = client.calendar(url=f"{self.calendars}anna/work/")
            events = [Calendar.from_ical(found.data).events[0] for found in work.get_events()]
        return [(str(event["SUMMARY"]), event["DTSTART"].dt) for event in events]

    def take(self, day: date) -> None:
        """Put an event that lasts the whole day into the calendar "Work"."""
        text = (
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\n"
            f"UID:{self._name(day)}\r\nDTSTAMP:20260101T000000Z\r\n"
            f"DTSTART;VALUE=DATE:{day:%Y%m%d}\r\nSUMMARY:Away\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
        )
        assert requests.put(self._address(day), text, auth=self._sign_in, timeout=10).ok

    def give_back(self, day: date) -> None:
        assert requests.delete(self._address(day), auth=self._sign_in, timeout=10).ok

    def _name(self, day: date) -> str:
        return f"away-{day:%Y%m%d}"

    def _address(self, day: date) -> str:
        return f"{self.calendars}anna/work/{self._name(day)}.ics"

    @property
    def _sign_in(self) -> tuple[str, str]:
        return "anna", self.calendar_password

    def end(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Iterator[Demo]:
    with empty_database("demo") as database:
        demo = Demo(tmp_path_factory.mktemp("demo"), database, poll_seconds=POLL_SECONDS)
        try:
            demo.until(demo.is_up, seconds=60)
            yield demo
        finally:
            demo.end()


@pytest.fixture
def workday() -> date:
    """A day two weeks ahead on which the demo's calendars leave most hours free."""
    day = datetime.now(UTC).date() + timedelta(days=14)
    while day.weekday() != 4:
        day += timedelta(days=1)
    return day


def test_a_booked_slot_is_an_event_in_the_calendar_and_a_mail_to_both(demo, workday):
    start = demo.starts(workday)[0]
    booked = demo.book(start)
    assert booked.status_code == 201
    assert start not in demo.starts(workday)
    event = demo.until(
        lambda: next((at for title, at in demo.events() if "Ivy Invitee" in title), None)
    )
    assert event == datetime.fromisoformat(start)
    mails = Path(demo.say(r"Mails +(\S+)"))
    sent = demo.until(lambda: [*mails.glob("*")][1:] and [*mails.glob("*")])
    texts = [file.read_text() for file in sent]
    assert sorted(re.search(r"^To: .*?([\w.]+@\S+?)>?$", text, re.M)[1] for text in texts) == [
        "anna@example.com",
        "ivy@example.com",
    ]
    assert requests.get(booked.json()["manage_url"], timeout=10).status_code == 200


def test_an_event_in_the_calendar_takes_its_slots_until_it_is_deleted(demo, workday):
    before = demo.starts(workday)
    assert before
    demo.take(workday)
    demo.until(lambda: demo.starts(workday) == [])
    demo.give_back(workday)
    demo.until(lambda: demo.starts(workday) == before)


def test_who_books_what_the_calendar_has_just_taken_is_refused(demo, workday):
    start = demo.starts(workday)[0]
    demo.take(workday)
    refused = demo.book(start)
    demo.give_back(workday)
    assert (refused.status_code, refused.json()["code"]) == (409, "slot_taken")


@pytest.mark.parametrize("name", ["web server", "worker"])
def test_a_killed_process_is_started_again_and_carries_on(demo, workday, name):
    os.killpg(demo_process(demo, name), signal.SIGKILL)
    demo.until(lambda: f"The {name} ended" in demo.output.read_text())
    start = demo.until(lambda: demo.starts(workday))[-1]
    assert demo.book(start).status_code == 201
    demo.until(lambda: datetime.fromisoformat(start) in [at for _, at in demo.events()])


def demo_process(demo: Demo, name: str) -> int:
    """The process id of one of the demo's own children."""
    words = {"web server": "gunicorn", "worker": "qcluster"}[name]
    listing = subprocess.run(
        ["ps", "-o", "pid=,args=", "--ppid", str(demo.process.pid)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return next(int(line.split()[0]) for line in listing.splitlines() if words in line)


def test_a_second_run_keeps_ports_and_passwords(demo):
    kept = Path(demo.say(r"Mails +(\S+)")).parent
    assert json.loads((kept / "passwords.json").read_text())["calendar"] == demo.calendar_password
    assert str(json.loads((kept / "ports.json").read_text())["web"]) in demo.url
