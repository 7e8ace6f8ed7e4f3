"""One event of Graph's, read: times, whether it blocks, its title, whose it is."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from connections.providers.microsoft.drafts import PROPERTY
from connections.providers.microsoft.events import NO_END, Unreadable, remote_event
from connections.providers.microsoft.listing import NO_START, read_items
from tests.connections.providers.contract import BERLIN, DRAFT

NEW_YORK = ZoneInfo("America/New_York")


def item(**fields) -> dict:
    """A meeting from 10 to 11 UTC."""
    return {
        "id": "AAk=",
        "type": "singleInstance",
        "@odata.etag": 'W/"1"',
        "subject": "Meeting",
        "start": {"dateTime": "2026-06-15T10:00:00.0000000", "timeZone": "UTC"},
        "end": {"dateTime": "2026-06-15T11:00:00.0000000", "timeZone": "UTC"},
        "showAs": "busy",
        **fields,
    }


def at(text: str, zone: str = "UTC") -> dict:
    return {"dateTime": text, "timeZone": zone}


# --- whether it blocks -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"showAs": "free"}, ("confirmed", "transparent")),
        ({"showAs": "workingElsewhere"}, ("confirmed", "transparent")),
        ({"showAs": "tentative"}, ("tentative", "opaque")),
        ({"showAs": "busy"}, ("confirmed", "opaque")),
        ({"showAs": "oof"}, ("confirmed", "opaque")),
        ({"showAs": "unknown"}, ("confirmed", "opaque")),
        ({"showAs": "a new word"}, ("confirmed", "opaque")),
        ({"showAs": None}, ("confirmed", "opaque")),
        ({"isCancelled": True}, ("cancelled", "opaque")),
        ({"isCancelled": True, "showAs": "free"}, ("cancelled", "transparent")),
    ],
)
def test_what_is_shown_as_what(fields, expected):
    event = remote_event(item(**fields), zone=BERLIN)
    assert (event.status, event.transparency) == expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("declined", ("confirmed", "transparent")),
        ("tentativelyAccepted", ("tentative", "opaque")),
        ("accepted", ("confirmed", "opaque")),
        ("organizer", ("confirmed", "opaque")),
        ("notResponded", ("confirmed", "opaque")),
        ("none", ("confirmed", "opaque")),
        ("a new word", ("confirmed", "opaque")),
    ],
)
def test_what_an_answer_to_an_invitation_means(answer, expected):
    event = remote_event(item(responseStatus={"response": answer}), zone=BERLIN)
    assert (event.status, event.transparency) == expected


@pytest.mark.parametrize(
    ("sensitivity", "title"),
    [("normal", "Meeting"), ("personal", "Meeting"), ("private", "Busy"), ("confidential", "Busy")],
)
def test_title_of_a_private_event_is_not_kept(sensitivity, title):
    assert remote_event(item(sensitivity=sensitivity), zone=BERLIN).title == title


# --- times -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "hour"),
    [
        ("UTC", 10),
        (None, 10),  # it was asked for
        ("Europe/Berlin", 8),
        ("W. Europe Standard Time", 8),
        ("Pacific Standard Time", 17),
        ("tzone://Microsoft/Utc", 10),
        ("tzone://Microsoft/Custom", 14),  # nobody knows it: the consultant's
    ],
)
def test_zone_goes_by_its_own_or_its_windows_name(zone, hour):
    event = remote_event(item(start=at("2026-06-15T10:00:00.0000000", zone)), zone=NEW_YORK)
    assert event.start == datetime(2026, 6, 15, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "hour"), [("America/New_York", 4), ("Asia/Tokyo", -9), ("Europe/Berlin", -2)]
)
@pytest.mark.parametrize("written_in", ["UTC", "Tokyo Standard Time"])
def test_all_day_event_is_on_its_date_whatever_zone_it_is_told_in(zone, hour, written_in):
    day = item(
        isAllDay=True,
        start=at("2026-07-01T00:00:00.0000000", written_in),
        end=at("2026-07-03T00:00:00.0000000", written_in),
    )
    event = remote_event(day, zone=ZoneInfo(zone))
    midnight = datetime(2026, 7, 1, tzinfo=UTC).timestamp() + hour * 3600
    assert (event.start_date, event.end_date) == (date(2026, 7, 1), date(2026, 7, 3))
    assert (event.start.timestamp(), event.end.timestamp()) == (midnight, midnight + 48 * 3600)


@pytest.mark.parametrize("end", [None, {}, at("soon"), "tomorrow"])
def test_event_whose_end_cannot_be_read_blocks_a_day(end):
    event = remote_event(item(end=end), zone=BERLIN)
    assert event.end == datetime(2026, 6, 16, 10, tzinfo=UTC)
    assert event.problem == NO_END


def test_all_day_event_that_ends_as_it_begins_lasts_its_day():
    same = at("2026-07-01T00:00:00")
    event = remote_event(item(isAllDay=True, start=same, end=same), zone=BERLIN)
    assert (event.start_date, event.end_date) == (date(2026, 7, 1), date(2026, 7, 2))
    assert event.problem == NO_END


def test_event_without_a_start_is_named_and_stops_nobody():
    with pytest.raises(Unreadable):
        remote_event(item(start=None), zone=BERLIN)
    events, problems = read_items([item(id="bad", start={}), item(id="good")], zone=BERLIN)
    assert [event.provider_event_id for event in events] == ["good"]
    assert [(problem.object_id, problem.detail) for problem in problems] == [("bad", NO_START)]


def test_times_of_change_are_read_where_they_can_be():
    changed = remote_event(item(lastModifiedDateTime="2026-06-01T08:00:00.1234567Z"), zone=BERLIN)
    assert changed.updated_at == datetime(2026, 6, 1, 8, 0, 0, 123456, tzinfo=UTC)
    assert remote_event(item(lastModifiedDateTime="lately"), zone=BERLIN).updated_at is None


# --- whose it is ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "is_ours"),
    [
        ({"transactionId": f"calsync-{DRAFT.booking_id}"}, True),
        ({"transactionId": f"calsync-{DRAFT.booking_id}.2"}, True),
        (
            {"singleValueExtendedProperties": [{"id": PROPERTY, "value": f"{DRAFT.booking_id}"}]},
            True,
        ),
        (
            {"singleValueExtendedProperties": [{"id": "other", "value": f"{DRAFT.booking_id}"}]},
            False,
        ),
        ({"iCalUId": DRAFT.uid}, True),  # an invitation to it, in another calendar
        ({"iCalUId": f"b{DRAFT.booking_id.hex}@google.com"}, True),
        ({"iCalUId": "040000008200E00074C5B7101A82E008"}, False),
        ({"transactionId": str(DRAFT.booking_id)}, False),
        ({"transactionId": "calsync-nobody"}, False),
        ({"transactionId": None}, False),
        ({}, False),
    ],
)
def test_our_own_event_is_recognised_by_its_marks(fields, is_ours):
    found = remote_event(item(**fields), zone=BERLIN).booking_id
    assert found == (DRAFT.booking_id if is_ours else None)
