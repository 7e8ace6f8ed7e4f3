"""A private PostgreSQL server for this checkout, found or started in one call.

``make demo``, ``make run`` and the tests need a real PostgreSQL, and nobody should have to
configure one. It listens on a Unix socket only, in a directory that its own user alone may
enter, so it needs neither port nor password. It is left running on purpose: web, worker and
tests share it, and a terminal's Ctrl-C does not reach it (pg_ctl gives it a session of its
own). ``stop`` ends it.

Two locks keep this safe. Both are taken with flock(2) on directories, so no lock file can go
stale. Whoever starts or stops the server holds its directory. Every process of the server,
having inherited one open file, holds the data directory: the kernel lets go of that lock when
the last of them has died, however it died. This alone tells whether postmaster.pid is stale:
the process id in it may be a zombie's, or a stranger's by now.
"""

import argparse
import fcntl
import hashlib
import os
import shlex
import shutil
import signal
import socket
import stat
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
from django.core.exceptions import ImproperlyConfigured
from psycopg import sql

from calsync.environment import read, read_file
from calsync.postgres_programs import EmbeddedPostgresError, find_programs, run, server_user

CHECKOUT = Path(__file__).resolve().parent.parent
DATABASE, ROLE, PORT = "calsync", "postgres", 5432  # the port only names the socket
TIMEOUT = 60  # seconds for a start, a stop, or the recovery after a crash
POLL = 0.02  # seconds
SETTINGS = {
    "listen_addresses": "",
    "port": PORT,
    "max_connections": 200,
    "shared_buffers": "128MB",
    "wal_level": "minimal",
    "max_wal_senders": 0,
    "timezone": "UTC",
    "log_timezone": "UTC",
}


def ensure(directory: Path | None = None, *, settings: Mapping[str, object] | None = None) -> str:
    """The DATABASE_URL of the server, started first if it was down.

    ``settings`` go over ``SETTINGS``; they count only if it is this call that starts it.
    Raises ``EmbeddedPostgresError``.
    """
    return Server.at(directory).ensure(settings or {})


def stop(directory: Path | None = None) -> bool:
    """Shut the server down and wait for its end. False if it was not running."""
    return Server.at(directory).stop()


def default_directory() -> Path:
    """``var/postgres`` of the checkout; for root, a place that the server's user can reach.

    ``EMBEDDED_POSTGRES_DIR`` names another one; if relative, it counts from the checkout.
    """
    if chosen := read("EMBEDDED_POSTGRES_DIR", default=""):
        return CHECKOUT / chosen
    if os.geteuid() == 0:
        return Path("/var/lib") / f"calsync-{_digest(str(CHECKOUT))}"
    return CHECKOUT / "var" / "postgres"


