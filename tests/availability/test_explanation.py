"""Why a slot is not offered."""

from datetime import time, timedelta

import pytest
from django.db import DatabaseError

from availability.slots import Reason, explain
from bookings.states import BookingStatus
from tests.api_roles import read_only_request
from tests.availability.asking import (
    LONG_BEFORE,
    MONDAY,
    book,
    busy,
    consultant_with,
    on,
    refusals,
)
from tests.factories import (
    AvailabilityExceptionFactory,
    AvailabilityRuleFactory,
    BlockedDateFactory,
    BookingFactory,
    ConnectionFactory,
)

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def test_an_offered_slot_has_no_reason():
    assert refusals(consultant_with(("09:00", "10:00")), on("09:00")) == []


def test_what_stands_in_the_way_is_named():
    consultant = consultant_with(("09:00", "10:00"))
    busy(consultant, "08:00", "09:10", title="Dentist")
    book(consultant, "09:20", "09:30", title="Talk with Ivy")
    BlockedDateFactory(
        user=consultant, start_time=on("09:45"), end_time=on("10:45"), reason="Plumber"
    )
    assert refusals(consultant, on("09:00")) == [
        ("event", "Dentist"),
        ("booking", "Talk with Ivy"),
        ("blocked", "Plumber"),
    ]


def test_an_event_whose_title_is_not_stored_is_named_without_it():
    consultant = consultant_with(("09:00", "10:00"))
    busy(consultant, "09:00", "10:00", title=None)
    assert refusals(consultant, on("09:00")) == [("event", "")]


def test_what_comes_too_near_is_told_from_what_overlaps():
    consultant = consultant_with(("09:00", "10:00"), buffer_before=15, buffer_after=15)
    busy(consultant, "08:00", "08:46", title="Too near before")
    busy(consultant, "10:14", "11:00", title="Too near after")
    busy(consultant, "08:00", "08:45", title="Far enough before")
    busy(consultant, "10:15", "11:00", title="Far enough after")
    book(consultant, "08:00", "08:30", buffer_after=30)
    assert refusals(consultant, on("09:00")) == [
        ("buffer", "Too near before"),
        ("buffer", "Too near after"),
    ]


def test_the_hours_of_the_date_are_told():
    consultant = consultant_with(("09:00", "12:30"), ("13:30", "17:00"), zone="Asia/Kathmandu")
    hours = "Working hours on 2027-03-01: 09:00–12:30, 13:30–17:00."
    assert refusals(consultant, on("12:00", "Asia/Kathmandu")) == [("outside_hours", hours)]


def test_a_closed_date_is_told_with_its_reason():
    consultant = consultant_with(("09:00", "10:00"))
    AvailabilityExceptionFactory(user=consultant, start_date=MONDAY, reason="Easter")
    hours = "Working hours on 2027-03-01: none. Exception: Easter."
    assert refusals(consultant, on("09:00")) == [("outside_hours", hours)]


def test_a_start_beside_the_grid_is_told_the_grid():
    consultant = consultant_with(("09:10", "12:00"), slot_interval=45)
    grid = "Slots start every 45 minutes from 09:10."
    assert refusals(consultant, on("09:30")) == [("off_grid", grid)]


@pytest.mark.parametrize(
    ("asked_at", "expected"),
    [
        (on("08:00"), []),
        (on("08:01"), ["too_soon"]),
        (on("00:00") - 2 * DAY, []),
        (on("23:59") - 3 * DAY, ["too_far_ahead"]),
    ],
)
def test_notice_and_window_are_told(asked_at, expected):
    consultant = consultant_with(("09:00", "10:00"), minimum_notice=60, booking_window=2)
    reasons = refusals(consultant, on("09:00"), asked_at=asked_at)
    assert [reason for reason, _ in reasons] == expected


def test_the_end_of_the_window_is_beyond_it():
    consultant = consultant_with(("00:00", "01:00"), booking_window=2)
    [(reason, _)] = refusals(consultant, on("00:00"), asked_at=on("12:00") - 3 * DAY)
    assert reason == "too_far_ahead"


def test_full_days_and_weeks_are_told():
    consultant = consultant_with(("09:00", "10:00"), daily_limit=1, weekly_limit=1)
    book(consultant, "20:00", "21:00")
    assert refusals(consultant, on("09:00")) == [
        ("daily_limit", "1 of 1 bookings."),
        ("weekly_limit", "1 of 1 bookings."),
    ]


def test_full_days_of_the_week_are_no_reason_on_the_others():
    consultant = consultant_with(("09:00", "10:00"), daily_limit=1)
    tomorrow = on("20:00") + DAY
    BookingFactory(user=consultant, start_time=tomorrow)
    assert refusals(consultant, on("09:00")) == []


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("08:55", "10:05", []),
        ("08:56", "10:05", ["not_synced"]),
        ("08:55", "10:04", ["not_synced"]),
        ("08:56", "10:04", ["not_synced", "not_synced"]),
    ],
)
def test_time_that_a_calendar_was_not_read_for_is_told(first, last, expected):
    consultant = consultant_with(("09:00", "10:00"), buffer_before=5, buffer_after=5)
    ConnectionFactory(user=consultant, synced_from=on(first), synced_until=on(last))
    assert [reason for reason, _ in refusals(consultant, on("09:00"))] == expected


def test_a_calendar_that_was_never_read_is_told_without_end():
    consultant = consultant_with(("09:00", "10:00"))
    ConnectionFactory(user=consultant, last_synced_at=None, synced_from=None, synced_until=None)
    reasons = explain(consultant_id=consultant.pk, starts_at=on("09:00"))
    assert Reason("not_synced", "A calendar has not been read yet.", None, None) in reasons


def test_a_calendar_whose_coverage_has_run_out_is_not_called_stale():
    consultant = consultant_with(("09:00", "10:00"))
    ConnectionFactory(user=consultant, synced_until=LONG_BEFORE)
    assert [reason for reason, _ in refusals(consultant, on("09:00"))] == ["not_synced"]


def test_data_that_are_too_old_are_told_where_the_policy_is_to_close():
    consultant = consultant_with(("09:00", "10:00"), stale_policy="close")
    ConnectionFactory(user=consultant, last_synced_at=LONG_BEFORE - DAY)
    assert [reason for reason, _ in refusals(consultant, on("09:00"))] == ["calendar_stale"]


def test_every_reason_is_told_at_once():
    consultant = consultant_with(minimum_notice=60)
    AvailabilityRuleFactory(user=consultant, day_of_week=1, end_time=time(10))
    busy(consultant, "09:00", "10:00")
    book(consultant, "09:00", "10:00", status=BookingStatus.PENDING)
    reasons = [reason for reason, _ in refusals(consultant, on("09:30"), asked_at=on("09:00"))]
    assert reasons == ["too_soon", "outside_hours", "event", "booking"]


@pytest.mark.parametrize("starts_at", [None, "infinity"])
def test_a_question_without_a_time_is_refused(starts_at):
    consultant = consultant_with()
    with (
        pytest.raises(DatabaseError, match="starts_at must be a time"),
        read_only_request("authenticated", consultant.pk) as cursor,
    ):
        cursor.execute("SELECT * FROM explain_slot(%s::timestamptz)", [starts_at])


def test_someone_without_a_name_is_told_nothing():
    consultant_with()
    with (
        pytest.raises(DatabaseError, match="only the consultant may ask why"),
        read_only_request("authenticated") as cursor,
    ):
        cursor.execute("SELECT * FROM explain_slot(now())")
