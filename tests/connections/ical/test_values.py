"""Dates, times, durations and offsets as text."""

import pytest

from connections.providers.ical.values import (
    DAY,
    HOUR,
    Length,
    Unreadable,
    Written,
    read_duration,
    read_offset,
    read_time,
    shown,
)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("19700101", Written(0, is_date=True, is_utc=False)),
        ("19700102T010000", Written(DAY + HOUR, is_date=False, is_utc=False)),
        ("19700102T010000Z", Written(DAY + HOUR, is_date=False, is_utc=True)),
        ("19700102t0100z", Written(DAY + HOUR, is_date=False, is_utc=True)),
        ("19700101T230000", Written(23 * HOUR, is_date=False, is_utc=False)),
        (" 19700101T235960 ", Written(DAY - 1, is_date=False, is_utc=False)),
        ("19691231", Written(-DAY, is_date=True, is_utc=False)),
        ("00010101", Written(-719162 * DAY, is_date=True, is_utc=False)),
        ("99991231", Written(2932896 * DAY, is_date=True, is_utc=False)),
    ],
)
def test_times_are_seconds_on_a_wall_clock(text: str, written: Written):
    assert read_time(text) == written


@pytest.mark.parametrize(
    "text",
    [
        "",
        " x",
        "20260230",
        "20261301",
        "00000101",
        "20260605T",
        "20260605T240000",
        "20260605T096000",
        "20260605T090061",
        "2026-06-05",
        "20260605T090000+01",
        "٢٠٢٦٠٦٠٥",
        "20260605T090000ZZ",
    ],
)
def test_what_is_no_time_is_refused_by_name(text: str):
    with pytest.raises(Unreadable, match="is not a date or time"):
        read_time(text)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("PT1H30M", Length(0, 5_400)),
        ("P1DT12H", Length(1, 43_200)),
        ("P2W", Length(14, 0)),
        ("-PT15M", Length(0, -900)),
        ("+P1D", Length(1, 0)),
        ("pt5s", Length(0, 5)),
        ("P999999999W", Length(6_999_999_993, 0)),
    ],
)
def test_durations_keep_days_and_seconds_apart(text: str, length: Length):
    assert read_duration(text) == length


@pytest.mark.parametrize("text", ["", "P", "PT", "P1DT", "1H", "PT1.5H", "P1M", "PT٣H"])
def test_what_is_no_duration_is_refused_by_name(text: str):
    with pytest.raises(Unreadable, match="is not a duration"):
        read_duration(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("+0100", 3_600),
        ("-0330", -12_600),
        ("+2300", 82_800),
        ("+05:45", 20_700),
        ("-023015", -9_015),
    ],
)
def test_offsets_are_seconds_east_of_utc(text: str, seconds: int):
    assert read_offset(text) == seconds


@pytest.mark.parametrize("text", ["", "0100", "+1", "+2400", "+01000"])
def test_what_is_no_offset_is_refused_by_name(text: str):
    with pytest.raises(Unreadable, match="is not a UTC offset"):
        read_offset(text)


def test_foreign_text_is_shown_short_and_printable():
    assert shown("a\x00b\ud800" + "c" * 100) == "“ab" + "c" * 56 + "…”"
