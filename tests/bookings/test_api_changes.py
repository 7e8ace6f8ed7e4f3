"""An invitee cancels and moves a booking through the website's own pages."""

from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client

from bookings import changes
from bookings.booking_mails import BookingMail
from bookings.models import Booking
from bookings.outbox import send_mail
from bookings.states import ChangedBy
from tests.bookings.conftest import make_bookable
from tests.bookings.limits import limits
from tests.bookings.website import (
    address_of,
    as_text,
    fields_at_fault,
    next_week,
    post,
    refusal,
    wish,
)
from tests.factories import MeetingTypeFactory

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
LATER = next_week() + timedelta(hours=3)


@pytest.fixture
def booked(client, consultant) -> dict:
    return post(client, wish()).json()


def cancel(client: Client, booked: dict, body: object = None, **headers):
    return post(client, body or {}, address_of(booked) + "cancel/", **headers)


def move(client: Client, booked: dict, start=LATER, **headers):
    body = {"start": start.isoformat()}
    return post(client, body, address_of(booked) + "reschedule/", **headers)


def owed(kind: str) -> list[str]:
    return sorted(BookingMail.objects.filter(kind=kind).values_list("recipient", flat=True))


# --- cancelling -----------------------------------------------------------------------------------


def test_a_cancelled_booking_is_answered_as_it_is_now(client, booked):
    response = cancel(client, booked, {"reason": "I am ill."})
    row = Booking.objects.get()
    cancelled_at = row.cancelled_at.isoformat().replace("+00:00", "Z")
    assert (response.status_code, response.json()) == (
        200,
        booked
        | {
            "status": "cancelled",
            "cancelled_at": cancelled_at,
            "cancellation_reason": "I am ill.",
            "sequence": 1,
            "calendar_event": "removed",
        },
    )
    assert row.changed_by == ChangedBy.INVITEE
    assert client.get(address_of(booked)).json() == response.json()


def test_a_reason_may_be_left_out_and_so_may_the_body(client, booked):
    response = client.generic("POST", address_of(booked) + "cancel/")
    assert (response.status_code, response.json()["cancellation_reason"]) == (200, "")


def test_to_cancel_twice_is_no_error_and_tells_nobody_twice(client, booked):
    first = cancel(client, booked, {"reason": "I am ill."})
    again = cancel(client, booked, {"reason": "Still ill."})
    assert (again.status_code, again.json()) == (200, first.json())
    assert owed("cancellation") == ["consultant", "invitee"]


def test_what_is_cancelled_is_free_again(client, booked):
    cancel(client, booked)
    assert post(client, wish(email="eve@example.com")).status_code == 201


# --- moving ---------------------------------------------------------------------------------------


def test_a_moved_booking_keeps_its_links_and_its_length(client, booked):
    response = move(client, booked)
    assert (response.status_code, response.json()) == (
        200,
        booked
        | {
            "start": as_text(LATER),
            "end": as_text(LATER + HOUR / 2),
            "changeable_until": as_text(LATER),
            "moved_from": as_text(next_week()),
            "reschedule_count": 1,
            "sequence": 1,
        },
    )
    assert client.get(address_of(booked)).json() == response.json()


def test_to_move_twice_to_the_same_time_is_no_error_and_tells_nobody_twice(client, booked):
    first, again = move(client, booked), move(client, booked)
    assert (again.status_code, again.json()) == (200, first.json())
    assert owed("change") == ["consultant", "invitee"]


def test_its_own_old_time_is_not_in_the_way(client):
    make_bookable(settings__slot_interval=15)
    booked = post(client, wish()).json()
    assert move(client, booked, next_week() + HOUR / 4).status_code == 200


def test_a_taken_time_is_a_conflict_and_nothing_moves(client, booked):
    post(client, wish(start=LATER.isoformat(), email="eve@example.com"))
    assert refusal(move(client, booked)) == (409, "slot_taken")
    assert client.get(address_of(booked)).json() == booked


@pytest.mark.parametrize("start", [None, "tomorrow", "2027-03-01T10:00:00", 7])
def test_a_move_names_an_instant(client, booked, start):
    body = {} if start is None else {"start": start}
    response = post(client, body, address_of(booked) + "reschedule/")
    assert list(fields_at_fault(response)) == ["start"]


def test_a_cancelled_booking_is_not_moved(client, booked):
    cancel(client, booked)
    assert refusal(move(client, booked)) == (409, "not_changeable")


# --- when, and by whom ----------------------------------------------------------------------------


