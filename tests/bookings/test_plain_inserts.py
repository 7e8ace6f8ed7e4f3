"""Rows that the website inserts itself, through Supabase: past our code, not past the database."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import IntegrityError, connection

from bookings.lifecycle import book
from bookings.refusals import SlotTaken
from connections.models import Consultant
from tests.bookings.conftest import request_for
from tests.bookings.moments import MONDAY_TEN, NOW

pytestmark = pytest.mark.django_db(transaction=True)


def insert(consultant: Consultant) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO bookings (user_id, start_time, end_time, invitee_name, invitee_email) "
            "VALUES (%s, %s, %s + interval '1 hour', 'Ivy', 'ivy@example.com')",
            [consultant.pk, MONDAY_TEN, MONDAY_TEN],
        )


def at_once(attempts: Sequence[Callable[[], object]]) -> Counter:
    """How the attempts ended, all let go together. A deadlock would be an ``OperationalError``."""
    gate = Barrier(len(attempts))

    def run(attempt: Callable[[], object]) -> object:
        try:
            connection.ensure_connection()
            gate.wait()
            return attempt()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(attempts)) as threads:
        ended = [threads.submit(run, attempt) for attempt in attempts]
    return Counter(type(each.exception()) for each in ended)


@pytest.mark.parametrize("repetition", range(3))
def test_many_plain_inserts_at_once_make_one_booking_without_a_deadlock(consultant, repetition):
    outcomes = at_once([lambda: insert(consultant)] * 40)
    assert outcomes == {type(None): 1, IntegrityError: 39}


@pytest.mark.parametrize("repetition", range(3))
def test_plain_inserts_and_requests_at_once_make_one_booking_without_a_deadlock(
    consultant, repetition
):
    wish = request_for(consultant, duration=60)
    outcomes = at_once([lambda: insert(consultant), lambda: book(wish, now=NOW)] * 20)
    assert outcomes[type(None)] == 1
    assert outcomes[IntegrityError] + outcomes[SlotTaken] == 39
