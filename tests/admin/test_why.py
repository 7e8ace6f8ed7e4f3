"""The desk's page that says why a time is offered, or not, and what can be done about it."""

from datetime import datetime, timedelta
from html import unescape

import pytest
from django.test import Client
from lxml.html import HtmlElement, document_fromstring

from connections.models import Consultant
from tests.bookings.bookable import at, bookable_consultant, tomorrow
from tests.factories import (
    AvailabilityExceptionFactory,
    BlockedDateFactory,
    BookingFactory,
    ConnectionFactory,
    ConsultantFactory,
    MeetingTypeFactory,
    SyncedEventFactory,
)

pytestmark = pytest.mark.django_db

WHY = "/admin/availability/meetingtype/why/"
TITLE = "Why is a time offered, or not?"
DAY = timedelta(days=1)


@pytest.fixture
def ana(client: Client) -> Consultant:
    """At her desk; open in Berlin from 9 to 17."""
    consultant = bookable_consultant()
    client.force_login(consultant)
    return consultant


def ask(client: Client, start: datetime | str, **more: object) -> HtmlElement:
    text = start if isinstance(start, str) else f"{start:%Y-%m-%dT%H:%M}"
    return document_fromstring(client.get(WHY, {"start": text} | more).content.decode())


def verdict(page: HtmlElement) -> str:
    return page.get_element_by_id("answer").text_content()


def reasons(page: HtmlElement) -> list[str]:
    return [item.text_content() for item in page.find_class("reason")]


def links(page: HtmlElement) -> list[str]:
    return [link.get("href") for link in page.xpath("//*[@class='reasons']//a")]


def test_a_time_that_is_offered_is_said_to_be(client, ana):
    page = ask(client, at(tomorrow(), 9))
    day = f"{tomorrow():%a} {tomorrow().day} {tomorrow():%b %Y}"
    assert verdict(page) == f"{day}, 09:00: offered"
    assert page.findtext("head/title") == f"{verdict(page)} | {TITLE} | calsync"
    assert reasons(page) == [
        "It lies within your working hours, and nothing stands in its way. "
        "No calendar that blocks time is connected."
    ]


def test_how_fresh_the_calendars_are_is_said(client, ana):
    calendar = ConnectionFactory(user=ana)
    [fresh] = reasons(ask(client, at(tomorrow(), 9)))
    assert "All calendars have been read since" in fresh
    calendar.last_synced_at -= DAY
    calendar.save()
    [stale] = reasons(ask(client, at(tomorrow(), 9)))
    assert "your settings say to offer it all the same" in stale


def test_what_stands_in_the_way_is_named_with_what_to_do(client, ana):
    day = tomorrow()
    SyncedEventFactory(
        connection=ConnectionFactory(user=ana),
        title="Dentist",
        start_time=at(day, 8),
        end_time=at(day, 9, 10),
    )
    BookingFactory(
        user=ana, title="Talk with Ivy", start_time=at(day, 9, 10), end_time=at(day, 9, 20)
    )
    BlockedDateFactory(
        user=ana, start_time=at(day, 9, 20), end_time=at(day, 9, 40), reason="Plumber"
    )
    page = ask(client, at(day, 9))
    assert verdict(page).endswith(": not offered")
    found = reasons(page)
    assert [text.split(". ")[0] for text in found] == [
        "An event in your calendar stands in the way: Dentist",
        "A booking stands in the way: Talk with Ivy",
        "You have blocked this time: Plumber",
    ]
    assert "08:00–09:10" in found[0]
    assert links(page) == [
        "/admin/syncing/syncedevent/",
        "/admin/connections/calendarconnection/",
        "/admin/bookings/booking/",
        "/admin/availability/blockeddate/",
    ]


def test_an_event_whose_title_is_not_kept_is_named_without_it(client, ana):
    SyncedEventFactory(
        connection=ConnectionFactory(user=ana),
        title=None,
        start_time=at(tomorrow(), 9),
        end_time=at(tomorrow(), 10),
    )
    [text] = reasons(ask(client, at(tomorrow(), 9)))
    assert text.startswith("An event in your calendar stands in the way. ")


