"""What a consultant does with a booking on its own page, and on the desk's first page."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from bookings import changes
from bookings.booking_mails import BookingMail
from bookings.models import Booking
from bookings.states import BookingStatus, ChangedBy, EventState
from connections.models import Consultant
from tests.bookings.bookable import at, bookable_consultant, tomorrow
from tests.bookings.paper import Paper
from tests.factories import BlockedDateFactory, BookingFactory, ConsultantFactory

pytestmark = pytest.mark.django_db(transaction=True)  # a change is a transaction of its own

LIST = "/admin/bookings/booking/"


@pytest.fixture
def consultant() -> Consultant:
    return bookable_consultant()


def made(consultant: Consultant, **fields) -> Booking:
    """A booking tomorrow at nine."""
    fields = {"start_time": at(tomorrow(), 9), "title": "Talk"} | fields
    return BookingFactory(user=consultant, **fields)


def requested(consultant: Consultant) -> Booking:
    return made(consultant, status=BookingStatus.PENDING)


def page_of(booking: Booking) -> str:
    return f"{LIST}{booking.pk}/change/"


def buttons(client: Client, booking: Booking) -> list[str]:
    """What can be done on the booking's page."""
    page = Paper.open(client, page_of(booking))
    return page.texts(
        "//section[@aria-labelledby='choices']//*[contains(@class, 'button ') or @class='button']"
    )


def press(client: Client, booking: Booking, name: str, **typed) -> list[str]:
    """Press a button of the page; what the next page says."""
    answer = client.post(f"{LIST}{booking.pk}/{name}/", typed, follow=True)
    booking.refresh_from_db()
    return Paper(client, answer).texts("//ul[@class='messagelist']/li")


def said_of(booking: Booking) -> tuple[str, str, str]:
    booking.refresh_from_db()
    return booking.status, booking.changed_by, booking.cancellation_reason


# --- what is offered ------------------------------------------------------------------------------


def test_each_state_offers_what_can_be_done_with_it(desk, consultant):
    now = timezone.now()
    request = requested(consultant)
    confirmed = made(consultant, start_time=at(tomorrow(), 10))
    cancelled = made(consultant, start_time=at(tomorrow(), 11), status="cancelled")
    past = made(consultant, start_time=now - timedelta(days=3))
    held = made(
        consultant,
        start_time=at(tomorrow(), 12),
        status="pending",
        hold_expires_at=now + timedelta(minutes=5),
    )
    given_back = made(consultant, status="cancelled", hold_expires_at=now)

    assert buttons(desk, request) == ["Confirm", "Decline…", "Move…"]
    assert buttons(desk, confirmed) == ["Cancel…", "Move…"]
    assert buttons(desk, cancelled) == ["Restore the booking"]
    assert buttons(desk, past) == []
    assert buttons(desk, held) == ["Cancel…"]
    assert buttons(desk, given_back) == []


@pytest.mark.parametrize(
    ("status", "state", "words"),
    [
        ("confirmed", "due", "to be written"),
        ("confirmed", "failed", "could not be written"),
        ("cancelled", "due", "to be removed"),
        ("cancelled", "failed", "could not be removed"),
        ("cancelled", "removed", "removed from the calendar"),
    ],
)
def test_event_of_a_cancelled_booking_is_on_its_way_out(desk, consultant, status, state, words):
    booking = made(consultant, status=status)
    Booking.objects.update(event_state=state, event_due_at=None)
    for address in (LIST, page_of(booking)):
        cells = Paper.open(desk, address).texts("//*[contains(@class, 'field-event')]")
        assert any(words in cell for cell in cells), address


def test_what_went_wrong_can_be_tried_again(desk, consultant):
    booking = made(consultant, owes_mails=False)
    Booking.objects.update(event_state="failed", event_error="Read-only.", event_attempts=3)
    BookingMail.objects.create(
        booking=booking, kind="confirmation", recipient="invitee", error="No route to the host."
    )
    assert buttons(desk, booking) == [
        "Cancel…",
        "Move…",
        "Try the calendar event again",
        "Try again: confirmation (to the invitee)",
    ]


def test_requests_can_be_listed_apart(desk, consultant):
    request = requested(consultant)
    made(consultant, start_time=at(tomorrow(), 10))
    answer = desk.get(f"{LIST}?approval=waiting")
    assert list(answer.context["cl"].result_list) == [request]


def test_the_history_is_visible(desk, consultant):
    booking = made(consultant)
    now = timezone.now()
    changes.reschedule(booking, starts_at=at(tomorrow(), 15), by=ChangedBy.INVITEE, now=now)
    changes.cancel(booking, by=ChangedBy.CONSULTANT, reason="I am away.", now=now)
    page = Paper.open(desk, page_of(booking))
    history = dict(
        zip(
            page.texts("//fieldset[.//h2[text()='History']]//label"),
            page.texts("//fieldset[.//h2[text()='History']]//div[@class='readonly']"),
            strict=True,
        )
    )
    assert history["Changed by:"] == "the consultant"
    assert history["Moved from:"].endswith(", 09:00")
    assert history["Reschedule count:"] == "1"
    assert history["Cancellation reason:"] == "I am away."
    assert history["Sequence:"] == "2"


