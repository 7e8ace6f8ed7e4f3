import uuid

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from connections.sql_files import create_tables


class Migration(migrations.Migration):
    initial = True
    dependencies = [("availability", "0001_initial"), ("syncing", "0001_initial")]
    operations = [
        create_tables(
            "bookings/sql/bookings.sql",
            models=[
                migrations.CreateModel(
                    name="Booking",
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
                            "meeting_type",
                            models.ForeignKey(
                                blank=True,
                                db_constraint=False,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                to="availability.meetingtype",
                            ),
                        ),
                        ("start_time", models.DateTimeField(verbose_name="start")),
                        ("end_time", models.DateTimeField(verbose_name="end")),
                        (
                            "buffer_before",
                            models.IntegerField(db_default=0, default=0, help_text="Minutes."),
                        ),
                        (
                            "buffer_after",
                            models.IntegerField(db_default=0, default=0, help_text="Minutes."),
                        ),
                        (
                            "status",
                            models.TextField(
                                choices=[
                                    ("pending", "pending"),
                                    ("confirmed", "confirmed"),
                                    ("cancelled", "cancelled"),
                                ],
                                db_default="confirmed",
                                default="confirmed",
                            ),
                        ),
                        ("hold_expires_at", models.DateTimeField(blank=True, null=True)),
                        ("hold_token_hash", models.TextField(editable=False, null=True)),
                        ("holder_hash", models.TextField(editable=False, null=True)),
                        ("title", models.TextField(blank=True, db_default="", default="")),
                        ("location", models.TextField(blank=True, db_default="", default="")),
                        (
                            "invitee_name",
                            models.TextField(db_default="", default="", verbose_name="name"),
                        ),
                        (
                            "invitee_email",
                            models.TextField(db_default="", default="", verbose_name="e-mail"),
                        ),
                        (
                            "invitee_time_zone",
                            models.TextField(
                                db_default="UTC", default="UTC", verbose_name="time zone"
                            ),
                        ),
                        (
                            "invitee_notes",
                            models.TextField(
                                blank=True, db_default="", default="", verbose_name="notes"
                            ),
                        ),
                        (
                            "answers",
                            models.JSONField(
                                blank=True,
                                db_default=models.Value({}, models.JSONField()),
                                default=dict,
                            ),
                        ),
                        ("idempotency_key", models.TextField(editable=False, null=True)),
                        (
                            "request_fingerprint",
                            models.TextField(db_default="", default="", editable=False),
                        ),
                        ("manage_token_hash", models.TextField(editable=False, null=True)),
                        ("cancelled_at", models.DateTimeField(editable=False, null=True)),
                        (
                            "cancellation_reason",
                            models.TextField(blank=True, db_default="", default=""),
                        ),
                        (
                            "reschedule_count",
                            models.IntegerField(db_default=0, default=0, editable=False),
                        ),
                        ("moved_from", models.DateTimeField(editable=False, null=True)),
                        (
                            "changed_by",
                            models.TextField(
                                blank=True,
                                choices=[
                                    ("invitee", "the invitee"),
                                    ("consultant", "the consultant"),
                                    ("calendar", "the consultant, in the calendar"),
                                    ("system", "calsync"),
                                ],
                                db_default="",
                                default="",
                                editable=False,
                            ),
                        ),
                        (
                            "has_conference",
                            models.BooleanField(
                                db_default=False, default=False, verbose_name="video call"
                            ),
                        ),
                        (
                            "conference_url",
                            models.TextField(db_default="", default="", editable=False),
                        ),
                        (
                            "event_connection",
                            models.ForeignKey(
                                db_constraint=False,
                                editable=False,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="bookings",
                                to="connections.calendarconnection",
                            ),
                        ),
                        (
                            "provider_event_id",
                            models.TextField(db_default="", default="", editable=False),
                        ),
                        ("ical_uid", models.TextField(db_default="", default="", editable=False)),
                        ("sequence", models.IntegerField(db_default=0, default=0, editable=False)),
                        (
                            "event_state",
                            models.TextField(
                                choices=[
                                    ("due", "to be written"),
                                    ("written", "in the calendar"),
                                    ("removed", "removed from the calendar"),
                                    ("failed", "could not be written"),
                                    ("none", "no calendar receives bookings"),
                                ],
                                db_default="due",
                                default="due",
                                verbose_name="calendar event",
                            ),
                        ),
                        (
                            "event_due_at",
                            models.DateTimeField(
                                db_default=django.db.models.functions.datetime.Now(),
                                editable=False,
                                null=True,
                            ),
                        ),
                        (
                            "event_due_since",
                            models.DateTimeField(
                                db_default=django.db.models.functions.datetime.Now(), editable=False
                            ),
                        ),
                        ("event_not_before", models.DateTimeField(editable=False, null=True)),
                        (
                            "event_attempts",
                            models.IntegerField(db_default=0, default=0, editable=False),
                        ),
                        (
                            "event_error",
                            models.TextField(db_default="", default="", editable=False),
                        ),
                    ],
                    options={
                        "db_table": "bookings",
                        "indexes": [],
                        "constraints": [],
                    },
                ),
            ],
        )
    ]
