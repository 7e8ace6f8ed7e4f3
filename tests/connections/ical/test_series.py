"""Series: overrides, EXDATE and RDATE, and what becomes of them in a window."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from connections.providers.base import Window
from tests.connections.ical.objects import (
    BERLIN,
    HREF,
    JUNE,
    by_start,
    details,
    read,
    read_file,
    spans,
    vcalendar,
)

NINE_TO_TEN = "DTSTART;TZID=Europe/Berlin:20260601T090000\nDTEND;TZID=Europe/Berlin:20260601T100000"
MONDAYS = ["06-01 07:00/08:00", "06-08 07:00/08:00", "06-15 07:00/08:00"]
MONDAYS += ["06-22 07:00/08:00", "06-29 07:00/08:00"]


def series(*lines: str) -> str:
    """A series that begins on 1 June 2026, a Monday, nine to ten in Berlin."""
    return vcalendar("\n".join(["UID:1", NINE_TO_TEN, *lines]))


def ids(reading) -> list[str]:
    return [event.provider_event_id.removeprefix(HREF) for event in by_start(reading)]


# --- the window ------------------------------------------------------------------------------


def test_a_series_of_1990_is_still_there():
    """P13: masters older than the window were dropped."""
    assert spans(read_file("series-of-1990")) == MONDAYS


@pytest.mark.parametrize(
    ("start", "end", "is_shown"),
    [
        ("20260531T230000Z", "20260601T000000Z", False),
        ("20260531T230000Z", "20260601T000001Z", True),
        ("20260501T000000Z", "20260801T000000Z", True),
        ("20260630T235959Z", "20260701T010000Z", True),
        ("20260701T000000Z", "20260701T010000Z", False),
        ("20260601T000000Z", "20260601T000000Z", True),
        ("20260701T000000Z", "20260701T000000Z", False),
    ],
)
def test_the_window_is_half_open(start: str, end: str, is_shown: bool):
    reading = read(vcalendar(f"UID:1\nDTSTART:{start}\nDTEND:{end}"))
    assert len(reading.events) == is_shown


def test_an_occurrence_that_began_before_the_window_reaches_into_it():
    text = vcalendar("UID:1\nDTSTART:20260120T120000Z\nDURATION:P20D\nRRULE:FREQ=MONTHLY")
    assert spans(read(text)) == ["05-20 12:00/06-09 12:00", "06-20 12:00/07-10 12:00"]


def test_what_takes_no_time_is_shown_from_the_first_moment_of_the_window():
    text = vcalendar("UID:1\nDTSTART:20260501T000000Z\nRRULE:FREQ=MONTHLY")
    assert spans(read(text)) == ["06-01 00:00/00:00"]


def test_an_override_moved_into_the_window_is_found():
    assert spans(read_file("override-moved-into-the-window")) == ["06-10 13:00/14:00"]


def test_an_override_moved_out_of_the_window_frees_its_slot():
    assert spans(read_file("override-moved-out-of-the-window")) == [
        span for span in MONDAYS if not span.startswith("06-08")
    ]


# --- overrides -------------------------------------------------------------------------------


def test_a_cancelled_override_is_not_busy():
    """C-T5: recurring-ical-events returns it as an event."""
    reading = read_file("cancelled-override-is-not-busy")
    assert spans(reading) == [span for span in MONDAYS if not span.startswith("06-08")]


def test_an_override_without_its_master_is_busy():
    """An invitation to a single occurrence comes without the series."""
    (event,) = read_file("override-without-its-master").events
    assert (event.title, event.start) == (
        "Invited to this one only",
        datetime(2026, 6, 8, 9, tzinfo=UTC),
    )


def test_a_recurrence_id_means_the_same_in_every_spelling():
    assert spans(read_file("recurrence-id-in-every-spelling")) == [
        f"{span[:5]} 20:00/20:30" for span in MONDAYS
    ]


def test_all_that_follow_are_moved_until_another_override_says_otherwise():
    reading = read_file("all-that-follow-are-moved")
    assert list(zip(spans(reading), (e.title for e in by_start(reading)), strict=True)) == [
        ("06-01 07:00/08:00", "As planned"),
        ("06-02 07:00/08:00", "As planned"),
        ("06-03 09:00/09:30", "Later and shorter"),
        ("06-04 09:00/09:30", "Later and shorter"),
        ("06-05 06:00/07:00", "Just this one"),
        ("06-06 09:00/09:30", "Later and shorter"),
        ("06-08 07:00/08:00", "A day later"),
        ("06-09 07:00/08:00", "A day later"),
    ]
    transparencies = [event.transparency for event in by_start(reading)]
    assert transparencies == ["opaque"] * 6 + ["transparent"] * 2


def test_occurrences_that_follow_an_override_stay_distinct():
    """C-T5: recurring-ical-events gives all of them one RECURRENCE-ID."""
    found = ids(read_file("all-that-follow-are-moved"))
    assert (len(set(found)), found[2:4]) == (
        8,
        ["#1780470000@1780477200", "#1780556400@1780563600"],
    )


def test_a_series_can_be_cancelled_from_some_occurrence_on():
    assert spans(read_file("all-that-follow-are-cancelled")) == MONDAYS[:2]


def test_an_override_keeps_what_it_does_not_repeat_of_its_master():
    text = vcalendar(
        f"UID:1\n{NINE_TO_TEN}\nRRULE:FREQ=DAILY;COUNT=2\nSUMMARY:Standup\nTRANSP:TRANSPARENT",
        "UID:1\nRECURRENCE-ID:20260602T070000Z\nDTSTART:20260602T080000Z\nDURATION:PT5M",
    )
    moved = by_start(read(text))[1]
    assert (moved.title, moved.transparency) == ("Standup", "transparent")


def test_an_override_of_an_excluded_slot_is_still_busy():
    """It stands in the object as an event of its own: better blocked than offered."""
    text = vcalendar(
        f"UID:1\n{NINE_TO_TEN}\nRRULE:FREQ=DAILY;COUNT=2\nEXDATE:20260602T070000Z",
        "UID:1\nRECURRENCE-ID:20260602T070000Z\nDTSTART:20260602T120000Z\nDURATION:PT5M",
    )
    assert spans(read(text)) == ["06-01 07:00/08:00", "06-02 12:00/12:05"]


def test_of_two_overrides_for_one_slot_the_newer_counts():
    override = "UID:1\nRECURRENCE-ID:20260602T070000Z\nDURATION:PT5M"
    text = vcalendar(
        f"UID:1\n{NINE_TO_TEN}\nRRULE:FREQ=DAILY;COUNT=2",
        f"{override}\nSEQUENCE:2\nDTSTART:20260602T120000Z",
        f"{override}\nSEQUENCE:1\nDTSTART:20260602T140000Z",
    )
    assert spans(read(text)) == ["06-01 07:00/08:00", "06-02 12:00/12:05"]


def test_a_timed_occurrence_can_become_a_whole_day():
    text = vcalendar(
        f"UID:1\n{NINE_TO_TEN}\nRRULE:FREQ=DAILY;COUNT=3",
        "UID:1\nRECURRENCE-ID;RANGE=THISANDFUTURE:20260602T070000Z\nDTSTART;VALUE=DATE:20260603",
    )
    assert spans(read(text)) == [
        "06-01 07:00/08:00",
        "06-02 22:00/06-03 22:00",
        "06-03 22:00/06-04 22:00",
    ]


def test_whole_days_can_become_timed_from_some_day_on():
    text = vcalendar(
        "UID:1\nDTSTART;VALUE=DATE:20260601\nRRULE:FREQ=DAILY;COUNT=3",
        "UID:1\nRECURRENCE-ID;VALUE=DATE;RANGE=THISANDFUTURE:20260602\n"
        "DTSTART;TZID=America/New_York:20260602T090000\nDURATION:PT1H",
    )
    assert spans(read(text)) == [
        "05-31 22:00/06-01 22:00",
        "06-02 13:00/14:00",
        "06-03 13:00/14:00",
    ]


def test_a_series_moved_to_another_zone_keeps_the_new_hour():
    """The clocks change in New York on 8 March 2026, in Berlin on 29 March."""
    march = Window(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))
    text = vcalendar(
        "UID:1\nDTSTART;TZID=Europe/Berlin:20260302T090000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY",
        "UID:1\nRECURRENCE-ID;TZID=Europe/Berlin;RANGE=THISANDFUTURE:20260323T090000\n"
        "DTSTART;TZID=Europe/Berlin:20260323T140000\nDURATION:PT1H",
    )
    assert spans(read(text, window=march)) == [
        "03-02 08:00/09:00",
        "03-09 08:00/09:00",
        "03-16 08:00/09:00",
        "03-23 13:00/14:00",
        "03-30 12:00/13:00",
    ]


def test_a_series_moved_into_another_zone_stays_as_far_from_its_slots():
    """RFC 5545 §3.8.4.4: all are moved by the same difference, here six hours."""
    march = Window(datetime(2026, 3, 16, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))
    text = vcalendar(
        "UID:1\nDTSTART;TZID=Europe/Berlin:20260302T090000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY",
        "UID:1\nRECURRENCE-ID;TZID=Europe/Berlin;RANGE=THISANDFUTURE:20260316T090000\n"
        "DTSTART;TZID=America/New_York:20260316T100000\nDURATION:PT1H",
    )
    found = ["03-16 14:00/15:00", "03-23 14:00/15:00", "03-30 13:00/14:00"]
    assert spans(read(text, window=march)) == found


def test_every_time_of_a_day_moves_to_the_same_whole_day():
    text = vcalendar(
        f"UID:1\n{NINE_TO_TEN}\nRRULE:FREQ=DAILY;COUNT=4;BYHOUR=9,15",
        "UID:1\nRECURRENCE-ID;RANGE=THISANDFUTURE:20260601T130000Z\nDTSTART;VALUE=DATE:20260602",
    )
    assert spans(read(text)) == [
        "06-01 07:00/08:00",
        "06-01 22:00/06-02 22:00",
        "06-02 22:00/06-03 22:00",
        "06-02 22:00/06-03 22:00",
    ]


def test_an_orphan_keeps_its_id_however_it_is_spelled():
    orphan = "UID:1\nDTSTART:20260608T120000Z\nDURATION:PT5M\nRECURRENCE-ID"
    spellings = [":20260608T070000Z", ";TZID=Europe/Berlin:20260608T090000"]
    found = [ids(read(vcalendar(orphan + spelling))) for spelling in spellings]
    assert found == [["#1780902000@1780920000"]] * 2


# --- dates -----------------------------------------------------------------------------------


def test_an_exdate_means_the_same_in_every_spelling():
    assert spans(read_file("exdate-in-every-spelling")) == [
        "06-01 07:00/08:00",
        "06-08 07:00/08:00",
        "06-09 07:00/08:00",
    ]


def test_an_exdate_that_is_a_date_takes_out_all_of_its_day():
    text = series("RRULE:FREQ=DAILY;COUNT=6;BYHOUR=9,15", "EXDATE;VALUE=DATE:20260602")
    assert [event.start.day for event in by_start(read(text))] == [1, 1, 3, 3]


def test_an_exdate_in_utc_takes_out_an_occurrence_that_falls_into_a_gap():
    """02:30 on 29 March does not exist in Berlin and is read as 03:30 there, 01:30 in UTC."""
    march = Window(datetime(2026, 3, 28, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))
    nightly = "UID:1\nDTSTART;TZID=Europe/Berlin:20260328T023000\nRRULE:FREQ=DAILY;COUNT=3"
    assert spans(read(vcalendar(nightly), window=march)) == [
        "03-28 01:30/01:30",
        "03-29 01:30/01:30",
        "03-30 00:30/00:30",
    ]
    assert spans(read(vcalendar(f"{nightly}\nEXDATE:20260329T013000Z"), window=march)) == [
        "03-28 01:30/01:30",
        "03-30 00:30/00:30",
    ]


def test_two_wall_times_of_one_instant_are_one_occurrence():
    """Every half hour through the gap: 02:00 and 03:00 are one instant, 02:30 and 03:30 another."""
    night = Window(datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 3, 29, 3, tzinfo=UTC))
    text = vcalendar(
        "UID:1\nDTSTART;TZID=Europe/Berlin:20260329T010000\nDURATION:PT1M\n"
        "RRULE:FREQ=HOURLY;BYMINUTE=0,30"
    )
    hours = ["00:00/00:01", "00:30/00:31", "01:00/01:01", "01:30/01:31", "02:00/02:01"]
    assert spans(read(text, window=night)) == [f"03-29 {at}" for at in [*hours, "02:30/02:31"]]


def test_an_rdate_means_the_same_in_every_spelling():
    assert spans(read_file("rdate-in-every-spelling")) == [
        "06-01 07:00/08:00",
        "06-03 10:00/11:00",
        "06-04 12:00/13:00",
        "06-05 12:00/13:00",
        "06-06 07:00/08:00",
        "06-07 12:00/15:00",
        "06-08 12:00/14:30",
    ]


def test_an_rdate_on_an_occurrence_adds_none():
    assert spans(read(series("RRULE:FREQ=WEEKLY", "RDATE:20260608T070000Z"))) == MONDAYS


def test_an_exrule_takes_out_what_it_falls_on():
    text = series("RRULE:FREQ=DAILY;COUNT=5", "EXRULE:FREQ=DAILY;INTERVAL=2")
    assert spans(read(text)) == ["06-02 07:00/08:00", "06-04 07:00/08:00"]


def test_an_exrule_that_cannot_be_read_takes_out_nothing():
    reading = read(series("RRULE:FREQ=DAILY;COUNT=2", "EXRULE:FREQ=DAILY;BYDAY=XX"))
    assert spans(reading) == ["06-01 07:00/08:00", "06-02 07:00/08:00"]
    assert details(reading) == ["recurrence rule: “BYDAY” “XX” is not a weekday"]


def test_several_rules_add_up():
    text = series("RRULE:FREQ=WEEKLY;COUNT=2", "RRULE:FREQ=MONTHLY;BYMONTHDAY=20")
    assert spans(read(text)) == [*MONDAYS[:2], "06-20 07:00/08:00"]


def test_the_start_is_an_occurrence_even_where_the_rule_does_not_fall_on_it():
    assert spans(read(series("RRULE:FREQ=WEEKLY;BYDAY=FR;COUNT=2"))) == [
        "06-01 07:00/08:00",
        "06-05 07:00/08:00",
        "06-12 07:00/08:00",
    ]


@pytest.mark.parametrize(
    ("until", "last_day"),
    [
        ("20260603", 3),
        ("20260603T070000Z", 3),
        ("20260603T065959Z", 2),
        ("20260603T090000", 3),
        ("20260603T085959", 2),
    ],
)
def test_until_includes_the_occurrence_it_names(until: str, last_day: int):
    """C5: recurring-ical-events drops the occurrence on an UNTIL that is a date."""
    reading = read(series(f"RRULE:FREQ=DAILY;UNTIL={until}"))
    assert [event.start.day for event in by_start(reading)] == list(range(1, last_day + 1))


def test_until_does_not_include_the_midnight_after_its_date():
    text = vcalendar("UID:1\nDTSTART:20260601T000000Z\nRRULE:FREQ=DAILY;UNTIL=20260602")
    assert spans(read(text)) == ["06-01 00:00/00:00", "06-02 00:00/00:00"]


def test_a_series_that_ends_before_it_begins_is_empty():
    """What clients write when somebody deletes "this and all that follow" on the first one."""
    assert read_file("until-before-the-first").events == ()


# --- identity --------------------------------------------------------------------------------


def test_a_single_event_is_named_by_its_object():
    (event,) = read(series()).events
    assert (event.provider_event_id, event.series_id, event.version) == (HREF, HREF, '"1"')


def test_occurrences_are_named_by_object_and_slot():
    assert ids(read(series("RRULE:FREQ=DAILY;COUNT=2"))) == ["#1780297200", "#1780383600"]


def test_an_occurrence_keeps_its_id_when_others_change():
    before = read(series("RRULE:FREQ=WEEKLY;COUNT=3"))
    after = read(series("RRULE:FREQ=WEEKLY", "EXDATE:20260608T070000Z", "SUMMARY:New"))
    assert set(ids(before)) - set(ids(after)) == {"#1780902000"}


def test_an_occurrence_keeps_its_id_however_its_override_spells_it():
    override = "UID:1\nDTSTART:20260608T120000Z\nDURATION:PT5M\nRECURRENCE-ID"
    master = f"UID:1\n{NINE_TO_TEN}\nRRULE:FREQ=WEEKLY"
    spellings = [":20260608T070000Z", ";TZID=Europe/Berlin:20260608T090000", ";VALUE=DATE:20260608"]
    found = {ids(read(vcalendar(master, override + spelling)))[1] for spelling in spellings}
    assert found == {"#1780902000@1780920000"}


def test_days_keep_their_ids_when_the_consultant_moves_to_another_zone():
    text = vcalendar("UID:1\nDTSTART;VALUE=DATE:20260602\nRRULE:FREQ=DAILY;COUNT=2")
    tokyo = read(text, zone=ZoneInfo("Asia/Tokyo"))
    assert ids(read(text, zone=BERLIN)) == ids(tokyo) == ["#1780358400", "#1780444800"]


def test_two_events_in_one_object_are_told_apart():
    """RFC 4791 allows one UID to an object; not every client knows."""
    reading = read_file("two-events-in-one-object")
    found = {event.title: event.provider_event_id for event in reading.events}
    assert sorted(found) == ["first", "second"]
    first, second = (vcalendar(f"UID:{uid}@example.com\n{NINE_TO_TEN}") for uid in found)
    swapped = read(second + first)
    assert {event.provider_event_id for event in swapped.events} == set(found.values())


def test_events_that_cannot_be_told_apart_still_have_different_ids():
    override = "UID:1\nRECURRENCE-ID:x\nDTSTART:20260605T090000Z\nDURATION:PT1H"
    found = ids(read(vcalendar(override, override, override)))
    assert found == ["#@1780650000", "#@1780650000~2", "#@1780650000~3"]


def test_events_without_a_uid_do_not_replace_each_other():
    event = "DTSTART:20260605T090000Z\nDURATION:PT1H"
    reading = read(vcalendar(event, event.replace("T09", "T12")))
    assert spans(reading) == ["06-05 09:00/10:00", "06-05 12:00/13:00"]
    assert len(set(ids(reading))) == 2


def test_the_version_with_the_highest_sequence_counts():
    (event,) = read_file("two-versions-of-one-event").events
    assert (event.title, event.sequence) == ("Version 3", 3)


def test_of_two_versions_with_one_sequence_the_later_stamp_counts():
    when = "UID:1\nDTSTART:20260605T090000Z\nDURATION:PT1H"
    newer, older = (
        f"{when}\nSUMMARY:{at}\nDTSTAMP:{at}Z" for at in ("20260502T0800", "20260501T0800")
    )
    assert read(vcalendar(newer, older), window=JUNE).events[0].title == "20260502T0800"
