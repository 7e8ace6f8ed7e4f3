"""Each mail goes out once, whatever happens on the way."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from socket import create_server
from threading import Barrier
from uuid import uuid4

import pytest
from django.db import connection

from bookings.booking_mails import BookingMail
from bookings.outbox import PAUSE, send_mail
from bookings.owed import owe_link
from bookings.tokens import hash_of, manage_token
from connections.due_rows import CLAIM
from tests.bookings.mail_server import mail_server
from tests.bookings.moments import MONDAY_TEN, NOW
from tests.bookings.sample_mails import CALL, HAPPENED, booked
from tests.factories import BookingFactory

MINUTE = timedelta(minutes=1)


@pytest.fixture
def postbox(settings):
    with mail_server() as postbox:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", postbox.port
        yield postbox


def owed(**changes) -> BookingMail:
    booking = BookingFactory(owes_mails=False)
    booking.manage_token_hash = hash_of(manage_token(booking))
    booking.save()
    fields = {"kind": "confirmation", "recipient": "invitee", "due_at": NOW}
    return BookingMail.objects.create(booking=booking, **fields | changes)


def stored(mail: BookingMail) -> BookingMail:
    return BookingMail.objects.get(pk=mail.pk)


@pytest.mark.django_db
@pytest.mark.parametrize(("kind", "recipient"), HAPPENED)
def test_a_mail_goes_to_its_recipient_once_and_is_on_record(postbox, kind, recipient):
    booking = booked(**HAPPENED[kind, recipient])
    booking.mails.all().delete()
    mail = BookingMail.objects.create(
        booking=booking, kind=kind, recipient=recipient, sequence=booking.sequence, due_at=NOW
    )
    for _ in range(2):
        send_mail(mail.pk, now=NOW)
    address = {"invitee": "ivy@example.com", "consultant": "ada@example.com"}[recipient]
    assert [each["To"] for each in postbox.mails] == [address]
    sent = stored(mail)
    assert (sent.sent_at, sent.due_at, sent.attempts, sent.error) == (NOW, None, 1, "")


@pytest.mark.django_db
def test_a_task_that_is_delivered_twice_sends_once(postbox):
    mail = owed()
    for _ in range(3):
        send_mail(mail.pk, now=NOW)
    assert len(postbox.mails) == 1


@pytest.mark.django_db(transaction=True)
def test_twenty_workers_at_once_send_once(postbox):
    mail, gate = owed(), Barrier(20)

    def work() -> None:
        try:
            gate.wait()
            send_mail(mail.pk, now=NOW)
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as workers:
        for each in [workers.submit(work) for _ in range(20)]:
            each.result()
    assert (len(postbox.mails), stored(mail).attempts) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_the_claim_is_on_record_and_no_transaction_open_while_the_server_is_asked(postbox):
    mail, seen = owed(), []

    def look() -> None:
        """From a session of its own, which sees only what is committed."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE datname = current_database() AND state LIKE 'idle in transaction%'"
            )
            seen.append((stored(mail).attempts, stored(mail).not_before, *cursor.fetchone()))
        connection.close()

    postbox.after_taking = look
    send_mail(mail.pk, now=NOW)
    assert seen == [(1, NOW + CLAIM, 0)]


@pytest.mark.django_db
def test_a_worker_that_died_leaves_the_mail_to_another_after_its_claim(postbox):
    mail = owed(not_before=NOW + CLAIM, due_at=NOW + CLAIM, attempts=1)
    send_mail(mail.pk, now=NOW + CLAIM - MINUTE)
    assert postbox.mails == []
    send_mail(mail.pk, now=NOW + CLAIM)
    assert (len(postbox.mails), stored(mail).sent_at) == (1, NOW + CLAIM)


@pytest.mark.django_db
def test_sent_again_a_mail_has_the_same_identity(postbox):
    """All that can be done where a worker died after the server took it: receivers drop repeats."""
    mail = owed()
    send_mail(mail.pk, now=NOW)
    BookingMail.objects.update(due_at=NOW, sent_at=None)
    send_mail(mail.pk, now=NOW)
    first, second = postbox.mails
    assert (first["Message-ID"], first["Date"]) == (second["Message-ID"], second["Date"])
    assert first["Message-ID"] == f"<{mail.pk}@example.com>"


@pytest.mark.django_db
def test_a_server_that_is_busy_is_asked_again_later(postbox, monkeypatch):
    monkeypatch.setattr("syncing.cadence.uniform", lambda low, high: high)
    mail = owed()
    postbox.refusals = ["451 try later"] * 3
    now, waits = NOW, []
    for _ in range(3):
        send_mail(mail.pk, now=now)
        waits.append(stored(mail).due_at - now)
        assert stored(mail).error == "The mail server refused the address: 451 try later"
        send_mail(mail.pk, now=now + waits[-1] - timedelta(seconds=1))  # too early
        now += waits[-1]
    assert waits == [timedelta(seconds=number) for number in (10, 30, 90)]
    send_mail(mail.pk, now=now)
    sent = stored(mail)
    assert (len(postbox.mails), sent.sent_at, sent.attempts, sent.error) == (1, now, 4, "")


