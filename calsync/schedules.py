"""The table of every recurring job."""

from django.db import connection, transaction
from django_q.models import Schedule

PREFIX = "calsync: "

SCHEDULES = {
    "calsync: sweep": {
        "func": "calsync.sweeper.sweep",
        "schedule_type": Schedule.MINUTES,
        "minutes": 1,
    },
    "calsync: verify calendars": {
        "func": "syncing.tasks.verify_calendars",
        "schedule_type": Schedule.DAILY,
    },
    "calsync: expand recurring exceptions": {
        "func": "availability.tasks.expand_exceptions",
        "schedule_type": Schedule.MINUTES,
        "minutes": 1,
    },
    "calsync: prune sync logs": {
        "func": "syncing.tasks.prune_logs",
        "schedule_type": Schedule.DAILY,
    },
    "calsync: forget old sessions": {
        "func": "django.core.management.call_command",
        "args": "'clearsessions'",
        "schedule_type": Schedule.DAILY,
    },
}


@transaction.atomic
def ensure_schedules() -> None:
    """Bring the stored schedules to the table above. Safe when several processes start at once.

    django-q2 does not keep schedule names unique, so a lock does.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('calsync.schedules'))")
    for name, fields in SCHEDULES.items():
        Schedule.objects.update_or_create(name=name, defaults=fields)
    Schedule.objects.filter(name__startswith=PREFIX).exclude(name__in=SCHEDULES).delete()
