"""What cannot be read is reported, and its best-known time stays blocked (P16, C-T7)."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connections.providers.base import CONFIRMED, OPAQUE, Problem
from tests.connections.ical.generate import resources
from tests.connections.ical.objects import (
    HREF,
    JUNE,
    by_start,
    details,
    read,
    read_file,
    spans,
    vcalendar,
)

NO_START = "a changed occurrence has no DTSTART that can be read"


@pytest.mark.parametrize(
    ("name", "blocked", "problems"),
    [
        (
            "rule-that-cannot-be-read",
            ["06-02 07:00/08:00", "06-10 07:00/08:00"],
            ["recurrence rule “FREQ=WEAKLY;BYDAY=TU” has no frequency"],
        ),
        (
            "rule-that-can-be-read-in-part",
            [f"06-{day} 07:00/08:00" for day in ("02", "09", "16", "23", "30")],
            ["recurrence rule: “XX” is not a weekday"],
        ),
        (
            "event-without-a-start",
            ["06-05 11:00/12:00"],
            ["an event has no DTSTART that can be read"],
        ),
        (
            "override-without-a-start",
            [f"06-{day} 07:00/08:00" for day in ("01", "08", "15", "22", "29")],
            ["DTSTART: “2026-06-08” is not a date or time", NO_START],
        ),
        (
            "override-of-no-slot",
            ["06-01 07:00/08:00", "06-08 07:00/07:30", "06-08 07:00/08:00"]
            + [f"06-{day} 07:00/08:00" for day in ("15", "22", "29")],
            ["RECURRENCE-ID: “tomorrow” is not a date or time"],
        ),
        ("ends-before-it-starts", ["06-05 09:00/10:00"], ["it ends before it starts"]),
        (
            "end-that-cannot-be-read",
            ["06-05 10:00/06-06 10:00"],
            ["end: “soon” is not a date or time"],
        ),
        ("cut-off-in-the-middle", ["06-05 10:00/11:00"], ["the object is cut off"]),
        ("not-a-calendar", [], ["this is not an iCalendar object"]),
        ("tasks-only", [], []),
        ("nothing-at-all", [], []),
    ],
)
def test_what_is_left_of_an_object(name: str, blocked: list[str], problems: list[str]):
    reading = read_file(name)
    assert (spans(reading), details(reading)) == (blocked, problems)


def test_a_problem_names_the_object():
    assert read_file("not-a-calendar").problems == (
        Problem(HREF, "this is not an iCalendar object"),
    )


def test_only_the_event_that_could_not_be_read_in_full_has_the_problem():
    problems = [event.problem for event in by_start(read_file("override-without-a-start"))]
    assert problems == ["", f"DTSTART: “2026-06-08” is not a date or time; {NO_START}", "", "", ""]


def test_what_could_be_read_of_a_rule_blocks_as_a_confirmed_event():
    (event,) = read(vcalendar("UID:1\nDTSTART:20260605T090000Z\nRRULE:x")).events
    assert (event.status, event.transparency, event.problem) == (
        CONFIRMED,
        OPAQUE,
        "recurrence rule “x” has no frequency",
    )


@pytest.mark.parametrize(
    ("lines", "blocked"),
    [
        ("DTEND:20260608T073000Z", ["06-08 07:00/07:30"]),
        ("DURATION:PT2H", ["06-08 07:00/09:00"]),
        ("SUMMARY:Nothing", ["06-08 07:00/06-09 07:00"]),
    ],
)
def test_an_orphan_without_a_start_stays_in_its_slot(lines: str, blocked: list[str]):
    reading = read(vcalendar(f"UID:1\nRECURRENCE-ID:20260608T070000Z\n{lines}"))
    assert (spans(reading), details(reading)) == (blocked, [NO_START])


def test_an_override_without_a_start_keeps_the_length_it_has():
    text = vcalendar(
        "UID:1\nDTSTART:20260601T090000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=2",
        "UID:1\nRECURRENCE-ID;VALUE=DATE:20260602\nDURATION:PT3H",
    )
    assert spans(read(text)) == ["06-01 09:00/10:00", "06-02 09:00/12:00"]


def test_nothing_is_reported_about_a_cancelled_occurrence_without_a_start():
    """Servers cancel an occurrence by no more than its RECURRENCE-ID."""
    text = vcalendar(
        "UID:1\nDTSTART:20260601T090000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=2",
        "UID:1\nRECURRENCE-ID:20260602T090000Z\nSTATUS:CANCELLED",
    )
    assert (spans(read(text)), details(read(text))) == (["06-01 09:00/10:00"], [])


@pytest.mark.parametrize("others", [[], ["UID:1\nDTSTART:20250601T090000Z\nRRULE:FREQ=YEARLY"]])
def test_an_override_of_nothing_at_no_time_is_reported(others: list[str]):
    reading = read(vcalendar(*others, "UID:1\nRECURRENCE-ID:x\nSUMMARY:?"))
    assert (spans(reading), details(reading)) == (
        ["06-01 09:00/09:00"] * len(others),
        ["RECURRENCE-ID: “x” is not a date or time", NO_START],
    )


def test_the_overrides_of_a_master_without_a_start_are_busy():
    text = vcalendar(
        "UID:1\nSUMMARY:Weekly\nRRULE:FREQ=WEEKLY",
        "UID:1\nRECURRENCE-ID:20260602T090000Z\nDTSTART:20260602T100000Z\nDURATION:PT1H",
    )
    (event,) = read(text).events
    assert (event.title, spans(read(text))) == ("Weekly", ["06-02 10:00/11:00"])


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("EXDATE:x,20260602T090000Z", "EXDATE: “x” is not a date or time"),
        ("RDATE:x", "RDATE: “x” is not a date or time"),
        ("EXRULE:x", "recurrence rule “x” has no frequency"),
    ],
)
def test_a_date_that_cannot_be_read_leaves_the_others(line: str, problem: str):
    reading = read(vcalendar(f"UID:1\nDTSTART:20260601T090000Z\nRRULE:FREQ=DAILY;COUNT=1\n{line}"))
    assert (spans(reading), details(reading)) == (["06-01 09:00/09:00"], [problem])


@pytest.mark.parametrize(
    ("period", "blocked"),
    [
        ("20260605T090000Z/x", "06-05 09:00/06-06 09:00"),
        ("20260605T090000Z/PX", "06-05 09:00/06-06 09:00"),
        ("20260605T090000Z/", "06-05 09:00/06-06 09:00"),
        ("20260605T090000Z/20260605T080000Z", "06-05 08:00/09:00"),
    ],
)
def test_a_period_that_cannot_be_read_lasts_a_day(period: str, blocked: str):
    reading = read(vcalendar(f"UID:1\nDTSTART:20260501T090000Z\nRDATE;VALUE=PERIOD:{period}"))
    assert spans(reading) == [blocked]


def test_a_period_in_a_series_of_days_is_whole_days():
    text = vcalendar(
        "UID:1\nDTSTART;VALUE=DATE:20260501\nRDATE;VALUE=PERIOD:20260605T090000Z/PT30H"
    )
    assert spans(read(text)) == ["06-04 22:00/06-06 22:00"]


@pytest.mark.parametrize("time", ["090000", "000000"])
def test_a_date_as_the_end_of_a_time_on_it_is_no_end(time: str):
    text = vcalendar(f"UID:1\nDTSTART;TZID=Asia/Tokyo:20260605T{time}\nDTEND;VALUE=DATE:20260605")
    (event,) = read(text, zone=ZoneInfo("Asia/Tokyo")).events
    assert event.end - event.start == timedelta(days=1)
    assert event.problem == "end: a date is no end for a time on it"


def test_times_at_the_ends_of_the_calendar_are_no_obstacle():
    reading = read_file("start-at-the-end-of-time")
    assert (spans(reading), details(reading)) == (["01-01 00:00/12-31 00:00"], [])
    assert [(event.start.year, event.end.year) for event in reading.events] == [(2, 9998)]


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.data())
def test_reading_never_fails_and_never_shows_what_is_impossible(data: st.DataObject):
    """Generated objects with pieces lost, doubled and swapped for odd ones."""
    text = data.draw(st.sampled_from(OBJECTS))
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(text)))
        lost = data.draw(st.integers(0, 40))
        text = text[:at] + data.draw(st.sampled_from(ODD_PIECES)) + text[at + lost :]
    reading = read(text)
    ids = [event.provider_event_id for event in reading.events]
    assert len(ids) == len(set(ids))
    for event in reading.events:
        assert event.start <= event.end
        assert event.start < JUNE.end
        assert event.end > JUNE.start or event.start >= JUNE.start
        assert event.start_date is None or event.start_date < event.end_date


OBJECTS = [resource.text for resource in resources(46, seed=3)]
ODD_PIECES = [
    "",
    "\x00",
    "\ud800",
    '"',
    ";:,=",
    "\r\n ",
    "BEGIN:VEVENT\r\n",
    "END:VEVENT\r\n",
    "\r\nRRULE:FREQ=YEARLY\r\n",
    "\r\nRRULE:FREQ=HOURLY;BYSETPOS=-1;BYMINUTE=1,5\r\n",
    "\r\nDTSTART:00010101T000000\r\n",
    "\r\nDTSTART;VALUE=DATE:99991231\r\n",
    "\r\nDTEND;VALUE=DATE:99991231\r\n",
    "\r\nDURATION:-P999999999W\r\n",
    "\r\nRECURRENCE-ID;RANGE=THISANDFUTURE:20260701\r\n",
    "\r\nRECURRENCE-ID:x\r\n",
    "\r\nRDATE:19700101/P1D,20260607T000000Z/20260606T000000Z\r\n",
    "\r\nEXRULE:FREQ=DAILY\r\n",
    ";INTERVAL=999999999",
    ";COUNT=1",
    ";BYDAY=-53SU,53MO",
    "VALUE=DATE",
    "TZID=Foo/Bar",
    "99991231T235959Z",
]
