"""What every calendar adapter must do, whatever it speaks to.

A test module makes a ``Far`` for its provider (a calendar at a real or faithfully played far end,
and the means to change it as the consultant would), offers it as a fixture named ``far``, and
subclasses ``AdapterContract``.
"""

from abc import ABC, abstractmethod
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from connections.providers.base import (
    CalendarAdapter,
    ChangePage,
    EventDraft,
    EventGone,
    RemoteEvent,
    SyncTokenExpired,
    Window,
)

BERLIN = ZoneInfo("Europe/Berlin")
WINDOW = Window(datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 9, 1, tzinfo=UTC))
TEN = datetime(2026, 6, 15, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

DRAFT = EventDraft(
    booking_id=UUID("6a1fe1a3-6d0b-4d9c-9c3c-1f2f3a4b5c6d"),
    uid="calsync-6a1fe1a3-6d0b-4d9c-9c3c-1f2f3a4b5c6d",
    sequence=0,
    start=TEN,
    end=TEN + HOUR,
    title="Intro call: Ada Lovelace",
    description="First line\nSecond line; with, everything\\ and Umlauts: äöü",
    location="Musterstraße 1, Berlin",
)


class Far(ABC):
    """One empty calendar at the provider, seen from the consultant's side."""

    calendar_id: str

    @abstractmethod
    def adapter(self) -> CalendarAdapter:
        """A new adapter, as every task builds one."""

    @abstractmethod
    def add(self, title: str, start: datetime, end: datetime) -> str:
        """A new event; what the adapter calls its series."""

    @abstractmethod
    def change(self, series_id: str, title: str, start: datetime, end: datetime) -> None: ...

    @abstractmethod
    def remove(self, series_id: str) -> None: ...

    # --- reading through the adapter -----------------------------------------------------------

    def full_round(self) -> list[ChangePage]:
        pages = self.adapter().changes(self.calendar_id, window=WINDOW, zone=BERLIN)
        return list(pages)

    def since(self, sync_token: str) -> list[ChangePage]:
        return list(
            self.adapter().changes(
                self.calendar_id, window=WINDOW, zone=BERLIN, sync_token=sync_token
            )
        )

    def token(self) -> str:
        return self.full_round()[-1].sync_token


def titles(pages: list[ChangePage]) -> list[str]:
    return sorted(event.title for page in pages for event in page.events)


def events(pages: list[ChangePage]) -> list[RemoteEvent]:
    return [event for page in pages for event in page.events]


def removed(pages: list[ChangePage]) -> set[str]:
    return {gone for page in pages for gone in page.removed}


class AdapterContract:
    """Inherited once per provider."""

    def test_calendar_is_offered_for_selection(self, far: Far):
        offered = {calendar.calendar_id: calendar for calendar in far.adapter().calendars()}

        assert offered[far.calendar_id].is_writable is True
        assert offered[far.calendar_id].blocks_time is True

    def test_full_round_lists_the_window_and_nothing_else(self, far: Far):
        far.add("Before", WINDOW.start - 2 * DAY, WINDOW.start - DAY)
        far.add("Inside", TEN, TEN + HOUR)
        far.add("After", WINDOW.end + DAY, WINDOW.end + 2 * DAY)

        pages = far.full_round()

        assert titles(pages) == ["Inside"]
        assert [(event.start, event.end) for event in events(pages)] == [(TEN, TEN + HOUR)]

    def test_sync_token_comes_with_the_last_page_only(self, far: Far):
        far.add("Inside", TEN, TEN + HOUR)

        pages = far.full_round()

        assert [bool(page.sync_token) for page in pages] == [False] * (len(pages) - 1) + [True]

    def test_nothing_changed_is_one_page_with_a_token_and_no_events(self, far: Far):
        far.add("Inside", TEN, TEN + HOUR)

        pages = far.since(far.token())

        assert (titles(pages), removed(pages)) == ([], set())
        assert pages[-1].sync_token != ""

    def test_added_changed_and_removed_events_are_reported_once(self, far: Far):
        far.add("Stays", TEN, TEN + HOUR)
        moves = far.add("Moves", TEN + DAY, TEN + DAY + HOUR)
        goes = far.add("Goes", TEN + 2 * DAY, TEN + 2 * DAY + HOUR)
        token = far.token()

        far.add("Comes", TEN + 3 * DAY, TEN + 3 * DAY + HOUR)
        far.change(moves, "Moved", TEN + 4 * DAY, TEN + 4 * DAY + HOUR)
        far.remove(goes)
        pages = far.since(token)

        assert titles(pages) == ["Comes", "Moved"]
        assert removed(pages) == {goes}
        assert titles(far.since(pages[-1].sync_token)) == []

    def test_event_that_leaves_the_window_is_no_longer_shown(self, far: Far):
        series = far.add("Inside", TEN, TEN + HOUR)
        token = far.token()

        far.change(series, "Outside", WINDOW.end + DAY, WINDOW.end + 2 * DAY)
        pages = far.since(token)

        assert titles(pages) == []
        assert series in removed(pages) | {one for page in pages for one in page.replaced}

    def test_event_that_enters_the_window_is_shown(self, far: Far):
        series = far.add("Outside", WINDOW.end + DAY, WINDOW.end + 2 * DAY)
        token = far.token()

        far.change(series, "Inside", TEN, TEN + HOUR)

        assert titles(far.since(token)) == ["Inside"]

    def test_token_of_another_shape_asks_for_a_full_round(self, far: Far):
        with pytest.raises(SyncTokenExpired):
            far.since("a token of another age")

    def test_booking_is_written_and_comes_back_as_ours(self, far: Far):
        token = far.token()

        written = far.adapter().create_event(far.calendar_id, DRAFT)
        [event] = events(far.since(token))

        assert event.booking_id == DRAFT.booking_id
        assert written.provider_event_id in (event.provider_event_id, event.series_id)
        assert (event.title, event.start, event.end) == (DRAFT.title, DRAFT.start, DRAFT.end)
        assert (event.status, event.transparency) == ("confirmed", "opaque")

    def test_writing_again_leaves_exactly_one_event(self, far: Far):
        first = far.adapter().create_event(far.calendar_id, DRAFT)
        again = far.adapter().create_event(far.calendar_id, DRAFT)

        assert again == first
        assert titles(far.full_round()) == [DRAFT.title]

    def test_writing_again_brings_the_event_up_to_date(self, far: Far):
        far.adapter().create_event(far.calendar_id, DRAFT)
        later = replace(DRAFT, start=TEN + DAY, end=TEN + DAY + HOUR, sequence=1)

        far.adapter().create_event(far.calendar_id, later)

        assert [event.start for event in events(far.full_round())] == [TEN + DAY]

    def test_booking_is_moved_in_place(self, far: Far):
        written = far.adapter().create_event(far.calendar_id, DRAFT)
        later = replace(DRAFT, start=TEN + DAY, end=TEN + DAY + HOUR, sequence=1, title="Later")

        moved = far.adapter().update_event(far.calendar_id, written.provider_event_id, later)
        [event] = events(far.full_round())

        assert moved.provider_event_id == written.provider_event_id
        assert (event.title, event.start, event.end) == ("Later", later.start, later.end)
        assert event.booking_id == DRAFT.booking_id

    def test_moving_a_removed_booking_says_that_it_is_gone(self, far: Far):
        written = far.adapter().create_event(far.calendar_id, DRAFT)
        far.remove(written.provider_event_id)

        with pytest.raises(EventGone):
            far.adapter().update_event(far.calendar_id, written.provider_event_id, DRAFT)

    def test_booking_is_removed_however_often_it_is_tried(self, far: Far):
        written = far.adapter().create_event(far.calendar_id, DRAFT)

        far.adapter().delete_event(far.calendar_id, written.provider_event_id)
        far.adapter().delete_event(far.calendar_id, written.provider_event_id)

        assert titles(far.full_round()) == []

    def test_direct_read_shows_where_the_consultant_moved_it(self, far: Far):
        written = far.adapter().create_event(far.calendar_id, DRAFT)
        before = far.adapter().read_event(far.calendar_id, written.provider_event_id, zone=BERLIN)
        far.change(written.provider_event_id, "Moved by hand", TEN + DAY, TEN + DAY + HOUR)
        after = far.adapter().read_event(far.calendar_id, written.provider_event_id, zone=BERLIN)

        assert (before.title, before.start) == (DRAFT.title, TEN)
        assert (after.title, after.start) == ("Moved by hand", TEN + DAY)
        assert after.booking_id == DRAFT.booking_id

    def test_direct_read_of_a_removed_booking_says_that_it_is_gone(self, far: Far):
        written = far.adapter().create_event(far.calendar_id, DRAFT)
        far.remove(written.provider_event_id)

        with pytest.raises(EventGone):
            far.adapter().read_event(far.calendar_id, written.provider_event_id, zone=BERLIN)