@dataclass(frozen=True, slots=True)
class Server:
    """One data directory, and the processes that serve it."""

    directory: Path

    @classmethod
    def at(cls, directory: Path | None) -> "Server":
        return cls((directory or default_directory()).resolve())

    @property
    def data(self) -> Path:
        return self.directory / "data"

    @property
    def log(self) -> Path:
        return self.directory / "server.log"

    @property
    def socket_directory(self) -> Path:
        """A short path (a socket's is limited to 107 bytes), named after the data's inode.

        Data deleted and made anew so get another one: the server of the deleted data may live
        on for a minute. Raises FileNotFoundError as long as there are no data.
        """
        data = self.data.stat()
        return Path("/tmp") / f"calsync-{_digest(f'{data.st_dev}:{data.st_ino}')}"  # noqa: S108

    @property
    def url(self) -> str:
        """In the form that both django-environ and libpq understand."""
        return f"postgres://{ROLE}@:{PORT}/{DATABASE}?host={self.socket_directory}"

    def ensure(self, settings: Mapping[str, object]) -> str:
        if not self.answers(DATABASE):
            _make_private(self.directory)
            with _opened(self.directory) as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                self._start_unless_running(lock, settings)
                self._create_database()
        return self.url

    def stop(self) -> bool:
        if not self.data.exists():
            return False
        with _opened(self.directory) as lock, _opened(self.data) as server_lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            was_running = not _takes(server_lock)
            if postmaster := self._postmaster():
                os.kill(postmaster, signal.SIGINT)  # a "fast shutdown": sessions are cut off
            self._wait_for(lambda: _takes(server_lock))
            shutil.rmtree(self.socket_directory, ignore_errors=True)
        return was_running

    def answers(self, database: str) -> bool:
        """Whether a session can be had. A directory in /tmp that is not ours is not trusted."""
        try:
            if not _is_private(self.socket_directory):
                return False
            self._connect(database).close()
        except (OSError, psycopg.OperationalError):
            return False
        return True

    def _connect(self, database: str) -> psycopg.Connection:
        where = {"host": str(self.socket_directory), "port": PORT, "connect_timeout": 5}
        return psycopg.connect(**where, user=ROLE, dbname=database, autocommit=True)

    def _create_database(self) -> None:
        with self._connect("postgres") as connection:
            found = connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE])
            if not found.rowcount:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))

    def _postmaster(self) -> int | None:
        """The id of the server's first process; None if it is dead, and the id a stranger's."""
        with socket.socket(socket.AF_UNIX) as client:
            if client.connect_ex(str(self.socket_directory / f".s.PGSQL.{PORT}")):
                return None
        return int((self.data / "postmaster.pid").read_text().split()[0])

    def _start_unless_running(self, lock: int, settings: Mapping[str, object]) -> None:
        if not self.data.exists():
            self._initialise(lock)
        with _opened(self.data) as server_lock:
            self._wait_for(lambda: _takes(server_lock) or self.answers("postgres"))
            if _takes(server_lock):
                self._start(server_lock, settings)

    def _wait_for(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + TIMEOUT
        while not condition():
            if time.monotonic() > deadline:
                problem = f"The server of {self.data} neither answers nor ends."
                raise EmbeddedPostgresError(f"{problem}\n{self._end_of_log()}")
            time.sleep(POLL)

    def _initialise(self, lock: int) -> None:
        """Make empty data, which get their name only when they are complete.

        initdb inherits the lock: if we are killed, the next one waits for the end of it.
        """
        unfinished = self.directory / "data.unfinished"
        if unfinished.exists():
            shutil.rmtree(unfinished)
        _make_private(unfinished)
        # Every machine has the C locale, and it sorts alike on all of them.
        options = ["--username", ROLE, "--auth=trust", "--encoding=UTF8", "--locale=C"]
        run(self._program("initdb"), *options, "-D", unfinished, inherited=[lock])
        unfinished.rename(self.data)

    def _start(self, server_lock: int, settings: Mapping[str, object]) -> None:
        """Start the server, which inherits the lock; no process of an earlier one is alive.

        Should a server started by hand use the data, PostgreSQL itself refuses to start another:
        it sees the shared memory of the first.
        """
        pg_ctl = self._program("pg_ctl")
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        shutil.rmtree(self.socket_directory, ignore_errors=True)
        _make_private(self.socket_directory)
        options = ["-D", self.data, "-l", self.log, "-o", self._options(settings)]
        try:
            run(pg_ctl, "start", "-w", f"-t{TIMEOUT}", *options, inherited=[server_lock])
        except EmbeddedPostgresError as error:
            raise EmbeddedPostgresError(f"{error}\n{self._end_of_log()}") from error

    def _options(self, settings: Mapping[str, object]) -> str:
        values = SETTINGS | {"unix_socket_directories": self.socket_directory} | dict(settings)
        return shlex.join(f"-c{name}={value}" for name, value in values.items())

    def _program(self, name: str) -> Path:
        return find_programs(data=self.data, copies=self.directory).directory / name

    def _end_of_log(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join([f"The end of {self.log}:", *lines[-20:]])


def _is_private(directory: Path) -> bool:
    """Whether it is a directory of the server's user that nobody else may enter."""
    found = directory.lstat()
    owned = stat.S_ISDIR(found.st_mode) and found.st_uid == server_user()[0]
    return owned and not found.st_mode & 0o077


def _make_private(directory: Path) -> None:
    """Make a directory for the server's user alone, or take over an empty one of our own."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        directory.mkdir(mode=0o700)
    found = directory.lstat()
    ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
    if ours and not any(directory.iterdir()):
        directory.chmod(0o700)
        os.chown(directory, *server_user())
    if not _is_private(directory):
        wanted = f"user {server_user()[0]} alone (mode 0700)"
        raise EmbeddedPostgresError(f"{directory} exists, and does not belong to {wanted}.")


@contextmanager
def _opened(directory: Path) -> Iterator[int]:
    """A descriptor to lock. Closing it lets go of the lock, unless a child has inherited it."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _takes(descriptor: int) -> bool:
    """Take the lock if it is free, and tell."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line. Its exit status is 3 if ``status`` finds the server down, as pg_ctl's."""
    parser = argparse.ArgumentParser(
        prog="python -m calsync.embedded_postgres", description=__doc__.partition("\n")[0]
    )
    parser.add_argument(
        "action",
        choices=["start", "stop", "status", "url"],
        help="url prints the DATABASE_URL and nothing else, and starts the server if need be",
    )
    action = parser.parse_args(arguments).action
    try:
        read_file()
        status, text = _perform(action, Server.at(None))
    except (EmbeddedPostgresError, ImproperlyConfigured, OSError) as error:
        status, text = 1, str(error)
    (sys.stderr if status == 1 else sys.stdout).write(f"{text}\n")
    return status


def _perform(action: str, server: Server) -> tuple[int, str]:
    if action == "stop":
        return 0, "Stopped." if server.stop() else "It was not running."
    if action in ("start", "url"):
        server.ensure({})
    if action == "url":
        return 0, server.url
    if not server.answers(DATABASE):
        return 3, f"Not running. Its data: {server.data}"
    return 0, f"Running.\nDATABASE_URL={server.url}\nData: {server.data}\nLog:  {server.log}"


if __name__ == "__main__":
    sys.exit(main())
