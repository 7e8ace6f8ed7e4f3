"""Compare busy times with the provider's own word on them, in this process, for each calendar.

Where they differ, a full sync is due, which the worker sees to.
"""

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from connections.models import CalendarConnection
from syncing.management.chosen_calendars import add_choice, chosen_calendars
from syncing.models import SyncLog, SyncLogStatus
from syncing.verification import has_drift, verify


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser):
        add_choice(parser)

    def handle(self, *, connection, consultant, provider, **options):
        chosen = chosen_calendars(connection=connection, consultant=consultant, provider=provider)
        bad = 0
        with tqdm(chosen, unit="calendar", file=self.stderr, disable=None) as progress:
            for each in progress:
                log = verify(each, now=timezone.now())
                bad += log.status != SyncLogStatus.COMPLETED or has_drift(log)
                with progress.external_write_mode(file=self.stdout):
                    self.stdout.write(self._line(each, log))
        if bad:
            raise CommandError(f"{bad} of {len(chosen)} calendars drift or could not be verified.")

    def _line(self, connection: CalendarConnection, log: SyncLog) -> str:
        return f"{connection.user.email}  {connection}: {log.error_message or self._found(log)}"

    def _found(self, log: SyncLog) -> str:
        if not has_drift(log):
            return "no drift"
        missing, surplus = log.metadata["missing_minutes"], log.metadata["surplus_minutes"]
        return f"{missing} minutes missing, {surplus} minutes too many; a full sync is due"
