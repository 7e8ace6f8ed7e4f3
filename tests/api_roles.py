"""The database as the website sees it: what PostgREST does before each request, in a test."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper


@contextmanager
def api_request(role: str, user: UUID | None = None) -> Iterator[CursorWrapper]:
    """A cursor with the rights of an API request; what it writes is undone.

    A role set in a savepoint outlives the savepoint's release, so it is always rolled back.
    """
    claims = {"role": role} | ({"sub": str(user)} if user else {})
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('role', %s, true), set_config('request.jwt.claims', %s, true)",
            [role, json.dumps(claims)],
        )
        try:
            yield cursor
        finally:
            transaction.set_rollback(True)


@contextmanager
def read_only_request(role: str, user: UUID | None = None) -> Iterator[CursorWrapper]:
    """The same in a read-only transaction, as PostgREST calls a STABLE function."""
    with api_request(role, user) as cursor:
        cursor.execute("SET LOCAL transaction_read_only = on")
        yield cursor
