"""A lost account is said to be lost once, and only an account that is lost."""

import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from time import monotonic

import pytest
from django.core import mail
from django.db import OperationalError, transaction
from django.db import connection as database
from django.utils.module_loading import import_string
from django_q.models import OrmQ, Schedule

from connections import adapters
from connections.accounts import remember_account
from connections.due_rows import CLAIM, PATIENCE
from connections.fields import Secret
from connections.models import CalendarConnection
from connections.providers.base import ChangePage, Credentials
from connections.providers.google import GoogleAdapter
from connections.token_sources import google_app
from syncing import reconnect
from syncing.engine import sync_connection
from syncing.models import SyncLog
from syncing.tasks import dispatch_due, mail_reconnect
from tests.bookings.mail_server import mail_server
from tests.bookings.test_killed_workers import Worker
from tests.connections.providers.far_end import cut_off, instead
from tests.connections.providers.google_far import GoogleCalendar, app_at, calendar_at
from tests.factories import ConnectionFactory, ConsultantFactory
from tests.fakes.google import FakeGoogle, refusing

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC).replace(microsecond=0)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LOST = {"reconnect_needed_at": NOW, "next_sync_at": None}


@pytest.fixture
def postbox(settings):
    with mail_server() as postbox:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", postbox.port
        yield postbox


def lose(**fields) -> CalendarConnection:
    return ConnectionFactory(**LOST | {"provider_email": "anna@icloud.com"} | fields)


def sweep(now: datetime = NOW) -> None:
    """Hand out what is due, and do what was handed out."""
    dispatch_due(now)
    for queued in OrmQ.objects.order_by("pk"):
        task = queued.task
        queued.delete()
        import_string(task["func"])(*task["args"])


# --- the mail ------------------------------------------------------------------------------------


def test_mail_names_the_account_its_calendars_and_where_to_connect_it(settings):
    settings.PUBLIC_URL = "https://booking.example.com"
    consultant = ConsultantFactory(email="anna@example.com")
    lose(user=consultant, calendar_name="Work", is_primary=True)
    lose(user=consultant, calendar_name="Home")
    lose(user=consultant, calendar_name="Switched off", is_active=False)
    sweep()
    [message] = mail.outbox
    assert (message.to, message.subject) == (["anna@example.com"], "Connect anna@icloud.com again")
    link = "https://booking.example.com/admin/connections/calendarconnection/"
    assert message.body == (
        "anna@icloud.com (Apple / CalDAV) no longer lets calsync in.\n"
        "\n"
        "These calendars are not read any more:\n"
        "- Home\n"
        "- Work\n"
        "\n"
        "Events that calsync knew of still keep their time. New and changed ones do not reach it: "
        "that time can be booked.\n"
        "Bookings are not written into your calendar until then.\n"
        "\n"
        f"Connect it again: {link}\n"
    )
    [(html, kind)] = message.alternatives
    assert kind == "text/html"
    assert "<li>Home</li>\n<li>Work</li>" in html
    assert f'<a href="{link}">Connect it again</a>' in html


def test_mail_says_what_it_means_for_the_slots():
    lose(user=ConsultantFactory(settings__stale_policy="close"))
    sweep(NOW)
    lose(blocks_time=False)
    sweep(NOW + MINUTE)
    closing, harmless = (message.body for message in mail.outbox)
    assert "No times are offered to invitees once" in closing
    assert "can be booked" not in closing
    assert [one for one in ("No times", "can be booked", "Bookings") if one in harmless] == []


def test_names_from_outside_stay_text():
    lose(provider_email="anna\r\nBcc: x@example.com", calendar_name="<b>Work</b>\n- Home")
    sweep()
    [message] = mail.outbox
    assert message.subject == "Connect anna Bcc: x@example.com again"
    assert "\n- <b>Work</b> - Home\n" in message.body
    assert "<li>&lt;b&gt;Work&lt;/b&gt; - Home</li>" in message.alternatives[0][0]


# --- once ----------------------------------------------------------------------------------------


def test_account_is_mailed_about_once_and_each_account_by_itself():
    consultant = ConsultantFactory()
    lose(user=consultant)
    lose(user=consultant)
    lose(user=consultant, provider_email="anna@work.example")
    for seconds in range(5):
        sweep(NOW + timedelta(seconds=seconds))
    assert sorted(message.subject for message in mail.outbox) == [
        "Connect anna@icloud.com again",
        "Connect anna@work.example again",
    ]


def test_account_whose_calendars_are_all_switched_off_is_not_mailed_about():
    lose(is_active=False)
    sweep()
    assert mail.outbox == []


