"""A booking's life in a real browser: asked for, decided on, moved, cancelled."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from bookings import changes
from bookings.booking_mails import BookingMail
from bookings.models import AuditFinding, Booking, EventDoubt
from bookings.states import BookingStatus, ChangedBy
from bookings.tokens import decision_token, hash_of, manage_token
from connections.models import Consultant
from tests.bookings.bookable import at, tomorrow
from tests.browser.conftest import NewPage
from tests.browser.screens import ON_BOTH_SCREENS
from tests.browser.test_booking import BERLIN, day_name, expect_booked, fill_in, tab_to
from tests.factories import (
    BookingFactory,
    ConnectionFactory,
    MeetingTypeFactory,
    SyncedEventFactory,
)

pytestmark = pytest.mark.browser

DESK = "/admin/bookings/booking/"


def booked(consultant: Consultant, **fields) -> tuple[Booking, str]:
    """A booking tomorrow at nine, and the address of its invitee's page."""
    fields = {
        "start_time": at(tomorrow(), 9),
        "title": "Talk",
        "invitee_time_zone": BERLIN,
    } | fields
    booking = BookingFactory(user=consultant, **fields)
    token = manage_token(booking)
    Booking.objects.filter(pk=booking.pk).update(manage_token_hash=hash_of(token))
    return booking, f"/booking/{token}/"


def requested(consultant: Consultant, **fields) -> tuple[Booking, str]:
    return booked(consultant, status=BookingStatus.PENDING, **fields)


@pytest.fixture
def new_desk(signed_in, bo) -> NewPage:
    """A page in which Bo is signed in."""
    return partial(signed_in, bo)


def press_through(page: Page, *names: str) -> None:
    """By keyboard alone."""
    for name in names:
        tab_to(page, name)
        page.keyboard.press("Enter")


def test_a_booking_is_made_moved_and_cancelled_by_keyboard_alone(new_page, bo):
    page = new_page(timezone_id=BERLIN)
    page.goto(f"/book/bo/?day={tomorrow()}")
    press_through(page, "09:00")
    expect(page.locator("#step")).to_be_focused()
    tab_to(page, "Your name")
    page.keyboard.type("Ivy Invitee")
    tab_to(page, "Your e-mail address")
    page.keyboard.type("ivy@example.com")
    press_through(page, "Book this time")
    expect_booked(page)
    press_through(page, "Move to another time")
    page.wait_for_url("**/reschedule/**")
    later = tomorrow() + timedelta(days=1)
    press_through(page, day_name(later))
    expect(page.locator("#times")).to_be_focused()
    press_through(page, "11:30")
    expect(page.locator("#step")).to_be_focused()
    press_through(page, "Move it")
    expect(page.get_by_text("Moved", exact=True)).to_be_visible()
    assert Booking.objects.get().start_time == at(later, 11, 30)
    press_through(page, "Cancel the booking")
    expect(page.get_by_role("heading", name="Cancel this booking?")).to_be_visible()
    tab_to(page, "Reason")
    page.keyboard.type("I am ill.")
    press_through(page, "Cancel the booking")
    expect(page.get_by_text("You have cancelled this booking.")).to_be_visible()
    booking = Booking.objects.get()
    assert (booking.status, booking.cancellation_reason) == ("cancelled", "I am ill.")


def test_a_booking_is_moved_and_cancelled_without_javascript(new_page, bo):
    booking, address = booked(bo)
    page = new_page(java_script_enabled=False)
    page.goto(address)
    page.get_by_role("link", name="Move to another time").click()
    page.get_by_role("link", name=day_name(tomorrow())).click()
    page.get_by_role("link", name="11:30").click()
    page.get_by_role("button", name="Move it").click()
    expect(page.get_by_text("Moved", exact=True)).to_be_visible()
    page.get_by_role("link", name="Cancel the booking").click()
    page.get_by_role("button", name="Cancel the booking").click()
    expect(page.get_by_text("You have cancelled this booking.")).to_be_visible()
    booking.refresh_from_db()
    assert (booking.start_time, booking.status) == (at(tomorrow(), 11, 30), "cancelled")


