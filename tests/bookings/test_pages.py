"""The invitee's pages, as a browser without JavaScript uses them."""

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.cache import cache
from django.template.loader import render_to_string

from bookings.models import Booking
from bookings.states import BookingStatus
from bookings.tokens import hash_of, manage_token
from tests.bookings.bookable import at, bookable_consultant, take_everything, tomorrow
from tests.bookings.limits import limits
from tests.bookings.paper import ORIGIN, Paper
from tests.factories import (
    AvailabilityExceptionFactory,
    BookingFactory,
    ConnectionFactory,
    ConsultantFactory,
    MeetingTypeFactory,
)

pytestmark = pytest.mark.django_db

QUESTIONS = [
    {"name": "topic", "label": "Topic", "required": True, "type": "select", "options": ["A", "B"]},
    {"name": "goal", "label": "Goal", "required": False, "type": "textarea"},
    {"name": "company", "label": "Company", "type": "text"},
]
IVY = {"name": "Ivy Invitee", "email": "ivy@example.com"}


@pytest.fixture(autouse=True)
def _nobody_has_tried_before():
    cache.clear()


@pytest.fixture
def ana():
    return bookable_consultant()


def form_address(start: datetime, *, zone: str = "") -> str:
    address = f"/book/ana/?start={start.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return f"{address}&zone={zone}" if zone else address


def clocks(first: datetime, *, count: int, minutes: int = 30) -> list[str]:
    """The wall clocks from ``first`` on, in its zone."""
    steps = (first.astimezone(UTC) + timedelta(minutes=minutes * n) for n in range(count))
    return [f"{step.astimezone(first.tzinfo):%H:%M}" for step in steps]


def day_name(day: date) -> str:
    return f"{day:%A} {day.day} {day:%B}"


# --- which page ---------------------------------------------------------------------------------


def test_several_meeting_types_are_listed_with_what_one_needs_to_choose(client, ana):
    MeetingTypeFactory(
        user=ana, slug="first", title="First talk", duration=90, location="Room 1", description="Hi"
    )
    MeetingTypeFactory(user=ana, slug="next", title="Next talk")
    MeetingTypeFactory(user=ana, slug="old", title="Old talk", is_active=False)
    page = Paper.open(client, "/book/ana/?embed=1")
    assert page.text == (
        "Book a meeting with Ana Ruiz First talk 1 hour 30 minutes Room 1 Hi Next talk 30 minutes"
    )
    assert page.links == {
        "First talk": "/book/ana/first/?embed=1",
        "Next talk": "/book/ana/next/?embed=1",
    }


def test_a_single_meeting_type_is_not_asked_for(client, ana):
    MeetingTypeFactory(user=ana, slug="talk")
    response = client.get("/book/ana/", {"zone": "Asia/Kathmandu"})
    assert (response.status_code, response.headers["Location"]) == (
        302,
        "/book/ana/talk/?zone=Asia%2FKathmandu",
    )


def test_what_is_booked_is_said_at_every_step(client, ana):
    MeetingTypeFactory(
        user=ana, slug="talk", title="Talk", duration=45, location="Room 1", description="Bring it."
    )
    said = "Ana Ruiz Talk 45 minutes Room 1"
    page = Paper.open(client, f"/book/ana/talk/?day={tomorrow()}")
    assert page.text.startswith(f"{said} Bring it.")
    page = page.follow("09:00")
    when = f"{day_name(tomorrow())} {tomorrow().year}, 09:00–09:45, Europe/Berlin"
    assert page.text.startswith(f"{said} {when}")
    assert "Bring it." in page.text
    page = page.send(**IVY)
    assert page.text.startswith("Booked Talk with Ana Ruiz")
    assert f"When {when}" in page.text
    assert "Where Room 1" in page.text


