"""The rules that turn a page of changes into rows and removals."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connections.providers.base import CANCELLED, ChangePage, RemoteEvent, Window
from syncing.plan import is_believable, plan_page

WINDOW = Window(datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC))
NOON = datetime(2027, 6, 1, 12, tzinfo=UTC)
EVENT = RemoteEvent(
    provider_event_id="a", start=NOON, end=NOON + timedelta(hours=1), title="Dentist"
)


def plan(*events, **page):
    return plan_page(ChangePage(events=events, **page), window=WINDOW, with_titles=True)


def test_an_event_in_the_window_is_kept_as_it_is():
    assert plan(EVENT).events == (EVENT,)
    assert plan(EVENT).removed == frozenset()


def test_a_cancelled_event_is_removed():
    planned = plan(replace(EVENT, status=CANCELLED))
    assert (planned.events, planned.removed) == ((), {"a"})


@pytest.mark.parametrize("start", [WINDOW.end, WINDOW.start - timedelta(hours=1)])
def test_an_event_outside_the_window_is_removed_and_not_ignored(start):
    planned = plan(replace(EVENT, start=start, end=start + timedelta(hours=1)))
    assert (planned.events, planned.removed) == ((), {"a"})


def test_an_event_that_reaches_into_the_window_is_kept():
    reaching = replace(EVENT, start=WINDOW.start - timedelta(days=3))
    assert plan(reaching).events == (reaching,)


def test_the_last_word_on_an_event_wins_within_a_page():
    later = replace(EVENT, title="Doctor")
    assert plan(EVENT, later).events == (later,)


def test_removed_ids_and_replaced_series_both_make_room():
    planned = plan(EVENT, removed=frozenset({"x"}), replaced=frozenset({"s"}))
    assert planned.removed == {"x", "s"}


def test_an_inverted_event_is_stored_as_empty():
    planned = plan(replace(EVENT, end=NOON - timedelta(hours=1), start=NOON))
    assert [(event.start, event.end) for event in planned.events] == [(NOON, NOON)]


def test_titles_can_be_left_out():
    page = ChangePage(events=[EVENT])
    planned = plan_page(page, window=WINDOW, with_titles=False)
    assert [event.title for event in planned.events] == [""]


def test_a_title_is_made_fit_for_a_text_column():
    planned = plan(replace(EVENT, title="a\0b" + "c" * 2000))
    assert planned.events[0].title == "ab" + "c" * 998


@pytest.mark.parametrize(
    ("stored", "kept", "believable"),
    [(0, 0, True), (1, 1, True), (1, 0, False), (10, 0, False), (10, 2, False), (10, 3, True)],
)
def test_an_emptied_calendar_is_not_believed_at_first_sight(stored, kept, believable):
    assert is_believable(stored=stored, kept=kept) is believable
