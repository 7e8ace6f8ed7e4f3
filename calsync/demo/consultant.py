"""The demo's consultant: hours, meeting types, and calendars connected as a user would."""

from datetime import datetime, time

from availability.models import AvailabilityRule, BookingSettings, MeetingType
from calsync.demo.calendars import USER, CalendarServer
from connections.accounts import choose_calendars, list_calendars, remember_account
from connections.models import Consultant, Provider
from connections.providers.base import Credentials

EMAIL = "anna@example.com"
SLUG = "anna"
TIME_ZONE = "Europe/Berlin"


def ensure_consultant(password: str) -> Consultant:
    """Anna, made at the first start. Later starts keep what was changed, and set the password."""
    consultant = Consultant.objects.filter(email=EMAIL).first()
    if consultant is None:
        consultant = Consultant.objects.create_superuser(EMAIL, name="Anna Berg", slug=SLUG)
        _set_hours(consultant)
    consultant.set_password(password)
    consultant.save(update_fields=["password"])
    return consultant


def _set_hours(consultant: Consultant) -> None:
    BookingSettings.objects.filter(user=consultant).update(time_zone=TIME_ZONE, minimum_notice=60)
    for day in range(5):
        for start, end in ((time(9), time(12)), (time(13), time(17))):
            AvailabilityRule.objects.create(
                user=consultant, day_of_week=day, start_time=start, end_time=end
            )
    MeetingType.objects.create(
        user=consultant,
        slug="first-call",
        title="First call",
        description="Half an hour to get to know each other.",
        location="Phone",
        duration=30,
    )
    MeetingType.objects.create(
        user=consultant,
        slug="consultation",
        title="Consultation",
        description="An hour on your question, with a break before and after.",
        location="Video call",
        duration=60,
        buffer_before=15,
        buffer_after=15,
        questions=[
            {"name": "topic", "label": "What is it about?", "required": True, "type": "text"}
        ],
    )


def connect_calendars(consultant: Consultant, server: CalendarServer, *, now: datetime) -> None:
    """Sign in to the calendar server, and at the first start choose both calendars."""
    # A demo whose server's address has changed is a new one.
    consultant.connections.exclude(caldav_url=server.url).delete()
    credentials = Credentials(username=USER, password=server.password, server_url=server.url)
    calendars = list_calendars(Provider.APPLE, credentials)
    is_first = not consultant.connections.exists()
    rows = remember_account(consultant, Provider.APPLE, credentials, calendars, now=now)
    if not is_first:
        return
    for row in rows:
        row.is_active = True
    work = next(row for row in rows if row.calendar_name == "Work")
    choose_calendars(rows, destination=work, now=now)
