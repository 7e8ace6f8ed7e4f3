"""What the consultant's website asks by itself, without calsync's Python."""

from datetime import date
from uuid import UUID

from django.db import connection

from availability.slots import Slot

SLOTS = """
SELECT slot_start, slot_end FROM public.get_available_slots(
  date => %(start)s, days => %(days)s, slot_duration => %(duration)s,
  consultant => %(consultant_id)s, meeting_type => %(meeting_type)s, timezone => %(time_zone)s)
"""


def offered_slots(
    *,
    consultant_id: UUID | None,
    start: date,
    days: int = 1,
    duration: int | None = None,
    meeting_type: str | None = None,
    time_zone: str | None = None,
) -> list[Slot]:
    with connection.cursor() as cursor:
        cursor.execute(SLOTS, locals())
        return [Slot(*row) for row in cursor.fetchall()]
