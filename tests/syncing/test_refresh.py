"""The fresh look before a booking: all calendars at once, and no longer than asked."""

from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from time import monotonic
from uuid import UUID

import pytest
from django.db import connection as database

from connections import adapters
from connections.models import CalendarConnection
from connections.providers.base import ChangePage, ProviderUnavailable
from syncing.models import SyncedEvent
from syncing.refresh import refresh_calendars
from tests.connections.registered import register_at_microsoft
from tests.factories import ConnectionFactory, ConsultantFactory
from tests.syncing.scripted import ScriptedCalendar, event

pytestmark = pytest.mark.django_db(transaction=True)

SOON = datetime(2100, 1, 1, tzinfo=UTC) - timedelta(days=30000)


@pytest.fixture
def consultant():
    return ConsultantFactory()


@pytest.fixture
def calendars(consultant, monkeypatch):
    """Three scripted calendars of the consultant, told apart by their account."""
    scripted = {}
    for name in ("one", "two", "three"):
        ConnectionFactory(user=consultant, provider_email=name)
        scripted[name] = ScriptedCalendar()
    monkeypatch.setitem(
        adapters.ADAPTERS, "apple", lambda credentials: scripted[credentials.username]
    )
    return scripted


def page(*events) -> ChangePage:
    return ChangePage(events=events, sync_token="token")


def stored() -> set[str]:
    return set(SyncedEvent.objects.values_list("provider_event_id", flat=True))


def near() -> datetime:
    return datetime.now(UTC) + timedelta(days=1)


def test_all_calendars_are_read(consultant, calendars):
    for name, calendar in calendars.items():
        calendar.then(page(event(name, near())))
    refresh_calendars(consultant.pk, seconds=5)
    assert stored() == {"one", "two", "three"}


def test_a_hanging_calendar_delays_neither_the_others_nor_the_caller(consultant, calendars):
    released, ended = Event(), Event()
    calendars["one"].then(page(event("one", near())))
    calendars["two"].then(page(event("two", near())))
    calendars["three"].then(lambda: released.wait(10), lambda: ended.set(), page())
    began = monotonic()
    refresh_calendars(consultant.pk, seconds=0.5)
    assert 0.4 < monotonic() - began < 1.5
    assert stored() == {"one", "two"}
    released.set()
    assert ended.wait(5)
    _until(lambda: not CalendarConnection.objects.exclude(lease_id=None).exists())


def test_a_failing_calendar_is_not_the_callers_problem(consultant, calendars):
    calendars["one"].then(ProviderUnavailable("503"))
    calendars["two"].then(page(event("two", near())))
    calendars["three"].then(page())
    refresh_calendars(consultant.pk, seconds=5)
    assert stored() == {"two"}
    assert CalendarConnection.objects.get(provider_email="one").sync_status == "error"


def test_a_provider_that_asked_to_be_left_alone_is(consultant, calendars):
    for name, calendar in calendars.items():
        calendar.then(page(event(name, near())))
    now = datetime.now(UTC)
    asked = CalendarConnection.objects.filter(provider_email="one")
    asked.update(not_before=now + timedelta(minutes=1))
    CalendarConnection.objects.filter(provider_email="two").update(not_before=now)
    refresh_calendars(consultant.pk, seconds=5)
    assert stored() == {"two", "three"}


def test_a_bug_in_one_calendars_sync_is_logged(consultant, calendars, caplog):
    calendars["one"].then(ZeroDivisionError())
    calendars["two"].then(page())
    calendars["three"].then(page())
    refresh_calendars(consultant.pk, seconds=5)

    def errors() -> list[str]:
        return [record.message for record in caplog.records if record.levelname == "ERROR"]

    _until(errors)  # the sync is over a moment before it is reported
    assert errors() == ["A sync before a booking failed"]


def test_many_bookings_at_once_share_the_looks(consultant, calendars):
    """Whoever waits for a running sync needs one that began after they asked, and only one."""
    for calendar in calendars.values():
        for _ in range(20):
            calendar.then(page())
    threads = [Thread(target=_refresh, args=(consultant.pk,)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(len(calendar.asked) for calendar in calendars.values()) < 20
    assert CalendarConnection.objects.filter(sync_status="synced").count() == 3


def _refresh(consultant_id: UUID) -> None:
    try:
        refresh_calendars(consultant_id, seconds=10)
    finally:
        database.close()


def test_calendars_that_must_be_reconnected_are_not_called(consultant, calendars):
    CalendarConnection.objects.update(reconnect_needed_at=SOON)
    refresh_calendars(consultant.pk, seconds=5)
    assert [calendar.asked for calendar in calendars.values()] == [[], [], []]


def _until(condition, seconds: float = 5) -> None:
    deadline = monotonic() + seconds
    while not condition():
        assert monotonic() < deadline
        Event().wait(0.02)


def test_no_more_calendars_of_a_mailbox_are_read_at_once_than_graph_allows(
    consultant, microsoft, settings
):
    register_at_microsoft(settings, microsoft)
    account, running, most = microsoft.account("anna@example.com"), [], []

    def slowly(request, forward):
        running.append(request)
        most.append(len(running))
        Event().wait(0.05)
        running.remove(request)
        return forward(request)

    microsoft.commit(slowly, times=100)
    for number in range(8):
        ConnectionFactory(
            user=consultant,
            provider="microsoft",
            provider_email=account.email,
            calendar_id=account.calendar(f"Calendar {number}").id,
            access_token=account.sign_in(),
            token_expires_at=datetime.now(UTC) + timedelta(days=1),
            caldav_url=None,
        )
    refresh_calendars(consultant.pk, seconds=10)
    assert CalendarConnection.objects.exclude(sync_token=None).count() == 8
    assert max(most) == 3
