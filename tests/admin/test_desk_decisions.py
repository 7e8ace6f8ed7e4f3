"""What the desk's first page shows for the consultant to decide, and what the buttons do."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from bookings.models import AuditFinding, Booking, EventDoubt
from connections.models import Consultant
from tests.bookings.bookable import at, bookable_consultant, tomorrow
from tests.bookings.paper import Paper
from tests.factories import (
    BlockedDateFactory,
    BookingFactory,
    ConnectionFactory,
    ConsultantFactory,
    MeetingTypeFactory,
    SyncedEventFactory,
)

pytestmark = pytest.mark.django_db(transaction=True)  # a decision is a transaction of its own


@pytest.fixture
def consultant() -> Consultant:
    return bookable_consultant()


def made(consultant: Consultant, hour: int = 9, **fields) -> Booking:
    """A booking tomorrow."""
    fields = {"start_time": at(tomorrow(), hour), "title": "Talk"} | fields
    return BookingFactory(user=consultant, **fields)


def rows(client: Client, section: str) -> list[str]:
    page = Paper.open(client, "/admin/")
    return page.texts(f"//section[@aria-labelledby='{section}']//tr[td]")


def press(client: Client, section: str, name: str) -> list[str]:
    """Press a button of this section; what the next page says."""
    page = Paper.open(client, "/admin/")
    [form] = [
        form
        for form in page.tree.xpath(f"//section[@aria-labelledby='{section}']//form")
        if " ".join(form.text_content().split()).startswith(name)
    ]
    answer = client.post(form.get("action"), dict(form.form_values()), follow=True)
    assert answer.redirect_chain == [("/admin/", 302)]
    return Paper(client, answer).texts("//ul[@class='messagelist']/li")


def wait_for_word(booking: Booking, finding: str = "gone", **fields) -> None:
    booking.refresh_from_db()
    EventDoubt.objects.create(
        booking=booking,
        as_of=booking.updated_at,
        finding=finding,
        waits_for_word=True,
        found_at=timezone.now(),
        **fields,
    )


def day() -> str:
    return f"{tomorrow():%a} {tomorrow().day} {tomorrow():%b}"


def test_a_quiet_desk_shows_none_of_it(desk, consultant):
    made(consultant)
    page = Paper.open(desk, "/admin/")
    shown = set(page.tree.xpath("//section/@aria-labelledby"))
    assert shown & {"requests", "undecided", "brought", "conflicts", "findings"} == set()


def test_requests_are_answered_on_the_first_page(desk, consultant):
    booking = made(consultant, status="pending")
    made(consultant, 11, status="pending", hold_expires_at=timezone.now() + timedelta(minutes=5))
    made(ConsultantFactory(), status="pending")
    assert rows(desk, "requests") == [f"{day()}, 09:00–09:30 Ivy Invitee Talk Confirm Decline…"]
    assert press(desk, "requests", "Confirm") == ["Confirmed. Ivy Invitee gets a mail."]
    assert rows(desk, "requests") == []
    booking.refresh_from_db()
    assert (booking.status, booking.changed_by) == ("confirmed", "consultant")


def test_a_request_that_cannot_be_confirmed_stays_with_the_reason(desk, consultant):
    made(consultant, status="pending")
    BlockedDateFactory(user=consultant, start_time=at(tomorrow(), 9), end_time=at(tomorrow(), 10))
    assert press(desk, "requests", "Confirm") == ["The calendar is not free at that time any more."]
    assert len(rows(desk, "requests")) == 1


def test_deletions_that_were_too_many_wait_for_a_word(desk, consultant):
    bookings = [made(consultant, hour) for hour in (9, 10)]
    for booking in bookings:
        wait_for_word(booking)
    foreign = made(ConsultantFactory())
    wait_for_word(foreign)
    assert rows(desk, "undecided") == [
        f"{day()}, 09:00 Ivy Invitee deleted",
        f"{day()}, 10:00 Ivy Invitee deleted",
    ]
    assert press(desk, "undecided", "Cancel those") == [
        "2 bookings are cancelled; the invitees get a mail."
    ]
    assert set(Booking.objects.filter(user=consultant).values_list("status", "changed_by")) == {
        ("cancelled", "consultant")
    }
    foreign.refresh_from_db()
    assert foreign.status == "confirmed"


def test_bookings_are_kept_and_written_again(desk, consultant):
    booking = made(consultant)
    Booking.objects.update(event_state="written", event_due_at=None)
    wait_for_word(booking)
    assert press(desk, "undecided", "Keep the bookings") == [
        "1 booking is written to your calendar again."
    ]
    booking.refresh_from_db()
    assert (booking.status, booking.event_state) == ("confirmed", "due")
    assert rows(desk, "undecided") == []


def test_a_move_that_does_not_fit_is_only_written_back(desk, consultant):
    wait_for_word(
        made(consultant), "elsewhere", start_time=at(tomorrow(), 20), end_time=at(tomorrow(), 21)
    )
    assert rows(desk, "undecided") == [
        f"{day()}, 09:00 Ivy Invitee moved to {day()}, 20:00, which is not free"
    ]
    page = Paper.open(desk, "/admin/")
    assert page.texts("//section[@aria-labelledby='undecided']//button") == [
        "Keep the bookings: write them to the calendar again"
    ]


@pytest.mark.parametrize(
    ("length", "why"),
    [
        (timedelta(hours=25), "and is longer than 24 hours"),
        (timedelta(seconds=30), "and is shorter than a minute"),
    ],
    ids=str,
)
def test_an_event_of_an_impossible_length_says_so(desk, consultant, length, why):
    start = at(tomorrow(), 20)
    wait_for_word(made(consultant), "elsewhere", start_time=start, end_time=start + length)
    assert rows(desk, "undecided") == [f"{day()}, 09:00 Ivy Invitee moved to {day()}, 20:00, {why}"]


def test_what_the_calendar_did_is_undone(desk, consultant):
    visit = MeetingTypeFactory(user=consultant)  # as long as the consultant's meetings are
    cancelled, moved = made(consultant), made(consultant, 11, meeting_type=visit)
    now = timezone.now()
    Booking.objects.filter(pk=cancelled.pk).update(
        status="cancelled", changed_by="calendar", cancelled_at=now
    )
    Booking.objects.filter(pk=moved.pk).update(
        start_time=at(tomorrow(), 15), end_time=at(tomorrow(), 15, 30), changed_by="calendar"
    )
    assert rows(desk, "brought") == [
        f"{day()}, 09:00 Ivy Invitee Cancelled Undo: Ivy Invitee {tomorrow()} 09:00",
        f"{day()}, 15:00 Ivy Invitee Moved from {day()}, 11:00 "
        f"Undo: Ivy Invitee {tomorrow()} 15:00",
    ]
    for booking, shown, start in ((cancelled, "09:00", 9), (moved, "15:00", 11)):
        assert press(desk, "brought", f"Undo: Ivy Invitee {tomorrow()} {shown}") == [
            "The booking is as it was before. Ivy Invitee gets a mail."
        ]
        booking.refresh_from_db()
        assert (booking.status, booking.start_time) == ("confirmed", at(tomorrow(), start))
    assert rows(desk, "brought") == []


def test_what_the_calendar_moved_can_be_moved_back_on_the_bookings_page(desk, consultant):
    booking = made(consultant)
    Booking.objects.update(
        start_time=at(tomorrow(), 15), end_time=at(tomorrow(), 15, 30), changed_by="calendar"
    )
    page = Paper.open(desk, f"/admin/bookings/booking/{booking.pk}/change/")
    assert f"Move back to {day()}, 09:00" in page.texts("//button")
    desk.post(f"/admin/bookings/booking/{booking.pk}/take-back/")
    booking.refresh_from_db()
    assert booking.start_time == at(tomorrow(), 9)


def test_what_stands_over_a_booking_is_shown(desk, consultant):
    made(consultant)
    SyncedEventFactory(
        connection=ConnectionFactory(user=consultant, calendar_name="Work"),
        title="Dentist",
        start_time=at(tomorrow(), 9),
        end_time=at(tomorrow(), 10),
    )
    assert rows(desk, "conflicts") == [f"{day()}, 09:00 Ivy Invitee {day()}, 09:00, Dentist Work"]


def test_what_should_never_be_so_is_shown_with_what_to_do(desk, consultant):
    booking = made(consultant)
    for one in (booking, made(ConsultantFactory())):
        AuditFinding.objects.create(
            invariant="booking_without_event",
            subject=one.pk,
            user=one.user,
            detail="Read-only.",
            found_at=timezone.now(),
        )
    assert rows(desk, "findings") == [
        "A booking is not in your calendar. Read-only. now See to the cause, then try again."
    ]
    page = Paper.open(desk, "/admin/")
    assert page.links["A booking is not in your calendar."] == (
        f"/admin/bookings/booking/{booking.pk}/change/"
    )


@pytest.mark.parametrize("word", ["cancel-deleted", "write-back"])
def test_a_word_is_a_post_of_the_consultants_own(desk, consultant, word):
    booking = made(consultant)
    wait_for_word(booking)
    address = f"/admin/bookings/booking/{word}/"
    assert desk.get(address).url == "/admin/"
    assert Client().post(address).status_code == 302
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(consultant)
    assert careful.post(address).status_code == 403
    assert len(rows(desk, "undecided")) == 1
