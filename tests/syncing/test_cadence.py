"""When a calendar is looked at again."""

from datetime import UTC, datetime, timedelta

import pytest

from connections.models import CalendarConnection, Consultant
from connections.providers.base import CalendarGone, RateLimited
from syncing import cadence

NOW = datetime(2027, 1, 10, 12, tzinfo=UTC)


@pytest.fixture
def connection():
    """An unsaved connection that was fully synced an hour ago."""
    connection = CalendarConnection(
        user=Consultant(),
        time_zone="Europe/Berlin",
        sync_token="token",
        last_full_sync_at=NOW - timedelta(hours=1),
    )
    connection.sync_scope = cadence.scope(connection)
    return connection


def test_a_calendar_that_was_read_in_full_today_needs_only_its_changes(connection):
    assert not cadence.needs_full_sync(connection, now=NOW)


@pytest.mark.parametrize(
    "change",
    [
        {"sync_token": None},
        {"last_full_sync_at": None},
        {"full_sync_requested": True},
        {"time_zone": "Asia/Tokyo"},
        {"stores_titles": False},
        {"last_full_sync_at": NOW - timedelta(hours=24)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_full_sync_is_due_when(connection, change):
    for name, value in change.items():
        setattr(connection, name, value)
    assert cadence.needs_full_sync(connection, now=NOW)


def test_another_window_in_the_settings_is_read_anew(connection, settings):
    settings.SYNC_FUTURE_DAYS += 1
    assert cadence.needs_full_sync(connection, now=NOW)


def test_nightly_full_syncs_are_spread_over_hours(connection):
    first_due = set()
    for number in range(0, 1000, 100):
        connection.pk = type(connection.pk)(int=number)
        hours = range(17, 26)
        due = [
            hour
            for hour in hours
            if cadence.needs_full_sync(
                connection, now=connection.last_full_sync_at + timedelta(hours=hour)
            )
        ]
        first_due.add(due[0])
    assert first_due == {19, 20, 21, 22, 23, 24}


def test_a_calendar_with_a_live_watch_may_be_polled_less_often(connection, settings):
    settings.POLL_INTERVAL_SECONDS = 300
    unwatched = cadence.poll_interval(connection, now=NOW)
    connection.webhook_expiration = NOW + timedelta(days=1)
    watched = cadence.poll_interval(connection, now=NOW)
    assert timedelta(seconds=42) <= unwatched <= timedelta(seconds=48)
    assert timedelta(seconds=210) <= watched <= timedelta(seconds=240)


def test_a_lost_notification_is_made_up_for_within_a_minute(connection):
    connection.webhook_expiration = NOW + timedelta(days=1)
    assert cadence.poll_interval(connection, now=NOW) <= timedelta(seconds=48)


def test_a_watch_that_has_run_out_does_not_count(connection, settings):
    settings.POLL_INTERVAL_SECONDS = 300
    connection.webhook_expiration = NOW
    assert cadence.poll_interval(connection, now=NOW) < timedelta(seconds=60)


def test_one_stray_refusal_is_tried_again_within_a_minute():
    """Providers say now and then that a calendar is gone that is there a moment later."""
    gone = CalendarGone("The calendar no longer exists.")
    waits = [cadence.delay_after(gone, failures=failures) for failures in (1, 2, 3, 4)]
    assert max(waits[:2]) <= timedelta(seconds=30)
    assert waits[2:] == [timedelta(hours=1)] * 2


@pytest.mark.parametrize("retry_after", [31_536_000, 1e14])
def test_nobody_is_left_alone_for_longer_than_some_hours(retry_after):
    asked = RateLimited("slow down", retry_after=retry_after)
    assert cadence.delay_after(asked, failures=1) == timedelta(hours=6)


@pytest.mark.parametrize(
    ("watched_for", "next_look_in", "way"),
    [
        (1, 300, "push"),
        (0, 300, ""),
        (None, 300, ""),
        (None, 60, "poll"),
        (None, 61, ""),
        (None, -300, "poll"),
        (None, None, ""),
        (1, -301, ""),  # no worker takes it up
    ],
)
def test_changes_are_seen_soon_where_a_watch_lives_or_a_look_is_near(
    connection, watched_for, next_look_in, way
):
    def moment(seconds: int | None) -> datetime | None:
        return None if seconds is None else NOW + timedelta(seconds=seconds)

    connection.webhook_expiration = moment(watched_for)
    connection.next_sync_at = moment(next_look_in)
    assert cadence.followed_by(connection, now=NOW) == way
