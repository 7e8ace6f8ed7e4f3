"""Weekly hours, exceptions, blocked dates, meeting types, settings, as a consultant edits them."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from availability.models import (
    AvailabilityException,
    AvailabilityRule,
    BlockedDate,
    BookingSettings,
    MeetingType,
    Weekday,
)
from connections.models import CalendarConnection, Consultant
from tests.factories import (
    AvailabilityExceptionFactory,
    AvailabilityRuleFactory,
    ConnectionFactory,
    MeetingTypeFactory,
)

pytestmark = pytest.mark.django_db

WEEK = "/admin/availability/availabilityrule/"


def errors_of(response) -> dict[str, list[str]]:
    """What a form complains of, by field."""
    return dict(response.context["adminform"].form.errors)


# --- the week ------------------------------------------------------------------------------------


def week_as_sent(desk: Client, address: str = WEEK) -> dict:
    """The week's form as the browser would send it back unchanged."""
    formset = desk.get(address).context["week"]
    fields = [field for form in formset for field in form]
    data = {field.html_name: field.value() for field in fields}
    for name in ("TOTAL_FORMS", "INITIAL_FORMS"):
        data[f"form-{name}"] = formset.management_form[name].value()
    return {name: "" if value is None else str(value) for name, value in data.items()}


def row_of(data: dict, day: int, *, is_empty: bool) -> str:
    """The prefix of the first filled, or of the empty, row of a weekday."""
    prefixes = [name.removesuffix("-day_of_week") for name in data if name.endswith("day_of_week")]
    return next(
        prefix
        for prefix in prefixes
        if data[f"{prefix}-day_of_week"] == str(day)
        and (data[f"{prefix}-start_time"] == "") == is_empty
    )


def hours(consultant: Consultant) -> list[str]:
    rules = AvailabilityRule.objects.filter(user=consultant)
    return [str(rule) for rule in rules.order_by("day_of_week", "start_time")]


def test_a_week_is_filled_in_on_one_page(desk, consultant):
    data = week_as_sent(desk)
    for day, start, end in ((0, "09:00", "12:30"), (2, "08:15", "00:00")):
        row = row_of(data, day, is_empty=True)
        data |= {f"{row}-start_time": start, f"{row}-end_time": end}

    desk.post(WEEK, data)

    assert hours(consultant) == ["Monday 09:00–12:30", "Wednesday 08:15–00:00"]


def test_a_day_has_room_for_one_interval_more(desk, consultant):
    AvailabilityRuleFactory(user=consultant, end_time=time(12))
    data = week_as_sent(desk)
    row = row_of(data, 0, is_empty=True)

    desk.post(WEEK, data | {f"{row}-start_time": "13:00", f"{row}-end_time": "17:00"})

    assert hours(consultant) == ["Monday 09:00–12:00", "Monday 13:00–17:00"]


def test_every_day_stands_on_the_page_once_with_an_empty_line_at_its_end(desk, consultant):
    AvailabilityRuleFactory(user=consultant, day_of_week=2, start_time=time(13))
    AvailabilityRuleFactory(user=consultant, day_of_week=2, end_time=time(12))

    week = desk.get(WEEK).context["week"].by_day()

    lines = {day: [row["start_time"].value() for row in rows] for day, rows in week}
    assert list(lines) == [day.label for day in Weekday]
    assert lines["Wednesday"] == [time(9), time(13), None]
    assert lines["Sunday"] == [None]


def test_emptied_line_is_removed(desk, consultant):
    AvailabilityRuleFactory(user=consultant)
    AvailabilityRuleFactory(user=consultant, day_of_week=1)
    data = week_as_sent(desk)
    row = row_of(data, 0, is_empty=False)

    desk.post(WEEK, data | {f"{row}-start_time": "", f"{row}-end_time": ""})

    assert hours(consultant) == ["Tuesday 09:00–17:00"]


