"""Finds what is due and hands it to the workers, every second.

django-q2's own schedules are half a minute coarse, so a task sweeps for a few seconds and then
queues the next one. A worker calls for one when it starts, and a schedule does every minute, should
the chain have been broken. Whoever comes later relieves whoever is at it: there is always one
sweeper, and never two for longer than a second.
"""

import logging
from time import monotonic, sleep
from uuid import uuid4

from django.core.cache import cache
from django.utils import timezone
from django.utils.module_loading import import_string
from django_q.tasks import async_task

logger = logging.getLogger(__name__)

# Dotted: what an app has due is the app's own affair. What time alone brings about comes first.
DISPATCHERS = (
    "syncing.tasks.dispatch_due",
    "bookings.tasks.cancel_expired_holds",
    "bookings.tasks.lapse_requests",
    "bookings.tasks.give_tokens",
    "bookings.tasks.requeue_unwritten",
    "bookings.tasks.owe_alarms",
    "bookings.tasks.raise_doubts",
    "bookings.tasks.dispatch_due",
    "connections.tasks.dispatch_due",
)

EVERY_SECONDS = 1
SHIFT_SECONDS = 5
ON_DUTY, LAST_SWEEP = "sweeper:on-duty", "sweeper:last-sweep"
CALLED, CALL_LASTS_SECONDS = "sweeper:called", 10


def sweep() -> None:
    """Sweep for one shift, and queue the next; or until another sweeper takes over.

    A shift is short because a worker that is told to stop finishes its task first.
    """
    me, began = str(uuid4()), monotonic()
    cache.set(ON_DUTY, me, timeout=None)
    while monotonic() < began + SHIFT_SECONDS:
        sweep_once()
        sleep(EVERY_SECONDS)
        if cache.get(ON_DUTY) != me:
            return
    async_task("calsync.sweeper.sweep")


def call_sweeper(**signal) -> None:
    """A worker has started: sweep at once, not only when the schedule says so."""
    if cache.add(CALLED, True, timeout=CALL_LASTS_SECONDS):  # its colleagues start too
        async_task("calsync.sweeper.sweep")


def sweep_once() -> None:
    """One look at everything that may be due. One that fails does not stop the others."""
    for path in DISPATCHERS:
        try:
            import_string(path)(timezone.now())
        except Exception:
            logger.exception("%s failed", path)
    cache.set(LAST_SWEEP, timezone.now(), timeout=None)
