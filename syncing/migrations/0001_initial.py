import uuid

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

from connections.sql_files import create_tables


class Migration(migrations.Migration):
    initial = True
    dependencies = [("connections", "0001_initial")]
    operations = [
        create_tables(
            "syncing/sql/synced_events.sql",
            models=[
                migrations.CreateModel(
                    name="SyncedEvent",
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
                        (
                            "connection",
                            models.ForeignKey(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="events",
                                to="connections.calendarconnection",
                            ),
                        ),
                        ("provider_event_id", models.TextField()),
                        ("title", models.TextField(null=True)),
                        ("start_time", models.DateTimeField(verbose_name="start")),
                        ("end_time", models.DateTimeField(verbose_name="end")),
                        (
                            "is_all_day",
                            models.BooleanField(
                                db_default=False, default=False, verbose_name="all day"
                            ),
                        ),
                        (
                            "status",
                            models.TextField(
                                choices=[
                                    ("confirmed", "confirmed"),
                                    ("tentative", "tentative"),
                                    ("cancelled", "cancelled"),
                                ],
                                db_default="confirmed",
                                default="confirmed",
                            ),
                        ),
                        (
                            "transparency",
                            models.TextField(
                                choices=[("opaque", "busy"), ("transparent", "free")],
                                db_default="opaque",
                                default="opaque",
                                verbose_name="shown as",
                            ),
                        ),
                        (
                            "is_ohboy_booking",
                            models.BooleanField(
                                db_default=False, default=False, verbose_name="our booking"
                            ),
                        ),
                        ("booking_id", models.UUIDField(null=True)),
                        ("provider_updated_at", models.DateTimeField(null=True)),
                        ("raw_data", models.JSONField(null=True)),
                        (
                            "created_at",
                            models.DateTimeField(
                                db_default=django.db.models.functions.datetime.Now(), editable=False
                            ),
                        ),
                        (
                            "updated_at",
                            models.DateTimeField(
                                db_default=django.db.models.functions.datetime.Now(), editable=False
                            ),
                        ),
                        ("series_id", models.TextField(db_default="", default="")),
                        ("start_date", models.DateField(null=True)),
                        ("end_date", models.DateField(null=True)),
                        ("problem", models.TextField(db_default="", default="")),
                        ("floats_in", models.TextField(db_default="", default="")),
                    ],
                    options={
                        "verbose_name": "synced event",
                        "db_table": "synced_events",
                        "indexes": [],
                        "constraints": [],
                    },
                ),
            ],
        ),
        create_tables(
            "syncing/sql/sync_logs.sql",
            models=[
                migrations.CreateModel(
                    name="SyncLog",
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
                        (
                            "connection",
                            models.ForeignKey(
                                db_constraint=False,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="sync_logs",
                                to="connections.calendarconnection",
                            ),
                        ),
                        ("operation", models.TextField()),
                        (
                            "status",
                            models.TextField(
                                choices=[
                                    ("started", "started"),
                                    ("completed", "completed"),
                                    ("failed", "failed"),
                                ],
                                db_default="started",
                                default="started",
                            ),
                        ),
                        (
                            "events_processed",
                            models.IntegerField(db_default=0, default=0, verbose_name="processed"),
                        ),
                        (
                            "events_created",
                            models.IntegerField(db_default=0, default=0, verbose_name="created"),
                        ),
                        (
                            "events_updated",
                            models.IntegerField(db_default=0, default=0, verbose_name="updated"),
                        ),
                        (
                            "events_deleted",
                            models.IntegerField(db_default=0, default=0, verbose_name="deleted"),
                        ),
                        ("error_message", models.TextField(null=True, verbose_name="error")),
                        (
                            "duration_ms",
                            models.IntegerField(null=True, verbose_name="duration (ms)"),
                        ),
                        ("metadata", models.JSONField(null=True)),
                        (
                            "created_at",
                            models.DateTimeField(
                                db_default=django.db.models.functions.datetime.Now(),
                                editable=False,
                                verbose_name="started at",
                            ),
                        ),
                    ],
                    options={
                        "verbose_name": "sync log",
                        "db_table": "sync_logs",
                        "indexes": [],
                        "constraints": [],
                    },
                ),
            ],
        ),
    ]
