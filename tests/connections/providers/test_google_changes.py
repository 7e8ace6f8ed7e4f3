"""Rounds of changes at Google: pages, sync tokens, series, and what a round must never believe."""

import json
from datetime import UTC, date, datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

import pytest

from connections.providers.base import (
    CalendarGone,
    ProviderUnavailable,
    RemoteEvent,
    SyncTokenExpired,
)
from connections.providers.google import api, changes
from connections.providers.google.bookmarks import read_bookmark
from tests.connections.providers.contract import (
    BERLIN,
    DAY,
    HOUR,
    TEN,
    WINDOW,
    events,
    removed,
    titles,
)
from tests.connections.providers.far_end import Request, Response, edited, instead
from tests.connections.providers.google_far import GoogleCalendar, calendar_at
from tests.connections.providers.rows import Rows
from tests.fakes.google import FakeGoogle, refusing
from tests.fakes.http import Call

WEEK = timedelta(weeks=1)
WEEKLY = ["RRULE:FREQ=WEEKLY"]
LISTS = "/events?"
EXPIRED = refusing(410, "fullSyncRequired", location="syncToken")


@pytest.fixture
def far(google: FakeGoogle) -> GoogleCalendar:
    return calendar_at(google)


def starts(rows: dict[str, RemoteEvent]) -> list[datetime]:
    return sorted(event.start for event in rows.values())


def questions(far: GoogleCalendar) -> list[Call]:
    return [Call(request) for request in far.google.requests if "/events" in request.path]


# --- pages -----------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [0, 1, 2499, 2500, 2501, 5000])
def test_calendar_of_any_size_is_listed_in_full_whatever_the_pages(far, number):
    far.google.cut_pages(seed=number)
    for index in range(number):
        start = WINDOW.start + index * timedelta(minutes=20)
        far.add(f"{index}", start, start + HOUR)
    pages = far.full_round()
    assert sorted(int(event.title) for event in events(pages)) == list(range(number))
    assert [page.sync_token != "" for page in pages] == [False] * (len(pages) - 1) + [True]


def test_empty_pages_do_not_end_a_round_and_the_token_is_the_last_pages(far):
    """Three pages, the second one empty."""
    far.add("One", TEN, TEN + HOUR)
    far.add("Two", TEN + DAY, TEN + DAY + HOUR)
    far.google.cut_pages_into(1, 0, 1)
    pages = far.full_round()
    assert [titles([page]) for page in pages] == [["One"], [], ["Two"]]
    assert titles(far.since(pages[-1].sync_token)) == []


def test_every_page_asks_the_same_question(far):
    for day in range(5):
        far.add(f"{day}", TEN + day * DAY, TEN + day * DAY + HOUR)
    far.google.cut_pages_into(2, 2, 2)
    far.full_round()
    asked = [{k: v for k, v in one.query.items() if k != "pageToken"} for one in questions(far)]
    assert len(asked) == 3
    assert asked[0] == asked[1] == asked[2]


def test_incremental_round_asks_nothing_that_a_sync_token_forbids(far):
    far.since(far.token())
    first, second = questions(far)
    assert second.query.keys() - first.query.keys() == {"syncToken"}
    assert first.query.keys() - second.query.keys() == {"timeMin", "timeMax"}
    same = first.query.keys() & second.query.keys()
    assert {name: first.query[name] for name in same} == {name: second.query[name] for name in same}


def test_guests_descriptions_and_places_are_not_asked_for(far):
    guests = [{"email": f"guest{n}@example.com", "responseStatus": "accepted"} for n in range(3)]
    far.add("Party", TEN, TEN + HOUR, attendees=guests, description="Secret", location="Here")
    answers: list[str] = []

    def listen(request: Request, forward):
        response = forward(request)
        answers.append(response.body.decode())
        return response

    far.google.commit(listen, about=LISTS)
    assert titles(far.full_round()) == ["Party"]
    unwanted = ("guest", "accepted", "Secret", "Here")
    assert [word for word in unwanted if word in answers[0]] == []


def test_walk_in_a_circle_is_given_up(far):
    again = '{"kind": "calendar#events", "items": [], "nextPageToken": "again"}'
    far.google.commit(instead(200, again), times=9)
    with pytest.raises(ProviderUnavailable):
        far.full_round()
    assert len(questions(far)) == 2


