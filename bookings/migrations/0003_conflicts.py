from django.db import migrations

from connections.sql_files import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [("bookings", "0002_booking_mails"), ("availability", "0002_free_time")]
    operations = [
        RunSQLFile("bookings/sql/conflicts.sql", reverse="DROP FUNCTION calsync.conflicts")
    ]
