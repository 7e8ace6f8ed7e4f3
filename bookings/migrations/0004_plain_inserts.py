from django.db import migrations

from connections.sql_files import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [("bookings", "0003_audit_invariants")]
    operations = [
        RunSQLFile(
            "bookings/sql/plain_inserts.sql",
            reverse="DROP TRIGGER come_one_by_one ON public.bookings; "
            "DROP FUNCTION calsync.come_one_by_one",
        )
    ]