def test_what_an_event_is_called_is_text_on_the_page(client, ana):
    SyncedEventFactory(
        connection=ConnectionFactory(user=ana),
        title="<b>x</b>{detail}",
        start_time=at(tomorrow(), 9),
        end_time=at(tomorrow(), 10),
    )
    assert "stands in the way: <b>x</b>{detail}." in reasons(ask(client, at(tomorrow(), 9)))[0]


def test_hours_grid_notice_and_window_are_told(client, ana):
    day = tomorrow()
    assert {
        name: [text.split(". ")[0] for text in reasons(ask(client, start))]
        for name, start in {
            "hours": at(day, 20),
            "grid": at(day, 9, 10),
            "notice": at(day - 2 * DAY, 9),
            "window": at(day + 90 * DAY, 9),
        }.items()
    } == {
        "hours": ["The meeting does not lie within your working hours"],
        "grid": ["No meeting starts at this minute"],
        "notice": ["It is past, or sooner than your minimum notice allows"],
        "window": ["It is later than your booking window reaches"],
    }


def test_a_closed_date_is_told_with_its_reason(client, ana):
    AvailabilityExceptionFactory(user=ana, start_date=tomorrow(), reason="Easter")
    page = ask(client, at(tomorrow(), 9))
    assert "none. Exception: Easter." in reasons(page)[0]
    assert links(page) == [
        f"/admin/availability/availabilityrule/?consultant={ana.pk}",
        "/admin/availability/availabilityexception/",
    ]


def test_buffers_and_limits_are_told(client):
    ana = bookable_consultant(settings__buffer_before=30, settings__daily_limit=1)
    client.force_login(ana)
    BookingFactory(
        user=ana, title="Talk", start_time=at(tomorrow(), 9), end_time=at(tomorrow(), 9, 30)
    )
    page = ask(client, at(tomorrow(), 9, 30))
    settings = f"/admin/availability/bookingsettings/{ana.booking_settings.pk}/change/"
    assert [text.split(". ")[0] for text in reasons(page)] == [
        "The buffer before or after a meeting is not kept next to: Talk",
        "The day is full: 1 of 1 bookings",
    ]
    assert links(page) == [settings, settings]


def test_calendars_that_are_not_known_are_told(client, ana):
    calendar = ConnectionFactory(user=ana, last_synced_at=None, synced_from=None, synced_until=None)
    assert reasons(ask(client, at(tomorrow(), 9)))[0].startswith("A calendar has not been read yet")
    calendar.synced_from, calendar.synced_until = at(tomorrow(), 0), at(tomorrow(), 9)
    calendar.last_synced_at = at(tomorrow(), 0) - 3 * DAY
    calendar.save()
    ana.booking_settings.stale_policy = "close"
    ana.booking_settings.save()
    assert [text.split(". ")[0] for text in reasons(ask(client, at(tomorrow(), 9)))] == [
        "A calendar has not been read for too long, and your settings say to offer nothing then",
        "A calendar has not been read for this time",
    ]


# --- meeting types --------------------------------------------------------------------------------


def test_a_meeting_type_has_hours_of_its_own_and_is_linked(client, ana):
    long = MeetingTypeFactory(user=ana, title="Workshop", duration=480, slot_interval=60)
    page = ask(client, at(tomorrow(), 9, 30), meeting_type=long.pk)
    assert [text.split(". ")[0] for text in reasons(page)] == [
        "The meeting does not lie within your working hours"
    ]
    page = ask(client, at(tomorrow(), 9) - 2 * DAY, meeting_type=long.pk)
    assert f"/admin/availability/meetingtype/{long.pk}/change/" in links(page)
    [chosen] = page.xpath("//option[@selected]")
    assert chosen.text == "Workshop"


def test_a_meeting_type_that_is_not_active_is_told(client, ana):
    retired = MeetingTypeFactory(user=ana, is_active=False)
    page = ask(client, at(tomorrow(), 9), meeting_type=retired.pk)
    assert verdict(page).endswith("not offered")
    assert reasons(page)[0].startswith("This meeting type is not active")
    assert links(page) == [f"/admin/availability/meetingtype/{retired.pk}/change/"]


# --- the question ---------------------------------------------------------------------------------


