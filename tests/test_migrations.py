"""Migrations run from nothing, back to nothing and forwards again, and fit the models."""

from collections.abc import Iterator
from io import StringIO

import psycopg
import pytest
from django.core.management import call_command

from tests.catalogue import FUNCTIONS, RELATIONS, everything, read
from tests.databases import LEGACY_DEFAULTS, manage, migrate, supabase_database

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def project(django_db_setup) -> Iterator[str]:
    """The address of a migrated database whose owner is no superuser."""
    with supabase_database("migrations", defaults=LEGACY_DEFAULTS) as url:
        migrate(url)
        yield url


def names(url: str, schema: str) -> set[str]:
    """The tables, views, sequences and functions that the schema holds."""
    with psycopg.connect(url) as session:
        relations = read(session.cursor(), RELATIONS, schema)
        functions = read(session.cursor(), FUNCTIONS, schema)
    return {name for name, kind, *_ in relations if kind != "i"} | {name for name, *_ in functions}


def test_the_models_need_no_further_migration():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_migrating_back_and_forwards_again_gives_the_same_database(project):
    before = everything(project)
    migrate(project, "contenttypes", "zero")  # what everything of ours stands on
    assert names(project, "public") == set()
    left = names(project, "calsync")
    assert {name for name in left if not name.startswith("django_")} == set()
    migrate(project)
    assert everything(project) ^ before == set()


def test_the_printed_script_makes_the_same_database_as_migrating(project):
    script = StringIO()
    call_command("supabase_sql", stdout=script)
    with supabase_database("script", defaults=LEGACY_DEFAULTS) as url:
        with psycopg.connect(url, autocommit=True) as session:
            session.execute(script.getvalue())
        assert everything(url) ^ everything(project) == set()
        assert manage("migrate", "--check", url=url).returncode == 0