def test_before_it_is_booked_no_link_is_promised_that_will_not_come(client, ana):
    MeetingTypeFactory(user=ana, slug="talk", has_conference=True)
    ConnectionFactory(user=ana, provider="apple", is_primary=True)
    page = Paper.open(client, "/book/ana/talk/")
    assert "Video call; Ana Ruiz will tell you how to join" in page.text


@pytest.mark.parametrize(
    "path", ["/book/nobody/", "/book/ana/nothing/", "/book/ana/old/", "/book/ana/others/"]
)
def test_an_address_where_nothing_can_be_booked_says_so_kindly(client, ana, path):
    MeetingTypeFactory(user=ana, slug="old", is_active=False)
    MeetingTypeFactory(slug="others")  # another consultant's
    page = Paper.open(client, path)
    assert page.status == 404
    assert page.text.startswith("Nothing can be booked at this address It may be misspelt")


def test_a_consultant_who_left_cannot_be_booked(client):
    bookable_consultant(is_active=False)
    assert client.get("/book/ana/").status_code == 404


def test_a_consultant_without_a_name_is_not_named_by_their_address(client):
    consultant = bookable_consultant(name="", email="private@example.com")
    page = Paper.open(client, f"/book/{consultant.slug}/")
    assert page.text.startswith("ana Meeting 30 minutes")
    assert b"private@example.com" not in page.response.content


# --- choosing a time ------------------------------------------------------------------------------


def test_each_time_of_a_day_is_a_link_to_its_form(client, ana):
    page = Paper.open(client, f"/book/ana/?day={tomorrow()}")
    assert page.texts("//section[@class='times']/h2") == [day_name(tomorrow())]
    assert page.times == clocks(at(tomorrow(), 9), count=16)
    for time in page.times:
        form = page.follow(time)
        assert f", {time}–" in form.texts("//*[@class='chosen']")[0]


def test_the_calendar_opens_on_the_first_day_with_free_time(client, ana):
    first = tomorrow() + timedelta(days=40)
    take_everything(ana, tomorrow() - timedelta(days=2), first - timedelta(days=1))
    page = Paper.open(client, "/book/ana/")
    assert page.texts("//h2") == [f"{first:%B %Y}", day_name(first)]
    assert page.tree.xpath("//a[@aria-current]/@aria-label") == [
        f"{day_name(first)}, 16 free times"
    ]


def test_free_time_is_searched_for_to_the_end_of_a_long_booking_window(client):
    ana = bookable_consultant(settings__booking_window=300)
    first = tomorrow() + timedelta(days=250)
    take_everything(ana, tomorrow() - timedelta(days=2), first - timedelta(days=1))
    page = Paper.open(client, "/book/ana/")
    assert page.texts("//h2") == [f"{first:%B %Y}", day_name(first)]


def test_only_days_with_free_time_can_be_chosen(client, ana):
    month = (tomorrow().replace(day=1) + timedelta(days=32)).replace(day=1)
    take_everything(ana, month, month + timedelta(days=9))
    take_everything(ana, month + timedelta(days=12), month + timedelta(days=40))
    page = Paper.open(client, f"/book/ana/?month={month:%Y-%m}")
    assert page.days == [f"{day_name(month + timedelta(days=n))}, 16 free times" for n in (10, 11)]


def test_a_day_without_free_time_sends_the_invitee_to_another_day(client, ana):
    day = tomorrow() + timedelta(days=2)
    take_everything(ana, day, day)
    page = Paper.open(client, f"/book/ana/?day={day}")
    assert page.texts("//section[@class='times']") == [
        f"Nothing is free on {day_name(day)} Choose one of the highlighted days."
    ]


def test_a_full_month_leads_to_the_next_day_with_free_time(client, ana):
    month = (tomorrow().replace(day=1) + timedelta(days=32)).replace(day=1)
    after = (month + timedelta(days=32)).replace(day=1)
    ana.booking_settings.__class__.objects.filter(user=ana).update(booking_window=100)
    take_everything(ana, month, after + timedelta(days=4))
    page = Paper.open(client, f"/book/ana/?month={month:%Y-%m}")
    free = after + timedelta(days=5)
    assert page.texts("//h2")[1] == f"Nothing is free in {month:%B}"
    page = page.follow(f"Go to {day_name(free)}")
    assert page.texts("//h2") == [f"{free:%B %Y}", day_name(free)]


