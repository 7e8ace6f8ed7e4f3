"""Whose turn it is: due calendars are handed to the workers so that no server keeps all of them.

Calendars that may be slow together share a lane: those of one server, and all that failed the last
time they were asked. Of one lane, half of the workers at most are busy; a server that hangs leaves
the other half to everybody else. A worker that is done with a calendar goes on with the next of its
lane: to go through the queue each time would take longer than most syncs do.
"""

from collections import Counter
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Case, Q, TextField, Value, When
from django.db.models.functions import Coalesce, Concat, Now

from connections.due_rows import AT_ONCE, PATIENCE
from connections.models import CalendarConnection, CalendarConnectionQuerySet

TEXT = TextField()
SERVER = Concat("provider", Value(" ", TEXT), Coalesce("caldav_url", Value("", TEXT)))
LANE = Case(When(failure_count__gt=0, then=Value("failing", TEXT)), default=SERVER)
IS_READ = Q(lease_expires_at__gt=Now())  # a booking may have begun it
IS_IDLE = Q(lease_expires_at=None) | Q(lease_expires_at__lte=Now())


@transaction.atomic
def hand_out(now: datetime) -> list[UUID]:
    """Mark as handed out what workers should begin with, the longest waiting first."""
    busy = Counter(_handed_out(now).values_list("lane", flat=True))
    chosen = []
    for connection_id, lane in _waiting(now).values_list("pk", "lane"):
        if busy[lane] < _most_of_a_lane():
            busy[lane] += 1
            chosen.append(connection_id)
    return _mark(_waiting(now).filter(pk__in=chosen[:AT_ONCE]), now)


def lane_of(connection_id: UUID) -> str:
    """The lane of a connection as it stands; of one that is gone, a lane with nothing in it."""
    lanes = _in_lanes().filter(pk=connection_id).values_list("lane", flat=True)
    return lanes.first() or ""


@transaction.atomic
def next_of(lane: str, now: datetime) -> UUID | None:
    """Mark the one that has waited longest in a lane as handed out, to whoever asks."""
    return next(iter(_mark(_waiting(now).filter(lane=lane)[:1], now)), None)


def give_back(connection_id: UUID) -> None:
    """A worker is done with it. When it is due again the sync itself has said."""
    CalendarConnection.objects.filter(pk=connection_id).update(handed_out_at=None)


def _most_of_a_lane() -> int:
    return max(1, settings.WORKERS // 2)


def _in_lanes() -> CalendarConnectionQuerySet:
    return CalendarConnection.objects.annotate(lane=LANE)


def _handed_out(now: datetime) -> CalendarConnectionQuerySet:
    lately = Q(handed_out_at__gt=now - PATIENCE)
    return _in_lanes().filter(lately | IS_READ, handed_out_at__isnull=False)


def _waiting(now: datetime) -> CalendarConnectionQuerySet:
    with_nobody = Q(handed_out_at=None) | Q(handed_out_at__lte=now - PATIENCE)
    return _in_lanes().due(now).filter(IS_IDLE, with_nobody)


def _mark(rows: CalendarConnectionQuerySet, now: datetime) -> list[UUID]:
    """Two that come for the same row at once: one of them gets it."""
    ids = list(rows.select_for_update(skip_locked=True).values_list("pk", flat=True))
    CalendarConnection.objects.filter(pk__in=ids).update(handed_out_at=now)
    return ids