def test_week_sent_back_unchanged_changes_nothing(desk, consultant):
    rule = AvailabilityRuleFactory(user=consultant, valid_until=date(2027, 6, 30))

    response = desk.post(WEEK, week_as_sent(desk))

    assert response.status_code == 302
    assert AvailabilityRule.objects.get().valid_until == rule.valid_until


@pytest.mark.parametrize(
    ("start", "end", "error"),
    [
        ("17:00", "09:00", "The end must be after the start."),
        ("09:00", "", "Give both times, or none."),
        ("25:00", "26:00", "Enter a valid time."),
    ],
)
def test_impossible_hours_are_told_and_not_stored(desk, consultant, start, end, error):
    data = week_as_sent(desk)
    row = row_of(data, 0, is_empty=True)

    page = desk.post(WEEK, data | {f"{row}-start_time": start, f"{row}-end_time": end})

    assert error in page.content.decode()
    assert hours(consultant) == []


def test_rows_of_another_consultant_cannot_be_smuggled_into_the_week(desk):
    foreign = AvailabilityRuleFactory()
    data = {
        "form-TOTAL_FORMS": "1",
        "form-INITIAL_FORMS": "1",
        "form-0-id": str(foreign.pk),
        "form-0-day_of_week": "0",
        "form-0-start_time": "",
        "form-0-end_time": "",
    }

    desk.post(WEEK, data)

    assert AvailabilityRule.objects.get() == foreign


def test_consultant_cannot_open_the_week_of_another(desk, consultant):
    foreign = AvailabilityRuleFactory(start_time=time(3, 33))

    page = desk.get(f"{WEEK}?consultant={foreign.user_id}")

    assert page.context["consultant"] == consultant
    assert "03:33" not in page.content.decode()


def test_superuser_edits_the_week_of_another(superuser_desk, consultant):
    address = f"{WEEK}?consultant={consultant.pk}"
    data = week_as_sent(superuser_desk, address)
    row = row_of(data, 0, is_empty=True)

    superuser_desk.post(address, data | {f"{row}-start_time": "09:00", f"{row}-end_time": "10:00"})

    assert hours(consultant) == ["Monday 09:00–10:00"]


def test_hours_can_hold_for_part_of_the_year(desk, consultant):
    desk.post(
        reverse("admin:availability_availabilityrule_add"),
        {
            "day_of_week": "4",
            "start_time": "10:00",
            "end_time": "12:00",
            "valid_from": "2027-06-01",
            "valid_until": "2027-08-31",
        },
    )

    rule = AvailabilityRule.objects.get()
    assert (rule.user, rule.valid_from, rule.valid_until) == (
        consultant,
        date(2027, 6, 1),
        date(2027, 8, 31),
    )
    assert "from Tue 1 Jun 2027 until Tue 31 Aug 2027" in desk.get(WEEK).content.decode()


# --- exceptions ----------------------------------------------------------------------------------


def save_exception(desk: Client, **values):
    return desk.post(reverse("admin:availability_availabilityexception_add"), values)


def test_a_span_of_days_is_closed(desk, consultant):
    save_exception(desk, start_date="2027-03-05", end_date="2027-03-09", is_closed="on")

    exception = AvailabilityException.objects.get()
    assert (exception.user, exception.is_closed, exception.rrule) == (consultant, True, "")


@pytest.mark.parametrize(
    ("repeats", "rule"),
    [
        ("", ""),
        ("weekly", "FREQ=WEEKLY"),
        ("fortnightly", "FREQ=WEEKLY;INTERVAL=2"),
        ("monthly", "FREQ=MONTHLY;BYDAY=1FR"),
        ("yearly", "FREQ=YEARLY"),
    ],
)
def test_usual_repetitions_are_chosen_by_name(desk, repeats, rule):
    save_exception(desk, start_date="2027-03-05", is_closed="on", repeats=repeats)

    exception = AvailabilityException.objects.get()
    assert exception.rrule == rule
    form = desk.get(
        reverse("admin:availability_availabilityexception_change", args=[exception.pk])
    ).context["adminform"]
    assert form.form["repeats"].value() == repeats