@pytest.mark.django_db
def test_a_server_that_cannot_be_reached_is_asked_again_later(settings, postbox):
    mail = owed()
    settings.EMAIL_PORT = 1  # nobody is there
    send_mail(mail.pk, now=NOW)
    waiting = stored(mail)
    assert waiting.error.startswith("The mail could not be sent: ")
    assert (waiting.sent_at, waiting.due_at > NOW) == (None, True)


@pytest.mark.django_db
def test_while_the_server_is_silent_one_mail_finds_out_and_the_others_wait(settings, postbox):
    """Else each of them would keep a worker for as long, and nothing else would get done."""
    mails = [owed(), owed(), owed(due_at=NOW + timedelta(days=1))]
    with create_server(("127.0.0.1", 0)) as silent:
        settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = silent.getsockname()[1], 0.1
        for mail in mails[:2]:
            send_mail(mail.pk, now=NOW)
    rows = [stored(mail) for mail in mails]
    assert [row.attempts for row in rows] == [1, 0, 0]
    assert [row.due_at for row in rows[1:]] == [mail.due_at for mail in mails[1:]]
    settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = postbox.port, None
    for mail in mails[:2]:
        send_mail(mail.pk, now=NOW + PAUSE)
    assert len(postbox.mails) == 2


@pytest.mark.django_db
def test_an_address_that_does_not_exist_is_given_up_and_said_so(postbox):
    mail = owed()
    postbox.refusals = ["550 no such user"]
    send_mail(mail.pk, now=NOW)
    given_up = stored(mail)
    assert (given_up.due_at, given_up.sent_at) == (None, None)
    assert given_up.error == "The mail server refused the address: 550 no such user"


@pytest.mark.django_db
@pytest.mark.parametrize("change", [{"status": "cancelled"}, {"sequence": 1}])
def test_a_mail_about_what_is_no_longer_so_stays_unsent(postbox, change):
    mail = owed()
    type(mail.booking).objects.update(**change)
    send_mail(mail.pk, now=NOW)
    dropped = stored(mail)
    assert (postbox.mails, dropped.due_at, dropped.sent_at) == ([], None, None)
    assert dropped.error == "The booking was changed before this mail was sent."


@pytest.mark.django_db
def test_a_link_that_cannot_be_made_keeps_the_mail_and_says_what_is_missing(postbox, settings):
    mail = owed()
    settings.SECRET_KEY = "new"
    send_mail(mail.pk, now=NOW)
    waiting = stored(mail)
    assert (postbox.mails, waiting.due_at > NOW) == ([], True)
    assert "SECRET_KEY_FALLBACKS" in waiting.error


@pytest.mark.django_db
def test_a_bug_is_raised_and_the_mail_kept(postbox):
    mail = owed(kind="unheard-of")
    with pytest.raises(ValueError, match="unheard-of"):
        send_mail(mail.pk, now=NOW)
    waiting = stored(mail)
    assert waiting.error == "Internal error (ValueError); the server's log has the details."
    assert waiting.due_at > NOW


@pytest.mark.django_db
def test_a_mail_to_what_is_no_address_is_given_up_and_said_so(postbox):
    mail = owed()
    type(mail.booking).objects.update(invitee_email="ivy@example.com, all@example.com")
    send_mail(mail.pk, now=NOW)
    given_up = stored(mail)
    assert (postbox.mails, given_up.due_at, given_up.sent_at) == ([], None, None)
    assert given_up.error == (
        "The mail could not be sent: “ivy@example.com, all@example.com” is no e-mail address."
    )


@pytest.mark.django_db
@pytest.mark.parametrize(("late", "is_sent"), [(-MINUTE, True), (timedelta(0), False)])
def test_a_reminder_of_what_has_begun_stays_unsent(postbox, late, is_sent):
    mail = owed(kind="reminder", about="60")
    send_mail(mail.pk, now=MONDAY_TEN + late)
    assert (len(postbox.mails) == 1, stored(mail).due_at) == (is_sent, None)


@pytest.mark.django_db(transaction=True)
def test_a_link_that_becomes_known_while_the_mail_is_being_sent_is_mailed_too(postbox):
    booking = booked(has_conference=True)
    booking.mails.all().delete()
    mail = BookingMail.objects.create(booking=booking, kind="confirmation", recipient="invitee")

    def write_the_event() -> None:
        """As the worker does that is at the event just now: it sees no mail that went out."""
        type(booking).objects.update(conference_url=CALL)
        owe_link(booking)
        assert booking.mails.count() == 1
        connection.close()

    postbox.after_taking = write_the_event
    send_mail(mail.pk, now=NOW)
    assert list(booking.mails.order_by("created_at").values_list("kind", "about")) == [
        ("confirmation", ""),
        ("conference", CALL),
    ]


@pytest.mark.django_db(transaction=True)
def test_a_mail_that_told_the_link_is_followed_by_no_other(postbox):
    booking = booked(has_conference=True, conference_url=CALL)
    booking.mails.all().delete()
    mail = BookingMail.objects.create(booking=booking, kind="confirmation", recipient="invitee")
    send_mail(mail.pk, now=NOW)
    assert list(booking.mails.values_list("kind")) == [("confirmation",)]


@pytest.mark.django_db
def test_a_mail_whose_booking_was_deleted_is_gone_with_it(postbox):
    send_mail(uuid4(), now=NOW)
    assert postbox.mails == []
