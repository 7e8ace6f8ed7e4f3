"""Meeting types that need approval: an invitee asks, the consultant decides from their mail."""

import pytest
from django.core.cache import cache
from django.utils import timezone

from bookings import changes
from bookings.models import Booking
from bookings.states import BookingStatus, ChangedBy
from bookings.tokens import decision_token
from tests.bookings.bookable import at, bookable_consultant, tomorrow
from tests.bookings.paper import ORIGIN, Paper
from tests.bookings.test_pages import IVY, day_name
from tests.factories import (
    BlockedDateFactory,
    BookingFactory,
    ConnectionFactory,
    MeetingTypeFactory,
)

pytestmark = pytest.mark.django_db(transaction=True)  # a decision is a transaction of its own


@pytest.fixture(autouse=True)
def _nobody_has_tried_before():
    cache.clear()


@pytest.fixture
def ana():
    return bookable_consultant()


def requested(ana, **changes) -> tuple[Booking, str]:
    """A request for tomorrow at nine, and the address on which Ana decides."""
    talk = MeetingTypeFactory(
        user=ana,
        title="Talk",
        requires_approval=True,
        questions=[{"name": "topic", "label": "Topic"}],
    )
    fields = {
        "meeting_type": talk,
        "start_time": at(tomorrow(), 9),
        "status": BookingStatus.PENDING,
        "title": "Talk",
        "answers": {"topic": "Taxes"},
        "invitee_notes": "I may be late.",
        "invitee_time_zone": "Asia/Kathmandu",
    }
    booking = BookingFactory(user=ana, **fields | changes)
    return booking, f"/booking/decide/{decision_token(booking)}/"


def state_of(booking: Booking) -> tuple[str, str, str]:
    booking.refresh_from_db()
    return booking.status, booking.changed_by, booking.cancellation_reason


# --- the invitee asks -----------------------------------------------------------------------------


def test_who_asks_for_a_time_is_told_at_every_step_that_it_has_to_be_confirmed(client, ana):
    MeetingTypeFactory(user=ana, slug="talk", requires_approval=True, has_conference=True)
    ConnectionFactory(user=ana, provider="google", is_primary=True)
    page = Paper.open(client, f"/book/ana/talk/?day={tomorrow()}")
    said = "Video call; the link comes by mail Ana Ruiz confirms each booking"
    assert said in page.text
    page = page.follow("09:00")
    assert said in page.text
    assert "The time is kept for you until Ana Ruiz has answered." in page.text
    assert page.texts("//button") == ["Ask for this time"]
    page = page.send(**IVY)
    assert page.text.startswith("Waiting for approval Meeting with Ana Ruiz")
    assert Booking.objects.get().is_request


def test_a_meeting_type_without_approval_is_booked(client, ana):
    page = Paper.open(client, f"/book/ana/?day={tomorrow()}").follow("09:00")
    assert page.texts("//button") == ["Book this time"]
    assert "confirms each booking" not in page.text


def test_who_has_too_many_open_bookings_is_told_what_to_do_and_keeps_what_they_typed(client, ana):
    ana.booking_settings.invitee_limit = 1
    ana.booking_settings.save()
    BookingFactory(user=ana, start_time=at(tomorrow(), 14), invitee_email=IVY["email"])
    page = Paper.open(client, f"/book/ana/?day={tomorrow()}").follow("09:00")
    page = page.send(**IVY, notes="Hello")
    assert page.status == 409
    assert "Not booked Ana Ruiz accepts no more open bookings under this e-mail" in page.text
    assert page.typed().items() >= (IVY | {"notes": "Hello"}).items()
    assert Booking.objects.count() == 1


# --- the consultant decides -----------------------------------------------------------------------


def test_the_request_is_shown_with_all_that_was_said_in_the_consultants_time(client, ana):
    booking, address = requested(ana)
    page = Paper.open(client, address)
    assert page.text.startswith("Waits for your answer Talk with Ivy Invitee")
    start = at(tomorrow(), 9)
    when, *others = page.texts("//dl/div")
    assert when.startswith(f"When {day_name(start)} {start.year}, 09:00–09:30, Europe/Berlin")
    assert others == [
        "Who Ivy Invitee ivy@example.com",
        "Topic Taxes",
        "Notes I may be late.",
    ]
    assert page.texts("//button") == ["Confirm", "Decline"]
    assert page.links["Open the booking on your desk"] == (
        f"/admin/bookings/booking/{booking.pk}/change/"
    )
    assert state_of(booking) == ("pending", "", "")  # to look is not to decide