def test_any_other_repetition_is_a_rule(desk):
    rule = "FREQ=MONTHLY;BYMONTHDAY=15;COUNT=6"

    save_exception(desk, start_date="2027-03-15", is_closed="on", repeats="other", rrule=rule)

    exception = AvailabilityException.objects.get()
    assert exception.rrule == rule
    form = desk.get(
        reverse("admin:availability_availabilityexception_change", args=[exception.pk])
    ).context["adminform"]
    assert form.form["repeats"].value() == "other"


@pytest.mark.parametrize(
    ("values", "field", "error"),
    [
        ({"end_date": "2027-03-04"}, "end_date", "The last day must not be before the first."),
        ({"start_time": "09:00"}, "is_closed", "Untick this, or leave the hours empty."),
        ({"is_closed": ""}, "start_time", "Say from when to when you are open instead."),
        (
            {"is_closed": "", "start_time": "12:00", "end_time": "09:00"},
            "end_time",
            "The end must be after the start.",
        ),
        ({"repeats": "other"}, "rrule", "Write the rule here, or choose another way to repeat."),
    ],
)
def test_impossible_exception_is_told_where_it_is(desk, values, field, error):
    response = save_exception(desk, **{"start_date": "2027-03-05", "is_closed": "on"} | values)

    assert errors_of(response) == {field: [error]}
    assert not AvailabilityException.objects.exists()


@pytest.mark.parametrize("rule", ["every friday", "FREQ=HOURLY", "FREQ=DAILY;BYHOUR=9", "FREQ=;"])
def test_rule_that_cannot_be_followed_is_refused(desk, rule):
    response = save_exception(
        desk, start_date="2027-03-05", is_closed="on", repeats="other", rrule=rule
    )

    assert "This is not a rule that calsync can follow." in response.content.decode()
    assert not AvailabilityException.objects.exists()


def test_changing_an_exception_keeps_its_consultant(superuser_desk, consultant):
    exception = AvailabilityExceptionFactory(user=consultant, start_date=date(2027, 3, 5))

    superuser_desk.post(
        reverse("admin:availability_availabilityexception_change", args=[exception.pk]),
        {"start_date": "2027-03-06", "is_closed": "on", "reason": "moved"},
    )

    exception.refresh_from_db()
    assert (exception.user, exception.start_date) == (consultant, date(2027, 3, 6))


# --- blocked dates -------------------------------------------------------------------------------


def block(desk: Client, **values):
    return desk.post(reverse("admin:availability_blockeddate_add"), values)


def test_time_is_blocked_in_the_consultants_zone(desk, consultant):
    block(
        desk,
        start_time_0="2027-07-05",
        start_time_1="09:00",
        end_time_0="2027-07-05",
        end_time_1="11:30",
    )

    blocked = BlockedDate.objects.get()
    assert blocked.user == consultant
    assert blocked.start_time == datetime(2027, 7, 5, 7, tzinfo=UTC)
    assert blocked.end_time == datetime(2027, 7, 5, 9, 30, tzinfo=UTC)
    assert "2027-07-05 09:00" in desk.get("/admin/availability/blockeddate/").content.decode()


def test_each_input_of_a_moment_says_what_it_is(desk):
    page = desk.get("/admin/availability/blockeddate/add/").content.decode()
    for label in ("From: date", "From: time", "To: date", "To: time"):
        assert page.count(f'aria-label="{label}"') == 1


def test_whole_days_are_blocked(desk):
    block(desk, start_date="2027-07-05", end_date="2027-07-09", reason="Holidays")

    blocked = BlockedDate.objects.get()
    assert (blocked.start_date, blocked.end_date) == (date(2027, 7, 5), date(2027, 7, 9))


