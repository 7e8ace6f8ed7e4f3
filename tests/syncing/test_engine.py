"""A sync run, told by what it leaves in the database."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connection as database

from connections.models import CalendarConnection, SyncStatus
from connections.providers.base import (
    AccessRevoked,
    AddressRefused,
    CalendarGone,
    ChangePage,
    Problem,
    ProviderMisconfigured,
    ProviderUnavailable,
    RateLimited,
    SyncTokenExpired,
)
from syncing.engine import sync_connection
from syncing.leases import take
from syncing.models import SyncedEvent, SyncLog
from tests.factories import ConnectionFactory, SyncedEventFactory
from tests.syncing.scripted import event

pytestmark = pytest.mark.django_db

NOW = datetime(2027, 1, 10, 12, tzinfo=UTC)
TOMORROW = NOW + timedelta(days=1)


@pytest.fixture
def connection():
    """Connected, and never synced."""
    return ConnectionFactory(
        sync_status=SyncStatus.PENDING, last_synced_at=None, synced_from=None, synced_until=None
    )


@pytest.fixture
def synced(connection, calendar):
    """Synced a minute ago: "a" tomorrow, "b" and "b2" of series "B" the day after."""
    day_after = TOMORROW + timedelta(days=1)
    calendar.then(
        ChangePage(
            events=[
                event("a", TOMORROW),
                event("b", day_after, series_id="B"),
                event("b2", day_after + timedelta(hours=3), series_id="B"),
            ],
            sync_token="token 1",
        )
    )
    sync_connection(connection.pk, now=NOW - timedelta(minutes=1))
    return connection


def stored(connection) -> set[str]:
    return set(
        SyncedEvent.objects.filter(connection=connection).values_list(
            "provider_event_id", flat=True
        )
    )


def fresh(connection) -> CalendarConnection:
    return CalendarConnection.objects.get(pk=connection.pk)


def full(*events, token="token 2") -> ChangePage:
    return ChangePage(events=events, sync_token=token)


def test_a_first_sync_stores_rows_token_and_coverage_together(connection, calendar):
    booking_id = uuid4()
    calendar.then(
        full(
            event(
                "a",
                TOMORROW,
                title="Dentist",
                booking_id=booking_id,
                series_id="A",
                uid="u",
                version="v",
                updated_at=NOW,
            )
        )
    )
    log = sync_connection(connection.pk, now=NOW)
    assert (log.operation, log.status) == ("full_sync", "completed")
    assert (log.events_processed, log.events_created) == (1, 1)
    row = SyncedEvent.objects.get()
    assert (row.provider_event_id, row.title, row.series_id) == ("a", "Dentist", "A")
    assert (row.start_time, row.end_time) == (TOMORROW, TOMORROW + timedelta(hours=1))
    assert (row.booking_id, row.is_ohboy_booking) == (booking_id, True)
    assert row.provider_updated_at == NOW
    assert row.raw_data == {"uid": "u", "version": "v", "sequence": 0}
    after = fresh(connection)
    assert after.sync_token == "token 2"
    assert after.sync_status == "synced"
    assert after.last_synced_at == after.last_full_sync_at == NOW
    assert after.synced_from == NOW - timedelta(days=7)
    assert after.synced_until == NOW + timedelta(days=400)
    assert NOW < after.next_sync_at < NOW + timedelta(seconds=60)
    assert after.lease_id is None


def test_the_provider_is_asked_for_the_window_in_the_calendars_zone(connection, calendar):
    CalendarConnection.objects.update(time_zone="Asia/Tokyo")
    calendar.then(full())
    sync_connection(connection.pk, now=NOW)
    assert calendar.asked[0]["zone"].key == "Asia/Tokyo"
    assert calendar.asked[0]["window"].end == NOW + timedelta(days=400)
    assert calendar.asked[0]["sync_token"] == ""


def test_an_incremental_sync_applies_only_what_the_page_names(synced, calendar):
    calendar.then(
        ChangePage(events=[event("c", TOMORROW)], removed=frozenset({"a"}), sync_token="token 2")
    )
    log = sync_connection(synced.pk, now=NOW)
    assert log.operation == "incremental_sync"
    assert (log.events_created, log.events_updated, log.events_deleted) == (1, 0, 1)
    assert stored(synced) == {"b", "b2", "c"}
    assert calendar.asked[1]["sync_token"] == "token 1"
    assert fresh(synced).sync_token == "token 2"


def test_a_removed_series_takes_its_occurrences_along(synced, calendar):
    calendar.then(ChangePage(removed=frozenset({"B"}), sync_token="token 2"))
    sync_connection(synced.pk, now=NOW)
    assert stored(synced) == {"a"}


def test_a_replaced_series_keeps_only_what_the_page_shows(synced, calendar):
    moved = event("b2", TOMORROW + timedelta(days=5), series_id="B")
    calendar.then(ChangePage(events=[moved], replaced=frozenset({"B"}), sync_token="token 2"))
    sync_connection(synced.pk, now=NOW)
    assert stored(synced) == {"a", "b2"}
    assert SyncedEvent.objects.get(provider_event_id="b2").start_time == moved.start


def test_an_event_that_left_the_window_frees_its_time(synced, calendar):
    calendar.then(ChangePage(events=[event("a", NOW + timedelta(days=500))], sync_token="token 2"))
    sync_connection(synced.pk, now=NOW)
    assert stored(synced) == {"b", "b2"}


def test_a_later_page_wins_over_an_earlier_one(synced, calendar):
    calendar.then(
        ChangePage(events=[event("c", TOMORROW), event("d", TOMORROW, title="first")]),
        ChangePage(events=[event("e", TOMORROW, series_id="E")], removed=frozenset({"c"})),
        ChangePage(
            events=[event("d", TOMORROW, title="last")],
            removed=frozenset({"E"}),
            sync_token="token 2",
        ),
    )
    sync_connection(synced.pk, now=NOW)
    assert stored(synced) == {"a", "b", "b2", "d"}
    assert SyncedEvent.objects.get(provider_event_id="d").title == "last"


def test_an_event_that_comes_back_after_its_removal_stays(synced, calendar):
    calendar.then(
        ChangePage(removed=frozenset({"a"})),
        ChangePage(events=[event("a", TOMORROW)], sync_token="token 2"),
    )
    sync_connection(synced.pk, now=NOW)
    assert stored(synced) == {"a", "b", "b2"}


def test_an_unchanged_row_is_not_touched(synced, calendar):
    def versions():
        with database.cursor() as cursor:
            cursor.execute("SELECT provider_event_id, xmin, ctid FROM synced_events ORDER BY 1")
            return cursor.fetchall()

    before = versions()
    calendar.then(ChangePage(events=[event("a", TOMORROW)], sync_token="token 2"))
    log = sync_connection(synced.pk, now=NOW)
    assert (log.events_processed, log.events_updated) == (1, 0)
    assert versions() == before


def test_odd_characters_in_texts_arrive_unchanged(connection, calendar):
    title = 'Tab\there\nand \\N "quoted" \\. é 漢字 🎉'
    calendar.then(full(event("id\twith\\tab", TOMORROW, title=title)))
    sync_connection(connection.pk, now=NOW)
    row = SyncedEvent.objects.get()
    assert (row.provider_event_id, row.title) == ("id\twith\\tab", title)


def test_a_full_sync_removes_what_it_does_not_show_and_only_of_its_own_calendar(synced, calendar):
    other = SyncedEventFactory(connection=ConnectionFactory(user=synced.user))
    calendar.then(full(event("a", TOMORROW), event("n", TOMORROW)))
    log = sync_connection(synced.pk, now=NOW, full=True)
    assert (log.operation, log.events_deleted) == ("full_sync", 2)
    assert stored(synced) == {"a", "n"}
    assert stored(other.connection) == {other.provider_event_id}


def test_an_expired_token_starts_a_full_sync_while_the_old_rows_stand(synced, calendar):
    seen = []
    calendar.then(SyncTokenExpired("gone"))
    calendar.then(
        ChangePage(events=[event("a", TOMORROW)]),
        lambda: seen.append(stored(synced)),
        full(event("n", TOMORROW)),
    )
    log = sync_connection(synced.pk, now=NOW)
    assert seen == [{"a", "b", "b2"}]
    assert stored(synced) == {"a", "n"}
    assert (log.operation, log.status) == ("full_sync", "completed")
    assert fresh(synced).sync_token == "token 2"


def test_an_expired_token_on_the_second_page_is_no_different(synced, calendar):
    calendar.then(ChangePage(removed=frozenset({"a", "B"})), SyncTokenExpired("gone"))
    calendar.then(full(event("a", TOMORROW)))
    sync_connection(synced.pk, now=NOW)
    assert stored(synced) == {"a"}


@pytest.mark.parametrize(
    "error",
    [
        ProviderUnavailable("503"),
        RateLimited("slow down"),
        AccessRevoked("401"),
        CalendarGone("404"),
        AddressRefused("private"),
        ProviderMisconfigured("no client"),
    ],
)
def test_a_failure_on_any_page_loses_nothing(synced, calendar, error):
    before = fresh(synced)
    calendar.then(ChangePage(removed=frozenset({"a", "B"})), error)
    log = sync_connection(synced.pk, now=NOW)
    assert (log.status, log.error_message) == ("failed", str(error))
    assert stored(synced) == {"a", "b", "b2"}
    after = fresh(synced)
    assert (after.sync_token, after.last_synced_at) == ("token 1", before.last_synced_at)
    assert (after.sync_status, after.sync_error) == ("error", str(error))
    assert after.failure_count == 1
    assert after.lease_id is None


def test_a_walk_that_ends_without_a_token_is_not_believed(synced, calendar):
    calendar.then(ChangePage(removed=frozenset({"a", "B"})))
    assert sync_connection(synced.pk, now=NOW).status == "failed"
    assert stored(synced) == {"a", "b", "b2"}


def test_a_bug_is_recorded_without_its_details_and_raised(synced, calendar):
    calendar.then(ZeroDivisionError("secret detail"))
    with pytest.raises(ZeroDivisionError):
        sync_connection(synced.pk, now=NOW)
    log = SyncLog.objects.get(status="failed")
    assert log.error_message == (
        "Internal error (ZeroDivisionError); the server's log has the details."
    )
    assert fresh(synced).lease_id is None


def test_failures_back_off_and_success_starts_anew(synced, calendar):
    delays = []
    for _ in range(4):
        calendar.then(ProviderUnavailable("503"))
        sync_connection(synced.pk, now=NOW)
        delays.append(fresh(synced).next_sync_at - NOW)
    assert delays == sorted(delays)
    assert timedelta(seconds=7.5) <= delays[0] <= timedelta(seconds=10)
    assert delays[3] > timedelta(minutes=3)
    calendar.then(ChangePage(sync_token="token 2"))
    sync_connection(synced.pk, now=NOW)
    after = fresh(synced)
    assert (after.failure_count, after.sync_error) == (0, None)
    assert after.next_sync_at < NOW + timedelta(seconds=60)


def test_retry_after_is_obeyed(synced, calendar):
    calendar.then(RateLimited("slow down", retry_after=1234))
    sync_connection(synced.pk, now=NOW)
    assert fresh(synced).next_sync_at == NOW + timedelta(seconds=1234)


def test_retry_after_is_obeyed_for_all_calendars_of_the_account(synced, calendar):
    facts = {"user": synced.user, "provider_email": synced.provider_email}
    facts |= {"caldav_url": synced.caldav_url, "next_sync_at": NOW}
    sibling = ConnectionFactory(**facts)
    left_alone = ConnectionFactory(**facts | {"next_sync_at": None})
    other = ConnectionFactory(user=synced.user, provider_email="other", next_sync_at=NOW)
    calendar.then(RateLimited("slow down", retry_after=1234))
    sync_connection(synced.pk, now=NOW)
    until = NOW + timedelta(seconds=1234)
    assert (fresh(sibling).next_sync_at, fresh(sibling).not_before) == (until, until)
    assert (fresh(left_alone).next_sync_at, fresh(other).next_sync_at) == (None, NOW)


def test_retry_after_is_obeyed_whoever_wants_the_calendar_read_meanwhile(synced, calendar):
    """A notification while it is read, another one afterwards, and then the consultant."""
    until = NOW + timedelta(seconds=1234)
    soon, later = NOW + timedelta(seconds=1), NOW + timedelta(seconds=1300)
    request_sync = CalendarConnection.objects.request_sync
    calendar.then(lambda: request_sync(soon), RateLimited("slow down", retry_after=1234))
    sync_connection(synced.pk, now=NOW)
    assert fresh(synced).next_sync_at == until
    request_sync(soon)
    assert fresh(synced).next_sync_at == until
    request_sync(later)
    assert fresh(synced).next_sync_at == later
    calendar.then(ChangePage(sync_token="token 2"))
    sync_connection(synced.pk, now=later)
    request_sync(soon)
    assert fresh(synced).next_sync_at == soon


def test_access_counts_as_lost_after_the_second_refusal_in_a_row(synced, calendar):
    same_account = ConnectionFactory(
        user=synced.user, provider_email=synced.provider_email, caldav_url=synced.caldav_url
    )
    calendar.then(AccessRevoked("401"))
    sync_connection(synced.pk, now=NOW)
    assert fresh(synced).reconnect_needed_at is None
    assert fresh(synced).next_sync_at == NOW + timedelta(minutes=5)
    later = NOW + timedelta(minutes=5)
    calendar.then(AccessRevoked("401"))
    sync_connection(synced.pk, now=later)
    for each in (synced, same_account):
        assert fresh(each).reconnect_needed_at == later
        assert fresh(each).next_sync_at is None
    assert stored(synced) == {"a", "b", "b2"}


def test_one_refusal_between_two_successes_costs_nothing(synced, calendar):
    for page in (AccessRevoked("401"), ChangePage(sync_token="2"), AccessRevoked("401")):
        calendar.then(page)
        sync_connection(synced.pk, now=NOW)
    assert fresh(synced).reconnect_needed_at is None


def test_an_emptied_calendar_gets_a_second_look_before_it_is_believed(synced, calendar):
    calendar.then(full())
    log = sync_connection(synced.pk, now=NOW, full=True)
    assert log.status == "failed"
    assert stored(synced) == {"a", "b", "b2"}
    assert fresh(synced).next_sync_at == NOW + timedelta(seconds=60)
    calendar.then(full(token="token 3"))
    sync_connection(synced.pk, now=NOW + timedelta(seconds=60))
    assert calendar.asked[-1]["sync_token"] == ""
    assert stored(synced) == set()
    assert (fresh(synced).sync_token, fresh(synced).emptied_at) == ("token 3", None)


def test_a_second_look_in_the_same_breath_does_not_count(synced, calendar):
    for _ in range(3):
        calendar.then(full())
        sync_connection(synced.pk, now=NOW, full=True)
    assert stored(synced) == {"a", "b", "b2"}


def test_a_calendar_that_recovers_at_the_second_look_is_as_before(synced, calendar):
    calendar.then(full())
    sync_connection(synced.pk, now=NOW, full=True)
    calendar.then(full(event("a", TOMORROW), event("b", TOMORROW)))
    sync_connection(synced.pk, now=NOW + timedelta(seconds=60))
    assert stored(synced) == {"a", "b"}
    assert fresh(synced).emptied_at is None


@pytest.mark.parametrize(
    ("kept", "left"), [("a", {"a"}), ("b2", {"b2"}), ("B", {"b", "b2"}), ("z", {"a", "b", "b2"})]
)
def test_what_a_full_round_keeps_is_no_sign_of_an_emptied_calendar(synced, calendar, kept, left):
    calendar.then(ChangePage(kept=frozenset({kept}), sync_token="token 2"))
    sync_connection(synced.pk, now=NOW, full=True)
    assert stored(synced) == left


def test_deletions_named_by_the_provider_need_no_second_look(synced, calendar):
    calendar.then(ChangePage(removed=frozenset({"a", "B"}), sync_token="token 2"))
    assert sync_connection(synced.pk, now=NOW).status == "completed"
    assert stored(synced) == set()


def test_a_second_sync_of_the_same_calendar_stands_back(synced, calendar):
    lease_id = take(synced.pk)
    assert sync_connection(synced.pk, now=NOW) is None
    assert fresh(synced).lease_id == lease_id
    assert len(calendar.asked) == 1


def test_the_lease_of_a_dead_worker_runs_out(synced, calendar):
    take(synced.pk)
    CalendarConnection.objects.update(lease_expires_at=NOW - timedelta(days=3650))
    calendar.then(ChangePage(sync_token="token 2"))
    assert sync_connection(synced.pk, now=NOW).status == "completed"


def test_a_run_that_lost_its_lease_writes_nothing(synced, calendar):
    usurper = uuid4()
    calendar.then(
        ChangePage(removed=frozenset({"a"})),
        lambda: CalendarConnection.objects.filter(pk=synced.pk).update(lease_id=usurper),
        ChangePage(removed=frozenset({"B"}), sync_token="token 2"),
    )
    log = sync_connection(synced.pk, now=NOW)
    assert (log.status, log.error_message) == ("failed", "Another sync of this calendar took over.")
    assert stored(synced) == {"a", "b", "b2"}
    assert fresh(synced).lease_id == usurper
    assert fresh(synced).sync_token == "token 1"


def test_a_request_during_a_sync_is_served_after_it(synced, calendar):
    asked_at = NOW + timedelta(seconds=1)
    calendar.then(
        lambda: CalendarConnection.objects.all().request_sync(asked_at, full=True),
        full(event("a", TOMORROW)),
    )
    sync_connection(synced.pk, now=NOW, full=True)
    after = fresh(synced)
    assert (after.next_sync_at, after.full_sync_requested) == (asked_at, True)


def test_an_inactive_connection_is_left_alone(synced, calendar):
    CalendarConnection.objects.update(is_active=False)
    assert sync_connection(synced.pk, now=NOW) is None


def test_a_changed_zone_is_read_anew(synced, calendar):
    CalendarConnection.objects.update(time_zone="Pacific/Auckland")
    calendar.then(full(event("a", TOMORROW)))
    assert sync_connection(synced.pk, now=NOW).operation == "full_sync"


def test_a_series_that_enters_the_window_by_the_passing_of_time_becomes_busy(synced, calendar):
    next_day = NOW + timedelta(days=1)
    entering = next_day + timedelta(days=400, hours=-1)
    calendar.then(full(event("a", TOMORROW), event("b3", entering, series_id="B")))
    log = sync_connection(synced.pk, now=next_day)
    assert log.operation == "full_sync"
    assert stored(synced) == {"a", "b3"}
    assert fresh(synced).synced_until == next_day + timedelta(days=400)


def test_incremental_rounds_keep_the_window_their_token_belongs_to(synced, calendar):
    before = fresh(synced)
    calendar.then(ChangePage(sync_token="token 2"))
    sync_connection(synced.pk, now=NOW + timedelta(hours=1))
    assert calendar.asked[1]["window"].end == before.synced_until
    assert fresh(synced).synced_until == before.synced_until


def test_unreadable_objects_are_named_in_the_log(connection, calendar):
    calendar.then(
        ChangePage(
            events=[event("a", TOMORROW, problem="RRULE cannot be read")],
            problems=[Problem("/cal/a.ics", "RRULE cannot be read")],
            sync_token="1",
        )
    )
    log = sync_connection(connection.pk, now=NOW)
    assert log.metadata["problems"] == [{"object": "/cal/a.ics", "detail": "RRULE cannot be read"}]
    assert SyncedEvent.objects.get().problem == "RRULE cannot be read"


def test_a_secret_whose_key_is_gone_is_said_and_loses_nothing(synced, calendar, settings):
    settings.TOKEN_ENCRYPTION_KEYS = ["MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="]
    log = sync_connection(synced.pk, now=NOW)
    assert log.status == "failed"
    assert "TOKEN_ENCRYPTION_KEYS" in log.error_message
    assert stored(synced) == {"a", "b", "b2"}
