"""Rounds of changes at Microsoft: pages, links, series, and what a round must never believe."""

import json
from datetime import UTC, date, datetime, timedelta
from itertools import count
from random import Random
from zoneinfo import ZoneInfo

import pytest

from connections.providers.base import (
    AddressRefused,
    CalendarGone,
    ProviderUnavailable,
    RateLimited,
    SyncTokenExpired,
    Window,
)
from connections.providers.microsoft import api, changes
from connections.providers.microsoft.listing import NO_MASTER
from tests.connections.providers.contract import BERLIN, DAY, HOUR, TEN, WINDOW, events, titles
from tests.connections.providers.far_end import FarEnd, Request, Response, edited, instead
from tests.connections.providers.microsoft_far import MicrosoftCalendar, calendar_at
from tests.connections.providers.rows import Rows
from tests.fakes.http import Refusal
from tests.fakes.microsoft import FakeMicrosoft
from tests.fakes.microsoft.events import shown
from tests.fakes.microsoft.refusals import refusal
from tests.fakes.microsoft.store import read_time

WEEK = timedelta(weeks=1)
WEEKLY = "FREQ=WEEKLY"
DELTA = "/calendarView/delta"
MONDAYS = [TEN + number * WEEK for number in range(4)]


@pytest.fixture
def far(microsoft: FakeMicrosoft) -> MicrosoftCalendar:
    return calendar_at(microsoft)


@pytest.fixture
def rows(far: MicrosoftCalendar) -> Rows:
    return Rows(far)


def four_mondays(far: MicrosoftCalendar, **fields) -> str:
    return far.add("Standup", TEN, TEN + HOUR, repeats=f"{WEEKLY};COUNT=4", **fields)


def occurrences(far: MicrosoftCalendar, series_id: str) -> list[str]:
    return [one["id"] for one in far.calendar.occurrences(far.calendar.get(series_id))]


def starts(rows: Rows) -> list[datetime]:
    return sorted(event.start for event in rows.events.values())


def asked(far: MicrosoftCalendar, about: str) -> list[Request]:
    return [one for one in far.microsoft.requests if about in one.path]


# --- links and pages -----------------------------------------------------------------------------


def test_every_request_asks_for_ids_that_stay_times_in_utc_and_large_pages(far, rows):
    four_mondays(far)
    rows.sync()
    far.adapter().calendars()
    wishes = {request.headers["Prefer"] for request in far.microsoft.requests}
    assert wishes == {
        'IdType="ImmutableId", outlook.timezone="UTC", outlook.body-content-type="text", '
        "odata.maxpagesize=200"
    }


def test_window_is_asked_for_once_and_links_are_followed_as_they_are(far, rows):
    far.microsoft.cut_pages_into(1)
    far.add("First", TEN, TEN + HOUR)
    far.add("Second", TEN + DAY, TEN + DAY + HOUR)
    rows.sync()
    first, second = [request.path.partition("?")[2] for request in asked(far, DELTA)]
    assert first == "startDateTime=2026-06-01T00%3A00%3A00Z&endDateTime=2026-09-01T00%3A00%3A00Z"
    assert second == "%24skiptoken=R0usmcMDN%2F1~%7E+a%3D%3D"


def test_empty_pages_end_no_list(far, rows):
    for day in range(3):
        far.add(f"day {day}", TEN + day * DAY, TEN + day * DAY + HOUR)
    far.microsoft.cut_pages_into(0, 1, 0, 0, 2)
    rows.sync()
    assert rows.titles() == ["day 0", "day 1", "day 2"]


@pytest.mark.parametrize("count", [0, 1, 200, 201, 401])
def test_list_of_any_length_is_read_to_its_end(far, rows, count):
    for number in range(count):
        far.add(f"{number}", TEN + number * HOUR, TEN + (number + 1) * HOUR)
    assert len(rows.sync()) == count


@pytest.mark.parametrize("link", ["https://evil.example/v1.0/x", "http://127.0.0.1:1/x", 7])
def test_link_to_a_foreign_server_is_refused_and_never_called(far, link):
    far.add("First", TEN, TEN + HOUR)

    def elsewhere(body: str) -> str:
        return json.dumps({"value": [], "@odata.nextLink": link})

    far.microsoft.commit(edited(elsewhere), about=DELTA)
    with pytest.raises(AddressRefused):
        far.full_round()


