"""Whatever a consultant does in a Google calendar: rounds of changes end where a fresh one does."""

from datetime import datetime, timedelta
from itertools import count
from random import Random

import pytest

from tests.connections.providers.contract import DAY, HOUR, WINDOW
from tests.connections.providers.google_far import GoogleCalendar, calendar_at
from tests.connections.providers.rows import Rows
from tests.fakes.google import FakeGoogle

SHOWN = ("master", "instances", "bare instances")
RULES = (
    ["RRULE:FREQ=WEEKLY"],
    ["RRULE:FREQ=WEEKLY;COUNT=5"],
    ["RRULE:FREQ=DAILY;INTERVAL=3;COUNT=20"],
    ["RRULE:FREQ=WEEKLY;UNTIL=20261015T000000Z"],
    ["RRULE:FREQ=MONTHLY"],
)


@pytest.fixture
def far(google: FakeGoogle) -> GoogleCalendar:
    return calendar_at(google)


@pytest.mark.parametrize("seed", range(16))
def test_any_history_followed_by_incremental_rounds_equals_one_fresh_full_round(far, seed):
    random = Random(seed)
    far.google.cut_pages(seed)
    owner, rows = Owner(far, random), Rows(far)
    rows.sync()
    for _ in range(12):
        far.google.events.deleted_series_show = random.choice(SHOWN)
        for _ in range(random.randint(1, 4)):
            owner.does_something()
        assert rows.sync() == Rows(far).sync()
    assert rows.operations.count("incremental") >= 4


class Owner:
    """Does at random what a consultant does in a calendar."""

    def __init__(self, far: GoogleCalendar, random: Random) -> None:
        self._calendar, self._random, self._numbers = far.calendar, random, count()

    def does_something(self) -> None:
        deeds = [self.adds, self.adds_a_day, self.adds_a_series]
        if self._ids():
            deeds += [self.moves, self.renames, self.deletes, self.makes_recurring]
        if self._series():
            deeds += [self.cuts_a_series, self.makes_single, self.deletes_a_series]
            deeds += [self.moves_an_instance, self.deletes_an_instance] * 2
        self._random.choice(deeds)()

    def adds(self) -> None:
        start = self._moment()
        self._calendar.add(self._title(), start, start + HOUR)

    def adds_a_day(self) -> None:
        day = self._moment().date()
        self._calendar.add(self._title(), day, day + self._random.randint(1, 3) * DAY)

    def adds_a_series(self) -> None:
        start = self._moment()
        rule = self._random.choice(RULES)
        self._calendar.add(self._title(), start, start + HOUR, recurrence=rule)

    def moves(self) -> None:
        start = self._moment()
        self._calendar.change(self._random.choice(self._ids()), None, start, start + HOUR)

    def renames(self) -> None:
        self._calendar.change(self._random.choice(self._ids()), self._title())

    def deletes(self) -> None:
        self._calendar.remove(self._random.choice(self._ids()))

    def makes_recurring(self) -> None:
        rule = self._random.choice(RULES)
        event_id = self._random.choice(self._ids())
        if "date" not in self._calendar.get(event_id)["start"]:
            self._calendar.change(event_id, recurrence=rule)

    def cuts_a_series(self) -> None:
        rule = ["RRULE:FREQ=WEEKLY;COUNT=2"]
        self._calendar.change(self._random.choice(self._series()), recurrence=rule)

    def makes_single(self) -> None:
        self._calendar.change(self._random.choice(self._series()), recurrence=None)

    def deletes_a_series(self) -> None:
        self._calendar.remove(self._random.choice(self._series()))

    def moves_an_instance(self) -> None:
        start = self._moment()
        self._calendar.change(self._instance(), self._title(), start, start + HOUR)

    def deletes_an_instance(self) -> None:
        self._calendar.remove(self._instance())

    def _title(self) -> str:
        return f"event {next(self._numbers)}"

    def _moment(self) -> datetime:
        """In the window or not far from it."""
        return WINDOW.start + timedelta(hours=self._random.randint(-24 * 20, 24 * 112))

    def _ids(self) -> list[str]:
        """Of single events and of series."""
        resources = self._calendar.resources.values()
        return [
            one["id"]
            for one in resources
            if one["status"] != "cancelled" and "recurringEventId" not in one
        ]

    def _series(self) -> list[str]:
        """Those that have any instance."""
        calendar = self._calendar
        return [key for key in self._ids() if calendar.instances(calendar.get(key))]

    def _instance(self) -> str:
        series = self._calendar.get(self._random.choice(self._series()))
        instances = self._calendar.instances(series)[:15]
        return self._random.choice(instances)["id"]
