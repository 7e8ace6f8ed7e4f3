from collections.abc import Iterator
from datetime import time

import pytest
from django.test import Client

from bookings.lifecycle import BookingRequest
from connections import adapters
from connections.models import Consultant
from tests.bookings.calendar_worlds import World, at_caldav, at_google, at_microsoft
from tests.bookings.memory_calendar import MemoryCalendar
from tests.bookings.moments import MONDAY_TEN
from tests.connections.providers.caldav_servers import Device
from tests.connections.providers.far_end import Proxy
from tests.connections.registered import register_at_google, register_at_microsoft
from tests.factories import AvailabilityRuleFactory, ConsultantFactory


@pytest.fixture
def consultant() -> Consultant:
    """Open day and night, without calendars."""
    return make_bookable()


def make_bookable(**fields) -> Consultant:
    consultant = ConsultantFactory(**fields)
    for day in range(7):
        AvailabilityRuleFactory(
            user=consultant, day_of_week=day, start_time=time(0), end_time=time(0)
        )
    return Consultant.objects.get(pk=consultant.pk)


def request_for(consultant: Consultant, **changes) -> BookingRequest:
    asked = {
        "consultant": consultant,
        "starts_at": MONDAY_TEN,
        "name": "Ivy Invitee",
        "email": "ivy@example.com",
        "time_zone": "America/New_York",
    }
    return BookingRequest(**asked | changes)


@pytest.fixture
def calendar(monkeypatch) -> MemoryCalendar:
    """Every Apple connection talks to this calendar."""
    calendar = MemoryCalendar()
    monkeypatch.setitem(adapters.ADAPTERS, "apple", lambda credentials: calendar)
    return calendar


@pytest.fixture
def client() -> Client:
    """A website, which sees what went wrong as it would: in the answer."""
    return Client(raise_request_exception=False)


@pytest.fixture(params=["google", "microsoft", "caldav"])
def world(request, settings) -> Iterator[World]:
    """A consultant's calendar at each provider."""
    if request.param == "google":
        google = request.getfixturevalue("google")
        register_at_google(settings, google)
        yield at_google(google)
    elif request.param == "microsoft":
        microsoft = request.getfixturevalue("microsoft")
        register_at_microsoft(settings, microsoft)
        yield at_microsoft(microsoft)
    else:
        radicale: Device = request.getfixturevalue("radicale")
        with Proxy(radicale.url) as proxy:
            yield at_caldav(radicale, proxy)
