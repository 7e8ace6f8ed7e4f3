"""From a change at a provider to our rows: over real HTTP, there and back."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from time import monotonic, sleep

import pytest
from django.db import connection as database
from django.db import transaction

from connections import accounts
from connections.models import CalendarConnection, Departure
from syncing.models import SyncedEvent
from syncing.watches import keep_watch
from tests.connections.providers.far_end import instead
from tests.connections.registered import register_at_google, register_at_microsoft
from tests.factories import ConnectionFactory
from tests.fakes.google import Account, Calendar, FakeGoogle
from tests.fakes.microsoft import FakeMicrosoft
from tests.worker import work

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime.now(UTC).replace(microsecond=0)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TOMORROW = NOW + DAY
SUBSCRIBING = ("POST", "/v1.0/subscriptions")


@pytest.fixture(autouse=True)
def reachable(live_server, settings, google: FakeGoogle, microsoft: FakeMicrosoft) -> None:
    """The fakes take an address on loopback for one that is reached by https."""
    settings.PUSH_ADDRESS = f"{live_server.url}/webhooks"
    register_at_google(settings, google)
    register_at_microsoft(settings, microsoft)


def connect(provider: str, account: Account, calendar: Calendar, **fields) -> CalendarConnection:
    return ConnectionFactory(
        provider=provider,
        provider_email=account.email,
        calendar_id=calendar.id,
        access_token=account.sign_in(),
        refresh_token=account.stay_signed_in(),
        token_expires_at=datetime.now(UTC) + HOUR,
        app_specific_password=None,
        caldav_url=None,
        last_synced_at=None,
        synced_from=None,
        synced_until=None,
        **fields,
    )


def titles() -> list[str]:
    return list(SyncedEvent.objects.order_by("title").values_list("title", flat=True))


def tomorrow(add: Callable, title: str) -> str:
    return add(title, TOMORROW, TOMORROW + HOUR)


def test_change_at_google_is_ours_after_one_sweep(google):
    anna = google.account("anna@example.com")
    work_calendar, private = anna.calendar("Work"), anna.calendar("Private")
    connection = connect("google", anna, work_calendar)
    connect("google", anna, private, user=connection.user)
    work()
    google.channels.settle()
    assert [delivery.status for delivery in google.channels.deliveries] == [202, 202]
    assert work() == 0  # watched, read, and nothing is due

    tomorrow(work_calendar.add, "Dentist")
    google.channels.settle()

    assert work() == 1  # the other calendar is left alone
    assert titles() == ["Dentist"]


def test_watch_at_google_is_renewed_by_a_new_one_without_a_gap(google):
    anna = google.account("anna@example.com")
    calendar = anna.calendar("Work")
    connection = connect("google", anna, calendar)
    work()
    [old] = google.channels.open
    CalendarConnection.objects.update(next_watch_at=NOW)
    work()
    [new] = google.channels.open
    connection.refresh_from_db()
    assert old != new == connection.webhook_channel_id
    google.channels.settle()
    assert {delivery.status for delivery in google.channels.deliveries} == {202}

    tomorrow(calendar.add, "Dentist")
    google.channels.settle()
    work()
    assert titles() == ["Dentist"]


def test_calendar_that_google_tells_nothing_of_is_polled(google):
    anna = google.account("anna@example.com")
    holidays = anna.calendar("Holidays")
    holidays.has_push = False
    connection = connect("google", anna, holidays)
    work()
    connection.refresh_from_db()
    assert (connection.next_watch_at, connection.webhook_channel_id) == (None, None)
    assert connection.watch_error == "Google sends no notifications of this calendar."
    assert connection.next_sync_at < datetime.now(UTC) + timedelta(seconds=60)


def test_disconnected_account_is_told_nothing_more(google):
    anna = google.account("anna@example.com")
    connection = connect("google", anna, anna.calendar("Work"))
    work()
    assert len(google.channels.open) == 1
    connection.refresh_from_db()
    accounts.disconnect(connection, now=datetime.now(UTC))
    assert len(google.channels.open) == 1  # the consultant does not wait for it
    work()
    assert google.channels.open == {}


def test_watch_that_google_does_not_stop_is_left_to_run_out_after_some_tries(google):
    anna = google.account("anna@example.com")
    connection = connect("google", anna, anna.calendar("Work"))
    work()
    connection.refresh_from_db()
    google.commit(instead(500), about="/channels/stop", times=100)
    accounts.disconnect(connection, now=datetime.now(UTC))
    for tries in range(1, 6):
        work()
        assert Departure.objects.get().failure_count == tries
        Departure.objects.update(due_at=datetime.now(UTC))
    assert google.tokens.of_refresh(connection.refresh_token.reveal()) is not None
    work()
    assert Departure.objects.count() == 0
    assert google.tokens.of_refresh(connection.refresh_token.reveal()) is None


def test_watches_of_a_disconnected_outlook_account_end(microsoft, outlook):
    connection = CalendarConnection.objects.first()
    accounts.disconnect(connection, now=datetime.now(UTC))
    work()
    assert microsoft.subscriptions.open == {}
    assert Departure.objects.count() == 0


def test_account_that_ended_the_access_itself_needs_no_more(google):
    anna = google.account("anna@example.com")
    connection = connect("google", anna, anna.calendar("Work"))
    work()
    connection.refresh_from_db()
    accounts.disconnect(connection, now=datetime.now(UTC))
    google.tokens.revoke_all(anna)
    work()
    assert Departure.objects.count() == 0


@pytest.fixture
def outlook(microsoft: FakeMicrosoft) -> list[Calendar]:
    """Two calendars of one account, connected and watched."""
    anna = microsoft.account("anna@example.com")
    calendars = [anna.calendar("Work"), anna.calendar("Private")]
    first = connect("microsoft", anna, calendars[0])
    connect("microsoft", anna, calendars[1], user=first.user)
    work()
    return calendars


def test_change_at_microsoft_is_ours_after_one_sweep(microsoft, outlook):
    [watch] = microsoft.subscriptions.open  # the handshakes were answered
    rows = CalendarConnection.objects
    assert set(rows.values_list("webhook_subscription_id", flat=True)) == {watch}
    assert work() == 0

    tomorrow(outlook[1].add, "Dentist")
    microsoft.subscriptions.settle()

    assert [delivery.status for delivery in microsoft.subscriptions.deliveries] == [202]
    assert work() == 2  # both calendars of the account are read
    assert titles() == ["Dentist"]
    soon = datetime.now(UTC) + timedelta(seconds=20)
    assert rows.filter(next_sync_at__lte=soon).count() == 2  # its lists may lag


def test_watch_that_microsoft_wants_renewed_stays_the_same_for_longer(microsoft, outlook):
    [watch] = microsoft.subscriptions.open
    CalendarConnection.objects.update(webhook_expiration=NOW + DAY)
    microsoft.subscriptions.tell_lifecycle(watch, "reauthorizationRequired")
    microsoft.subscriptions.settle()
    work()
    assert list(microsoft.subscriptions.open) == [watch]
    rows = CalendarConnection.objects.filter(webhook_expiration__gt=NOW + 6 * DAY)
    assert rows.count() == 2


def test_watch_that_microsoft_has_ended_is_opened_anew_and_the_gap_read(microsoft, outlook):
    [watch] = microsoft.subscriptions.open
    microsoft.subscriptions.loses = True
    tomorrow(outlook[0].add, "Dentist")
    microsoft.subscriptions.tell_lifecycle(watch, "subscriptionRemoved")
    microsoft.subscriptions.settle()
    work()
    assert titles() == ["Dentist"]
    [new] = microsoft.subscriptions.open
    rows = CalendarConnection.objects
    assert set(rows.values_list("webhook_subscription_id", flat=True)) == {new}
    assert new != watch


def test_changes_that_microsoft_has_not_told_of_are_read_when_it_says_so(microsoft, outlook):
    [watch] = microsoft.subscriptions.open
    microsoft.subscriptions.loses = True
    tomorrow(outlook[0].add, "Dentist")
    microsoft.subscriptions.tell_lifecycle(watch, "missed")
    microsoft.subscriptions.settle()
    assert work() == 2
    assert titles() == ["Dentist"]


def test_call_that_meets_a_large_sync_being_written_is_answered_soon_and_comes_again(google):
    anna = google.account("anna@example.com")
    calendar = anna.calendar("Work")
    connection = connect("google", anna, calendar)
    work()
    google.channels.settle()
    with transaction.atomic():  # another database connection than the web server's
        CalendarConnection.objects.select_for_update().get()
        began = monotonic()
        tomorrow(calendar.add, "Dentist")
        while len(google.channels.deliveries) < 2:
            sleep(0.01)
        assert monotonic() - began < 3
    google.channels.settle()
    statuses = [one.status for one in google.channels.deliveries]
    assert (statuses[0], statuses[1], statuses[-1]) == (202, 503, 202)
    connection.refresh_from_db()
    assert connection.next_sync_at == connection.sync_requested_at


def test_two_workers_open_one_watch_for_two_calendars_of_an_account(microsoft):
    anna = microsoft.account("anna@example.com")
    first = connect("microsoft", anna, anna.calendar("Work"), next_watch_at=NOW)
    second = connect(
        "microsoft", anna, anna.calendar("Private"), user=first.user, next_watch_at=NOW
    )

    def keep(connection: CalendarConnection) -> None:
        try:
            keep_watch(connection.pk, due_at=NOW, now=NOW)
        finally:
            database.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(keep, [first, second]))
    [watch] = microsoft.subscriptions.open
    rows = CalendarConnection.objects.filter(webhook_subscription_id=watch)
    assert rows.count() == 2
    posts = [one for one in microsoft.requests if (one.method, one.path) == SUBSCRIBING]
    assert len(posts) == 1
