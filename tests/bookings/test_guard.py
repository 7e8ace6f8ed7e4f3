"""What the database itself does for rows that the website writes with the service role."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from django.db import IntegrityError, connection, transaction

from bookings import changes
from bookings.emails import letter_of
from bookings.emails.letters import Letter
from bookings.lifecycle import book
from bookings.models import Booking
from bookings.refusals import BookingRefused
from bookings.states import ChangedBy
from bookings.tokens import booking_by_token, give_tokens, manage_token
from tests.bookings.conftest import make_bookable, request_for
from tests.bookings.moments import MONDAY_TEN, NOW
from tests.factories import (
    BlockedDateFactory,
    BookingFactory,
    ConnectionFactory,
    ConsultantFactory,
    MeetingTypeFactory,
    SyncedEventFactory,
)

HOUR = timedelta(hours=1)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)  # for the database's clock
transactional = pytest.mark.django_db(transaction=True)


def insert(consultant, start: datetime = MONDAY_TEN, **columns) -> Booking:
    """A row as the website inserts it: what it does not say is left to the database."""
    row = {
        "user_id": consultant.pk,
        "start_time": start,
        "end_time": start + HOUR / 2,
        "invitee_email": "ivy@example.com",
    } | columns
    names, marks = ", ".join(row), ", ".join(["%s"] * len(row))
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE service_role")
        cursor.execute(
            f"INSERT INTO public.bookings ({names}) VALUES ({marks}) RETURNING id",
            list(row.values()),
        )
        [key] = cursor.fetchone()
        cursor.execute("RESET ROLE")
    return Booking.objects.get(pk=key)


def update(booking: Booking, **columns) -> Booking:
    """A change as the website makes it."""
    assignments = ", ".join(f"{name} = %s" for name in columns)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE service_role")
        cursor.execute(
            f"UPDATE public.bookings SET {assignments} WHERE id = %s",
            [*columns.values(), booking.pk],
        )
        cursor.execute("RESET ROLE")
    booking.refresh_from_db()
    return booking


def kinds(booking: Booking) -> list[str]:
    """What the booking's latest revision owes, reminders aside."""
    mails = booking.mails.filter(sequence=booking.sequence).exclude(kind="reminder")
    return sorted(f"{mail.kind} to {mail.recipient}" for mail in mails)


def letters(booking: Booking) -> list[Letter]:
    """What the latest revision says, the consultant's first."""
    mails = booking.mails.filter(sequence=booking.sequence).exclude(kind="reminder")
    return [letter_of(mail, now=NOW) for mail in mails.order_by("recipient")]


@pytest.mark.django_db
def test_a_row_of_the_website_owes_what_any_booking_owes(consultant):
    booking = insert(consultant)
    assert (booking.status, booking.event_state, booking.invitee_time_zone) == (
        "confirmed",
        "due",
        "UTC",
    )
    assert kinds(booking) == ["confirmation to invitee", "consultant_notice to consultant"]
    assert booking.mails.filter(kind="reminder").count() == 1


@pytest.mark.django_db
def test_without_an_address_only_the_consultant_is_told(consultant):
    booking = insert(consultant, invitee_email="")
    assert list(booking.mails.values_list("recipient", flat=True)) == ["consultant"]


@pytest.mark.django_db
def test_what_is_over_is_entered_without_a_word(consultant):
    booking = insert(consultant, LONG_AGO)
    assert booking.mails.count() == 0


@pytest.mark.django_db
def test_a_row_is_completed_from_its_meeting_type(consultant):
    meeting_type = MeetingTypeFactory(
        user=consultant, title="Talk", location="Here", buffer_before=5, buffer_after=10,
        has_conference=True,
    )  # fmt: skip
    booking = insert(consultant, meeting_type_id=meeting_type.pk)
    assert (booking.title, booking.location, booking.has_conference) == ("Talk", "Here", True)
    assert (booking.buffer_before, booking.buffer_after) == (5, 10)


@pytest.mark.django_db
def test_a_row_of_the_website_gets_a_link(consultant):
    booking = insert(consultant)
    assert (give_tokens(), give_tokens()) == (1, 0)
    booking.refresh_from_db()
    assert booking_by_token(manage_token(booking)) == booking


@pytest.mark.django_db
@pytest.mark.parametrize("obstacle", ["event", "blocked", "buffer", "daily_limit", "booking"])
def test_no_row_comes_over_busy_time(obstacle):
    limit = 1 if obstacle == "daily_limit" else None
    consultant = make_bookable(settings__daily_limit=limit)
    calendar = ConnectionFactory(user=consultant)
    buffer = 0
    match obstacle:
        case "event":
            SyncedEventFactory(connection=calendar, start_time=MONDAY_TEN)
        case "blocked":
            BlockedDateFactory(user=consultant, start_date=MONDAY_TEN, end_date=MONDAY_TEN)
        case "buffer":
            SyncedEventFactory(connection=calendar, start_time=MONDAY_TEN + HOUR)
            buffer = 31
        case "daily_limit":
            BookingFactory(user=consultant, start_time=MONDAY_TEN + 3 * HOUR)
        case "booking":
            BookingFactory(user=consultant, start_time=MONDAY_TEN)
    with pytest.raises(IntegrityError):
        insert(consultant, buffer_after=buffer)


