import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import bookings.endpoints
import connections.fields
from connections.sql_files import create_tables


class Migration(migrations.Migration):
    dependencies = [("bookings", "0005_event_doubts")]
    operations = [
        create_tables(
            "bookings/sql/webhooks.sql",
            models=[
                migrations.CreateModel(
                    name="WebhookEndpoint",
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
                            "user",
                            models.ForeignKey(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
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
                        (
                            "url",
                            models.TextField(
                                help_text="https only, e.g. https://crm.example.com/calsync",
                                verbose_name="address",
                            ),
                        ),
                        (
                            "secret",
                            connections.fields.EncryptedTextField(
                                db_column="secret_encrypted", editable=False, null=True
                            ),
                        ),
                        (
                            "events",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.TextField(
                                    choices=[
                                        ("created", "a booking is made or asked for"),
                                        ("changed", "it is moved, confirmed or taken back"),
                                        ("cancelled", "it is cancelled or declined"),
                                    ]
                                ),
                                db_default=["created", "changed", "cancelled"],
                                default=bookings.endpoints.all_events,
                                size=None,
                            ),
                        ),
                        (
                            "is_active",
                            models.BooleanField(
                                db_default=True, default=True, verbose_name="active"
                            ),
                        ),
                    ],
                    options={
                        "verbose_name": "webhook",
                        "db_table": "webhook_endpoints",
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("user", "url"),
                                name="webhook_endpoints_once",
                                violation_error_message="This address is called already.",
                            )
                        ],
                        "indexes": [],
                    },
                ),
                migrations.CreateModel(
                    name="WebhookDelivery",
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
                            "endpoint",
                            models.ForeignKey(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="deliveries",
                                to="bookings.webhookendpoint",
                            ),
                        ),
                        (
                            "booking",
                            models.ForeignKey(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="deliveries",
                                to="bookings.booking",
                            ),
                        ),
                        (
                            "event",
                            models.TextField(
                                choices=[
                                    ("created", "a booking is made or asked for"),
                                    ("changed", "it is moved, confirmed or taken back"),
                                    ("cancelled", "it is cancelled or declined"),
                                ]
                            ),
                        ),
                        ("sequence", models.IntegerField(verbose_name="revision")),
                        ("payload", models.JSONField()),
                        (
                            "due_at",
                            models.DateTimeField(
                                db_default=django.db.models.functions.datetime.Now(),
                                null=True,
                                verbose_name="next try",
                            ),
                        ),
                        ("not_before", models.DateTimeField(null=True)),
                        ("attempts", models.IntegerField(db_default=0, default=0)),
                        ("status_code", models.IntegerField(null=True, verbose_name="status")),
                        ("answer", models.TextField(db_default="", default="")),
                        ("error", models.TextField(db_default="", default="")),
                        ("delivered_at", models.DateTimeField(null=True, verbose_name="delivered")),
                        (
                            "created_at",
                            models.DateTimeField(
                                db_default=django.db.models.functions.datetime.Now(),
                                editable=False,
                                verbose_name="since",
                            ),
                        ),
                    ],
                    options={
                        "verbose_name": "webhook delivery",
                        "verbose_name_plural": "webhook deliveries",
                        "db_table": "webhook_deliveries",
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("endpoint", "booking", "event", "sequence"),
                                name="webhook_deliveries_once",
                            )
                        ],
                        "indexes": [],
                    },
                ),
            ],
        ),
    ]
