"""SQL kept in files beside the Python of its app, run by migrations."""

import re
from pathlib import Path

from django.db.migrations import RunSQL, SeparateDatabaseAndState

ROOT = Path(__file__).resolve().parent.parent


class RunSQLFile(RunSQL):
    """Run ``<app>/sql/<name>.sql``. A released file is never edited: a change is a new file."""

    def __init__(self, path: str, *, reverse: str) -> None:
        self.path = path
        self.reverse = reverse
        # RunSQL splits a string into statements; a one-item list goes to the server whole.
        super().__init__([(ROOT / path).read_text()], [reverse])

    def deconstruct(self):
        return self.__class__.__qualname__, [self.path], {"reverse": self.reverse}


def create_tables(path: str, *, models: list) -> SeparateDatabaseAndState:
    """Tables whose DDL is a SQL file, and the models Django is to know them by."""
    ddl = (ROOT / path).read_text()
    created = re.findall(r"^CREATE (TABLE|FUNCTION) ([\w.]+)", ddl, re.MULTILINE)
    reverse = "; ".join(f"DROP {kind} {name} CASCADE" for kind, name in reversed(created))
    return SeparateDatabaseAndState(
        database_operations=[RunSQLFile(path, reverse=reverse)], state_operations=models
    )
