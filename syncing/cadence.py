"""When a calendar is looked at next, how far, and when a full sync is due.

Rules that write nothing: they read the settings, and spread by chance what would fall due together.
"""

from datetime import datetime, timedelta
from random import uniform

from django.conf import settings

from connections.models import CalendarConnection
from connections.providers.base import (
    AccessRevoked,
    ProviderError,
    ProviderUnavailable,
    RateLimited,
    Window,
)
from connections.state import OVERDUE

# Occurrences of an untouched series enter the window by the passing of time alone, and no provider
# reports them: a full sync moves the window on, and repairs whatever was missed.
FULL_SYNC_EVERY = timedelta(hours=24)
SECOND_LOOK_AFTER = timedelta(seconds=60)
CONFIRM_REFUSAL_AFTER = timedelta(minutes=5)
LONGEST_BACK_OFF = timedelta(minutes=30)
LONGEST_WAIT = timedelta(hours=6)
NEEDS_A_PERSON = timedelta(hours=1)
HICCUPS = 2  # times in a row that a provider may say what only a person can mend, and not mean it

BY_PUSH, BY_POLL, NOT_FOLLOWED = "push", "poll", ""


def window(now: datetime) -> Window:
    """The span that a full sync covers."""
    return Window(
        start=now - timedelta(days=settings.SYNC_PAST_DAYS),
        end=now + timedelta(days=settings.SYNC_FUTURE_DAYS),
    )


def scope(connection: CalendarConnection) -> str:
    """What the stored rows and the sync token depend on; when it changes they are read anew."""
    titles = "titles" if connection.stores_titles else "no titles"
    return f"1 {connection.zone.key} {titles} {settings.SYNC_PAST_DAYS} {settings.SYNC_FUTURE_DAYS}"


def needs_full_sync(connection: CalendarConnection, *, now: datetime) -> bool:
    if not connection.sync_token or not connection.last_full_sync_at:
        return True
    if connection.full_sync_requested or connection.sync_scope != scope(connection):
        return True
    # Spread over a quarter of the day by the key, or all calendars would be read at once.
    early = timedelta(hours=6) * (connection.pk.int % 1000 / 1000)
    return now >= connection.last_full_sync_at + FULL_SYNC_EVERY - early


def poll_interval(connection: CalendarConnection, *, now: datetime) -> timedelta:
    """The time between two looks. With a live watch it is for notifications that get lost."""
    is_watched = has_live_watch(connection, now=now)
    seconds = (
        settings.POLL_INTERVAL_SECONDS if is_watched else settings.POLL_INTERVAL_NO_WATCH_SECONDS
    )
    # Early and at random, so that a change is seen within the interval and calendars do not queue.
    return timedelta(seconds=seconds * uniform(0.7, 0.8))  # noqa: S311


def has_live_watch(connection: CalendarConnection, *, now: datetime) -> bool:
    return connection.webhook_expiration is not None and connection.webhook_expiration > now


def followed_by(connection: CalendarConnection, *, now: datetime) -> str:
    """What shows its changes soon: a live watch (``push``), a close next look (``poll``), or ""."""
    soon = now + timedelta(seconds=settings.POLL_INTERVAL_NO_WATCH_SECONDS)
    next_look = connection.next_sync_at
    if next_look is None or next_look < now - OVERDUE:  # no worker is there to take it up
        return NOT_FOLLOWED
    if has_live_watch(connection, now=now):
        return BY_PUSH
    return BY_POLL if next_look <= soon else NOT_FOLLOWED


def delay_after(error: Exception, *, failures: int) -> timedelta:
    """How long to leave a provider alone after its ``failures``-th failure in a row."""
    if isinstance(error, AccessRevoked):
        return CONFIRM_REFUSAL_AFTER
    is_passing = isinstance(error, ProviderUnavailable) or not isinstance(error, ProviderError)
    if not is_passing and failures > HICCUPS:
        return NEEDS_A_PERSON
    # A hiccup is over in seconds: 10 s, 30 s, 90 s, …
    back_off = min(timedelta(seconds=10) * 3 ** min(failures - 1, 10), LONGEST_BACK_OFF)
    back_off *= uniform(0.75, 1)  # noqa: S311
    if isinstance(error, RateLimited):
        asked = min(error.retry_after, LONGEST_WAIT.total_seconds())  # it may ask for a century
        return max(back_off, timedelta(seconds=asked))
    return back_off
