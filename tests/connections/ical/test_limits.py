"""Objects that are made, or happen, to keep a reader busy (C-T8, P23)."""

from datetime import UTC, datetime, timedelta
from time import process_time

import pytest

from connections.providers.base import Window
from tests.connections.ical.objects import details, read, read_file, spans, vcalendar

TOO_MANY = ["the series has more occurrences than can be listed"]
LONG = Window(datetime(2026, 6, 1, tzinfo=UTC), datetime(2027, 7, 6, tzinfo=UTC))


def series(rule: str, *, start: str = "20260605T100000Z", length: str = "PT5M") -> str:
    return vcalendar(f"UID:1\nDTSTART:{start}\nDURATION:{length}\nRRULE:{rule}")


def test_a_series_of_every_second_blocks_until_the_window_ends():
    """Refused at once, and not shown as free."""
    reading = read_file("every-second")
    assert (spans(reading)[1:], details(reading)) == (["06-05 10:00/07-01 00:00"], TOO_MANY)


def test_a_series_of_every_second_blocks_no_longer_than_it_lasts():
    reading = read_file("every-second-until-noon")
    assert (spans(reading)[1:], details(reading)) == (["06-05 10:00/12:00:01"], TOO_MANY)


def test_a_series_of_every_minute_blocks_until_its_count_is_reached():
    reading = read(series("FREQ=MINUTELY;INTERVAL=30;COUNT=5"))
    assert (spans(reading), details(reading)) == (
        ["06-05 10:00/10:05", "06-05 10:00/12:05"],
        TOO_MANY,
    )


def test_a_free_series_of_every_second_blocks_nothing():
    reading = read(series("FREQ=SECONDLY").replace("RRULE", "TRANSP:TRANSPARENT\nRRULE"))
    assert {event.transparency for event in reading.events} == {"transparent"}


def test_a_cancelled_series_of_every_second_is_not_there():
    reading = read(series("FREQ=SECONDLY").replace("RRULE", "STATUS:CANCELLED\nRRULE"))
    assert (reading.events, reading.problems) == ((), ())


def test_every_hour_of_the_window_can_be_listed():
    reading = read(series("FREQ=HOURLY", start="20160101T000000Z"), window=LONG)
    assert (len(reading.events), reading.problems) == (400 * 24, ())


def test_what_is_more_than_can_be_listed_is_blocked_as_one_span():
    reading = read(series("FREQ=HOURLY;BYMINUTE=0,20,40", start="20260601T000000Z"), window=LONG)
    rest = reading.events[-1]
    listed = reading.events[:-1]
    assert (len(listed), details(reading)) == (10_000, TOO_MANY)
    assert rest.start == listed[-1].start + timedelta(minutes=20)
    assert (rest.end, rest.problem) == (LONG.end, TOO_MANY[0])


def test_what_is_more_than_can_be_listed_of_single_dates_ends_with_the_last():
    first = datetime(2026, 6, 2, tzinfo=UTC)
    dates = [first + timedelta(minutes=n) for n in range(10_100)]
    written = ",".join(f"{at:%Y%m%dT%H%M%SZ}" for at in dates)
    text = vcalendar(f"UID:1\nDTSTART:20260601T000000Z\nDURATION:PT5M\nRDATE:{written}")
    reading = read(text)
    assert (len(reading.events), details(reading)) == (10_001, TOO_MANY)
    assert reading.events[-1].start == dates[9_999]
    assert reading.events[-1].end == dates[-1] + timedelta(minutes=5)


def folded(line: str) -> str:
    return "\r\n ".join(line[at : at + 74] for at in range(0, len(line), 74))


LARGE = {
    "a file": f"ATTACH;ENCODING=BASE64;VALUE=BINARY:{'x' * 12_000_000}",
    "a folded file": folded(f"ATTACH;ENCODING=BASE64;VALUE=BINARY:{'x' * 12_000_000}"),
    "many files": "\n".join([f"ATTACH:{'x' * 2**17}"] * 20),
    "an essay": folded(f"DESCRIPTION:{'words ' * 2**18}"),
}


@pytest.mark.parametrize("large", LARGE.values(), ids=LARGE.keys())
def test_times_behind_something_large_are_read(large: str):
    """P16: a file in an event must not make its time free."""
    reading = read(vcalendar(f"UID:1\n{large}\nDTSTART:20260605T100000Z\nDURATION:PT1H"))
    assert (spans(reading), details(reading)) == (["06-05 10:00/11:00"], [])


def test_dates_of_a_large_object_are_all_read():
    first = datetime(2026, 6, 2, tzinfo=UTC)
    dates = ",".join(f"{first + timedelta(hours=n):%Y%m%dT%H%M%SZ}" for n in range(600))
    lists = folded(f"RDATE:{dates}"), folded(f"EXDATE:{dates.replace('00Z', '01Z')},{dates[:16]}")
    text = vcalendar(
        f"UID:1\nATTACH:{'x' * 2**20}\n" + "\n".join(lists),
        before=f"X-FILE:{'x' * 2**20}\n",
    ).replace("UID:1", "UID:1\nDTSTART:20260601T000000Z\nDURATION:PT5M")
    reading = read(text)
    assert (len(reading.events), details(reading)) == (600, [])