@pytest.mark.parametrize("with_script", [True, False])
def test_a_double_click_moves_once(new_page, bo, with_script):
    booking, address = booked(bo)
    page = new_page(java_script_enabled=with_script, timezone_id=BERLIN)
    page.goto(f"{address}reschedule/?day={tomorrow()}")
    page.get_by_role("link", name="11:30").click()
    page.get_by_role("button", name="Move it").dblclick()
    expect(page.get_by_text("Moved", exact=True)).to_be_visible()
    booking.refresh_from_db()
    assert (booking.start_time, booking.sequence) == (at(tomorrow(), 11, 30), 1)


def test_the_consultant_confirms_from_the_mail_and_the_invitee_sees_it(new_page, bo):
    MeetingTypeFactory(user=bo, slug="talk", title="Talk", requires_approval=True)
    invitee = new_page(timezone_id=BERLIN)
    invitee.goto(f"/book/bo/talk/?day={tomorrow()}")
    invitee.get_by_role("link", name="09:00").click()
    fill_in(invitee)
    invitee.get_by_role("button", name="Ask for this time").click()
    expect(invitee.get_by_text("Waiting for approval")).to_be_visible()
    consultant = new_page()
    consultant.goto(f"/booking/decide/{decision_token(Booking.objects.get())}/")
    consultant.get_by_role("button", name="Confirm").click()
    expect(consultant.get_by_text("Confirmed", exact=True)).to_be_visible()
    invitee.reload()
    expect_booked(invitee)


def test_the_consultant_declines_from_the_mail_by_keyboard_alone(new_page, bo):
    booking, _ = requested(bo)
    page = new_page()
    page.goto(f"/booking/decide/{decision_token(booking)}/")
    tab_to(page, "Reason")
    page.keyboard.type("I am away.")
    press_through(page, "Decline")
    expect(page.get_by_text("Declined", exact=True)).to_be_visible()
    booking.refresh_from_db()
    assert (booking.status, booking.cancellation_reason) == ("cancelled", "I am away.")


def test_the_consultant_confirms_moves_cancels_and_restores_on_the_desk(new_desk, bo):
    booking, _ = requested(bo)
    page = new_desk()
    page.goto("/admin/")
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_text("Confirmed. Ivy Invitee gets a mail.")).to_be_visible()
    page.goto(f"{DESK}{booking.pk}/change/")
    page.get_by_role("link", name="Move…").click()
    page.get_by_role("group", name=day_name(tomorrow())).get_by_label("11:30").check()
    page.get_by_role("button", name="Move the booking").click()
    expect(page.get_by_text("Moved. Ivy Invitee gets a mail.")).to_be_visible()
    page.get_by_role("link", name="Cancel…").click()
    page.get_by_label("Reason").fill("I am ill.")
    page.get_by_role("button", name="Cancel the booking").click()
    expect(page.get_by_text("Cancelled. Ivy Invitee gets a mail.")).to_be_visible()
    page.get_by_role("button", name="Restore the booking").click()
    expect(page.get_by_text("The booking stands again.")).to_be_visible()
    booking.refresh_from_db()
    assert (booking.status, booking.start_time) == ("confirmed", at(tomorrow(), 11, 30))


# --- barriers -------------------------------------------------------------------------------------


@ON_BOTH_SCREENS
def test_no_page_of_a_booking_has_a_barrier_or_scrolls_sideways(new_page, bo, barriers, options):
    page = new_page(**options, timezone_id=BERLIN)
    found = {}
    for state in [*pages_of_a_booking(page, bo), *pages_of_a_request(page, bo)]:
        wide = page.evaluate("() => document.documentElement.scrollWidth > innerWidth")
        found[state] = (barriers(page), wide)
    assert {state: seen for state, seen in found.items() if seen != ([], False)} == {}


@ON_BOTH_SCREENS
def test_no_page_of_the_desk_has_a_barrier(new_desk, bo, barriers, options):
    page = new_desk(**options)
    found = {state: barriers(page) for state in pages_of_the_desk(page, bo)}
    assert {state: seen for state, seen in found.items() if seen} == {}


