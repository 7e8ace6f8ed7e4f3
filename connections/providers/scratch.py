"""Files for what may be more than memory should hold while one calendar is read."""

import sqlite3
import weakref

_SET_UP = """
    PRAGMA cache_size = -256; -- kibibytes
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
"""


def scratch_file(owner: object, tables: str) -> sqlite3.Connection:
    """A database with these tables, which goes with its owner.

    What does not fit in 256 KiB lies in a file, which SQLite opens where the system keeps temporary
    files, and only once it is needed. https://www.sqlite.org/inmemorydb.html#temp_db
    """
    # Pages of a round may be asked for by one thread after another, never by two at once.
    file = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    weakref.finalize(owner, file.close)
    file.executescript(_SET_UP + tables)
    return file