@pytest.mark.parametrize("ask", [cancel, move], ids=lambda ask: ask.__name__)
def test_the_notice_for_changes_is_kept(client, ask):
    week = 7 * 24 * 60
    consultant = make_bookable(settings__change_notice=week + 24 * 60)
    booked = post(client, wish(consultant=consultant.slug)).json()
    assert refusal(ask(client, booked)) == (409, "too_late")
    assert Booking.objects.get().status == "confirmed"


@pytest.mark.parametrize("ask", [cancel, move], ids=lambda ask: ask.__name__)
def test_an_unknown_token_changes_nothing(client, booked, ask):
    other = {"manage_url": booked["manage_url"].replace("/booking/", "/booking/x")}
    assert refusal(ask(client, other)) == (404, "not_found")
    assert client.get(address_of(booked)).json() == booked


@pytest.mark.parametrize("ask", [cancel, move], ids=lambda ask: ask.__name__)
def test_one_address_may_try_only_so_often(client, booked, ask):
    with limits(bookings_per_address="1/hour"):
        Booking.objects.all().delete()
        other = Client(REMOTE_ADDR="192.0.2.9")
        assert [ask(other, booked).status_code for _ in range(2)] == [404, 429]


def test_one_mailbox_is_told_of_so_many_moves_only(client, booked):
    with limits(bookings_per_email="1/hour"):
        assert move(client, booked).status_code == 200
        response = move(client, booked, next_week())
        assert refusal(response) == (429, "throttled")
        assert 3500 < int(response.headers["Retry-After"]) <= 3600
        assert cancel(client, booked).status_code == 200  # the last mail there is


def test_a_request_for_approval_is_shown_and_withdrawn(client, consultant):
    MeetingTypeFactory(user=consultant, slug="talk", requires_approval=True)
    asked = post(client, wish(meeting_type="talk")).json()
    assert (asked["status"], asked["meeting_type"]) == ("pending", "talk")
    assert cancel(client, asked).json()["status"] == "cancelled"
    assert owed("withdrawal") == ["consultant"]


def test_an_approved_request_is_confirmed_with_its_video_call(client, consultant):
    MeetingTypeFactory(
        user=consultant, slug="talk", requires_approval=True, has_conference=True, location="Video"
    )
    asked = post(client, wish(meeting_type="talk")).json()
    changes.confirm(Booking.objects.get())
    Booking.objects.update(conference_url="https://meet.example.com/x")
    shown = client.get(address_of(asked)).json()
    assert {name: shown[name] for name in ("status", "location", "conference_url")} == {
        "status": "confirmed",
        "location": "Video",
        "conference_url": "https://meet.example.com/x",
    }


def test_the_invitees_words_and_address_are_not_shown_by_the_link(client, consultant):
    made = post(client, wish(notes="My secret")).json()
    shown = client.get(address_of(made)).content.decode()
    for private in ("Ivy", "ivy@example.com", "My secret"):
        assert private not in shown


# --- sent again -----------------------------------------------------------------------------------


def test_the_same_key_gives_the_booking_as_it_is_now(client, consultant):
    key = {"idempotency_key": "click"}
    booked = post(client, wish(), **key).json()
    moved = move(client, booked).json()
    assert post(client, wish(), **key).json() == moved
    cancelled = cancel(client, booked).json()
    again = post(client, wish(), **key)
    assert (again.status_code, again.json()) == (201, cancelled)
    assert Booking.objects.count() == 1


def test_a_key_belongs_to_one_consultant(client):
    key = {"idempotency_key": "click"}
    here, there = make_bookable(), make_bookable()
    made = {post(client, wish(consultant=each.slug), **key).json()["id"] for each in (here, there)}
    assert len(made) == 2


def test_so_many_open_bookings_and_no_more(client):
    make_bookable(settings__invitee_limit=1)
    booked = post(client, wish()).json()
    another = wish(start=LATER.isoformat(), email="IVY@example.com")
    assert refusal(post(client, another)) == (409, "too_many_bookings")
    cancel(client, booked)
    assert post(client, another).status_code == 201


# --- what is written into mails -------------------------------------------------------------------


def test_no_word_of_an_invitee_becomes_a_header(client, consultant):
    trick = "\r\nBcc: all@example.com\r\n\r\nHello"
    booked = post(client, wish(name=f"Ivy{trick}", notes=trick)).json()
    cancel(client, booked, {"reason": trick})
    for row in BookingMail.objects.filter(kind="cancellation"):
        send_mail(row.pk, now=row.due_at)
    assert len(mail.outbox) == 2
    for each in mail.outbox:
        message = each.message()
        assert (message["Bcc"], each.recipients()) == (None, each.to)
        assert not any("\n" in value.replace("\n ", "") for value in message.values())
