"""Where a secret could be found that should be nowhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.signals import got_request_exception
from django.db import connection
from django.http import HttpRequest
from django.views.debug import ExceptionReporter

TABLES = """
    SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables
    WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"""


def rows_with(text: str) -> dict[str, int]:
    """How many rows of which tables have the text anywhere in them."""
    found = {}
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        for (table,) in cursor.fetchall():
            cursor.execute(
                f"SELECT count(*) FROM {table} AS a_row WHERE a_row::text LIKE %s", [f"%{text}%"]
            )
            found[table] = cursor.fetchone()[0]
    return {table: count for table, count in found.items() if count}


@contextmanager
def crash_reports() -> Iterator[list[str]]:
    """What Django writes of each crash, with the variables of every frame."""
    written: list[str] = []

    def write(request: HttpRequest, **_) -> None:
        reporter = ExceptionReporter(request, *sys.exc_info())
        written.extend([reporter.get_traceback_html(), reporter.get_traceback_text()])

    got_request_exception.connect(write)
    yield written
    got_request_exception.disconnect(write)
