"""Where the tables are, that they are what was promised, and that the models know them."""

import re
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import TextField

from connections.models import Consultant
from tests.catalogue import COLUMNS, CONSTRAINTS, INDEXES, read

pytestmark = pytest.mark.django_db

PROMISED = Path(__file__).parent / "data" / "promised_schema.sql"
PUBLIC_TABLES = {
    "availability",
    "availability_exceptions",
    "blocked_dates",
    "booking_settings",
    "bookings",
    "calendar_connections",
    "meeting_types",
    "sync_logs",
    "synced_events",
    "webhook_endpoints",
}
# Columns that SQL alone reads and writes.
UNKNOWN_TO_DJANGO = {("availability_exceptions", "covered"), ("availability_exceptions", "closed")}


@pytest.fixture
def cursor():
    with connection.cursor() as cursor:
        yield cursor


@pytest.fixture
def promised(cursor) -> str:
    """The name of a schema that holds the promised tables."""
    cursor.execute("CREATE SCHEMA promised; SET search_path = promised, calsync")
    cursor.execute(PROMISED.read_text())
    cursor.execute("SET search_path = calsync, public")
    return "promised"


def columns(cursor, schema: str) -> dict[tuple[str, str], tuple[str, bool, str | None]]:
    """Type, NOT NULL and default by table and column."""
    return {(table, name): rest for table, name, *rest in read(cursor, COLUMNS, schema)}


# --- where things are ---------------------------------------------------------------------------


def test_only_the_business_tables_are_in_the_public_schema(cursor):
    cursor.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace "
        "AND relkind <> 'i' AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid "
        "AND classid = 'pg_class'::regclass AND deptype = 'e')"
    )
    assert {name for (name,) in cursor.fetchall()} == PUBLIC_TABLES


def test_nothing_is_outside_the_two_schemas(cursor):
    cursor.execute(
        "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' "
        "AND nspname NOT IN ('information_schema', 'public', 'calsync')"
    )
    assert cursor.fetchall() == []


# --- what was promised --------------------------------------------------------------------------


def test_every_promised_column_has_its_type_and_default(cursor, promised):
    live = columns(cursor, "public")
    broken = {
        column: (live.get(column), (kind, not_null, default))
        for column, (kind, not_null, default) in columns(cursor, promised).items()
        if column not in live
        or live[column][0] != kind
        or (not_null and not live[column][1])
        or (default and live[column][2] != default)
    }
    assert broken == {}


def test_columns_are_stricter_than_promised_only_where_a_default_fills_them(cursor, promised):
    live = columns(cursor, "public")
    stricter = {
        column
        for column, (_, not_null, _) in columns(cursor, promised).items()
        if live[column][1] and not not_null and live[column][2] is None
    }
    assert stricter == {("calendar_connections", "provider")}  # a connection to nothing


def test_every_promised_check_key_and_delete_rule_holds(cursor, promised):
    def rules(schema):
        return {(table, rule) for table, _, rule in read(cursor, CONSTRAINTS, schema)}

    assert rules(promised) - rules("public") == set()


def test_every_promised_index_exists(cursor, promised):
    def named(schema):
        return {index for index in read(cursor, INDEXES, schema) if index[0].startswith("idx_")}

    assert len(named(promised)) == 3
    assert named(promised) - named("public") == set()


def test_deleting_a_consultant_deletes_what_is_theirs(cursor):
    rules = {
        (table, rule) for table, _, rule in read(cursor, CONSTRAINTS, "public") if "user_id" in rule
    }
    keys = {
        table
        for table, rule in rules
        if rule == "FOREIGN KEY (user_id) REFERENCES calsync.consultants(id) ON DELETE CASCADE"
    }
    owned = {table for table, name in columns(cursor, "public") if name == "user_id"}
    assert keys == owned == PUBLIC_TABLES - {"synced_events", "sync_logs"}


def test_a_row_is_complete_without_what_django_would_add(cursor):
    """The website inserts through Supabase; whatever must be there and can be guessed, is."""
    needed = {
        column
        for column, (_, not_null, default) in columns(cursor, "public").items()
        if not_null and default is None
    }
    assert needed == {
        ("availability", "day_of_week"),
        ("availability", "end_time"),
        ("availability", "start_time"),
        ("availability_exceptions", "start_date"),
        ("bookings", "end_time"),
        ("bookings", "start_time"),
        ("calendar_connections", "calendar_id"),
        ("calendar_connections", "provider"),
        ("meeting_types", "slug"),
        ("meeting_types", "title"),
        ("sync_logs", "operation"),
        ("synced_events", "connection_id"),
        ("synced_events", "end_time"),
        ("synced_events", "provider_event_id"),
        ("synced_events", "start_time"),
        ("webhook_endpoints", "url"),
        *((table, "user_id") for table in PUBLIC_TABLES - {"synced_events", "sync_logs"}),
    }


# --- what the models know -----------------------------------------------------------------------


MODELS = [
    model
    for model in apps.get_models()
    if model._meta.app_label in ("connections", "syncing", "availability", "bookings")
    and model is not Consultant  # a table of Django's own making
]
TABLES = {model._meta.db_table for model in MODELS}


@pytest.fixture
def modelled(cursor) -> str:
    """The name of a schema that holds the tables as Django would make them from the models."""
    cursor.execute("CREATE SCHEMA modelled; SET search_path = modelled, calsync")
    with connection.schema_editor() as editor:
        for model in MODELS:
            editor.create_model(model)
    cursor.execute("SET search_path = calsync, public")
    return "modelled"


def as_django_would(kind: str, not_null: bool, default: str | None) -> tuple:
    """A length is a matter of forms, and Django's Now() is the statement's time."""
    kind = re.sub(r"character varying\(\d+\)", "text", kind)
    return kind, not_null, default and default.replace("now()", "statement_timestamp()")


def test_every_public_table_has_a_model():
    assert TABLES.issuperset(PUBLIC_TABLES)


def test_models_and_tables_have_the_same_columns_types_and_defaults(cursor, modelled):
    live = {
        column: as_django_would(*facts)
        for schema in ("public", "calsync")
        for column, facts in columns(cursor, schema).items()
        if column[0] in TABLES and column not in UNKNOWN_TO_DJANGO
    }
    known = {column: as_django_would(*facts) for column, facts in columns(cursor, modelled).items()}
    assert known == live


def test_constraints_of_models_are_those_of_the_tables(cursor, modelled):
    def rules(schema):
        return read(cursor, CONSTRAINTS, schema) | read(cursor, INDEXES, schema)

    declared = {
        constraint.name
        for model in MODELS
        for constraint in (*model._meta.constraints, *model._meta.indexes)
    }
    known = {row for row in rules(modelled) if declared.intersection(row)}
    assert known - rules("public") - rules("calsync") == set()


def test_the_choices_of_a_model_are_those_the_table_allows(cursor):
    allowed = {
        (table, *re.findall(r"\((\w+) = ANY", rule)): set(re.findall(r"'([^']*)'::text", rule))
        for table, _, rule in read(cursor, CONSTRAINTS, "public")
        if rule.startswith("CHECK") and "= ANY (ARRAY[" in rule
    }
    chosen = {
        (model._meta.db_table, field.column): {value for value, _ in field.choices}
        | ({""} if field.blank else set())
        for model in MODELS
        if model._meta.db_table in PUBLIC_TABLES
        for field in model._meta.get_fields()
        if isinstance(field, TextField) and field.choices
    }
    assert chosen == allowed
