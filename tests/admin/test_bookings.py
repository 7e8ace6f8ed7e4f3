"""Bookings on the desk: looked up, explained, and changed by the booking rules alone."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from bookings.booking_mails import BookingMail
from bookings.models import Booking
from tests.bookings.paper import Paper
from tests.factories import BookingFactory, ConnectionFactory, MeetingTypeFactory

pytestmark = pytest.mark.django_db

LIST = "/admin/bookings/booking/"
TEN = datetime(2027, 7, 5, 8, tzinfo=UTC)  # in Berlin


def found(desk, question: str) -> list[Booking]:
    return list(desk.get(f"{LIST}?{question}").context["cl"].result_list)


def test_bookings_are_listed_in_the_consultants_time(desk, consultant):
    BookingFactory(user=consultant, start_time=TEN, invitee_name="Ivy")

    page = desk.get(LIST).content.decode()

    assert "Mon 5 Jul 2027, 10:00" in page


def test_bookings_are_found_by_time_state_and_invitee(desk, consultant):
    now = timezone.now()
    intro = MeetingTypeFactory(user=consultant, title="Intro")
    MeetingTypeFactory(user=consultant, title="Never booked")
    past = BookingFactory(user=consultant, start_time=now - timedelta(days=2))
    soon = BookingFactory(
        user=consultant,
        start_time=now + timedelta(days=2),
        invitee_email="bo@example.com",
        meeting_type=intro,
        event_state="failed",
    )
    late = BookingFactory(user=consultant, start_time=now + timedelta(days=9), status="cancelled")

    assert found(desk, "") == [late, soon, past]
    assert found(desk, "when=coming") == [late, soon]
    assert found(desk, "when=week") == [soon]
    assert found(desk, "when=past") == [past]
    assert found(desk, "status__exact=cancelled") == [late]
    assert found(desk, "event_state__exact=failed") == [soon]
    assert found(desk, f"meeting_type__id__exact={intro.pk}") == [soon]
    assert found(desk, "q=bo@example") == [soon]


def test_booking_tells_its_whole_story(desk, consultant):
    calendar = ConnectionFactory(user=consultant, calendar_name="Work")
    meeting_type = MeetingTypeFactory(
        user=consultant, questions=[{"name": "topic", "label": "What is it about?"}]
    )
    booking = BookingFactory(
        user=consultant,
        start_time=TEN,
        meeting_type=meeting_type,
        answers={"topic": "<b>Money</b>"},
        invitee_notes="I may be late.",
        event_connection=calendar,
        event_state="failed",
        event_error="The calendar is read-only.",
        owes_mails=False,
    )
    BookingMail.objects.create(
        booking=booking, kind="confirmation", recipient="invitee", error="No route to the host."
    )

    page = desk.get(f"{LIST}{booking.pk}/change/").content.decode()

    assert "Ivy Invitee 2027-07-05 10:00" in page
    assert "What is it about?: &lt;b&gt;Money&lt;/b&gt;" in page
    for text in ("I may be late.", "Work", "The calendar is read-only.", "No route to the host."):
        assert text in page


def test_key_to_a_booking_is_not_shown(desk, consultant):
    booking = BookingFactory(
        user=consultant, manage_token_hash="a-hash-of-the-key", idempotency_key="an-idempotency-key"
    )

    page = desk.get(f"{LIST}{booking.pk}/change/").content.decode()

    assert "a-hash-of-the-key" not in page
    assert "an-idempotency-key" not in page


def test_next_try_is_told_in_the_consultants_time_and_a_request_has_none(desk, consultant):
    due = BookingFactory(user=consultant, start_time=TEN, event_due_at=TEN - timedelta(hours=2))
    request = BookingFactory(user=consultant, start_time=TEN - timedelta(days=1), status="pending")

    told = [
        Paper.open(desk, f"{LIST}{booking.pk}/change/").texts(
            "//div[contains(@class, 'field-next_try')]//div[@class='readonly']"
        )
        for booking in (due, request)
    ]

    assert told == [["Mon 5 Jul 2027, 08:00"], ["–"]]
