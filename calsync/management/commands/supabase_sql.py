"""``manage.py supabase_sql``: the whole database as one SQL script."""

from collections.abc import Iterator

from django.core.management.base import BaseCommand
from django.db import connection
from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

BEGINNING = """\
-- The database of calsync: schema "public" with its functions, policies and grants, and the private
-- schema "calsync" that they stand on. It is for an empty database, such as a new Supabase project
-- (SQL editor, or a file in supabase/migrations), and does there what "manage.py migrate" does; a
-- later "migrate" finds nothing left to do.

BEGIN;
CREATE SCHEMA calsync;
REVOKE ALL ON SCHEMA calsync FROM PUBLIC;
SET LOCAL search_path = calsync, public;
"""
END = """
COMMIT;
NOTIFY pgrst, 'reload schema';"""
OUR_APPS = {"connections", "availability", "syncing", "bookings"}


class Command(BaseCommand):
    help = "Print tables, functions, policies and grants as one SQL script for an empty database."

    def handle(self, *args, **options) -> None:
        executor = MigrationExecutor(connection)
        leaves = executor.loader.graph.leaf_nodes()
        plan = [step for step, _ in executor.migration_plan(leaves, clean_start=True)]
        self.stdout.write(BEGINNING)
        for statement in (*tables(executor.loader, plan), *history(plan)):
            self.stdout.write(statement)
        self.stdout.write(END)


def tables(loader: MigrationLoader, plan: list[Migration]) -> Iterator[str]:
    """Our migrations one by one; of other apps the outcome, in the place of their last migration.

    Django writes some steps by looking at the connected database, which has them behind it. Ours
    do without such steps; of the others' there are years.
    """
    last = {migration.app_label: migration for migration in plan}
    for migration in plan:
        if migration.app_label in OUR_APPS:
            yield from loader.collect_sql([(migration, False)])
        elif migration is last[migration.app_label]:
            yield f"--\n-- {migration.app_label}\n--"
            yield from _outcome(loader, migration.app_label)


def history(plan: list[Migration]) -> Iterator[str]:
    """What tells a later ``migrate`` that these have been run."""
    with connection.schema_editor(collect_sql=True) as editor:
        editor.create_model(MigrationRecorder.Migration)
    yield from editor.collected_sql
    rows = ",\n".join(f"  ('{each.app_label}', '{each.name}', now())" for each in plan)
    yield f"INSERT INTO django_migrations (app, name, applied) VALUES\n{rows};"


def _outcome(loader: MigrationLoader, app_label: str) -> list[str]:
    models = loader.project_state().apps.get_app_config(app_label).get_models()
    with connection.schema_editor(collect_sql=True) as editor:
        for model in models:
            if model._meta.can_migrate(connection):
                editor.create_model(model)
    return editor.collected_sql
