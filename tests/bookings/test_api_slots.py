"""What the API offers, and to whom."""

from datetime import UTC, datetime

import pytest

from bookings.models import Booking
from tests.bookings.conftest import make_bookable
from tests.bookings.website import (
    HOLDS,
    SLOTS,
    as_text,
    fields_at_fault,
    next_week,
    post,
    wish,
)
from tests.factories import MeetingTypeFactory

pytestmark = pytest.mark.django_db


def test_slots_come_with_their_freshness(client, consultant):
    day = next_week().date()
    response = client.get(SLOTS, {"start": day, "days": 1, "timezone": "UTC"})
    answer = response.json()
    assert (response.status_code, sorted(answer)) == (
        200,
        ["covered_until", "data_as_of", "slots", "state", "timezone"],
    )
    assert (answer["timezone"], answer["state"], len(answer["slots"])) == ("UTC", "fresh", 48)
    assert answer["slots"][1] == {"start": f"{day}T00:30:00Z", "end": f"{day}T01:00:00Z"}


def test_what_is_offered_can_be_booked_and_is_offered_no_more(client, consultant):
    question = {"start": next_week().date(), "days": 2, "timezone": "Asia/Kathmandu"}
    slots = client.get(SLOTS, question).json()["slots"]
    assert post(client, wish(start=slots[5]["start"])).status_code == 201
    assert client.get(SLOTS, question).json()["slots"] == slots[:5] + slots[6:]


def test_slots_of_a_meeting_type_have_its_length(client, consultant):
    MeetingTypeFactory(user=consultant, slug="talk", duration=120)
    question = {"start": next_week().date(), "meeting_type": "talk", "consultant": consultant.slug}
    assert len(client.get(SLOTS, question).json()["slots"]) == 12
    assert len(client.get(SLOTS, question | {"duration": 240}).json()["slots"]) == 6


def test_a_month_of_short_steps_is_complete(client):
    """Nothing is cut silently, though it is more than a thousand."""
    make_bookable(settings__slot_interval=15)
    question = {"start": next_week().date(), "days": 31, "timezone": "UTC"}
    assert len(client.get(SLOTS, question).json()["slots"]) == 31 * 95


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("start", None),
        ("start", "soon"),
        ("days", 0),
        ("days", 93),
        ("duration", 1),
        ("timezone", "Mars/Olympus"),
    ],
)
def test_a_question_that_cannot_be_answered_says_why(client, consultant, field, value):
    question = {"start": str(next_week().date())} | {field: value}
    response = client.get(
        SLOTS, {key: given for key, given in question.items() if given is not None}
    )
    assert list(fields_at_fault(response)) == [field]


@pytest.mark.parametrize("start", ["0001-01-01", "9999-12-31"])
def test_dates_beyond_every_calendar_are_refused(client, consultant, start):
    problem = "date must be from 1970-01-01 to 9000-01-01"
    response = client.get(SLOTS, {"start": start, "timezone": "Asia/Kathmandu"})
    assert fields_at_fault(response) == {"non_field_errors": [problem]}


def test_slots_of_nobody_are_not_found(client):
    response = client.get(SLOTS, {"start": "2027-03-01", "consultant": "nobody"})
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


# --- holds ----------------------------------------------------------------------------------------


def day_of(client, **question) -> list[str]:
    asked = {"start": str(next_week().date()), "timezone": "UTC"} | question
    return [slot["start"] for slot in client.get(SLOTS, asked).json()["slots"]]


def test_a_held_slot_is_shown_to_its_holder_alone(client, consultant):
    free, held = day_of(client), as_text(next_week())
    key = post(client, {"start": held}, HOLDS).json()["hold"]
    assert day_of(client) == [start for start in free if start != held]
    assert day_of(client, hold=key) == free
    for other in ("guess", ""):
        assert held not in day_of(client, hold=other)


def test_a_hold_with_one_consultant_opens_nothing_at_another(client):
    here, there = make_bookable(), make_bookable()
    held = as_text(next_week())
    keys = [
        post(client, {"start": held, "consultant": each.slug}, HOLDS).json()["hold"]
        for each in (here, there)
    ]
    assert held not in day_of(client, consultant=here.slug, hold=keys[1])
    assert held in day_of(client, consultant=here.slug, hold=keys[0])


def test_whose_hold_has_expired_is_offered_what_everybody_is(client, consultant):
    held = as_text(next_week())
    key = post(client, {"start": held}, HOLDS).json()["hold"]
    Booking.objects.update(hold_expires_at=datetime(2020, 1, 1, tzinfo=UTC))
    assert post(client, wish()).status_code == 201
    assert held not in day_of(client, hold=key)
