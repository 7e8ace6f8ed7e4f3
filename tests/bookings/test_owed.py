"""An alarm for what the calendar does not take, and the link of a video call that came too late."""

from datetime import timedelta

import pytest
from django.core import mail as sent
from django.db import connection
from django.utils import timezone

from bookings.booking_mails import BookingMail
from bookings.models import Booking
from bookings.outbox import send_mail
from bookings.owed import ALARM_AFTER, owe_alarms, owe_link
from bookings.writeback import requeue_unwritten
from calsync.sweeper import sweep_once
from tests.bookings.moments import NOW
from tests.factories import BookingFactory, ConnectionFactory

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
REFUSED = {"event_state": "failed", "event_due_at": None, "event_error": "Read-only."}
CALL = "https://meet.example.com/abc"


def booked(**changes) -> Booking:
    return BookingFactory(owes_mails=False, **changes)


def waited(booking: Booking, waited: timedelta) -> Booking:
    """As if its event had been due for so long."""
    since = timezone.now() - waited
    Booking.objects.filter(pk=booking.pk).update(event_due_since=since)
    booking.refresh_from_db()
    return booking


def alarms() -> list[tuple]:
    mails = BookingMail.objects.filter(kind="calendar_trouble", recipient="consultant")
    return list(mails.order_by("sequence").values_list("booking_id", "sequence"))


def test_what_the_calendar_refuses_is_told_once():
    booking = booked(**REFUSED)
    for _ in range(3):
        sweep_once()
    assert alarms() == [(booking.pk, 0)]


def test_what_stays_undone_is_told_after_a_quarter_of_an_hour():
    late = waited(booked(), ALARM_AFTER + MINUTE)
    waited(booked(), ALARM_AFTER - MINUTE)
    owe_alarms()
    assert (ALARM_AFTER, alarms()) == (15 * MINUTE, [(late.pk, 0)])


def test_an_event_that_could_not_be_removed_is_told():
    booking = waited(booked(status="cancelled"), timedelta(days=1))
    owe_alarms()
    assert alarms() == [(booking.pk, 0)]


@pytest.mark.parametrize(
    "changes",
    [
        {"event_state": "written"},
        {"event_state": "removed"},
        {"event_state": "none"},
        {"status": "pending"},
        {"start_time": NOW - timedelta(days=3650)},
    ],
    ids=str,
)
def test_what_is_as_it_should_be_or_is_over_is_no_trouble(changes):
    waited(booked(**changes), timedelta(days=1))
    owe_alarms()
    assert alarms() == []


def test_each_revision_has_an_alarm_of_its_own():
    booking = booked(**REFUSED)
    owe_alarms()
    Booking.objects.update(start_time=booking.start_time + MINUTE)
    owe_alarms()
    assert alarms() == [(booking.pk, 0)]
    Booking.objects.update(event_state="failed")
    owe_alarms()
    assert alarms() == [(booking.pk, 0), (booking.pk, 1)]


@pytest.mark.parametrize(
    ("before", "change"),
    [
        ({"status": "pending"}, {"status": "confirmed"}),
        ({"event_state": "written"}, {"start_time": NOW, "end_time": NOW + MINUTE}),
        ({"event_state": "due"}, {"start_time": NOW, "end_time": NOW + MINUTE}),
        ({"event_state": "written", "provider_event_id": "x"}, {"status": "cancelled"}),
        ({"event_state": "written"}, {"event_state": "due"}),
    ],
    ids=str,
)
def test_the_waiting_begins_when_the_event_becomes_due(before, change):
    booking = waited(booked(**before), timedelta(days=1))
    Booking.objects.update(**change)
    booking.refresh_from_db()
    assert timezone.now() - booking.event_due_since < MINUTE
    owe_alarms()
    assert alarms() == []


def test_trying_again_is_still_the_same_waiting():
    booking = waited(booked(), timedelta(days=1))
    since = booking.event_due_since
    ConnectionFactory(user=booking.user, is_primary=True)
    assert requeue_unwritten(booking.user_id, now=NOW) == 1
    Booking.objects.update(event_attempts=7, event_error="Error 503.", event_due_at=NOW)
    booking.refresh_from_db()
    assert booking.event_due_since == since


def test_an_alarm_is_dropped_when_the_event_was_written_meanwhile():
    booking = booked(**REFUSED)
    owe_alarms()
    Booking.objects.update(event_state="written")
    [alarm] = BookingMail.objects.all()
    send_mail(alarm.pk, now=NOW)
    alarm.refresh_from_db()
    assert (sent.outbox, alarm.due_at, alarm.sent_at) == ([], None, None)
    assert booking.mails.count() == 1


def test_an_alarm_goes_out_although_the_booking_is_cancelled():
    """What should be gone from the calendar and is not."""
    booked(status="cancelled", **REFUSED)
    owe_alarms()
    [alarm] = BookingMail.objects.all()
    send_mail(alarm.pk, now=NOW)
    assert [each.subject.partition(":")[0] for each in sent.outbox] == ["Not in your calendar"]


def test_the_question_for_alarms_is_answered_by_an_index():
    """It is asked every second."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT id FROM public.bookings WHERE event_state IN ('due', 'failed') "
            "AND status <> 'pending' AND end_time > now() "
            "AND (event_state = 'failed' OR event_due_since <= now() - interval '15 minutes')"
        )
        assert "idx_bookings_event_unwritten" in "".join(line for (line,) in cursor.fetchall())


# --- the link of a video call ----------------------------------------------------------------


def told(booking: Booking, **mail) -> None:
    fields = {"kind": "confirmation", "recipient": "invitee", "sent_at": NOW, "due_at": None}
    BookingMail.objects.create(booking=booking, **fields | mail)


def links(booking: Booking) -> list[tuple]:
    mails = booking.mails.filter(kind="conference")
    return list(mails.order_by("pk").values_list("recipient", "sequence", "about"))


def test_a_link_that_comes_after_the_mail_is_told_once():
    booking = booked(conference_url=CALL, has_conference=True)
    told(booking)
    for _ in range(3):
        owe_link(booking)
    assert links(booking) == [("invitee", 0, CALL)]


def test_another_link_is_told_again():
    booking = booked(conference_url=CALL, has_conference=True)
    told(booking)
    owe_link(booking)
    Booking.objects.update(conference_url=f"{CALL}d")
    owe_link(booking)
    assert {about for _, _, about in links(booking)} == {CALL, f"{CALL}d"}


@pytest.mark.parametrize(
    ("booking", "mail"),
    [
        ({"conference_url": ""}, {}),
        ({}, {"sent_at": None, "due_at": NOW}),
        ({"sequence": 1}, {}),
        ({"status": "cancelled"}, {}),
        ({}, {"kind": "consultant_notice", "recipient": "consultant"}),
        ({}, {"kind": "reminder"}),
    ],
    ids=str,
)
def test_a_link_is_not_mailed_where_another_mail_tells_it(booking, mail):
    booking = booked(**{"conference_url": CALL, "has_conference": True} | booking)
    told(booking, **mail)
    owe_link(booking)
    assert links(booking) == []