@pytest.mark.django_db
def test_a_row_beyond_the_working_hours_is_the_websites_own_word(consultant):
    consultant.availabilityrule_set.all().delete()
    assert insert(consultant).status == "confirmed"


@pytest.mark.django_db
def test_an_expired_hold_makes_way_for_a_row(consultant):
    hold = insert(consultant, status="pending", hold_expires_at=LONG_AGO)
    assert insert(consultant).status == "confirmed"
    hold.refresh_from_db()
    assert (hold.status, hold.changed_by) == ("cancelled", "system")


# --- changes --------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_hold_that_the_website_confirms_is_a_booking_like_any_other(consultant):
    hold = insert(consultant, status="pending", hold_expires_at=MONDAY_TEN)
    assert kinds(hold) == []
    booking = update(hold, status="confirmed")
    assert (booking.hold_expires_at, booking.event_state) == (None, "due")
    assert kinds(booking) == ["confirmation to invitee", "consultant_notice to consultant"]


@pytest.mark.django_db
def test_a_booking_that_the_website_cancels_is_told_and_its_event_removed(consultant):
    booking = insert(consultant)
    Booking.objects.update(event_state="written", provider_event_id="event", event_due_at=None)
    update(booking, status="cancelled")
    assert (booking.sequence, booking.cancelled_at is None) == (1, False)
    assert (booking.event_state, booking.event_due_at is None) == ("due", False)
    assert kinds(booking) == ["cancellation to consultant", "cancellation to invitee"]


@pytest.mark.django_db
def test_a_booking_that_the_website_moves_is_told_and_written_anew(consultant):
    booking = insert(consultant)
    later = MONDAY_TEN + HOUR
    update(booking, start_time=later, end_time=later + HOUR / 2)
    assert (booking.sequence, booking.moved_from) == (1, MONDAY_TEN)
    assert kinds(booking) == ["change to consultant", "change to invitee"]


@pytest.mark.django_db
@pytest.mark.parametrize("change", ["moved", "cancelled"])
def test_who_decided_last_time_is_not_said_to_have_decided_now(consultant, change):
    """The consultant's name would stand under an invitee's reason."""
    later = MONDAY_TEN + HOUR
    booking = insert(consultant, changed_by="consultant")
    after = {
        "moved": {"start_time": later, "end_time": later + HOUR / 2},
        "cancelled": {"status": "cancelled", "cancellation_reason": "My husband is ill."},
    }
    update(booking, **after[change])
    assert booking.changed_by == ""
    assert [letter.heading for letter in letters(booking)] == [
        f"The booking of ivy@example.com was {change}",
        f"Your booking was {change}",
    ]
    assert "husband" not in letters(booking)[1].text()


@pytest.mark.django_db
@pytest.mark.parametrize("decided_by", ["invitee", "consultant"])
def test_who_decided_is_what_the_website_says(consultant, decided_by):
    booking = insert(consultant)
    update(booking, status="cancelled", changed_by=decided_by)
    assert booking.changed_by == decided_by


@pytest.mark.django_db(transaction=True)
def test_calsync_says_itself_who_decided_again(consultant):
    booking = book(request_for(consultant), now=NOW)
    for hours in (1, 2):
        starts_at = MONDAY_TEN + hours * HOUR
        changes.reschedule(booking, starts_at=starts_at, by=ChangedBy.INVITEE, now=NOW)
        assert booking.changed_by == ChangedBy.INVITEE


@pytest.mark.django_db
@pytest.mark.parametrize("foreign", ["meeting_type_id", "event_connection_id"])
def test_a_booking_refers_to_nothing_of_another_consultant(consultant, foreign):
    theirs = {"meeting_type_id": MeetingTypeFactory, "event_connection_id": ConnectionFactory}
    booking, row = insert(consultant), theirs[foreign]()
    with pytest.raises(IntegrityError, match="one consultant"), transaction.atomic():
        insert(consultant, MONDAY_TEN + HOUR, **{foreign: row.pk})
    with pytest.raises(IntegrityError, match="one consultant"), transaction.atomic():
        update(booking, **{foreign: row.pk})


@pytest.mark.django_db
def test_a_booking_stays_with_its_consultant(consultant):
    with pytest.raises(IntegrityError, match="one consultant"):
        update(insert(consultant), user_id=ConsultantFactory().pk)


