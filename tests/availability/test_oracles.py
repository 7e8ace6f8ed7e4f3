"""The SQL core against two independent oracles, and its answers against each other."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from django.db import connection

from tests.api_roles import read_only_request
from tests.availability.calendars import Calendar
from tests.availability.interval_oracle import starts_by_intervals
from tests.availability.minute_oracle import starts_minute_by_minute
from tests.availability.random_calendars import calendar_at_random, changes
from tests.availability.storing import (
    agreeing,
    every_minute_by_sql,
    question,
    starts_by_sql,
    store,
)

pytestmark = pytest.mark.django_db

BATCH = 200
STRETCH = timedelta(hours=8)
SLOTS = """
SELECT slot_start FROM public.get_available_slots(
  date => %(date)s, days => %(days)s, slot_duration => %(duration)s, consultant => %(consultant)s,
  meeting_type => %(slug)s, timezone => %(zone)s)
"""
UNEXPLAINED = """
SELECT minute FROM generate_series(%(first)s::timestamptz, %(last)s, interval '1 minute') AS minute
WHERE NOT EXISTS (
  SELECT FROM public.explain_slot(minute, %(duration)s, %(consultant)s, %(slug)s))
"""


def calendars(*, seed: int, count: int, **around) -> list[Calendar]:
    random = Random(seed)
    return agreeing([calendar_at_random(random, **around) for _ in range(count)])


@pytest.mark.parametrize("seed", range(4))
def test_offered_slots_are_those_of_both_oracles(seed):
    made = calendars(seed=seed, count=BATCH)
    by_sql = starts_by_sql(made)

    assert by_sql == [starts_by_intervals(calendar) for calendar in made]
    assert by_sql == [starts_minute_by_minute(calendar) for calendar in made]
    assert sum(map(bool, by_sql)) > BATCH / 3  # most of the others are closed, full or too late


def test_calendars_are_asked_about_on_every_kind_of_change():
    """Forwards, back, by half an hour, at midnight, over a whole day."""
    assert len(changes("Europe/Berlin")) == 2 * 25
    assert datetime(2011, 12, 30, 10, tzinfo=UTC) in changes("Pacific/Apia")
    assert {change.minute for change in changes("Australia/Lord_Howe")} == {0, 30}
    assert datetime(2027, 3, 28, 0, 0, tzinfo=UTC) - timedelta(hours=2) in changes("Asia/Beirut")


@pytest.mark.parametrize("seed", range(8))
def test_every_minute_is_either_offered_or_refused_with_a_reason(seed):
    calendar = _with_slots(calendars(seed=seed, count=60))
    offered = starts_by_intervals(calendar)
    answers = every_minute_by_sql(calendar, **_minutes(offered))
    assert [minute for minute, is_offered, _ in answers if is_offered] == [
        start for start in offered if start <= answers[-1][0]
    ]
    assert [minute for minute, is_offered, is_refused in answers if is_offered == is_refused] == []


@pytest.mark.parametrize("seed", range(3))
def test_visitor_is_offered_what_the_consultant_finds_no_reason_against(seed):
    """The public functions, with the rights of the API and the clock of the database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        [now] = cursor.fetchone()
    calendar = _with_slots(calendars(seed=seed, count=60, asked_at=now), buffer=None)
    slug = "talk" if calendar.meeting_type else None
    asked = question(calendar, store([calendar])) | {"slug": slug}
    expected = starts_by_intervals(calendar)
    with read_only_request("anon") as cursor:
        cursor.execute(SLOTS, asked)
        offered = [start for (start,) in cursor.fetchall()]
    with read_only_request("authenticated", calendar.id) as cursor:
        cursor.execute(UNEXPLAINED, asked | _minutes(expected))
        unexplained = [start for (start,) in cursor.fetchall()]
    assert offered == expected
    assert unexplained == [start for start in expected if start <= expected[0] + STRETCH]


def _with_slots(made: list[Calendar], **changes) -> Calendar:
    """The first that offers something although it ignores no booking, which nobody can ask for."""
    changed = (replace(calendar, ignored_booking=None, **changes) for calendar in made)
    return next(calendar for calendar in changed if len(starts_by_intervals(calendar)) > 2)


def _minutes(offered: list[datetime]) -> dict:
    """From the first to the last start on offer, but no more than ``STRETCH``."""
    return {"first": offered[0], "last": min(offered[-1], offered[0] + STRETCH)}