def test_sync_token_that_was_tampered_with_takes_the_access_token_nowhere(far):
    with FarEnd(lambda request: Response(200)) as thief:
        token = far.token().replace(far.microsoft.url, thief.url)
        with pytest.raises(AddressRefused):
            far.since(token)
        token = far.token().replace(far.microsoft.url, f"{far.microsoft.url}@{thief.url[7:]}")
        with pytest.raises(AddressRefused):
            far.since(token)
        assert thief.requests == []


def test_redirect_is_not_followed(far):
    with FarEnd(lambda request: Response(200)) as thief:
        far.microsoft.commit(instead(302, Location=thief.url), about=DELTA)
        with pytest.raises(ProviderUnavailable):
            far.full_round()
        assert thief.requests == []


def test_list_that_walks_in_a_circle_ends(far):
    def back(body: str) -> str:
        request = asked(far, DELTA)[0]
        return json.dumps({"value": [], "@odata.nextLink": f"{far.microsoft.url}{request.path}"})

    far.microsoft.commit(edited(back), about=DELTA, times=9)
    with pytest.raises(ProviderUnavailable):
        far.full_round()
    assert len(asked(far, DELTA)) == 1


def test_list_without_end_is_given_up(far, monkeypatch):
    monkeypatch.setattr(api, "MAX_PAGES", 5)
    far.microsoft.delta.page_size = lambda limit, left: 0
    far.add("First", TEN, TEN + HOUR)
    with pytest.raises(ProviderUnavailable):
        far.full_round()
    assert len(asked(far, DELTA)) == 5


@pytest.mark.parametrize(
    "body",
    [
        '{"value": []}',
        "{}",
        "[]",
        "<html></html>",
        '{"value": [{"subject": "no id"}]}',
        '{"value": 1}',
    ],
)
def test_page_that_makes_no_sense_ends_no_round(far, body):
    far.microsoft.commit(instead(200, body), about=DELTA)
    with pytest.raises(ProviderUnavailable):
        far.full_round()


def test_walk_that_fails_on_its_second_page_raises(far):
    far.microsoft.cut_pages_into(1)
    far.add("First", TEN, TEN + HOUR)
    far.add("Second", TEN + DAY, TEN + DAY + HOUR)
    far.microsoft.commit(instead(503), about="skiptoken")
    pages = far.adapter().changes(far.calendar_id, window=WINDOW, zone=BERLIN)
    assert titles([next(pages)]) == ["First"]
    with pytest.raises(ProviderUnavailable):
        next(pages)


# --- slowing down --------------------------------------------------------------------------------


@pytest.fixture
def pauses(monkeypatch) -> list[float]:
    """The pauses that were made, without making them."""
    made: list[float] = []
    monkeypatch.setattr(api, "sleep", made.append)
    return made


def each(number: int, wait: int):
    """Every so many-th request is asked to come again after that many seconds."""
    requests = count(1)

    def fault(request: Request, forward) -> Response:
        if next(requests) % number == 0:
            return Response(429, {"Retry-After": str(wait)})
        return forward(request)

    return fault


def test_first_sync_that_is_slowed_down_again_and_again_comes_to_its_end(far, rows, pauses):
    far.microsoft.delta.page_size = lambda limit, left: 2
    for day in range(40):
        far.add(f"{day}", TEN + day * DAY, TEN + day * DAY + HOUR)
    far.microsoft.commit(each(6, wait=12), about=DELTA, times=99)
    assert len(rows.sync()) == 40
    assert pauses == [12.0] * 3


@pytest.mark.parametrize(("wait", "made"), [(21, []), (20, [20.0, 20.0]), (0, [])])
def test_first_sync_waits_for_no_more_than_a_moment(far, pauses, wait, made):
    far.microsoft.cut_pages_into(0)
    far.add("First", TEN, TEN + HOUR)
    far.microsoft.commit(instead(429, Retry_After=str(wait)), about="skiptoken", times=99)
    with pytest.raises(RateLimited) as limited:
        far.full_round()
    assert (pauses, limited.value.retry_after) == (made, wait or 60)