@pytest.mark.django_db(transaction=True)
def test_two_sweepers_hand_out_an_account_once():
    consultant = ConsultantFactory()
    for _ in range(5):
        lose(user=consultant)

    def hand_out() -> tuple | None:
        try:
            return reconnect.hand_out(now=NOW + SECOND)
        finally:
            database.close()

    with ThreadPoolExecutor() as pool:
        with transaction.atomic():
            assert reconnect.hand_out(now=NOW) is not None
            second = pool.submit(hand_out)
            wait_until_somebody_waits_for_us()
        assert second.result() is None
    moments = CalendarConnection.objects.values_list("reconnect_mail_not_before", flat=True)
    assert set(moments) == {NOW + PATIENCE}


def wait_until_somebody_waits_for_us() -> None:
    waiting = "SELECT count(*) FROM pg_locks WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))"
    deadline = monotonic() + 10
    with database.cursor() as cursor:
        cursor.execute(waiting)
        while not cursor.fetchone()[0]:
            assert monotonic() < deadline
            cursor.execute(waiting)


def test_later_loss_is_mailed_again_after_a_success(calendar):
    connection = lose()
    sweep(NOW)
    calendar.then(ChangePage(sync_token="token"))
    sync_connection(connection.pk, now=NOW)
    connection.refresh_from_db()
    assert (connection.reconnect_needed_at, connection.reconnect_mailed_at) == (None, None)
    CalendarConnection.objects.update(**LOST | {"reconnect_needed_at": NOW + MINUTE})
    sweep(NOW + MINUTE)
    assert len({message.extra_headers["Message-ID"] for message in mail.outbox}) == 2


def test_later_loss_is_mailed_again_after_a_reconnect():
    connection = lose()
    sweep(NOW)
    credentials = Credentials(
        username=connection.provider_email, server_url=connection.caldav_url, password="new"
    )
    remember_account(connection.user, "apple", credentials, [], now=NOW)
    assert CalendarConnection.objects.get().reconnect_mailed_at is None
    CalendarConnection.objects.update(**LOST)
    sweep(NOW + MINUTE)
    assert len(mail.outbox) == 2


# --- what becomes of a mail that is owed ---------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_twenty_workers_at_once_send_one_mail(postbox):
    consultant, gate = ConsultantFactory(), Barrier(20)
    for _ in range(3):
        lose(user=consultant)

    def act() -> None:
        try:
            gate.wait()
            dispatch_due(NOW)
            for queued in OrmQ.objects.all():
                import_string(queued.task["func"])(*queued.task["args"])
        finally:
            database.close()

    with ThreadPoolExecutor(20) as workers:
        for each in [workers.submit(act) for _ in range(20)]:
            each.result()
    assert len(postbox.mails) == 1


def test_mail_comes_although_the_queue_was_lost():
    connection = lose()
    dispatch_due(NOW)
    OrmQ.objects.all().delete()
    sweep(NOW + PATIENCE - SECOND)
    connection.refresh_from_db()
    assert (mail.outbox, connection.reconnect_mailed_at) == ([], None)
    for seconds in range(5):
        sweep(NOW + PATIENCE + seconds * SECOND)
    connection.refresh_from_db()
    assert len(mail.outbox) == 1
    assert connection.reconnect_mailed_at is not None
    assert connection.reconnect_mail_not_before is None


def test_task_that_comes_late_or_twice_sends_nothing():
    lose()
    dispatch_due(NOW)
    task = OrmQ.objects.get().task
    OrmQ.objects.all().delete()
    dispatch_due(NOW + PATIENCE)
    mail_reconnect(*task["args"])
    assert mail.outbox == []
    sweep(NOW + PATIENCE)
    mail_reconnect(*task["args"])
    assert len(mail.outbox) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_taken", [False, True], ids=["before DATA", "after DATA"])
def test_worker_killed_at_the_mail_server_leaves_exactly_one_mail(postbox, is_taken):
    """Once the server has it, it comes again under the same Message-ID: one mail to a reader."""
    lose()
    dispatch_due(NOW)
    task = OrmQ.objects.get().task
    OrmQ.objects.all().delete()
    worker = Worker()
    setattr(postbox, "after_taking" if is_taken else "before_taking", worker.kill)
    smtp = {"EMAIL_URL": f"smtp://127.0.0.1:{postbox.port}"}
    assert worker.run(task["func"], *task["args"], **smtp) == -signal.SIGKILL
    postbox.after_taking = postbox.before_taking = lambda: None
    sweep(NOW + CLAIM)
    assert len(postbox.mails) == is_taken
    for seconds in range(5):
        sweep(datetime.now(UTC) + CLAIM + seconds * SECOND)
    assert len(postbox.mails) == 1 + is_taken
    assert len({message["Message-ID"] for message in postbox.mails}) == 1


