"""A fresh look at all of a consultant's calendars, before something is booked."""

import logging
from collections import defaultdict
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime
from time import monotonic, sleep
from uuid import UUID

from django.db import connection as database
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from connections import adapters
from connections.models import CalendarConnection
from syncing.engine import sync_connection

logger = logging.getLogger(__name__)

LOOK_AGAIN_SECONDS = 0.05
MOST_AT_ONCE = 8


def refresh_calendars(consultant_id: UUID, *, seconds: float) -> None:
    """Sync all active calendars side by side and wait for them, but no longer than ``seconds``.

    Returns whatever became of it: how fresh the calendars are now is said by their rows. A calendar
    that is slow delays no other, and goes on syncing behind the caller's back.
    Call it outside any transaction: the syncs run on database connections of their own.
    """
    deadline = monotonic() + seconds
    accounts = _accounts(consultant_id)
    syncs = [
        sync
        for (provider, *_), ids in accounts.items()
        for sync in _begin(ids, threads=_threads(provider, len(accounts)), deadline=deadline)
    ]
    wait(syncs, timeout=deadline - monotonic())


def _accounts(consultant_id: UUID) -> dict[tuple, list[UUID]]:
    """The calendars that can be read, by account; in the same order for whoever books meanwhile.

    A provider that wants to be left alone is: to ask it once more would only make it wait longer.
    """
    reachable = CalendarConnection.objects.reachable().filter(user=consultant_id)
    rows = reachable.filter(Q(not_before=None) | Q(not_before__lte=Now())).order_by("pk")
    accounts = defaultdict(list)
    for *account, pk in rows.values_list("provider", "provider_email", "caldav_url", "pk"):
        accounts[tuple(account)].append(pk)
    return accounts


def _threads(provider: str, accounts: int) -> int:
    """For each account. Every thread needs a database connection of its own, and those are few."""
    share = max(1, MOST_AT_ONCE // accounts)
    return min(share, adapters.MOST_AT_ONCE.get(provider, share))


def _begin(ids: list[UUID], *, threads: int, deadline: float) -> list[Future]:
    now = timezone.now()
    executor = ThreadPoolExecutor(threads, thread_name_prefix="refresh")
    syncs = [executor.submit(_sync_since, each, since=now, deadline=deadline) for each in ids]
    for sync in syncs:
        sync.add_done_callback(_report)
    executor.shutdown(wait=False)
    return syncs


def _sync_since(connection_id: UUID, *, since: datetime, deadline: float) -> None:
    """See to a sync that began after ``since``: our own, or one that somebody else is running."""
    try:
        while monotonic() < deadline:
            if sync_connection(connection_id, now=timezone.now()):
                return
            sleep(LOOK_AGAIN_SECONDS)
            synced = CalendarConnection.objects.filter(pk=connection_id, last_synced_at__gte=since)
            if synced.exists():
                return
    finally:
        database.close()


def _report(sync: Future) -> None:
    if error := sync.exception():
        logger.error("A sync before a booking failed", exc_info=error)
