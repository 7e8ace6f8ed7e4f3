"""What a booking page has to offer: one consultant's free time, in the invitee's zone."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from availability.models import MeetingType
from availability.slots import Freshness, Slot, freshness, offered_days
from bookings.models import Booking
from bookings.wording import DEFAULT_TITLE, consultant_name, length_of, title_of
from connections.models import Consultant

LONGEST_QUESTION = 92  # days that one question to the database may span


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A consultant's time for one meeting type, or for their default meeting where it is None.

    Dates are in ``zone``, the invitee's; ``now`` is the moment the page was asked for.
    """

    consultant: Consultant
    meeting_type: MeetingType | None
    zone: ZoneInfo
    now: datetime

    @property
    def title(self) -> str:
        return self.meeting_type.title if self.meeting_type else DEFAULT_TITLE

    @property
    def consultant_name(self) -> str:
        return consultant_name(self.consultant)

    @property
    def location(self) -> str:
        return self.meeting_type.location if self.meeting_type else ""

    @property
    def description(self) -> str:
        return self.meeting_type.description if self.meeting_type else ""

    @property
    def requires_approval(self) -> bool:
        return bool(self.meeting_type and self.meeting_type.requires_approval)

    @property
    def has_conference(self) -> bool:
        return bool(self.meeting_type and self.meeting_type.has_conference)

    @property
    def has_link(self) -> bool:
        """Whether the calendar makes the video call, so that its link comes by mail."""
        return self.consultant.has_calls

    @property
    def minutes(self) -> int:
        return self._setting("duration")

    @property
    def duration(self) -> timedelta:
        return timedelta(minutes=self.minutes)

    @property
    def length(self) -> str:
        """The duration in words: ``1 hour 30 minutes``."""
        return length_of(self.duration)

    @property
    def questions(self) -> list[dict]:
        return self.meeting_type.questions if self.meeting_type else []

    @property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()

    @property
    def last_day(self) -> date:
        """The last date that the booking window reaches; it is counted in the consultant's zone."""
        home = self.consultant.zone
        last = self.now.astimezone(home).date() + timedelta(days=self._setting("booking_window"))
        return datetime.combine(last, time.max, home).astimezone(self.zone).date()

    def free_days(self, first: date, last: date) -> dict[date, list[Slot]]:
        """The dates from ``first`` to ``last`` that have free time; at most 92 days apart."""
        days = offered_days(start=first, days=(last - first).days + 1, **self._subject)
        choices = ((day, list(filter(self._is_choice, slots))) for day, slots in days)
        return {day: slots for day, slots in choices if slots}

    def free_slots(self, day: date) -> list[Slot]:
        return self.free_days(day, day).get(day, [])

    def slot_at(self, start: datetime) -> Slot | None:
        """The free slot that starts at this instant, if it is still offered."""
        day = start.astimezone(self.zone).date()
        return next((slot for slot in self.free_slots(day) if slot.start == start), None)

    def next_free_day(self, first: date) -> date | None:
        """The first date with free time, neither before ``first`` nor before today."""
        first = max(first, self.today)
        while first <= self.last_day:
            following = first + timedelta(days=LONGEST_QUESTION)
            if free := self.free_days(first, following - timedelta(days=1)):
                return min(free)
            first = following
        return None

    def freshness(self) -> Freshness:
        return freshness(self.consultant.pk)

    @property
    def _subject(self) -> dict:
        return {
            "consultant_id": self.consultant.pk,
            "meeting_type": self.meeting_type.slug if self.meeting_type else None,
            "time_zone": self.zone.key,
        }

    def _is_choice(self, slot: Slot) -> bool:
        return True

    def _setting(self, name: str) -> int:
        """The meeting type's own value, else the consultant's default."""
        own = getattr(self.meeting_type, name, None)
        return getattr(self.consultant.booking_settings, name) if own is None else own


@dataclass(frozen=True, kw_only=True)
class NewTime(Offer):
    """The times that a booking can be moved to: all that are free, its own not being in the way."""

    booking: Booking

    @property
    def title(self) -> str:
        return title_of(self.booking)

    @property
    def location(self) -> str:
        return self.booking.location

    @property
    def requires_approval(self) -> bool:
        """Whether it still does: a booking that was approved of may be moved."""
        return self.booking.is_request

    @property
    def has_conference(self) -> bool:
        return self.booking.has_conference

    @property
    def minutes(self) -> int:
        return self.booking.duration // timedelta(minutes=1)

    @property
    def _subject(self) -> dict:
        own = {"duration": self.minutes, "ignored_booking": self.booking.pk}
        return super()._subject | own

    def _is_choice(self, slot: Slot) -> bool:
        return slot.start != self.booking.start_time


def instant_text(instant: datetime) -> str:
    """An instant as addresses and forms carry it: ISO 8601 in UTC."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