def test_nothing_is_waited_for_where_little_would_be_lost(far, rows, pauses):
    far.microsoft.commit(instead(429, Retry_After="1"), about=DELTA)
    with pytest.raises(RateLimited):
        rows.sync()
    rows.sync()
    far.add("First", TEN, TEN + HOUR)
    far.microsoft.cut_pages_into(0)
    far.microsoft.commit(instead(429, Retry_After="1"), about="skiptoken")
    with pytest.raises(RateLimited):
        rows.sync()
    assert (pauses, rows.operations) == ([], ["full"])


# --- sync tokens ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "expired",
    [
        refusal(410, "syncStateNotFound"),
        refusal(410, "SyncStateNotFound"),
        refusal(400, "syncStateInvalid"),
        refusal(400, "SyncStateInvalid"),
        refusal(404, "SYNCSTATENOTFOUND"),
        refusal(410, "resyncRequired"),
        refusal(400, "ErrorInvalidUrlQuery", "Badly formed token."),
        refusal(400, "BadRequest", innerError={"code": "SyncStateNotFound"}),
        Refusal(Response(410, {"Location": "https://graph.microsoft.com/v1.0/x?$deltatoken="})),
    ],
)
def test_expired_token_in_every_spelling_leads_to_a_full_round(far, rows, expired):
    far.add("Stays", TEN, TEN + HOUR)
    goes = far.add("Goes", TEN + DAY, TEN + DAY + HOUR)
    rows.sync()
    far.remove(goes)
    far.microsoft.delta.expire(expired)
    with pytest.raises(SyncTokenExpired):
        far.since(rows.token)
    rows.sync()
    assert (rows.operations, rows.titles()) == (["full", "full"], ["Stays"])


def test_full_round_whose_own_links_expire_is_tried_again_later(far):
    far.add("First", TEN, TEN + HOUR)
    far.microsoft.commit(instead(410), about=DELTA)
    with pytest.raises(ProviderUnavailable):
        far.full_round()


@pytest.mark.parametrize(
    "other",
    [
        {"window": Window(WINDOW.start, WINDOW.end + DAY)},
        {"window": Window(WINDOW.start + DAY, WINDOW.end)},
        {"zone": ZoneInfo("Asia/Tokyo")},
    ],
)
def test_token_is_good_for_its_window_and_zone_alone(far, other):
    question = {"window": WINDOW, "zone": BERLIN, "sync_token": far.token()} | other
    with pytest.raises(SyncTokenExpired):
        list(far.adapter().changes(far.calendar_id, **question))


def test_token_of_another_calendar_is_refused(far):
    token = far.token()
    far.calendar = far.account.calendar("Other")
    with pytest.raises(SyncTokenExpired):
        far.since(token)


@pytest.mark.parametrize("fault", [None, instead(403)])
def test_calendar_that_is_gone_says_so(far, fault):
    token = far.token()
    if fault is None:
        far.account.drop(far.calendar)
    else:
        far.microsoft.commit(fault, times=9)
    with pytest.raises(CalendarGone):
        far.since(token)


# --- what is gone --------------------------------------------------------------------------------


def test_removal_of_an_event_nobody_knows_changes_nothing(far, rows):
    far.add("Stays", TEN, TEN + HOUR)
    rows.sync()
    far.add("Far away", WINDOW.end + WEEK, WINDOW.end + WEEK + HOUR)
    rows.sync()
    assert (rows.operations, rows.titles()) == (["full", "incremental"], ["Stays"])


def test_removal_of_a_series_removes_its_occurrences(far, rows):
    series = four_mondays(far)
    far.add("Stays", TEN, TEN + HOUR)
    rows.sync()
    far.remove(series)
    rows.sync()
    assert rows.titles() == ["Stays"]


