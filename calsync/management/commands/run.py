"""Prepare the database, then run web and worker until Ctrl-C."""

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from calsync.database import keep_database
from calsync.processes import ProcessGaveUp, Together, web, worker


class Command(BaseCommand):
    help = __doc__

    def handle(self, **options):
        call_command("prepare", stdout=self.stdout)
        try:
            with Together() as together:
                together.start(web({}))
                together.start(worker({}))
                together.watch(look_after=keep_database)
        except ProcessGaveUp as error:
            raise CommandError(str(error)) from None
