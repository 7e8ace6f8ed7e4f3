"""What a booking page has to offer: one consultant's free time, in the invitee's zone."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from availability.models import MeetingType
from availability.slots import Freshness, Slot, freshness, offered_days, offered_slots
from bookings.wording import DEFAULT_TITLE, one_line
from connections.models import Consultant

LONGEST_QUESTION = 92  # days that one question to the database may span


@dataclass(frozen=True, slots=True, kw_only=True)
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
        """Never the e-mail address: the page is public."""
        return one_line(self.consultant.name) or self.consultant.slug

    @property
    def location(self) -> str:
        return self.meeting_type.location if self.meeting_type else ""

    @property
    def description(self) -> str:
        return self.meeting_type.description if self.meeting_type else ""

    @property
    def duration(self) -> timedelta:
        return timedelta(minutes=self._setting("duration"))

    @property
    def length(self) -> str:
        """The duration in words: ``1 hour 30 minutes``."""
        hours, minutes = divmod(self._setting("duration"), 60)
        parts = ((hours, "hour"), (minutes, "minute"))
        return " ".join(f"{n} {unit}{'s' if n > 1 else ''}" for n, unit in parts if n)

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
        return {day: slots for day, slots in days if slots}

    def free_slots(self, day: date) -> list[Slot]:
        return offered_slots(start=day, **self._subject)

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

    def _setting(self, name: str) -> int:
        """The meeting type's own value, else the consultant's default."""
        own = getattr(self.meeting_type, name, None)
        return getattr(self.consultant.booking_settings, name) if own is None else own


def instant_text(instant: datetime) -> str:
    """An instant as addresses and forms carry it: ISO 8601 in UTC."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
