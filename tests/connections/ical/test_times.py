"""Starts, ends and zones: what a wall time in an object means."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from connections.providers.base import Window
from tests.connections.ical.objects import by_start, details, read, read_file, spans, vcalendar

YEAR = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))


# --- zones -----------------------------------------------------------------------------------


def test_windows_zone_names_are_understood():
    """P16: Outlook and Exchange write names of their own."""
    reading = read_file("windows-zone-names")
    assert (spans(reading), details(reading)) == (["06-05 07:00/08:00", "06-06 13:00/14:00"], [])


def test_a_zone_defined_in_the_object_is_used():
    """P16: Half past four hours east of Greenwich in summer, half past three in winter."""
    reading = read_file("zone-of-its-own", window=YEAR)
    assert (spans(reading), details(reading)) == (
        [f"0{month}-05 04:30/05:30" for month in (6, 7, 8, 9)]
        + ["10-05 04:30/05:30", "11-05 05:30/06:30", "12-05 05:30/06:30"],
        [],
    )


def test_until_and_exdate_in_utc_are_understood_in_a_zone_of_the_objects_own():
    own = "BEGIN:VTIMEZONE\nTZID:Ours\nBEGIN:STANDARD\nDTSTART:20000101T000000\n"
    own += "TZOFFSETFROM:+0500\nTZOFFSETTO:+0500\nEND:STANDARD\nEND:VTIMEZONE\n"
    lines = "RRULE:FREQ=DAILY;UNTIL=20260604T040000Z\nEXDATE:20260602T040000Z"
    event = f"UID:1\nDTSTART;TZID=Ours:20260601T090000\nDURATION:PT1H\n{lines}"
    reading = read(vcalendar(event, before=own))
    assert spans(reading) == ["06-01 04:00/05:00", "06-03 04:00/05:00", "06-04 04:00/05:00"]


def test_a_zone_behind_a_vendors_prefix_is_understood():
    reading = read_file("zone-behind-a-prefix")
    assert (spans(reading), details(reading)) == (["06-05 07:00/08:00", "06-06 12:00/13:00"], [])


def test_an_unknown_zone_is_taken_for_the_consultants_and_reported():
    """C5: recurring-ical-events silently makes a floating time of it."""
    reading = read_file("zone-nobody-knows")
    assert (spans(reading), details(reading)) == (
        ["06-05 07:00/08:00", "06-06 07:00/08:00"],
        ["time zone “Foo/Bar” is unknown"],
    )
    assert [event.problem for event in reading.events] == ["time zone “Foo/Bar” is unknown"] * 2


@pytest.mark.parametrize("tzid", ["../../../etc/passwd", "/", "", "Europe", "a/" * 5_000, "\ud800"])
def test_a_hostile_zone_name_is_only_unknown(tzid: str):
    reading = read(vcalendar(f"UID:1\nDTSTART;TZID={tzid}:20260605T090000\nDURATION:PT1H"))
    assert (spans(reading), len(details(reading))) == (["06-05 07:00/08:00"], 1)


def test_a_zone_whose_rule_cannot_be_worked_out_is_reported():
    reading = read_file("zone-with-a-rule-for-every-second")
    assert spans(reading) == ["06-05 07:00/08:00"]
    assert details(reading) == [
        "time zone “Customized Time Zone” cannot be read: its rule “FREQ=SECONDLY”"
    ]


@pytest.mark.parametrize(
    ("observances", "detail"),
    [
        ("", "it has no observance"),
        ("BEGIN:STANDARD\nTZOFFSETTO:+0100\nEND:STANDARD\n", "STANDARD has no TZOFFSETFROM"),
        (
            "BEGIN:STANDARD\nTZOFFSETFROM:+0100\nTZOFFSETTO:one\nEND:STANDARD\n",
            "“one” is not a UTC offset",
        ),
    ],
)
def test_a_zone_definition_that_is_broken_is_reported(observances: str, detail: str):
    zone = f"BEGIN:VTIMEZONE\nTZID:Ours\n{observances}END:VTIMEZONE\n"
    event = "UID:1\nDTSTART;TZID=Ours:20260605T090000\nDURATION:PT1H"
    reading = read(vcalendar(event, before=zone))
    assert spans(reading) == ["06-05 07:00/08:00"]
    assert details(reading) == [f"time zone “Ours” cannot be read: {detail}"]


def test_a_zone_defined_by_dates_and_an_end_is_used():
    """From one offset to the other on a date, under a rule that ended in 2020 (UNTIL in UTC)."""
    zone = (
        "BEGIN:VTIMEZONE\nTZID:Ours\n"
        "BEGIN:DAYLIGHT\nDTSTART:20100401T000000\nTZOFFSETFROM:+0000\nTZOFFSETTO:+0500\n"
        "RRULE:FREQ=YEARLY;UNTIL=20200401T000000Z\nEND:DAYLIGHT\n"
        "BEGIN:STANDARD\nDTSTART:20100901T000000\nTZOFFSETFROM:+0500\nTZOFFSETTO:+0000\n"
        "RDATE:20200901T000000,20260615T000000\nEND:STANDARD\n"
        "BEGIN:DAYLIGHT\nDTSTART:20250901T000000\nTZOFFSETFROM:+0000\nTZOFFSETTO:+0300\n"
        "END:DAYLIGHT\nEND:VTIMEZONE\n"
    )
    event = "UID:1\nDTSTART;TZID=Ours:20260605T090000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;COUNT=3"
    reading = read(vcalendar(event, before=zone))
    assert (spans(reading), details(reading)) == (
        ["06-05 06:00/07:00", "06-12 06:00/07:00", "06-19 09:00/10:00"],
        [],
    )


def test_floating_times_are_the_consultants():
    """C-T6: ten o'clock in New York, in winter and in summer, and not ten o'clock UTC."""
    new_york = ZoneInfo("America/New_York")
    march = Window(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 16, tzinfo=UTC))
    assert spans(read_file("floating-times", zone=new_york, window=march)) == [
        "03-01 15:00/16:00",
        "03-08 14:00/15:00",
        "03-15 14:00/15:00",
    ]


def test_floating_times_of_a_calendar_that_names_its_zone_are_in_that_zone():
    reading = read_file("floating-times-of-a-named-calendar")
    assert spans(reading) == ["06-05 01:00/02:00"]
    assert [event.floats_in for event in reading.events] == ["Asia/Tokyo"]


@pytest.mark.parametrize(
    ("start", "floats_in"),
    [
        ("DTSTART:20260605T090000", "Europe/Berlin"),
        ("DTSTART:20260605T090000Z", ""),
        ("DTSTART;VALUE=DATE:20260605", ""),
        ("DTSTART;TZID=Tokyo Standard Time:20260605T090000", "Asia/Tokyo"),
        ("DTSTART;TZID=Ours:20260605T090000", ""),
    ],
)
def test_wall_time_whose_zone_the_object_does_not_define_says_where_it_was_read(start, floats_in):
    ours = (
        "BEGIN:VTIMEZONE\nTZID:Ours\nBEGIN:STANDARD\nDTSTART:19700101T000000\n"
        "TZOFFSETFROM:+0100\nTZOFFSETTO:+0100\nEND:STANDARD\nEND:VTIMEZONE\n"
    )
    for rule in ("", "\nRRULE:FREQ=DAILY;COUNT=2"):
        reading = read(vcalendar(f"UID:1\n{start}{rule}", before=ours))
        assert {event.floats_in for event in reading.events} == {floats_in}


def test_names_are_understood_in_lower_case():
    reading = read_file("names-in-lower-case")
    assert spans(reading) == ["06-05 07:00/08:00", "06-06 07:00/08:00"]


def test_lines_folded_in_odd_places_are_understood():
    reading = read_file("folded-in-odd-places")
    assert (spans(reading), reading.events[0].title) == (["06-05 07:00/08:00"], "A title")


# --- changes of the clock ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "wall", "span"),
    [
        ("Europe/Berlin", "20260329T023000", "03-29 01:30/02:30"),
        ("Europe/Berlin", "20261025T023000", "10-25 00:30/01:30"),
        ("America/New_York", "20260308T023000", "03-08 07:30/08:30"),
        ("America/New_York", "20261101T013000", "11-01 05:30/06:30"),
        ("Australia/Lord_Howe", "20261004T021500", "10-03 15:45/16:45"),
        ("Australia/Lord_Howe", "20260405T014500", "04-04 14:45/15:45"),
        ("Asia/Kathmandu", "20260605T000000", "06-04 18:15/19:15"),
    ],
)
def test_a_wall_time_that_is_skipped_or_repeated(zone: str, wall: str, span: str):
    """P15, RFC 5545 §3.3.5: in a gap the offset before it counts, of two times the first."""
    text = vcalendar(f"UID:1\nDTSTART;TZID={zone}:{wall}\nDURATION:PT1H")
    assert spans(read(text, window=YEAR)) == [span]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Ours"])
@pytest.mark.parametrize("hour", [1, 2, 3])
def test_a_zone_of_the_objects_own_changes_its_clocks_like_a_named_one(zone: str, hour: int):
    definition = (
        "BEGIN:VTIMEZONE\nTZID:Ours\n"
        "BEGIN:DAYLIGHT\nDTSTART:19810329T020000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\n"
        "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\nEND:DAYLIGHT\n"
        "BEGIN:STANDARD\nDTSTART:19961027T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\n"
        "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\nEND:STANDARD\nEND:VTIMEZONE\n"
    )
    event = f"UID:1\nDTSTART;TZID={zone}:20260101T0{hour}3000\nDURATION:PT1H\nRRULE:FREQ=DAILY"
    reading = read(vcalendar(event, before=definition), window=YEAR)
    berlin = ZoneInfo("Europe/Berlin")
    days = [datetime(2026, 1, 1, hour, 30, tzinfo=berlin) + timedelta(days=n) for n in range(365)]
    assert [event.start for event in by_start(reading)] == [day.astimezone(UTC) for day in days]


def test_the_end_of_a_zones_rule_is_an_instant():
    """The last change, of April 2020, is the one that UNTIL names: midnight, five hours east."""
    zone = (
        "BEGIN:VTIMEZONE\nTZID:Ours\n"
        "BEGIN:DAYLIGHT\nDTSTART:20100401T000000\nTZOFFSETFROM:+0500\nTZOFFSETTO:+0600\n"
        "RRULE:FREQ=YEARLY;UNTIL=20200331T190000Z\nEND:DAYLIGHT\n"
        "BEGIN:STANDARD\nDTSTART:20100901T000000\nTZOFFSETFROM:+0600\nTZOFFSETTO:+0500\n"
        "RRULE:FREQ=YEARLY;UNTIL=20190831T180000Z\nEND:STANDARD\nEND:VTIMEZONE\n"
    )
    event = "UID:1\nDTSTART;TZID=Ours:20260605T090000\nDURATION:PT1H"
    assert spans(read(vcalendar(event, before=zone))) == ["06-05 03:00/04:00"]


@pytest.mark.parametrize(
    ("end", "span"),
    [
        ("DTEND;TZID=Europe/Berlin:20260322T120000", "03-28 11:00/03-29 11:00"),
        ("DURATION:PT24H", "03-28 11:00/03-29 11:00"),
        ("DURATION:P1D", "03-28 11:00/03-29 10:00"),
        ("DURATION:P1DT1H", "03-28 11:00/03-29 11:00"),
    ],
)
def test_how_long_an_occurrence_is_that_spans_a_change_of_the_clocks(end: str, span: str):
    """RFC 5545 §3.8.5.3: exact after DTEND and hours, to the same wall time after days."""
    weekend = Window(datetime(2026, 3, 28, tzinfo=UTC), datetime(2026, 3, 30, tzinfo=UTC))
    text = vcalendar(f"UID:1\nDTSTART;TZID=Europe/Berlin:20260321T120000\n{end}\nRRULE:FREQ=WEEKLY")
    assert spans(read(text, window=weekend)) == [span]


# --- whole days --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "day", "span"),
    [
        ("Europe/Berlin", "20260605", "06-04 22:00/06-05 22:00"),
        ("Europe/Berlin", "20260329", "03-28 23:00/03-29 22:00"),
        ("Europe/Berlin", "20261025", "10-24 22:00/10-25 23:00"),
        ("Pacific/Kiritimati", "20260605", "06-04 10:00/06-05 10:00"),
        ("Pacific/Pago_Pago", "20260605", "06-05 11:00/06-06 11:00"),
        ("Africa/Cairo", "20260424", "04-23 22:00/04-24 21:00"),
    ],
)
def test_a_whole_day_is_the_consultants_day(zone: str, day: str, span: str):
    """P14: of 23, 24 or 25 hours, from midnight to midnight; at 00:00 Cairo moves to 01:00."""
    text = vcalendar(f"UID:1\nDTSTART;VALUE=DATE:{day}")
    assert spans(read(text, window=YEAR, zone=ZoneInfo(zone))) == [span]


def test_whole_days_keep_their_dates_the_end_exclusive():
    text = vcalendar("UID:1\nDTSTART;VALUE=DATE:20260605\nDTEND;VALUE=DATE:20260608")
    (event,) = read(text).events
    assert (event.start_date, event.end_date) == (date(2026, 6, 5), date(2026, 6, 8))
    assert event.is_all_day


def test_timed_events_have_no_dates():
    (event,) = read(vcalendar("UID:1\nDTSTART:20260605T090000Z")).events
    assert (event.start_date, event.end_date, event.is_all_day) == (None, None, False)


@pytest.mark.parametrize(
    ("end", "days"),
    [
        ("X:", 1),
        ("DTEND;VALUE=DATE:20260605", 1),
        ("DTEND;VALUE=DATE:20260607", 2),
        ("DTEND;TZID=Europe/Berlin:20260606T120000", 2),
        ("DTEND:20260605T220000Z", 1),
        ("DURATION:P3D", 3),
        ("DURATION:P1W", 7),
        ("DURATION:PT24H", 1),
        ("DURATION:PT25H", 2),
        ("DURATION:PT0S", 1),
    ],
)
def test_how_many_days_a_whole_day_event_lasts(end: str, days: int):
    (event,) = read(vcalendar(f"UID:1\nDTSTART;VALUE=DATE:20260605\n{end}")).events
    assert (event.end_date - event.start_date, event.problem) == (timedelta(days=days), "")
    assert event.end - event.start == timedelta(days=days)


def test_a_date_is_a_date_however_it_is_declared():
    for line in ("DTSTART:20260605", "DTSTART;VALUE=DATE:20260605T100000"):
        (event,) = read(vcalendar(f"UID:1\n{line}")).events
        assert event.start_date == date(2026, 6, 5)


def test_whole_days_know_their_midnight_in_utc():
    """EXDATE and UNTIL as instants: Berlin's midnight, or the date with a midnight in UTC."""
    reading = read_file("all-day-with-exdates-in-utc")
    assert [event.start_date.day for event in by_start(reading)] == [1, 2, 4, 6, 7]


