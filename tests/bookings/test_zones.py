"""Time zones as invitees read and choose them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bookings.zones import clock_times, label_of, offset_of, zone_choices, zone_named

BERLIN = ZoneInfo("Europe/Berlin")
WINTER = datetime(2027, 1, 15, 12, tzinfo=UTC)
SUMMER = datetime(2027, 7, 15, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "at", "label"),
    [
        ("Europe/Berlin", WINTER, "Europe/Berlin (UTC+01:00)"),
        ("Europe/Berlin", SUMMER, "Europe/Berlin (UTC+02:00)"),
        ("America/New_York", WINTER, "America/New York (UTC−05:00)"),
        ("Asia/Kathmandu", WINTER, "Asia/Kathmandu (UTC+05:45)"),
        ("Australia/Lord_Howe", WINTER, "Australia/Lord Howe (UTC+11:00)"),
        ("UTC", WINTER, "UTC"),
    ],
)
def test_a_zone_is_labelled_with_its_offset_at_that_instant(zone, at, label):
    assert label_of(ZoneInfo(zone), at) == label


def test_an_hour_that_happens_twice_is_told_apart_by_its_offset():
    midnight = datetime(2027, 10, 31, 0, tzinfo=UTC)  # Berlin leaves summer time at 01:00 UTC
    hours = [midnight + timedelta(hours=n) for n in (-1, 0, 1, 2)]
    assert clock_times(hours, BERLIN) == [
        "01:00",
        "02:00 (UTC+02:00)",
        "02:00 (UTC+01:00)",
        "03:00",
    ]


def test_one_of_the_two_hours_alone_still_reads_as_a_plain_time():
    assert clock_times([datetime(2027, 10, 31, 1, tzinfo=UTC)], BERLIN) == ["02:00"]


def test_places_are_offered_and_bare_offsets_are_not():
    names = [name for name, _ in zone_choices(BERLIN, WINTER)]
    assert names == sorted(names)
    assert {"Europe/Berlin", "America/Argentina/Ushuaia", "UTC"} <= set(names)
    assert {"EST", "Etc/GMT+5", "US/Pacific", "localtime"} & set(names) == set()


def test_a_zone_that_is_no_place_is_offered_to_whom_it_belongs():
    assert ("Etc/GMT+5", "Etc/GMT+5 (UTC−05:00)") in zone_choices(ZoneInfo("Etc/GMT+5"), WINTER)


@pytest.mark.parametrize("name", ["", "Europe/Atlantis", "../../etc/passwd", "\0", "/UTC"])
def test_what_names_no_zone_gives_none(name):
    assert zone_named(name) is None


def test_offsets_are_written_out():
    assert offset_of(WINTER.astimezone(ZoneInfo("Pacific/Marquesas"))) == "UTC−09:30"
