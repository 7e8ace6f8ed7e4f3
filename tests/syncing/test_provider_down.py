"""A provider that is down for an hour: the last known good stays with its age, and no more."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import uuid4

import pytest
from rest_framework.test import APIClient

from availability.slots import Slot, freshness
from connections.models import CalendarConnection, Consultant
from syncing.engine import sync_connection
from syncing.models import SyncedEvent
from tests.availability.website import offered_slots
from tests.bookings.bookable import at, bookable_consultant, tomorrow
from tests.connections.providers.caldav_servers import Device
from tests.connections.providers.far_end import instead
from tests.factories import ConnectionFactory, SyncedEventFactory
from tests.syncing.at_providers import PROVIDERS, Provided, provided

# The look before a booking runs on database connections of its own.
pytestmark = pytest.mark.django_db(transaction=True)

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
COVERED_DAYS = 20


@pytest.fixture(params=PROVIDERS)
def calendar(request, settings, monkeypatch, radicale: Device) -> Iterator[Provided]:
    """With a meeting at ten on each of ten days; little more than these days is covered."""
    settings.SYNC_FUTURE_DAYS = COVERED_DAYS
    with provided(request.param, settings, monkeypatch, radicale) as calendar:
        for day in range(10):
            add_meeting(calendar, day, 10)
        yield calendar


def add_meeting(calendar: Provided, day: int, hour: int) -> None:
    start = at(tomorrow() + day * DAY, hour)
    calendar.far.add("meeting", start.astimezone(UTC), (start + HOUR).astimezone(UTC))


def down_for_an_hour(calendar: Provided, consultant: Consultant) -> CalendarConnection:
    """Read an hour ago, and since then tried in vain whenever it was due."""
    went_down_at = datetime.now(UTC) - HOUR - MINUTE
    connection = calendar.connect(consultant)
    assert sync_connection(connection.pk, now=went_down_at).status == "completed"
    calendar.commit(instead(503), times=10_000)
    connection.refresh_from_db()
    while connection.next_sync_at < datetime.now(UTC):
        log = sync_connection(connection.pk, now=connection.next_sync_at)
        assert log.status == "failed"
        connection.refresh_from_db()
    assert connection.last_synced_at == went_down_at
    return connection


def slots(consultant: Consultant) -> list[Slot]:
    return offered_slots(consultant_id=consultant.pk, start=tomorrow(), days=60)


def overlaps(slots: list[Slot], consultant: Consultant) -> list[Slot]:
    """Those that lie on what is known to be busy."""
    busy = SyncedEvent.objects.filter(connection__user=consultant)
    spans = list(busy.values_list("start_time", "end_time"))
    return [
        slot for slot in slots if any(slot.start < end and slot.end > start for start, end in spans)
    ]


def ask_to_book(slot: Slot):
    return APIClient().post(
        "/api/v1/bookings/",
        {
            "start": slot.start.isoformat(),
            "name": "Ivy Invitee",
            "email": "ivy@example.com",
            "timezone": "America/New_York",
        },
        format="json",
        headers={"Idempotency-Key": str(uuid4())},
    )


def test_last_known_good_stays_with_its_age_and_nobody_books_on_it(calendar):
    consultant = bookable_consultant()
    connection = down_for_an_hour(calendar, consultant)
    on_offer = slots(consultant)
    answer = APIClient().get("/api/v1/slots/", {"start": tomorrow().isoformat()}).json()
    assert (answer["state"], datetime.fromisoformat(answer["data_as_of"])) == (
        "stale",
        connection.last_synced_at,
    )
    assert overlaps(on_offer, consultant) == []
    assert SyncedEvent.objects.count() == 10
    assert on_offer[-1].end <= connection.synced_until < tomorrow_at_midnight() + 22 * DAY
    refused = ask_to_book(on_offer[0])
    assert (refused.status_code, refused.json()["code"]) == (503, "calendar_unverified")


def tomorrow_at_midnight() -> datetime:
    return at(tomorrow(), 0)


def test_where_old_data_close_the_books_nothing_is_offered(calendar):
    consultant = bookable_consultant(settings__stale_policy="close")
    first = at(tomorrow(), 14)
    down_for_an_hour(calendar, consultant)
    assert (slots(consultant), freshness(consultant.pk).state) == ([], "closed")
    refused = ask_to_book(Slot(first, first + HOUR))
    assert (refused.status_code, refused.json()["code"]) == (503, "calendar_unverified")


def test_it_recovers_by_itself_and_with_what_was_missed(calendar):
    consultant = bookable_consultant()
    connection = down_for_an_hour(calendar, consultant)
    assert connection.next_sync_at - datetime.now(UTC) < timedelta(minutes=30)
    add_meeting(calendar, 0, 14)
    calendar.server.heal()
    before = slots(consultant)
    assert sync_connection(connection.pk, now=connection.next_sync_at).status == "completed"
    taken = at(tomorrow(), 14)
    assert {slot.start for slot in before} - {slot.start for slot in slots(consultant)} >= {taken}
    assert freshness(consultant.pk).state == "fresh"
    connection.refresh_from_db()
    assert (connection.failure_count, connection.sync_error) == (0, None)


def test_booking_finds_out_by_itself_that_the_provider_is_back(calendar):
    consultant = bookable_consultant()
    down_for_an_hour(calendar, consultant)
    calendar.server.heal()
    assert ask_to_book(slots(consultant)[0]).status_code == 201


# --- many calendars ------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(30))
def test_no_slot_of_an_old_calendar_is_on_known_busy_time_or_beyond_what_is_covered(seed):
    """Calendars of any age and coverage; with some of them the books are closed."""
    random = Random(seed)
    consultant = bookable_consultant(
        settings__stale_policy=random.choice(("keep", "keep", "close"))
    )
    now = datetime.now(UTC)
    connections = [old_calendar(consultant, random, now) for _ in range(random.randint(1, 3))]
    on_offer = slots(consultant)
    assert overlaps(on_offer, consultant) == []
    covered_until = min(one.synced_until for one in connections)
    assert [slot for slot in on_offer if slot.end > covered_until] == []
    is_old = any(now - one.last_synced_at > HOUR for one in connections)
    policy = consultant.booking_settings.stale_policy
    assert bool(on_offer) is not (is_old and policy == "close")


def old_calendar(consultant: Consultant, random: Random, now: datetime) -> CalendarConnection:
    connection = ConnectionFactory(
        user=consultant,
        last_synced_at=now - random.choice((5, 50, 70, 600)) * MINUTE,
        synced_until=now + random.randint(10, 70) * DAY,
    )
    for _ in range(random.randint(0, 40)):
        start = now + random.randint(-100, 60 * 24) * HOUR
        SyncedEventFactory(
            connection=connection, start_time=start, end_time=start + random.randint(1, 30) * HOUR
        )
    return connection