def test_the_last_month_without_free_time_leads_back_to_an_earlier_day(client, ana):
    take_everything(ana, tomorrow() + timedelta(days=1), tomorrow() + timedelta(days=90))
    last = tomorrow() + timedelta(days=59)
    page = Paper.open(client, f"/book/ana/?month={last:%Y-%m}")
    [target] = [name for name in page.links if name.startswith("Go to")]
    assert page.follow(target).times[-1] == "16:30"


def test_a_consultant_with_nothing_free_says_until_when_and_what_to_do(client, ana):
    take_everything(ana, tomorrow() - timedelta(days=2), tomorrow() + timedelta(days=90))
    page = Paper.open(client, "/book/ana/")
    last = tomorrow() + timedelta(days=59)
    [said] = page.texts("//section[@class='times']")
    assert said.startswith(
        f"Everything is taken Times can be booked until {last.day} {last:%B %Y}, and none is free"
    )
    assert page.follow("Look again").status == 200


def test_a_consultant_without_any_hours_says_that_nothing_can_be_booked_yet(client):
    ana = ConsultantFactory(slug="ana")
    AvailabilityExceptionFactory(user=ana, start_date=tomorrow())  # closed
    said = ["Nothing can be booked here yet"]
    assert Paper.open(client, "/book/ana/").texts("//section[@class='times']/h2") == said
    AvailabilityExceptionFactory(
        user=ana, start_date=tomorrow(), is_closed=False, start_time="09:00", end_time="10:00"
    )
    take_everything(ana, tomorrow(), tomorrow())
    taken = ["Everything is taken"]
    assert Paper.open(client, "/book/ana/").texts("//section[@class='times']/h2") == taken


def test_a_closed_calendar_says_that_nobody_knows_and_not_that_all_is_taken(client):
    ana = bookable_consultant(settings__stale_policy="close")
    ConnectionFactory(user=ana, last_synced_at=datetime(2020, 1, 1, tzinfo=UTC))
    page = Paper.open(client, "/book/ana/")
    [said] = page.texts("//section[@class='times']")
    assert said.startswith("No times can be shown right now Ana Ruiz’s calendar could not be read")
    assert page.follow("Try again").status == 200


def test_months_can_be_turned_from_today_to_the_end_of_the_booking_window(client, ana):
    today, last = tomorrow() - timedelta(days=1), tomorrow() + timedelta(days=59)
    page = Paper.open(client, f"/book/ana/?month={today:%Y-%m}")
    forth = turned(page, "later")
    back = turned(forth[-1], "earlier")
    months = [page.texts("//h2")[0] for page in forth]
    assert (months[0], months[-1]) == (f"{today:%B %Y}", f"{last:%B %Y}")
    assert [page.texts("//h2")[0] for page in back] == months[::-1]


def turned(page: Paper, direction: str) -> list[Paper]:
    """The page, and what its arrow leads to, month after month; a year at most."""
    pages = [page]
    for _ in range(12):
        if name := pages[-1].tree.xpath(f"//*[@id='{direction}']/@aria-label"):
            pages.append(pages[-1].follow(name[0]))
    return pages


@pytest.mark.parametrize(
    "query",
    [
        "month=9999-12",
        "month=0001-01",
        "day=9999-12-31",
        "day=0001-01-01",
        "day=rubbish&month=2027-13",
        "zone=../../etc/passwd",
        "zone=%00",
        "choose=something",
        "start=",
        "start=tomorrow",
        "start=2027-03-01T10:00:00",
        "start=2200-01-01T00:00:00Z",
    ],
)
def test_what_cannot_be_read_in_an_address_counts_as_absent(client, ana, query):
    page = Paper.open(client, f"/book/ana/?{query}")
    assert page.status == 200
    assert "Times are in Europe/Berlin" in page.text


