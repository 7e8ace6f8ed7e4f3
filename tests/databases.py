"""Databases of a test's own: empty, with an owner and default rights as the test wants them."""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg
from django.conf import settings
from psycopg import sql

ROOT = settings.BASE_DIR
API_ROLES = ("anon", "authenticated", "service_role")

# What an older Supabase project gives away as soon as something is made in "public".
LEGACY_DEFAULTS = "".join(
    f"ALTER DEFAULT PRIVILEGES FOR ROLE {{owner}} IN SCHEMA public "
    f"GRANT ALL ON {kind} TO {', '.join(API_ROLES)};"
    for kind in ("TABLES", "FUNCTIONS", "SEQUENCES")
)


def address(database: str, *, role: str = "", password: str = "") -> str:
    """The address of another database, or for another role, on the server of DATABASE_URL."""
    url = urlsplit(settings.DATABASE_URL)
    location = url.netloc.rpartition("@")[2]
    sign_in = f"{role}:{password}" if role else url.netloc.rpartition("@")[0]
    return url._replace(netloc=f"{sign_in}@{location}", path=f"/{database}").geturl()


def scratch_name(purpose: str) -> str:
    """A name that neither a developer's database nor a parallel test run has."""
    process = os.environ.get("PYTEST_XDIST_WORKER", "")
    return f"test{urlsplit(settings.DATABASE_URL).path.replace('/', '_')}_{purpose}{process}"


def execute(statement: str, *, url: str = settings.DATABASE_URL, **names: str) -> None:
    """Run SQL, by default as the role of DATABASE_URL; ``names`` are quoted as identifiers."""
    with psycopg.connect(url, autocommit=True) as connection:
        quoted = {key: sql.Identifier(name) for key, name in names.items()}
        connection.execute(sql.SQL(statement).format(**quoted))


@contextmanager
def login_role(purpose: str, attributes: str = "") -> Iterator[tuple[str, str]]:
    """A role that may sign in and is nothing special: its name and password."""
    name, password = scratch_name(purpose), secrets.token_hex()
    execute("DROP ROLE IF EXISTS {role}", role=name)
    execute(f"CREATE ROLE {{role}} LOGIN {attributes} PASSWORD '{password}'", role=name)
    try:
        yield name, password
    finally:
        execute("DROP ROLE {role}", role=name)


@contextmanager
def empty_database(purpose: str) -> Iterator[str]:
    """The address of a database that belongs to the role of DATABASE_URL."""
    name = scratch_name(purpose)
    execute("DROP DATABASE IF EXISTS {database} WITH (FORCE)", database=name)
    execute("CREATE DATABASE {database}", database=name)
    try:
        yield address(name)
    finally:
        execute("DROP DATABASE {database} WITH (FORCE)", database=name)


@contextmanager
def supabase_database(purpose: str, *, defaults: str = "") -> Iterator[str]:
    """The address of an empty database as Supabase gives it: the owner is no superuser.

    The API roles belong to the server; the test database's migrations have made them.
    """
    database = scratch_name(purpose)
    execute("DROP DATABASE IF EXISTS {database} WITH (FORCE)", database=database)
    with login_role(f"{purpose}_owner") as (owner, password), empty_database(purpose) as url:
        execute("ALTER DATABASE {database} OWNER TO {owner}", database=database, owner=owner)
        preparation = "CREATE SCHEMA extensions AUTHORIZATION {owner};" + defaults
        execute(preparation, url=url, owner=owner)
        yield address(database, role=owner, password=password)


def manage(*arguments: str, url: str) -> subprocess.CompletedProcess[str]:
    """Run ``manage.py`` on another database, as an operator would."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )


def migrate(url: str, *arguments: str) -> None:
    """Migrate another database; a failure shows what ``migrate`` said."""
    result = manage("migrate", "--verbosity=0", *arguments, url=url)
    if result.returncode:
        raise AssertionError(result.stderr)
