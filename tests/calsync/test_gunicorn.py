"""What the web server itself is told, as the bare command of the README reads it."""

import os
import re
import subprocess
import sys
from time import monotonic, sleep

import pytest
from django.conf import settings

from tests.web_server import free_port

COMMAND = [sys.executable, "-m", "gunicorn", "-c", "python:calsync.gunicorn", "calsync.wsgi"]
QUICK = 20  # seconds


def environment(**variables: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "ENV_FILE": os.devnull, "DEBUG": "true"} | variables


def complaint(**variables: str) -> str:
    """The sentence with which the start stops."""
    result = subprocess.run(
        COMMAND,
        cwd=settings.BASE_DIR,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=QUICK,
        check=False,
    )
    assert result.returncode == 1
    return result.stderr.splitlines()[-1]


def started(log, **variables: str) -> tuple[str, int]:
    """Where it listens, and with how many processes."""
    with log.open("wb") as output:
        server = subprocess.Popen(
            COMMAND,
            cwd=settings.BASE_DIR,
            env=environment(DATABASE_URL=settings.DATABASE_URL, **variables),
            stdout=output,
            stderr=output,
        )
    try:
        deadline = monotonic() + QUICK
        while "Booting worker" not in (text := log.read_text()) and monotonic() < deadline:
            sleep(0.05)
        sleep(0.5)  # the other processes
    finally:
        server.terminate()
        server.wait()
    text = log.read_text()
    return re.search(r"Listening at: (\S+)", text)[1], text.count("Booting worker")


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("WEB_PROCESSES", "hunter2", "must be a whole number, 1 or more."),
        ("WEB_PROCESSES", "0", "must be a whole number, 1 or more."),
        ("BIND", "hunter2", "must be a host and a port such as 0.0.0.0:8000, or unix: and a path."),
        (
            "BIND",
            "127.0.0.1:hunter2",
            "must be a host and a port such as 0.0.0.0:8000, or unix: and a path.",
        ),
        (
            "BIND",
            "127.0.0.1:8000,hunter2",
            "must be a host and a port such as 0.0.0.0:8000, or unix: and a path.",
        ),
    ],
)
def test_a_malformed_setting_stops_the_web_server_and_is_not_repeated(name, text, why):
    assert complaint(**{name: text}) == f"Error: {name} {why}"


def test_a_file_that_cannot_be_read_stops_the_web_server():
    assert complaint(WEB_PROCESSES_FILE="/nowhere/processes") == (
        "Error: WEB_PROCESSES_FILE cannot be read: No such file or directory."
    )


def test_the_env_file_says_where_the_web_server_listens(tmp_path):
    address, file = f"127.0.0.1:{free_port()}", tmp_path / "env"
    file.write_text(f"BIND={address}\nWEB_PROCESSES=3\n")
    assert started(tmp_path / "log", ENV_FILE=str(file)) == (f"http://{address}", 3)


def test_files_say_where_the_web_server_listens(tmp_path):
    bind, processes = tmp_path / "bind", tmp_path / "processes"
    bind.write_text(f"unix:{tmp_path}/web.sock\n")
    processes.write_text("1\n")
    variables = {"BIND_FILE": str(bind), "WEB_PROCESSES_FILE": str(processes)}
    assert started(tmp_path / "log", **variables) == (f"unix:{tmp_path}/web.sock", 1)
