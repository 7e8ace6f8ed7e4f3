from django.db import migrations

from connections.sql_files import RunSQLFile


class Migration(migrations.Migration):
    # The functions read public.bookings; the app's Python knows nothing of it.
    dependencies = [("availability", "0001_initial"), ("bookings", "0001_initial")]
    operations = [
        RunSQLFile(
            "availability/sql/effective_rules.sql",
            reverse="DROP FUNCTION calsync.effective_rules; DROP TYPE calsync.effective_rules",
        ),
        RunSQLFile(
            "availability/sql/working_intervals.sql",
            reverse="DROP FUNCTION calsync.working_intervals, calsync.working_time, "
            "calsync.cut_to_day",
        ),
        RunSQLFile(
            "availability/sql/busy_periods.sql",
            reverse="DROP FUNCTION calsync.full_periods, calsync.busy_periods, "
            "calsync.blocking_events, calsync.standing_bookings",
        ),
        RunSQLFile(
            "availability/sql/offered_starts.sql",
            reverse="DROP FUNCTION calsync.is_offered, calsync.offered_slot, "
            "calsync.offered_starts",
        ),
        RunSQLFile(
            "availability/sql/website_functions.sql",
            reverse="DROP FUNCTION public.get_calendar_freshness, public.get_available_days, "
            "public.get_available_slots, calsync.offered_days, calsync.starts_of_dates, "
            "calsync.rules_meant, calsync.consultant_meant",
        ),
        RunSQLFile(
            "availability/sql/explain_slot.sql",
            reverse="DROP FUNCTION public.explain_slot, calsync.hours_in_words, calsync.refusals",
        ),
    ]
