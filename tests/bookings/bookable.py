"""A consultant whose days are open, and the times that are then free."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone

from availability.models import Weekday
from connections.models import Consultant
from tests.factories import AvailabilityRuleFactory, BlockedDateFactory, ConsultantFactory

BERLIN = ZoneInfo("Europe/Berlin")


def bookable_consultant(**changes) -> Consultant:
    """Open every day from 9 to 17 in Berlin, for 60 days from today, at once."""
    settings = {"time_zone": BERLIN.key, "minimum_notice": 0, "booking_window": 60}
    changes = {f"settings__{name}": value for name, value in settings.items()} | changes
    consultant = ConsultantFactory(**{"name": "Ana Ruiz", "slug": "ana"} | changes)
    for weekday in Weekday:
        AvailabilityRuleFactory(user=consultant, day_of_week=weekday)
    return consultant


def tomorrow() -> date:
    """In Berlin; all of it lies ahead."""
    return timezone.now().astimezone(BERLIN).date() + timedelta(days=1)


def at(day: date, hour: int, minute: int = 0) -> datetime:
    """That wall clock in Berlin."""
    return datetime.combine(day, time(hour, minute), BERLIN)


def take_everything(consultant: Consultant, first: date, last: date) -> None:
    """Block the days from ``first`` to ``last``, both whole."""
    BlockedDateFactory(user=consultant, start_date=first, end_date=last)
