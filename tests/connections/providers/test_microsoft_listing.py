"""What the items of a round mean, in whatever order and however often they come."""

import tracemalloc

import pytest

from connections.providers.base import ChangePage
from connections.providers.microsoft.listing import NO_START, Listing
from tests.connections.providers.contract import BERLIN, HOUR, TEN, WINDOW
from tests.fakes.microsoft.store import write_time


@pytest.fixture
def listing() -> Listing:
    return Listing(window=WINDOW, zone=BERLIN)


def event(event_id: str, start=TEN, **fields) -> dict:
    times = {"start": write_time(start), "end": write_time(start + HOUR)}
    return {"id": event_id, "type": "singleInstance", "showAs": "busy", **times, **fields}


def master(event_id: str) -> dict:
    return event(event_id, type="seriesMaster", subject="Standup")


def occurrence(event_id: str, series_id: str) -> dict:
    bare = event(event_id, type="occurrence", seriesMasterId=series_id)
    del bare["showAs"]
    return bare


def gone(event_id: str) -> dict:
    return {"id": event_id, "@removed": {"reason": "deleted"}}


def shown(page: ChangePage) -> tuple[list[str], set[str]]:
    return [event.provider_event_id for event in page.events], set(page.removed)


def occurrences(listing: Listing) -> dict[str, list[tuple[str, str]]]:
    """Of each series, the ids and titles."""
    return {
        series_id: [(item["id"], item.get("subject", "")) for item in series.completed()]
        for series_id, series in listing.series.items()
    }


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([event("a"), gone("a")], ([], {"a"})),
        ([gone("a"), event("a")], (["a"], {"a"})),
        ([event("a"), event("a", WINDOW.end)], ([], {"a"})),
        ([event("a"), event("b"), event("a")], (["b", "a"], set())),
        ([event("a"), master("a")], ([], set())),
        ([event("a"), event("a", start=WINDOW.start - HOUR)], ([], {"a"})),
    ],
)
def test_last_word_on_an_event_counts(listing, items, expected):
    assert shown(listing.page(items)) == expected


def test_page_names_what_it_shows_as_replaced(listing):
    page = listing.page([event("a"), gone("b")])
    assert (page.replaced, page.sync_token) == ({"a"}, "")


def test_pages_do_not_repeat_each_other(listing):
    assert shown(listing.page([event("a"), gone("b")])) == (["a"], {"b"})
    assert shown(listing.page([])) == ([], set())


def test_occurrences_wait_for_their_master_over_pages(listing):
    listing.page([occurrence("s|1", "s") | {"subject": None}])
    assert occurrences(listing) == {"s": [("s|1", "")]}
    assert listing.series["s"].lacks_master is True
    listing.page([master("s")])
    assert occurrences(listing) == {"s": [("s|1", "Standup")]}
    assert listing.series["s"].lacks_master is False


def test_occurrence_that_is_removed_later_is_gone(listing):
    listing.page([master("s"), occurrence("s|1", "s"), occurrence("s|2", "s")])
    page = listing.page([gone("s|1")])
    assert shown(page) == ([], {"s|1"})
    assert occurrences(listing) == {"s": [("s|2", "Standup")]}


def test_master_that_is_removed_is_missing(listing):
    listing.page([master("s"), occurrence("s|1", "s"), gone("s")])
    assert listing.series["s"].lacks_master is True
    assert listing.removed == {"s"}


def test_series_that_becomes_a_single_event_is_one(listing):
    listing.page([master("s"), occurrence("s|1", "s")])
    page = listing.page([event("s")])
    assert shown(page) == (["s"], set())
    assert (listing.series, page.replaced) == ({}, {"s"})


def test_exception_needs_no_master_and_has_its_own_say(listing):
    moved = event("s|1", type="exception", seriesMasterId="s", subject="Moved", isCancelled=None)
    listing.page([moved])
    assert listing.series["s"].lacks_master is False
    listing.page([master("s")])
    assert occurrences(listing) == {"s": [("s|1", "Moved")]}


def test_event_that_cannot_be_read_is_named(listing):
    page = listing.page([event("a", start=TEN), {"id": "b", "type": "singleInstance"}])
    assert [(one.object_id, one.detail) for one in page.problems] == [("b", NO_START)]
    assert shown(page) == (["a"], set())


def test_occurrences_are_not_held_in_memory(listing):
    """Their masters may come last, so all of them wait for the end of the list."""
    tracemalloc.start()
    for number in range(3000):
        listing.page([occurrence(f"s|{number}", "s")])
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(listing.series["s"].completed()) == 3000
    assert held < 200_000
