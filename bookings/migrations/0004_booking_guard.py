from django.db import migrations

from connections.sql_files import RunSQLFile

DROP_GUARD = """
DROP TRIGGER guard_new ON public.bookings;
DROP TRIGGER guard_change ON public.bookings;
DROP TRIGGER begin_with_one_consultant ON public.bookings;
DROP TRIGGER keep_to_one_consultant ON public.bookings;
DROP FUNCTION calsync.guard_new_booking, calsync.guard_changed_booking, calsync.complete_booking,
  calsync.refuse_busy_time, calsync.cancel_expired_holds, calsync.come_one_by_one,
  calsync.keep_to_one_consultant, calsync.is_writing;
"""
DROP_OWED_MAILS = """
DROP TRIGGER tell_of_new ON public.bookings;
DROP TRIGGER tell_of_change ON public.bookings;
DROP TRIGGER note_event_due ON public.bookings;
DROP FUNCTION calsync.tell_of_booking, calsync.what_happened, calsync.note_event_due,
  calsync.owe_alarms, calsync.owe_link;
"""


class Migration(migrations.Migration):
    dependencies = [("bookings", "0003_conflicts")]
    operations = [
        RunSQLFile("bookings/sql/booking_guard.sql", reverse=DROP_GUARD),
        RunSQLFile("bookings/sql/owed_mails.sql", reverse=DROP_OWED_MAILS),
        RunSQLFile("bookings/sql/tries.sql", reverse="DROP TABLE calsync.tries"),
    ]
