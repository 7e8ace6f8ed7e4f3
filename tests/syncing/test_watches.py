"""Watches are opened, renewed in time and stopped; without one a calendar is polled often."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django_q.models import OrmQ

from connections import accounts, adapters
from connections.due_rows import CLAIM
from connections.models import CalendarConnection
from connections.providers.base import (
    Credentials,
    ProviderUnavailable,
    PushUnsupported,
    RateLimited,
    Tokens,
    Watch,
)
from connections.push import PUSH, stop_watches, stored_watch
from syncing import cadence, tasks
from syncing.outcome import record_success
from syncing.tasks import dispatch_due
from syncing.watches import keep_watch, renewal_due
from tests.factories import ConnectionFactory

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC).replace(microsecond=0)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ADDRESS = "https://booking.example.com/webhooks"


class WatchedAccount:
    """A provider by script: what it was asked, and how it answers."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.refuses: Exception | None = None
        self.refuses_to_stop: Exception | None = None
        self.while_asked: Callable[[], object] = lambda: None
        self.life = 7 * DAY

    def watch(self, calendar_id: str, *, address: str, secret: str) -> Watch:
        return self._grant("watch", calendar_id, secret)

    def renew_watch(self, calendar_id: str, watch: Watch, *, address: str) -> Watch:
        return self._grant(f"renew {watch.watch_id}", calendar_id, watch.secret)

    def stop_watch(self, watch: Watch) -> None:
        self.asked.append(("stop", watch.watch_id))
        if self.refuses_to_stop:
            raise self.refuses_to_stop

    def _grant(self, verb: str, calendar_id: str, secret: str) -> Watch:
        self.asked.append((verb, calendar_id))
        self.while_asked()
        if self.refuses:
            raise self.refuses
        watch_id = f"watch-{len(self.asked)}"
        return Watch(watch_id=watch_id, resource_id="r1", secret=secret, expires_at=NOW + self.life)


@pytest.fixture(autouse=True)
def https(settings) -> None:
    settings.PUSH_ADDRESS = ADDRESS


@pytest.fixture
def provider(monkeypatch) -> WatchedAccount:
    return put(monkeypatch, WatchedAccount())


@pytest.fixture
def account(monkeypatch) -> WatchedAccount:
    """One watch tells of all calendars of the account."""
    monkeypatch.setitem(PUSH, "google", replace(PUSH["google"], is_per_account=True))
    return put(monkeypatch, WatchedAccount())


def put(monkeypatch, provider: WatchedAccount) -> WatchedAccount:
    monkeypatch.setitem(adapters.ADAPTERS, "google", lambda credentials: provider)
    return provider


def signed_in(**fields) -> CalendarConnection:
    known = {
        "provider": "google",
        "caldav_url": None,
        "app_specific_password": None,
        "access_token": "access",
        "token_expires_at": NOW + 365 * DAY,
        "next_sync_at": NOW + DAY,
        "next_watch_at": NOW,
    }
    return ConnectionFactory(**known | fields)


def keep(connection: CalendarConnection, now: datetime = NOW) -> CalendarConnection:
    """See to a watch that has just been handed out, and return what the row says then."""
    connection.refresh_from_db()
    keep_watch(connection.pk, due_at=connection.next_watch_at, now=now)
    connection.refresh_from_db()
    return connection


def test_a_new_watch_is_stored_and_what_changed_before_it_is_looked_for(provider):
    connection = keep(signed_in(watch_error="old"))
    assert provider.asked == [("watch", connection.calendar_id)]
    assert (connection.webhook_channel_id, connection.webhook_subscription_id) == ("watch-1", None)
    assert (connection.webhook_resource_id, connection.watch_error) == ("r1", "")
    assert len(connection.webhook_secret.reveal()) >= 32
    assert connection.webhook_expiration == NOW + 7 * DAY
    assert connection.next_watch_at == NOW + 7 * DAY - 36 * HOUR
    assert connection.next_sync_at == NOW


def test_two_watches_have_different_secrets(provider):
    first, second = keep(signed_in()), keep(signed_in())
    assert first.webhook_secret.reveal() != second.webhook_secret.reveal()


@pytest.mark.parametrize(
    ("life", "renewed_after"),
    [(7 * DAY, 132 * HOUR), (3 * DAY, 36 * HOUR), (DAY, 12 * HOUR), (-DAY, HOUR / 6)],
)
def test_a_watch_is_renewed_in_time(life, renewed_after):
    watch = Watch(watch_id="w", resource_id="", secret="", expires_at=NOW + life)
    assert renewal_due(watch, now=NOW) == NOW + renewed_after