def test_walk_without_end_is_given_up(far, monkeypatch):
    monkeypatch.setattr(api, "MAX_PAGES", 3)
    numbers = count()

    def endless(request, forward):
        page = f'{{"kind": "calendar#events", "nextPageToken": "{next(numbers)}"}}'
        return instead(200, page)(request, forward)

    far.google.commit(endless, times=9)
    with pytest.raises(ProviderUnavailable):
        far.full_round()
    assert next(numbers) == 3


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{}",
        '{"items": []}',
        '{"items": [{"summary": "no id"}], "nextSyncToken": "x"}',
        '{"items": ["text"], "nextSyncToken": "x"}',
        '["a list"]',
        "<html>Please sign in</html>",
        '{"items": [',
        "\udcff",
    ],
)
def test_answer_that_is_no_complete_list_is_no_empty_calendar(far, body):
    far.add("Inside", TEN, TEN + HOUR)
    token = far.token()
    broken = Response(200, {}, body.encode(errors="surrogateescape"))
    far.google.commit(lambda *_: broken, times=9)
    with pytest.raises(ProviderUnavailable):
        far.full_round()
    with pytest.raises(ProviderUnavailable):
        far.since(token)


# --- sync tokens -----------------------------------------------------------------------------


def test_expired_sync_token_asks_for_a_full_round(far):
    token = far.token()
    far.google.expire_sync_tokens()
    with pytest.raises(SyncTokenExpired):
        far.since(token)


def test_sync_token_that_expires_on_the_second_page_asks_for_a_full_round(far):
    token = far.token()
    for day in range(4):
        far.add(f"{day}", TEN + day * DAY, TEN + day * DAY + HOUR)
    far.google.cut_pages_into(2, 2)
    pages = far.adapter().changes(far.calendar_id, window=WINDOW, zone=BERLIN, sync_token=token)
    assert titles([next(pages)]) == ["0", "1"]
    far.google.expire_sync_tokens()
    with pytest.raises(SyncTokenExpired):
        list(pages)


@pytest.mark.parametrize(
    "refusal",
    [
        EXPIRED,
        refusing(410, "updatedMinTooLongAgo", location="updatedMin"),
        refusing(400, "invalid", location="syncToken"),
        instead(410, "<html>Gone</html>"),
    ],
)
def test_ways_in_which_a_sync_token_is_refused(far, refusal):
    token = far.token()
    far.google.commit(refusal)
    with pytest.raises(SyncTokenExpired):
        far.since(token)


def test_other_bad_request_is_not_taken_for_an_expired_token(far):
    token = far.token()
    far.google.commit(refusing(400, "badRequest"))
    with pytest.raises(ProviderUnavailable):
        far.since(token)


def test_full_round_that_is_broken_off_says_nothing_about_the_calendar(far):
    far.google.commit(EXPIRED)
    with pytest.raises(ProviderUnavailable):
        far.full_round()


def test_sync_token_of_another_calendar_asks_for_a_full_round(far):
    token = far.token()
    other = calendar_at(far.google)
    with pytest.raises(SyncTokenExpired):
        other.since(token)
    assert len(questions(far)) == 1  # Google was not even asked


@pytest.mark.parametrize("token", ["x", "google-1", "google-1:::", "google-2:a:b:c", ":" * 9])
def test_token_that_was_never_ours_asks_for_a_full_round(far, token):
    with pytest.raises(SyncTokenExpired):
        far.since(token)


def test_token_of_another_kind_or_without_its_end_asks_for_a_full_round(far):
    token = far.token()
    assert read_bookmark(token, far.calendar_id).zone == "Europe/Berlin"
    for other in (token.replace("google-1", "google-0"), token.rpartition(":")[0] + ":"):
        with pytest.raises(SyncTokenExpired):
            read_bookmark(other, far.calendar_id)


def test_calendar_that_is_gone_says_so(far):
    token = far.token()
    far.google.remove_calendar(far.calendar)
    with pytest.raises(CalendarGone):
        far.since(token)
    with pytest.raises(CalendarGone):
        far.full_round()


# --- zones -----------------------------------------------------------------------------------


def test_all_day_events_are_read_in_the_zone_of_the_calendar(google):
    far = calendar_at(google, time_zone="Pacific/Auckland")
    far.add("Fair", date(2026, 6, 15), date(2026, 6, 16))
    [event] = events(far.full_round())
    assert event.start == datetime(2026, 6, 15, tzinfo=ZoneInfo("Pacific/Auckland"))