# --- requests -------------------------------------------------------------------------------------


def test_a_request_is_confirmed_on_its_page(desk, consultant):
    booking = requested(consultant)
    assert press(desk, booking, "confirm", sequence="0") == ["Confirmed. Ivy Invitee gets a mail."]
    assert said_of(booking) == ("confirmed", "consultant", "")


def test_a_request_that_was_moved_meanwhile_is_not_confirmed_unseen(desk, consultant):
    booking = requested(consultant)
    changes.reschedule(
        booking, starts_at=at(tomorrow(), 15), by=ChangedBy.INVITEE, now=timezone.now()
    )
    assert press(desk, booking, "confirm", sequence="0") == [
        "The request was moved since you opened this page. Please look again."
    ]
    assert said_of(booking)[0] == "pending"


def test_a_request_whose_time_is_taken_says_so(desk, consultant):
    booking = requested(consultant)
    BlockedDateFactory(user=consultant, start_time=at(tomorrow(), 9), end_time=at(tomorrow(), 10))
    assert press(desk, booking, "confirm", sequence="0") == [
        "The calendar is not free at that time any more."
    ]


def test_a_request_is_declined_with_a_reason(desk, consultant):
    booking = requested(consultant)
    page = Paper.open(desk, f"{LIST}{booking.pk}/cancel/")
    assert page.texts("//main//button[@class='button']") == ["Decline the request"]
    assert said_of(booking)[0] == "pending"  # to look is not to decide
    assert press(desk, booking, "cancel", reason="I am away.") == [
        "Declined. Ivy Invitee gets a mail."
    ]
    assert said_of(booking) == ("cancelled", "consultant", "I am away.")


# --- bookings -------------------------------------------------------------------------------------


def test_a_booking_is_cancelled_with_a_reason_and_restored(desk, consultant):
    booking = made(consultant)
    assert press(desk, booking, "cancel", reason="I am ill.") == [
        "Cancelled. Ivy Invitee gets a mail."
    ]
    assert said_of(booking) == ("cancelled", "consultant", "I am ill.")
    assert press(desk, booking, "restore") == ["The booking stands again. Ivy Invitee gets a mail."]
    assert said_of(booking)[:2] == ("confirmed", "consultant")


def test_a_booking_is_not_restored_over_another(desk, consultant):
    booking = made(consultant, status="cancelled")
    made(consultant)
    assert press(desk, booking, "restore") == ["The calendar is not free at that time any more."]
    assert said_of(booking)[0] == "cancelled"


def test_a_slot_that_was_held_never_becomes_a_booking(desk, consultant):
    held = made(consultant, status="cancelled", hold_expires_at=timezone.now())
    assert press(desk, held, "restore") == ["This was a slot that somebody held, never a booking."]
    assert said_of(held)[0] == "cancelled"


def test_a_booking_is_moved_to_a_time_that_is_offered(desk, consultant):
    booking = made(consultant)
    made(consultant, start_time=at(tomorrow(), 10))
    page = Paper.open(desk, f"{LIST}{booking.pk}/move/?day={tomorrow()}")
    times = page.texts("//fieldset[@class='day'][1]//label")
    assert times[:3] == ["09:30", "10:30", "11:00"]  # its own and the other one's are left out
    [start] = page.tree.xpath("//fieldset[1]//label[normalize-space()='09:30']/input/@value")
    assert press(desk, booking, "move", start=start) == ["Moved. Ivy Invitee gets a mail."]
    assert (booking.start_time, booking.changed_by) == (at(tomorrow(), 9, 30), "consultant")


def test_a_fortnight_of_free_times_is_shown_at_once(desk, consultant):
    booking = made(consultant)
    page = Paper.open(desk, f"{LIST}{booking.pk}/move/?day={tomorrow()}")
    days = page.texts("//fieldset[@class='day']/legend")
    assert len(days) == 14
    later = page.follow("Later")
    first = tomorrow() + timedelta(days=14)
    assert later.texts("//fieldset[@class='day']/legend")[0] == (
        f"{first:%A} {first.day} {first:%B}"
    )
    assert later.follow("Earlier").texts("//fieldset/legend") == days


def test_a_time_that_was_just_taken_leads_back_to_the_free_ones(desk, consultant):
    booking = made(consultant)
    made(consultant, start_time=at(tomorrow(), 15))
    answer = desk.post(
        f"{LIST}{booking.pk}/move/", {"start": at(tomorrow(), 15).isoformat()}, follow=True
    )
    page = Paper(desk, answer)
    assert page.texts("//ul[@class='messagelist']/li") == [
        "This time is not free any more. Please choose another one."
    ]
    assert page.texts("//button[text()='Move the booking']") == ["Move the booking"]