def test_a_renewal_stores_the_new_watch_before_it_stops_the_old_one(provider):
    connection = keep(signed_in())
    secret = connection.webhook_secret.reveal()
    stored = []
    provider.stop_watch = lambda watch: stored.append(
        (watch.watch_id, CalendarConnection.objects.get().webhook_channel_id)
    )
    keep(connection, NOW + 6 * DAY)
    assert stored == [("watch-1", "watch-2")]
    assert connection.webhook_secret.reveal() == secret


def test_an_old_watch_that_cannot_be_stopped_does_not_fail_the_renewal(provider):
    connection = keep(signed_in())
    provider.refuses_to_stop = ProviderUnavailable("503")
    provider.life = 14 * DAY
    keep(connection, NOW + 6 * DAY)
    assert provider.asked[1:] == [("renew watch-1", connection.calendar_id), ("stop", "watch-1")]
    assert (connection.webhook_channel_id, connection.watch_error) == ("watch-2", "")
    assert connection.webhook_expiration == NOW + 14 * DAY


def test_a_calendar_without_push_is_not_asked_again_until_its_next_full_sync(provider):
    provider.refuses = PushUnsupported("Holidays send no notifications.")
    connection = keep(signed_in())
    assert (connection.next_watch_at, connection.watch_error) == (
        None,
        "Holidays send no notifications.",
    )
    assert CalendarConnection.objects.needing_watch(NOW + 365 * DAY).count() == 0


def test_a_provider_that_fails_is_asked_again_later_and_the_known_watch_stays(provider):
    connection = keep(signed_in())
    provider.refuses = RateLimited("Too often.", retry_after=3 * 3600)
    keep(connection, NOW + 6 * DAY)
    assert connection.next_watch_at == NOW + 6 * DAY + 3 * HOUR
    assert (connection.watch_error, connection.webhook_channel_id) == ("Too often.", "watch-1")


def test_a_lost_renewal_falls_back_to_fast_polls(provider, settings):
    settings.POLL_INTERVAL_SECONDS = 300
    connection = keep(signed_in())
    slow, fast = settings.POLL_INTERVAL_SECONDS, settings.POLL_INTERVAL_NO_WATCH_SECONDS
    for now, seconds in [(NOW + 6 * DAY, slow), (NOW + 7 * DAY, fast)]:
        interval = cadence.poll_interval(connection, now=now).total_seconds()
        assert 0.7 * seconds <= interval <= 0.8 * seconds


def test_a_watch_is_opened_once_however_often_it_is_handed_out(provider):
    connection = signed_in()
    due_at = connection.next_watch_at
    provider.while_asked = lambda: keep_watch(connection.pk, due_at=due_at, now=NOW)
    keep_watch(connection.pk, due_at=due_at, now=NOW)
    keep_watch(connection.pk, due_at=due_at, now=NOW)
    assert provider.asked == [("watch", connection.calendar_id)]


def test_a_worker_that_dies_leaves_the_watch_to_the_next_one(provider):
    connection = signed_in()
    provider.refuses = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        keep(connection)
    due = CalendarConnection.objects.needing_watch
    assert [due(NOW + CLAIM - HOUR / 60).count(), due(NOW + CLAIM).count()] == [0, 1]


def test_all_calendars_of_an_account_share_one_watch(account):
    connection = signed_in()
    siblings = [signed_in(user=connection.user, is_active=active) for active in (True, False)]
    stranger = signed_in()
    for one in (connection, siblings[0]):
        keep_watch(one.pk, due_at=NOW, now=NOW)
    assert account.asked == [("watch", connection.calendar_id)]
    rows = CalendarConnection.objects.filter(webhook_subscription_id="watch-1")
    assert set(rows) == {connection, siblings[0]}
    assert {row.next_watch_at for row in rows} == {NOW + 132 * HOUR}
    assert {row.webhook_secret.reveal() for row in rows} == {rows[0].webhook_secret.reveal()}
    assert stored_watch(stranger) is None


def test_a_calendar_that_joins_an_account_joins_its_watch(account):
    first = keep(signed_in())
    second = keep(signed_in(user=first.user))
    assert account.asked[1] == ("renew watch-1", second.calendar_id)
    first.refresh_from_db()
    assert first.webhook_subscription_id == second.webhook_subscription_id == "watch-2"