# --- time zones -----------------------------------------------------------------------------------


def test_times_are_in_the_invitees_zone_and_the_zone_is_named(client, ana):
    kathmandu = ZoneInfo("Asia/Kathmandu")
    first = at(tomorrow(), 9).astimezone(kathmandu)
    page = Paper.open(client, f"/book/ana/?day={first.date()}&zone=Asia/Kathmandu")
    assert page.times == clocks(first, count=16)
    assert "Times are in Asia/Kathmandu (UTC+05:45)." in page.text


def test_a_day_is_a_day_in_the_invitees_zone(client, ana):
    apia = ZoneInfo("Pacific/Apia")  # more than half a day ahead of Berlin
    here = [at(tomorrow() + timedelta(days=n), 9) for n in (0, 1, 2)]
    starts = [first + timedelta(minutes=30 * n) for first in here for n in range(16)]
    day = here[1].astimezone(apia).date()
    page = Paper.open(client, f"/book/ana/?day={day}&zone=Pacific/Apia")
    expected = [start.astimezone(apia) for start in starts if start.astimezone(apia).date() == day]
    assert page.times == [f"{start:%H:%M}" for start in expected]


def test_the_zone_can_be_changed_without_losing_the_day(client, ana):
    page = Paper.open(client, f"/book/ana/?day={tomorrow()}").follow("Change time zone")
    assert page.texts("//option[@selected]")[0].startswith("Europe/Berlin (UTC+0")
    page = page.choose_zone("America/New_York")
    assert page.texts("//section[@class='times']/h2") == [day_name(tomorrow())]
    assert page.times == clocks(
        at(tomorrow(), 9).astimezone(ZoneInfo("America/New_York")), count=16
    )
    assert "Times are in America/New York (UTC−0" in page.text


def test_the_zone_is_kept_to_the_end_and_stored(client, ana):
    start = at(tomorrow(), 9)
    page = Paper.open(client, form_address(start, zone="Asia/Kathmandu")).send(**IVY)
    local = start.astimezone(ZoneInfo("Asia/Kathmandu"))
    assert f"{local:%H:%M}–" in page.text
    assert "Asia/Kathmandu (UTC+05:45)" in page.text
    [booking] = Booking.objects.all()
    assert (booking.start_time, booking.invitee_time_zone) == (start, "Asia/Kathmandu")


# --- the form -------------------------------------------------------------------------------------


def test_a_meeting_types_questions_are_asked_and_their_answers_kept(client, ana):
    MeetingTypeFactory(user=ana, slug="talk", questions=QUESTIONS)
    page = Paper.open(client, f"/book/ana/talk/?day={tomorrow()}").follow("09:00")
    assert page.texts("//form//label") == [
        "Your name",
        "Your e-mail address",
        "Topic",
        "Goal (optional)",
        "Company (optional)",
        "Anything that helps to prepare (optional)",
        "Leave this field empty",
    ]
    page = page.send(**IVY, answer_1="B", answer_3="Acme", notes="Hello")
    assert page.text.startswith("Booked")
    [booking] = Booking.objects.all()
    assert booking.answers == {"topic": "B", "company": "Acme"}
    assert booking.invitee_notes == "Hello"


def test_what_is_missing_is_said_and_what_was_typed_is_kept(client, ana):
    MeetingTypeFactory(user=ana, slug="talk", questions=QUESTIONS)
    page = Paper.open(client, f"/book/ana/talk/?day={tomorrow()}").follow("09:00")
    again = page.send(name="Ivy", email="ivy@", answer_1="C", answer_2="All of it")
    assert again.status == 400
    assert again.texts("//*[@id='message']") == [
        "Please check your details Enter a complete e-mail address, such as name@example.com. "
        "Choose an answer to “Topic”."
    ]
    typed = {"name": "Ivy", "email": "ivy@", "answer-2": "All of it"}
    kept = typed | {name: page.typed()[name] for name in ("start", "key")}
    assert {name: again.typed()[name] for name in kept} == kept
    for name in ("email", "answer-1"):
        [field] = again.tree.xpath(f"//*[@name='{name}']")
        assert field.get("aria-invalid") == "true"
        assert again.tree.get_element_by_id(field.get("aria-describedby").split()[-1]) is not None
    assert not Booking.objects.exists()


