"""``make bench``: every figure, measured here and now; tables on the screen, numbers in a file.

``python -m tests.bench`` measures everything, ``python -m tests.bench slots booking`` only these.
The figures are taken in a process of its own, on a scratch database that is dropped afterwards.
"""

import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from time import perf_counter

import django

import tests.environment  # noqa: F401  (before the settings are read)

RESULTS = Path("bench-results.json")
ALL = (
    "slots",
    "slots_http",
    "slots_oracle",
    "ingest",
    "caldav",
    "first_sync",
    "ical",
    "booking",
    "double_booking",
    "change_to_slots",
    "push",
    "calendar_changes",
    "crowd",
    "exactly_once",
)
IN_SCRATCH_DATABASE = "BENCH_IN_SCRATCH_DATABASE"


def main(names: list[str]) -> int:
    os.environ["DJANGO_SETTINGS_MODULE"] = "calsync.settings"
    django.setup()
    if IN_SCRATCH_DATABASE not in os.environ:
        return _run_in_scratch_database(names)
    results = {name: _measure(name) for name in names or ALL}
    RESULTS.write_text(json.dumps(results, indent=2, default=str) + "\n")
    print(f"\nThe numbers are in {RESULTS}.")
    return 0


def _run_in_scratch_database(names: list[str]) -> int:
    from tests.databases import empty_database, migrate

    with empty_database("bench") as url:
        migrate(url)
        environment = os.environ | {"DATABASE_URL": url, IN_SCRATCH_DATABASE: "yes"}
        command = [sys.executable, "-m", "tests.bench", *names]
        return subprocess.run(command, env=environment, check=False).returncode


def _measure(name: str) -> dict:
    began = perf_counter()
    result = import_module(f"tests.bench.{name}").run()
    print(f"\n== {name} ({perf_counter() - began:.0f} s)")
    for key, value in _flat(result):
        print(f"  {key:60} {value}")
    return result


def _flat(value: object, path: str = ""):
    """The leaves of nested results, each with its path and in a readable form."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{path} {key}".strip())
    elif isinstance(value, float):
        yield path, f"{value:,.4g}"
    else:
        yield path, value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
