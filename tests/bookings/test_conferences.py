"""The link of a video call: in the first mail where it can be, in a mail of its own where not."""

from datetime import timedelta

import pytest
from django.core import mail as sent
from icalendar import Calendar

from bookings.models import Booking, BookingMail
from bookings.outbox import send_mail
from bookings.tokens import give_tokens
from connections.providers.google import conferences as google_meet
from connections.providers.microsoft import conferences as teams
from tests.bookings.calendar_worlds import HOUR, MINUTE, TODAY, World
from tests.connections.providers.far_end import lost
from tests.factories import BookingFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    for conferences in (google_meet, teams):
        monkeypatch.setattr(conferences, "sleep", lambda seconds: None)


def booked(world: World) -> Booking:
    booking = BookingFactory(
        user=world.connection.user,
        start_time=TODAY + timedelta(days=2),
        has_conference=True,
        location="Analytical Street 1",
    )
    give_tokens()
    return world.stored(booking)


def deliver(world: World) -> list[str]:
    """Send what is due, and say what it is."""
    before = len(sent.outbox)
    for mail_id in BookingMail.objects.due(world.now).values_list("pk", flat=True):
        send_mail(mail_id, now=world.now)
    return sorted(message.subject.partition(":")[0] for message in sent.outbox[before:])


def links_in_mails(link: str) -> list[bool]:
    return [link in message.body for message in sent.outbox]


def has_calls(world: World) -> bool:
    """Whether the provider holds video calls at all."""
    return world.connection.provider != "apple"


def test_the_mails_wait_for_the_link_and_tell_it(world):
    booking = booked(world)
    world.now = booking.created_at + timedelta(seconds=1)
    assert deliver(world) == []
    written = world.write(booking)
    assert (written.event_state, written.conference_url != "") == ("written", has_calls(world))
    assert deliver(world) == ["Confirmed", "New booking"]
    assert links_in_mails(written.conference_url) == [True, True]
    assert ["Video call: " in message.body for message in sent.outbox] == [has_calls(world)] * 2


def test_the_invitation_leads_into_the_call(world):
    booking = booked(world)
    link = world.write(booking).conference_url
    deliver(world)
    [confirmation] = [each for each in sent.outbox if each.to == [booking.invitee_email]]
    _, file, _ = confirmation.attachments[0]
    [event] = Calendar.from_ical(file).events
    assert (str(event.get("conference", "")), link in event["description"]) == (link, True)
    assert event["location"] == "Analytical Street 1"


def test_answers_that_are_lost_lead_to_one_event_with_one_call(world):
    booking = booked(world)
    write = "PUT" if not has_calls(world) else "POST"
    world.commit(write, lost, times=2)
    for _ in range(3):
        written = world.write(booking)
        world.now += HOUR
    world.heal()
    assert written.event_state == "written"
    world.sync(full=True)
    assert world.connection.events.filter(booking_id=booking.pk).count() == 1
    deliver(world)
    assert links_in_mails(written.conference_url) == [True, True]


def test_an_event_that_is_late_has_its_link_mailed_once(world):
    booking = booked(world)
    world.now = booking.created_at + 3 * MINUTE
    assert deliver(world) == ["Confirmed", "New booking"]
    link = world.write(booking).conference_url
    assert deliver(world) == (["Link of your video call"] if has_calls(world) else [])
    Booking.objects.update(event_state="due", event_due_at=world.now)
    world.write(booking)
    assert deliver(world) == []
    assert link in sent.outbox[-1].body
