"""A worker in this process: it does what is due when a test says so, and all that comes of it."""

from django.utils.module_loading import import_string
from django_q.models import OrmQ

from calsync.sweeper import sweep_once


def work() -> int:
    """Sweep, and do all that is due and what comes of it, as a worker would. Says how much."""
    done = 0
    while sweep_once() or OrmQ.objects.exists():
        for queued in OrmQ.objects.order_by("pk"):
            import_string(queued.task["func"])(*queued.task["args"])
            queued.delete()
            done += 1
    return done
