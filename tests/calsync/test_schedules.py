"""Recurring jobs, and the sweeper that makes "due" mean "within seconds"."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.utils import timezone
from django.utils.module_loading import import_string
from django_q.models import OrmQ, Schedule
from django_q.signals import post_spawn

from bookings.models import Booking
from calsync import sweeper
from calsync.schedules import SCHEDULES, ensure_schedules
from tests.factories import BookingFactory, ConnectionFactory

pytestmark = pytest.mark.django_db

TOMORROW = timezone.now() + timedelta(days=1)


@pytest.mark.parametrize("path", [*(s["func"] for s in SCHEDULES.values()), *sweeper.DISPATCHERS])
def test_every_dotted_path_resolves(path):
    assert callable(import_string(path))


def test_the_table_is_written_once_and_keeps_its_rhythm():
    ensure_schedules(now=timezone.now())
    due = timezone.now() + timedelta(hours=5)
    Schedule.objects.update(next_run=due)
    Schedule.objects.create(name="calsync: gone since the last release", func="x.y")
    ensure_schedules(now=timezone.now())
    assert set(Schedule.objects.values_list("name", "next_run")) == {
        (name, due) for name in SCHEDULES
    }


@pytest.mark.parametrize(
    ("day", "hour", "first_night"), [(10, 1, 10), (10, 2.5, 11), (10, 14, 11), (31, 23, 32)]
)
def test_daily_jobs_run_at_night_and_all_others_at_once(day, hour, first_night):
    january = datetime(2027, 1, 1, tzinfo=UTC) - timedelta(days=1)
    now = january + timedelta(days=day, hours=hour)
    ensure_schedules(now=now)
    daily = Schedule.objects.filter(schedule_type=Schedule.DAILY)
    assert "calsync: verify calendars" in daily.values_list("name", flat=True)
    night = january + timedelta(days=first_night, hours=2, minutes=30)
    assert set(daily.values_list("next_run", flat=True)) == {night}
    others = Schedule.objects.exclude(schedule_type=Schedule.DAILY)
    assert set(others.values_list("next_run", flat=True)) == {now}


@pytest.mark.django_db(transaction=True)
def test_several_starts_at_once_leave_one_row_each():
    def start(_):
        try:
            ensure_schedules(now=timezone.now())
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(start, range(8)))
    assert Schedule.objects.count() == len(SCHEDULES)


def test_a_sweep_queues_what_is_due():
    ConnectionFactory(next_sync_at=timezone.now())
    sweeper.sweep_once()
    assert OrmQ.objects.count() == 1


def test_a_worker_that_starts_calls_for_a_sweep_and_its_colleagues_do_not():
    for name in ("Worker-1", "Worker-2"):
        post_spawn.send(sender="django_q", proc_name=name)
    assert queued() == ["calsync.sweeper.sweep"]


def test_one_failure_does_not_stop_the_others(monkeypatch, caplog):
    monkeypatch.setattr(sweeper, "DISPATCHERS", ("math.sqrt", "syncing.tasks.dispatch_due"))
    ConnectionFactory(next_sync_at=timezone.now())
    sweeper.sweep_once()
    assert OrmQ.objects.count() == 1
    assert "math.sqrt failed" in caplog.text


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("column", "step"),
    [
        ("status", "bookings.tasks.cancel_expired_holds"),
        ("manage_token_hash", "bookings.tasks.give_tokens"),
    ],
)
def test_a_booking_that_makes_one_step_fail_holds_up_no_event_and_no_mail(column, step, caplog):
    hold = {"status": "pending", "hold_expires_at": timezone.now() - timedelta(hours=1)}
    BookingFactory(start_time=TOMORROW + timedelta(hours=1), **hold)
    BookingFactory(start_time=TOMORROW)
    with no_change_of(column):
        sweeper.sweep_once()
    written_and_sent = ["bookings.tasks.send_mail"] * 2 + ["bookings.tasks.write_event"]
    assert sorted(queued()) == written_and_sent
    [failure] = [record for record in caplog.records if record.exc_info]
    assert failure.getMessage() == f"{step} failed"
    assert "not this one" in caplog.text


@contextmanager
def no_change_of(column: str) -> Iterator[None]:
    """A database in which no booking's ``column`` can be changed."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION pg_temp.refuse() RETURNS trigger LANGUAGE plpgsql "
            "AS $$ BEGIN RAISE 'not this one'; END $$"
        )
        cursor.execute(
            f"CREATE TRIGGER refuse BEFORE UPDATE OF {column} ON {Booking._meta.db_table} "
            "FOR EACH ROW EXECUTE FUNCTION pg_temp.refuse()"
        )
        try:
            yield
        finally:
            cursor.execute("DROP FUNCTION pg_temp.refuse CASCADE")


def queued() -> list[str]:
    return [queued.task["func"] for queued in OrmQ.objects.all()]


def test_a_new_sweeper_relieves_the_old_one(monkeypatch):
    sweeps = []

    def another_starts_during_the_third(seconds):
        sweeps.append(seconds)
        if len(sweeps) == 3:
            cache.set(sweeper.ON_DUTY, "another", timeout=None)

    monkeypatch.setattr(sweeper, "sleep", another_starts_during_the_third)
    sweeper.sweep()
    assert sweeps == [1, 1, 1]
    assert queued() == []


def test_a_shift_is_short_and_followed_by_the_next(monkeypatch):
    seconds = iter(range(20))
    monkeypatch.setattr(sweeper, "monotonic", lambda: float(next(seconds)))
    monkeypatch.setattr(sweeper, "sleep", lambda seconds: None)
    sweeper.sweep()
    assert next(seconds) == 6
    assert queued() == ["calsync.sweeper.sweep"]