def test_without_a_zone_that_is_known_the_callers_counts(google):
    far = calendar_at(google)
    far.add("Fair", date(2026, 6, 15), date(2026, 6, 16))
    for zone in ("", "Mars/Olympus", "../../etc/passwd"):
        odd = edited(lambda body, zone=zone: body.replace("Europe/Berlin", zone))
        google.commit(odd, about=LISTS)
        pages = list(
            far.adapter().changes(far.calendar_id, window=WINDOW, zone=ZoneInfo("Asia/Tokyo"))
        )
        [event] = events(pages)
        assert event.start == datetime(2026, 6, 15, tzinfo=ZoneInfo("Asia/Tokyo"))


def test_list_of_changes_that_names_no_zone_is_in_the_zone_known_before(google):
    far = calendar_at(google, time_zone="Asia/Tokyo")
    token = far.token()
    far.add("Fair", date(2026, 6, 15), date(2026, 6, 16))
    google.commit(edited(lambda body: body.replace('"timeZone"', '"other"')), about=LISTS)
    [event] = events(far.since(token))
    assert event.start == datetime(2026, 6, 15, tzinfo=ZoneInfo("Asia/Tokyo"))


def test_calendar_that_moves_to_another_zone_is_read_anew(far):
    far.add("Fair", date(2026, 6, 15), date(2026, 6, 16))
    rows = Rows(far)
    rows.sync()
    far.calendar.time_zone = "America/New_York"
    assert starts(rows.sync()) == [datetime(2026, 6, 15, 4, tzinfo=UTC)]
    assert rows.operations == ["full", "full"]
    rows.sync()
    assert rows.operations[-1] == "incremental"


# --- cancelled, moved in and moved out -------------------------------------------------------


def test_cancelled_event_of_which_only_the_id_is_known_is_removed(far):
    event_id = far.add("Goes", TEN, TEN + HOUR)
    token = far.token()
    far.remove(event_id)
    assert removed(far.since(token)) == {event_id}


def test_cancelled_instance_without_a_time_is_removed_and_its_series_stays(far):
    series = far.add("Weekly", TEN, TEN + HOUR, recurrence=["RRULE:FREQ=WEEKLY;COUNT=4"])
    rows = Rows(far)
    rows.sync()
    far.remove(f"{series}_{TEN + WEEK:%Y%m%dT%H%M%SZ}")
    assert starts(rows.sync()) == [TEN, TEN + 2 * WEEK, TEN + 3 * WEEK]
    assert rows.operations == ["full", "incremental"]


def test_cancelled_series_takes_all_its_instances_along(far):
    far.google.events.deleted_series_show = "master"
    series = far.add("Weekly", TEN, TEN + HOUR, recurrence=WEEKLY)
    far.add("Stays", TEN, TEN + HOUR)
    rows = Rows(far)
    assert len(rows.sync()) == 13
    far.remove(series)
    assert [event.title for event in rows.sync().values()] == ["Stays"]
    assert rows.operations == ["full", "incremental"]


@pytest.mark.parametrize("shown", ["instances", "bare instances"])
def test_deleted_series_of_which_only_some_instances_are_told_is_gone_as_a_whole(far, shown):
    """https://github.com/googleapis/google-api-ruby-client/issues/860"""
    far.google.events.deleted_series_show = shown
    series = far.add("Daily", TEN, TEN + HOUR, recurrence=["RRULE:FREQ=DAILY"])
    far.add("Stays", TEN, TEN + HOUR)
    rows = Rows(far)
    assert len(rows.sync()) == 79
    far.remove(series)
    assert [event.title for event in rows.sync().values()] == ["Stays"]


def test_instances_beyond_the_window_are_not_kept(far):
    rows = Rows(far)
    rows.sync()
    far.add("Endless", TEN, TEN + HOUR, recurrence=WEEKLY)
    assert len(rows.sync()) == 12
    assert max(starts(rows.events)) < WINDOW.end


def test_instance_that_is_moved_beyond_the_window_is_removed(far):
    series = far.add("Weekly", TEN, TEN + HOUR, recurrence=["RRULE:FREQ=WEEKLY;COUNT=3"])
    rows = Rows(far)
    rows.sync()
    far.change(f"{series}_{TEN:%Y%m%dT%H%M%SZ}", "Weekly", WINDOW.end + DAY, WINDOW.end + 2 * DAY)
    assert starts(rows.sync()) == [TEN + WEEK, TEN + 2 * WEEK]


def test_event_that_only_touches_the_window_is_not_in_it(far):
    event_id = far.add("Moves", TEN, TEN + HOUR)
    rows = Rows(far)
    rows.sync()
    far.change(event_id, "Before", WINDOW.start - HOUR, WINDOW.start)
    assert rows.sync() == {}
    far.change(event_id, "After", WINDOW.end, WINDOW.end + HOUR)
    assert rows.sync() == {}
    far.change(event_id, "Across", WINDOW.end - HOUR, WINDOW.end + HOUR)
    assert [event.title for event in rows.sync().values()] == ["Across"]


