"""What one event says, as Google sends it."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from connections.providers.base import RemoteEvent, Window
from connections.providers.booking_ids import booking_uid
from connections.providers.google.drafts import event_ids
from connections.providers.google.events import Unreadable, remote_event, series_of
from connections.providers.google.listing import sort_items

BERLIN = ZoneInfo("Europe/Berlin")
TEN = datetime(2027, 3, 1, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
WINDOW = Window(datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC))
BOOKING = UUID("6a1fe1a3-6d0b-4d9c-9c3c-1f2f3a4b5c6d")
OURS = {"extendedProperties": {"private": {"calsyncBooking": str(BOOKING)}}}
SELF = {"email": "anna@example.com", "self": True}


def item(**fields) -> dict:
    return {
        "id": "e1",
        "status": "confirmed",
        "summary": "Dentist",
        "start": {"dateTime": "2027-03-01T11:00:00+01:00", "timeZone": "Europe/Berlin"},
        "end": {"dateTime": "2027-03-01T12:00:00+01:00", "timeZone": "Europe/Berlin"},
        **fields,
    }


def read(**fields) -> RemoteEvent:
    return remote_event(item(**fields), zone=BERLIN)


def all_day(first: str, last: str) -> dict:
    return {"start": {"date": first}, "end": {"date": last}}


# --- whether it blocks -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "status", "transparency"),
    [
        ({}, "confirmed", "opaque"),
        ({"status": "tentative"}, "tentative", "opaque"),
        ({"status": "something new"}, "confirmed", "opaque"),
        ({"transparency": "opaque"}, "confirmed", "opaque"),
        ({"transparency": "transparent"}, "confirmed", "transparent"),
        ({"transparency": "something new"}, "confirmed", "opaque"),
        ({"attendees": [SELF | {"responseStatus": "accepted"}]}, "confirmed", "opaque"),
        ({"attendees": [SELF | {"responseStatus": "needsAction"}]}, "confirmed", "opaque"),
        ({"attendees": [SELF | {"responseStatus": "tentative"}]}, "tentative", "opaque"),
        ({"attendees": [SELF | {"responseStatus": "declined"}]}, "confirmed", "transparent"),
        ({"attendees": [{"responseStatus": "declined"}]}, "confirmed", "opaque"),
        ({"attendees": [{"responseStatus": "tentative"}]}, "confirmed", "opaque"),
        ({"eventType": "default"}, "confirmed", "opaque"),
        ({"eventType": "workingLocation"}, "confirmed", "transparent"),
        ({"eventType": "birthday"}, "confirmed", "transparent"),
        ({"eventType": "outOfOffice"}, "confirmed", "opaque"),
        ({"eventType": "outOfOffice", "transparency": "transparent"}, "confirmed", "opaque"),
        ({"eventType": "focusTime"}, "confirmed", "opaque"),
        ({"eventType": "fromGmail"}, "confirmed", "opaque"),
        ({"eventType": "fromGmail", "transparency": "transparent"}, "confirmed", "transparent"),
        ({"eventType": "a new type"}, "confirmed", "opaque"),
    ],
)
def test_what_counts_as_busy(fields, status, transparency):
    event = read(**fields)
    assert (event.status, event.transparency) == (status, transparency)


def test_own_answer_counts_among_many():
    others = [{"responseStatus": "accepted"}, {"responseStatus": "needsAction"}]
    event = read(attendees=[*others, SELF | {"responseStatus": "declined"}])
    assert event.transparency == "transparent"


# --- when it is ------------------------------------------------------------------------------


def test_times_are_read_with_their_offset():
    event = read()
    assert (event.start, event.end, event.is_all_day) == (TEN, TEN + HOUR, False)
    assert event.start.tzinfo is UTC


def test_all_day_on_a_short_day_blocks_exactly_the_local_day():
    event = read(**all_day("2027-03-28", "2027-03-29"))
    assert event.start == datetime(2027, 3, 27, 23, tzinfo=UTC)
    assert event.end - event.start == timedelta(hours=23)
    assert (event.start_date, event.end_date) == (date(2027, 3, 28), date(2027, 3, 29))


def test_all_day_on_a_long_day_blocks_exactly_the_local_day():
    event = read(**all_day("2027-10-31", "2027-11-01"))
    assert event.end - event.start == timedelta(hours=25)


@pytest.mark.parametrize(
    ("zone", "start"),
    [
        ("Pacific/Kiritimati", datetime(2027, 5, 31, 10, tzinfo=UTC)),
        ("Pacific/Pago_Pago", datetime(2027, 6, 1, 11, tzinfo=UTC)),
        ("Asia/Kathmandu", datetime(2027, 5, 31, 18, 15, tzinfo=UTC)),
    ],
)
def test_all_day_begins_at_midnight_of_the_calendars_zone(zone, start):
    event = remote_event(item(**all_day("2027-06-01", "2027-06-03")), zone=ZoneInfo(zone))
    assert (event.start, event.end) == (start, start + timedelta(days=2))


@pytest.mark.parametrize(
    "end",
    [
        None,
        {},
        {"dateTime": "soon"},
        {"dateTime": "9999-12-31T23:59:59-12:00"},
        {"date": "2027-03-02"},
        "tomorrow",
    ],
)
def test_event_with_an_unreadable_end_blocks_a_day_and_says_so(end):
    event = read(end=end)
    assert (event.start, event.end) == (TEN, TEN + timedelta(days=1))
    assert event.problem == "its end cannot be read"


@pytest.mark.parametrize("end", [{"date": "2027-03-28"}, {"dateTime": "2027-03-29T00:00:00Z"}])
def test_all_day_without_a_later_day_as_its_end_is_that_day(end):
    event = read(start={"date": "2027-03-28"}, end=end)
    assert (event.start_date, event.end_date) == (date(2027, 3, 28), date(2027, 3, 29))
    assert event.end - event.start == timedelta(hours=23)
    assert event.problem == "its end cannot be read"


@pytest.mark.parametrize(
    "start", [None, {}, {"dateTime": "soon"}, {"dateTime": "0001-01-01T00:00:00+14:00"}, "now"]
)
def test_event_that_begins_nobody_knows_when_is_a_problem_and_stops_nothing(start):
    with pytest.raises(Unreadable):
        read(start=start)
    listing = sort_items([item(start=start), item(id="e2")], window=WINDOW, zone=BERLIN)
    assert [event.provider_event_id for event in listing.events] == ["e2"]
    assert [(one.object_id, one.detail) for one in listing.problems] == [
        ("e1", "its start cannot be read")
    ]


def test_event_with_a_problem_is_shown_and_named():
    listing = sort_items([item(end=None)], window=WINDOW, zone=BERLIN)
    assert [event.provider_event_id for event in listing.singles] == ["e1"]
    assert [(one.object_id, one.detail) for one in listing.problems] == [
        ("e1", "its end cannot be read")
    ]


@pytest.mark.parametrize(
    ("start", "end", "is_shown"),
    [
        (WINDOW.start - HOUR, WINDOW.start, False),
        (WINDOW.start - HOUR, WINDOW.start + HOUR, True),
        (WINDOW.end - HOUR, WINDOW.end, True),
        (WINDOW.end, WINDOW.end + HOUR, False),
        (WINDOW.start - HOUR, WINDOW.end + HOUR, True),
    ],
)
def test_what_only_touches_the_window_is_outside(start, end, is_shown):
    times = {"start": {"dateTime": start.isoformat()}, "end": {"dateTime": end.isoformat()}}
    listing = sort_items([item(**times)], window=WINDOW, zone=BERLIN)
    assert ([event.start for event in listing.singles] == [start]) is is_shown
    assert (listing.gone == {"e1"}) is not is_shown


def test_time_without_an_offset_is_the_calendars():
    event = read(start={"dateTime": "2027-03-01T11:00:00"})
    assert event.start == TEN


# --- what it is called, and whose it is ------------------------------------------------------


@pytest.mark.parametrize("visibility", ["private", "confidential"])
def test_private_event_is_called_busy_and_blocks(visibility):
    event = read(visibility=visibility, summary="Secret")
    assert (event.title, event.transparency) == ("Busy", "opaque")


def test_private_event_whose_details_are_withheld_blocks():
    withheld = {name: item()[name] for name in ("id", "status", "start", "end")}
    event = remote_event(withheld | {"visibility": "private"}, zone=BERLIN)
    assert (event.title, event.start, event.transparency) == ("Busy", TEN, "opaque")


def test_title_is_one_that_can_be_stored():
    event = read(summary="a\0b\ud800c\nd" + "e" * 2000)
    assert event.title == ("abc d" + "e" * 2000)[:1000]


def test_event_without_a_title_has_none():
    untitled = {name: value for name, value in item().items() if name != "summary"}
    assert remote_event(untitled, zone=BERLIN).title == ""


def test_technical_fields_are_kept():
    event = read(
        etag='"17"', updated="2027-02-01T09:00:00.123Z", sequence=3, iCalUID="abc@google.com"
    )
    assert (event.version, event.sequence, event.uid) == ('"17"', 3, "abc@google.com")
    assert event.updated_at == datetime(2027, 2, 1, 9, 0, 0, 123000, tzinfo=UTC)


def test_technical_fields_are_such_that_they_can_be_stored():
    event = read(sequence=2**40, iCalUID="a\0b\ud800c\nd")
    assert (event.sequence, event.uid) == (2**31 - 1, "abc d")


def test_moment_of_change_that_cannot_be_read_is_unknown():
    assert read(updated="yesterday").updated_at is None


def test_our_own_event_is_recognised():
    own_id = next(event_ids(BOOKING))
    assert read(id=own_id, **OURS).booking_id == BOOKING


def test_our_own_event_is_recognised_under_a_later_id_of_its_booking():
    *_, last = event_ids(BOOKING)
    assert read(id=last, **OURS).booking_id == BOOKING


def test_instance_of_our_event_that_was_made_recurring_is_recognised():
    own_id = next(event_ids(BOOKING))
    event = read(id=f"{own_id}_20270301T100000Z", recurringEventId=own_id, **OURS)
    assert event.booking_id == BOOKING


def test_copy_of_our_event_is_the_consultants_own():
    assert read(id="e77", **OURS).booking_id is None


def test_strangers_event_under_our_id_is_not_ours():
    """An invitation brings the organizer's id along, but none of our properties."""
    assert read(id=next(event_ids(BOOKING))).booking_id is None


def test_invitation_to_our_event_in_another_calendar_is_ours():
    """It keeps the UID: the one Google made of our id, or that of the mail we sent."""
    for uid in (f"{next(event_ids(BOOKING))}@google.com", booking_uid(BOOKING)):
        assert read(id="e77", iCalUID=uid).booking_id == BOOKING


@pytest.mark.parametrize(
    ("fields", "series"),
    [
        ({"id": "e1"}, ""),
        ({"id": "e1_20270301T100000Z", "recurringEventId": "e1"}, "e1"),
        ({"id": "e1_20270301T100000Z"}, ""),  # alive: Google would have named its series
        ({"id": "e1_20270301T100000Z", "status": "cancelled"}, "e1"),
        ({"id": "e1_20270301", "status": "cancelled"}, "e1"),
        (
            {"id": "_6p33_R20260101T090000_20270301T100000Z", "status": "cancelled"},
            "_6p33_R20260101T090000",
        ),
        ({"id": "e1_R20270301T100000", "status": "cancelled"}, ""),
        ({"id": "e1", "status": "cancelled", "recurringEventId": "e0"}, "e0"),
    ],
)
def test_series_of_an_item(fields, series):
    assert series_of(fields) == series
