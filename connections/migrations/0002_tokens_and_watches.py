from django.db import migrations, models

import connections.fields
from connections.sql_files import RunSQLFile

REVERSE = """
ALTER TABLE public.calendar_connections
  DROP COLUMN token_lease_id, DROP COLUMN token_lease_expires_at, DROP COLUMN reconnect_mailed_at,
  DROP COLUMN reconnect_mail_not_before, DROP COLUMN reconnect_mail_tries,
  DROP COLUMN webhook_secret_encrypted, DROP COLUMN webhook_resource_id, DROP COLUMN next_watch_at,
  DROP COLUMN watch_error, DROP COLUMN look_again_at
"""
FIELDS = {
    "token_lease_id": models.UUIDField(null=True),
    "token_lease_expires_at": models.DateTimeField(null=True),
    "reconnect_mailed_at": models.DateTimeField(null=True),
    "reconnect_mail_not_before": models.DateTimeField(null=True),
    "reconnect_mail_tries": models.IntegerField(db_default=0, default=0),
    "webhook_secret": connections.fields.EncryptedTextField(
        null=True, db_column="webhook_secret_encrypted"
    ),
    "webhook_resource_id": models.TextField(db_default="", default=""),
    "next_watch_at": models.DateTimeField(null=True),
    "watch_error": models.TextField(db_default="", default=""),
    "look_again_at": models.DateTimeField(null=True),
}


class Migration(migrations.Migration):
    dependencies = [("connections", "0001_initial")]
    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                RunSQLFile("connections/sql/tokens_and_watches.sql", reverse=REVERSE)
            ],
            state_operations=[
                migrations.AddField("CalendarConnection", name, field)
                for name, field in FIELDS.items()
            ],
        )
    ]
