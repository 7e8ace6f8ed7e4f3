"""Provider -> ``synced_events``: read pages, plan them, write rows and sync token together.

Pages are read outside any transaction and spooled; the rows, the sync token, the coverage and the
log of a run are written in one transaction, after the last page. A run that dies anywhere leaves
everything as it was, and whoever reads meanwhile sees the old state or the new one, never less.
"""

import logging
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from uuid import UUID

from django.db import connection as database
from django.db import transaction

from connections.adapters import open_adapter
from connections.fields import SecretUnreadable
from connections.models import CalendarConnection
from connections.providers.base import (
    ChangePage,
    Problem,
    ProviderError,
    ProviderUnavailable,
    SyncTokenExpired,
    Window,
)
from connections.tokens import with_fresh_token
from syncing import cadence, leases
from syncing.models import SyncLog, SyncLogStatus
from syncing.outcome import SecondLookNeeded, finish, record_failure, record_success
from syncing.plan import is_believable, plan_page
from syncing.staging import Spool, Written, weigh, write

logger = logging.getLogger(__name__)

PROBLEMS_LOGGED = 50


@dataclass
class Round:
    """One complete walk over a calendar's changes, from the token it starts at to the next."""

    connection: CalendarConnection
    lease_id: UUID
    started_at: datetime
    window: Window
    sync_token: str  # empty: the whole window
    next_token: str = ""
    problems: list[Problem] = field(default_factory=list)

    @property
    def is_full(self) -> bool:
        return not self.sync_token


def sync_connection(connection_id: UUID, *, now: datetime, full: bool = False) -> SyncLog | None:
    """Bring one calendar's rows up to date, and say how it went.

    Returns the log of the run, or None when there is nothing to run: the connection is not active,
    or another run is at it. A provider's failure is recorded on the connection and in the log, not
    raised; known rows stay. Anything else is recorded and raised.
    """
    lease_id = leases.take(connection_id)
    if lease_id is None:
        return None
    connection = CalendarConnection.objects.select_related("user__booking_settings").get(
        pk=connection_id
    )
    log = SyncLog.objects.create(connection=connection, operation="full_sync")
    began = monotonic()
    try:
        full = full or cadence.needs_full_sync(connection, now=now)
        log.operation = "full_sync" if full else "incremental_sync"
        with_fresh_token(connection, lambda: _sync(connection, lease_id, log, now=now, full=full))
    except (ProviderError, SecretUnreadable, SecondLookNeeded) as error:
        record_failure(connection, lease_id, error, now=now)
        finish(log, SyncLogStatus.FAILED, began, error)
    except leases.LeaseLost:
        finish(log, SyncLogStatus.FAILED, began, "Another sync of this calendar took over.")
    except Exception as error:
        record_failure(connection, lease_id, error, now=now)
        finish(log, SyncLogStatus.FAILED, began, error)
        raise
    else:
        finish(log, SyncLogStatus.COMPLETED, began)
    return log


def _sync(
    connection: CalendarConnection, lease_id: UUID, log: SyncLog, *, now: datetime, full: bool
) -> None:
    try:
        round_ = _round(connection, lease_id, now=now, full=full)
        _run(round_, log)
    except SyncTokenExpired:
        logger.info("The sync token of connection %s has expired: full sync", connection.pk)
        log.operation = "full_sync"
        _run(_round(connection, lease_id, now=now, full=True), log)


def _round(connection: CalendarConnection, lease_id: UUID, *, now: datetime, full: bool) -> Round:
    if full:
        return Round(connection, lease_id, now, cadence.window(now), sync_token="")
    stored = Window(connection.synced_from, connection.synced_until)
    return Round(connection, lease_id, now, stored, sync_token=connection.sync_token)


def _run(round_: Round, log: SyncLog) -> None:
    with Spool() as spool:
        _read(round_, spool)
        written = _write(round_, spool)
    log.events_processed = spool.events
    log.events_created = written.created
    log.events_updated = written.updated
    log.events_deleted = written.deleted
    log.metadata = {
        "pages": spool.pages,
        "window": [round_.window.start.isoformat(), round_.window.end.isoformat()],
        "problems": [
            {"object": problem.object_id, "detail": problem.detail} for problem in round_.problems
        ],
    }


def _read(round_: Round, spool: Spool) -> None:
    """Walk all pages into the spool. Raises when the walk ends without a token for the next."""
    connection = round_.connection
    adapter = open_adapter(connection)
    pages = adapter.changes(
        connection.calendar_id,
        window=round_.window,
        zone=connection.zone,
        sync_token=round_.sync_token,
    )
    with closing(pages):
        for page in pages:
            leases.extend(connection.pk, round_.lease_id)
            _spool_page(page, round_, spool)
    if not round_.next_token:
        raise ProviderUnavailable("The calendar's list of changes ended too early.")


def _spool_page(page: ChangePage, round_: Round, spool: Spool) -> None:
    plan = plan_page(page, window=round_.window, with_titles=round_.connection.stores_titles)
    spool.add(plan)
    round_.problems.extend(page.problems[: PROBLEMS_LOGGED - len(round_.problems)])
    round_.next_token = page.sync_token


@transaction.atomic
def _write(round_: Round, spool: Spool) -> Written:
    """Rows, token and coverage in one transaction, under the lease the pages were read with."""
    connection = leases.hold(round_.connection.pk, round_.lease_id)
    with database.cursor() as cursor:
        spool.stage(cursor)
        if round_.is_full and not _may_be_believed(connection, cursor, now=round_.started_at):
            raise SecondLookNeeded(
                "The calendar came back almost empty. It is read once more before that is believed."
            )
        written = write(cursor, connection.pk, is_full=round_.is_full)
    record_success(
        round_.connection,
        now=round_.started_at,
        sync_token=round_.next_token,
        full_window=round_.window if round_.is_full else None,
    )
    return written


def _may_be_believed(connection: CalendarConnection, cursor, *, now: datetime) -> bool:
    if connection.emptied_at and now >= connection.emptied_at + cadence.SECOND_LOOK_AFTER / 2:
        return True
    stored, kept = weigh(cursor, connection.pk, now=now)
    return is_believable(stored=stored, kept=kept)
