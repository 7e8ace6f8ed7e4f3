import uuid

import django.db.models.functions.datetime
from django.db import migrations, models

import connections.fields
from connections.sql_files import RunSQLFile, create_tables

REVERSE = """
ALTER TABLE public.calendar_connections
  DROP COLUMN not_before, DROP COLUMN verified_at,
  DROP COLUMN drift_missing_minutes, DROP COLUMN drift_surplus_minutes;
DROP INDEX public.idx_cal_conn_watch_due;
CREATE INDEX idx_cal_conn_watch_due ON public.calendar_connections (next_watch_at) WHERE is_active
"""
FIELDS = {
    "not_before": models.DateTimeField(null=True),
    "verified_at": models.DateTimeField(null=True, verbose_name="last verified"),
    "drift_missing_minutes": models.IntegerField(null=True),
    "drift_surplus_minutes": models.IntegerField(null=True),
}


class Migration(migrations.Migration):
    dependencies = [("connections", "0002_tokens_and_watches")]
    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[RunSQLFile("connections/sql/verification.sql", reverse=REVERSE)],
            state_operations=[
                migrations.AddField("CalendarConnection", name, field)
                for name, field in FIELDS.items()
            ],
        ),
        create_tables(
            "connections/sql/departures.sql",
            models=[
                migrations.CreateModel(
                    name="Departure",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                db_default=models.Func(function="gen_random_uuid"),
                                default=uuid.uuid4,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("provider", models.TextField()),
                        ("provider_email", models.TextField()),
                        (
                            "refresh_token",
                            connections.fields.EncryptedTextField(
                                db_column="refresh_token_encrypted"
                            ),
                        ),
                        ("watches", models.JSONField(db_default=[], default=list)),
                        ("due_at", models.DateTimeField()),
                        ("failure_count", models.IntegerField(db_default=0, default=0)),
                        (
                            "created_at",
                            models.DateTimeField(
                                db_default=django.db.models.functions.datetime.Now(),
                                editable=False,
                            ),
                        ),
                    ],
                    options={"db_table": "departures"},
                )
            ],
        ),
    ]
