"""What the consultant puts over a booking is told once, shown while it lasts, and left alone."""

from datetime import UTC, datetime, timedelta

import pytest

from bookings.booking_mails import BookingMail
from bookings.conflicts import conflicts_of, owe_mails
from bookings.emails import letter_of
from bookings.models import Booking, EventDoubt
from connections.models import CalendarConnection
from syncing.models import SyncedEvent
from tests.factories import BookingFactory, ConnectionFactory, SyncedEventFactory

pytestmark = pytest.mark.django_db
HOUR, DAY, MINUTE = timedelta(hours=1), timedelta(days=1), timedelta(minutes=1)
TOMORROW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + DAY
NOW = datetime.now(UTC) + 2 * MINUTE  # what these tests write was noticed a while ago


@pytest.fixture
def calendar() -> CalendarConnection:
    return ConnectionFactory()


@pytest.fixture
def booking(calendar) -> Booking:
    return BookingFactory(
        user=calendar.user, start_time=TOMORROW, event_connection=calendar, owes_mails=False
    )


def put(calendar: CalendarConnection, **fields) -> SyncedEvent:
    defaults = {"start_time": TOMORROW - HOUR / 2, "updated_at": NOW - 2 * MINUTE}
    return SyncedEventFactory(connection=calendar, **defaults | fields)


def shown(calendar: CalendarConnection) -> list[tuple]:
    found = conflicts_of(calendar.user, now=NOW)
    return [(conflict.booking, conflict.event) for conflict in found]


def mailed() -> list[tuple]:
    mails = BookingMail.objects.filter(kind="conflict").order_by("created_at")
    return list(mails.values_list("booking", "recipient", "about"))


def test_an_event_over_a_booking_is_shown_and_mailed_once(calendar, booking):
    event = put(calendar)
    assert [owe_mails(now=NOW), owe_mails(now=NOW + MINUTE)] == [1, 0]
    assert mailed() == [(booking.pk, "consultant", str(event.pk))]
    assert shown(calendar) == [(booking, event)]
    booking.refresh_from_db()
    assert (booking.status, booking.sequence) == ("confirmed", 0)


def test_what_was_dragged_across_a_booking_a_moment_ago_is_not_mailed_yet(calendar, booking):
    put(calendar)
    assert owe_mails(now=NOW - 90 * timedelta(seconds=1)) == 0
    assert len(shown(calendar)) == 1


def test_it_is_over_when_one_of_the_two_has_gone(calendar, booking):
    event = put(calendar)
    owe_mails(now=NOW)
    SyncedEvent.objects.filter(pk=event.pk).update(start_time=TOMORROW - 2 * HOUR)
    SyncedEvent.objects.filter(pk=event.pk).update(end_time=TOMORROW - HOUR)
    assert shown(calendar) == []
    put(calendar)
    Booking.objects.update(status="cancelled")
    assert (shown(calendar), owe_mails(now=NOW)) == ([], 0)


def test_two_events_are_two_conflicts(calendar, booking):
    second = put(calendar, start_time=TOMORROW + 20 * MINUTE)
    first = put(ConnectionFactory(user=calendar.user))
    assert owe_mails(now=NOW) == 2
    assert shown(calendar) == [(booking, first), (booking, second)]


@pytest.mark.parametrize(
    "event",
    [
        {"status": "cancelled"},
        {"transparency": "transparent"},
        {"start_time": TOMORROW - HOUR, "end_time": TOMORROW},
        {"start_time": TOMORROW + HOUR / 2},
        {"start_time": TOMORROW + MINUTE, "end_time": TOMORROW + MINUTE},
    ],
    ids=["cancelled", "transparent", "before", "after", "no length"],
)
def test_what_takes_no_time_from_it_is_no_conflict(calendar, booking, event):
    put(calendar, **event)
    assert (owe_mails(now=NOW), shown(calendar)) == (0, [])


def test_a_long_event_over_it_is_one(calendar, booking):
    event = put(calendar, start_time=TOMORROW - 5 * DAY, end_time=TOMORROW + 5 * DAY)
    assert shown(calendar) == [(booking, event)]


def test_our_own_event_and_its_copy_in_another_calendar_are_none(calendar, booking):
    ours = {"booking_id": booking.pk, "is_ohboy_booking": True, "start_time": TOMORROW}
    put(calendar, **ours)
    put(ConnectionFactory(user=calendar.user), **ours)
    assert (owe_mails(now=NOW), shown(calendar)) == (0, [])


def test_tentative_events_are_none_where_the_calendar_ignores_them(calendar, booking):
    put(calendar, status="tentative")
    assert len(shown(calendar)) == 1
    CalendarConnection.objects.update(tentative_blocks=False)
    assert shown(calendar) == []


@pytest.mark.parametrize("change", [{"is_active": False}, {"blocks_time": False}], ids=str)
def test_calendars_that_do_not_block_time_are_left_out(calendar, booking, change):
    put(calendar)
    CalendarConnection.objects.update(**change)
    assert (owe_mails(now=NOW), shown(calendar)) == (0, [])


def test_bookings_that_are_over_and_holds_have_none(calendar, booking):
    put(calendar)
    Booking.objects.update(start_time=NOW - DAY, end_time=NOW - DAY + HOUR)
    put(calendar, start_time=NOW - DAY)
    assert shown(calendar) == []


def test_nobody_is_told_of_anothers_conflicts(calendar, booking):
    put(calendar)
    other = ConnectionFactory()
    put(other)
    assert (shown(other), owe_mails(now=NOW)) == ([], 1)


# --- the mail ------------------------------------------------------------------------------------


def letter_about(booking: Booking, about: str) -> str:
    mail = BookingMail(booking=booking, kind="conflict", recipient="consultant", about=about)
    return letter_of(mail, now=NOW).text()


def test_the_mail_names_what_stands_over_the_booking(calendar, booking):
    event = put(calendar, title="Dentist\nfar away")
    text = letter_about(booking, str(event.pk))
    assert text.startswith("Something else stands at the time of a booking\n")
    assert f"In {calendar}\nDentist far away: " in text


def test_the_mail_is_made_although_the_event_has_gone(calendar, booking):
    event = put(calendar)
    event.delete()
    assert "stands at the time" in letter_about(booking, str(booking.pk))


@pytest.mark.parametrize(
    ("about", "heading"),
    [
        ("gone", "Many bookings were deleted in your calendar"),
        ("elsewhere", "A booking could not follow its event"),
    ],
)
def test_what_became_of_the_bookings_own_event_is_decided_on_the_desk(booking, about, heading):
    text = letter_about(booking, about)
    assert text.startswith(f"{heading}\n")
    assert "Decide: http://testserver/admin/\n" in text


@pytest.mark.parametrize(
    ("length", "why"),
    [
        (DAY, "to a time at which you are not free"),
        (DAY + MINUTE, "longer than 24 hours: that is too long for a booking"),
        (MINUTE, "to a time at which you are not free"),
        (MINUTE / 2, "shorter than a minute: that is too short for a booking"),
    ],
    ids=str,
)
def test_a_booking_that_could_not_follow_says_why(booking, length, why):
    EventDoubt.objects.create(
        booking=booking,
        as_of=booking.updated_at,
        finding="elsewhere",
        start_time=TOMORROW + DAY,
        end_time=TOMORROW + DAY + length,
    )
    assert why in " ".join(letter_about(booking, "elsewhere").split())
