"""The table of every recurring job."""

from datetime import UTC, datetime, time, timedelta

from django.db import connection, transaction
from django_q.models import Schedule

PREFIX = "calsync: "
NIGHT = time(2, 30)  # UTC; django-q2 would begin a daily job at once, and stay at that hour

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
    "calsync: tell of conflicts": {
        "func": "bookings.tasks.owe_conflict_mails",
        "schedule_type": Schedule.MINUTES,
        "minutes": 1,
    },
    "calsync: audit": {
        "func": "bookings.tasks.audit_invariants",
        "schedule_type": Schedule.MINUTES,
        "minutes": 5,
    },
    "calsync: prune sync logs": {
        "func": "syncing.tasks.prune_logs",
        "schedule_type": Schedule.DAILY,
    },
    "calsync: forget old tries": {
        "func": "bookings.throttles.forget_old_tries",
        "schedule_type": Schedule.DAILY,
    },
    "calsync: forget old webhook deliveries": {
        "func": "bookings.tasks.prune_deliveries",
        "schedule_type": Schedule.DAILY,
    },
    "calsync: forget old sessions": {
        "func": "django.core.management.call_command",
        "args": "'clearsessions'",
        "schedule_type": Schedule.DAILY,
    },
}


@transaction.atomic
def ensure_schedules(*, now: datetime) -> None:
    """Bring the stored schedules to the table above. Safe when several processes start at once.

    Those that are there already keep their rhythm; a new daily one begins in the coming night.
    django-q2 does not keep schedule names unique, so a lock does.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('calsync.schedules'))")
    for name, fields in SCHEDULES.items():
        first = {"next_run": _first_run(fields["schedule_type"], now)}
        Schedule.objects.update_or_create(
            name=name, defaults=fields, create_defaults=fields | first
        )
    Schedule.objects.filter(name__startswith=PREFIX).exclude(name__in=SCHEDULES).delete()


def _first_run(schedule_type: str, now: datetime) -> datetime:
    if schedule_type != Schedule.DAILY:
        return now
    tonight = datetime.combine(now.astimezone(UTC), NIGHT, UTC)
    return tonight if tonight > now else tonight + timedelta(days=1)
