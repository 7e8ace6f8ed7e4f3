"""What takes slots away: one test, or a few, for each sentence of the contract."""

from datetime import timedelta
from uuid import uuid4

import pytest

from bookings.states import BookingStatus
from connections.models import Consultant
from tests.availability.asking import (
    LONG_BEFORE,
    MONDAY,
    book,
    busy,
    consultant_with,
    every,
    offered,
    on,
)
from tests.factories import (
    BlockedDateFactory,
    BookingFactory,
    ConnectionFactory,
    ConsultantFactory,
    MeetingTypeFactory,
)

pytestmark = pytest.mark.django_db

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


# --- 4. busy --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"status": "confirmed"}, []),
        ({"status": "tentative"}, []),
        ({"status": "cancelled"}, ["09:00"]),
        ({"transparency": "transparent"}, ["09:00"]),
    ],
)
def test_events_block_unless_they_are_cancelled_or_transparent(event, expected):
    consultant = consultant_with(("09:00", "10:00"))
    busy(consultant, "09:15", "09:30", **event)
    assert offered(consultant) == expected


def test_tentative_events_do_not_block_where_the_connection_says_so():
    consultant = consultant_with(("09:00", "11:00"))
    lenient = ConnectionFactory(user=consultant, tentative_blocks=False)
    busy(consultant, "09:00", "10:00", connection=lenient, status="tentative")
    busy(consultant, "10:00", "11:00", connection=lenient, status="confirmed")
    assert offered(consultant) == ["09:00"]


@pytest.mark.parametrize("switch", [{"is_active": False}, {"blocks_time": False}])
def test_only_events_of_active_connections_that_block_count(switch):
    consultant = consultant_with(("09:00", "10:00"))
    busy(consultant, "09:00", "10:00", connection=ConnectionFactory(user=consultant, **switch))
    assert offered(consultant) == ["09:00"]


def test_events_of_other_consultants_do_not_block():
    consultant = consultant_with(("09:00", "10:00"))
    busy(ConsultantFactory(), "09:00", "10:00")
    assert offered(consultant) == ["09:00"]


def test_an_event_of_no_length_never_blocks():
    consultant = consultant_with(("09:00", "10:00"), buffer_before=15, buffer_after=15)
    busy(consultant, "09:30", "09:30")
    assert offered(consultant) == ["09:00"]


@pytest.mark.parametrize(("ends_at", "expected"), [("09:00", ["09:00"]), ("09:01", ["10:00"])])
def test_an_event_that_began_days_ago_blocks_until_its_end(ends_at, expected):
    consultant = consultant_with(("09:00", "11:00"))
    busy(consultant, "00:00", ends_at, start_time=on("00:00") - 300 * DAY)
    assert offered(consultant)[:1] == expected


def test_pending_and_confirmed_bookings_block_and_cancelled_ones_do_not():
    consultant = consultant_with(("09:00", "12:00"))
    book(consultant, "09:00", "10:00", status=BookingStatus.PENDING)
    book(consultant, "10:00", "11:00", status=BookingStatus.CONFIRMED)
    book(consultant, "11:00", "12:00", status=BookingStatus.CANCELLED)
    assert offered(consultant) == ["11:00"]


@pytest.mark.parametrize(
    ("expires_at", "expected"),
    [(LONG_BEFORE, ["09:00"]), (LONG_BEFORE + MINUTE, []), (None, [])],
)
def test_a_hold_blocks_until_it_expires(expires_at, expected):
    consultant = consultant_with(("09:00", "10:00"))
    book(consultant, "09:00", "10:00", status=BookingStatus.PENDING, hold_expires_at=expires_at)
    assert offered(consultant) == expected


def test_blocked_time_blocks():
    consultant = consultant_with(("09:00", "12:00"))
    BlockedDateFactory(user=consultant, start_time=on("10:30"), end_time=on("10:31"))
    assert offered(consultant) == ["09:00", "11:00"]


def test_blocked_days_are_whole_days_of_the_consultants_zone():
    consultant = consultant_with(("00:00", "00:00"), zone="Pacific/Auckland", duration=720)
    BlockedDateFactory(user=consultant, start_date=MONDAY - 3 * DAY, end_date=MONDAY - DAY)
    assert offered(consultant) == ["00:00", "12:00"]
    BlockedDateFactory(user=consultant, start_date=MONDAY, end_date=MONDAY)
    assert offered(consultant) == []


def test_our_own_event_of_a_cancelled_booking_no_longer_counts():
    consultant = consultant_with(("09:00", "10:00"))
    cancelled = book(consultant, "09:00", "10:00", status=BookingStatus.CANCELLED)
    busy(consultant, "09:00", "10:00", booking_id=cancelled.pk)
    assert offered(consultant) == ["09:00"]


