"""Sync connected calendars now, in this process, and say how each of them went."""

from time import sleep

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from connections.models import CalendarConnection
from syncing.engine import sync_connection
from syncing.management.chosen_calendars import add_choice, chosen_calendars
from syncing.models import SyncLog, SyncLogStatus

WAIT_SECONDS = 120  # for a sync of the same calendar that is running already


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser):
        add_choice(parser)
        parser.add_argument(
            "--full", action="store_true", help="read the whole window anew, not only changes"
        )

    def handle(self, *, connection, consultant, provider, full, **options):
        chosen = chosen_calendars(connection=connection, consultant=consultant, provider=provider)
        failed = 0
        with tqdm(chosen, unit="calendar", file=self.stderr, disable=None) as progress:
            for each in progress:
                log = self._sync(each, full=full)
                failed += log is None or log.status != SyncLogStatus.COMPLETED
                with progress.external_write_mode(file=self.stdout):
                    self.stdout.write(self._line(each, log))
        if failed:
            raise CommandError(f"{failed} of {len(chosen)} calendars could not be synced.")

    def _sync(self, connection: CalendarConnection, *, full: bool) -> SyncLog | None:
        for _ in range(WAIT_SECONDS):
            if log := sync_connection(connection.pk, now=timezone.now(), full=full):
                return log
            sleep(1)
        return None

    def _line(self, connection: CalendarConnection, log: SyncLog | None) -> str:
        name = f"{connection.user.email}  {connection}"
        if log is None:
            return f"{name}: another sync of this calendar did not end."
        if log.status != SyncLogStatus.COMPLETED:
            return f"{name}: {log.error_message}"
        return (
            f"{name}: {log.events_created} created, {log.events_updated} updated, "
            f"{log.events_deleted} deleted, {log.duration_ms} ms"
        )