NINE = {"start_time_0": "2027-07-05", "start_time_1": "09:00"}
EIGHT = {"end_time_0": "2027-07-05", "end_time_1": "08:00"}


@pytest.mark.parametrize(
    ("values", "errors"),
    [
        ({}, {"__all__": ["Give either whole days, or a time from and to."]}),
        (
            NINE | {"start_date": "2027-07-05"},
            {"__all__": ["Give either whole days, or a time from and to."]},
        ),
        (NINE, {"__all__": ["Give both times: from when and to when."]}),
        (
            {"start_date": "2027-07-05"},
            {"__all__": ["Give both days: the first and the last."]},
        ),
        (NINE | EIGHT, {"end_time": ["The end must be after the start."]}),
        (NINE | EIGHT | {"end_time_1": "25:00"}, {"end_time": ["Enter a valid time."]}),
        ({"start_date": "soon"}, {"start_date": ["Enter a valid date."]}),
        (
            {"start_date": "2027-07-05", "end_date": "2027-07-04"},
            {"end_date": ["The last day must not be before the first."]},
        ),
    ],
)
def test_impossible_block_is_told(desk, values, errors):
    assert errors_of(block(desk, **values)) == errors
    assert not BlockedDate.objects.exists()


# --- meeting types -------------------------------------------------------------------------------


def save_meeting_type(desk: Client, pk=None, **values):
    address = f"admin:availability_meetingtype_{'change' if pk else 'add'}"
    data = {"title": "Intro", "slug": "intro", "is_active": "on"} | values
    return desk.post(reverse(address, args=[pk] if pk else []), data)


def test_meeting_type_is_made_with_its_questions(desk, consultant):
    save_meeting_type(
        desk,
        duration="45",
        questions="What is it about? *\nHow shall we meet? * | Phone | Video\n\nCompany",
    )

    made = MeetingType.objects.get()
    assert (made.user, made.duration) == (consultant, 45)
    assert made.questions == [
        {
            "name": "what-is-it-about",
            "label": "What is it about?",
            "required": True,
            "type": "text",
        },
        {
            "name": "how-shall-we-meet",
            "label": "How shall we meet?",
            "required": True,
            "type": "select",
            "options": ["Phone", "Video"],
        },
        {"name": "company", "label": "Company", "required": False, "type": "text"},
    ]


def test_address_of_a_meeting_type_is_taken_once_for_each_consultant(desk, consultant):
    MeetingTypeFactory(slug="intro")
    save_meeting_type(desk)

    response = save_meeting_type(desk)

    assert errors_of(response) == {
        "__all__": ["Another meeting type has this address. Choose another."]
    }
    assert MeetingType.objects.filter(user=consultant).count() == 1


def test_list_of_meeting_types_says_how_long_each_is(desk, consultant):
    MeetingTypeFactory(user=consultant, title="A", slug="a-talk", duration=None)
    MeetingTypeFactory(user=consultant, title="B", slug="a-day", duration=480)
    page = desk.get("/admin/availability/meetingtype/").content.decode()
    for cell in ("a-talk", "30 minutes, as in your settings", "a-day", "480 minutes"):
        assert f">{cell}</td>" in page
    assert "Slug" not in page


def test_meeting_type_says_what_holds_while_a_field_is_empty(desk, consultant):
    BookingSettings.objects.update(duration=50, daily_limit=None, reminders=[1440, 60])
    address = reverse("admin:availability_meetingtype_add")

    fields = desk.get(address).context["adminform"].form.fields

    shown = {name: field.widget.attrs.get("placeholder") for name, field in fields.items()}
    assert (shown["duration"], shown["daily_limit"]) == (50, None)
    assert (shown["change_notice"], shown["reminders"]) == (0, "1 day, 1 hour")
    assert fields["minimum_notice"].help_text == "Minutes from now to the earliest start."