def test_our_own_event_counts_where_the_calendar_has_it():
    consultant = consultant_with(("09:00", "12:00"))
    booking = book(consultant, "09:00", "10:00")
    busy(consultant, "11:00", "12:00", booking_id=booking.pk)  # moved in the calendar
    assert offered(consultant) == ["10:00"]


def test_an_event_that_names_no_booking_of_this_consultant_counts():
    consultant = consultant_with(("09:00", "11:00"))
    foreign = BookingFactory(status=BookingStatus.CANCELLED)
    busy(consultant, "09:00", "10:00", booking_id=foreign.pk)
    busy(consultant, "10:00", "11:00", booking_id=uuid4())
    assert offered(consultant) == []


# --- 5. buffers -----------------------------------------------------------------------------------


def test_a_slot_needs_its_buffers_free_before_and_after():
    consultant = consultant_with(("09:00", "13:00"), buffer_before=30, buffer_after=15)
    busy(consultant, "10:45", "11:00")
    assert offered(consultant, duration=30) == every(30, "09:00", "10:00") + every(
        30, "11:30", "12:30"
    )


def test_next_to_a_booking_the_gap_is_the_larger_of_its_after_and_the_slots_before():
    consultant = consultant_with(
        ("09:00", "12:00"), duration=30, slot_interval=15, buffer_before=15
    )
    booking = book(consultant, "09:00", "09:30", buffer_after=45)
    assert offered(consultant)[0] == "10:15"
    booking.buffer_after = 0
    booking.save()
    assert offered(consultant)[0] == "09:45"


def test_next_to_a_booking_the_gap_is_the_larger_of_the_slots_after_and_its_before():
    consultant = consultant_with(("09:00", "12:00"), duration=30, slot_interval=15, buffer_after=15)
    booking = book(consultant, "11:00", "12:00", buffer_before=45)
    assert offered(consultant)[-1] == "09:45"
    booking.buffer_before = 0
    booking.save()
    assert offered(consultant)[-1] == "10:15"


def test_the_longest_booking_with_the_longest_buffer_reaches_two_days_ahead():
    consultant = consultant_with(("00:00", "03:00"))
    saturday, sunday = on("01:30") - 2 * DAY, on("01:00") - DAY
    BookingFactory(user=consultant, start_time=saturday, end_time=sunday, buffer_after=1440)
    assert offered(consultant) == ["01:00", "02:00"]


def test_the_longest_buffer_reaches_a_day_back():
    consultant = consultant_with(("21:00", "00:00"))
    tuesday = on("22:30") + DAY
    BookingFactory(user=consultant, start_time=tuesday, end_time=tuesday + HOUR, buffer_before=1440)
    assert offered(consultant) == ["21:00"]


def test_an_asked_buffer_sets_both():
    consultant = consultant_with(("09:00", "13:00"), buffer_before=60, buffer_after=0)
    busy(consultant, "11:00", "11:30")
    assert offered(consultant, duration=30) == [*every(30, "09:00", "10:30"), "12:30"]
    assert offered(consultant, duration=30, buffer=30) == every(30, "09:00", "10:00") + every(
        30, "12:00", "12:30"
    )


def test_buffers_do_not_shorten_working_hours():
    consultant = consultant_with(("09:00", "10:00"), buffer_before=120, buffer_after=120)
    assert offered(consultant) == ["09:00"]


# --- 6. notice, window, limits --------------------------------------------------------------------


def test_the_minimum_notice_is_inclusive():
    consultant = consultant_with(("09:00", "12:00"), minimum_notice=60)
    assert offered(consultant, asked_at=on("09:00")) == ["10:00", "11:00"]
    assert offered(consultant, asked_at=on("09:00") + timedelta(microseconds=1)) == ["11:00"]


def test_a_slot_that_has_begun_is_over():
    consultant = consultant_with(("09:00", "12:00"))
    assert offered(consultant, asked_at=on("10:00:01")) == ["11:00"]


def test_the_window_ends_with_a_date_of_the_consultants_zone():
    consultant = consultant_with(("00:00", "00:00"), zone="Asia/Tokyo", booking_window=3)
    friday, thursday = (on("23:59", "Asia/Tokyo", MONDAY - days * DAY) for days in (3, 4))
    assert len(offered(consultant, asked_at=friday)) == 24
    assert offered(consultant, asked_at=thursday) == []


def test_a_window_of_0_is_today_only():
    consultant = consultant_with(("09:00", "11:00"), booking_window=0)
    assert offered(consultant, days=8, asked_at=on("00:00")) == ["09:00", "10:00"]