# --- series ----------------------------------------------------------------------------------


def test_series_that_moves_to_another_day_leaves_nothing_behind(far):
    """Google does not mention the instances that are no more."""
    series = far.add("Weekly", TEN, TEN + HOUR, recurrence=["RRULE:FREQ=WEEKLY;COUNT=3"])
    rows = Rows(far)
    rows.sync()
    far.change(series, "Weekly", TEN + DAY, TEN + DAY + HOUR)
    assert starts(rows.sync()) == [TEN + DAY, TEN + DAY + WEEK, TEN + DAY + 2 * WEEK]
    assert rows.operations == ["full", "incremental"]


def test_series_that_is_cut_short_leaves_nothing_behind(far):
    series = far.add("Weekly", TEN, TEN + HOUR, recurrence=WEEKLY)
    rows = Rows(far)
    rows.sync()
    far.calendar.change(series, recurrence=["RRULE:FREQ=WEEKLY;COUNT=2"])
    assert starts(rows.sync()) == [TEN, TEN + WEEK]


def test_series_that_becomes_a_single_event_leaves_nothing_behind(far):
    series = far.add("Weekly", TEN, TEN + HOUR, recurrence=WEEKLY)
    rows = Rows(far)
    rows.sync()
    far.calendar.change(series, recurrence=None)
    assert starts(rows.sync()) == [TEN]
    assert rows.operations == ["full", "incremental"]


@pytest.mark.parametrize("has_series", [True, False])
def test_single_event_outlives_the_instances_that_it_had_as_a_series(far, has_series):
    series = far.add("Weekly", TEN, TEN + HOUR, recurrence=["RRULE:FREQ=WEEKLY;COUNT=3"])
    rows = Rows(far)
    old = list(rows.sync())
    far.calendar.change(series, recurrence=None)
    of_series = {"recurringEventId": series} if has_series else {}
    cancelled = [{"id": one, "status": "cancelled"} | of_series for one in old]

    def named_as_well(body: str) -> str:
        answer = json.loads(body)
        return json.dumps(answer | {"items": [*answer["items"], *cancelled]})

    far.google.commit(edited(named_as_well), about=LISTS)
    assert starts(rows.sync()) == [TEN]
    assert rows.operations == ["full", "incremental"]


def test_single_event_that_becomes_a_series_is_not_there_twice(far):
    single = far.add("Once", TEN, TEN + HOUR)
    rows = Rows(far)
    rows.sync()
    far.calendar.change(single, recurrence=["RRULE:FREQ=WEEKLY;COUNT=2"])
    assert starts(rows.sync()) == [TEN, TEN + WEEK]


def test_series_that_changed_is_listed_within_the_window_only(far):
    token = far.token()
    series = far.add("Endless", TEN, TEN + HOUR, recurrence=WEEKLY)
    pages = far.since(token)
    question = questions(far)[-1]
    assert question.path.endswith(f"/{series}/instances")
    assert question.first("timeMax") == WINDOW.end.isoformat()
    assert [page.replaced for page in pages if page.events] == [{series}]
    assert (len(events(pages)), removed(pages)) == (12, set())


def test_instance_of_a_series_that_is_not_ours_keeps_its_siblings(far):
    """Invited to two instances alone: the series itself is not in the calendar."""
    rows = Rows(far)
    ids = [f"abroad_{TEN + week * WEEK:%Y%m%dT%H%M%SZ}" for week in range(2)]
    for week, event_id in enumerate(ids):
        start = TEN + week * WEEK
        far.add(f"{week}", start, start + HOUR, id=event_id, recurringEventId="abroad")
    rows.sync()
    far.remove(ids[0])
    assert [event.title for event in rows.sync().values()] == ["1"]


def test_series_that_is_cancelled_for_us_but_for_one_instance_keeps_that_one(far):
    far.google.events.deleted_series_show = "master"
    series = far.add("Weekly", TEN, TEN + HOUR, recurrence=WEEKLY)
    rows = Rows(far)
    rows.sync()
    far.remove(series)
    kept = f"{series}_{TEN + WEEK:%Y%m%dT%H%M%SZ}"
    far.add("Kept", TEN + WEEK, TEN + WEEK + HOUR, id=kept, recurringEventId=series)
    assert [event.title for event in rows.sync().values()] == ["Kept"]


