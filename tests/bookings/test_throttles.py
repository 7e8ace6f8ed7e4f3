"""Who is counted together when tries to book are counted."""

import pytest
from django.core.cache import cache
from django.test import RequestFactory

from bookings.throttles import network_of, seconds_to_wait
from tests.bookings.limits import limits


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
    cache.clear()
    with limits(bookings_per_address="1/hour", bookings_per_email="1/hour"):
        form = RequestFactory().post("/", {"email": "ivy@example.com"})
        assert seconds_to_wait(form) == 0
        assert 3590 <= seconds_to_wait(form) <= 3600
        elsewhere = RequestFactory(REMOTE_ADDR="192.0.2.7")
        same_mailbox = elsewhere.post("/", {"email": "Ivy@example.com"})
        assert 3590 <= seconds_to_wait(same_mailbox) <= 3600
