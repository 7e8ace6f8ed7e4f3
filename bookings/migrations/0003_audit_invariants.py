from django.db import migrations

from connections.sql_files import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [("bookings", "0002_booking_mails"), ("availability", "0002_free_time")]
    operations = [
        RunSQLFile(
            "bookings/sql/audit_invariants.sql", reverse="DROP FUNCTION public.audit_invariants"
        )
    ]