def test_series_that_is_cancelled_together_with_its_instances_is_not_listed(far):
    token = far.token()
    cancelled = '{"id": "e1", "status": "cancelled"}, {"id": "e1_20260615", "status": "cancelled"}'
    head = '"kind": "calendar#events", "timeZone": "Europe/Berlin", "nextSyncToken": "x"'
    body = f'{{{head}, "items": [{cancelled}]}}'
    far.google.commit(instead(200, body))
    assert removed(far.since(token)) == {"e1", "e1_20260615"}
    assert len(questions(far)) == 2


def test_what_a_round_has_shown_of_a_series_is_not_lost_when_listing_it_is_behind(far):
    series = far.add("Weekly", TEN, TEN + HOUR, recurrence=["RRULE:FREQ=WEEKLY;COUNT=3"])
    rows = Rows(far)
    rows.sync()
    far.calendar.change(series, "Weekly!")
    stale = instead(200, '{"kind": "calendar#events", "items": [], "timeZone": "Europe/Berlin"}')
    far.google.commit(stale, about="/instances")
    assert [event.title for event in rows.sync().values()] == ["Weekly!"] * 3


def test_series_that_shows_nothing_is_not_believed_to_be_empty(far):
    series = far.add("Weekly", TEN, TEN + HOUR, recurrence=["RRULE:FREQ=WEEKLY;COUNT=3"])
    rows = Rows(far)
    rows.sync()
    far.remove(f"{series}_{TEN + WEEK:%Y%m%dT%H%M%SZ}")
    empty = instead(200, '{"kind": "calendar#events", "timeZone": "Europe/Berlin"}')
    far.google.commit(empty, about="/instances")
    assert starts(rows.sync()) == [TEN, TEN + 2 * WEEK]
    assert rows.operations == ["full", "full"]


@pytest.mark.parametrize("body", ["{}", '{"kind": "calendar#event", "id": "e1"}'])
def test_answer_that_is_no_list_of_instances_is_no_empty_series(far, body):
    series = far.add("Weekly", TEN, TEN + HOUR, recurrence=WEEKLY)
    token = far.token()
    far.calendar.change(series, "Weekly!")
    far.google.commit(instead(200, body), about="/instances")
    with pytest.raises(ProviderUnavailable):
        far.since(token)


def test_many_series_that_changed_at_once_are_read_with_the_window(far):
    token = far.token()
    for number in range(changes.MAX_SERIES + 1):
        far.add(f"{number}", TEN, TEN + HOUR, recurrence=["RRULE:FREQ=WEEKLY;COUNT=2"])
    with pytest.raises(SyncTokenExpired):
        far.since(token)


def test_instance_that_cannot_be_read_is_a_problem_and_its_series_stays(far):
    token = far.token()
    far.add("Weekly", TEN, TEN + HOUR, recurrence=["RRULE:FREQ=WEEKLY;COUNT=3"])
    second = far.calendar.when(TEN + WEEK)["dateTime"]
    far.google.commit(edited(lambda body: body.replace(second, "soon")), about="/instances")
    pages = far.since(token)
    assert [problem.detail for page in pages for problem in page.problems] == [
        "its start cannot be read"
    ]
    # The list of changes could still read it.
    assert sorted(event.start for event in events(pages)) == [TEN, TEN + WEEK, TEN + 2 * WEEK]


def test_instance_that_is_known_and_cannot_be_read_any_more_stays(far):
    series = far.add("Weekly", TEN, TEN + HOUR, recurrence=["RRULE:FREQ=WEEKLY;COUNT=3"])
    rows = Rows(far)
    rows.sync()
    far.remove(f"{series}_{TEN:%Y%m%dT%H%M%SZ}")
    second = far.calendar.when(TEN + WEEK)["dateTime"]
    far.google.commit(edited(lambda body: body.replace(second, "soon")), about="/events", times=9)
    assert starts(rows.sync()) == [TEN + WEEK, TEN + 2 * WEEK]
    assert rows.operations == ["full", "full"]


def test_event_that_is_known_and_cannot_be_read_any_more_stays(far):
    far.add("Stays", TEN, TEN + HOUR)
    goes = far.add("Goes", TEN + DAY, TEN + DAY + HOUR)
    rows = Rows(far)
    rows.sync()
    far.remove(goes)
    start = far.calendar.when(TEN)["dateTime"]
    far.google.commit(edited(lambda body: body.replace(start, "soon")), about=LISTS)
    rows.token = ""
    assert [event.title for event in rows.sync().values()] == ["Stays"]
