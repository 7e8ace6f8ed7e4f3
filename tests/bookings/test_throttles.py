"""Who is counted together when tries to book are counted."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection

import pytest
from django.db import connection
from django.test import RequestFactory

from bookings.throttles import AddressThrottle, forget_old_tries, network_of, seconds_to_wait
from tests.bookings.limits import limits
from tests.web_server import web_server


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),  # a household may use all of it
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("unknown", "unknown"),
    ],
)
def test_an_address_stands_for_its_network(address, network):
    assert network_of(address) == network


@pytest.mark.django_db
def test_forms_are_counted_by_address_and_by_mailbox():
    with limits(bookings_per_address="1/hour", bookings_per_email="1/hour"):
        form = RequestFactory().post("/", {"email": "ivy@example.com"})
        assert seconds_to_wait(form) == 0
        assert 3590 <= seconds_to_wait(form) <= 3600
        elsewhere = RequestFactory(REMOTE_ADDR="192.0.2.7")
        same_mailbox = elsewhere.post("/", {"email": "Ivy@example.com"})
        assert 3590 <= seconds_to_wait(same_mailbox) <= 3600


def tries() -> list[tuple[int, bool]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count, ends_at > now() FROM calsync.tries ORDER BY count")
        return cursor.fetchall()


@pytest.mark.django_db
def test_a_count_begins_anew_when_its_time_is_over_and_old_ones_are_forgotten():
    with limits(bookings_per_address="1/minute"):
        form = RequestFactory().post("/")
        assert [AddressThrottle().allow_request(form, None) for _ in range(2)] == [True, False]
        with connection.cursor() as cursor:
            cursor.execute("UPDATE calsync.tries SET ends_at = now()")
        assert AddressThrottle().allow_request(form, None)
        assert tries() == [(1, True)]
        AddressThrottle().allow("somebody else")
        with connection.cursor() as cursor:
            cursor.execute("UPDATE calsync.tries SET ends_at = now(), count = 9 WHERE count = 1")
        AddressThrottle().allow("a third")
        forget_old_tries()
        assert tries() == [(1, True)]


@pytest.mark.django_db(transaction=True)
def test_all_processes_together_allow_no_try_too_many():
    """Sixty at once, at two processes of eight threads each."""

    def ask(number: int) -> int:
        website = HTTPConnection("127.0.0.1", port, timeout=30)
        body = json.dumps({"email": f"{number}@example.com"})
        website.request("POST", "/api/v1/bookings/", body, {"Content-Type": "application/json"})
        response = website.getresponse()
        response.read()
        website.close()
        return response.status

    with (
        limits(),
        web_server(workers=2, BOOKINGS_PER_ADDRESS="20/hour") as port,
        ThreadPoolExecutor(60) as threads,
    ):
        answers = Counter(threads.map(ask, range(60)))
    assert answers == {400: 20, 429: 40}