def retry() -> float:
    """Do what was put off; how many seconds it was to wait."""
    [due_at] = CalendarConnection.objects.values_list("reconnect_mail_not_before", flat=True)
    wait = (due_at - datetime.now(UTC)).total_seconds()
    sweep(due_at - timedelta(microseconds=1))
    sweep(due_at)
    return wait


def test_mail_that_was_refused_is_tried_again_later_and_later(postbox):
    postbox.refusals = ["451 later"] * 3
    connection = lose()
    sweep()
    waits = [retry() for _ in range(3)]
    assert [message["Subject"] for message in postbox.mails] == ["Connect anna@icloud.com again"]
    assert [6 < waits[0] <= 10, 20 < waits[1] <= 30, 65 < waits[2] <= 90] == [True] * 3
    sweep(NOW + DAY)
    assert len(postbox.mails) == 1
    connection.refresh_from_db()
    assert (connection.reconnect_mail_not_before, connection.reconnect_mail_tries) == (None, 0)


def test_mail_server_that_is_away_is_asked_again_and_the_mail_comes_once(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    connection = lose()
    sweep()
    connection.refresh_from_db()
    assert (connection.reconnect_mailed_at, connection.reconnect_mail_tries) == (None, 1)
    with mail_server() as postbox:
        settings.EMAIL_PORT = postbox.port
        for hours in range(1, 5):
            sweep(NOW + DAY + hours * HOUR)
        assert len(postbox.mails) == 1
    assert not Schedule.objects.exists()


def test_mail_that_a_bug_stops_is_tried_again_and_the_bug_is_raised(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.nowhere.EmailBackend"
    lose()
    with pytest.raises(ImportError):
        sweep()
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    sweep(NOW + DAY)
    assert len(mail.outbox) == 1


def test_the_log_names_nobody_whose_mail_was_refused(postbox, caplog):
    postbox.refusals = ["550 nobody here"]
    connection = lose()
    sweep()
    assert "SMTPRecipientsRefused" in caplog.text
    assert connection.user.email not in caplog.text


def test_mail_that_nobody_ever_takes_is_given_up(postbox, caplog):
    postbox.refusals = ["550 nobody here"] * 3
    lose(reconnect_mail_tries=reconnect.MOST_TRIES - 2)
    sweep()
    assert "given up" not in caplog.text
    retry()
    assert "given up" in caplog.text
    retry()
    assert (len(postbox.refusals), postbox.mails) == (1, [])


GOOD = {"reconnect_needed_at": None, "reconnect_mail_not_before": None}


@pytest.mark.parametrize(
    "changes", [GOOD, {"is_active": False}], ids=["the account works again", "switched off"]
)
def test_mail_that_nobody_needs_any_more_is_not_sent(changes):
    lose()
    dispatch_due(NOW)
    CalendarConnection.objects.update(**changes)
    sweep()
    sweep(NOW + DAY)
    assert mail.outbox == []


@pytest.mark.django_db(transaction=True)
def test_account_that_is_switched_off_while_its_mail_is_being_sent_is_not_mailed_again(postbox):
    lose()

    def switch_off() -> None:
        CalendarConnection.objects.update(is_active=False)
        database.close()

    postbox.before_taking = switch_off
    sweep()
    CalendarConnection.objects.update(is_active=True)
    sweep(NOW + DAY)
    assert len(postbox.mails) == 1


@pytest.mark.django_db(transaction=True)
def test_loss_while_the_mail_of_an_earlier_one_is_being_sent_has_its_own(postbox):
    lose()

    def reconnect_and_lose_again() -> None:
        CalendarConnection.objects.update(**GOOD)
        CalendarConnection.objects.update(reconnect_needed_at=NOW + SECOND)
        database.close()

    postbox.before_taking = reconnect_and_lose_again
    sweep()
    postbox.before_taking = lambda: None
    for seconds in range(1, 5):
        sweep(NOW + seconds * SECOND)
    assert len(postbox.mails) == 2
    assert len({message["Message-ID"] for message in postbox.mails}) == 2


# --- what is no loss -----------------------------------------------------------------------------


@pytest.fixture
def far(google: FakeGoogle, settings, monkeypatch) -> GoogleCalendar:
    app = app_at(google)
    settings.GOOGLE_CLIENT_ID, settings.GOOGLE_CLIENT_SECRET = app.client_id, app.client_secret
    settings.GOOGLE_OAUTH_URL = settings.GOOGLE_API_URL = google.url
    monkeypatch.setitem(
        adapters.ADAPTERS,
        "google",
        lambda known: GoogleAdapter(known, app=google_app(), timeout=0.5),
    )
    return calendar_at(google)


@pytest.fixture
def connected(far: GoogleCalendar) -> CalendarConnection:
    return ConnectionFactory(
        provider="google",
        provider_email=far.account.email,
        calendar_id=far.calendar_id,
        access_token=far.account.sign_in(),
        refresh_token=far.account.stay_signed_in(),
        token_expires_at=NOW + timedelta(days=1),
        app_specific_password=None,
        caldav_url=None,
    )


def always(fault) -> Callable:
    return lambda far, settings: far.google.commit(fault, times=100)


def silence(far: GoogleCalendar, settings) -> None:
    far.google.commit(far.google.silence, times=100)


def unknown_host(far: GoogleCalendar, settings) -> None:
    settings.GOOGLE_API_URL = "http://calendar.invalid"


def no_tls(far: GoogleCalendar, settings) -> None:
    settings.GOOGLE_API_URL = far.google.url.replace("http://", "https://")


def lost_key(far: GoogleCalendar, settings) -> None:
    CalendarConnection.objects.update(access_token=Secret("written with a key that is gone"))


def wrong_client(far: GoogleCalendar, settings) -> None:
    CalendarConnection.objects.update(token_expires_at=NOW)
    settings.GOOGLE_CLIENT_SECRET = "mistyped"


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (silence, "in time"),
        (always(refusing(429, "rateLimitExceeded")), "slow down"),
        (always(instead(503)), "out of order"),
        (unknown_host, "failed or broke off"),
        (no_tls, "failed or broke off"),
        (always(cut_off), "failed or broke off"),
        (always(instead(200, "<html>Please sign in</html>")), "makes no sense"),
        (always(refusing(403, "quotaExceeded")), "quota"),
        (always(refusing(404, "notFound")), "no longer exists"),
        (lost_key, "cannot be decrypted"),
        (wrong_client, "client"),
    ],
    ids=[
        "a time-out",
        "429",
        "503",
        "a name that is not found",
        "no TLS",
        "a cut-off body",
        "a web page",
        "403, the quota is used up",
        "404",
        "an unreadable secret",
        "invalid_client",
    ],
)
def test_fault_is_no_loss(far, connected, settings, fault, said):
    fault(far, settings)
    for minutes in (0, 10, 20):
        log = sync_connection(connected.pk, now=NOW + minutes * MINUTE)
        assert log.status == "failed"
        assert said in log.error_message
    sweep()
    assert_known_as_working(connected)


