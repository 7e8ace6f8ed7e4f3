import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

from connections.sql_files import create_tables


class Migration(migrations.Migration):
    dependencies = [("bookings", "0004_booking_guard")]
    operations = [
        create_tables(
            "bookings/sql/event_doubts.sql",
            models=[
                migrations.CreateModel(
                    name="EventDoubt",
                    fields=[
                        (
                            "booking",
                            models.OneToOneField(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                primary_key=True,
                                related_name="doubt",
                                serialize=False,
                                to="bookings.booking",
                            ),
                        ),
                        ("as_of", models.DateTimeField()),
                        (
                            "finding",
                            models.TextField(
                                blank=True,
                                choices=[
                                    ("", "as booked"),
                                    ("gone", "deleted"),
                                    ("elsewhere", "moved"),
                                ],
                                db_default="",
                                default="",
                            ),
                        ),
                        ("start_time", models.DateTimeField(null=True)),
                        ("end_time", models.DateTimeField(null=True)),
                        ("found_at", models.DateTimeField(null=True)),
                        ("waits_for_word", models.BooleanField(db_default=False, default=False)),
                        (
                            "due_at",
                            models.DateTimeField(
                                db_default=django.db.models.functions.datetime.Now()
                            ),
                        ),
                        ("failures", models.IntegerField(db_default=0, default=0)),
                    ],
                    options={
                        "db_table": "event_doubts",
                        "indexes": [],
                        "constraints": [],
                    },
                ),
            ],
        ),
    ]