def test_deleted_occurrence_of_which_nothing_is_said_is_gone(far, rows):
    series = four_mondays(far)
    rows.sync()
    far.remove(occurrences(far, series)[1])
    rows.sync()
    assert starts(rows) == [MONDAYS[0], MONDAYS[2], MONDAYS[3]]
    assert rows.operations == ["full", "incremental"]


def test_series_that_is_cut_short_or_moves_leaves_no_ghost(far, rows):
    series = four_mondays(far)
    rows.sync()
    far.calendar.change(series, repeats=f"{WEEKLY};COUNT=2")
    rows.sync()
    assert starts(rows) == MONDAYS[:2]
    far.calendar.change(series, start=TEN + DAY, end=TEN + DAY + HOUR)
    rows.sync()
    assert starts(rows) == [TEN + DAY, TEN + DAY + WEEK]
    far.calendar.change(series, start=WINDOW.end + DAY, end=WINDOW.end + DAY + HOUR)
    assert rows.sync() == {}


def test_event_that_becomes_a_series_and_back_is_stored_once(far, rows):
    event = far.add("Standup", TEN, TEN + HOUR)
    rows.sync()
    far.calendar.change(event, repeats=f"{WEEKLY};COUNT=4")
    rows.sync()
    assert starts(rows) == MONDAYS
    far.calendar.change(event, repeats=None)
    rows.sync()
    assert starts(rows) == [TEN]


def test_event_that_becomes_a_series_during_a_full_round_is_stored_once(far, rows):
    event = far.add("Standup", TEN, TEN + HOUR)
    far.add("Other", TEN + DAY, TEN + DAY + HOUR)
    far.microsoft.cut_pages_into(1)

    def meanwhile(body: str) -> str:
        far.calendar.change(event, repeats=f"{WEEKLY};COUNT=4")
        page, series = json.loads(body), far.calendar.get(event)
        page["value"] += [shown(one, {}) for one in (series, *far.calendar.occurrences(series))]
        return json.dumps(page)

    far.microsoft.commit(edited(meanwhile), about="skiptoken")
    rows.sync()
    assert starts(rows) == sorted([*MONDAYS, TEN + DAY])


def test_event_moved_to_another_calendar_keeps_its_id_and_leaves_no_ghost(far, rows):
    other = MicrosoftCalendar(
        microsoft=far.microsoft, account=far.account, calendar=far.account.calendar("Other")
    )
    there = Rows(other)
    event = far.add("Wanders", TEN, TEN + HOUR)
    rows.sync(), there.sync()
    far.account.move(event, far.calendar, other.calendar)
    assert (list(rows.sync()), list(there.sync())) == ([], [event])


def also_removed(*ids: str):
    """Answers that call these removed, at their end."""

    def edit(body: str) -> str:
        page = json.loads(body)
        page["value"] += [{"id": one, "@removed": {"reason": "deleted"}} for one in ids]
        return json.dumps(page)

    return edited(edit)


def test_series_whose_master_is_told_as_removed_keeps_what_the_view_shows(far, rows):
    series = four_mondays(far)
    rows.sync()
    far.calendar.change(series, "Renamed")
    far.microsoft.commit(also_removed(series), about="deltatoken")
    rows.sync()
    assert rows.titles() == ["Renamed"] * 4


def test_what_is_told_as_removed_and_lives_keeps_its_time(far, rows):
    """A series that began before the window is told so when its first occurrence changes."""
    before = WINDOW.start - 2 * WEEK
    series = far.add("Standup", before, before + HOUR, repeats=WEEKLY)
    dentist, goes = (far.add(title, TEN, TEN + HOUR) for title in ("Dentist", "Goes"))
    rows.sync()
    far.remove(goes)
    far.microsoft.commit(also_removed(series, dentist, "unknown"), about="deltatoken")
    rows.sync()
    assert rows.titles() == ["Dentist"] + ["Standup"] * 14
    assert rows.operations == ["full", "incremental"]
    assert len(asked(far, "/calendarView?")) == 1


