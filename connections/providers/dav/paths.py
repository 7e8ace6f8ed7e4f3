"""The paths of a collection, which may be more than memory should hold."""

from collections.abc import Collection, Iterable, Iterator, MutableMapping, MutableSet

from connections.providers.scratch import scratch_file

_TABLE = "CREATE TABLE members (path TEXT PRIMARY KEY, etag TEXT) WITHOUT ROWID;"


class _Members(Collection[str]):
    """Paths, each once, in their order."""

    def __init__(self) -> None:
        self._file = scratch_file(self, _TABLE)

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
