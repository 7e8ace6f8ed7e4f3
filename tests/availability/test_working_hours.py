"""When slots can start: working hours, the clocks, the grid. A test for each sentence."""

from datetime import date, datetime, time, timedelta

import pytest

from connections.models import Consultant
from tests.availability.asking import (
    MONDAY,
    busy,
    consultant_with,
    every,
    offered,
)
from tests.factories import (
    AvailabilityExceptionFactory,
    AvailabilityRuleFactory,
)

pytestmark = pytest.mark.django_db

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


# --- 1. working intervals -------------------------------------------------------------------------


def test_without_hours_nothing_is_offered():
    assert offered(consultant_with()) == []


def test_weekly_hours_are_of_their_weekday_in_the_consultants_zone():
    consultant = consultant_with(("09:00", "12:00"), zone="Asia/Kathmandu")
    assert offered(consultant) == ["09:00", "10:00", "11:00"]
    assert offered(consultant, MONDAY + DAY) == []


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [(MONDAY, MONDAY, ["09:00"]), (MONDAY + DAY, None, []), (None, MONDAY - DAY, [])],
)
def test_weekly_hours_are_valid_from_and_until_inclusive(first, last, expected):
    consultant = consultant_with()
    AvailabilityRuleFactory(user=consultant, end_time=time(10), valid_from=first, valid_until=last)
    assert offered(consultant) == expected


def test_an_end_at_00_00_is_midnight_at_the_days_end():
    assert offered(consultant_with(("22:00", "00:00"))) == ["22:00", "23:00"]
    assert offered(consultant_with(("00:00", "00:00"))) == every(60, "00:00", "23:00")


@pytest.mark.parametrize("second", [("11:00", "14:00"), ("12:00", "14:00"), ("10:00", "11:30")])
def test_overlapping_and_touching_intervals_are_joined(second):
    joined = offered(consultant_with(("09:00", "12:00"), second, duration=90, slot_interval=90))
    assert joined == (["09:00", "10:30", "12:00"] if second[1] == "14:00" else ["09:00", "10:30"])


def test_nothing_is_joined_across_midnight():
    consultant = consultant_with(("23:00", "00:00"), duration=40)
    AvailabilityRuleFactory(user=consultant, day_of_week=1, start_time=time(0), end_time=time(1))
    assert offered(consultant, days=2) == ["23:00", "00:00"]


def test_an_exception_takes_the_place_of_the_weekly_hours():
    consultant = consultant_with(("09:00", "17:00"))
    AvailabilityExceptionFactory(
        user=consultant,
        start_date=MONDAY,
        is_closed=False,
        start_time=time(7),
        end_time=time(8),
    )
    assert offered(consultant) == ["07:00"]
    assert offered(consultant, MONDAY + 7 * DAY) == every(60, "09:00", "16:00")


def test_an_exception_opens_a_day_without_weekly_hours():
    consultant = consultant_with()
    AvailabilityExceptionFactory(
        user=consultant,
        start_date=MONDAY,
        end_date=MONDAY + 2 * DAY,
        is_closed=False,
        start_time=time(7),
        end_time=time(8),
    )
    assert offered(consultant, MONDAY - DAY, days=5) == ["07:00"] * 3


def test_a_closed_date_has_no_intervals():
    consultant = consultant_with(("09:00", "17:00"))
    AvailabilityExceptionFactory(user=consultant, start_date=MONDAY - DAY, end_date=MONDAY)
    assert offered(consultant) == []


def test_a_closed_exception_outdoes_open_ones_of_the_same_date():
    consultant = consultant_with(("09:00", "17:00"))
    AvailabilityExceptionFactory(
        user=consultant,
        start_date=MONDAY,
        is_closed=False,
        start_time=time(7),
        end_time=time(8),
    )
    AvailabilityExceptionFactory(user=consultant, start_date=MONDAY)
    assert offered(consultant) == []


def test_a_recurring_exception_is_followed():
    consultant = consultant_with(("09:00", "10:00"))
    AvailabilityExceptionFactory(
        user=consultant, start_date=date(2027, 2, 1), rrule="FREQ=MONTHLY;BYDAY=1MO"
    )
    assert offered(consultant, days=14) == ["09:00"]
    assert offered(consultant) == []


# --- 2. wall clock to instant ---------------------------------------------------------------------


