"""Free time is read by index, however much is stored."""

from datetime import timedelta

import pytest
from django.db import connection

from tests.availability.asking import LONG_BEFORE, consultant_with, on
from tests.factories import ConnectionFactory

pytestmark = pytest.mark.django_db

FILL = """
INSERT INTO synced_events (connection_id, provider_event_id, start_time, end_time)
SELECT calendar, 'event ' || number, start, start + interval '20 minutes'
FROM unnest(%(calendars)s::uuid[]) AS calendar, generate_series(1, 5000) AS number,
  LATERAL (SELECT %(around)s + (number - 2500) * interval '25 minutes') AS at (start)
"""
PREPARE = """
PREPARE busy (calsync.effective_rules, timestamptz, timestamptz, timestamptz) AS
SELECT ends_before, starts_after FROM calsync.busy_periods($1, $2, $3, NULL, $4)
"""
EXPLAIN = """
EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE busy (
  calsync.effective_rules(%(consultant)s, NULL, NULL, NULL, %(asked_at)s), %(first)s, %(last)s,
  %(asked_at)s)
"""


def scans(plan: dict) -> list[tuple]:
    """Each scan of the events: the index it uses, and how many rows it hands on or drops."""
    found = [scan for child in plan.get("Plans", []) for scan in scans(child)]
    if plan.get("Index Name", "").startswith("idx_synced_events"):
        rows = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
        found.append((plan.get("Index Name"), rows * plan["Actual Loops"]))
    return found


def test_a_day_among_100_000_events_is_read_by_two_indexes():
    consultant = consultant_with()
    ours = ConnectionFactory(user=consultant)
    others = ConnectionFactory.create_batch(19)
    calendars = [calendar.pk for calendar in (ours, *others)]
    day = {"first": on("00:00"), "last": on("00:00") + timedelta(days=1)}
    question = {"consultant": consultant.pk, "asked_at": LONG_BEFORE}
    with connection.cursor() as cursor:
        cursor.execute(FILL, {"calendars": calendars, "around": on("00:00")})
        cursor.execute("ANALYZE synced_events")
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")  # as the functions have it
        cursor.execute(PREPARE)
        cursor.execute(EXPLAIN, question | day)
        [(plan,)] = cursor.fetchone()
    assert sorted(scans(plan["Plan"])) == [
        ("idx_synced_events_busy", 58),  # 24 hours of them
        ("idx_synced_events_long", 0),
    ]
