"""What counts as busy, cell by cell (P17), and what is kept of an event besides its time."""

from datetime import UTC, datetime

import pytest

from connections.providers.base import CONFIRMED, OPAQUE, TENTATIVE, TRANSPARENT
from tests.connections.ical.objects import read, read_file, vcalendar

WHEN = "UID:1\nDTSTART:20260605T090000Z\nDTEND:20260605T100000Z"
ME = frozenset({"anna@example.com", "anna@work.example"})
MINE = "ATTENDEE;CN=Anna;PARTSTAT={}:mailto:anna@example.com"
MICROSOFT = "X-MICROSOFT-CDO-BUSYSTATUS:"


def only(*lines: str):
    (event,) = read(vcalendar("\n".join([WHEN, *lines])), own_addresses=ME).events
    return event


@pytest.mark.parametrize(
    ("lines", "status", "transparency"),
    [
        ([], CONFIRMED, OPAQUE),
        (["STATUS:CONFIRMED", "TRANSP:OPAQUE"], CONFIRMED, OPAQUE),
        (["STATUS:TENTATIVE"], TENTATIVE, OPAQUE),
        (["status:tentative"], TENTATIVE, OPAQUE),
        (["STATUS:SOMETHING-NEW"], CONFIRMED, OPAQUE),
        (["TRANSP:TRANSPARENT"], CONFIRMED, TRANSPARENT),
        (["TRANSP:transparent "], CONFIRMED, TRANSPARENT),
        (["TRANSP:SOMETHING-NEW"], CONFIRMED, OPAQUE),
        ([MINE.format("ACCEPTED")], CONFIRMED, OPAQUE),
        ([MINE.format("NEEDS-ACTION")], CONFIRMED, OPAQUE),
        ([MINE.format("DELEGATED")], CONFIRMED, OPAQUE),
        ([MINE.format("TENTATIVE")], TENTATIVE, OPAQUE),
        ([MINE.format("DECLINED")], CONFIRMED, TRANSPARENT),
        ([MINE.format("declined")], CONFIRMED, TRANSPARENT),
        ([f"{MICROSOFT}FREE"], CONFIRMED, TRANSPARENT),
        ([f"{MICROSOFT}FREE", "TRANSP:OPAQUE"], CONFIRMED, OPAQUE),
        ([f"{MICROSOFT}WORKINGELSEWHERE", "TRANSP:OPAQUE"], CONFIRMED, TRANSPARENT),
        ([f"{MICROSOFT}TENTATIVE", "TRANSP:OPAQUE"], TENTATIVE, OPAQUE),
        ([f"{MICROSOFT}BUSY"], CONFIRMED, OPAQUE),
        ([f"{MICROSOFT}OOF"], CONFIRMED, OPAQUE),
        ([f"{MICROSOFT}OOF", "TRANSP:TRANSPARENT"], CONFIRMED, TRANSPARENT),
    ],
)
def test_what_an_event_says_about_being_busy(lines: list[str], status: str, transparency: str):
    event = only(*lines)
    assert (event.status, event.transparency) == (status, transparency)


def test_a_cancelled_event_is_not_there():
    assert read(vcalendar(f"{WHEN}\nSTATUS:CANCELLED")).events == ()


@pytest.mark.parametrize(
    "attendee",
    [
        "ATTENDEE;PARTSTAT=DECLINED:MAILTO:Anna@Example.COM",
        "ATTENDEE;PARTSTAT=DECLINED:anna@work.example",
        "ATTENDEE;EMAIL=anna@example.com;PARTSTAT=DECLINED:/aMTYz/principal/",
        'ATTENDEE;CN="Anna: at work";PARTSTAT=DECLINED:mailto:anna@example.com',
    ],
)
def test_a_declined_invitation_is_free_however_the_address_is_written(attendee: str):
    """C-T15."""
    assert only(attendee).transparency == TRANSPARENT


def test_the_answers_of_others_change_nothing():
    event = only("ATTENDEE;PARTSTAT=DECLINED:mailto:bob@example.com", MINE.format("ACCEPTED"))
    assert (event.status, event.transparency) == (CONFIRMED, OPAQUE)


@pytest.mark.parametrize("answer", ["DECLINED", "TENTATIVE"])
def test_nobody_elses_answer_counts_where_the_consultant_gave_none(answer: str):
    event = only(f"ATTENDEE;PARTSTAT={answer}:mailto:bob@example.com")
    assert (event.status, event.transparency) == (CONFIRMED, OPAQUE)


def test_an_invitation_declined_under_one_of_two_addresses_is_busy():
    event = only(MINE.format("DECLINED"), "ATTENDEE;PARTSTAT=ACCEPTED:mailto:anna@work.example")
    assert event.transparency == OPAQUE


def test_an_occurrence_can_be_declined_alone():
    text = vcalendar(
        f"{WHEN}\nRRULE:FREQ=DAILY;COUNT=2\n{MINE.format('ACCEPTED')}",
        "UID:1\nRECURRENCE-ID:20260606T090000Z\nDTSTART:20260606T090000Z\nDURATION:PT1H\n"
        + MINE.format("DECLINED"),
    )
    events = read(text, own_addresses=ME).events
    assert [event.transparency for event in events] == [OPAQUE, TRANSPARENT]


@pytest.mark.parametrize("kind", ["PRIVATE", "CONFIDENTIAL", "private", "X-BOARD-ONLY"])
def test_the_title_of_an_event_that_is_not_public_is_not_kept(kind: str):
    event = only(f"CLASS:{kind}", "SUMMARY:Oncologist")
    assert (event.title, event.transparency) == ("Busy", OPAQUE)


def test_the_title_of_a_public_event_is_kept():
    assert only("CLASS:PUBLIC", r"SUMMARY:Lunch\, then cake").title == "Lunch, then cake"


def test_a_title_holds_nothing_that_postgres_could_not_store():
    assert read_file("summary-with-control-characters").events[0].title == "One Two Three"


def test_half_a_surrogate_is_no_part_of_a_title_or_uid():
    text = vcalendar(WHEN.replace("UID:1", "UID:a\ud800b") + "\nSUMMARY:a\udfffb")
    (event,) = read(text).events
    assert (event.title, event.uid) == ("ab", "ab")


def test_a_title_is_cut_at_a_thousand_characters():
    assert only(f"SUMMARY:{'ä' * 5_000}").title == "ä" * 1_000


def test_when_an_event_was_changed_is_its_last_modification_else_its_stamp():
    stamp, modified = "DTSTAMP:20260501T080000Z", "LAST-MODIFIED:20260502T091500Z"
    assert only(stamp, modified).updated_at == datetime(2026, 5, 2, 9, 15, tzinfo=UTC)
    assert only(stamp, "LAST-MODIFIED:lately").updated_at == datetime(2026, 5, 1, 8, tzinfo=UTC)
    assert only().updated_at is None


@pytest.mark.parametrize(
    ("text", "sequence"),
    [
        ("3", 3),
        ("-1", 0),
        ("", 0),
        ("two", 0),
        ("²", 0),
        ("9999999999", 2**31 - 1),
        ("9" * 5_000, 0),
    ],
)
def test_a_sequence_is_a_number_that_postgres_can_store(text: str, sequence: int):
    assert only(f"SEQUENCE:{text}").sequence == sequence


def test_the_first_of_two_stamps_counts():
    """C4: iCloud writes DTSTAMP twice."""
    event = only("DTSTAMP:20260501T080000Z", "DTSTAMP:20260502T080000Z")
    assert event.updated_at == datetime(2026, 5, 1, 8, tzinfo=UTC)