def test_a_watch_that_was_opened_meanwhile_is_stopped(account):
    connection = signed_in()

    def open_another() -> None:
        CalendarConnection.objects.update(
            webhook_subscription_id="other", webhook_secret="x", webhook_expiration=NOW + DAY
        )

    account.while_asked = open_another
    keep(connection)
    assert account.asked[-1] == ("stop", "other")
    assert connection.webhook_subscription_id == "watch-1"


def test_a_stop_that_fails_is_logged_without_its_secret(provider, caplog):
    connection = keep(signed_in())
    provider.refuses_to_stop = ProviderUnavailable("503")
    stop_watches(connection, [stored_watch(connection)])
    assert provider.asked[-1] == ("stop", "watch-1")
    [record] = [one for one in caplog.records if "left to run out" in one.message]
    assert connection.webhook_secret.reveal() not in record.getMessage()


# --- handing out --------------------------------------------------------------------------------


def queued() -> list[str]:
    return [one.task["func"] for one in OrmQ.objects.order_by("pk")]


@pytest.mark.parametrize(
    "fields", [{"next_watch_at": NOW + HOUR}, {"reconnect_needed_at": NOW}, {"next_watch_at": None}]
)
def test_only_watches_that_are_due_are_handed_out(fields):
    signed_in(**fields)
    dispatch_due(NOW)
    assert "syncing.tasks.keep_watch" not in queued()


def test_a_due_watch_is_handed_out_once(provider):
    connection = signed_in()
    assert [dispatch_due(NOW), dispatch_due(NOW)] == [1, 0]
    [task] = [one.task for one in OrmQ.objects.all()]
    assert task["func"] == "syncing.tasks.keep_watch"
    tasks.keep_watch(*task["args"])
    assert provider.asked == [("watch", connection.calendar_id)]


def test_without_an_https_address_everything_is_polled(settings):
    settings.PUSH_ADDRESS = ""
    signed_in()
    assert (dispatch_due(NOW), queued()) == (0, [])


@pytest.mark.parametrize(
    ("provider_name", "address", "next_watch_at"),
    [("google", ADDRESS, NOW), ("google", "", None), ("apple", ADDRESS, None)],
)
def test_a_full_sync_asks_for_a_watch_where_there_is_push(
    settings, provider_name, address, next_watch_at
):
    settings.PUSH_ADDRESS = address
    connection = signed_in(provider=provider_name, next_watch_at=None)
    record_success(connection, now=NOW, sync_token="1", full_window=None)
    connection.refresh_from_db()
    assert connection.next_watch_at is None
    record_success(connection, now=NOW, sync_token="2", full_window=cadence.window(NOW))
    connection.refresh_from_db()
    assert connection.next_watch_at == next_watch_at


def test_a_full_sync_leaves_the_time_of_a_renewal_alone():
    connection = signed_in(next_watch_at=NOW + DAY)
    record_success(connection, now=NOW, sync_token="1", full_window=cadence.window(NOW))
    connection.refresh_from_db()
    assert connection.next_watch_at == NOW + DAY


@pytest.mark.parametrize(
    ("look_again", "next_sync"),
    [(20, 20), (-1, None), (3600, None)],  # seconds from the sync's start; None: the usual poll
)
def test_a_calendar_is_looked_at_again_when_its_list_has_caught_up(look_again, next_sync):
    connection = signed_in(look_again_at=NOW + timedelta(seconds=look_again))
    record_success(connection, now=NOW, sync_token="1", full_window=None)
    connection.refresh_from_db()
    wait = (connection.next_sync_at - NOW).total_seconds()
    assert wait == next_sync if next_sync else 42 <= wait <= 48


# --- switching off and on, connecting again -------------------------------------------------------


def switch(*rows: CalendarConnection, is_active: bool, now: datetime = NOW) -> None:
    """As the consultant does on the desk."""
    for row in rows:
        row.refresh_from_db()
        row.is_active = is_active
    accounts.choose_calendars(rows, now=now)


