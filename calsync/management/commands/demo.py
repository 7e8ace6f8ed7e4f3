"""A complete calsync on this machine, with a real calendar server and sample calendars.

Ctrl-C stops all that it started; a second run keeps the data.
"""

import json
import os
import secrets
import socket
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from time import monotonic, sleep
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.template.loader import render_to_string
from django.utils import timezone

from calsync.database import keep_database, stop_database
from calsync.demo import consultant as demo_consultant
from calsync.demo import website
from calsync.demo.calendars import USER, CalendarServer
from calsync.processes import ProcessGaveUp, Together, web, worker
from connections.models import Consultant

DIRECTORY = settings.VAR_DIR / "demo"
PORTS = {"web": 8000, "calendar": 5232, "website": 8080}
START_SECONDS = 30


class Command(BaseCommand):
    help = __doc__

    def handle(self, **options):
        if not settings.DEBUG or "127.0.0.1" not in settings.CALDAV_ALLOWED_PRIVATE_HOSTS:
            raise CommandError("Start the demo with: make demo")
        DIRECTORY.mkdir(parents=True, exist_ok=True)
        self.ports = _kept("ports.json", _free_ports)
        self.passwords = _kept("passwords.json", _new_passwords)
        self.url = f"http://127.0.0.1:{self.ports['web']}"
        for name, port in self.ports.items():
            if not _is_free(port):
                raise CommandError(
                    f"Port {port} is taken, and the demo's {name} used it before. Stop what is "
                    f"using it, or delete {DIRECTORY} for a new demo on other ports."
                )
        try:
            with Together() as together:
                self._run(together)
        except ProcessGaveUp as error:
            raise CommandError(str(error)) from None
        finally:
            connection.close()
            stop_database()

    def _run(self, together: Together) -> None:
        call_command("prepare", stdout=self.stdout)
        environment = self._environment()
        _manage("collectstatic", "--no-input", "--verbosity=0", environment=environment)
        server = CalendarServer(
            DIRECTORY / "radicale", self.ports["calendar"], self.passwords["calendar"]
        )
        together.start(server.process(log=DIRECTORY / "calendar.log"))
        _wait_for(self.ports["calendar"])
        server.fill(today=timezone.now().date(), zone=ZoneInfo(demo_consultant.TIME_ZONE))
        consultant = demo_consultant.ensure_consultant(self.passwords["admin"])
        demo_consultant.connect_calendars(consultant, server, now=timezone.now())
        together.start(web(environment, log=DIRECTORY / "web.log"))
        together.start(worker(environment, log=DIRECTORY / "worker.log"))
        together.start(
            website.process(
                DIRECTORY / "website",
                port=self.ports["website"],
                booking_url=self.url,
                consultant=consultant.slug,
                log=DIRECTORY / "website.log",
            )
        )
        self._sync(consultant)
        _wait_for(self.ports["web"])
        self._say_where_to_look(server)
        together.watch(look_after=keep_database)
        self.stdout.write("\nStopping …")

    def _sync(self, consultant: Consultant) -> None:
        """So that the first visitor finds slots. What fails here is tried again by the worker."""
        try:
            call_command("resync", consultant=consultant.email, stdout=self.stdout)
        except CommandError as error:
            self.stdout.write(f"{error} The worker will try again.")

    def _environment(self) -> dict[str, str]:
        """As in production: nothing of DEBUG's leniency, and every setting given."""
        return {
            "DEBUG": "false",
            "SECRET_KEY": settings.SECRET_KEY,
            "TOKEN_ENCRYPTION_KEYS": ",".join(settings.TOKEN_ENCRYPTION_KEYS),
            "DATABASE_URL": settings.DATABASE_URL,
            "ALLOWED_HOSTS": "127.0.0.1,localhost",
            "PUBLIC_URL": self.url,
            "ALLOWED_ORIGINS": f"http://127.0.0.1:{self.ports['website']}",
            "EMAIL_URL": f"filemail:///{DIRECTORY / 'mail'}",
            "DEFAULT_FROM_EMAIL": "Anna Berg <anna@example.com>",
            "BIND": f"127.0.0.1:{self.ports['web']}",
        }

    def _say_where_to_look(self, server: CalendarServer) -> None:
        day = _next_working_day()
        server.write_sample(DIRECTORY / "out.ics", day)
        facts = {
            "url": self.url,
            "slug": demo_consultant.SLUG,
            "email": demo_consultant.EMAIL,
            "calendars": server.url,
            "user": USER,
            "ports": self.ports,
            "passwords": self.passwords,
            "directory": DIRECTORY,
            "day": day,
        }
        self.stdout.write(render_to_string("demo/banner.txt", facts))


def _kept(name: str, make) -> dict:
    """What the first run made up, for all later runs."""
    file: Path = DIRECTORY / name
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(json.dumps(make()))
    return json.loads(file.read_text())


def _new_passwords() -> dict[str, str]:
    return {name: secrets.token_urlsafe(9) for name in ("admin", "calendar")}


def _free_ports() -> dict[str, int]:
    ports = {}
    for name, wish in PORTS.items():
        ports[name] = next(port for port in range(wish, wish + 100) if _is_free(port))
    return ports


def _manage(*arguments: str, environment: dict[str, str]) -> None:
    command = [sys.executable, "manage.py", *arguments]
    subprocess.run(command, env=os.environ | environment, check=True)  # noqa: S603


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _wait_for(port: int) -> None:
    deadline = monotonic() + START_SECONDS
    while monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        sleep(0.1)
    raise CommandError(f"Nothing answers on port {port}. The logs are in {DIRECTORY}.")


def _next_working_day() -> date:
    day = timezone.now().date() + timedelta(days=1)
    while day.weekday() > 4:
        day += timedelta(days=1)
    return day