def test_a_robot_that_fills_in_the_hidden_field_books_nothing(client, ana):
    page = Paper.open(client, form_address(at(tomorrow(), 9))).send(**IVY, website="http://spam")
    assert page.status == 400
    assert page.text.count("Please send the form once more") == 1
    assert not Booking.objects.exists()
    assert page.send().text.startswith("Booked")  # a person whom a browser has filled it in for


def test_the_message_comes_first_and_takes_the_focus(client, ana):
    page = Paper.open(client, form_address(at(tomorrow(), 9))).send(name="")
    [message] = page.tree.xpath("//*[@autofocus]")
    assert (message.get("id"), message.get("tabindex")) == ("message", "-1")
    assert page.texts("//title")[0].startswith("Please check: Your details – Meeting with Ana Ruiz")


# --- booking --------------------------------------------------------------------------------------


def test_a_booking_by_links_and_forms_alone(client, ana):
    page = Paper.open(client, "/book/ana/")
    page = page.follow(day_name(tomorrow()))
    page = page.follow("10:30")
    page = page.send(**IVY)
    [booking] = Booking.objects.all()
    assert (booking.start_time, booking.end_time) == (at(tomorrow(), 10, 30), at(tomorrow(), 11))
    assert (booking.user, booking.status) == (ana, BookingStatus.CONFIRMED)
    assert (booking.invitee_name, booking.invitee_email) == ("Ivy Invitee", "ivy@example.com")
    assert page.address.split("?")[0] == f"/booking/{manage_token(booking)}/"
    assert page.text.startswith("Booked Meeting with Ana Ruiz")
    page = page.follow("Book another time").follow(day_name(tomorrow()))
    assert "10:30" not in page.times
    assert "10:00" in page.times


def test_a_form_sent_twice_books_once_and_leads_to_the_same_page(client, ana):
    form = Paper.open(client, form_address(at(tomorrow(), 9)))
    first, second = form.send(**IVY), form.send(**IVY)
    assert first.address == second.address
    assert second.text.startswith("Booked")
    assert Booking.objects.count() == 1


def test_two_visits_have_two_keys(client, ana):
    address = form_address(at(tomorrow(), 9))
    keys = {Paper.open(client, address).typed()["key"] for _ in range(2)}
    assert len(keys) == 2


def test_a_form_sent_again_with_other_details_changes_nothing(client, ana):
    form = Paper.open(client, form_address(at(tomorrow(), 9)))
    form.send(**IVY)
    page = form.send(**IVY | {"name": "Someone Else"})
    assert page.status == 409
    assert page.texts("//*[@id='message']/h2") == ["You have already booked with this form"]
    assert [booking.invitee_name for booking in Booking.objects.all()] == ["Ivy Invitee"]


def test_a_time_taken_meanwhile_is_replaced_with_all_that_was_typed_kept(client, ana):
    form = Paper.open(client, form_address(at(tomorrow(), 9), zone="Asia/Kathmandu"))
    BookingFactory(user=ana, start_time=at(tomorrow(), 9))
    page = form.send(**IVY, notes="Hello")
    assert page.status == 409
    assert page.texts("//*[@id='message']/h2") == ["That time is no longer free"]
    local = at(tomorrow(), 9, 30).astimezone(ZoneInfo("Asia/Kathmandu"))
    assert page.texts("//fieldset//label") == clocks(local, count=15)
    kept = form.typed() | IVY | {"notes": "Hello"}
    assert page.typed() == {name: text for name, text in kept.items() if name != "start"}
    [start] = page.tree.xpath("(//input[@type='radio'])[1]/@value")
    assert page.send(start=start).text.startswith("Booked")
    booking = Booking.objects.get(invitee_notes="Hello")
    assert booking.start_time == at(tomorrow(), 9, 30)


