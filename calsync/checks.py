"""System checks: what can be known to be wrong before anything runs."""

from collections.abc import Iterator
from itertools import islice

from django.core import checks
from django.db import connection
from django.utils.module_loading import import_string

from calsync.schedules import SCHEDULES
from calsync.sweeper import DISPATCHERS
from connections.fields import Secret, SecretUnreadable
from connections.rotation import encrypted_columns

SAMPLE_ROWS = 20


@checks.register
def dotted_paths_resolve(app_configs, **kwargs) -> list[checks.CheckMessage]:
    """The worker imports these by name, where no import checker sees them."""
    paths = [schedule["func"] for schedule in SCHEDULES.values()] + list(DISPATCHERS)
    return [error for path in paths for error in _cannot_call(path)]


@checks.register(checks.Tags.database)
def stored_secrets_are_readable(app_configs, databases=None, **kwargs) -> list[checks.CheckMessage]:
    """A sample of every encrypted column, once it exists. A warning: the rest still works."""
    if not databases:
        return []
    return [
        checks.Warning(
            f"{table}.{column} holds secrets that cannot be decrypted.",
            hint="Put the key they were encrypted with back into TOKEN_ENCRYPTION_KEYS.",
            id="calsync.W001",
        )
        for (table, column), secrets in encrypted_columns().items()
        if _exists(table, column) and not _sample_is_readable(secrets)
    ]


def _cannot_call(path: str) -> list[checks.CheckMessage]:
    try:
        import_string(path)
    except ImportError as error:
        return [checks.Error(f"{path} cannot be run: {error}", id="calsync.E001")]
    return []


def _exists(table: str, column: str) -> bool:
    """Not before the first migration, nor before the one that adds the column."""
    with connection.cursor() as cursor:
        if table not in connection.introspection.table_names(cursor):
            return False
        description = connection.introspection.get_table_description(cursor, table)
    return column in {each.name for each in description}


def _sample_is_readable(secrets: Iterator[tuple[object, Secret]]) -> bool:
    try:
        for _, secret in islice(secrets, SAMPLE_ROWS):
            secret.reveal()
    except SecretUnreadable:
        return False
    return True
