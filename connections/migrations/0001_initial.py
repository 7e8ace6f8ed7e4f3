import uuid

import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import connections.fields
import connections.models
from connections.sql_files import RunSQLFile, create_tables


class Migration(migrations.Migration):
    initial = True
    dependencies = [("auth", "0012_alter_user_first_name_max_length")]
    operations = [
        RunSQLFile(
            "connections/sql/foundation.sql", reverse="DROP FUNCTION calsync.touch_updated_at()"
        ),
        migrations.CreateModel(
            name="Consultant",
            fields=[
                ("password", models.CharField(max_length=128, verbose_name="password")),
                (
                    "last_login",
                    models.DateTimeField(blank=True, null=True, verbose_name="last login"),
                ),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
                (
                    "is_staff",
                    models.BooleanField(
                        default=False,
                        help_text="Designates whether the user can log into this admin site.",
                        verbose_name="staff status",
                    ),
                ),
                (
                    "is_active",
                    models.BooleanField(
                        default=True,
                        help_text="Designates whether this user should be treated as active. Unselect this instead of deleting accounts.",
                        verbose_name="active",
                    ),
                ),
                (
                    "date_joined",
                    models.DateTimeField(
                        default=django.utils.timezone.now, verbose_name="date joined"
                    ),
                ),
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
                    "email",
                    models.EmailField(max_length=254, unique=True, verbose_name="e-mail address"),
                ),
                (
                    "name",
                    models.CharField(blank=True, help_text="As invitees see it.", max_length=200),
                ),
                (
                    "slug",
                    models.SlugField(
                        blank=True,
                        help_text="The end of the booking page's address: /book/your-name/",
                        max_length=100,
                        unique=True,
                    ),
                ),
                (
                    "is_primary",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="Whom the website means when it names no consultant.",
                        verbose_name="primary consultant",
                    ),
                ),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.group",
                        verbose_name="groups",
                    ),
                ),
                (
                    "user_permissions",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Specific permissions for this user.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.permission",
                        verbose_name="user permissions",
                    ),
                ),
            ],
            options={
                "db_table": "consultants",
                "constraints": [
                    models.UniqueConstraint(
                        django.db.models.functions.text.Lower("email"),
                        name="consultants_email_unique",
                        violation_error_message="There is a consultant with this e-mail address already.",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("is_primary", True)),
                        fields=("is_primary",),
                        name="consultants_one_primary",
                        violation_error_message="Another consultant is the primary one. Change it there.",
                    ),
                ],
                "indexes": [],
            },
            managers=[
                ("objects", connections.models.ConsultantManager()),
            ],
        ),
        create_tables(
            "connections/sql/calendar_connections.sql",
            models=[
                migrations.CreateModel(
                    name="CalendarConnection",
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
                                related_name="connections",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "provider",
                            models.TextField(
                                choices=[
                                    ("google", "Google Calendar"),
                                    ("microsoft", "Microsoft 365"),
                                    ("apple", "Apple / CalDAV"),
                                ]
                            ),
                        ),
                        (
                            "provider_email",
                            models.TextField(blank=True, null=True, verbose_name="account"),
                        ),
                        ("calendar_id", models.TextField()),
                        (
                            "calendar_name",
                            models.TextField(blank=True, null=True, verbose_name="calendar"),
                        ),
                        (
                            "access_token",
                            connections.fields.EncryptedTextField(
                                db_column="access_token_encrypted", null=True
                            ),
                        ),
                        (
                            "refresh_token",
                            connections.fields.EncryptedTextField(
                                db_column="refresh_token_encrypted", null=True
                            ),
                        ),
                        ("token_expires_at", models.DateTimeField(null=True)),
                        (
                            "app_specific_password",
                            connections.fields.EncryptedTextField(
                                db_column="app_specific_password_encrypted", null=True
                            ),
                        ),
                        (
                            "caldav_url",
                            models.TextField(blank=True, null=True, verbose_name="CalDAV server"),
                        ),
                        ("sync_token", models.TextField(null=True)),
                        (
                            "last_synced_at",
                            models.DateTimeField(blank=True, null=True, verbose_name="last synced"),
                        ),
                        (
                            "sync_status",
                            models.TextField(
                                choices=[
                                    ("pending", "waiting for its first sync"),
                                    ("syncing", "syncing"),
                                    ("synced", "up to date"),
                                    ("error", "error"),
                                ],
                                db_default="pending",
                                default="pending",
                                verbose_name="status",
                            ),
                        ),
                        (
                            "sync_error",
                            models.TextField(blank=True, null=True, verbose_name="last error"),
                        ),
                        ("webhook_channel_id", models.TextField(null=True)),
                        ("webhook_subscription_id", models.TextField(null=True)),
                        ("webhook_expiration", models.DateTimeField(null=True)),
                        (
                            "is_active",
                            models.BooleanField(
                                db_default=True, default=True, verbose_name="active"
                            ),
                        ),
                        (
                            "is_primary",
                            models.BooleanField(
                                db_default=False,
                                default=False,
                                help_text="Bookings are written here.",
                                verbose_name="receives bookings",
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
                            "blocks_time",
                            models.BooleanField(
                                db_default=True,
                                default=True,
                                help_text="Its events take slots away.",
                            ),
                        ),
                        (
                            "tentative_blocks",
                            models.BooleanField(
                                db_default=True, default=True, verbose_name="tentative events block"
                            ),
                        ),
                        (
                            "stores_titles",
                            models.BooleanField(
                                db_default=True,
                                default=True,
                                help_text="Off: only the times of events are kept.",
                                verbose_name="store titles",
                            ),
                        ),
                        ("is_writable", models.BooleanField(db_default=True, default=True)),
                        (
                            "time_zone",
                            models.TextField(
                                blank=True,
                                db_default="",
                                default="",
                                help_text="Empty: the consultant's zone.",
                            ),
                        ),
                        ("sync_scope", models.TextField(db_default="", default="")),
                        ("synced_from", models.DateTimeField(null=True)),
                        ("synced_until", models.DateTimeField(null=True)),
                        ("last_full_sync_at", models.DateTimeField(null=True)),
                        (
                            "next_sync_at",
                            models.DateTimeField(
                                db_default=django.db.models.functions.datetime.Now(),
                                null=True,
                                verbose_name="next sync",
                            ),
                        ),
                        ("sync_requested_at", models.DateTimeField(null=True)),
                        (
                            "full_sync_requested",
                            models.BooleanField(db_default=False, default=False),
                        ),
                        ("emptied_at", models.DateTimeField(null=True)),
                        ("failure_count", models.IntegerField(db_default=0, default=0)),
                        ("access_refused_at", models.DateTimeField(null=True)),
                        ("reconnect_needed_at", models.DateTimeField(null=True)),
                        ("lease_id", models.UUIDField(null=True)),
                        ("lease_expires_at", models.DateTimeField(null=True)),
                        ("handed_out_at", models.DateTimeField(null=True)),
                    ],
                    options={
                        "verbose_name": "connected calendar",
                        "db_table": "calendar_connections",
                        "indexes": [],
                        "constraints": [],
                    },
                ),
            ],
        ),
    ]