@pytest.mark.django_db
@pytest.mark.parametrize("change", ["moved", "confirmed", "restored"])
def test_no_change_comes_over_busy_time(consultant, change):
    later = MONDAY_TEN + HOUR
    before = {
        "moved": {},
        "confirmed": {"status": "pending", "hold_expires_at": MONDAY_TEN},
        "restored": {"status": "cancelled"},
    }
    after = {
        "moved": {"start_time": later, "end_time": later + HOUR},
        "confirmed": {"status": "confirmed"},
        "restored": {"status": "confirmed"},
    }
    booking = insert(consultant, **before[change])
    busy_at = later if change == "moved" else MONDAY_TEN
    SyncedEventFactory(connection=ConnectionFactory(user=consultant), start_time=busy_at)
    with pytest.raises(IntegrityError):
        update(booking, **after[change])


@pytest.mark.django_db
def test_a_worker_that_is_at_the_event_is_not_joined_by_another(consultant):
    """It sees, when it is done, that the booking was changed, and makes it due again."""
    booking = insert(consultant)
    claim = NOW + HOUR
    Booking.objects.update(event_not_before=claim, provider_event_id="event")
    update(booking, status="cancelled")
    assert (booking.event_state, booking.event_not_before) == ("due", claim)


@pytest.mark.django_db
def test_what_does_not_concern_time_or_status_owes_nothing(consultant):
    booking = insert(consultant)
    booking.mails.all().delete()
    update(booking, invitee_notes="Bring the plans", location="Room 2")
    assert (booking.sequence, booking.mails.count()) == (0, 0)


# --- at once --------------------------------------------------------------------------------------


def at_once(*attempts) -> list[str]:
    """How each attempt ended. A deadlock would be an ``OperationalError``, and is raised."""
    gate = Barrier(len(attempts))

    def run(attempt) -> str:
        try:
            connection.ensure_connection()
            gate.wait()
            attempt()
        except (BookingRefused, IntegrityError):
            return "refused"
        else:
            return "done"
        finally:
            connection.close()

    with ThreadPoolExecutor(len(attempts)) as threads:
        return sorted(each.result() for each in [threads.submit(run, one) for one in attempts])


def moving(booking: Booking, to: datetime):
    return lambda: changes.reschedule(booking, starts_at=to, by=ChangedBy.CONSULTANT, now=NOW)


@transactional
@pytest.mark.parametrize("repetition", range(3))
def test_moves_and_bookings_of_one_slot_at_once_leave_one_there(consultant, repetition):
    target = MONDAY_TEN + 48 * HOUR
    movers = [
        book(request_for(consultant, starts_at=MONDAY_TEN + number * HOUR), now=NOW)
        for number in range(10)
    ]
    wishes = [
        request_for(consultant, starts_at=target, email=f"{n}@example.com") for n in range(10)
    ]
    ended = at_once(
        *(moving(booking, target) for booking in movers),
        *(lambda wish=wish: book(wish, now=NOW) for wish in wishes),
    )
    assert ended == ["done", *["refused"] * 19]
    assert Booking.objects.standing().filter(start_time=target).count() == 1


@transactional
@pytest.mark.parametrize("repetition", range(3))
def test_two_bookings_that_change_places_at_once_do_not_lock_each_other_up(consultant, repetition):
    first = book(request_for(consultant), now=NOW)
    second = book(request_for(consultant, starts_at=MONDAY_TEN + HOUR), now=NOW)
    ended = at_once(
        *(moving(Booking.objects.get(pk=first.pk), second.start_time) for _ in range(8)),
        *(moving(Booking.objects.get(pk=second.pk), first.start_time) for _ in range(8)),
    )
    assert ended == ["refused"] * 16


@transactional
def test_of_confirming_and_declining_at_once_one_counts(consultant):
    asked = MeetingTypeFactory(user=consultant, requires_approval=True)
    booking = book(request_for(consultant, meeting_type=asked), now=NOW)
    copies = [Booking.objects.get(pk=booking.pk) for _ in range(10)]
    at_once(
        *(lambda copy=copy: changes.confirm(copy) for copy in copies[:5]),
        *(
            lambda copy=copy: changes.cancel(copy, by=ChangedBy.CONSULTANT, now=NOW)
            for copy in copies[5:]
        ),
    )
    told = set(booking.mails.exclude(kind="reminder").values_list("kind", flat=True))
    booking.refresh_from_db()
    outcomes = {
        "cancelled": [{"refusal"}, {"confirmation", "cancellation"}],
        "confirmed": [{"confirmation"}],
    }
    assert told - {"request", "approval"} in outcomes[booking.status]


@transactional
def test_two_requests_that_overlap_cannot_both_be_confirmed(consultant):
    """The second is refused when it asks already: a request keeps its time."""
    asked = MeetingTypeFactory(user=consultant, requires_approval=True)
    wishes = [
        request_for(consultant, meeting_type=asked, email=f"{number}@example.com")
        for number in range(10)
    ]
    ended = at_once(*(lambda wish=wish: book(wish, now=NOW) for wish in wishes))
    assert ended == ["done", *["refused"] * 9]
