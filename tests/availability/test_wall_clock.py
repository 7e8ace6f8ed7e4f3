"""Wall clock time to instant, in every zone, around every kind of change."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from tests.availability.random_calendars import all_zones, changes

pytestmark = pytest.mark.django_db

CASES = """
SELECT zone, wall_clock, instant, calsync.wall_clock_to_instant(wall_clock, zone)
FROM unnest(%s::text[], %s::timestamp[], %s::timestamptz[]) AS a (zone, wall_clock, instant)
WHERE instant IS DISTINCT FROM calsync.wall_clock_to_instant(wall_clock, zone)
"""
MINUTE = timedelta(minutes=1)


def test_every_zone_is_right_around_its_changes():
    """PEP 495, fold=0: the first of two times, and the offset before a gap."""
    zones, wall_clocks, instants = [], [], []
    for zone in all_zones():
        for change in changes(zone)[:3] + changes(zone)[-2:]:
            rules = ZoneInfo(zone)
            shown = change.astimezone(rules).replace(tzinfo=None)
            for minutes in (-1500, -1440, -121, -61, -60, -59, -31, -30, -1, 0, 1, 29, 30, 31, 90):
                wall_clock = shown + minutes * MINUTE
                zones.append(zone)
                wall_clocks.append(wall_clock)
                instants.append(wall_clock.replace(tzinfo=rules).astimezone(UTC))
    with connection.cursor() as cursor:
        cursor.execute(CASES, [zones, wall_clocks, instants])
        wrong = [row for row in cursor.fetchall() if not _is_disputed(cursor, row[0], row[2])]
    assert wrong == []


@pytest.mark.parametrize(
    ("zone", "wall_clock", "instant"),
    [
        ("Europe/Berlin", "2027-03-28T02:30", "2027-03-28T01:30Z"),  # skipped
        ("Europe/Berlin", "2027-10-31T02:30", "2027-10-31T00:30Z"),  # shown twice
        ("Australia/Lord_Howe", "2027-10-03T02:10", "2027-10-02T15:40Z"),
        ("Australia/Lord_Howe", "2027-04-04T01:45", "2027-04-03T14:45Z"),
        ("Pacific/Apia", "2011-12-30T09:00", "2011-12-30T19:00Z"),  # no such day
        ("Kwajalein", "1993-08-21T09:00", "1993-08-21T21:00Z"),
        ("Asia/Beirut", "2027-03-28T00:15", "2027-03-27T22:15Z"),  # skipped from midnight on
        ("Atlantic/Azores", "2027-10-31T00:00", "2027-10-31T00:00Z"),  # midnight comes twice
        ("CET", "2027-07-01T12:00", "2027-07-01T10:00Z"),  # a zone, no abbreviation
        ("Etc/GMT+5", "2027-07-01T12:00", "2027-07-01T17:00Z"),
    ],
)
def test_known_times(zone, wall_clock, instant):
    with connection.cursor() as cursor:
        cursor.execute("SELECT calsync.wall_clock_to_instant(%s, %s)", [wall_clock, zone])
        assert cursor.fetchone()[0] == datetime.fromisoformat(instant)


def _is_disputed(cursor, zone: str, at: datetime) -> bool:
    """Whether the time zone databases of Python and PostgreSQL are of different years here."""
    if zone in {"CET", "EET", "MET", "WET"}:  # abbreviations to AT TIME ZONE
        return False
    cursor.execute("SELECT %s AT TIME ZONE %s", [at, zone])
    return cursor.fetchone()[0] != at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
