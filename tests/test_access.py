"""Nobody sees what they must not: every right of every API role, read from the catalogue.

The same questions are asked of three databases, because what a role may do depends on where the
migrations ran: plain PostgreSQL, a Supabase project whose default rights give everything in
"public" to the API, and one made since 2026, whose defaults give nothing.
"""

from collections.abc import Iterator

import psycopg
import pytest
from django.conf import settings

from tests.databases import API_ROLES, LEGACY_DEFAULTS, address, migrate, supabase_database
from tests.test_schema import PUBLIC_TABLES

pytestmark = pytest.mark.django_db

# Every right on everything that is neither PostgreSQL's own nor an extension's.
RIGHTS = """
WITH
  ours AS (
    SELECT oid, nspname FROM pg_namespace
    WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'extensions')
  ),
  foreign_objects AS (SELECT classid, objid FROM pg_depend WHERE deptype = 'e'),
  relations AS (
    SELECT c.oid, c.relkind, format('%%s.%%s', nspname, relname) AS name
    FROM pg_class c JOIN ours ON ours.oid = relnamespace
    WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
      AND ('pg_class'::regclass, c.oid) NOT IN (SELECT * FROM foreign_objects)
  ),
  functions AS (
    SELECT p.oid, format('%%s.%%s', nspname, proname) AS name
    FROM pg_proc p JOIN ours ON ours.oid = pronamespace
    WHERE ('pg_proc'::regclass, p.oid) NOT IN (SELECT * FROM foreign_objects)
  )
SELECT current_database(), privilege
  FROM unnest(ARRAY['CREATE']) privilege
  WHERE has_database_privilege(%(role)s, current_database(), privilege)
UNION ALL
SELECT nspname, privilege
  FROM ours, unnest(ARRAY['USAGE', 'CREATE']) privilege
  WHERE has_schema_privilege(%(role)s, oid, privilege)
UNION ALL
SELECT name, privilege
  FROM relations, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE',
                               'REFERENCES', 'TRIGGER']) privilege
  WHERE relkind <> 'S' AND has_table_privilege(%(role)s, oid, privilege)
UNION ALL
SELECT name || '.' || attname, privilege
  FROM relations JOIN pg_attribute ON attrelid = oid AND NOT attisdropped,
       unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) privilege
  WHERE relkind <> 'S' AND has_column_privilege(%(role)s, oid, attnum, privilege)
    AND NOT has_table_privilege(%(role)s, oid, privilege)
UNION ALL
SELECT name, privilege
  FROM relations, unnest(ARRAY['USAGE', 'SELECT', 'UPDATE']) privilege
  WHERE CASE WHEN relkind = 'S' THEN has_sequence_privilege(%(role)s, oid, privilege) END
UNION ALL
SELECT name, 'EXECUTE' FROM functions WHERE has_function_privilege(%(role)s, oid, 'EXECUTE')
"""

FOR_EVERYONE = {"get_available_slots", "get_available_days", "get_calendar_freshness"}
FOR_THE_CONSULTANT = {"explain_slot"}
FOR_THE_SERVER = {"audit_invariants"}
SECRET_COLUMNS = {
    "calendar_connections": {
        "access_token_encrypted",
        "refresh_token_encrypted",
        "app_specific_password_encrypted",
        "webhook_secret_encrypted",
        "webhook_resource_id",
        "sync_token",
        "webhook_channel_id",
        "webhook_subscription_id",
    },
    "bookings": {"manage_token_hash", "idempotency_key"},
    "webhook_endpoints": {"secret_encrypted"},
}


@pytest.fixture(scope="module")
def legacy_project(django_db_setup) -> Iterator[str]:
    with supabase_database("legacy", defaults=LEGACY_DEFAULTS) as url:
        migrate(url)
        yield url


@pytest.fixture(scope="module")
def project_since_2026(django_db_setup) -> Iterator[str]:
    with supabase_database("since_2026") as url:
        migrate(url)
        yield url


@pytest.fixture(scope="module")
def plain_postgres(django_db_setup) -> str:
    return address(settings.DATABASES["default"]["NAME"])


@pytest.fixture(params=["plain_postgres", "legacy_project", "project_since_2026"])
def cursor(request) -> Iterator[psycopg.Cursor]:
    """A cursor in each of the databases; what it does is undone."""
    with psycopg.connect(request.getfixturevalue(request.param)) as connection:
        yield connection.cursor()
        connection.rollback()


def rights(cursor: psycopg.Cursor | psycopg.Connection, role: str) -> set[tuple[str, str]]:
    """What a role may do, as pairs of a name and a privilege."""
    return set(cursor.execute(RIGHTS, {"role": role}).fetchall())


def may_call(functions: set[str]) -> set[tuple[str, str]]:
    return {(f"public.{name}", "EXECUTE") for name in functions}


IN_PUBLIC = ("public", "USAGE")


