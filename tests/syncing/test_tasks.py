"""Due connections find a worker."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from django_q.models import OrmQ

from connections.models import CalendarConnection
from syncing.models import SyncLog
from syncing.tasks import dispatch_due, prune_logs
from tests.factories import ConnectionFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2027, 1, 10, 12, tzinfo=UTC)


def queued() -> list[tuple]:
    return [queued.task["args"] for queued in OrmQ.objects.order_by("pk")]


def due_at(moment, **fields) -> CalendarConnection:
    return ConnectionFactory(next_sync_at=moment, **fields)


def test_due_connections_are_queued_the_longest_waiting_first():
    late = due_at(NOW - timedelta(seconds=1))
    later = due_at(NOW - timedelta(minutes=1))
    due_at(NOW + timedelta(seconds=1))
    assert dispatch_due(NOW) == 2
    assert queued() == [(str(later.pk),), (str(late.pk),)]


def test_a_connection_is_handed_out_once_and_again_if_nothing_comes_back():
    due_at(NOW)
    assert [dispatch_due(NOW), dispatch_due(NOW + timedelta(seconds=149))] == [1, 0]
    assert dispatch_due(NOW + timedelta(seconds=150)) == 1


@pytest.mark.parametrize("fields", [{"is_active": False}, {"next_sync_at": None}])
def test_inactive_connections_and_lost_accounts_are_left_alone(fields):
    due_at(**{"moment": NOW} | fields) if "is_active" in fields else ConnectionFactory(**fields)
    assert dispatch_due(NOW) == 0


def test_sync_now_makes_a_connection_due_unless_it_must_be_reconnected():
    connection = due_at(NOW + timedelta(hours=1))
    lost = due_at(None, reconnect_needed_at=NOW, reconnect_mailed_at=NOW)
    assert CalendarConnection.objects.request_sync(NOW) == 1
    assert dispatch_due(NOW) == 1
    assert queued() == [(str(connection.pk),)]
    lost.refresh_from_db()
    assert lost.next_sync_at is None


def test_old_logs_go_and_uneventful_ones_go_sooner():
    now = timezone.now()
    for days, changes in [(1, 0), (3, 0), (3, 1), (31, 1)]:
        log = SyncLog.objects.create(
            operation=f"{days} {changes}", status="completed", events_created=changes
        )
        SyncLog.objects.filter(pk=log.pk).update(created_at=now - timedelta(days=days))
    failed = SyncLog.objects.create(operation="3 failed", status="failed")
    SyncLog.objects.filter(pk=failed.pk).update(created_at=now - timedelta(days=3))
    prune_logs()
    left = set(SyncLog.objects.values_list("operation", flat=True))
    assert left == {"1 0", "3 1", "3 failed"}
