"""The desk's first page: first steps, what needs attention, bookings, calendars."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from availability.models import AvailabilityRule, BookingSettings
from bookings.booking_mails import OUTDATED, BookingMail
from bookings.models import Booking
from calsync.dashboard import Desk
from connections.models import CalendarConnection, Consultant
from tests.factories import (
    AvailabilityRuleFactory,
    BookingFactory,
    ConnectionFactory,
    ConsultantFactory,
    SyncedEventFactory,
)

pytestmark = pytest.mark.django_db

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
SOON = NOW + timedelta(hours=2)
HOUR = timedelta(hours=1)


@pytest.fixture
def new_consultant() -> Consultant:
    return ConsultantFactory()


def desk_of(consultant: Consultant) -> Desk:
    """What the page shows at NOW."""
    return Desk(Consultant.objects.get(pk=consultant.pk), now=NOW)


# --- first steps ---------------------------------------------------------------------------------


def test_new_consultant_is_shown_every_step(client, new_consultant):
    client.force_login(new_consultant)

    page = client.get("/admin/").content.decode()

    assert "First steps" in page
    assert "Connect Apple or CalDAV calendar" in page
    assert "Set the time zone" in page
    assert "Use Monday–Friday 9–17" in page
    assert f"http://testserver/book/{new_consultant.slug}/" in page


@pytest.mark.parametrize(
    ("google", "microsoft", "said"),
    [
        ("", "", "Google Calendar and Outlook: not set up here. Ask whoever runs calsync."),
        ("id", "", "Outlook: not set up here. Ask whoever runs calsync."),
        ("id", "id", None),
    ],
)
def test_providers_that_are_not_set_up_are_named(
    client, new_consultant, settings, google, microsoft, said
):
    settings.GOOGLE_CLIENT_ID = settings.GOOGLE_CLIENT_SECRET = google
    settings.MICROSOFT_CLIENT_ID = settings.MICROSOFT_CLIENT_SECRET = microsoft
    client.force_login(new_consultant)

    page = client.get("/admin/").content.decode()

    assert said in page if said else "not set up here" not in page


def test_steps_go_one_by_one(new_consultant):
    ConnectionFactory(user=new_consultant, is_active=False)
    desk = desk_of(new_consultant)
    assert (desk.needs_calendar, desk.needs_time_zone, desk.needs_hours) == (True, True, True)

    ConnectionFactory(user=new_consultant)
    assert desk_of(new_consultant).needs_calendar is False

    BookingSettings.objects.filter(user=new_consultant).update(time_zone="Asia/Tokyo")
    assert desk_of(new_consultant).needs_time_zone is False

    AvailabilityRuleFactory(user=new_consultant)
    desk = desk_of(new_consultant)
    assert (desk.needs_hours, desk.is_new) == (False, False)


@pytest.mark.django_db(transaction=True)
def test_who_keeps_utc_on_purpose_is_not_asked_again(client, new_consultant):
    client.force_login(new_consultant)
    settings = new_consultant.booking_settings
    form = client.get(f"/admin/availability/bookingsettings/{settings.pk}/change/").context
    values = form["adminform"].form.initial

    client.post(
        f"/admin/availability/bookingsettings/{settings.pk}/change/",
        {name: value for name, value in values.items() if value is not None},
    )

    assert desk_of(new_consultant).needs_time_zone is False


def test_steps_disappear_when_all_are_done(desk, consultant):
    ConnectionFactory(user=consultant, is_primary=True)
    AvailabilityRuleFactory(user=consultant)

    page = desk.get("/admin/").content.decode()

    assert "First steps" not in page
    assert f"http://testserver/book/{consultant.slug}/" in page


def test_office_hours_take_one_click(desk, consultant):
    for _ in range(2):  # a double click
        desk.post("/admin/availability/availabilityrule/office-hours/")

    rules = AvailabilityRule.objects.filter(user=consultant).order_by("day_of_week")
    assert [str(rule) for rule in rules] == [
        "Monday 09:00–17:00",
        "Tuesday 09:00–17:00",
        "Wednesday 09:00–17:00",
        "Thursday 09:00–17:00",
        "Friday 09:00–17:00",
    ]


def test_office_hours_leave_hours_alone_that_are_there(desk, consultant):
    rule = AvailabilityRuleFactory(user=consultant, day_of_week=6)

    desk.post("/admin/availability/availabilityrule/office-hours/")

    assert AvailabilityRule.objects.get() == rule


# --- calendars -----------------------------------------------------------------------------------


def test_calendars_are_shown_with_their_state_and_age(desk, consultant):
    now = timezone.now()
    ConnectionFactory(
        user=consultant,
        calendar_name="Work",
        is_primary=True,
        last_synced_at=now - timedelta(minutes=3),
        next_sync_at=now + timedelta(minutes=10, seconds=5),
    )
    ConnectionFactory(user=consultant, calendar_name="Left out", is_active=False)

    page = desk.get("/admin/").content.decode()

    for text in ("Work", "Up to date.", "3\xa0minutes ago", "10\xa0minutes from now"):
        assert text in page
    assert "Receives bookings" in page
    assert "Left out" not in page


def test_page_says_how_many_calendars_are_followed_closely(desk, consultant):
    now = timezone.now()
    ConnectionFactory(user=consultant, next_sync_at=now)
    for _ in range(2):
        ConnectionFactory(user=consultant, next_sync_at=now + HOUR, webhook_expiration=now + HOUR)
    ConnectionFactory(user=consultant, next_sync_at=now + HOUR)
    ConnectionFactory(user=consultant, next_sync_at=None, reconnect_needed_at=now)

    page = desk.get("/admin/").content.decode()

    assert "3 of 4 calendars followed: push 2, fast poll 1." in page


@pytest.mark.parametrize(
    ("provider", "address", "is_said"),
    [("google", "", True), ("google", "https://x.example/webhooks", False), ("apple", "", False)],
)
def test_page_says_when_providers_cannot_tell_of_changes(
    desk, consultant, settings, provider, address, is_said
):
    settings.PUSH_ADDRESS = address
    ConnectionFactory(user=consultant, provider=provider)
    page = desk.get("/admin/").content.decode()
    assert ("No public https address is configured" in page) == is_said


def test_page_says_what_the_comparison_with_the_provider_has_shown(desk, consultant):
    row = ConnectionFactory(
        user=consultant,
        verified_at=timezone.now() - 3 * HOUR,
        drift_missing_minutes=60,
        drift_surplus_minutes=0,
    )
    found = "60 minutes missing, 0 minutes too many. A full sync is due."
    first_page = desk.get("/admin/").content.decode()
    assert found in first_page
    assert "3\xa0hours ago" in first_page
    page = desk.get(f"/admin/connections/calendarconnection/{row.pk}/change/").content.decode()
    assert found in page
    assert "Last verified:" in page


def test_each_account_that_needs_a_new_sign_in_is_announced_once(consultant):
    for account in ("anna@example.com", "anna@example.com", "work@example.com"):
        ConnectionFactory(user=consultant, provider_email=account, reconnect_needed_at=NOW)
    ConnectionFactory(user=consultant, provider_email="fine@example.com")

    announced = [row.provider_email for row in desk_of(consultant).to_reconnect]

    assert announced == ["anna@example.com", "work@example.com"]


KEPT = "Events known by then still keep their time; that of new and changed ones can be booked."
CLOSED = "Nothing is offered once what is known of them is out of date, as your settings say."


@pytest.mark.parametrize(
    ("policy", "blocks", "said"),
    [
        ("keep", True, [KEPT]),
        ("close", True, [CLOSED]),
        ("keep", False, []),
        ("close", False, []),
    ],
)
def test_banner_says_what_becomes_of_the_times_on_offer(desk, consultant, policy, blocks, said):
    consultant.booking_settings.stale_policy = policy
    consultant.booking_settings.save()
    account = {"user": consultant, "provider_email": "a@example.com", "reconnect_needed_at": NOW}
    ConnectionFactory(calendar_name="A", blocks_time=blocks, **account)
    ConnectionFactory(calendar_name="B", blocks_time=False, **account)
    page = desk.get("/admin/").content.decode()
    assert [sentence for sentence in (KEPT, CLOSED) if sentence in page] == said


def test_banner_leads_to_the_new_sign_in(desk, consultant):
    row = ConnectionFactory(user=consultant, reconnect_needed_at=NOW)

    page = desk.get("/admin/").content.decode()

    assert f'<a class="button" href="/admin/calendars/{row.pk}/reconnect/">' in page


def test_missing_destination_is_announced(desk, consultant):
    assert "No calendar receives your bookings" not in desk.get("/admin/").content.decode()

    row = ConnectionFactory(user=consultant, is_primary=False)
    assert "No calendar receives your bookings" in desk.get("/admin/").content.decode()

    row.receive_bookings()
    assert "No calendar receives your bookings" not in desk.get("/admin/").content.decode()


def test_events_that_could_not_be_read_are_shown_while_they_matter(desk, consultant):
    connection = ConnectionFactory(user=consultant)
    broken = {"problem": "Its repetition rule cannot be read.", "connection": connection}
    SyncedEventFactory(connection=connection, start_time=SOON)
    event = SyncedEventFactory(start_time=SOON, title="Odd", **broken)
    SyncedEventFactory(start_time=NOW - 2 * HOUR, **broken)
    SyncedEventFactory(start_time=SOON, problem="Foreign")
    left_out = ConnectionFactory(user=consultant, is_active=False)
    SyncedEventFactory(start_time=SOON, problem="Left out", connection=left_out)

    assert desk_of(consultant).unreadable_events == [event]
    page = desk.get("/admin/").content.decode()
    assert "Its repetition rule cannot be read." in page
    assert "Foreign" not in page


# --- bookings ------------------------------------------------------------------------------------


def test_upcoming_bookings_are_those_that_still_stand(consultant):
    def book(days: int, **fields) -> Booking:
        return BookingFactory(user=consultant, start_time=NOW + timedelta(days=days), **fields)

    running = BookingFactory(user=consultant, start_time=NOW - HOUR, end_time=NOW + HOUR)
    later, soon = book(3), book(1)
    held = book(2, status="pending", hold_expires_at=SOON)
    book(4, status="pending", hold_expires_at=NOW)
    book(5, status="cancelled")
    book(-1)
    BookingFactory(start_time=SOON)

    assert desk_of(consultant).upcoming == [running, soon, held, later]


def test_bookings_are_shown_in_the_consultants_time(desk, consultant):
    day = (timezone.now() + timedelta(days=30)).replace(month=1, day=15, hour=10, minute=0)
    start = day.replace(year=day.year + 1)
    BookingFactory(user=consultant, start_time=start, invitee_name="Ivy")

    page = desk.get("/admin/").content.decode()

    assert f"{start:%a} 15 Jan, 11:00–11:30" in page


def test_bookings_whose_event_is_not_written_are_shown(desk, consultant):
    refused = "The calendar is read-only."

    def book(days: int, state: str, **fields) -> Booking:
        start = NOW + timedelta(days=days)
        return BookingFactory(user=consultant, start_time=start, event_state=state, **fields)

    failed = book(1, "failed", event_error=refused)
    homeless = book(2, "none")
    retried = book(3, "due", event_error="Error 503.", event_attempts=1)
    not_removed = book(4, "due", event_error="Error 503.", event_attempts=2, status="cancelled")
    book(5, "due")
    book(6, "due", event_attempts=1)  # being written for the first time
    book(7, "written")
    book(8, "none", status="cancelled")
    book(-1, "failed", event_error=refused)

    assert desk_of(consultant).unwritten == [failed, homeless, retried, not_removed]


def test_unwritten_bookings_are_tried_again_at_once(desk, consultant):
    start = timezone.now() + timedelta(days=1)
    booking = BookingFactory(user=consultant, start_time=start, event_state="failed")
    foreign = BookingFactory(start_time=start, event_state="failed")

    page = desk.post("/admin/bookings/booking/retry-events/", follow=True).content.decode()
    assert "no connected calendar receives bookings" in page

    ConnectionFactory(user=consultant, is_primary=True)
    ConnectionFactory(user=foreign.user, is_primary=True)
    page = desk.post("/admin/bookings/booking/retry-events/", follow=True).content.decode()

    assert "The bookings are written within the next seconds." in page
    booking.refresh_from_db()
    foreign.refresh_from_db()
    assert (booking.event_state, foreign.event_state) == ("due", "failed")


def test_mails_that_could_not_be_sent_are_shown(consultant):
    def owe(**fields) -> BookingMail:
        booking = BookingFactory(
            user=fields.pop("user", consultant), owes_mails=False, **fields.pop("at", {})
        )
        return BookingMail.objects.create(
            booking=booking, kind="confirmation", recipient="invitee", **fields
        )

    stuck = owe(error="The mail server is not reachable.")
    owe(at={"start_time": SOON + 2 * HOUR}, error=OUTDATED, due_at=None)
    owe(at={"start_time": SOON})
    owe(error="once", sent_at=NOW, at={"start_time": SOON + HOUR})
    owe(error="foreign", user=ConsultantFactory())

    assert desk_of(consultant).unsent_mails == [stuck]


def test_attention_is_asked_for_only_where_it_is_needed(desk, consultant):
    assert "Needs your attention" not in desk.get("/admin/").content.decode()

    start = timezone.now() + timedelta(days=1)
    BookingFactory(user=consultant, start_time=start, event_state="failed", event_error="Why")

    assert "Needs your attention" in desk.get("/admin/").content.decode()


def test_first_page_asks_few_questions(desk, consultant, django_assert_max_num_queries):
    for _ in range(12):
        connection = ConnectionFactory(user=consultant)
        SyncedEventFactory(connection=connection, problem="odd")
    CalendarConnection.objects.filter(pk=connection.pk).update(is_primary=True)

    with django_assert_max_num_queries(16):
        desk.get("/admin/")
