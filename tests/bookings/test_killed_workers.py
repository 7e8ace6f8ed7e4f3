"""A worker process is really killed at the worst moments, and another takes its work up."""

import os
import signal
import subprocess
import sys
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from bookings import outbox, writeback
from bookings.booking_mails import BookingMail
from bookings.models import Booking
from bookings.tokens import hash_of, manage_token
from connections.due_rows import CLAIM
from connections.models import CalendarConnection
from syncing.engine import sync_connection
from syncing.models import SyncedEvent
from tests.bookings.mail_server import Postbox, mail_server
from tests.connections.providers.caldav_servers import PASSWORD, USERNAME, Device
from tests.connections.providers.far_end import Answer, Proxy, Request
from tests.databases import address
from tests.factories import BookingFactory, ConnectionFactory

pytestmark = pytest.mark.django_db(transaction=True)


class Worker:
    """A process of its own that runs one task, and can be killed in the middle of it."""

    process: subprocess.Popen

    def run(self, task: str, *args: str, **environment: str) -> int:
        """Until it ends or is killed; the exit status."""
        code = (
            "import django; django.setup(); from django.utils.module_loading import import_string; "
            f"import_string('{task}')(*{args})"
        )
        database = {"DATABASE_URL": address(connection.settings_dict["NAME"])}
        self.process = subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=settings.BASE_DIR,
            env=os.environ | database | environment,
        )
        return self.process.wait(timeout=60)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)


def after_the_claim():
    """When a dead worker's claim has run out."""
    return timezone.now() + CLAIM + timedelta(seconds=1)


@pytest.fixture
def worker() -> Worker:
    return Worker()


@pytest.fixture
def proxy(radicale: Device):
    with Proxy(radicale.url) as proxy:
        yield proxy


@pytest.fixture
def destination(radicale: Device, proxy: Proxy) -> CalendarConnection:
    path = urlsplit(radicale.make_calendar(f"/{USERNAME}/")).path
    return ConnectionFactory(
        provider_email=USERNAME,
        app_specific_password=PASSWORD,
        caldav_url=f"{proxy.url}/",
        calendar_id=f"{proxy.url}{path}",
        is_primary=True,
    )


def events_on_the_server(destination: CalendarConnection) -> list:
    """The booking each event there belongs to."""
    sync_connection(destination.pk, now=timezone.now(), full=True)
    return list(SyncedEvent.objects.values_list("booking_id", flat=True))


@pytest.mark.parametrize("is_written", [False, True], ids=["before the PUT", "after the PUT"])
def test_a_worker_killed_at_the_write_leaves_exactly_one_event(
    worker, proxy, destination, is_written
):
    booking = BookingFactory(user=destination.user)

    def kill(request: Request, forward: Answer) -> None:
        if is_written:
            forward(request)
        worker.kill()

    proxy.commit("PUT", kill)
    assert worker.run("bookings.tasks.write_event", str(booking.pk)) == -signal.SIGKILL
    row = Booking.objects.get(pk=booking.pk)
    assert (row.event_state, row.event_attempts, row.provider_event_id) == ("due", 1, "")
    assert events_on_the_server(destination) == [booking.pk] * is_written
    writeback.write_event(booking.pk, now=after_the_claim())
    row.refresh_from_db()
    assert (row.event_state, row.event_attempts) == ("written", 0)
    assert events_on_the_server(destination) == [booking.pk]


@pytest.mark.parametrize("is_taken", [False, True], ids=["before DATA", "after DATA"])
def test_a_worker_killed_at_the_mail_server_leaves_exactly_one_mail(worker, is_taken):
    """Once the server has it, it comes again under the same Message-ID: one mail to a reader."""
    mail = confirmation_owed()
    with mail_server() as postbox:
        setattr(postbox, "after_taking" if is_taken else "before_taking", worker.kill)
        smtp = {"EMAIL_URL": f"smtp://127.0.0.1:{postbox.port}"}
        assert worker.run("bookings.tasks.send_mail", str(mail.pk), **smtp) == -signal.SIGKILL
        assert len(postbox.mails) == is_taken
        postbox.after_taking = postbox.before_taking = lambda: None
        send_from_here(mail, postbox)
    assert {each["Message-ID"] for each in postbox.mails} == {f"<{mail.pk}@example.com>"}
    assert len(postbox.mails) == 1 + is_taken
    mail.refresh_from_db()
    assert (mail.attempts, mail.due_at) == (2, None)


def confirmation_owed() -> BookingMail:
    booking = BookingFactory(owes_mails=False)
    booking.manage_token_hash = hash_of(manage_token(booking))
    booking.save()
    return BookingMail.objects.create(booking=booking, kind="confirmation", recipient="invitee")


def send_from_here(mail: BookingMail, postbox: Postbox) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "EMAIL_BACKEND", "django.core.mail.backends.smtp.EmailBackend")
        patch.setattr(settings, "EMAIL_HOST", "127.0.0.1")
        patch.setattr(settings, "EMAIL_PORT", postbox.port)
        outbox.send_mail(mail.pk, now=after_the_claim())
