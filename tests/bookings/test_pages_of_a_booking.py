"""An invitee looks after their booking, as a browser without JavaScript does it."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from bookings import changes
from bookings.models import Booking
from bookings.serializers import LONGEST_REASON
from bookings.states import BookingStatus, ChangedBy
from bookings.wording import moment, span
from tests.bookings.bookable import at, bookable_consultant, take_everything, tomorrow
from tests.bookings.limits import limits
from tests.bookings.paper import ORIGIN, Paper
from tests.bookings.test_pages import booked, day_name
from tests.factories import BookingFactory, ConnectionFactory, MeetingTypeFactory

pytestmark = pytest.mark.django_db(transaction=True)  # a change is a transaction of its own

BERLIN = "Europe/Berlin"


@pytest.fixture(autouse=True)
def _nobody_has_tried_before():
    cache.clear()


def berlin_booking(**changes) -> tuple[Booking, str]:
    return booked(invitee_time_zone=BERLIN, location="", **changes)


def requested(**changes) -> tuple[Booking, str]:
    return berlin_booking(status=BookingStatus.PENDING, **changes)


def now_is(booking: Booking) -> Booking:
    booking.refresh_from_db()
    return booking


def when(start: datetime) -> str:
    end = start + timedelta(minutes=30)
    return span(start, end, start.tzinfo)


# --- what has become of it ------------------------------------------------------------------------


def test_a_request_says_that_it_waits_and_is_not_for_the_calendar_yet(client):
    booking, address = requested(has_conference=True)
    ConnectionFactory(user=booking.user, provider="google", is_primary=True)
    page = Paper.open(client, address)
    assert page.text.startswith(
        "Waiting for approval Talk with Ana Ruiz Ana Ruiz has yet to confirm this time; until then "
        "it is kept for you. The answer goes to ivy@example.com."
    )
    assert (
        "The link comes by mail once the booking is confirmed, and stands here then." in page.text
    )
    assert list(page.links) == [
        "Move to another time",
        "Withdraw the request",
        "ana@example.com",
        "Book another time with Ana Ruiz",
    ]


@pytest.mark.parametrize(
    ("decide", "said"),
    [
        (
            lambda booking, now: changes.cancel(
                booking, by=ChangedBy.CONSULTANT, reason="I am away.", now=now
            ),
            "Not confirmed Talk with Ana Ruiz Ana Ruiz cannot confirm this time. I am away.",
        ),
        (
            lambda booking, now: changes.cancel(booking, by=ChangedBy.INVITEE, now=now),
            "Withdrawn Talk with Ana Ruiz You have withdrawn this request.",
        ),
        (
            lambda booking, now: changes.lapse_requests(now=booking.start_time),
            "Not confirmed Talk with Ana Ruiz The request was not answered in time. "
            "Please choose another time.",
        ),
        (
            lambda booking, now: Booking.objects.update(status=BookingStatus.CANCELLED),
            "Not confirmed Talk with Ana Ruiz This request was not confirmed.",
        ),
    ],
    ids=["declined", "withdrawn", "unanswered", "nobody says by whom"],
)
def test_a_request_that_came_to_nothing_says_why(client, decide, said):
    booking, address = requested()
    decide(booking, timezone.now())
    page = Paper.open(client, address)
    assert page.text.startswith(f"{said} When")
    assert list(page.links) == ["Book another time with Ana Ruiz"]


def test_a_request_that_was_declined_and_restored_is_a_booking_like_any_other(client):
    booking, address = requested()
    now = timezone.now()
    changes.cancel(booking, by=ChangedBy.CONSULTANT, now=now)
    changes.restore(booking, now=now)
    assert Paper.open(client, address).text.startswith("Booked")
    changes.cancel(booking, by=ChangedBy.CONSULTANT, now=now)
    assert Paper.open(client, address).text.startswith("Cancelled")


@pytest.mark.parametrize(
    ("by", "said"),
    [
        (ChangedBy.INVITEE, "You have cancelled this booking."),
        (ChangedBy.CONSULTANT, "Ana Ruiz has cancelled this booking."),
        (ChangedBy.CALENDAR, "Ana Ruiz has cancelled this booking."),
        (ChangedBy.SYSTEM, "This booking was cancelled."),
    ],
)
def test_a_cancelled_booking_says_by_whom_and_why(client, by, said):
    booking, address = berlin_booking()
    changes.cancel(booking, by=by, reason="I am ill.\nSorry!", now=timezone.now())
    page = Paper.open(client, address)
    assert page.text.startswith(f"Cancelled Talk with Ana Ruiz {said} I am ill. Sorry! When")


def test_a_moved_booking_says_when_it_was_before(client):
    booking, address = berlin_booking()
    changes.reschedule(
        booking, starts_at=at(tomorrow(), 11), by=ChangedBy.CONSULTANT, now=timezone.now()
    )
    page = Paper.open(client, address)
    assert page.text.startswith("Moved Talk with Ana Ruiz")
    old = at(tomorrow(), 9)
    assert page.texts("//dl/div")[:2] == [
        f"When {when(at(tomorrow(), 11))}",
        f"Moved from {moment(old, old.tzinfo)}",
    ]


def test_a_video_call_is_a_link_once_it_is_known(client):
    booking, address = berlin_booking(has_conference=True)
    ConnectionFactory(user=booking.user, provider="google", is_primary=True)
    assert "Video call The link comes by mail, and stands here then." in Paper.open(
        client, address
    ).texts("//dl/div")
    Booking.objects.update(conference_url="https://meet.example.com/abc")
    page = Paper.open(client, address)
    assert page.links["https://meet.example.com/abc"] == "https://meet.example.com/abc"
    changes.cancel(booking, by=ChangedBy.CONSULTANT, now=timezone.now())
    assert "https://meet.example.com/abc" not in Paper.open(client, address).links


@pytest.mark.parametrize(
    ("provider", "event_state"), [("apple", "due"), ("apple", "written"), ("google", "written")]
)
def test_no_link_is_promised_where_none_will_come(client, provider, event_state):
    booking, address = berlin_booking(has_conference=True, event_state=event_state)
    ConnectionFactory(user=booking.user, provider=provider, is_primary=True)
    page = Paper.open(client, address)
    told = "Video call Ana Ruiz will tell you how to join. To ask, write to"
    assert f"{told} {booking.user.email}." in page.texts("//dl/div")
    changes.cancel(booking, by=ChangedBy.CONSULTANT, now=timezone.now())
    assert "how to join" not in Paper.open(client, address).text


def test_until_when_it_can_be_changed_is_said_where_that_is_not_the_start(client):
    ana = bookable_consultant(email="ana@example.com", settings__change_notice=60)
    start = at(tomorrow(), 9)
    _, address = berlin_booking(user=ana)
    until = moment(start - timedelta(hours=1), start.tzinfo)
    assert f"You can do so until {until}." in Paper.open(client, address).text
    ana.booking_settings.change_notice = 0
    ana.booking_settings.save()
    assert "You can do so until" not in Paper.open(client, address).text


# --- too late -------------------------------------------------------------------------------------


def too_late() -> tuple[Booking, str]:
    ana = bookable_consultant(email="ana@example.com", settings__change_notice=2 * 1440)
    return berlin_booking(user=ana)


def test_who_is_too_late_is_told_whom_to_write_to(client):
    _, address = too_late()
    page = Paper.open(client, address)
    assert (
        "It is too late to change this booking online. Please get in touch. "
        "Write to Ana Ruiz: ana@example.com." in page.text
    )
    for path in ("cancel/", "reschedule/"):
        assert Paper.open(client, f"{address}{path}").text == page.text
    assert page.links["ana@example.com"].startswith("mailto:ana@example.com?subject=Talk%3A%20")
    assert list(page.links) == [
        "Add to your calendar",
        "ana@example.com",
        "Book another time with Ana Ruiz",
    ]


def test_who_became_too_late_with_the_page_open_is_told_that_nothing_was_changed(client):
    booking, address = too_late()
    for path, sent in (("cancel/", {}), ("reschedule/", {"start": f"{at(tomorrow(), 11)}"})):
        answer = client.post(f"{address}{path}", sent, headers={"Origin": ORIGIN})
        assert answer.status_code == 409
        page = Paper(client, answer)
        assert page.text.startswith("Nothing was changed It is too late to change this booking")
        assert "Write to Ana Ruiz: ana@example.com." in page.text
    assert (now_is(booking).status, booking.start_time) == ("confirmed", at(tomorrow(), 9))


def test_a_booking_that_has_begun_can_no_longer_be_changed(client):
    start = timezone.now().replace(microsecond=0) - timedelta(minutes=5)
    _, address = berlin_booking(start_time=start)
    page = Paper.open(client, address)
    assert "This booking has begun or is over: it cannot be changed any more." in page.text
    assert "Cancel the booking" not in page.links


# --- cancelling -----------------------------------------------------------------------------------


def test_a_booking_is_cancelled_with_a_reason(client):
    booking, address = berlin_booking()
    page = Paper.open(client, address).follow("Cancel the booking")
    assert page.text.startswith("Cancel this booking? Talk with Ana Ruiz When")
    assert Paper.open(client, page.links["Keep it"]).text.startswith("Booked")
    assert now_is(booking).status == "confirmed"  # to look is not to cancel
    page = page.send(reason="I am ill.")
    assert page.text.startswith("Cancelled Talk with Ana Ruiz You have cancelled this booking.")
    assert (now_is(booking).status, booking.changed_by, booking.cancellation_reason) == (
        "cancelled",
        "invitee",
        "I am ill.",
    )


def test_a_request_is_withdrawn(client):
    booking, address = requested()
    page = Paper.open(client, address).follow("Withdraw the request").send()
    assert page.text.startswith("Withdrawn")
    assert now_is(booking).status == "cancelled"


def test_to_cancel_twice_is_no_error(client):
    booking, address = berlin_booking()
    page = Paper.open(client, f"{address}cancel/")
    page.send(reason="First.")
    assert page.send(reason="Second.").text.startswith("Cancelled")
    assert now_is(booking).cancellation_reason == "First."


def test_too_long_a_reason_is_shown_again(client):
    booking, address = berlin_booking()
    page = Paper.open(client, f"{address}cancel/").send(reason="a" * 10_000)
    assert page.status == 400
    assert page.text.startswith("Please check what you wrote")
    assert page.typed() == {"reason": "a" * 10_000}
    assert now_is(booking).status == "confirmed"


def test_a_reason_is_as_long_as_the_api_takes_one(client):
    booking, address = berlin_booking()
    form = Paper.open(client, f"{address}cancel/")
    assert form.send(reason="a" * (LONGEST_REASON + 1)).status == 400
    assert form.send(reason="a" * LONGEST_REASON).text.startswith("Cancelled")
    assert now_is(booking).cancellation_reason == "a" * LONGEST_REASON


# --- moving ---------------------------------------------------------------------------------------


def test_a_booking_is_moved_to_another_time(client):
    booking, address = berlin_booking()
    page = Paper.open(client, address).follow("Move to another time")
    old = f"{when(at(tomorrow(), 9))}"
    assert f"Now: {old}" in page.text
    page = page.follow(day_name(tomorrow()))
    assert page.times[:2] == ["09:30", "10:00"]  # not the one it has
    page = page.follow("09:30")
    assert page.texts("//dl/div") == [
        f"From {old}",
        f"To {when(at(tomorrow(), 9, 30))}",
    ]
    assert now_is(booking).start_time == at(tomorrow(), 9)  # to look is not to move
    page = page.send()
    assert page.text.startswith("Moved Talk with Ana Ruiz")
    assert (now_is(booking).start_time, booking.changed_by) == (at(tomorrow(), 9, 30), "invitee")


def test_who_goes_back_after_a_move_sees_that_it_was_made(client):
    _, address = berlin_booking()
    question = Paper.open(client, f"{address}reschedule/?day={tomorrow()}").follow("09:30")
    question.send()
    assert Paper.open(client, question.address).text.startswith("Moved Talk with Ana Ruiz")
    assert question.send().text.startswith("Moved Talk with Ana Ruiz")


def test_a_booking_keeps_its_length_and_its_own_time_is_not_in_the_way(client):
    """Also where its meeting type is not offered any more, and would be shorter."""
    ana = bookable_consultant(email="ana@example.com")
    visit = MeetingTypeFactory(user=ana, slug="visit", is_active=False)
    start = at(tomorrow(), 9)
    booking, address = berlin_booking(
        user=ana, meeting_type=visit, end_time=start + timedelta(hours=4)
    )
    BookingFactory(user=ana, start_time=at(tomorrow(), 15))
    page = Paper.open(client, f"{address}reschedule/?day={tomorrow()}")
    assert "4 hours" in page.text
    assert page.texts("//section[@class='times']/h2") == [
        f"Nothing is free on {day_name(tomorrow())}"
    ]
    later = Paper.open(client, f"{address}reschedule/?day={tomorrow() + timedelta(days=1)}")
    page = later.follow("13:00").send()
    assert (now_is(booking).start_time, booking.duration) == (
        at(tomorrow() + timedelta(days=1), 13),
        timedelta(hours=4),
    )


def test_the_new_time_can_be_read_in_another_zone(client):
    _, address = berlin_booking()
    page = Paper.open(client, f"{address}reschedule/").follow("Change time zone")
    page = page.choose_zone("Asia/Kathmandu")
    assert "Times are in Asia/Kathmandu" in page.text
    assert page.links["Keep this time"] == address


def test_a_request_is_moved_and_goes_on_waiting(client):
    booking, address = requested()
    page = Paper.open(client, f"{address}reschedule/?day={tomorrow()}").follow("11:00")
    assert "Ana Ruiz confirms each booking" in page.text
    assert page.send().text.startswith("Waiting for approval")
    assert (now_is(booking).start_time, booking.is_request) == (at(tomorrow(), 11), True)


def test_a_new_time_that_was_taken_is_told_and_others_are_offered(client):
    booking, address = berlin_booking()
    page = Paper.open(client, f"{address}reschedule/?day={tomorrow()}").follow("11:00")
    BookingFactory(user=booking.user, start_time=at(tomorrow(), 11))
    taken = page.send()
    assert taken.status == 409
    assert "That time is no longer free" in taken.text
    assert "Your booking stands at its old time. Please choose another time." in taken.text
    assert "11:00" not in taken.times
    assert Paper.open(client, page.address).status == 409  # the same for who opens it only now
    assert now_is(booking).start_time == at(tomorrow(), 9)


def test_a_calendar_that_cannot_be_read_leaves_the_booking_where_it_is(client):
    booking, address = berlin_booking()
    ConnectionFactory(
        user=booking.user,
        caldav_url="http://127.0.0.1:9/",
        calendar_id="http://127.0.0.1:9/calendar/",
        last_synced_at=datetime(2020, 1, 1, tzinfo=UTC),
    )
    page = Paper.open(client, f"{address}reschedule/?day={tomorrow()}").follow("11:00").send()
    assert (page.status, page.response.headers["Retry-After"]) == (503, "30")
    assert "Not moved yet Ana Ruiz’s calendar cannot be reached at the moment" in page.text
    assert page.texts("//button") == ["Try again"]
    assert now_is(booking).start_time == at(tomorrow(), 9)


def test_a_cancelled_booking_is_not_moved(client):
    booking, address = berlin_booking()
    page = Paper.open(client, f"{address}reschedule/?day={tomorrow()}").follow("11:00")
    changes.cancel(booking, by=ChangedBy.CONSULTANT, now=timezone.now())
    page = page.send()
    assert page.status == 409
    assert page.text.startswith(
        "Nothing was changed This booking was cancelled. Please book a new time. Cancelled"
    )
    assert Paper.open(client, f"{address}reschedule/").text.startswith("Cancelled")


@pytest.mark.parametrize("why", ["made shorter than any slot in the calendar", "consultant left"])
def test_a_booking_for_which_nothing_is_offered_can_only_be_cancelled(client, why):
    if why == "consultant left":
        ana = bookable_consultant(email="ana@example.com", is_active=False)
        _, address = berlin_booking(user=ana)
    else:
        _, address = berlin_booking(end_time=at(tomorrow(), 9, 3))
    page = Paper.open(client, f"{address}reschedule/")
    assert "Move to another time" not in page.links
    assert "Cancel the booking" in page.links
    sent = {"start": f"{at(tomorrow(), 11)}"}
    answer = client.post(f"{address}reschedule/", sent, headers={"Origin": ORIGIN})
    assert answer.status_code == 409
    assert "This booking cannot be moved here. Please get in touch." in answer.content.decode()


def test_a_form_without_a_time_leads_back_to_the_calendar(client):
    _, address = berlin_booking()
    sent = {"start": "soon"}
    answer = client.post(f"{address}reschedule/", sent, headers={"Origin": ORIGIN}, follow=True)
    assert answer.redirect_chain == [(f"{address}reschedule/", 302)]


def test_nothing_free_is_said_while_the_old_time_stays(client):
    booking, address = berlin_booking()
    take_everything(booking.user, tomorrow() - timedelta(days=2), tomorrow() + timedelta(days=61))
    page = Paper.open(client, f"{address}reschedule/")
    assert "Everything is taken" in page.text
    assert page.links["Keep this time"] == address


# --- guarded --------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["cancel/", "reschedule/"])
def test_changes_are_believed_from_our_own_pages_alone(client, path):
    booking, address = berlin_booking()
    sent = {"start": f"{at(tomorrow(), 11)}"}
    for headers in ({}, {"Origin": "https://evil.example"}):
        answer = client.post(f"{address}{path}", sent, headers=headers)
        assert answer.status_code == 403
        assert "Nothing has been booked or changed" in answer.content.decode()
    assert (now_is(booking).status, booking.start_time) == ("confirmed", at(tomorrow(), 9))


def test_changes_are_counted_like_bookings(client):
    booking, address = berlin_booking()
    pages = [
        Paper.open(client, f"{address}cancel/"),
        Paper.open(client, f"{address}reschedule/?day={tomorrow()}").follow("11:00"),
    ]
    with limits(bookings_per_address="0/hour"):
        for page in pages:
            refused = page.send()
            assert refused.status == 429
            assert "Nothing was changed yet" in refused.text
            assert "Please try again in 60 minutes." in refused.text
            assert refused.response.headers["Retry-After"] == "3600"
    with limits(bookings_per_email="0/hour"):
        assert pages[1].send().status == 429  # a move sends a mail
        assert pages[0].send().text.startswith("Cancelled")  # a cancellation is never kept from it
    assert now_is(booking).status == "cancelled"


def test_an_embedded_booking_is_changed_in_place(client):
    _, address = berlin_booking()
    steps = [page := Paper.open(client, f"{address}?embed=1")]
    steps += [
        page := page.follow("Move to another time"),
        page := page.follow(day_name(tomorrow())),
    ]
    steps += [page := page.follow("09:30"), page := page.send()]
    steps += [page := page.follow("Cancel the booking"), page.follow("Keep it")]
    steps += [page.send()]
    assert [step.tree.find("body").get("class") for step in steps] == ["embedded"] * 8


def test_every_page_of_a_booking_is_guarded_and_never_cached(client):
    _, address = berlin_booking()
    for path in ("", "cancel/", "reschedule/", "reschedule/?choose=zone"):
        answer = client.get(f"{address}{path}")
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Robots-Tag"] == "noindex"
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
        tree = Paper(client, answer).tree
        assert tree.xpath("//script[not(@src)] | //style | //@style | //@onclick") == []
    for path in ("cancel/", "reschedule/"):
        assert client.get(f"/booking/unknown/{path}").status_code == 404
