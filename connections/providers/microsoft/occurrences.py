"""The occurrences that a list shows, kept until it has ended: their masters may come last."""

import json
from collections.abc import Iterator, Mapping

from connections.providers.scratch import scratch_file

_TABLE = """
    CREATE TABLE occurrences (id TEXT PRIMARY KEY, series TEXT, is_bare INTEGER, item TEXT);
    CREATE INDEX of_series ON occurrences (series);
"""


class Occurrences:
    """Items by the series they belong to. The last word on an id counts."""

    def __init__(self) -> None:
        self._file = scratch_file(self, _TABLE)

    def keep(self, series_id: str, item: Mapping, *, is_bare: bool) -> None:
        """``is_bare``: it leaves to its master what it is like."""
        row = (item["id"], series_id, is_bare, json.dumps(item))
        self._file.execute("INSERT OR REPLACE INTO occurrences VALUES (?, ?, ?, ?)", row)

    def drop(self, item_id: str) -> None:
        self._file.execute("DELETE FROM occurrences WHERE id = ?", (item_id,))

    def drop_series(self, series_id: str) -> None:
        self._file.execute("DELETE FROM occurrences WHERE series = ?", (series_id,))

    def of(self, series_id: str) -> Iterator[dict]:
        rows = "SELECT item FROM occurrences WHERE series = ? ORDER BY rowid"
        return (json.loads(item) for (item,) in self._file.execute(rows, (series_id,)))

    def has_bare(self, series_id: str) -> bool:
        bare = "SELECT 1 FROM occurrences WHERE series = ? AND is_bare"
        return self._file.execute(bare, (series_id,)).fetchone() is not None
