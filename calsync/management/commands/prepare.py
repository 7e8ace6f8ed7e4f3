"""Everything a deploy does to the database: migrations, the cache table, the recurring jobs."""

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.utils import timezone

from availability.installation import tell_database
from calsync.schedules import ensure_schedules


class Command(BaseCommand):
    help = __doc__

    def handle(self, **options):
        call_command("migrate", verbosity=0, stdout=self.stdout)
        call_command("createcachetable", verbosity=0, stdout=self.stdout)
        tell_database(max_data_age_minutes=settings.MAX_DATA_AGE_MINUTES)
        ensure_schedules(now=timezone.now())
        self.stdout.write("The database is up to date.")