def test_the_consultant_confirms(client, ana):
    booking, address = requested(ana)
    page = Paper.open(client, address).send(decision="confirm")
    said = "Confirmed Talk with Ivy Invitee You have confirmed it, and Ivy Invitee was told."
    assert page.text.startswith(said)
    assert page.texts("//button") == []
    later = Paper.open(client, address)
    assert later.text.startswith("Confirmed Talk with Ivy Invitee This was decided already: it is")
    assert state_of(booking) == ("confirmed", "consultant", "")


def test_the_consultant_declines_with_a_reason(client, ana):
    booking, address = requested(ana)
    page = Paper.open(client, address).send(decision="decline", reason="I am away.")
    said = "Declined Talk with Ivy Invitee You have declined it, and Ivy Invitee was told."
    assert page.text.startswith(f"{said} I am away.")
    later = Paper.open(client, address)
    assert later.text.startswith("Declined Talk with Ivy Invitee This was decided already")
    assert state_of(booking) == ("cancelled", "consultant", "I am away.")


def test_of_two_decisions_the_first_holds(client, ana):
    booking, address = requested(ana)
    page = Paper.open(client, address)
    page.send(decision="decline", reason="I am away.")
    too_late = page.send(decision="confirm").text
    assert too_late.startswith("Declined Talk with Ivy Invitee This was decided already")
    twice = page.send(decision="decline").text  # as a double click sends it
    assert twice.startswith("Declined Talk with Ivy Invitee You have declined it")
    assert state_of(booking) == ("cancelled", "consultant", "I am away.")


def test_a_request_that_its_invitee_withdrew_says_so(client, ana):
    booking, address = requested(ana)
    page = Paper.open(client, address)
    changes.cancel(booking, by=ChangedBy.INVITEE, now=timezone.now())
    assert page.send(decision="confirm").text.startswith(
        "Cancelled Talk with Ivy Invitee Ivy Invitee has taken it back"
    )
    assert state_of(booking) == ("cancelled", "invitee", "")


def test_what_was_moved_meanwhile_is_not_decided_unseen(client, ana):
    booking, address = requested(ana)
    page = Paper.open(client, address)
    changes.reschedule(
        booking, starts_at=at(tomorrow(), 16), by=ChangedBy.INVITEE, now=timezone.now()
    )
    page = page.send(decision="confirm")
    assert page.status == 409
    assert page.text.startswith("Nothing was decided The request was moved since you opened this")
    assert "Ivy Invitee has moved this request to another time." in page.text
    assert state_of(booking)[0] == "pending"
    assert page.send(decision="confirm").text.startswith("Confirmed")


def test_a_time_that_is_not_free_any_more_is_not_confirmed_but_can_be_declined(client, ana):
    booking, address = requested(ana)
    BlockedDateFactory(user=ana, start_time=at(tomorrow(), 9), end_time=at(tomorrow(), 10))
    page = Paper.open(client, address).send(decision="confirm")
    assert page.status == 409
    assert page.text.startswith("Nothing was decided The calendar is not free at that time")
    assert state_of(booking)[0] == "pending"
    assert page.send(decision="decline").text.startswith("Declined")


@pytest.mark.parametrize("sent", [{}, {"decision": "perhaps"}])
def test_a_form_that_decides_nothing_changes_nothing(client, ana, sent):
    booking, address = requested(ana)
    assert Paper.open(client, address).send(**sent).text.startswith("Waits for your answer")
    assert state_of(booking)[0] == "pending"


def test_decisions_are_believed_from_our_own_page_alone(client, ana):
    booking, address = requested(ana)
    answer = client.post(address, {"decision": "confirm"}, headers={"Origin": "https://evil.test"})
    assert answer.status_code == 403
    assert state_of(booking)[0] == "pending"


def test_the_invitees_key_does_not_decide(client, ana):
    for token in ("unknown", f"{requested(ana)[0].pk}.x"):
        address = f"/booking/decide/{token}/"
        sent = client.post(address, {"decision": "confirm"}, headers={"Origin": ORIGIN})
        assert (client.get(address).status_code, sent.status_code) == (404, 404)
