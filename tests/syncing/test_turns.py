"""Calendars take turns: one server that hangs keeps no other calendar waiting."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from django.db import connection as database

from connections import adapters
from connections.models import CalendarConnection
from connections.providers.base import ChangePage, ProviderUnavailable, RateLimited
from syncing import tasks, turns
from syncing.leases import take
from syncing.models import SyncedEvent
from tests.factories import ConnectionFactory
from tests.syncing.scripted import event

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC).replace(microsecond=0)
SECOND = timedelta(seconds=1)
HANGING, GOOD = "https://hanging.example.com/", "https://good.example.com/"


@pytest.fixture(autouse=True)
def four_workers(settings) -> None:
    settings.WORKERS = 4


def due(count: int = 1, *, waits: int = 1, **fields) -> list:
    """The keys of so many calendars that have waited for so many seconds."""
    moment = NOW - waits * SECOND
    return [ConnectionFactory(next_sync_at=moment, **fields).pk for _ in range(count)]


def test_one_server_keeps_half_of_the_workers_at_most():
    hanging = set(due(20, waits=60, caldav_url=HANGING))
    others = set(due(1, caldav_url=GOOD) + due(1, provider="google", caldav_url=None))
    handed_out = turns.hand_out(NOW)
    assert len(hanging.intersection(handed_out)) == 2
    assert others.issubset(handed_out)
    assert turns.hand_out(NOW + SECOND) == []


def test_calendars_that_failed_share_half_of_the_workers_whatever_their_server():
    failing = [
        due(1, waits=60, caldav_url=f"https://{n}.example.com/", failure_count=1)[0]
        for n in range(5)
    ]
    [good] = due(1, caldav_url=GOOD)
    handed_out = turns.hand_out(NOW)
    assert len(set(failing).intersection(handed_out)) == 2
    assert good in handed_out


def test_a_single_worker_still_syncs(settings):
    settings.WORKERS = 1
    due(3, caldav_url=GOOD)
    assert len(turns.hand_out(NOW)) == 1


def test_a_calendar_that_is_handed_out_is_so_until_it_comes_back():
    [one] = due(1)
    assert turns.hand_out(NOW) == [one]
    assert turns.hand_out(NOW + turns.PATIENCE - SECOND) == []
    turns.give_back(one)
    assert turns.hand_out(NOW) == [one]


def test_a_calendar_that_a_booking_reads_already_is_not_handed_out():
    [one] = due(1)
    take(one)
    assert turns.hand_out(NOW) == []


def test_a_long_sync_keeps_its_place_in_the_lane():
    long = due(2, waits=60, caldav_url=HANGING)
    assert set(turns.hand_out(NOW)) == set(long)
    for connection_id in long:
        take(connection_id)
    due(1, caldav_url=HANGING)
    assert turns.hand_out(NOW + turns.PATIENCE) == []


def test_the_longest_waiting_of_a_lane_is_next():
    [second] = due(1, waits=2, caldav_url=GOOD)
    [first] = due(1, waits=3, caldav_url=GOOD)
    due(1, waits=9, caldav_url=HANGING)
    lane = turns.lane_of(first)
    assert [turns.next_of(lane, NOW) for _ in range(3)] == [first, second, None]


@pytest.mark.django_db(transaction=True)
def test_two_workers_never_get_the_same_calendar():
    connections = due(40, caldav_url=GOOD)
    lane, barrier = turns.lane_of(connections[0]), Barrier(4)

    def work() -> list:
        barrier.wait()
        try:
            return [turns.next_of(lane, NOW) for _ in range(10)]
        finally:
            database.close()

    with ThreadPoolExecutor(4) as pool:
        got = [one for work in [pool.submit(work) for _ in range(4)] for one in work.result()]
    assert len(set(got) - {None}) == len(got) - got.count(None)
    assert set(got) - {None} <= set(connections)


# --- the worker ----------------------------------------------------------------------------------


@pytest.fixture
def answers(monkeypatch) -> dict:
    """By address: what a server raises. All others have one event."""
    told: dict[str, Exception] = {}

    class Server:
        def __init__(self, credentials) -> None:
            self.url = credentials.server_url

        def changes(self, calendar_id: str, **question):
            if self.url in told:
                raise told[self.url]
            yield ChangePage(events=[event(calendar_id, NOW)], sync_token="token")

    monkeypatch.setitem(adapters.ADAPTERS, "apple", Server)
    return told


def test_a_worker_goes_on_with_the_next_calendar_of_the_lane(answers):
    due(5, caldav_url=GOOD)
    elsewhere = due(1, caldav_url=HANGING)
    one, other, _ = turns.hand_out(NOW)
    tasks.sync(str(one))
    assert SyncedEvent.objects.exclude(connection=other).count() == 4
    row = CalendarConnection.objects.get(pk=elsewhere[0])
    assert (row.handed_out_at, row.sync_token) == (NOW, None)


def test_a_worker_whose_shift_is_over_leaves_the_others_due(answers, monkeypatch):
    monkeypatch.setattr(tasks, "SHIFT_SECONDS", 0)
    due(5, caldav_url=GOOD)
    for connection_id in turns.hand_out(NOW):
        tasks.sync(str(connection_id))
    assert SyncedEvent.objects.count() == 2
    assert len(turns.hand_out(NOW)) == 2


@pytest.mark.parametrize(
    "error", [ProviderUnavailable("503"), RateLimited("429", retry_after=600), ZeroDivisionError()]
)
def test_a_calendar_that_fails_is_given_back_and_left_alone_for_a_while(answers, error):
    answers[HANGING] = error
    [one] = due(1, caldav_url=HANGING)
    turns.hand_out(NOW)
    began = datetime.now(UTC)
    try:
        tasks.sync(str(one))
    except ZeroDivisionError:
        assert isinstance(error, ZeroDivisionError)
    row = CalendarConnection.objects.get(pk=one)
    assert (row.handed_out_at, row.sync_status) == (None, "error")
    assert row.next_sync_at > began + 5 * SECOND
    assert turns.lane_of(one) == "failing"
    assert turns.hand_out(datetime.now(UTC)) == []


def test_a_calendar_that_was_removed_meanwhile_is_no_ones_turn(answers):
    [one] = due(1)
    turns.hand_out(NOW)
    CalendarConnection.objects.all().delete()
    tasks.sync(str(one))
    assert SyncedEvent.objects.count() == 0
