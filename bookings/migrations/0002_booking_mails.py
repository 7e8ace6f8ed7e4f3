import uuid

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

from connections.sql_files import create_tables


class Migration(migrations.Migration):
    dependencies = [("bookings", "0001_initial")]
    operations = [
        create_tables(
            "bookings/sql/booking_mails.sql",
            models=[
                migrations.CreateModel(
                    name="BookingMail",
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
                            "booking",
                            models.ForeignKey(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="mails",
                                to="bookings.booking",
                            ),
                        ),
                        (
                            "kind",
                            models.TextField(
                                choices=[
                                    ("confirmation", "confirmation"),
                                    ("consultant_notice", "new booking"),
                                    ("request", "request received"),
                                    ("approval", "request for approval"),
                                    ("refusal", "request declined"),
                                    ("withdrawal", "request withdrawn"),
                                    ("change", "move"),
                                    ("cancellation", "cancellation"),
                                    ("reminder", "reminder"),
                                    ("conference", "link of the video call"),
                                    ("calendar_trouble", "calendar trouble"),
                                    ("conflict", "conflict"),
                                ]
                            ),
                        ),
                        (
                            "recipient",
                            models.TextField(
                                choices=[("invitee", "invitee"), ("consultant", "consultant")]
                            ),
                        ),
                        ("sequence", models.IntegerField(db_default=0, default=0)),
                        ("about", models.TextField(db_default="", default="")),
                        (
                            "due_at",
                            models.DateTimeField(
                                db_default=django.db.models.functions.datetime.Now(), null=True
                            ),
                        ),
                        ("not_before", models.DateTimeField(null=True)),
                        ("attempts", models.IntegerField(db_default=0, default=0)),
                        ("sent_at", models.DateTimeField(null=True)),
                        ("error", models.TextField(db_default="", default="")),
                        (
                            "created_at",
                            models.DateTimeField(
                                db_default=django.db.models.functions.datetime.Now(), editable=False
                            ),
                        ),
                    ],
                    options={
                        "verbose_name": "mail",
                        "db_table": "booking_mails",
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("booking", "kind", "recipient", "sequence", "about"),
                                name="booking_mails_once",
                            )
                        ],
                        "indexes": [],
                    },
                ),
            ],
        )
    ]
