"""The link of a video call: in the first mail where it can be, in a mail of its own where not."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail as sent
from icalendar import Calendar

from bookings.booking_mails import BookingMail
from bookings.models import Booking
from bookings.outbox import send_mail
from bookings.tokens import give_tokens
from connections.providers import conferences
from tests.bookings.calendar_worlds import HOUR, MINUTE, TODAY, World
from tests.connections.providers.far_end import instead, lost
from tests.factories import BookingFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
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
    [told] = [each.body for each in sent.outbox if each.to == [booking.invitee_email]]
    [teller] = [each.body for each in sent.outbox if each.to == [booking.user.email]]
    name = booking.user.name
    assert (f"Video call: {name} will tell you how to join." in told) != has_calls(world)
    assert ("Video call: Please tell Ivy Invitee how to join" in teller) != has_calls(world)
    assert [message.body.count("Video call: ") for message in sent.outbox] == [1, 1]


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


@pytest.mark.parametrize("world", ["google", "microsoft"], indirect=True)
def test_a_call_that_takes_its_time_is_asked_for_again(world):
    """The event is written; who waits for the link is not kept waiting for ever."""
    slow_down(world)
    booking = booked(world)
    unfinished = world.write(booking)
    assert (unfinished.event_state, unfinished.conference_url) == ("due", "")
    assert unfinished.event_error == "The event is written; its video call has no link yet."
    world.now = booking.created_at + 3 * MINUTE
    assert deliver(world) == ["Confirmed", "New booking"]
    world.now += HOUR
    finished = world.write(booking)
    assert (finished.event_state, finished.conference_url != "") == ("written", True)
    assert deliver(world) == ["Link of your video call"]
    assert links_in_mails(finished.conference_url) == [False, False, True]


def slow_down(world: World) -> None:
    """The provider makes the call only after more looks than one write takes."""
    if world.connection.provider == "google":
        world.far.google.events.conferences.looks = conferences.LOOKS + 2
    else:
        world.far.microsoft.events.looks_before_meeting = conferences.LOOKS + 2


def test_a_moved_booking_keeps_its_link(world):
    booking = booked(world)
    link = world.write(booking).conference_url
    deliver(world)
    Booking.objects.update(start_time=booking.start_time + HOUR, end_time=booking.end_time + HOUR)
    world.now = datetime.now(UTC)
    assert deliver(world) == []
    moved = world.write(booking)
    assert (moved.event_state, moved.conference_url) == ("written", link)
    assert deliver(world) == ["Moved", "Moved"]
    assert links_in_mails(link) == [True] * 4
    Booking.objects.update(event_state="due")
    assert world.write(booking).conference_url == link
    assert deliver(world) == []


def test_without_a_calendar_nobody_waits(world):
    world.connection.delete()
    booking = booked(world)
    world.now = booking.created_at + timedelta(seconds=1)
    assert world.write(booking).event_state == "none"
    assert deliver(world) == ["Confirmed", "New booking"]


def test_a_calendar_that_refuses_the_event_keeps_nobody_waiting(world):
    method = "POST" if has_calls(world) else "PUT"
    world.commit(method, instead(413), times=5)
    booking = booked(world)
    world.now = booking.created_at + timedelta(seconds=1)
    assert world.write(booking).event_state == "failed"
    assert deliver(world) == ["Confirmed", "New booking"]
