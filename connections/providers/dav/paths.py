"""The paths of a collection, which may be more than memory should hold.

What does not fit in 256 KiB lies in a file that goes with the set. The file is SQLite's, which
opens it where the system keeps temporary files, and only once it is needed.
https://www.sqlite.org/inmemorydb.html#temp_db
"""

import sqlite3
import weakref
from collections.abc import Collection, Iterable, Iterator, MutableMapping, MutableSet

_SET_UP = """
    PRAGMA cache_size = -256; -- kibibytes
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    CREATE TABLE members (path TEXT PRIMARY KEY, etag TEXT) WITHOUT ROWID;
"""


class _Members(Collection[str]):
    """Paths, each once, in their order."""

    def __init__(self) -> None:
        # Pages of a round may be asked for by one thread after another, never by two at once.
        self._file = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        weakref.finalize(self, self._file.close)
        self._file.executescript(_SET_UP)

    def __contains__(self, path: object) -> bool:
        return self._etag_of(path) is not None

    def __iter__(self) -> Iterator[str]:
        return (path for (path,) in self._file.execute("SELECT path FROM members ORDER BY path"))

    def __len__(self) -> int:
        return self._file.execute("SELECT count(*) FROM members").fetchone()[0]

    def _etag_of(self, path: object) -> str | None:
        found = self._file.execute("SELECT etag FROM members WHERE path = ?", (path,)).fetchone()
        return found and found[0]

    def _put(self, members: Iterable[tuple[str, str]]) -> None:
        self._file.executemany("INSERT OR REPLACE INTO members VALUES (?, ?)", members)

    def _drop(self, path: str) -> None:
        self._file.execute("DELETE FROM members WHERE path = ?", (path,))


class PathSet(_Members, MutableSet[str]):
    """A set of paths."""

    def __init__(self, paths: Iterable[str] = ()) -> None:
        super().__init__()
        self |= paths

    def __ior__(self, paths: Iterable[str]) -> "PathSet":
        self._put((path, "") for path in paths)
        return self

    def add(self, path: str) -> None:
        self |= (path,)

    def discard(self, path: str) -> None:
        self._drop(path)


class Etags(_Members, MutableMapping[str, str]):
    """Paths and their etags."""

    def __init__(self, etags: Iterable[tuple[str, str]] = ()) -> None:
        super().__init__()
        self._put(etags)

    def __getitem__(self, path: str) -> str:
        etag = self._etag_of(path)
        if etag is None:
            raise KeyError(path)
        return etag

    def __setitem__(self, path: str, etag: str) -> None:
        self._put([(path, etag)])

    def __delitem__(self, path: str) -> None:
        if path not in self:
            raise KeyError(path)
        self._drop(path)