def test_other_times_are_looked_for_on_later_days_too(client, ana):
    form = Paper.open(client, form_address(at(tomorrow(), 9)))
    take_everything(ana, tomorrow(), tomorrow())
    page = form.send(**IVY)
    assert page.texts("//fieldset/legend")[0].startswith(
        f"Free on {day_name(tomorrow() + timedelta(days=1))}"
    )


def test_other_times_are_looked_for_on_earlier_days_where_no_later_ones_are(client, ana):
    last = tomorrow() + timedelta(days=59)
    form = Paper.open(client, form_address(at(last, 9)))
    take_everything(ana, tomorrow() + timedelta(days=1), last)
    take_everything(ana, tomorrow() - timedelta(days=2), tomorrow() - timedelta(days=1))
    page = form.send(**IVY)
    assert page.texts("//fieldset/legend")[0].startswith(f"Free on {day_name(tomorrow())}")


def test_a_time_long_past_is_not_searched_from_on(client, ana, django_assert_max_num_queries):
    form = Paper.open(client, form_address(at(tomorrow(), 9)))
    with django_assert_max_num_queries(40):
        assert form.send(**IVY, start="2000-01-01T10:00:00Z").status == 409


def test_a_last_time_that_is_lost_still_leaves_a_way_on(client, ana):
    form = Paper.open(client, form_address(at(tomorrow(), 9)))
    take_everything(ana, tomorrow() - timedelta(days=2), tomorrow() + timedelta(days=90))
    page = form.send(**IVY)
    assert page.status == 409
    assert page.follow("Look for free times").status == 200


@pytest.mark.parametrize(
    "start",
    [
        "",
        "rubbish",
        "2027-03-01T10:00:00",
        "9999-12-31T23:59:59Z",
        "0001-01-01T00:00:00+14:00",
        "2020-01-01T10:00:00Z",
        "2199-12-31T23:59:59Z",
    ],
)
def test_a_form_with_an_impossible_time_offers_possible_ones(client, ana, start):
    page = Paper.open(client, form_address(at(tomorrow(), 9))).send(**IVY, start=start)
    assert page.status == 409
    assert len(page.texts("//fieldset//label")) > 0
    assert not Booking.objects.exists()


def test_a_time_off_the_grid_is_refused_in_the_address_and_in_the_form(client, ana):
    page = Paper.open(client, form_address(at(tomorrow(), 9, 10)))
    assert page.status == 409
    assert page.texts("//*[@id='message']/h2") == ["That time is no longer free"]
    assert page.times == clocks(at(tomorrow(), 9), count=16)
    form = Paper.open(client, form_address(at(tomorrow(), 9)))
    assert form.send(**IVY, start=at(tomorrow(), 9, 10).isoformat()).status == 409
    assert not Booking.objects.exists()


def test_an_unreadable_calendar_books_nothing_and_keeps_what_was_typed(client, ana):
    ConnectionFactory(
        user=ana,
        caldav_url="http://127.0.0.1:9/",
        calendar_id="http://127.0.0.1:9/calendar/",
        last_synced_at=datetime(2020, 1, 1, tzinfo=UTC),
    )
    form = Paper.open(client, form_address(at(tomorrow(), 9)))
    page = form.send(**IVY)
    assert page.status == 503
    assert page.response.headers["Retry-After"] == "30"
    assert page.texts("//*[@id='message']/h2") == ["Not booked yet"]
    assert page.typed() == form.typed() | IVY
    assert page.texts("//form//button") == ["Try again"]
    assert not Booking.objects.exists()