def test_the_watch_of_a_calendar_that_is_switched_off_is_stopped_by_the_worker(provider):
    connection, other = keep(signed_in()), keep(signed_in())
    switch(connection, is_active=False)
    assert provider.asked[-1] == ("watch", other.calendar_id)  # nobody waits for the provider
    assert list(CalendarConnection.objects.needing_watch(NOW)) == [connection]
    keep(connection)
    assert provider.asked[2:] == [("stop", "watch-1")]
    assert (connection.webhook_channel_id, connection.webhook_expiration) == (None, None)
    assert (connection.webhook_secret, connection.next_watch_at) == (None, None)
    other.refresh_from_db()
    assert other.webhook_channel_id == "watch-2"


def test_a_stop_that_fails_is_tried_again_until_the_watch_has_run_out(provider):
    connection = keep(signed_in())
    switch(connection, is_active=False)
    provider.refuses_to_stop = RateLimited("Too often.", retry_after=3 * 3600)
    keep(connection)
    assert (connection.webhook_channel_id, connection.next_watch_at) == ("watch-1", NOW + 3 * HOUR)
    keep(connection, NOW + 7 * DAY)
    assert provider.asked[1:] == [("stop", "watch-1")]
    assert (connection.webhook_channel_id, connection.next_watch_at) == (None, None)


def test_a_watch_that_another_calendar_of_the_account_lives_by_goes_on(account):
    first = keep(signed_in())
    second = keep(signed_in(user=first.user))
    asked = list(account.asked)
    switch(first, is_active=False)
    keep(first)
    assert account.asked == asked
    assert stored_watch(first) is None
    second.refresh_from_db()
    assert second.webhook_subscription_id == "watch-2"
    switch(second, is_active=False)
    keep(second)
    assert account.asked == [*asked, ("stop", "watch-2")]


def test_a_calendar_that_is_switched_on_again_is_watched_at_once(provider):
    connection = keep(signed_in())
    switch(connection, is_active=False)
    keep(connection)
    switch(connection, is_active=True)
    keep(connection)
    assert provider.asked[1:] == [("stop", "watch-1"), ("watch", connection.calendar_id)]
    assert connection.webhook_channel_id == "watch-3"


def test_a_calendar_that_is_switched_on_while_its_watch_is_stopped_gets_another(provider):
    connection = keep(signed_in())
    switch(connection, is_active=False)
    later = NOW + HOUR
    row = CalendarConnection.objects.get()
    provider.stop_watch = lambda watch: switch(row, is_active=True, now=later)
    keep(connection)
    assert (connection.webhook_channel_id, connection.next_watch_at) == ("watch-1", later)
    provider.stop_watch = lambda watch: None
    keep(connection, later)
    assert connection.webhook_channel_id == "watch-2"


def test_a_watch_that_is_opened_while_its_calendar_is_switched_off_is_stopped(provider):
    connection = signed_in()
    provider.while_asked = lambda: CalendarConnection.objects.update(is_active=False)
    keep(connection)
    assert provider.asked == [("watch", connection.calendar_id), ("stop", "watch-1")]
    assert stored_watch(connection) is None


def test_a_watch_that_is_opened_while_its_account_is_disconnected_runs_out(provider, caplog):
    connection = signed_in()
    provider.while_asked = lambda: CalendarConnection.objects.all().delete()
    keep_watch(connection.pk, due_at=NOW, now=NOW)
    assert f"A watch of connection {connection.pk} was left to run out" in caplog.text


def test_other_choices_leave_the_watch_alone(provider):
    connection = keep(signed_in())
    connection.stores_titles = False
    accounts.choose_calendars([connection], now=NOW)
    connection.refresh_from_db()
    assert connection.next_watch_at == NOW + 132 * HOUR


def test_a_calendar_without_push_has_no_watch_to_open(provider):
    connection = signed_in(provider="apple", is_active=False, next_watch_at=None)
    switch(connection, is_active=True)
    connection.refresh_from_db()
    assert connection.next_watch_at is None


def test_connecting_again_sees_to_the_watches_that_were_open(provider):
    connection = keep(signed_in())
    without_push = signed_in(user=connection.user, next_watch_at=None)
    credentials = Credentials(username=connection.provider_email)
    tokens = Tokens(access_token="new", refresh_token="new", expires_at=NOW + DAY)
    accounts.remember_account(
        connection.user, "google", credentials, [], tokens=tokens, now=NOW + HOUR
    )
    due = CalendarConnection.objects.needing_watch(NOW + HOUR)
    assert [one.pk for one in due] == [connection.pk]
    without_push.refresh_from_db()
    assert without_push.next_watch_at is None
