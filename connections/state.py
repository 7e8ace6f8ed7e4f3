"""The state of a connected calendar, in words for its consultant."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from connections.models import CalendarConnection, SyncStatus

GOOD, WAITING, TROUBLE, OFF = "good", "waiting", "trouble", "off"
OVERDUE = timedelta(minutes=5)  # a due calendar is taken up within seconds where a worker runs


@dataclass(frozen=True, slots=True)
class State:
    """How a calendar is doing: one of the four kinds above, and a sentence that says so."""

    kind: str
    text: str


def describe(connection: CalendarConnection, *, now: datetime) -> State:
    """What the consultant should know of this calendar, and do about it where they can."""
    if not connection.is_active:
        return State(OFF, "Not connected.")
    if connection.reconnect_needed_at:
        return State(TROUBLE, "The sign-in is no longer accepted. Connect it again.")
    if connection.next_sync_at and connection.next_sync_at < now - OVERDUE:
        return State(TROUBLE, "Overdue: is the calsync worker running? Whoever runs it can tell.")
    if connection.sync_status == SyncStatus.ERROR:
        return State(TROUBLE, f"{connection.sync_error} {_next_try(connection)}")
    if connection.last_synced_at is None:
        return State(WAITING, "Waiting for its first sync.")
    if connection.sync_status == SyncStatus.SYNCING:
        return State(GOOD, "Being read now.")
    return State(GOOD, "Up to date.")


def describe_drift(connection: CalendarConnection) -> str:
    """What the last comparison with the provider's own busy times has shown."""
    missing, surplus = connection.drift_missing_minutes, connection.drift_surplus_minutes
    if connection.verified_at is None:
        return "Not compared yet."
    if missing is None:
        return "The provider tells no busy times to compare with."
    if not missing and not surplus:
        return "No drift."
    is_repaired = (
        connection.last_full_sync_at and connection.last_full_sync_at > connection.verified_at
    )
    end = "It was read anew since." if is_repaired else "A full sync is due."
    return f"{missing} minutes missing, {surplus} minutes too many. {end}"


def _next_try(connection: CalendarConnection) -> str:
    if connection.next_sync_at is None:
        return "It is not tried again by itself: choose “Sync now”."
    return f"The next try is at {timezone.localtime(connection.next_sync_at):%H:%M}."
