"""Whether a consultant has hours at all, and weekly hours for a start."""

from datetime import time

from django.db import transaction

from availability.models import AvailabilityException, AvailabilityRule, Weekday
from connections.models import Consultant

WORKING_DAYS = [
    Weekday.MONDAY,
    Weekday.TUESDAY,
    Weekday.WEDNESDAY,
    Weekday.THURSDAY,
    Weekday.FRIDAY,
]
OPENS, CLOSES = time(9), time(17)


def has_hours(consultant: Consultant) -> bool:
    """Whether they have said when they can be booked: week by week, or on single dates."""
    weekly = AvailabilityRule.objects.filter(user=consultant)
    opened = AvailabilityException.objects.filter(user=consultant, is_closed=False)
    return weekly.exists() or opened.exists()


@transaction.atomic
def use_office_hours(consultant: Consultant) -> bool:
    """Open from Monday to Friday, 9 to 17, unless there are weekly hours already."""
    Consultant.objects.select_for_update().get(pk=consultant.pk)  # a double click adds them once
    if AvailabilityRule.objects.filter(user=consultant).exists():
        return False
    AvailabilityRule.objects.bulk_create(
        AvailabilityRule(user=consultant, day_of_week=day, start_time=OPENS, end_time=CLOSES)
        for day in WORKING_DAYS
    )
    return True
