"""Weekly hours for a start."""

from datetime import time

from django.db import transaction

from availability.models import AvailabilityRule, Weekday
from connections.models import Consultant

WORKING_DAYS = [
    Weekday.MONDAY,
    Weekday.TUESDAY,
    Weekday.WEDNESDAY,
    Weekday.THURSDAY,
    Weekday.FRIDAY,
]
OPENS, CLOSES = time(9), time(17)


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