@pytest.mark.parametrize(
    ("lines", "days"),
    [
        ("RRULE:FREQ=DAILY;UNTIL=20260603T000000Z", [1, 2, 3]),
        ("RRULE:FREQ=DAILY;UNTIL=20260603T040000Z", [1, 2, 3]),
        ("RRULE:FREQ=DAILY;UNTIL=20260603T035959Z", [1, 2]),
        ("RRULE:FREQ=DAILY;COUNT=3\nEXDATE:20260602T000000Z", [1, 3]),
        ("RRULE:FREQ=DAILY;COUNT=3\nEXDATE:20260602T040000Z", [1, 3]),
        ("RRULE:FREQ=DAILY;COUNT=3\nEXDATE;TZID=America/New_York:20260602T230000", [1, 3]),
        ("DTEND:20260602T040000Z", [1]),
        ("DTEND;TZID=America/New_York:20260602T000000", [1]),
    ],
)
def test_whole_days_west_of_greenwich_know_their_midnight_too(lines: str, days: list[int]):
    text = vcalendar(f"UID:1\nDTSTART;VALUE=DATE:20260601\n{lines}")
    events = by_start(read(text, zone=ZoneInfo("America/New_York")))
    assert [event.start_date.day for event in events] == days
    assert {event.end_date - event.start_date for event in events} == {timedelta(days=1)}


# --- ends --------------------------------------------------------------------------------------


def test_a_time_without_an_end_takes_no_time():
    for end in ("X:", "DTEND:20260605T090000Z", "DURATION:PT0S"):
        reading = read(vcalendar(f"UID:1\nDTSTART:20260605T090000Z\n{end}"))
        assert (spans(reading), details(reading)) == (["06-05 09:00/09:00"], [])


def test_an_end_that_is_a_date_is_its_midnight():
    text = vcalendar("UID:1\nDTSTART;TZID=Europe/Berlin:20260605T090000\nDTEND;VALUE=DATE:20260606")
    assert spans(read(text)) == ["06-05 07:00/22:00"]


def test_an_end_without_a_zone_is_in_the_zone_of_the_start():
    text = vcalendar("UID:1\nDTSTART;TZID=Asia/Tokyo:20260605T090000\nDTEND:20260605T100000")
    assert spans(read(text)) == ["06-05 00:00/01:00"]
