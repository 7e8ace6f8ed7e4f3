"""The embedded PostgreSQL, as those who run calsync with it care for it."""

import psycopg
from django.conf import settings

from calsync import embedded_postgres


def keep_database() -> None:
    """Start the embedded server again if it has died. Another one is not ours to start."""
    if settings.DATABASE_IS_EMBEDDED:
        embedded_postgres.ensure()


def stop_database() -> None:
    """Stop the embedded server, unless somebody else, such as the tests, is using it."""
    if settings.DATABASE_IS_EMBEDDED and not _is_in_use():
        embedded_postgres.stop()


def _is_in_use() -> bool:
    try:
        with psycopg.connect(settings.DATABASE_URL) as connection:
            [others] = connection.execute(
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE backend_type = 'client backend' AND pid != pg_backend_pid()"
            ).fetchone()
    except psycopg.OperationalError:
        return False
    return others > 0
