"""What the provider calls busy, and what we do."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from connections.providers.base import Window
from syncing.drift import Busy, compare, without

MIDNIGHT = datetime(2027, 1, 10, tzinfo=UTC)
DAY = Window(MIDNIGHT, MIDNIGHT + timedelta(days=1))


def at(start: float, end: float) -> Window:
    """From one hour of the day to another."""
    return Window(MIDNIGHT + timedelta(hours=start), MIDNIGHT + timedelta(hours=end))


@pytest.mark.parametrize(
    ("ours", "theirs", "missing", "surplus"),
    [
        ([], [], 0, 0),
        ([at(9, 10)], [at(9, 10)], 0, 0),
        ([at(9, 10), at(10, 11)], [at(9, 11)], 0, 0),
        ([at(9, 11), at(10, 12), at(9, 10)], [at(9, 12)], 0, 0),
        ([], [at(9, 10)], 60, 0),
        ([at(9, 10)], [], 0, 60),
        ([at(9, 11)], [at(10, 12)], 60, 60),
        ([at(9, 12)], [at(9, 10), at(11, 12)], 0, 60),
        ([at(9, 9), at(10, 9)], [], 0, 0),
        ([at(-5, 1)], [], 0, 60),
        ([], [at(23, 30)], 60, 0),
        ([at(9, 10)], [at(9, 10 + 1 / 3600)], 1, 0),
    ],
    ids=[
        "nothing at all",
        "the same",
        "touching events are one period",
        "overlapping events are one period",
        "missing",
        "surplus",
        "moved",
        "a hole",
        "events without length",
        "before the window",
        "after the window",
        "a second",
    ],
)
def test_minutes_are_counted_in_each_direction(ours, theirs, missing, surplus):
    drift = compare(Busy(ours), theirs, window=DAY)
    assert (drift.missing_minutes, drift.surplus_minutes) == (missing, surplus)
    assert bool(drift) == bool(missing or surplus)


def test_time_that_may_be_busy_is_neither_missing_nor_surplus():
    ours = Busy(certain=[at(9, 10)], possible=[at(8, 11)])
    for theirs in ([at(9, 10)], [at(8, 11)], [at(8.5, 10.5)]):
        assert not compare(ours, theirs, window=DAY)
    assert compare(ours, [at(7, 12)], window=DAY).missing == [at(7, 8), at(11, 12)]
    assert compare(ours, [at(8, 9)], window=DAY).surplus == [at(9, 10)]


def test_periods_are_named_in_order_and_joined():
    assert without([at(12, 13), at(9, 10), at(10, 11)], [at(12.5, 12.75)]) == [
        at(9, 11),
        at(12, 12.5),
        at(12.75, 13),
    ]


def test_random_spans_agree_with_counting_hour_by_hour():
    random = Random(7)
    for _ in range(300):
        spans, holes = (
            [at(hour := random.randrange(24), hour + random.randrange(5)) for _ in range(size)]
            for size in (random.randrange(8), random.randrange(8))
        )
        expected = _hours(spans) - _hours(holes)
        assert _hours(without(spans, holes)) == expected


def _hours(spans: list[Window]) -> set[int]:
    return {
        hour
        for span in spans
        for hour in range(30)
        if span.start <= MIDNIGHT + timedelta(hours=hour) < span.end
    }
