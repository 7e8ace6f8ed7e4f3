"""Pages of changes on their way into ``synced_events``: spooled to disk, then written as sets.

Nothing is written to the database while pages are still coming, and no more than a page is held in
memory, however large the calendar. The spool is in PostgreSQL's COPY text format, which the server
takes as it is. https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.2
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Self
from uuid import UUID

from connections.providers.base import RemoteEvent
from syncing.plan import PagePlan

IN_MEMORY_BYTES = 1_000_000
CHUNK_BYTES = 256_000
SQL = Path(__file__).parent / "sql"
STAGE, RESOLVE, WEIGH, DELETE_UNSEEN, DELETE_NAMED, UPDATE, INSERT = (
    (SQL / f"apply_{step}.sql").read_text()
    for step in (
        "stage",
        "resolve",
        "weigh",
        "delete_unseen",
        "delete_named",
        "update",
        "insert",
    )
)


@dataclass(frozen=True, slots=True)
class Written:
    """How many rows a round created, changed and removed. Rows that stay equal are not touched."""

    created: int
    updated: int
    deleted: int


class Spool:
    """The facts of a round, page after page. A later page wins over an earlier one."""

    def __init__(self) -> None:
        self.pages = 0
        self.events = 0
        # Closed by __exit__.
        self._events = SpooledTemporaryFile(IN_MEMORY_BYTES)  # noqa: SIM115
        self._removals = SpooledTemporaryFile(IN_MEMORY_BYTES)  # noqa: SIM115
        self._kept = SpooledTemporaryFile(IN_MEMORY_BYTES)  # noqa: SIM115

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info) -> None:
        self._events.close()
        self._removals.close()
        self._kept.close()

    def add(self, plan: PagePlan) -> None:
        self.pages += 1
        self.events += len(plan.events)
        self._events.writelines(_line(self.pages, *_columns(event)) for event in plan.events)
        self._removals.writelines(_line(self.pages, _text(removed)) for removed in plan.removed)
        self._kept.writelines(_line(_text(kept)) for kept in plan.kept)

    def stage(self, cursor) -> None:
        """Copy the round into temporary tables that go with the transaction."""
        cursor.execute(STAGE)
        _copy(cursor, "staged_events", self._events)
        _copy(cursor, "staged_removals", self._removals)
        _copy(cursor, "staged_kept", self._kept)
        cursor.execute(RESOLVE)


def weigh(cursor, connection_id: UUID, *, now: datetime) -> tuple[int, int]:
    """Of a full round: the stored busy rows ahead of ``now``, and how many of them it shows."""
    cursor.execute(WEIGH, {"connection": connection_id, "now": now})
    return cursor.fetchone()


def write(cursor, connection_id: UUID, *, is_full: bool) -> Written:
    """Bring the connection's rows to what is staged, touching only rows that differ."""
    counts = []
    for statement in (DELETE_UNSEEN if is_full else DELETE_NAMED, UPDATE, INSERT):
        cursor.execute(statement, {"connection": connection_id})
        counts.append(cursor.rowcount)
    deleted, updated, created = counts
    return Written(created=created, updated=updated, deleted=deleted)


def _copy(cursor, table: str, spool) -> None:
    spool.seek(0)
    with cursor.copy(f"COPY pg_temp.{table} FROM STDIN") as copy:
        while chunk := spool.read(CHUNK_BYTES):
            copy.write(chunk)


def _columns(event: RemoteEvent) -> Iterable[object]:
    """In the order of the staged table's columns; texts from outside are escaped."""
    # Only what explains a row to a person; nothing reads it.
    technical = {"uid": event.uid, "version": event.version, "sequence": event.sequence}
    return (
        _text(event.provider_event_id),
        _text(event.series_id),
        _text(event.title) or None,
        event.start.isoformat(),
        event.end.isoformat(),
        event.is_all_day,
        event.start_date,
        event.end_date,
        event.status,
        event.transparency,
        event.booking_id,
        event.updated_at,
        _text(event.problem),
        _text(event.floats_in),
        _text(json.dumps(technical)),
    )


_SPECIAL = re.compile(r"[\\\t\n\r]")
_ESCAPES = (("\\", r"\\"), ("\t", r"\t"), ("\n", r"\n"), ("\r", r"\r"))


def _text(value: str) -> str:
    if _SPECIAL.search(value):
        for special, escape in _ESCAPES:
            value = value.replace(special, escape)
    return value


def _line(*values: object) -> bytes:
    return ("\t".join([r"\N" if value is None else str(value) for value in values]) + "\n").encode()