@pytest.mark.parametrize(
    ("typed", "stored", "shown"),
    [
        ("1 day, 2 hours", [1440, 120], "1 day, 2 hours"),
        ("30, 1 h, 2w , 90 min", [20_160, 90, 60, 30], "2 weeks, 90 minutes, 1 hour, 30 minutes"),
        ("1 Day, 1440, 24 hours", [1440], "1 day"),
        ("none", [], "none"),
        ("", None, ""),
    ],
)
def test_reminders_are_written_in_words(desk, typed, stored, shown):
    save_meeting_type(desk, reminders=typed)

    made = MeetingType.objects.get()

    assert made.reminders == stored
    page = desk.get(reverse("admin:availability_meetingtype_change", args=[made.pk]))
    assert page.context["adminform"].form["reminders"].value() == shown


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("tomorrow", "“tomorrow” is not a time such as 1 day, 2 hours or 30 minutes."),
        ("1 day,", "“” is not a time such as 1 day, 2 hours or 30 minutes."),
        ("2 s", "“2 s” is not a time such as 1 day, 2 hours or 30 minutes."),
        ("4", "“4”: a reminder goes out between 5 minutes and 4 weeks before."),
        ("29 days", "“29 days”: a reminder goes out between 5 minutes and 4 weeks before."),
        ("1 h, 2 h, 3 h, 4 h, 5 h, 6 h", "Give at most 5 reminders."),
    ],
)
def test_reminders_that_cannot_be_read_are_told(desk, typed, told):
    response = save_meeting_type(desk, reminders=typed)

    assert errors_of(response) == {"reminders": [told]}
    assert response.context["adminform"].form["reminders"].value() == typed
    assert not MeetingType.objects.exists()


def test_meeting_type_is_made_with_approval_a_video_call_and_notice(desk):
    save_meeting_type(
        desk, requires_approval="on", has_conference="on", change_notice="60", location="Room 1"
    )

    made = MeetingType.objects.get()

    assert (made.requires_approval, made.has_conference, made.change_notice, made.location) == (
        True,
        True,
        60,
        "Room 1",
    )


@pytest.mark.parametrize(
    ("provider", "warned"), [("apple", True), ("google", False), ("microsoft", False)]
)
def test_meeting_type_warns_that_a_calendar_makes_no_video_calls(
    desk, consultant, provider, warned
):
    ConnectionFactory(user=consultant, provider=provider, is_primary=True)
    page = desk.get(reverse("admin:availability_meetingtype_add")).content

    assert (b"The calendar that receives your bookings makes no video calls" in page) == warned


def test_meeting_type_leads_to_its_page_and_to_the_widget(desk, consultant):
    made = MeetingTypeFactory(user=consultant, slug="intro")
    page = desk.get(reverse("admin:availability_meetingtype_change", args=[made.pk])).content

    address = f"http://testserver/book/{consultant.slug}/intro/"
    assert f'<a href="{address}">{address}</a>'.encode() in page
    assert (
        f"&lt;calsync-booking consultant=&quot;{consultant.slug}&quot; meeting-type=&quot;intro"
        "&quot;&gt;"
    ).encode() in page.replace(b'"', b"&quot;")
    assert f"&lt;a href=&quot;{address}&quot;&gt;".encode() in page.replace(b'"', b"&quot;")
    new = desk.get(reverse("admin:availability_meetingtype_add")).content
    assert b"calsync-booking" not in new


