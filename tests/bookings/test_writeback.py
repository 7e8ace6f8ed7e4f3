"""What the row says is what the calendar shows, through every kind of failure."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection

from bookings.models import Booking
from bookings.writeback import requeue_unwritten, write_event
from connections.due_rows import CLAIM
from connections.models import CalendarConnection
from connections.providers.base import (
    AccessRevoked,
    CalendarGone,
    EventConflict,
    EventDraft,
    ProviderMisconfigured,
    ProviderUnavailable,
    RateLimited,
    WriteRefused,
)
from tests.bookings.moments import MONDAY_TEN, NOW
from tests.factories import BookingFactory, ConnectionFactory, ConsultantFactory, MeetingTypeFactory

pytestmark = pytest.mark.django_db
HALF_AN_HOUR = timedelta(minutes=30)
LATER = NOW + timedelta(days=1)


@pytest.fixture
def destination() -> CalendarConnection:
    return ConnectionFactory(calendar_id="/work/", is_primary=True)


@pytest.fixture(autouse=True)
def _no_jitter(monkeypatch):
    monkeypatch.setattr("syncing.cadence.uniform", lambda low, high: high)


def booked(calendar_owner: CalendarConnection, **changes) -> Booking:
    fields = {"user": calendar_owner.user, "title": "First talk", "event_due_at": NOW}
    return BookingFactory(**fields | changes)


def stored(booking: Booking) -> Booking:
    return Booking.objects.get(pk=booking.pk)


def written(booking: Booking) -> str:
    """Where the event of this booking stands in the memory calendar."""
    return f"/work/calsync-{booking.pk}"


def change(booking: Booking, **changes) -> None:
    """What a reschedule or a cancellation does to the row."""
    Booking.objects.filter(pk=booking.pk).update(event_state="due", event_due_at=NOW, **changes)


# --- creating ------------------------------------------------------------------------------------


def test_a_booking_is_written_as_the_consultant_wants_to_read_it(calendar, destination):
    meeting_type = MeetingTypeFactory(
        user=destination.user, questions=[{"name": "topic", "label": "What about?"}]
    )
    booking = booked(
        destination,
        meeting_type=meeting_type,
        location="By phone",
        invitee_notes="See you",
        answers={"topic": "Tax"},
    )
    write_event(booking.pk, now=NOW)
    assert calendar.events == {
        written(booking): EventDraft(
            booking_id=booking.pk,
            uid=f"calsync-{booking.pk}",
            sequence=0,
            start=MONDAY_TEN,
            end=MONDAY_TEN + HALF_AN_HOUR,
            title="First talk: Ivy Invitee",
            description="Ivy Invitee\nivy@example.com\nWhat about?: Tax\nSee you",
            location="By phone",
        )
    }


def test_an_event_is_no_longer_than_calendars_take(calendar, destination):
    endless = "x" * 99_999
    booking = booked(destination, title=endless, location=endless, invitee_notes=endless)
    write_event(booking.pk, now=NOW)
    draft = calendar.events[written(booking)]
    assert (len(draft.title), len(draft.location), len(draft.description)) == (213, 1000, 8000)


def test_the_row_says_where_the_event_is(calendar, destination):
    booking = booked(destination, event_error="down", event_attempts=3)
    write_event(booking.pk, now=NOW)
    row = stored(booking)
    assert (row.event_state, row.event_connection) == ("written", destination)
    assert (row.provider_event_id, row.ical_uid) == (written(booking), f"calsync-{booking.pk}")
    assert (row.event_due_at, row.event_attempts, row.event_error) == (None, 0, "")


def test_a_task_that_is_delivered_twice_writes_once(calendar, destination):
    booking = booked(destination)
    write_event(booking.pk, now=NOW)
    write_event(booking.pk, now=NOW)
    assert calendar.calls == ["create"]


@pytest.mark.django_db(transaction=True)
def test_of_twenty_workers_at_once_one_writes(calendar, destination):
    booking, gate = booked(destination), Barrier(20)

    def work() -> None:
        try:
            gate.wait()
            write_event(booking.pk, now=NOW)
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as workers:
        for each in [workers.submit(work) for _ in range(20)]:
            each.result()
    assert calendar.calls == ["create"]


@pytest.mark.django_db(transaction=True)
def test_the_claim_is_on_record_and_no_transaction_open_while_the_provider_is_asked(
    calendar, destination
):
    booking, seen = booked(destination), []

    def look() -> None:
        """From a session of its own, which sees only what is committed."""
        row = stored(booking)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE datname = current_database() AND state LIKE 'idle in transaction%'"
            )
            seen.append((row.event_attempts, row.event_not_before, *cursor.fetchone()))
        connection.close()

    with ThreadPoolExecutor(1) as another_session:
        calendar.faults = [lambda: another_session.submit(look).result()]
        write_event(booking.pk, now=NOW)
    assert seen == [(1, NOW + CLAIM, 0)]


def test_a_hold_is_not_written(calendar, destination):
    booking = booked(destination, status="pending", hold_expires_at=LATER)
    write_event(booking.pk, now=NOW)
    assert (calendar.calls, stored(booking).event_attempts) == ([], 0)


# --- changing and removing -----------------------------------------------------------------------


def test_a_changed_booking_is_changed_in_place(calendar, destination):
    booking = booked(destination)
    write_event(booking.pk, now=NOW)
    change(booking, sequence=1, start_time=MONDAY_TEN - HALF_AN_HOUR)
    write_event(booking.pk, now=NOW)
    assert calendar.calls == ["create", "update"]
    [event] = calendar.events.values()
    assert (event.sequence, event.start, stored(booking).event_state) == (
        1,
        MONDAY_TEN - HALF_AN_HOUR,
        "written",
    )


def test_an_event_that_the_consultant_deleted_comes_back_with_a_change(calendar, destination):
    booking = booked(destination)
    write_event(booking.pk, now=NOW)
    calendar.events.clear()
    change(booking, sequence=1)
    write_event(booking.pk, now=NOW)
    assert [event.sequence for event in calendar.events.values()] == [1]


def test_a_cancelled_booking_is_taken_out(calendar, destination):
    booking = booked(destination)
    write_event(booking.pk, now=NOW)
    change(booking, sequence=1, status="cancelled")
    write_event(booking.pk, now=NOW)
    assert (calendar.events, stored(booking).event_state) == ({}, "removed")


def test_a_booking_that_was_cancelled_before_it_was_written_never_is(calendar, destination):
    booking = booked(destination, status="cancelled")
    write_event(booking.pk, now=NOW)
    assert (calendar.calls, stored(booking).event_state) == ([], "removed")


def test_a_change_stays_in_the_calendar_that_has_the_event(calendar, destination):
    """A new destination is for new bookings; a second event would be a double one."""
    booking = booked(destination)
    write_event(booking.pk, now=NOW)
    ConnectionFactory(user=destination.user, calendar_id="/home/").receive_bookings()
    change(booking, sequence=1)
    write_event(booking.pk, now=NOW)
    assert list(calendar.events) == [written(booking)]


def test_a_calendar_that_was_disconnected_is_followed_by_the_new_destination(calendar, destination):
    booking = booked(destination)
    write_event(booking.pk, now=NOW)
    ConnectionFactory(user=destination.user, calendar_id="/home/").receive_bookings()
    CalendarConnection.objects.filter(pk=destination.pk).update(is_active=False)
    change(booking, sequence=1)
    write_event(booking.pk, now=NOW)
    row = stored(booking)
    assert (row.event_connection.calendar_id, row.event_state) == ("/home/", "written")
    assert calendar.events[row.provider_event_id].sequence == 1


def test_an_event_in_a_disconnected_calendar_cannot_be_removed_and_that_is_said(
    calendar, destination
):
    booking = booked(destination)
    write_event(booking.pk, now=NOW)
    destination.delete()
    change(booking, status="cancelled")
    write_event(booking.pk, now=NOW)
    row = stored(booking)
    assert (row.event_state, row.event_error) == (
        "failed",
        "The calendar that holds this event is no longer connected.",
    )


# --- lost answers and dead workers ---------------------------------------------------------------


def test_a_worker_that_died_leaves_the_event_to_another_after_its_claim(calendar, destination):
    booking = booked(destination, event_not_before=NOW + CLAIM, event_attempts=1)
    write_event(booking.pk, now=NOW + CLAIM - timedelta(seconds=1))
    assert calendar.calls == []
    write_event(booking.pk, now=NOW + CLAIM)
    assert (calendar.calls, stored(booking).event_state) == (["create"], "written")


def test_fifty_tries_whose_answers_are_lost_leave_one_event(calendar, destination):
    booking, now = booked(destination), NOW
    calendar.lost_answers = [ProviderUnavailable("no answer") for _ in range(49)]
    for _ in range(50):
        write_event(booking.pk, now=now)
        now += timedelta(hours=1)
    assert (list(calendar.events), stored(booking).event_state) == ([written(booking)], "written")
    assert calendar.calls == ["create"] * 50


def test_a_change_after_a_lost_answer_reaches_the_event_that_was_written(calendar, destination):
    booking = booked(destination)
    calendar.lost_answers = [ProviderUnavailable("no answer")]
    write_event(booking.pk, now=NOW)
    change(booking, sequence=1, end_time=MONDAY_TEN + 2 * HALF_AN_HOUR)
    write_event(booking.pk, now=LATER)
    [event] = calendar.events.values()
    assert (event.sequence, event.end) == (1, MONDAY_TEN + 2 * HALF_AN_HOUR)


def test_a_cancellation_after_a_lost_answer_leaves_no_event(calendar, destination):
    booking = booked(destination)
    calendar.lost_answers = [ProviderUnavailable("no answer")]
    write_event(booking.pk, now=NOW)
    assert len(calendar.events) == 1
    change(booking, status="cancelled")
    write_event(booking.pk, now=LATER)
    assert (calendar.events, stored(booking).event_state) == ({}, "removed")


def test_after_a_lost_answer_the_same_calendar_is_asked_though_another_is_chosen(
    calendar, destination
):
    """The event may stand in the first one already."""
    booking = booked(destination)
    calendar.lost_answers = [ProviderUnavailable("no answer")]
    write_event(booking.pk, now=NOW)
    ConnectionFactory(user=destination.user, calendar_id="/home/").receive_bookings()
    calendar.faults = [AccessRevoked("refused")]
    write_event(booking.pk, now=LATER)
    write_event(booking.pk, now=LATER + timedelta(days=1))
    assert list(calendar.events) == [written(booking)]


def test_after_a_clear_refusal_the_calendar_chosen_now_is_written_to(calendar, destination):
    booking = booked(destination)
    calendar.faults = [CalendarGone("The calendar was removed.")]
    write_event(booking.pk, now=NOW)
    ConnectionFactory(user=destination.user, calendar_id="/home/").receive_bookings()
    write_event(booking.pk, now=LATER)
    assert list(calendar.events) == [f"/home/calsync-{booking.pk}"]


@pytest.mark.parametrize("changes", [{"sequence": 1}, {"status": "cancelled"}])
def test_a_change_during_the_write_is_due_again_at_once(calendar, destination, changes):
    booking = booked(destination)
    calendar.faults = [lambda: change(booking, **changes)]
    write_event(booking.pk, now=NOW)
    row = stored(booking)
    assert (row.event_state, row.event_due_at, row.event_not_before) == ("due", NOW, None)
    assert row.provider_event_id == written(booking)
    write_event(booking.pk, now=NOW)
    states = {"written": 1, "removed": 0}
    assert len(calendar.events) == states[stored(booking).event_state]
    assert [event.sequence for event in calendar.events.values()] in ([1], [])


def test_a_change_during_the_write_does_not_start_a_second_writer(calendar, destination):
    booking = booked(destination)

    def reschedule_and_deliver_its_task() -> None:
        change(booking, sequence=1)
        write_event(booking.pk, now=NOW)

    calendar.faults = [reschedule_and_deliver_its_task]
    write_event(booking.pk, now=NOW)
    assert calendar.calls == ["create"]


# --- errors --------------------------------------------------------------------------------------


def waits(booking: Booking, calendar, error: Exception, *, tries: int = 1) -> list[timedelta]:
    """How long the row is left alone after each of these failures."""
    now, found = NOW, []
    for _ in range(tries):
        calendar.faults = [error]
        write_event(booking.pk, now=now)
        row = stored(booking)
        assert row.event_due_at == row.event_not_before
        found.append(row.event_due_at - now)
        now = row.event_due_at
    return found


def minutes(*numbers: float) -> list[timedelta]:
    return [timedelta(minutes=number) for number in numbers]


def test_an_unavailable_provider_is_asked_again_after_longer_and_longer(calendar, destination):
    booking = booked(destination)
    down = ProviderUnavailable("Google does not answer.")
    assert waits(booking, calendar, down, tries=7) == minutes(1 / 6, 0.5, 1.5, 4.5, 13.5, 30, 30)
    row = stored(booking)
    assert (row.status, row.event_state, row.event_attempts, row.event_error) == (
        "confirmed",
        "due",
        7,
        "Google does not answer.",
    )


def test_a_provider_that_says_when_is_left_alone_until_then(calendar, destination):
    booking = booked(destination)
    limited = RateLimited("Too many calls.", retry_after=5400)
    assert waits(booking, calendar, limited) == minutes(90)
    write_event(booking.pk, now=NOW + timedelta(minutes=89))  # a task delivered late, or twice
    assert calendar.calls == ["create"]


@pytest.mark.parametrize(
    ("error", "attempts", "wait"),
    [
        (EventConflict("The event keeps changing."), 0, 1 / 6),
        (AccessRevoked("Connect it again."), 0, 5),
        (CalendarGone("The calendar was removed."), 0, 1 / 6),
        (CalendarGone("The calendar was removed."), 2, 60),
        (ProviderMisconfigured("The client secret has expired."), 2, 60),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_a_person_must_see_to_stays_due_and_says_so(
    calendar, destination, error, attempts, wait
):
    booking = booked(destination)
    Booking.objects.update(event_attempts=attempts)
    assert waits(booking, calendar, error) == minutes(wait)
    row = stored(booking)
    assert (row.status, row.event_state, row.event_error) == ("confirmed", "due", str(error))


def test_a_refused_event_is_not_tried_again(calendar, destination):
    booking = booked(destination)
    calendar.faults = [WriteRefused("The calendar is full.")]
    write_event(booking.pk, now=NOW)
    write_event(booking.pk, now=LATER)
    row = stored(booking)
    assert (row.status, row.event_state, row.event_due_at) == ("confirmed", "failed", None)
    assert (row.event_error, calendar.calls) == ("The calendar is full.", ["create"])


def test_a_calendar_to_be_reconnected_is_not_called(calendar, destination):
    CalendarConnection.objects.update(reconnect_needed_at=NOW)
    booking = booked(destination)
    write_event(booking.pk, now=NOW)
    row = stored(booking)
    assert (calendar.calls, row.event_state) == ([], "due")
    assert row.event_error == "The sign-in is no longer accepted. Connect the calendar again."


def test_a_bug_is_raised_and_the_booking_kept(calendar, destination):
    booking = booked(destination)
    calendar.faults = [ZeroDivisionError("secret")]
    with pytest.raises(ZeroDivisionError):
        write_event(booking.pk, now=NOW)
    row = stored(booking)
    assert (row.status, row.event_state, row.event_due_at) == (
        "confirmed",
        "due",
        NOW + timedelta(seconds=10),
    )
    assert (
        row.event_error == "Internal error (ZeroDivisionError); the server's log has the details."
    )


def test_a_password_whose_key_is_missing_is_said_and_not_raised(destination, settings):
    booking = booked(destination)
    settings.TOKEN_ENCRYPTION_KEYS = ["MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA="]
    write_event(booking.pk, now=NOW)
    row = stored(booking)
    assert row.event_state == "due"
    assert row.event_error.startswith("A stored secret cannot be decrypted")


# --- no calendar to write to ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "unfit", [{"is_primary": False}, {"is_active": False}, {"is_writable": False}]
)
def test_without_a_destination_the_row_says_so(calendar, destination, unfit):
    CalendarConnection.objects.update(**unfit)
    booking = booked(destination)
    write_event(booking.pk, now=NOW)
    row = stored(booking)
    assert (row.status, row.event_state, row.event_due_at) == ("confirmed", "none", None)
    assert calendar.calls == []


def test_a_destination_chosen_later_receives_what_is_still_to_come(calendar, destination):
    CalendarConnection.objects.update(is_primary=False)
    booking = booked(destination)
    over = booked(destination, start_time=NOW - timedelta(hours=2))
    for each in (booking, over):
        write_event(each.pk, now=NOW)
    assert requeue_unwritten(now=LATER) == 0
    destination.receive_bookings()
    assert requeue_unwritten(now=LATER) == 1
    write_event(booking.pk, now=LATER)
    assert (stored(booking).event_state, stored(over).event_state) == ("written", "none")


def test_one_consultants_failures_can_be_tried_again_at_once(calendar, destination):
    """For when they have reconnected a calendar, or made room in it."""
    refused, waiting, done = (
        booked(destination, start_time=MONDAY_TEN + number * HALF_AN_HOUR) for number in range(3)
    )
    calendar.faults = [WriteRefused("The calendar is full."), AccessRevoked("Connect it again.")]
    for each in (refused, waiting, done):
        write_event(each.pk, now=NOW)
    assert requeue_unwritten(ConsultantFactory().pk, now=NOW) == 0
    assert requeue_unwritten(destination.user_id, now=NOW) == 2
    for each in (refused, waiting):
        write_event(each.pk, now=NOW)
    assert len(calendar.events) == 3
