"""The HTTP API, as a website's own booking form uses it."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.test import Client, override_settings

from bookings.models import Booking
from connections.models import Consultant
from tests.bookings.conftest import make_bookable
from tests.bookings.limits import limits
from tests.bookings.website import (
    BOOKINGS,
    SLOTS,
    address_of,
    fields_at_fault,
    next_week,
    post,
    wish,
)
from tests.factories import BookingFactory, ConsultantFactory, MeetingTypeFactory

pytestmark = pytest.mark.django_db


# --- booking --------------------------------------------------------------------------------------


def test_a_booking_is_made_and_answered_with_its_links(client, consultant):
    response = post(client, wish())
    booking = Booking.objects.get()
    page = response.json()["manage_url"]
    assert (response.status_code, response.json()) == (
        201,
        {
            "id": str(booking.pk),
            "status": "confirmed",
            "start": f"{next_week():%Y-%m-%dT%H:%M:%SZ}",
            "end": f"{next_week() + timedelta(minutes=30):%Y-%m-%dT%H:%M:%SZ}",
            "title": "Meeting",
            "meeting_type": None,
            "location": "",
            "conference_url": "",
            "changeable_until": f"{next_week():%Y-%m-%dT%H:%M:%SZ}",
            "moved_from": None,
            "reschedule_count": 0,
            "cancelled_at": None,
            "cancellation_reason": "",
            "sequence": 0,
            "manage_url": page,
            "ics_url": f"{page}invite.ics",
            "calendar_event": "due",
        },
    )
    assert (booking.user, booking.invitee_name) == (consultant, "Ivy Invitee")


def test_the_token_shows_the_booking_again(client, consultant):
    made = post(client, wish()).json()
    assert client.get(address_of(made)).json() == made


def test_no_answer_is_kept_on_its_way(client, consultant):
    """It may be one invitee's own; and what is free now is not in a minute."""
    made = post(client, wish())
    shown = client.get(address_of(made.json()))
    slots = client.get(SLOTS, {"start": "2027-03-01"})
    assert [each.headers["Cache-Control"] for each in (made, shown, slots)] == ["no-store"] * 3


def test_an_unknown_token_is_not_found(client):
    BookingFactory()
    response = client.get(f"{BOOKINGS}guess/")
    assert (response.status_code, response.json()) == (
        404,
        {"code": "not_found", "detail": "There is no such booking."},
    )


def test_everything_that_can_be_asked_for_is_heard(client):
    consultant = make_bookable()
    ConsultantFactory()
    MeetingTypeFactory(
        user=consultant,
        slug="talk",
        title="First talk",
        questions=[
            {"name": "topic", "label": "What about?", "required": True},
            {"name": "how", "label": "How?", "type": "select", "options": ["Phone", "Video"]},
        ],
    )
    asked = wish(
        consultant=consultant.slug,
        meeting_type="talk",
        duration=60,
        notes="See you",
        answers={"topic": "Tax", "how": ""},
    )
    assert post(client, asked).status_code == 201
    booking = Booking.objects.get()
    assert (booking.title, booking.end_time - booking.start_time) == (
        "First talk",
        timedelta(hours=1),
    )
    assert (booking.invitee_notes, booking.answers) == ("See you", {"topic": "Tax"})


def test_a_taken_slot_is_a_conflict(client, consultant):
    post(client, wish())
    response = post(client, wish(email="eve@example.com"))
    assert (response.status_code, response.json()) == (
        409,
        {
            "code": "slot_taken",
            "detail": "This time is not free any more. Please choose another one.",
        },
    )


def test_the_same_key_gives_the_same_answer_and_another_request_is_refused(client, consultant):
    first = post(client, wish(), idempotency_key="click")
    again = post(client, wish(), idempotency_key="click")
    assert (again.status_code, again.json()) == (201, first.json())
    other = post(client, wish(name="Eve"), idempotency_key="click")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert Booking.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_calendars_that_cannot_be_verified_are_said_so_with_a_time_to_retry(client, calendar):
    from connections.providers.base import ProviderUnavailable
    from tests.factories import ConnectionFactory

    ConnectionFactory(user=make_bookable(), last_synced_at=datetime(2020, 1, 1, tzinfo=UTC))
    calendar.faults = [ProviderUnavailable("down")]
    response = post(client, wish())
    assert (response.status_code, response.json()["code"]) == (503, "calendar_unverified")
    assert response.headers["Retry-After"] == "30"


# --- whose time -----------------------------------------------------------------------------------


def booked_consultant(client: Client, **changes) -> Consultant:
    assert post(client, wish(**changes)).status_code == 201
    return Booking.objects.get().user


def test_a_consultant_is_known_by_slug_and_by_id(client):
    one, other = make_bookable(), make_bookable()
    assert booked_consultant(client, consultant=one.slug) == one
    Booking.objects.all().delete()
    assert booked_consultant(client, consultant=str(other.pk)) == other


def test_without_a_name_the_primary_consultant_is_meant(client):
    make_bookable()
    primary = make_bookable(is_primary=True)
    assert booked_consultant(client) == primary