@pytest.mark.parametrize(
    ("allowed", "told"),
    [
        ([], "No website may so far."),
        (
            ["https://ana.example", "https://bo.example"],
            "These websites may: https://ana.example, https://bo.example.",
        ),
    ],
)
def test_meeting_type_says_which_websites_may_show_it_and_whom_to_ask(
    desk, consultant, settings, allowed, told
):
    settings.ALLOWED_ORIGINS = allowed
    made = MeetingTypeFactory(user=consultant)
    page = desk.get(reverse("admin:availability_meetingtype_change", args=[made.pk])).content

    assert told.encode() in page
    assert b"For another one ask your administrator" in page


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"slug": "Intro Call"}, "slug"),
        ({"slug": "intro_call"}, "slug"),
        ({"duration": "4"}, "duration"),
        ({"duration": "1441"}, "duration"),
        ({"buffer_before": "-1"}, "buffer_before"),
        ({"booking_window": "731"}, "booking_window"),
        ({"minimum_notice": "525601"}, "minimum_notice"),
        ({"slot_interval": "1"}, "slot_interval"),
        ({"daily_limit": "0"}, "daily_limit"),
        ({"weekly_limit": "0"}, "weekly_limit"),
        ({"questions": "Same\nSame"}, "questions"),
        ({"questions": "How? | Phone"}, "questions"),
    ],
)
def test_meeting_type_that_the_database_would_refuse_is_told_first(desk, values, field):
    response = save_meeting_type(desk, **values)

    assert list(errors_of(response)) == [field]
    assert not MeetingType.objects.exists()


# --- settings ------------------------------------------------------------------------------------


@pytest.fixture
def settings_page(consultant) -> str:
    settings = BookingSettings.objects.get(user=consultant)
    return reverse("admin:availability_bookingsettings_change", args=[settings.pk])


def settings_as_sent(desk: Client, address: str) -> dict:
    values = desk.get(address).context["adminform"].form.initial
    return {name: value for name, value in values.items() if value is not None}


def test_settings_open_directly(desk, settings_page):
    assert desk.get("/admin/availability/bookingsettings/").url == settings_page


def test_superuser_chooses_whose_settings(superuser_desk, consultant):
    page = superuser_desk.get("/admin/availability/bookingsettings/").content.decode()

    assert str(consultant) in page


def test_settings_take_reminders_a_limit_and_notice_for_changes(desk, consultant, settings_page):
    data = settings_as_sent(desk, settings_page)
    sent = {"reminders": "2 days, 3 hours", "invitee_limit": "", "change_notice": "120"}

    desk.post(settings_page, data | sent)

    kept = BookingSettings.objects.get(user=consultant)
    assert (kept.reminders, kept.invitee_limit, kept.change_notice) == ([2880, 180], None, 120)
    desk.post(settings_page, data | {"reminders": ""})
    kept.refresh_from_db()
    assert kept.reminders == []


def test_new_time_zone_has_all_calendars_read_anew(desk, consultant, settings_page):
    later = timezone.now() + timedelta(hours=1)
    own = ConnectionFactory(user=consultant, next_sync_at=later)
    foreign = ConnectionFactory(next_sync_at=later)
    data = settings_as_sent(desk, settings_page)

    desk.post(settings_page, data | {"duration": "45"})
    assert not CalendarConnection.objects.due(timezone.now()).exists()

    desk.post(settings_page, data | {"time_zone": "America/New_York"})

    assert list(CalendarConnection.objects.due(timezone.now())) == [own]
    assert CalendarConnection.objects.get(full_sync_requested=True) == own
    foreign.refresh_from_db()
    assert foreign.next_sync_at == later


def test_unknown_time_zone_is_refused(desk, consultant, settings_page):
    data = settings_as_sent(desk, settings_page)

    response = desk.post(settings_page, data | {"time_zone": "Europe/Atlantis"})

    assert list(errors_of(response)) == ["time_zone"]
    assert BookingSettings.objects.get(user=consultant).time_zone == "Europe/Berlin"


def test_settings_are_neither_added_nor_deleted(desk, settings_page):
    assert desk.get("/admin/availability/bookingsettings/add/").status_code == 403
    assert desk.post(settings_page.replace("change", "delete"), {"post": "yes"}).status_code == 403


def test_time_zones_are_offered_by_place(desk, settings_page):
    page = desk.get(settings_page).content.decode()

    assert '<option value="Europe/Berlin" selected>' in page
    assert '<option value="America/New_York">America/New York</option>' in page
    assert "Etc/GMT" not in page