def test_database_error_is_no_loss(calendar):
    connection = ConnectionFactory()
    for _ in range(3):
        calendar.then(OperationalError("password authentication failed for user calsync"))
        with pytest.raises(OperationalError):
            sync_connection(connection.pk, now=NOW)
    assert SyncLog.objects.filter(status="failed").count() == 3
    assert_known_as_working(connection)


def assert_known_as_working(connection: CalendarConnection) -> None:
    connection.refresh_from_db()
    assert connection.reconnect_needed_at is None
    assert connection.access_refused_at is None
    assert mail.outbox == []


def withdrawn(far: GoogleCalendar, settings) -> None:
    CalendarConnection.objects.update(token_expires_at=NOW)
    far.account.revoke()


def refused(far: GoogleCalendar, settings) -> None:
    far.google.commit(refusing(401, "authError"), about="/events?", times=100)


def test_access_that_is_refused_once_is_no_loss_yet(far, connected, settings):
    refused(far, settings)
    sync_connection(connected.pk, now=NOW)
    sweep()
    connected.refresh_from_db()
    assert (connected.reconnect_needed_at, connected.access_refused_at) == (None, NOW)
    assert mail.outbox == []


@pytest.mark.parametrize("fault", [refused, withdrawn], ids=["401", "invalid_grant"])
def test_access_that_is_refused_twice_is_a_loss(far, connected, settings, fault):
    fault(far, settings)
    for minutes in (0, 10):
        sync_connection(connected.pk, now=NOW + minutes * MINUTE)
    sweep()
    assert [message.subject for message in mail.outbox] == ["Connect anna@example.com again"]