@pytest.mark.parametrize("named", [None, "nobody", "b57ad5b1-5a1e-4f0e-8d4e-2f6b3a1c9d70"])
def test_nobody_is_booked_by_guessing(client, named):
    make_bookable()
    make_bookable()
    response = post(client, wish(consultant=named))
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


def test_a_consultant_who_left_is_not_found(client):
    gone = make_bookable(is_active=False)
    assert post(client, wish(consultant=gone.slug)).status_code == 404


@pytest.mark.parametrize("is_active", [True, False])
def test_a_meeting_type_must_be_the_consultants_own_and_active(client, consultant, is_active):
    MeetingTypeFactory(user=consultant if not is_active else ConsultantFactory(), slug="talk")
    MeetingTypeFactory._meta.model.objects.update(is_active=is_active)
    response = post(client, wish(consultant=consultant.slug, meeting_type="talk"))
    assert (response.status_code, response.json()["detail"]) == (
        404,
        "There is no such meeting type.",
    )


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("start", None),
        ("start", "tomorrow"),
        ("start", "2027-03-01T10:00:00"),  # no offset: nobody knows when that is
        ("start", "0001-01-01T00:00:00+14:00"),
        ("start", "9999-12-31T23:59:59-12:00"),
        ("name", None),
        ("name", ""),
        ("name", " "),
        ("name", "x" * 201),
        ("name", "nul\x00"),
        ("name", "\ud800"),
        ("name", ["Ivy"]),
        ("email", None),
        ("email", "ivy"),
        ("email", "ivy@example.com\nBcc: all@example.com"),
        ("email", "x" * 250 + "@example.com"),
        ("timezone", None),
        ("timezone", "Mars/Olympus"),
        ("timezone", "CET; DROP TABLE"),
        ("notes", "x" * 2001),
        ("duration", 4),
        ("duration", 1441),
        ("duration", "long"),
        ("consultant", "x" * 101),
        ("meeting_type", "x" * 101),
        ("website", "https://spam.example"),
        ("answers", ["Tax"]),
        ("answers", {"topic": "Tax"}),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_cannot_be_used_is_said_field_by_field(client, consultant, field, value):
    assert list(fields_at_fault(post(client, wish(**{field: value})))) == [field]
    assert Booking.objects.count() == 0


@pytest.mark.parametrize(
    ("answers", "problem"),
    [
        ({}, {"topic": "This question needs an answer."}),
        ({"topic": " "}, {"topic": "This question needs an answer."}),
        ({"topic": "Tax", "how": "Fax"}, {"how": "This is not one of the answers to choose from."}),
        ({"topic": "Tax", "age": "50"}, {"age": "This is not asked."}),
    ],
    ids=str,
)
def test_answers_are_held_against_the_questions(client, consultant, answers, problem):
    MeetingTypeFactory(
        user=consultant,
        slug="talk",
        questions=[
            {"name": "topic", "label": "What about?", "required": True},
            {"name": "how", "label": "How?", "type": "select", "options": ["Phone", "Video"]},
        ],
    )
    response = post(client, wish(meeting_type="talk", answers=answers))
    assert fields_at_fault(response) == {"answers": problem}


def test_a_field_for_bots_that_was_left_empty_is_no_matter(client, consultant):
    assert post(client, wish(website="")).status_code == 201


def test_an_answer_has_a_longest(client, consultant):
    MeetingTypeFactory(user=consultant, slug="talk", questions=[{"name": "topic", "label": "?"}])
    response = post(client, wish(meeting_type="talk", answers={"topic": "x" * 2001}))
    assert list(fields_at_fault(response)["answers"]) == ["topic"]


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there"], ids=["empty", "long", "tab"])
def test_an_idempotency_key_has_bounds(client, consultant, key):
    response = post(client, wish(), idempotency_key=key)
    assert list(fields_at_fault(response)) == ["Idempotency-Key"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ("{", 400, "parse_error"),
        ("[" * 30_000, 400, "parse_error"),
        ('{"name": NaN}', 400, "parse_error"),
        ('{"duration": ' + "1" * 5000 + "}", 400, "parse_error"),
        ('{"name": "Ivy", "name": "Eve"}', 400, "parse_error"),
        (b'{"name": "\xff"}', 400, "parse_error"),
        ('{"duration": 1e400}', 400, "invalid"),
        ("[1]", 400, "invalid"),
        ("null", 400, "invalid"),
        ('"text"', 400, "invalid"),
        ('{"name": "' + "x" * 70_000 + '"}', 413, "too_large"),
    ],
    ids=lambda value: str(value)[:12],
)
def test_a_body_that_is_no_booking_is_refused_whatever_it_is(client, body, status, code):
    response = post(client, body)
    assert (response.status_code, response.json()["code"]) == (status, code)


def test_a_body_without_a_length_is_not_read(client):
    """A proxy may pass on chunks of what has no end."""
    response = client.generic("POST", BOOKINGS, b"{}", "application/json", CONTENT_LENGTH="")
    assert (response.status_code, response.json()["code"]) == (400, "invalid")