def test_an_object_of_more_than_a_mebibyte_of_lines_is_read_in_part_and_reported():
    comments = f"COMMENT:{'x' * 1000}\n" * 1100
    text = vcalendar(f"UID:1\nDTSTART:20260605T100000Z\nDURATION:PT1H\n{comments}")
    reading = read(text)
    detail = "the object is larger than 1 MiB and was read in part"
    assert (spans(reading), details(reading)) == (["06-05 10:00/11:00"], [detail])
    assert reading.events[0].problem == detail


def test_the_problems_of_an_object_are_no_more_than_a_person_reads():
    text = vcalendar(*[f"UID:{n}\nDTSTART:{n}\nSUMMARY:?" for n in range(1_000)])
    assert len(read(text).problems) == 20


HOURS = [datetime(2026, 6, 1, tzinfo=UTC) + timedelta(hours=n) for n in range(9_000)]
OVERRIDE = "UID:1\nRECURRENCE-ID{}:{:%Y%m%dT%H%M%SZ}\nDTSTART:{:%Y%m%dT%H%M%SZ}"
ZONE = (
    "BEGIN:VTIMEZONE\nTZID:Ours\nBEGIN:STANDARD\nDTSTART:16010101T000000\nTZOFFSETFROM:+0100\n"
    "TZOFFSETTO:+0200\n{}\nEND:STANDARD\nEND:VTIMEZONE\n"
)
EVERY_DAY_OF_THE_YEAR = ",".join(map(str, range(1, 367)))


@pytest.mark.parametrize(
    "text",
    {
        "daily since the year 1": series("FREQ=DAILY", start="00010101T000000Z"),
        "counted since the year 1": series("FREQ=DAILY;COUNT=999999", start="00010101T000000Z"),
        "never on 30 February": series("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", start="16010101"),
        "hourly on the 31st since 1601": series(
            "FREQ=HOURLY;BYMONTHDAY=31;COUNT=9999999", start="16010101T000000Z"
        ),
        "for ever and ever": series("FREQ=HOURLY", start="19000101T000000Z", length="P999999999W"),
        "many times a day": series(
            f"FREQ=YEARLY;BYYEARDAY={EVERY_DAY_OF_THE_YEAR};BYHOUR={','.join(map(str, range(24)))}"
            f";BYMINUTE=0,5,10,15,20,25,30,35,40,45,50,55;BYSETPOS={EVERY_DAY_OF_THE_YEAR}"
        ),
        "many weekdays": series(f"FREQ=WEEKLY;BYDAY={','.join(['MO'] * 200_000)}"),
        "many rules": vcalendar("DTSTART:20260601T000000Z\n" + "RRULE:FREQ=YEARLY\n" * 50_000),
        "many exclusions": vcalendar(
            "DTSTART:20260601T000000Z\nRRULE:FREQ=DAILY\n" + "EXRULE:FREQ=HOURLY\n" * 45_000
        ),
        "many events": vcalendar(*["DTSTART:20260701T000000Z\nRRULE:FREQ=DAILY"] * 14_000),
        "many overrides": vcalendar(
            "UID:1\nDTSTART:20260601T000000Z\nRRULE:FREQ=HOURLY",
            *[OVERRIDE.format("", at, at) for at in HOURS],
        ),
        "many turns": vcalendar(
            "UID:1\nDTSTART:20260601T000000Z\nRRULE:FREQ=HOURLY",
            *[OVERRIDE.format(";RANGE=THISANDFUTURE", at, at) for at in HOURS],
        ),
        "dates that are none": vcalendar(f"DTSTART:20260601T000000Z\nRDATE:{'x,' * 500_000}"),
        "a file in folds of nothing": vcalendar("ATTACH:x" + "\n " * 16_000_000),
        "nothing but line ends": "\n" * 32_000_000,
        "opened and opened": "BEGIN:VEVENT\n" * 80_000,
        "closed and closed": "BEGIN:A\n" * 60_000 + "END:B\n" * 80_000,
        "quoted and quoted": vcalendar('DTSTART;TZID="' * 70_000 + ":20260601T000000"),
        "parameters": vcalendar("DTSTART" + ";A=B" * 250_000 + ":20260601T000000"),
        "a long zone name": vcalendar(f"DTSTART;TZID={'/a' * 500_000}:20260601T000000"),
        "a zone of many rules": vcalendar(
            "DTSTART;TZID=Ours:20260601T000000",
            before=ZONE.format("RRULE:FREQ=YEARLY\n" * 50_000),
        ),
        "a zone that changes hourly": vcalendar(
            "DTSTART;TZID=Ours:20260601T000000", before=ZONE.format("RRULE:FREQ=HOURLY")
        ),
    }.items(),
    ids=lambda item: item[0],
)
def test_no_object_takes_long(text: tuple[str, str]):
    """About half a second of the processor where this was written; some are slower."""
    began = process_time()
    read(text[1], window=LONG)
    assert process_time() - began < 3