@limits(bookings_per_email="10/hour")
def test_too_many_bookings_in_a_short_time_have_to_wait(client, ana):
    for n in range(10):
        form = Paper.open(client, form_address(at(tomorrow() + timedelta(days=n), 9)))
        assert form.send(**IVY).status == 200
    form = Paper.open(client, form_address(at(tomorrow(), 10)))
    page = form.send(**IVY)
    assert page.status == 429
    assert 3500 < int(page.response.headers["Retry-After"]) <= 3600
    assert page.text.count("please try again in 60 minutes") == 1
    assert page.typed() == form.typed() | IVY
    assert Booking.objects.count() == 10
    assert form.send(**IVY | {"email": "other@example.com"}).status == 200


@pytest.mark.parametrize("headers", [{}, {"Origin": "https://evil.example"}, {"Origin": "null"}])
def test_a_form_from_elsewhere_is_not_believed(client, ana, headers):
    address = form_address(at(tomorrow(), 9))
    sent = Paper.open(client, address).typed() | IVY
    page = Paper(client, client.post(address, sent, headers=headers))
    assert page.status == 403
    assert page.text.startswith("Nothing has been booked")
    assert not Booking.objects.exists()
    assert page.follow("Open the page again").send(**IVY).text.startswith("Booked")


def test_the_pages_set_no_cookie(client, ana):
    page = Paper.open(client, "/book/ana/").follow(day_name(tomorrow())).follow("09:00").send(**IVY)
    assert page.text.startswith("Booked")
    assert dict(client.cookies) == {}


def test_no_address_holds_personal_data(client, ana):
    page = Paper.open(client, form_address(at(tomorrow(), 9))).send(**IVY, notes="secret")
    assert re.fullmatch(r"/booking/[\w-]{43}/", page.address)


# --- the invitee's page ---------------------------------------------------------------------------


def booked(**changes) -> tuple[Booking, str]:
    """A booking tomorrow at nine, and the address of its page."""
    fields = {
        "start_time": at(tomorrow(), 9),
        "title": "Talk",
        "location": "https://meet.example.com/ana",
        "invitee_time_zone": "Asia/Kathmandu",
    }
    user = changes.pop("user", None) or bookable_consultant(email="ana@example.com")
    booking = BookingFactory(user=user, **fields | changes)
    token = manage_token(booking)
    Booking.objects.filter(pk=booking.pk).update(manage_token_hash=hash_of(token))
    return booking, f"/booking/{token}/"


def test_the_invitees_page_says_what_when_where_who_and_how_to_change_it(client):
    booking, address = booked(invitee_notes="Line one\nLine two")
    page = Paper.open(client, address)
    local = booking.start_time.astimezone(ZoneInfo("Asia/Kathmandu"))
    hours = f"{local:%H:%M}–{local + timedelta(minutes=30):%H:%M}"
    assert page.texts("//dl/div") == [
        f"When {day_name(local)} {local.year}, {hours}, Asia/Kathmandu (UTC+05:45)",
        "Where https://meet.example.com/ana",
        "Who Ana Ruiz Ivy Invitee",
        "Your notes Line one Line two",
    ]
    assert "The confirmation goes to ivy@example.com." in page.text
    assert "Any questions? Write to Ana Ruiz: ana@example.com." in page.text
    assert page.links["ana@example.com"].startswith("mailto:ana@example.com?subject=Talk%3A%20")
    assert page.links["https://meet.example.com/ana"] == "https://meet.example.com/ana"


def test_the_booking_can_be_put_into_the_invitees_own_calendar(client):
    booking, address = booked()
    file = client.get(Paper.open(client, address).links["Add to your calendar"])
    assert file.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert file.headers["Content-Disposition"] == 'attachment; filename="invite.ics"'
    lines = file.content.decode().split("\r\n")
    assert "METHOD:PUBLISH" in lines
    assert f"DTSTART:{booking.start_time.astimezone(UTC):%Y%m%dT%H%M%SZ}" in lines


