"""A slot that somebody asks for, and whether the SQL core and fresh calendars grant it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import connection

from availability.models import MeetingType
from availability.slots import freshness
from bookings.refusals import CalendarUnverified, SlotTaken
from connections.models import Consultant
from syncing.refresh import refresh_calendars

IS_OFFERED = """
SELECT calsync.is_offered(
  %(consultant)s, %(meeting_type)s, %(starts_at)s, %(duration)s, NULL, %(ignored)s, %(asked_at)s)
"""
# The slot as the SQL core offers it, or no row: what a booking takes its times from.
OFFERED_SLOT = """
calsync.offered_slot(
  %(consultant)s, %(meeting_type)s, %(starts_at)s, %(duration)s, NULL, %(ignored)s, %(asked_at)s)
"""
COME_ONE_BY_ONE = "SELECT calsync.come_one_by_one(%s)"


@dataclass(frozen=True, kw_only=True)
class SlotRequest:
    """``duration`` is in minutes; None means the meeting type's."""

    consultant: Consultant
    starts_at: datetime
    duration: int | None = None
    meeting_type: MeetingType | None = None

    @property
    def has_limit(self) -> bool:
        """Whether bookings of a day or week are counted, so that they must come one by one."""
        rules = [self.consultant.booking_settings]
        rules += [self.meeting_type] if self.meeting_type else []
        return any(rule.daily_limit or rule.weekly_limit for rule in rules)

    def question(self, *, ignored: UUID | None = None, now: datetime) -> dict:
        """The slot, as the SQL core is asked about it. An ``ignored`` booking is not in its way."""
        return {
            "consultant": self.consultant.pk,
            "meeting_type": self.meeting_type and self.meeting_type.pk,
            "starts_at": self.starts_at,
            "duration": self.duration,
            "ignored": ignored,
            "asked_at": now,
        }


def require_free(request: SlotRequest, *, ignored: UUID | None = None, now: datetime) -> None:
    """Ask the database, then the calendars themselves. Outside any transaction: it may be slow.

    Raises ``SlotTaken``, ``CalendarUnverified``.
    """
    _require_offered(request, ignored=ignored, now=now)
    _require_fresh_calendars(request.consultant)


def come_one_by_one(consultant: Consultant) -> None:
    """Wait for the consultant's other bookings, in a statement of its own: the next sees them."""
    with connection.cursor() as cursor:
        cursor.execute(COME_ONE_BY_ONE, [consultant.pk])


def _require_offered(request: SlotRequest, *, ignored: UUID | None, now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(IS_OFFERED, request.question(ignored=ignored, now=now))
        [is_offered] = cursor.fetchone()
    if is_offered:
        return
    if freshness(request.consultant.pk).state == "closed":
        raise CalendarUnverified
    raise SlotTaken


def _require_fresh_calendars(consultant: Consultant) -> None:
    refresh_calendars(consultant.pk, seconds=settings.BOOKING_REFRESH_SECONDS)
    if freshness(consultant.pk).state != "fresh":
        raise CalendarUnverified
