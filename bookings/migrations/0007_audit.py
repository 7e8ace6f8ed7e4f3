import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from connections.sql_files import RunSQLFile, create_tables


class Migration(migrations.Migration):
    dependencies = [
        ("bookings", "0006_webhooks"),
        ("connections", "0003_verification_and_departures"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        RunSQLFile(
            "bookings/sql/audit_invariants.sql", reverse="DROP FUNCTION public.audit_invariants"
        ),
        create_tables(
            "bookings/sql/audit_findings.sql",
            models=[
                migrations.CreateModel(
                    name="AuditFinding",
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
                        ("invariant", models.TextField()),
                        ("subject", models.UUIDField()),
                        (
                            "user",
                            models.ForeignKey(
                                db_constraint=False,
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("detail", models.TextField()),
                        ("found_at", models.DateTimeField()),
                    ],
                    options={
                        "db_table": "audit_findings",
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("invariant", "subject"), name="audit_findings_once"
                            )
                        ],
                    },
                ),
            ],
        ),
    ]