def test_a_cancelled_booking_says_so_and_offers_a_new_one(client):
    _, address = booked(status=BookingStatus.CANCELLED)
    page = Paper.open(client, address)
    assert page.text.startswith("Cancelled Talk with Ana Ruiz This booking was cancelled.")
    assert list(page.links) == ["https://meet.example.com/ana", "Book another time with Ana Ruiz"]
    assert b"METHOD:CANCEL" in client.get(f"{address}invite.ics").content


def test_a_past_booking_can_no_longer_be_changed(client):
    _, address = booked(start_time=datetime(2020, 1, 1, 10, tzinfo=UTC))
    page = Paper.open(client, address)
    assert page.text.startswith("In the past Talk with Ana Ruiz When Wednesday 1 January 2020")
    assert "write to" not in page.text


@pytest.mark.parametrize("path", ["/booking/unknown/", "/booking/unknown/invite.ics"])
def test_an_unknown_token_opens_nothing_and_says_where_to_look(client, db, path):
    page = Paper.open(client, path)
    assert page.status == 404
    assert page.text.startswith("This address leads to no booking It may have been cut off")


# --- what browsers are told -----------------------------------------------------------------------


def test_every_page_is_guarded_and_never_cached(client, settings):
    settings.ALLOWED_ORIGINS = ["https://ana.example", "https://www.ana.example:8443"]
    _, booking_page = booked()
    pages = {
        "/book/ana/": 200,
        "/book/ana/?choose=zone": 200,
        form_address(at(tomorrow(), 10)): 200,
        form_address(at(tomorrow(), 9)): 409,
        booking_page: 200,
        f"{booking_page}invite.ics": 200,
        "/book/nobody/": 404,
        "/booking/unknown/": 404,
    }
    for address, status in pages.items():
        response = client.get(address)
        assert response.status_code == status, address
        assert response.headers["Content-Security-Policy"] == (
            "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; "
            "frame-ancestors 'self' https://ana.example https://www.ana.example:8443"
        )
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["X-Robots-Tag"] == "noindex"
        assert response.headers["Referrer-Policy"] == "same-origin"
        assert "X-Frame-Options" not in response.headers


def test_the_pages_hold_no_inline_script_or_style(client, ana):
    for address in ("/book/ana/", "/book/ana/?choose=zone", form_address(at(tomorrow(), 9))):
        tree = Paper.open(client, address).tree
        assert tree.xpath("//script[not(@src)] | //style | //@style | //@onclick") == []


def test_an_embedded_page_stays_embedded_to_the_end(client, ana):
    page = Paper.open(client, "/book/ana/?embed=1")
    steps = [page, page := page.follow(day_name(tomorrow())), page := page.follow("09:00")]
    steps += [page := page.send(**IVY), page.follow("Book another time")]
    assert [step.tree.find("body").get("class") for step in steps] == ["embedded"] * 5


def test_the_script_for_other_websites_has_an_address_that_never_changes(client):
    response = client.get("/embed.js")
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert response.headers["Cache-Control"] == "public, max-age=3600"
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert b'customElements.define("calsync-booking"' in b"".join(response)
    unchanged = {"If-Modified-Since": response.headers["Last-Modified"]}
    assert client.get("/embed.js", headers=unchanged).status_code == 304


def test_a_missing_page_is_friendly(client):
    page = Paper.open(client, "/nothing/here/")
    assert page.status == 404
    assert page.text.startswith("There is no page at this address")


def test_the_page_for_faults_needs_nothing_that_may_be_at_fault():
    page = render_to_string("500.html")
    assert "Something went wrong on our side" in page
    assert re.findall(r"(?:src|href)=", page) == []


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_only_reading_and_sending_are_understood(client, ana, method):
    assert getattr(client, method)("/book/ana/").status_code == 405
    assert client.post("/booking/unknown/", headers={"Origin": ORIGIN}).status_code == 405
