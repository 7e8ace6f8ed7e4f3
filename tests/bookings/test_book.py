"""From an invitee's request to a row, and to what that row owes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from bookings.booking_mails import BookingMail
from bookings.lifecycle import book
from bookings.models import Booking
from bookings.refusals import KeyReused, SlotTaken
from bookings.tokens import booking_by_token, manage_token
from tests.bookings.conftest import make_bookable, request_for
from tests.bookings.moments import MONDAY_TEN, NOW
from tests.factories import BookingFactory, MeetingTypeFactory

pytestmark = pytest.mark.django_db
HALF_AN_HOUR = timedelta(minutes=30)


def test_a_booking_holds_what_the_meeting_type_says_and_the_invitee_gave(consultant):
    meeting_type = MeetingTypeFactory(
        user=consultant,
        title="First talk",
        location="By phone",
        duration=45,
        slot_interval=15,
        buffer_before=10,
        buffer_after=20,
        questions=[{"name": "topic", "label": "What about?", "type": "text"}],
    )
    wish = request_for(
        consultant, meeting_type=meeting_type, notes="See you", answers={"topic": "Tax"}
    )
    booking = Booking.objects.get(pk=book(wish, now=NOW).pk)
    assert (booking.user, booking.meeting_type) == (consultant, meeting_type)
    assert (booking.start_time, booking.end_time) == (
        MONDAY_TEN,
        MONDAY_TEN + timedelta(minutes=45),
    )
    assert (booking.buffer_before, booking.buffer_after) == (10, 20)
    assert (booking.title, booking.location) == ("First talk", "By phone")
    assert (booking.invitee_name, booking.invitee_email) == ("Ivy Invitee", "ivy@example.com")
    assert (booking.invitee_time_zone, booking.invitee_notes) == ("America/New_York", "See you")
    assert (booking.answers, booking.status) == ({"topic": "Tax"}, "confirmed")


def test_without_a_meeting_type_the_consultants_defaults_hold():
    consultant = make_bookable(settings__duration=25, settings__buffer_after=5)
    booking = book(request_for(consultant), now=NOW)
    assert booking.end_time - booking.start_time == timedelta(minutes=25)
    assert (booking.buffer_before, booking.buffer_after, booking.title) == (0, 5, "Meeting")


def test_a_booking_owes_an_event_two_mails_and_a_reminder(consultant):
    booking = book(request_for(consultant), now=NOW)
    assert (booking.event_state, booking.event_attempts) == ("due", 0)
    owed = booking.mails.order_by("due_at", "kind").values_list("kind", "recipient", "about")
    assert list(owed) == [
        ("confirmation", "invitee", ""),
        ("consultant_notice", "consultant", ""),
        ("reminder", "invitee", "1440"),
    ]
    assert booking.mails.get(kind="reminder").due_at == MONDAY_TEN - timedelta(days=1)


def test_the_token_opens_the_booking_and_is_nowhere_in_the_database(consultant):
    booking = book(request_for(consultant), now=NOW)
    token = manage_token(booking)
    assert booking_by_token(token) == booking
    with connection.cursor() as cursor:
        cursor.execute("SELECT bookings::text FROM bookings")
        assert token not in cursor.fetchone()[0]


def test_a_name_of_several_lines_is_stored_on_one(consultant):
    booking = book(request_for(consultant, name=" Ivy\r\nBcc: all@example.com\t\x00"), now=NOW)
    assert booking.invitee_name == "Ivy Bcc: all@example.com"


@pytest.mark.parametrize("minutes", [-29, -15, 0, 15, 29])
def test_an_overlapping_time_is_taken(consultant, minutes):
    BookingFactory(user=consultant, start_time=MONDAY_TEN, owes_mails=False)
    with pytest.raises(SlotTaken):
        book(request_for(consultant, starts_at=MONDAY_TEN + timedelta(minutes=minutes)), now=NOW)
    assert (Booking.objects.count(), BookingMail.objects.count()) == (1, 0)


def test_a_time_outside_the_hours_is_not_offered():
    consultant = make_bookable()
    consultant.availabilityrule_set.all().delete()
    with pytest.raises(SlotTaken):
        book(request_for(consultant), now=NOW)


def test_a_cancelled_booking_gives_its_time_back(consultant):
    BookingFactory(user=consultant, start_time=MONDAY_TEN, status="cancelled")
    assert book(request_for(consultant), now=NOW).start_time == MONDAY_TEN


# --- holds --------------------------------------------------------------------------------------


LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)  # for the database's clock too


def held(consultant, *, expires_at: datetime = LONG_AGO, **changes) -> Booking:
    return BookingFactory(user=consultant, status="pending", hold_expires_at=expires_at, **changes)


def test_a_hold_keeps_its_time_until_it_expires(consultant):
    held(consultant, expires_at=NOW + timedelta(seconds=1))
    with pytest.raises(SlotTaken):
        book(request_for(consultant), now=NOW)


def test_an_expired_hold_makes_way(consultant):
    hold = held(consultant)
    booking = book(request_for(consultant), now=NOW)
    hold.refresh_from_db()
    assert (hold.status, hold.changed_by, booking.status) == ("cancelled", "system", "confirmed")


def test_an_expired_hold_makes_way_though_only_its_buffer_is_in_the_way(consultant):
    held(
        consultant,
        start_time=MONDAY_TEN - timedelta(hours=47),
        end_time=MONDAY_TEN - timedelta(hours=23),
        buffer_after=1440,
    )
    assert book(request_for(consultant), now=NOW).status == "confirmed"


def test_an_expired_hold_elsewhere_is_left_alone(consultant):
    hold = held(consultant, start_time=MONDAY_TEN + timedelta(days=7))
    book(request_for(consultant), now=NOW)
    hold.refresh_from_db()
    assert hold.status == "pending"


# --- idempotency ----------------------------------------------------------------------------------


def test_the_same_request_again_gives_the_same_booking_and_owes_nothing_new(consultant):
    wish = request_for(consultant, idempotency_key="click")
    first = book(wish, now=NOW)
    again = book(replace(wish), now=NOW + timedelta(days=30))
    assert (again.pk, manage_token(again)) == (first.pk, manage_token(first))
    assert (Booking.objects.count(), BookingMail.objects.count()) == (1, 3)


@pytest.mark.parametrize(
    "change",
    [
        {"starts_at": MONDAY_TEN + HALF_AN_HOUR},
        {"duration": 60},
        {"name": "Eve"},
        {"email": "eve@example.com"},
        {"time_zone": "UTC"},
        {"notes": "Another"},
        {"answers": {"topic": "Another"}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_key_is_not_for_another_request(consultant, change):
    wish = request_for(consultant, idempotency_key="click")
    book(wish, now=NOW)
    with pytest.raises(KeyReused):
        book(replace(wish, **change), now=NOW)
    assert Booking.objects.count() == 1


def test_a_key_is_not_for_another_meeting_type(consultant):
    wish = request_for(consultant, idempotency_key="click")
    book(wish, now=NOW)
    with pytest.raises(KeyReused):
        book(replace(wish, meeting_type=MeetingTypeFactory(user=consultant)), now=NOW)


def test_the_same_instant_written_with_another_offset_is_the_same_request(consultant):
    wish = request_for(consultant, idempotency_key="click")
    first = book(wish, now=NOW)
    elsewhere = datetime.fromisoformat("2027-03-01T15:45:00+05:45")
    assert book(replace(wish, starts_at=elsewhere), now=NOW).pk == first.pk


def test_two_consultants_may_see_the_same_key(consultant):
    first = book(request_for(consultant, idempotency_key="click"), now=NOW)
    second = book(request_for(make_bookable(), idempotency_key="click"), now=NOW)
    assert first.pk != second.pk


def test_requests_without_a_key_are_never_taken_for_repeats(consultant):
    book(request_for(consultant), now=NOW)
    with pytest.raises(SlotTaken):
        book(request_for(consultant), now=NOW)


# --- limits ---------------------------------------------------------------------------------------


def test_the_daily_limit_counts_the_bookings_of_the_day():
    consultant = make_bookable(settings__daily_limit=2)
    for hour in (0, 1):
        book(request_for(consultant, starts_at=MONDAY_TEN + timedelta(hours=hour)), now=NOW)
    with pytest.raises(SlotTaken):
        book(request_for(consultant, starts_at=MONDAY_TEN + timedelta(hours=2)), now=NOW)
    tomorrow = book(request_for(consultant, starts_at=MONDAY_TEN + timedelta(days=1)), now=NOW)
    assert tomorrow.status == "confirmed"
