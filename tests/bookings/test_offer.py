"""What a booking page has to offer, as far as it needs no free time."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from availability.models import BookingSettings, MeetingType
from bookings.offer import Offer, instant_text
from connections.models import Consultant

NOON = datetime(2027, 3, 30, 12, tzinfo=UTC)


def offer(*, zone: str = "Europe/Berlin", meeting_type: MeetingType | None = None, **settings):
    """An offer of a consultant in Berlin; nothing is stored."""
    consultant = Consultant(name="Ana Ruiz", slug="ana")
    BookingSettings(user=consultant, time_zone="Europe/Berlin", **settings)
    return Offer(consultant=consultant, meeting_type=meeting_type, zone=ZoneInfo(zone), now=NOON)


@pytest.mark.parametrize(
    ("zone", "today", "last_day"),
    [
        ("Europe/Berlin", date(2027, 3, 30), date(2027, 3, 31)),
        ("Pacific/Kiritimati", date(2027, 3, 31), date(2027, 4, 1)),
        ("Pacific/Niue", date(2027, 3, 30), date(2027, 3, 31)),
    ],
)
def test_the_booking_window_ends_with_the_consultants_day_wherever_the_invitee_is(
    zone, today, last_day
):
    shown = offer(zone=zone, booking_window=1)
    assert (shown.today, shown.last_day) == (today, last_day)


def test_a_meeting_types_own_values_go_before_the_consultants():
    plain = offer(duration=20, booking_window=3)
    own = offer(meeting_type=MeetingType(duration=45, booking_window=0), duration=20)
    assert (plain.duration, plain.last_day) == (timedelta(minutes=20), date(2027, 4, 2))
    assert (own.duration, own.last_day) == (timedelta(minutes=45), date(2027, 3, 30))


@pytest.mark.parametrize(
    ("minutes", "length"),
    [
        (5, "5 minutes"),
        (60, "1 hour"),
        (61, "1 hour 1 minute"),
        (120, "2 hours"),
        (1440, "1 day"),
    ],
)
def test_a_duration_is_said_in_words(minutes, length):
    assert offer(duration=minutes).length == length


def test_an_instant_is_written_in_utc():
    assert instant_text(NOON.astimezone(ZoneInfo("Asia/Kathmandu"))) == "2027-03-30T12:00:00Z"


@pytest.mark.parametrize(
    ("name", "shown"),
    [("Ana\nRuiz", "Ana Ruiz"), ("", "ana"), ("A" * 300, "A" * 199 + "…")],
    ids=["two lines", "none", "long"],
)
def test_the_page_names_the_consultant_as_the_mails_do(name, shown):
    page = offer()
    page.consultant.name = name
    assert page.consultant_name == shown