@pytest.mark.parametrize("fault", [instead(400), instead(403), instead(404)])
def test_removals_nobody_can_confirm_lead_to_a_full_round(far, rows, fault):
    far.add("Stays", TEN, TEN + HOUR)
    goes = far.add("Goes", TEN + DAY, TEN + DAY + HOUR)
    rows.sync()
    far.remove(goes)
    far.microsoft.commit(fault, about="/calendarView?")
    rows.sync()
    assert (rows.operations, rows.titles()) == (["full", "full"], ["Stays"])


# --- bare occurrences ----------------------------------------------------------------------------


def test_master_of_long_ago_makes_no_row_of_its_own(far, rows):
    long_ago = datetime(2012, 3, 5, 9, tzinfo=UTC)
    far.add("Anniversary", long_ago, long_ago + HOUR, repeats="FREQ=YEARLY;BYMONTH=7;BYMONTHDAY=6")
    rows.sync()
    assert [event.start for event in rows.events.values()] == [datetime(2026, 7, 6, 8, tzinfo=UTC)]


@pytest.mark.parametrize("hides_masters", [False, True])
@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"showAs": "free"}, ("confirmed", "transparent")),
        ({"responseStatus": {"response": "declined"}}, ("confirmed", "transparent")),
        ({"showAs": "tentative"}, ("tentative", "opaque")),
        ({"showAs": "oof"}, ("confirmed", "opaque")),
    ],
)
def test_bare_occurrence_is_what_its_master_says(far, rows, hides_masters, fields, expected):
    far.microsoft.delta.hides_masters = hides_masters
    before = WINDOW.start - 2 * WEEK
    far.add("Standup", before, before + HOUR, repeats=WEEKLY, **fields)
    rows.sync()
    found = {(event.title, event.status, event.transparency) for event in rows.events.values()}
    assert found == {("Standup", *expected)}
    assert len(rows.events) == 14
    assert len(asked(far, "/calendarView?")) == (1 if hides_masters else 0)


def test_cancelled_series_blocks_nothing(far, rows):
    four_mondays(far, isCancelled=True)
    assert rows.sync() == {}


def without_master(far: MicrosoftCalendar, **fields) -> str:
    """A series of 14 occurrences in the window, of which the list shows no master."""
    far.microsoft.delta.hides_masters = True
    before = WINDOW.start - 2 * WEEK
    return far.add("Standup", before, before + HOUR, repeats=WEEKLY, **fields)


def test_series_that_vanish_during_the_round_have_no_occurrences(far, rows):
    series = without_master(far)

    def delete(request: Request, forward) -> Response:
        answer = forward(request)
        far.remove(series)
        return answer

    far.microsoft.commit(delete, about=DELTA)
    assert rows.sync() == {}


def test_series_without_masters_are_shown_by_the_view_at_once(far, rows):
    without_master(far), without_master(far, showAs="free")
    far.microsoft.commit(instead(403), about="/events/", times=9)
    rows.sync()
    assert rows.titles() == ["Standup"] * 28
    assert {event.problem for event in rows.events.values()} == {""}
    assert [event.transparency for event in rows.events.values()].count("opaque") == 14
    assert len(asked(far, "/calendarView?")) == 1


@pytest.mark.parametrize("status", [400, 403, 404])
def test_occurrences_of_which_nothing_more_can_be_learnt_block(far, rows, status):
    without_master(far, showAs="free")
    far.add("Dentist", TEN, TEN + HOUR)
    far.microsoft.commit(instead(status), about="/calendarView?")
    rows.sync()
    assert rows.titles() == [""] * 14 + ["Dentist"]
    assert {event.transparency for event in rows.events.values()} == {"opaque"}
    assert {event.problem for event in rows.events.values()} == {"", NO_MASTER}


def test_one_moved_and_one_declined_occurrence_differ_from_their_series(far, rows):
    series = four_mondays(far)
    first, second, *_ = occurrences(far, series)
    far.calendar.change(first, "Later", TEN + 3 * HOUR, TEN + 4 * HOUR)
    far.calendar.change(second, showAs="free")
    for _ in range(2):
        rows.sync()
        found = [(rows.events[one].start, rows.events[one].transparency) for one in (first, second)]
        assert found == [(TEN + 3 * HOUR, "opaque"), (MONDAYS[1], "transparent")]
        assert rows.titles() == ["Later", "Standup", "Standup", "Standup"]
        far.calendar.change(series, sensitivity="normal")
        far.calendar.change(first, "Later", TEN + 3 * HOUR, TEN + 4 * HOUR)
        far.calendar.change(second, showAs="free")


