"""The sweeper finds what is due and hands it to the workers, once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.core import mail as sent
from django.db import connection
from django_q.models import OrmQ

from bookings.booking_mails import BookingMail
from bookings.lifecycle import book
from bookings.models import Booking
from bookings.tasks import dispatch_due, requeue_unwritten, send_mail, write_event
from connections.due_rows import AT_ONCE, PATIENCE
from tests.bookings.conftest import request_for
from tests.bookings.moments import MONDAY_TEN, NOW
from tests.factories import BookingFactory, ConnectionFactory, ConsultantFactory

pytestmark = pytest.mark.django_db
HALF_AN_HOUR = timedelta(minutes=30)
SECOND = timedelta(seconds=1)


def handed_out() -> list[tuple]:
    """The tasks waiting in the queue, which is then emptied."""
    waiting = [row.task for row in OrmQ.objects.order_by("pk")]
    OrmQ.objects.all().delete()
    return [(task["func"], *task["args"]) for task in waiting]


def bookings_due(*minutes_ago: int, **changes) -> list[Booking]:
    user = ConsultantFactory()
    return [
        BookingFactory(
            user=user,
            start_time=MONDAY_TEN + number * HALF_AN_HOUR,
            event_due_at=NOW - timedelta(minutes=ago),
            owes_mails=False,
            **changes,
        )
        for number, ago in enumerate(minutes_ago)
    ]


def mail_due(booking: Booking, **changes) -> BookingMail:
    fields = {"kind": "confirmation", "recipient": "invitee", "due_at": NOW}
    return BookingMail.objects.create(booking=booking, **fields | changes)


def write(booking: Booking) -> tuple:
    return ("bookings.tasks.write_event", str(booking.pk))


def send(mail: BookingMail) -> tuple:
    return ("bookings.tasks.send_mail", str(mail.pk))


def test_events_and_mails_that_are_due_go_out_the_longest_waiting_first():
    with connection.cursor() as cursor:  # an index could put them in order by chance
        cursor.execute("SET LOCAL enable_indexscan = off; SET LOCAL enable_bitmapscan = off")
    recent, oldest, older = bookings_due(0, 9, 5)
    late = mail_due(recent)
    later = mail_due(oldest, due_at=NOW - HALF_AN_HOUR)
    assert dispatch_due(NOW) == 5
    assert handed_out() == [
        *(write(oldest), write(older), write(recent)),
        *(send(later), send(late)),
    ]


def test_what_was_handed_out_is_left_to_the_worker_for_a_while():
    [booking] = bookings_due(0)
    mail = mail_due(booking)
    dispatch_due(NOW)
    assert dispatch_due(NOW + PATIENCE - SECOND) == 0
    handed_out()
    assert dispatch_due(NOW + PATIENCE) == 2
    assert handed_out() == [write(booking), send(mail)]


def test_a_fresh_booking_is_handed_out_and_once_more_if_the_queue_loses_it(consultant):
    booking = book(request_for(consultant), now=NOW)
    dispatch_due(NOW)
    first = handed_out()
    assert (len(first), first[0]) == (3, write(booking))
    assert dispatch_due(NOW + SECOND) == 0
    dispatch_due(NOW + PATIENCE)
    assert sorted(handed_out()) == sorted(first)


@pytest.mark.parametrize(
    "changes",
    [
        {"event_state": "written"},
        {"event_state": "none"},
        {"status": "pending"},
        {"event_due_at": NOW + SECOND},
        {"event_due_at": None},
    ],
    ids=str,
)
def test_what_is_not_due_stays(changes):
    BookingFactory(**{"event_due_at": NOW, "owes_mails": False} | changes)
    assert (dispatch_due(NOW), handed_out()) == (0, [])


@pytest.mark.parametrize("due_at", [NOW + SECOND, None], ids=str)
def test_a_mail_that_is_not_due_stays(due_at):
    mail_due(BookingFactory(event_state="written", owes_mails=False), due_at=due_at)
    assert (dispatch_due(NOW), handed_out()) == (0, [])


def test_a_flood_goes_out_in_bounded_lots():
    booking = BookingFactory(event_state="written", owes_mails=False)
    for number in range(AT_ONCE + 1):
        mail_due(booking, sequence=number)
    assert [dispatch_due(NOW), dispatch_due(NOW), dispatch_due(NOW)] == [AT_ONCE, 1, 0]


@pytest.mark.django_db(transaction=True)
def test_ten_sweepers_at_once_hand_out_each_row_once():
    bookings, gate = bookings_due(*range(20)), Barrier(10)

    def sweep() -> None:
        try:
            gate.wait()
            dispatch_due(NOW)
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as sweepers:
        for each in [sweepers.submit(sweep) for _ in range(10)]:
            each.result()
    assert sorted(handed_out()) == sorted(write(booking) for booking in bookings)


def test_a_booking_without_a_calendar_goes_out_once_there_is_one():
    [booking] = bookings_due(0, event_state="none")
    assert dispatch_due(NOW) == 0
    ConnectionFactory(user=booking.user, is_primary=True)
    assert (requeue_unwritten(NOW), dispatch_due(NOW)) == (1, 1)
    assert handed_out() == [write(booking)]


def test_the_tasks_do_what_they_are_named_after(consultant, calendar):
    booking = book(request_for(consultant), now=NOW)
    ConnectionFactory(user=consultant, is_primary=True)
    tasks = {"bookings.tasks.write_event": write_event, "bookings.tasks.send_mail": send_mail}
    dispatch_due(NOW)
    for name, row_id in handed_out():
        tasks[name](row_id)
    booking.refresh_from_db()
    assert (booking.event_state, len(calendar.events)) == ("written", 1)
    recipients = [message.to for message in sent.outbox]
    assert recipients == [["ivy@example.com"], [consultant.email]]
