"""A consultant's week, and questions to the SQL core with a clock of the test's own.

Answers read like a diary.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import connection

from availability.models import MeetingType
from connections.models import Consultant
from tests.factories import (
    AvailabilityRuleFactory,
    BookingFactory,
    ConnectionFactory,
    ConsultantFactory,
    SyncedEventFactory,
)

MONDAY = date(2027, 3, 1)
LONG_BEFORE = datetime(2027, 2, 26, tzinfo=UTC)

OFFERED = """
SELECT unnest(calsync.offered_starts(
  calsync.effective_rules(%(consultant)s, %(meeting_type)s, %(duration)s, %(buffer)s, %(asked_at)s),
  calsync.wall_clock_to_instant(%(day)s::timestamp, %(zone)s),
  calsync.wall_clock_to_instant((%(day)s + %(days)s)::timestamp, %(zone)s),
  %(ignored)s, %(asked_at)s))
"""
REFUSALS = """
SELECT reason, detail FROM calsync.refusals(
  calsync.effective_rules(%(consultant)s, NULL, NULL, NULL, %(asked_at)s),
  %(starts_at)s, %(asked_at)s)
"""


def consultant_with(*hours: tuple[str, str], zone: str = "UTC", **settings) -> Consultant:
    """Works these hours on Mondays; no notice, hour-long slots unless a test says otherwise."""
    defaults = {"duration": 60, "minimum_notice": 0, "booking_window": 365, "time_zone": zone}
    consultant = ConsultantFactory(
        **{f"settings__{name}": value for name, value in (defaults | settings).items()}
    )
    for opens, closes in hours:
        AvailabilityRuleFactory(
            user=consultant,
            start_time=time.fromisoformat(opens),
            end_time=time.fromisoformat(closes),
        )
    return consultant


def busy(consultant: Consultant, start: str, end: str, **event):
    """An event of the consultant's (first) calendar on that Monday."""
    connection = consultant.connections.first() or ConnectionFactory(user=consultant)
    span = {"start_time": on(start), "end_time": on(end)}
    return SyncedEventFactory(**({"connection": connection} | span | event))


def book(consultant: Consultant, start: str, end: str, **booking):
    """A booking on that Monday, in UTC; be the consultant free or not."""
    span = {"start_time": on(start), "end_time": on(end), "request_fingerprint": "checked"}
    return BookingFactory(**({"user": consultant} | span | booking))


def offered(
    consultant: Consultant,
    day: date = MONDAY,
    *,
    days: int = 1,
    asked_at: datetime = LONG_BEFORE,
    duration: int | None = None,
    buffer: int | None = None,
    meeting_type: MeetingType | None = None,
    ignored=None,
) -> list[str]:
    """The starts on offer, as the consultant's clocks show them: ``09:00``."""
    question = {
        "consultant": consultant.pk,
        "meeting_type": meeting_type and meeting_type.pk,
        "duration": duration,
        "buffer": buffer,
        "asked_at": asked_at,
        "day": day,
        "days": days,
        "zone": consultant.zone.key,
        "ignored": ignored and ignored.pk,
    }
    with connection.cursor() as cursor:
        cursor.execute(OFFERED, question)
        return [f"{start.astimezone(consultant.zone):%H:%M}" for (start,) in cursor.fetchall()]


def refusals(
    consultant: Consultant, starts_at: datetime, *, asked_at: datetime = LONG_BEFORE
) -> list[tuple[str, str]]:
    """Why the slot is not offered: reasons and details."""
    question = {"consultant": consultant.pk, "starts_at": starts_at, "asked_at": asked_at}
    with connection.cursor() as cursor:
        cursor.execute(REFUSALS, question)
        return cursor.fetchall()


def on(text: str, zone: str = "UTC", day: date = MONDAY) -> datetime:
    """The instant at which the clocks of a zone show ``HH:MM`` on a day."""
    return datetime.fromisoformat(f"{day}T{text}").replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def every(minutes: int, first: str, last: str) -> list[str]:
    """The times from ``first`` to ``last``: ``09:00``, ``09:30`` …"""
    start, end = (datetime.strptime(text, "%H:%M") for text in (first, last))  # noqa: DTZ007
    count = (end - start) // timedelta(minutes=minutes) + 1
    return [f"{start + number * timedelta(minutes=minutes):%H:%M}" for number in range(count)]