def pages_of_a_booking(page: Page, bo: Consultant) -> Iterator[str]:
    booking, address = booked(bo, has_conference=True, location="Room 1", invitee_notes="Hello")
    page.goto(address)
    yield "booked"
    page.goto(f"{address}cancel/")
    yield "cancel"
    page.goto(f"{address}reschedule/?day={tomorrow()}")
    yield "calendar of new times"
    page.get_by_role("link", name="11:30").click()
    expect(page.get_by_text("Move your booking to this time?")).to_be_visible()
    yield "new time"
    BookingFactory(user=bo, start_time=at(tomorrow(), 11, 30))
    page.get_by_role("button", name="Move it").click()
    expect(page.get_by_text("That time is no longer free")).to_be_visible()
    yield "new time that was taken"
    yield from calendar_that_cannot_be_read(page, bo, address)
    changes.reschedule(
        booking, starts_at=at(tomorrow(), 12), by=ChangedBy.INVITEE, now=timezone.now()
    )
    Booking.objects.update(conference_url="https://meet.example.com/abc-defg-hij")
    page.goto(address)
    yield "moved"
    bo.booking_settings.change_notice = 5 * 1440
    bo.booking_settings.save()
    page.goto(address)
    expect(page.get_by_text("It is too late to change this booking online.")).to_be_visible()
    yield "too late"
    changes.cancel(booking, by=ChangedBy.CONSULTANT, reason="I am ill.", now=timezone.now())
    page.reload()
    yield "cancelled"


def calendar_that_cannot_be_read(page: Page, bo: Consultant, address: str) -> Iterator[str]:
    connection = ConnectionFactory(
        user=bo,
        caldav_url="http://127.0.0.1:9/",
        calendar_id="http://127.0.0.1:9/calendar/",
        last_synced_at=datetime(2020, 1, 1, tzinfo=UTC),
    )
    page.goto(f"{address}reschedule/?day={tomorrow()}")
    page.get_by_role("link", name="12:00").click()
    page.get_by_role("button", name="Move it").click()
    expect(page.get_by_text("Not moved yet")).to_be_visible()
    yield "new time that cannot be verified"
    connection.delete()


def pages_of_a_request(page: Page, bo: Consultant) -> Iterator[str]:
    MeetingTypeFactory(
        user=bo, slug="talk", title="Talk", requires_approval=True, has_conference=True
    )
    page.goto(f"/book/bo/talk/?day={tomorrow()}")
    page.get_by_role("link", name="15:00").click()
    expect(page.get_by_role("button", name="Ask for this time")).to_be_visible()
    yield "form of a request"
    booking, address = requested(bo, start_time=at(tomorrow(), 16), invitee_notes="Hello")
    page.goto(address)
    yield "request that waits"
    page.goto(f"/booking/decide/{decision_token(booking)}/")
    yield "decision"
    page.get_by_role("button", name="Decline").click()
    expect(page.get_by_text("Declined", exact=True)).to_be_visible()
    yield "decided"
    page.goto(address)
    yield "request that was declined"


def pages_of_the_desk(page: Page, bo: Consultant) -> Iterator[str]:
    booking, _ = requested(bo, owes_mails=False)
    other, _ = booked(bo, start_time=at(tomorrow(), 12))
    needs_decisions(bo, other)
    page.goto("/admin/")
    for heading in ("Waiting for your approval", "Something else stands", "What should never be"):
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
    yield "first page"
    page.goto(f"{DESK}{booking.pk}/change/")
    yield "request"
    page.goto(f"{DESK}{booking.pk}/cancel/")
    yield "decline"
    page.goto(f"{DESK}{booking.pk}/move/?day={tomorrow()}")
    yield "move"
    BookingMail.objects.create(
        booking=other, kind="confirmation", recipient="invitee", sequence=7, error="No route."
    )
    page.goto(f"{DESK}{other.pk}/change/")
    yield "booking"
    meeting_type = MeetingTypeFactory(user=bo, slug="visit", title="Visit")
    page.goto(f"/admin/availability/meetingtype/{meeting_type.pk}/change/")
    yield "meeting type"


def needs_decisions(bo: Consultant, booking: Booking) -> None:
    """What the desk's first page can ask of its consultant."""
    SyncedEventFactory(
        connection=ConnectionFactory(user=bo),
        title="Dentist",
        start_time=booking.start_time,
        end_time=booking.end_time,
    )
    AuditFinding.objects.create(
        invariant="booking_without_event",
        subject=booking.pk,
        user=bo,
        detail="Read-only.",
        found_at=timezone.now(),
    )
    deleted, _ = booked(bo, start_time=at(tomorrow(), 13))
    deleted.refresh_from_db()
    EventDoubt.objects.create(
        booking=deleted,
        as_of=deleted.updated_at,
        finding="gone",
        waits_for_word=True,
        found_at=timezone.now(),
    )
    undone, _ = booked(bo, start_time=at(tomorrow(), 14))
    changes.cancel(undone, by=ChangedBy.CALENDAR, now=timezone.now())
