"""calsync's web server as it is deployed: gunicorn, several processes, real HTTP."""

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, sleep

from django.db import connection

from tests.databases import ROOT, address

START_SECONDS = 30


@contextmanager
def web_server(*, workers: int, **environment: str) -> Iterator[int]:
    """The port it answers at; it works on the database that this process is connected to."""
    port = free_port()
    environment = os.environ | environment
    environment |= {
        "DATABASE_URL": address(connection.settings_dict["NAME"]),
        "BIND": f"127.0.0.1:{port}",
        "WEB_PROCESSES": str(workers),
    }
    command = [sys.executable, "-m", "gunicorn", "-c", "python:calsync.gunicorn", "calsync.wsgi"]
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            _wait_until_it_answers(port)
            yield port
        finally:
            server.terminate()
            server.wait()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _wait_until_it_answers(port: int) -> None:
    deadline = monotonic() + START_SECONDS
    while monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            sleep(0.1)
        else:
            return
    raise AssertionError("gunicorn did not start.")
