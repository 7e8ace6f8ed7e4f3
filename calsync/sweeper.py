"""Finds what is due and hands it to the workers, every second.

django-q2's own schedules are half a minute coarse. So each minute one of them starts a sweeper,
which sweeps until the next one relieves it: there is always one, and never two for longer than a
second.
"""

import logging
from time import monotonic, sleep
from uuid import uuid4

from django.core.cache import cache
from django.utils import timezone
from django.utils.module_loading import import_string

logger = logging.getLogger(__name__)

# Dotted: what an app has due is the app's own affair.
DISPATCHERS = ("syncing.tasks.dispatch_due", "bookings.tasks.dispatch_due")

EVERY_SECONDS = 1
LONGEST_SHIFT_SECONDS = 180
ON_DUTY, LAST_SWEEP = "sweeper:on-duty", "sweeper:last-sweep"


def sweep() -> None:
    """Sweep until another sweeper takes over, or nobody has for too long."""
    me, began = str(uuid4()), monotonic()
    cache.set(ON_DUTY, me, timeout=None)
    while cache.get(ON_DUTY) == me and monotonic() < began + LONGEST_SHIFT_SECONDS:
        sweep_once()
        sleep(EVERY_SECONDS)


def sweep_once() -> None:
    """One look at everything that may be due. One app's failure does not stop the others."""
    for path in DISPATCHERS:
        try:
            import_string(path)(timezone.now())
        except Exception:
            logger.exception("%s failed", path)
    cache.set(LAST_SWEEP, timezone.now(), timeout=None)