def works_on_sunday(zone: str, opens: str, closes: str, **settings) -> Consultant:
    consultant = consultant_with(zone=zone, slot_interval=30, duration=30, **settings)
    AvailabilityRuleFactory(
        user=consultant,
        day_of_week=6,
        start_time=time.fromisoformat(opens),
        end_time=time.fromisoformat(closes),
    )
    return consultant


SPRING, AUTUMN = date(2027, 3, 28), date(2027, 10, 31)  # in Europe: 02:00 → 03:00, 03:00 → 02:00


def test_a_time_in_a_gap_is_read_with_the_offset_before_it():
    consultant = works_on_sunday("Europe/Berlin", "02:30", "05:00")
    assert offered(consultant, SPRING) == every(30, "03:30", "04:30")
    consultant = works_on_sunday("Europe/Berlin", "01:00", "02:30")
    assert offered(consultant, SPRING) == ["01:00", "01:30", "03:00"]


def test_a_time_that_happens_twice_is_the_first():
    consultant = works_on_sunday("Europe/Berlin", "02:30", "04:00")
    assert offered(consultant, AUTUMN) == ["02:30", "02:00", "02:30", "03:00", "03:30"]
    consultant = works_on_sunday("Europe/Berlin", "01:00", "02:30")
    assert offered(consultant, AUTUMN) == ["01:00", "01:30", "02:00"]


def test_half_an_hour_is_skipped_and_repeated_on_lord_howe_island():
    consultant = works_on_sunday("Australia/Lord_Howe", "01:00", "03:00")
    assert offered(consultant, date(2027, 10, 3)) == ["01:00", "01:30", "02:30"]
    assert offered(consultant, date(2027, 4, 4)) == ["01:00", "01:30", "01:30", "02:00", "02:30"]


def test_an_interval_is_cut_to_its_own_date():
    """In Nuuk the clocks skip from Saturday 23:00 to Sunday 00:00."""
    consultant = consultant_with(zone="America/Nuuk", duration=30)
    AvailabilityRuleFactory(
        user=consultant, day_of_week=5, start_time=time(22), end_time=time(23, 30)
    )
    assert offered(consultant, date(2027, 3, 27), days=2) == ["22:00", "22:30"]


def test_a_day_that_the_clocks_skip_has_no_slots():
    consultant = consultant_with(("09:00", "10:00"), zone="Pacific/Apia")
    for weekday in range(1, 7):
        AvailabilityRuleFactory(user=consultant, day_of_week=weekday, end_time=time(10))
    asked_at = datetime.fromisoformat("2011-12-28T00:00Z")
    found = {
        day: offered(consultant, date(2011, 12, day), asked_at=asked_at) for day in (29, 30, 31)
    }
    assert found == {29: ["09:00"], 30: [], 31: ["09:00"]}


# --- 3. the grid ----------------------------------------------------------------------------------


def test_slots_follow_each_other_by_the_duration_unless_an_interval_is_set():
    assert offered(consultant_with(("09:00", "10:30"), duration=30)) == every(30, "09:00", "10:00")
    quarters = consultant_with(("09:00", "10:30"), duration=30, slot_interval=15)
    assert offered(quarters) == every(15, "09:00", "10:00")


def test_the_grid_starts_at_the_intervals_start_and_is_never_rounded():
    assert offered(consultant_with(("09:07", "11:30"))) == ["09:07", "10:07"]


def test_the_grid_is_not_anchored_anew_after_busy_time():
    consultant = consultant_with(("09:00", "13:00"))
    busy(consultant, "09:30", "10:20")
    assert offered(consultant) == ["11:00", "12:00"]


def test_the_grid_counts_real_minutes_over_a_change_of_the_clocks():
    consultant = works_on_sunday("Europe/Berlin", "00:00", "05:00")
    consultant.booking_settings.slot_interval = 90
    consultant.booking_settings.save()
    assert offered(consultant, SPRING) == ["00:00", "01:30", "04:00"]


def test_a_slot_lies_wholly_inside_its_interval():
    assert offered(consultant_with(("09:00", "10:59"))) == ["09:00"]
    assert offered(consultant_with(("09:00", "09:59"))) == []


def test_a_slot_may_begin_when_an_event_ends_and_end_when_one_begins():
    consultant = consultant_with(("09:00", "12:00"))
    busy(consultant, "10:00", "11:00")
    assert offered(consultant) == ["09:00", "11:00"]
