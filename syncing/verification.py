"""Holds our busy time against the provider's own word, and has it read anew where they differ.

What the provider counts as busy is compared, not what the consultant lets block: tentative events
count, and so do our own bookings. Two things may count or not. Dates and floating times are read by
the provider in the calendar's zone, or in UTC where it knows none. And an event that could not be
read in full blocks a span that is our guess.
"""

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from time import monotonic
from zoneinfo import ZoneInfo

from connections.adapters import open_adapter
from connections.fields import SecretUnreadable
from connections.models import CalendarConnection
from connections.providers.base import (
    FreeBusyUnsupported,
    ProviderError,
    ProviderUnavailable,
    Window,
)
from connections.tokens import with_fresh_token
from syncing.drift import Busy, Drift, compare
from syncing.engine import sync_connection
from syncing.models import EventStatus, SyncedEvent, SyncLog, SyncLogStatus, Transparency
from syncing.outcome import finish

OPERATION = "verify"
AHEAD = timedelta(weeks=8)
SPANS_LOGGED = 20


def verify(connection: CalendarConnection, *, now: datetime) -> SyncLog:
    """Compare the coming weeks; where they differ, a full sync is due. Returns the log of it.

    The connection keeps the minutes in each direction, null where the provider tells no busy times;
    the log's ``metadata`` has the spans as well. A provider's failure is in the log and not raised,
    and what the connection keeps is left alone; anything else is in the log and raised.
    """
    log = SyncLog.objects.create(connection=connection, operation=OPERATION)
    began = monotonic()
    try:
        window, drift = _measure(connection, now=now)
    except FreeBusyUnsupported as error:
        _remember(connection, None, now=now)
        finish(log, SyncLogStatus.COMPLETED, began, error)
    except Exception as error:
        finish(log, SyncLogStatus.FAILED, began, error)
        if not isinstance(error, (ProviderError, SecretUnreadable)):
            raise
    else:
        _remember(connection, drift, now=now)
        log.metadata = _described(drift, window)
        finish(log, SyncLogStatus.COMPLETED, began)
        if drift:
            CalendarConnection.objects.filter(pk=connection.pk).request_sync(now, full=True)
    return log


def _remember(connection: CalendarConnection, drift: Drift | None, *, now: datetime) -> None:
    CalendarConnection.objects.filter(pk=connection.pk).update(
        verified_at=now,
        drift_missing_minutes=None if drift is None else drift.missing_minutes,
        drift_surplus_minutes=None if drift is None else drift.surplus_minutes,
    )


def has_drift(log: SyncLog) -> bool:
    """Whether the calendar was compared, and was not the same."""
    found = log.metadata or {}
    return bool(found.get("missing_minutes") or found.get("surplus_minutes"))


def _measure(connection: CalendarConnection, *, now: datetime) -> tuple[Window, Drift]:
    """Ours is brought up to date first: what changed a minute ago is no drift."""
    _sync(connection, now=now)
    latest = CalendarConnection.objects.select_related("user__booking_settings").get(
        pk=connection.pk
    )
    window = _window(latest, now=now)
    theirs = with_fresh_token(
        latest, lambda: open_adapter(latest).busy(latest.calendar_id, window=window)
    )
    return window, compare(_our_busy(latest, window), theirs, window=window)


def _sync(connection: CalendarConnection, *, now: datetime) -> None:
    log = sync_connection(connection.pk, now=now)
    if log is None:
        raise ProviderUnavailable("Another sync of this calendar is under way.")
    if log.status != SyncLogStatus.COMPLETED:
        raise ProviderUnavailable(log.error_message)


def _window(connection: CalendarConnection, *, now: datetime) -> Window:
    """In whole minutes: providers cut off what is smaller than a second."""
    end = min(now + AHEAD, connection.synced_until)
    return Window(now.replace(second=0, microsecond=0), end.replace(second=0, microsecond=0))


def _our_busy(connection: CalendarConnection, window: Window) -> Busy:
    rows = SyncedEvent.objects.filter(
        connection=connection,
        transparency=Transparency.OPAQUE,
        # A wall time may be up to a day elsewhere in another zone.
        start_time__lt=window.end + timedelta(days=1),
        end_time__gt=window.start - timedelta(days=1),
    ).exclude(status=EventStatus.CANCELLED)
    certain, possible = [], []
    for row in rows:
        readings = _readings(row, connection.zone)
        possible.extend(readings)
        if not row.problem:
            certain.append(_common(readings))
    return Busy(certain, possible)


def _readings(row: SyncedEvent, zone: tzinfo) -> list[Window]:
    """The spans that the row stands for, in whatever zone the provider reads its wall times."""
    if row.start_date is not None:
        return [
            Window(_midnight(row.start_date, where), _midnight(row.end_date, where))
            for where in (zone, UTC)
        ]
    as_read = Window(row.start_time, row.end_time)
    if not row.floats_in:
        return [as_read]
    start = as_read.start.astimezone(ZoneInfo(row.floats_in)).replace(tzinfo=UTC)
    return [as_read, Window(start, start + (as_read.end - as_read.start))]


def _common(readings: list[Window]) -> Window:
    return Window(max(one.start for one in readings), min(one.end for one in readings))


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def _described(drift: Drift, window: Window) -> dict:
    """Times alone, so that a person can look them up in the calendar."""
    return {
        "missing_minutes": drift.missing_minutes,
        "surplus_minutes": drift.surplus_minutes,
        "missing": [_text(span) for span in drift.missing[:SPANS_LOGGED]],
        "surplus": [_text(span) for span in drift.surplus[:SPANS_LOGGED]],
        "window": _text(window),
    }


def _text(span: Window) -> list[str]:
    return [span.start.isoformat(), span.end.isoformat()]