def test_other_kinds_of_body_are_not_taken(client):
    response = client.post(BOOKINGS, {"name": "Ivy"})
    assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")


def test_other_methods_are_refused_in_the_same_words(client):
    response = client.delete(BOOKINGS)
    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")


@pytest.mark.parametrize("method", ["get", "post", "put", "delete", "options"])
@pytest.mark.parametrize(
    "path", ["/api/", "/api/v1/", "/api/v2/slots/", "/api/v1/slots", "/api/\x00"]
)
def test_nothing_is_at_any_other_address(client, method, path):
    response = getattr(client, method)(path)
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


def test_a_bug_is_answered_in_the_same_words_and_to_people_by_a_page(client, consultant):
    with connection.cursor() as cursor:
        cursor.execute("DROP FUNCTION calsync.offered_days CASCADE")
    with transaction.atomic():
        response = client.get("/api/v1/slots/", {"start": next_week().date()})
        transaction.set_rollback(True)
    assert (response.status_code, response.json()["code"]) == (500, "error")
    page = client.get(f"/book/{consultant.slug}/")
    assert (page.status_code, page.headers["Content-Type"]) == (500, "text/html; charset=utf-8")


def test_what_can_be_done_may_be_asked(client, consultant):
    question = {"start": next_week().date()}
    assert client.head("/api/v1/slots/", question).status_code == 200
    assert client.options(BOOKINGS).headers["Allow"] == "POST, OPTIONS"


@pytest.mark.parametrize("name", ["\ud800", "\x00", "x" * 5000], ids=["surrogate", "nul", "long"])
def test_an_answer_to_a_question_with_an_odd_name_is_refused(client, consultant, name):
    body = json.dumps(wish(answers={name: "Tax"}))
    assert list(fields_at_fault(post(client, body))) == ["answers"]


# --- how often ------------------------------------------------------------------------------------


def tries(client: Client, number: int, *, email: str = "ivy{}@example.com", **headers) -> list[int]:
    wishes = [wish(email=email.format(n), name="") for n in range(number)]
    return [post(client, each, **headers).status_code for each in wishes]


def test_one_address_may_try_only_so_often(client):
    with limits(bookings_per_address="2/hour"):
        assert tries(client, 3) == [400, 400, 429]
        refused = post(client, wish())
        assert refused.json()["code"] == "throttled"
        assert 3500 < int(refused.headers["Retry-After"]) <= 3600


def test_one_mailbox_is_written_to_only_so_often_from_wherever(client):
    with limits(bookings_per_email="2/hour"):
        spellings = ["ivy@example.com", "IVY@example.com", " Ivy@Example.Com "]
        answers = [
            tries(Client(REMOTE_ADDR=f"192.0.2.{number}"), 1, email=spelling)
            for number, spelling in enumerate(spellings)
        ]
        assert answers == [[400], [400], [429]]
        assert tries(client, 1, email="eve@example.com") == [400]


@pytest.mark.parametrize(
    ("proxies", "claimed", "is_believed"),
    [
        (0, "192.0.2.{}", False),
        (1, "192.0.2.{}", True),
        (1, "192.0.2.{}, 10.0.0.1", False),  # made up by the invitee, before the one real proxy
        (2, "192.0.2.{}, 10.0.0.1", True),
    ],
)
def test_x_forwarded_for_is_believed_as_far_as_there_are_proxies(
    client, settings, proxies, claimed, is_believed
):
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {"NUM_PROXIES": proxies}
    with limits(bookings_per_address="1/hour"):
        answers = [
            post(client, wish(email=f"{n}@example.com", name=""), x_forwarded_for=claimed.format(n))
            for n in range(2)
        ]
    assert [each.status_code for each in answers] == [400, 400 if is_believed else 429]


# --- other websites -------------------------------------------------------------------------------


@override_settings(CORS_ALLOWED_ORIGINS=["https://ada.example"])
@pytest.mark.parametrize(
    ("origin", "allowed"),
    [("https://ada.example", "https://ada.example"), ("https://eve.example", None)],
)
def test_only_the_consultants_websites_may_call(client, consultant, origin, allowed):
    preflight = client.options(
        BOOKINGS,
        headers={
            "origin": origin,
            "access-control-request-method": "POST",
            "access-control-request-headers": "content-type,idempotency-key",
        },
    )
    answer = post(client, wish(), origin=origin)
    for response in (preflight, answer):
        assert response.headers.get("Access-Control-Allow-Origin") == allowed
    if allowed:
        assert {"DELETE", "POST"} <= set(
            preflight.headers["Access-Control-Allow-Methods"].split(", ")
        )
        assert preflight.headers["Access-Control-Allow-Headers"] == "content-type, idempotency-key"
        assert "Access-Control-Allow-Credentials" not in answer.headers


@override_settings(CORS_ALLOWED_ORIGINS=["https://ada.example"])
def test_the_desk_is_nobody_elses(client):
    response = client.get("/admin/login/", headers={"origin": "https://ada.example"})
    assert "Access-Control-Allow-Origin" not in response.headers