def test_a_daily_limit_counts_pending_and_confirmed_bookings_of_the_date():
    consultant = consultant_with(("09:00", "12:00"), daily_limit=2)
    book(consultant, "06:00", "07:00", status=BookingStatus.CANCELLED)
    book(consultant, "07:00", "08:00", status=BookingStatus.PENDING)
    assert offered(consultant) == ["09:00", "10:00", "11:00"]
    book(consultant, "22:00", "23:00")
    assert offered(consultant) == []
    assert offered(consultant, MONDAY + 7 * DAY) == ["09:00", "10:00", "11:00"]


def test_a_weekly_limit_counts_from_monday_to_sunday():
    consultant = consultant_with(("09:00", "10:00"), weekly_limit=1)
    sunday_before = book(consultant, "23:00", "23:30", start_time=on("23:00") - DAY,
                         end_time=on("23:30") - DAY)  # fmt: skip
    assert offered(consultant) == ["09:00"]
    sunday_before.start_time, sunday_before.end_time = on("23:00") + 6 * DAY, on("23:30") + 6 * DAY
    sunday_before.save()
    assert offered(consultant, days=8) == ["09:00"]
    assert offered(consultant) == []


def test_an_expired_hold_does_not_count_towards_a_limit():
    consultant = consultant_with(("09:00", "10:00"), daily_limit=1)
    book(consultant, "20:00", "21:00", status=BookingStatus.PENDING, hold_expires_at=LONG_BEFORE)
    assert offered(consultant) == ["09:00"]


# --- meeting types, and bookings that do not stand in their own way -------------------------------


def test_a_meeting_types_values_come_before_the_consultants():
    consultant = consultant_with(("09:00", "12:00"), buffer_after=60, minimum_notice=5000)
    talk = MeetingTypeFactory(user=consultant, duration=90, buffer_after=0, minimum_notice=0)
    busy(consultant, "10:30", "11:00")
    assert offered(consultant, meeting_type=talk, asked_at=on("00:00")) == ["09:00"]
    assert offered(consultant, meeting_type=talk, duration=30) == [
        "09:00", "09:30", "10:00", "11:00", "11:30",
    ]  # fmt: skip


def test_a_reschedule_ignores_its_own_time_event_and_place_in_the_limit():
    consultant = consultant_with(("09:00", "11:00"), daily_limit=1, buffer_before=30)
    booking = book(consultant, "09:00", "10:00")
    busy(consultant, "09:00", "10:00", booking_id=booking.pk)
    assert offered(consultant) == []
    assert offered(consultant, ignored=booking) == ["09:00", "10:00"]


# --- 8. coverage and age --------------------------------------------------------------------------


def test_without_a_calendar_that_blocks_time_everything_is_covered():
    consultant = consultant_with(("09:00", "10:00"))
    ConnectionFactory(user=consultant, blocks_time=False, synced_until=None, last_synced_at=None)
    assert offered(consultant) == ["09:00"]


def test_nothing_is_offered_beyond_what_every_blocking_calendar_was_read_for():
    consultant = consultant_with(("09:00", "12:00"), buffer_after=30)
    ConnectionFactory(user=consultant)
    nearer = ConnectionFactory(user=consultant, synced_until=on("11:30"))
    assert offered(consultant) == ["09:00", "10:00"]
    nearer.synced_until = on("11:29")
    nearer.save()
    assert offered(consultant) == ["09:00"]


def test_nothing_is_offered_before_what_a_calendar_was_read_for():
    consultant = consultant_with(("09:00", "12:00"), buffer_before=30)
    ConnectionFactory(user=consultant, synced_from=on("09:30"))
    assert offered(consultant) == ["10:00", "11:00"]
    ConnectionFactory(user=consultant, synced_from=on("09:31"))
    assert offered(consultant) == ["11:00"]


@pytest.mark.parametrize("never", [{"synced_until": None}, {"synced_from": None}])
def test_a_calendar_that_was_never_read_covers_nothing(never):
    consultant = consultant_with(("09:00", "12:00"))
    ConnectionFactory(user=consultant, **never)
    assert offered(consultant) == []


def read_minutes_ago(consultant: Consultant, minutes: int) -> None:
    ConnectionFactory(user=consultant, last_synced_at=LONG_BEFORE - minutes * MINUTE)


@pytest.mark.parametrize(
    ("policy", "age", "expected"),
    [("keep", 61, ["09:00"]), ("close", 60, ["09:00"]), ("close", 61, [])],
)
def test_old_data_stay_the_last_known_good_unless_the_policy_is_to_close(policy, age, expected):
    consultant = consultant_with(("09:00", "10:00"), stale_policy=policy)
    read_minutes_ago(consultant, 0)
    read_minutes_ago(consultant, age)
    assert offered(consultant) == expected


def test_a_consultant_may_set_another_age():
    consultant = consultant_with(("09:00", "10:00"), stale_policy="close", max_data_age=10)
    read_minutes_ago(consultant, 11)
    assert offered(consultant) == []
