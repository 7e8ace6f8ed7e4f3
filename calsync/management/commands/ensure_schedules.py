"""Write the recurring jobs into the database. Safe to run at every start, and at once."""

from django.core.management.base import BaseCommand
from django.utils import timezone

from calsync.schedules import SCHEDULES, ensure_schedules


class Command(BaseCommand):
    help = __doc__

    def handle(self, **options):
        ensure_schedules(now=timezone.now())
        self.stdout.write(f"{len(SCHEDULES)} schedules are in place.")