def test_a_form_without_a_time_asks_for_one(desk, consultant):
    booking = made(consultant)
    answer = desk.post(f"{LIST}{booking.pk}/move/")
    assert "Choose one of the times." in answer.content.decode()


def test_what_is_over_cannot_be_moved(desk, consultant):
    booking = made(consultant, start_time=timezone.now() - timedelta(days=3))
    page = Paper.open(desk, f"{LIST}{booking.pk}/move/")
    assert "This booking cannot be moved" in page.text
    assert page.texts("//fieldset") == []


# --- trying again ---------------------------------------------------------------------------------


def test_one_event_is_made_due_again(desk, consultant):
    booking, other = made(consultant), made(consultant, start_time=at(tomorrow(), 15))
    Booking.objects.update(event_state="failed", event_due_at=None)
    assert press(desk, booking, "write-event") == [
        "The calendar event is written within the next seconds."
    ]
    other.refresh_from_db()
    assert (booking.event_state, other.event_state) == (EventState.DUE, EventState.FAILED)
    assert booking.event_due_at <= timezone.now()


def test_an_event_that_is_as_it_should_be_is_left_alone(desk, consultant):
    booking = made(consultant)
    Booking.objects.update(event_state="written", event_due_at=None)
    assert press(desk, booking, "write-event") == ["The calendar event is as it should be."]
    assert booking.event_state == "written"


@pytest.mark.parametrize(
    ("waits", "soonest"),
    [(None, timedelta(0)), (timedelta(hours=3), timedelta(minutes=1))],
    ids=["given up", "to be tried later, or being sent just now"],
)
def test_one_mail_is_made_due_again_and_never_sent_by_two_workers(desk, consultant, waits, soonest):
    booking = made(consultant, owes_mails=False)
    before = timezone.now()
    moment = before + waits if waits else None
    mail = BookingMail.objects.create(
        booking=booking,
        kind="confirmation",
        recipient="invitee",
        error="No route.",
        due_at=moment,
        not_before=moment,
    )
    assert press(desk, booking, f"mails/{mail.pk}/send") == [
        "The mail is tried again within a minute."
    ]
    mail.refresh_from_db()
    assert mail.due_at == mail.not_before
    assert before + soonest <= mail.due_at <= timezone.now() + soonest


def test_a_mail_that_went_out_is_not_sent_again(desk, consultant):
    booking = made(consultant, owes_mails=False)
    mail = BookingMail.objects.create(
        booking=booking,
        kind="confirmation",
        recipient="invitee",
        sent_at=timezone.now(),
        due_at=None,
    )
    assert press(desk, booking, f"mails/{mail.pk}/send") == ["This mail has gone out."]
    mail.refresh_from_db()
    assert mail.due_at is None


# --- guarded --------------------------------------------------------------------------------------

VERBS = ["confirm", "cancel", "move", "restore", "write-event"]


@pytest.mark.parametrize("verb", VERBS)
def test_bookings_of_others_are_not_there(desk, verb):
    foreign = made(ConsultantFactory())
    assert desk.post(f"{LIST}{foreign.pk}/{verb}/", {"sequence": "0"}).status_code == 404
    assert desk.get(f"{LIST}{foreign.pk}/{verb}/").status_code == 404


def test_mails_of_others_are_not_there(desk, consultant):
    own, foreign = made(consultant), made(ConsultantFactory())
    mail = foreign.mails.first()
    for booking in (own, foreign):
        assert desk.post(f"{LIST}{booking.pk}/mails/{mail.pk}/send/").status_code == 404


def test_a_superuser_acts_for_everybody(superuser_desk, consultant):
    booking = made(consultant)
    assert press(superuser_desk, booking, "cancel") == ["Cancelled. Ivy Invitee gets a mail."]


@pytest.mark.parametrize("verb", VERBS)
def test_nothing_is_done_without_signing_in_or_from_elsewhere(consultant, verb):
    booking = made(consultant)
    stranger, careful = Client(), Client(enforce_csrf_checks=True)
    careful.force_login(consultant)
    address = f"{LIST}{booking.pk}/{verb}/"
    assert stranger.post(address).status_code == 302
    assert careful.post(address).status_code == 403
    assert said_of(booking) == ("confirmed", "", "")


@pytest.mark.parametrize("verb", ["confirm", "restore", "write-event"])
def test_what_acts_at_once_is_not_done_by_a_link(desk, consultant, verb):
    booking = made(consultant)
    assert desk.get(f"{LIST}{booking.pk}/{verb}/").url == page_of(booking)
    assert desk.put(f"{LIST}{booking.pk}/{verb}/").status_code == 405
    assert said_of(booking) == ("confirmed", "", "")
