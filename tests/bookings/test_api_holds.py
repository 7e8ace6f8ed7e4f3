"""A website keeps a slot for its visitor while the form is filled in."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count
from threading import Barrier

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client

from bookings.holds import MOST_HOLDS
from bookings.models import Booking
from tests.bookings.conftest import make_bookable
from tests.bookings.limits import limits
from tests.bookings.website import (
    HOLDS,
    as_text,
    fields_at_fault,
    next_week,
    post,
    refusal,
    wish,
)
from tests.factories import MeetingTypeFactory

pytestmark = pytest.mark.django_db
HALF_AN_HOUR = timedelta(minutes=30)


def hold(
    client: Client, /, *, start: datetime | None = None, headers: dict | None = None, **changes
):
    asked = {"start": (start or next_week()).isoformat()} | changes
    return post(client, asked, HOLDS, **headers or {})


def expire() -> None:
    Booking.objects.update(hold_expires_at=datetime(2020, 1, 1, tzinfo=UTC))


def test_a_hold_says_what_it_keeps_and_until_when(client, consultant):
    response = hold(client)
    kept = Booking.objects.get()
    answer = response.json()
    assert (response.status_code, answer.pop("hold") != "") == (201, True)
    assert answer.pop("expires_at") == kept.hold_expires_at.isoformat().replace("+00:00", "Z")
    assert answer == {"start": as_text(next_week()), "end": as_text(next_week() + HALF_AN_HOUR)}


def test_a_hold_knows_meeting_types_and_lengths(client, consultant):
    MeetingTypeFactory(user=consultant, slug="talk", duration=60)
    talk = hold(client, meeting_type="talk", consultant=consultant.slug).json()
    other = hold(client, start=next_week() + timedelta(hours=2), duration=90).json()
    assert talk["end"] == as_text(next_week() + timedelta(hours=1))
    assert other["end"] == as_text(next_week() + timedelta(hours=3, minutes=30))


def test_a_held_slot_is_booked_with_its_hold_alone(client, consultant):
    key = hold(client).json()["hold"]
    assert refusal(post(client, wish())) == (409, "slot_taken")
    assert refusal(hold(client, client="another tab")) == (409, "slot_taken")
    response = post(client, wish(hold=key))
    assert (response.status_code, response.json()["status"]) == (201, "confirmed")
    assert Booking.objects.count() == 1


def test_a_hold_that_nobody_made_or_for_another_slot_is_unknown(client, consultant):
    key = hold(client).json()["hold"]
    assert refusal(post(client, wish(hold="guess"))) == (409, "hold_unknown")
    elsewhere = (next_week() + HALF_AN_HOUR).isoformat()
    assert refusal(post(client, wish(hold=key, start=elsewhere))) == (409, "hold_unknown")


def test_an_expired_hold_books_what_is_free_still(client, consultant):
    key = hold(client).json()["hold"]
    expire()
    assert post(client, wish(hold=key)).status_code == 201


def test_a_released_slot_is_free_and_to_release_again_is_no_error(client, consultant):
    key = hold(client).json()["hold"]
    for _ in range(2):
        response = client.delete(f"{HOLDS}{key}/")
        assert (response.status_code, response.content) == (204, b"")
    assert post(client, wish()).status_code == 201


def test_what_was_booked_is_not_released(client, consultant):
    key = hold(client).json()["hold"]
    post(client, wish(hold=key))
    assert client.delete(f"{HOLDS}{key}/").status_code == 204
    assert Booking.objects.get().status == "confirmed"


# --- whose hold -----------------------------------------------------------------------------------


def starts(number: int) -> list[datetime]:
    return [next_week() + n * HALF_AN_HOUR for n in range(number)]


def test_one_client_holds_few_slots_and_is_told_when_the_first_is_let_go(client, consultant):
    for start in starts(MOST_HOLDS):
        assert hold(client, start=start, client="tab 1").status_code == 201
    too_many = starts(MOST_HOLDS + 1)[-1]
    response = hold(client, start=too_many, client="tab 1")
    assert refusal(response) == (429, "too_many_holds")
    assert 590 < int(response.headers["Retry-After"]) <= 600
    assert hold(client, start=too_many, client="tab 2").status_code == 201


def test_without_a_client_the_network_holds_the_slots(consultant):
    household = [Client(REMOTE_ADDR=f"2001:db8:1:2::{n}") for n in range(MOST_HOLDS + 1)]
    answers = [hold(each, start=start) for each, start in zip(household, starts(4), strict=True)]
    assert [each.status_code for each in answers] == [201] * MOST_HOLDS + [429]


def test_a_client_is_not_taken_for_a_network(consultant):
    for start in starts(MOST_HOLDS):
        hold(Client(REMOTE_ADDR="192.0.2.7"), start=start, client="192.0.2.8")
    response = hold(Client(REMOTE_ADDR="192.0.2.8"), start=starts(MOST_HOLDS + 1)[-1])
    assert response.status_code == 201


def test_no_address_stands_in_the_clear(consultant):
    hold(Client(REMOTE_ADDR="192.0.2.7"))
    assert "192.0.2.7" not in str(Booking.objects.values().get())


def test_one_address_may_try_only_so_often(client, consultant):
    with limits(holds_per_address="1/hour"):
        assert hold(client, start=None).status_code == 201
        response = hold(client)
        assert refusal(response) == (429, "throttled")
        assert 3590 < int(response.headers["Retry-After"]) <= 3600


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("start", "2027-03-01T10:00:00"),
        ("client", "x" * 201),
        ("client", "nul\x00"),
        ("client", "\ud800"),
        ("client", {}),
        ("duration", 10**40),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_what_cannot_be_used_is_said_field_by_field(client, consultant, field, value):
    asked = {"start": next_week().isoformat()} | {field: value}
    assert list(fields_at_fault(post(client, asked, HOLDS))) == [field]


# --- sent again -----------------------------------------------------------------------------------

KEY = {"idempotency_key": "click"}


def test_the_same_key_gives_the_same_hold(client, consultant):
    first, again = hold(client, headers=KEY), hold(client, headers=KEY)
    assert (again.status_code, again.json()) == (201, first.json())
    assert Booking.objects.count() == 1


def test_the_same_key_at_another_consultants_or_from_another_client_is_another(client):
    here, there = make_bookable(), make_bookable()
    keys = {
        hold(client, consultant=here.slug, headers=KEY).json()["hold"],
        hold(client, consultant=there.slug, headers=KEY).json()["hold"],
        hold(client, consultant=there.slug, client="tab", start=starts(2)[1], headers=KEY).json()[
            "hold"
        ],
    }
    assert len(keys) == 3


@pytest.mark.parametrize("change", [{"start": "later"}, {"duration": 60}, {"meeting_type": "talk"}])
def test_the_same_key_for_another_hold_is_refused(client, consultant, change):
    MeetingTypeFactory(user=consultant, slug="talk", duration=30)
    hold(client, headers=KEY)
    changed = {"start": starts(2)[1]} if "start" in change else change
    assert refusal(hold(client, headers=KEY, **changed)) == (422, "idempotency_key_reused")


@pytest.mark.parametrize("end", ["released", "expired", "booked"])
def test_the_key_of_a_hold_that_is_gone_makes_no_other(client, consultant, end):
    key = hold(client, headers=KEY).json()["hold"]
    if end == "released":
        client.delete(f"{HOLDS}{key}/")
    elif end == "expired":
        expire()
    else:
        post(client, wish(hold=key))
    assert refusal(hold(client, headers=KEY)) == (409, "hold_unknown")


def at_once(number: int, ask: Callable[[], HttpResponse]) -> list[HttpResponse]:
    gate = Barrier(number)

    def one(_) -> HttpResponse:
        gate.wait()
        try:
            return ask()
        finally:
            connection.close()

    with ThreadPoolExecutor(number) as threads:
        return list(threads.map(one, range(number)))


@pytest.mark.django_db(transaction=True)
def test_a_request_that_is_sent_ten_times_at_once_makes_one_hold(consultant):
    answers = at_once(10, lambda: hold(Client(), headers=KEY))
    assert [each.status_code for each in answers] == [201] * 10
    assert len({each.json()["hold"] for each in answers}) == 1
    assert Booking.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_hold_that_is_booked_ten_times_at_once_makes_one_booking(consultant):
    key = hold(Client()).json()["hold"]
    answers = at_once(10, lambda: post(Client(), wish(hold=key), **KEY))
    assert [each.status_code for each in answers] == [201] * 10
    assert {each.json()["id"] for each in answers} == {str(Booking.objects.get().pk)}


@pytest.mark.django_db(transaction=True)
def test_of_ten_people_with_the_same_hold_one_books(consultant):
    key = hold(Client()).json()["hold"]
    people = count()
    answers = at_once(
        10, lambda: post(Client(), wish(hold=key, email=f"{next(people)}@example.com"))
    )
    statuses = sorted(each.status_code for each in answers)
    assert statuses == [201] + [409] * 9
    assert Booking.objects.get().status == "confirmed"
