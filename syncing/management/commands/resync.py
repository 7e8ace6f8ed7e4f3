"""Sync connected calendars now, in this process, and say how each of them went."""

from argparse import ArgumentTypeError
from time import sleep
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from connections.models import CalendarConnection, Provider
from syncing.engine import sync_connection
from syncing.models import SyncLog, SyncLogStatus

WAIT_SECONDS = 120  # for a sync of the same calendar that is running already


def connection_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a connection's id (a UUID).") from None


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser):
        parser.add_argument("--connection", type=connection_id, help="only this connection (UUID)")
        parser.add_argument(
            "--consultant", metavar="EMAIL", help="only this consultant's calendars"
        )
        parser.add_argument("--provider", choices=Provider.values, help="only this provider's")
        parser.add_argument(
            "--full", action="store_true", help="read the whole window anew, not only changes"
        )

    def handle(self, *, connection, consultant, provider, full, **options):
        chosen = self._chosen(connection, consultant, provider)
        failed = 0
        with tqdm(chosen, unit="calendar", file=self.stderr, disable=None) as progress:
            for each in progress:
                log = self._sync(each, full=full)
                failed += log is None or log.status != SyncLogStatus.COMPLETED
                with progress.external_write_mode(file=self.stdout):
                    self.stdout.write(self._line(each, log))
        if failed:
            raise CommandError(f"{failed} of {len(chosen)} calendars could not be synced.")

    def _chosen(self, connection, consultant, provider) -> list[CalendarConnection]:
        chosen = CalendarConnection.objects.active().select_related("user")
        if connection:
            chosen = chosen.filter(pk=connection)
        if consultant:
            chosen = chosen.filter(user__email__iexact=consultant)
        if provider:
            chosen = chosen.filter(provider=provider)
        if not chosen:
            raise CommandError("No active connection matches.")
        return list(chosen.order_by("user__email", "calendar_name"))

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
