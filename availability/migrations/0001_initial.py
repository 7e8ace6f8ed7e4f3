import uuid

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import availability.models
from connections.sql_files import RunSQLFile, create_tables


class Migration(migrations.Migration):
    initial = True
    dependencies = [("connections", "0001_initial")]
    operations = [
        RunSQLFile(
            "availability/sql/wall_clock.sql",
            reverse="DROP FUNCTION calsync.require_time_zone, calsync.wall_clock_to_instant, "
            "calsync.zone_rules_name",
        ),
        create_tables(
            "availability/sql/availability_tables.sql",
            models=[
                migrations.CreateModel(
                    name="BookingSettings",
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
                            models.OneToOneField(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="booking_settings",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "time_zone",
                            models.TextField(
                                db_default="UTC",
                                default="UTC",
                                validators=[availability.models.validate_time_zone],
                            ),
                        ),
                        (
                            "duration",
                            models.IntegerField(
                                db_default=30,
                                default=30,
                                help_text="Minutes.",
                                validators=[
                                    django.core.validators.MinValueValidator(5),
                                    django.core.validators.MaxValueValidator(1440),
                                ],
                            ),
                        ),
                        (
                            "buffer_before",
                            models.IntegerField(
                                db_default=0,
                                default=0,
                                help_text="Minutes.",
                                validators=[
                                    django.core.validators.MinValueValidator(0),
                                    django.core.validators.MaxValueValidator(1440),
                                ],
                            ),
                        ),
                        (
                            "buffer_after",
                            models.IntegerField(
                                db_default=0,
                                default=0,
                                help_text="Minutes.",
                                validators=[
                                    django.core.validators.MinValueValidator(0),
                                    django.core.validators.MaxValueValidator(1440),
                                ],
                            ),
                        ),
                        (
                            "minimum_notice",
                            models.IntegerField(
                                db_default=120,
                                default=120,
                                help_text="Minutes from now to the earliest start.",
                                validators=[
                                    django.core.validators.MinValueValidator(0),
                                    django.core.validators.MaxValueValidator(525600),
                                ],
                            ),
                        ),
                        (
                            "booking_window",
                            models.IntegerField(
                                db_default=60,
                                default=60,
                                help_text="Days from today to the last bookable date; 0 is today only.",
                                validators=[
                                    django.core.validators.MinValueValidator(0),
                                    django.core.validators.MaxValueValidator(730),
                                ],
                            ),
                        ),
                        (
                            "slot_interval",
                            models.IntegerField(
                                blank=True,
                                help_text="Minutes between starts. Empty: the duration.",
                                null=True,
                                validators=[
                                    django.core.validators.MinValueValidator(5),
                                    django.core.validators.MaxValueValidator(1440),
                                ],
                            ),
                        ),
                        (
                            "daily_limit",
                            models.IntegerField(
                                blank=True,
                                help_text="Bookings a day.",
                                null=True,
                                validators=[django.core.validators.MinValueValidator(1)],
                            ),
                        ),
                        (
                            "weekly_limit",
                            models.IntegerField(
                                blank=True,
                                help_text="Bookings a week, from Monday.",
                                null=True,
                                validators=[django.core.validators.MinValueValidator(1)],
                            ),
                        ),
                        (
                            "stale_policy",
                            models.TextField(
                                choices=[
                                    (
                                        "keep",
                                        "keep offering slots; confirm a booking only after a fresh look",
                                    ),
                                    ("close", "offer nothing until the calendars are fresh again"),
                                ],
                                db_default="keep",
                                default="keep",
                                verbose_name="when a calendar cannot be read",
                            ),
                        ),
                        (
                            "max_data_age",
                            models.IntegerField(
                                blank=True,
                                help_text="Minutes until data counts as stale. Empty: the installation's.",
                                null=True,
                                validators=[django.core.validators.MinValueValidator(1)],
                            ),
                        ),
                        (
                            "change_notice",
                            models.IntegerField(
                                db_default=0,
                                default=0,
                                help_text="Minutes before the start until which invitees may cancel or move a booking.",
                                validators=[
                                    django.core.validators.MinValueValidator(0),
                                    django.core.validators.MaxValueValidator(525600),
                                ],
                            ),
                        ),
                        (
                            "reminders",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.IntegerField(
                                    validators=[
                                        django.core.validators.MinValueValidator(5),
                                        django.core.validators.MaxValueValidator(40320),
                                    ]
                                ),
                                blank=True,
                                db_default=[1440],
                                default=availability.models.one_day_before,
                                help_text="Minutes before the start, separated by commas: 1440, 60. Empty: none.",
                                size=5,
                            ),
                        ),
                        (
                            "invitee_limit",
                            models.IntegerField(
                                blank=True,
                                db_default=120,
                                default=120,
                                help_text="At most so many bookings ahead for one e-mail address. Empty: no limit.",
                                null=True,
                                validators=[django.core.validators.MinValueValidator(1)],
                                verbose_name="open bookings of one invitee",
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
                    ],
                    options={
                        "verbose_name": "booking settings",
                        "verbose_name_plural": "booking settings",
                        "db_table": "booking_settings",
                        "indexes": [],
                        "constraints": [],
                    },
                ),
                migrations.CreateModel(
                    name="AvailabilityRule",
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
                            "day_of_week",
                            models.SmallIntegerField(
                                choices=[
                                    (0, "Monday"),
                                    (1, "Tuesday"),
                                    (2, "Wednesday"),
                                    (3, "Thursday"),
                                    (4, "Friday"),
                                    (5, "Saturday"),
                                    (6, "Sunday"),
                                ]
                            ),
                        ),
                        ("start_time", models.TimeField(verbose_name="from")),
                        (
                            "end_time",
                            models.TimeField(
                                help_text="00:00 means midnight at the day's end.",
                                verbose_name="to",
                            ),
                        ),
                        ("valid_from", models.DateField(blank=True, null=True)),
                        (
                            "valid_until",
                            models.DateField(blank=True, help_text="Inclusive.", null=True),
                        ),
                    ],
                    options={
                        "verbose_name": "weekly hours",
                        "verbose_name_plural": "weekly hours",
                        "db_table": "availability",
                        "indexes": [],
                        "constraints": [],
                    },
                ),
                migrations.CreateModel(
                    name="AvailabilityException",
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
                            "is_closed",
                            models.BooleanField(
                                db_default=True, default=True, verbose_name="closed"
                            ),
                        ),
                        ("start_date", models.DateField(verbose_name="from")),
                        (
                            "end_date",
                            models.DateField(
                                blank=True,
                                help_text="Inclusive. Empty: one day.",
                                null=True,
                                verbose_name="to",
                            ),
                        ),
                        (
                            "start_time",
                            models.TimeField(blank=True, null=True, verbose_name="open from"),
                        ),
                        (
                            "end_time",
                            models.TimeField(blank=True, null=True, verbose_name="open to"),
                        ),
                        (
                            "rrule",
                            models.TextField(
                                blank=True,
                                db_default="",
                                default="",
                                help_text="RFC 5545, e.g. FREQ=MONTHLY;BYDAY=1FR for every first Friday.",
                                verbose_name="repeats",
                            ),
                        ),
                        ("reason", models.TextField(blank=True, db_default="", default="")),
                        ("expanded_until", models.DateField(editable=False, null=True)),
                    ],
                    options={
                        "verbose_name": "exception",
                        "db_table": "availability_exceptions",
                        "indexes": [],
                        "constraints": [],
                    },
                ),
                migrations.CreateModel(
                    name="BlockedDate",
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
                            "start_time",
                            models.DateTimeField(blank=True, null=True, verbose_name="from"),
                        ),
                        (
                            "end_time",
                            models.DateTimeField(blank=True, null=True, verbose_name="to"),
                        ),
                        (
                            "start_date",
                            models.DateField(blank=True, null=True, verbose_name="whole days from"),
                        ),
                        (
                            "end_date",
                            models.DateField(
                                blank=True,
                                help_text="Inclusive.",
                                null=True,
                                verbose_name="whole days to",
                            ),
                        ),
                        ("reason", models.TextField(blank=True, db_default="", default="")),
                    ],
                    options={
                        "verbose_name": "blocked date",
                        "db_table": "blocked_dates",
                        "indexes": [],
                        "constraints": [],
                    },
                ),
                migrations.CreateModel(
                    name="MeetingType",
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
                            "slug",
                            models.SlugField(
                                max_length=100,
                                validators=[
                                    django.core.validators.RegexValidator(
                                        "^[a-z0-9]+(-[a-z0-9]+)*\\Z",
                                        "Use lower-case letters, digits and single hyphens.",
                                    )
                                ],
                            ),
                        ),
                        ("title", models.TextField()),
                        ("description", models.TextField(blank=True, db_default="", default="")),
                        ("location", models.TextField(blank=True, db_default="", default="")),
                        (
                            "duration",
                            models.IntegerField(
                                blank=True,
                                null=True,
                                validators=[
                                    django.core.validators.MinValueValidator(5),
                                    django.core.validators.MaxValueValidator(1440),
                                ],
                            ),
                        ),
                        (
                            "buffer_before",
                            models.IntegerField(
                                blank=True,
                                null=True,
                                validators=[
                                    django.core.validators.MinValueValidator(0),
                                    django.core.validators.MaxValueValidator(1440),
                                ],
                            ),
                        ),
                        (
                            "buffer_after",
                            models.IntegerField(
                                blank=True,
                                null=True,
                                validators=[
                                    django.core.validators.MinValueValidator(0),
                                    django.core.validators.MaxValueValidator(1440),
                                ],
                            ),
                        ),
                        (
                            "minimum_notice",
                            models.IntegerField(
                                blank=True,
                                null=True,
                                validators=[
                                    django.core.validators.MinValueValidator(0),
                                    django.core.validators.MaxValueValidator(525600),
                                ],
                            ),
                        ),
                        (
                            "booking_window",
                            models.IntegerField(
                                blank=True,
                                null=True,
                                validators=[
                                    django.core.validators.MinValueValidator(0),
                                    django.core.validators.MaxValueValidator(730),
                                ],
                            ),
                        ),
                        (
                            "slot_interval",
                            models.IntegerField(
                                blank=True,
                                null=True,
                                validators=[
                                    django.core.validators.MinValueValidator(5),
                                    django.core.validators.MaxValueValidator(1440),
                                ],
                            ),
                        ),
                        (
                            "daily_limit",
                            models.IntegerField(
                                blank=True,
                                null=True,
                                validators=[django.core.validators.MinValueValidator(1)],
                            ),
                        ),
                        (
                            "weekly_limit",
                            models.IntegerField(
                                blank=True,
                                null=True,
                                validators=[django.core.validators.MinValueValidator(1)],
                            ),
                        ),
                        (
                            "change_notice",
                            models.IntegerField(
                                blank=True,
                                null=True,
                                validators=[
                                    django.core.validators.MinValueValidator(0),
                                    django.core.validators.MaxValueValidator(525600),
                                ],
                            ),
                        ),
                        (
                            "reminders",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.IntegerField(
                                    validators=[
                                        django.core.validators.MinValueValidator(5),
                                        django.core.validators.MaxValueValidator(40320),
                                    ]
                                ),
                                blank=True,
                                null=True,
                                size=5,
                            ),
                        ),
                        (
                            "requires_approval",
                            models.BooleanField(
                                db_default=False,
                                default=False,
                                verbose_name="each booking needs your approval",
                            ),
                        ),
                        (
                            "has_conference",
                            models.BooleanField(
                                db_default=False,
                                default=False,
                                help_text="Google Meet or Teams, where the calendar that receives bookings has it.",
                                verbose_name="with a video call",
                            ),
                        ),
                        (
                            "questions",
                            models.JSONField(
                                blank=True,
                                db_default=models.Value([], models.JSONField()),
                                default=list,
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
                        "verbose_name": "meeting type",
                        "db_table": "meeting_types",
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("user", "slug"),
                                name="meeting_types_slug_unique",
                                violation_error_message="Another meeting type has this address. Choose another.",
                            )
                        ],
                        "indexes": [],
                    },
                ),
            ],
        ),
    ]