def test_anon_may_call_the_public_functions_and_nothing_else(cursor):
    assert rights(cursor, "anon") == {IN_PUBLIC} | may_call(FOR_EVERYONE)


def test_service_role_may_do_everything_in_public_and_nothing_elsewhere(cursor):
    everything = {
        (f"public.{table}", privilege)
        for table in PUBLIC_TABLES
        for privilege in (
            "SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER",
        )
    }  # fmt: skip
    functions = may_call(FOR_EVERYONE | FOR_THE_CONSULTANT | FOR_THE_SERVER)
    assert rights(cursor, "service_role") == {IN_PUBLIC} | everything | functions


def test_authenticated_may_only_read_and_call(cursor):
    held = rights(cursor, "authenticated")
    assert {name for name, privilege in held if privilege == "EXECUTE"} == {
        f"public.{name}" for name in FOR_EVERYONE | FOR_THE_CONSULTANT
    }
    assert {privilege for _, privilege in held} == {"USAGE", "SELECT", "EXECUTE"}
    assert {name for name, privilege in held if privilege == "USAGE"} == {"public"}


def test_authenticated_may_read_every_business_table_but_no_secret_column(cursor):
    readable = {
        name for name, privilege in rights(cursor, "authenticated") if privilege == "SELECT"
    }
    assert {".".join(name.split(".")[:2]) for name in readable} == {
        f"public.{table}" for table in PUBLIC_TABLES
    }
    for table, columns in SECRET_COLUMNS.items():
        assert f"public.{table}" not in readable  # else it would hold for every column
        assert readable & {f"public.{table}.{column}" for column in columns} == set()


def test_rows_are_guarded_on_every_table_by_the_same_policy(cursor):
    guarded = cursor.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND rowsecurity"
    )
    assert {name for (name,) in guarded.fetchall()} == PUBLIC_TABLES
    policies = cursor.execute("SELECT tablename, policyname, roles::text, cmd FROM pg_policies")
    assert set(policies.fetchall()) == {
        (table, "own_rows", "{authenticated}", "SELECT") for table in PUBLIC_TABLES
    }


def test_the_service_role_alone_passes_by_the_policies(cursor):
    passing = cursor.execute(
        "SELECT rolname FROM pg_roles WHERE rolbypassrls AND rolname = ANY(%s)", [list(API_ROLES)]
    )
    assert passing.fetchall() == [("service_role",)]


def test_functions_that_run_with_the_owners_rights_fix_their_search_path(cursor):
    """Else a caller's temporary table could stand in for ours."""
    loose = cursor.execute(
        "SELECT oid::regprocedure::text, proconfig::text FROM pg_proc WHERE prosecdef "
        "AND NOT coalesce('search_path=\"\"' = ANY(proconfig), false)"
    )
    assert loose.fetchall() == []


def test_views_in_public_would_run_with_the_callers_rights(cursor):
    loose = cursor.execute(
        "SELECT relname FROM pg_class "
        "WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm') "
        "AND NOT coalesce('security_invoker=true' = ANY(reloptions), false)"
    )
    assert loose.fetchall() == []


def test_nothing_is_published_to_subscribers(cursor):
    assert cursor.execute("SELECT pubname FROM pg_publication").fetchall() == []


@pytest.mark.parametrize(
    ("leak", "right"),
    [
        ("CREATE FUNCTION calsync.leak() RETURNS int RETURN 1", ("calsync.leak", "EXECUTE")),
        ("GRANT EXECUTE ON FUNCTION calsync.touch_updated_at TO authenticated, anon",
         ("calsync.touch_updated_at", "EXECUTE")),
        ("GRANT SELECT (user_id) ON bookings TO anon", ("public.bookings.user_id", "SELECT")),
        ("GRANT INSERT ON bookings TO PUBLIC", ("public.bookings", "INSERT")),
        ("CREATE VIEW public.leak AS SELECT 1; GRANT SELECT ON public.leak TO anon",
         ("public.leak", "SELECT")),
        ("CREATE SEQUENCE public.leak; GRANT USAGE ON SEQUENCE public.leak TO anon",
         ("public.leak", "USAGE")),
        ("GRANT USAGE ON SCHEMA calsync TO PUBLIC", ("calsync", "USAGE")),
    ],
)  # fmt: skip
def test_a_leak_would_be_seen(cursor, leak, right):
    before = rights(cursor, "anon")
    cursor.execute(leak)
    assert right in rights(cursor, "anon") - before


@pytest.mark.parametrize(("project", "given"), [("legacy_project", 7), ("project_since_2026", 0)])
def test_the_projects_differ_in_what_they_give_away(request, project, given):
    with psycopg.connect(request.getfixturevalue(project)) as connection:
        connection.execute("CREATE TABLE public.fresh ()")
        assert len(rights(connection, "anon") - {IN_PUBLIC} - may_call(FOR_EVERYONE)) == given
        connection.rollback()
