"""A lost account is said to be lost once, and only an account that is lost."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from time import monotonic
from uuid import UUID

import pytest
from django.core import mail
from django.db import OperationalError, transaction
from django.db import connection as database
from django.utils.module_loading import import_string
from django_q.models import OrmQ, Schedule

from connections import adapters
from connections.accounts import remember_account
from connections.fields import Secret
from connections.models import CalendarConnection
from connections.providers.base import ChangePage, Credentials
from connections.providers.google import GoogleAdapter
from connections.token_sources import google_app
from syncing import reconnect
from syncing.engine import sync_connection
from syncing.models import SyncLog
from syncing.tasks import dispatch_due
from tests.bookings.mail_server import mail_server
from tests.connections.providers.far_end import cut_off, instead
from tests.connections.providers.google_far import GoogleCalendar, app_at, calendar_at
from tests.factories import ConnectionFactory, ConsultantFactory
from tests.fakes.google import FakeGoogle, refusing

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC).replace(microsecond=0)
MINUTE = timedelta(minutes=1)
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
def test_two_sweepers_claim_an_account_once():
    consultant = ConsultantFactory()
    for _ in range(5):
        lose(user=consultant)

    def claim() -> UUID | None:
        try:
            return reconnect.claim(now=NOW + MINUTE)
        finally:
            database.close()

    with ThreadPoolExecutor() as pool:
        with transaction.atomic():
            assert reconnect.claim(now=NOW) is not None
            second = pool.submit(claim)
            wait_until_somebody_waits_for_us()
        assert second.result() is None
    claims = CalendarConnection.objects.values_list("reconnect_mailed_at", flat=True)
    assert set(claims) == {NOW}


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
    calendar.then(ChangePage(sync_token="token", is_full=True))
    sync_connection(connection.pk, now=NOW)
    connection.refresh_from_db()
    assert (connection.reconnect_needed_at, connection.reconnect_mailed_at) == (None, None)
    CalendarConnection.objects.update(**LOST)
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


# --- a mail server that fails --------------------------------------------------------------------


def retry() -> datetime:
    """Do what was put off; when it was to be done."""
    schedule = Schedule.objects.get()
    due_at = schedule.next_run
    schedule.delete()
    import_string(schedule.func)(*eval(schedule.args))  # as django-q reads it
    return due_at


def test_mail_that_was_refused_is_tried_again_later_and_later(postbox):
    postbox.refusals = ["451 later"] * 3
    lose()
    sweep()
    waits = []
    for _ in range(3):
        asked_at = datetime.now(UTC)
        waits.append((retry() - asked_at).total_seconds())
    assert [message["Subject"] for message in postbox.mails] == ["Connect anna@icloud.com again"]
    assert [6 < waits[0] <= 10, 20 < waits[1] <= 30, 65 < waits[2] <= 90] == [True] * 3
    assert not Schedule.objects.exists()
    sweep(NOW + MINUTE)
    assert len(postbox.mails) == 1


def test_mail_server_that_is_away_is_asked_again(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    lose()
    sweep()
    assert Schedule.objects.get().func == "syncing.tasks.mail_reconnect"


def test_the_log_names_nobody_whose_mail_was_refused(postbox, caplog):
    postbox.refusals = ["550 nobody here"]
    connection = lose(reconnect_mailed_at=NOW)
    reconnect.mail_consultant(connection.pk, claimed_at=NOW, failures=0, now=NOW)
    assert "SMTPRecipientsRefused" in caplog.text
    assert connection.user.email not in caplog.text


def test_mail_that_nobody_ever_takes_is_given_up(postbox):
    postbox.refusals = ["550 nobody here"]
    connection = lose(reconnect_mailed_at=NOW)
    tried = {"claimed_at": NOW, "now": NOW}
    last = reconnect.MOST_TRIES - 1
    assert reconnect.mail_consultant(connection.pk, failures=last, **tried) is None
    postbox.refusals = ["550 nobody here"]
    assert reconnect.mail_consultant(connection.pk, failures=last - 1, **tried) > NOW


@pytest.mark.parametrize(
    "changes",
    [
        {"reconnect_needed_at": None},
        {"reconnect_mailed_at": NOW + MINUTE},
        {"is_active": False},
    ],
    ids=["the account works again", "a later loss has its own mail", "switched off"],
)
def test_retry_that_nobody_needs_any_more_sends_nothing(postbox, changes):
    postbox.refusals = ["451 later"]
    lose()
    sweep()
    CalendarConnection.objects.update(**changes)
    retry()
    assert postbox.mails == []
    assert not Schedule.objects.exists()


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