def test_series_that_can_no_longer_be_read_by_itself_leads_to_a_full_round(far, rows):
    series = four_mondays(far)
    rows.sync()
    far.calendar.change(series, "Renamed")
    far.microsoft.commit(instead(404), about="/instances")
    rows.sync()
    assert (rows.operations, rows.titles()) == (["full", "full"], ["Renamed"] * 4)


def test_series_that_is_deleted_during_the_round_leads_to_no_full_round(far, rows):
    series = four_mondays(far)
    rows.sync()
    far.calendar.change(series, "Renamed")

    def delete(request: Request, forward) -> Response:
        answer = forward(request)
        page = json.loads(answer.body)
        page["value"].insert(0, {"id": series, "@removed": {"reason": "deleted"}})
        far.remove(series)
        return Response(200, answer.headers, json.dumps(page).encode())

    far.microsoft.commit(delete, about="deltatoken")
    assert rows.sync() == {}
    assert rows.operations == ["full", "incremental"]


def test_many_changed_series_are_read_in_one_full_round(far, rows, monkeypatch):
    monkeypatch.setattr(changes, "MAX_SERIES", 2)
    series = [four_mondays(far) for _ in range(3)]
    rows.sync()
    for one in series[:2]:
        far.calendar.change(one, "Renamed")
    rows.sync()
    for one in series:
        far.calendar.change(one, "Once more")
    rows.sync()
    assert rows.operations == ["full", "incremental", "full"]
    assert rows.titles() == ["Once more"] * 12


def test_long_series_is_read_over_all_its_pages(far, rows):
    series = far.add("Hourly", TEN, TEN + HOUR / 2, repeats="FREQ=HOURLY;COUNT=450")
    rows.sync()
    far.calendar.change(series, "Renamed")
    rows.sync()
    assert rows.titles() == ["Renamed"] * 450
    assert len(asked(far, "/instances")) == 3
    assert rows.operations == ["full", "incremental"]


# --- all day -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "hours"),
    [("America/New_York", 24), ("Asia/Tokyo", 24), ("Europe/Berlin", 24)],
)
def test_all_day_event_blocks_the_local_day(far, name, hours):
    zone, day = ZoneInfo(name), date(2026, 7, 1)
    far.add("Off", day, day + DAY)
    [event] = events(list(far.adapter().changes(far.calendar_id, window=WINDOW, zone=zone)))
    assert event.start == datetime(2026, 7, 1, tzinfo=zone).astimezone(UTC)
    assert event.end == datetime(2026, 7, 2, tzinfo=zone).astimezone(UTC)
    assert (event.start_date, event.end_date) == (day, day + DAY)
    assert event.end - event.start == hours * HOUR


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25)])
def test_all_day_event_is_as_long_as_its_day(far, day, hours):
    far.add("Off", day, day + DAY, repeats="FREQ=DAILY;COUNT=1")
    year = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    [event] = events(list(far.adapter().changes(far.calendar_id, window=year, zone=BERLIN)))
    assert event.end - event.start == hours * HOUR


# --- any history ---------------------------------------------------------------------------------


def edit(far: MicrosoftCalendar, random: Random) -> None:
    """One thing that a consultant does in a calendar."""
    start = WINDOW.start + random.randint(-20, 110) * DAY + random.randint(0, 23) * HOUR
    end = start + random.randint(0, 30) * HOUR
    known = list(far.calendar.events)
    kind = random.choice(("add", "series", "change", "remove", "occurrence", "cut", "free"))
    if kind == "add" or not known:
        far.add(f"single {random.random()}", start, end)
    elif kind == "series":
        rule = f"FREQ={random.choice(('DAILY', 'WEEKLY'))};COUNT={random.randint(1, 30)}"
        far.add(f"series {random.random()}", start, start + HOUR, repeats=rule)
    elif kind == "occurrence":
        change_occurrence(far, random, start)
    else:
        change_event(far, random, kind, random.choice(known), start, end)