def test_nothing_is_answered_before_it_is_asked(client, ana):
    page = document_fromstring(client.get(WHY).content)
    assert (page.xpath("//*[@id='answer']"), page.find_class("errorlist")) == ([], [])
    labels = {label.get("for"): label.text_content().strip() for label in page.iter("label")}
    assert (labels["id_meeting_type"], labels["id_start"]) == ("Meeting type", "Start")


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ({"start": ""}, "This field is required."),
        ({"start": "soon"}, "Enter a valid date/time."),
        ({"start": "0001-01-01T00:00"}, "Choose a time from 1970 on."),
        ({"start": "9999-12-31T23:59"}, "Choose a time from 1970 on."),
        ({"start": "2027-03-28T02:30"}, "2027-03-28 02:30:00 couldn’t be interpreted"),
        ({"start": "2027-03-01T09:00", "meeting_type": "x"}, "“x” is not a valid UUID."),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused_with_a_sentence(
    client, ana, question, sentence
):
    answer = client.get(WHY, question)
    page = document_fromstring(answer.content.decode())
    [error] = page.find_class("errorlist")
    assert error.text_content().strip().startswith(sentence)
    assert page.xpath("//*[@id='answer']") == []
    named = page.xpath("//*[@aria-invalid]")[0].get("aria-describedby").split()
    assert error.get("id") in named


def test_the_time_is_read_in_the_consultants_zone(client):
    ana = bookable_consultant(settings__time_zone="Asia/Tokyo")
    client.force_login(ana)
    page = ask(client, f"{tomorrow()}T09:00")
    assert verdict(page).endswith("09:00: offered")
    assert "Asia/Tokyo" in page.get_element_by_id("id_start_helptext").text_content()


# --- whose it is ----------------------------------------------------------------------------------


def test_it_is_about_ones_own_time_alone(client, ana):
    other = bookable_consultant(slug="other")
    foreign = MeetingTypeFactory(user=other, title="Foreign-mark")
    SyncedEventFactory(
        connection=ConnectionFactory(user=other),
        title="Foreign-mark",
        start_time=at(tomorrow(), 9),
        end_time=at(tomorrow(), 10),
    )
    page = ask(client, at(tomorrow(), 9), consultant=other.pk)
    assert verdict(page).endswith(": offered")
    answer = client.get(WHY, {"start": f"{tomorrow()}T09:00", "meeting_type": foreign.pk})
    assert "Foreign-mark" not in unescape(answer.content.decode())
    assert "Select a valid choice." in unescape(answer.content.decode())


def test_a_superuser_asks_for_everybody_in_their_zone(superuser_desk, superuser):
    other = bookable_consultant(name="Ana Ruiz")
    visit = MeetingTypeFactory(user=other, title="Visit")
    page = ask(superuser_desk, at(tomorrow(), 9), consultant=other.pk, meeting_type=visit.pk)
    assert verdict(page).endswith("09:00: offered")
    [kept] = page.xpath("//input[@name='consultant']")
    assert kept.get("value") == str(other.pk)
    assert (
        ask(superuser_desk, at(tomorrow(), 9)).xpath("//select[@name='meeting_type']/option")[1:]
        == []
    )


def test_a_consultant_who_is_not_active_is_offered_nowhere(superuser_desk):
    gone = ConsultantFactory(is_active=False)
    page = ask(superuser_desk, at(tomorrow(), 9), consultant=gone.pk)
    assert reasons(page)[0].startswith("This consultant is not active")


def test_the_page_is_for_those_who_are_signed_in(client):
    assert client.get(WHY).url == f"/admin/login/?next={WHY}"


def test_the_desk_and_a_meeting_type_lead_there(client, ana):
    ConnectionFactory(user=ana)
    visit = MeetingTypeFactory(user=ana)
    first_page = client.get("/admin/").content.decode()
    assert f'<a href="{WHY}">{TITLE}</a>' in first_page
    page = client.get(f"/admin/availability/meetingtype/{visit.pk}/change/").content.decode()
    there = f"{WHY}?consultant={ana.pk}&amp;meeting_type={visit.pk}"
    assert f'<a href="{there}">{TITLE}</a>' in page
    asked = document_fromstring(client.get(unescape(there)).content)
    assert [option.text for option in asked.xpath("//option[@selected]")] == [visit.title]


def test_a_new_desk_leads_there_too(desk):
    assert f'<a href="{WHY}">{TITLE}</a>' in desk.get("/admin/").content.decode()