def change_event(far, random: Random, kind: str, event_id: str, start, end) -> None:
    if kind == "change":
        far.change(event_id, f"changed {random.random()}", start, end)
    elif kind == "remove":
        far.remove(event_id)
    elif kind == "free":
        far.calendar.change(event_id, showAs=random.choice(("free", "busy", "tentative")))
    else:
        rule = random.choice((None, f"{WEEKLY};COUNT={random.randint(1, 5)}"))
        far.calendar.change(event_id, repeats=rule)


def change_occurrence(far, random: Random, start: datetime) -> None:
    items = [one for one in far.calendar.expanded() if "seriesMasterId" in one]
    if not items:
        return
    occurrence = random.choice(items)["id"]
    if random.random() < 0.5:
        far.remove(occurrence)
    else:
        far.change(occurrence, f"moved {random.random()}", start, start + HOUR)


def truth(far: MicrosoftCalendar) -> dict[str, tuple]:
    """What the calendar's owner sees in the window, as slowly and plainly as can be."""
    return {
        one["id"]: (one["subject"], read_time(one["start"]), read_time(one["end"]), one["showAs"])
        for one in far.calendar.expanded()
        if read_time(one["start"]) < WINDOW.end and read_time(one["end"]) > WINDOW.start
    }


def seen(rows: Rows) -> dict[str, tuple]:
    words = {("transparent", "confirmed"): "free", ("opaque", "tentative"): "tentative"}
    return {
        key: (row.title, row.start, row.end, words.get((row.transparency, row.status), "busy"))
        for key, row in rows.events.items()
    }


@pytest.mark.parametrize("seed", range(25))
def test_any_history_of_edits_ends_as_a_fresh_full_sync_does(far, rows, seed):
    random = Random(seed)
    far.microsoft.cut_pages(seed)
    far.microsoft.delta.repeated_part = 0.2
    far.microsoft.delta.hides_masters = random.random() < 0.5
    for _ in range(12):
        for _ in range(random.randint(0, 4)):
            edit(far, random)
        rows.sync()
        assert seen(rows) == truth(far)
    fresh = Rows(far)
    assert rows.events == fresh.sync()
    assert rows.operations.count("incremental") > 8


# --- what cannot be read -------------------------------------------------------------------------


def unreadable(moment: datetime):
    """Answers in which what begins then cannot be read."""

    def edit(body: str) -> str:
        answer = json.loads(body)
        for item in answer["value"]:
            if item.get("start", {}).get("dateTime", "").startswith(f"{moment:%Y-%m-%dT%H:%M}"):
                item["start"]["dateTime"] = "soon"
        return json.dumps(answer)

    return edited(edit)


def test_event_that_is_known_and_cannot_be_read_any_more_stays(far, rows):
    far.add("Stays", TEN, TEN + HOUR)
    goes = far.add("Goes", TEN + DAY, TEN + DAY + HOUR)
    rows.sync()
    far.remove(goes)
    far.microsoft.commit(unreadable(TEN), about=DELTA)
    rows.token = ""
    rows.sync()
    assert rows.titles() == ["Stays"]


def test_occurrence_that_is_known_and_cannot_be_read_any_more_stays(far, rows):
    series = four_mondays(far)
    rows.sync()
    far.remove(occurrences(far, series)[0])
    far.microsoft.commit(unreadable(MONDAYS[1]), about="/instances", times=9)
    far.microsoft.commit(unreadable(MONDAYS[1]), about=DELTA, times=9)
    rows.sync()
    assert starts(rows) == MONDAYS[1:]
    assert rows.operations == ["full", "full"]


def test_event_that_is_told_as_removed_and_cannot_be_read_stays(far, rows):
    event = far.add("Stays", TEN, TEN + HOUR)
    rows.sync()
    far.microsoft.commit(also_removed(event), about="deltatoken")
    far.microsoft.commit(unreadable(TEN), about="/calendarView?")
    rows.sync()
    assert (rows.operations, rows.titles()) == (["full", "full"], ["Stays"])
