"""A handful of processes run as one: restarted when they die, stopped together."""

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from time import monotonic, sleep
from typing import Self

logger = logging.getLogger(__name__)

STOP_SECONDS = 20
LOOK_SECONDS = 0.2
LOOK_AFTER_TURNS = 15
MOST_QUICK_DEATHS = 5
QUICK_SECONDS = 10


class ProcessGaveUp(Exception):
    """A process died again and again, right after its start."""


@dataclass
class Process:
    """One command, its environment on top of ours, and the file its output goes to."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    log: Path | None = None  # None: our own output
    child: subprocess.Popen | None = None
    started_at: float = 0.0
    quick_deaths: int = 0

    def start(self) -> None:
        self.started_at = monotonic()
        with open(self.log or os.devnull, "ab") as output:
            self.child = subprocess.Popen(  # noqa: S603
                self.command,
                env=os.environ | self.environment,
                stdout=output if self.log else None,
                stderr=output if self.log else None,
                start_new_session=True,  # a terminal's Ctrl-C is ours to pass on
            )

    def restart_if_dead(self) -> None:
        """Raises ``ProcessGaveUp`` when restarting does not help."""
        if self.child.poll() is None:
            return
        lived = monotonic() - self.started_at
        self.quick_deaths = self.quick_deaths + 1 if lived < QUICK_SECONDS else 0
        if self.quick_deaths == MOST_QUICK_DEATHS:
            where = f"; its output is in {self.log}" if self.log else ""
            raise ProcessGaveUp(f"The {self.name} does not stay up{where}.")
        logger.warning("The %s ended (%s) and is started again", self.name, self.child.returncode)
        self._end_group()
        self.start()

    def stop(self) -> None:
        """Ask it to end and wait; after a while do not ask. Its own children end with it."""
        self.child.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.child.wait(STOP_SECONDS)
        self._end_group()
        self.child.wait()

    def _end_group(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.child.pid, signal.SIGKILL)


class Together:
    """Processes that are stopped together, the last started first, when the block ends."""

    def __init__(self) -> None:
        self._processes: list[Process] = []

    def __enter__(self) -> Self:
        _on_signals(_as_interrupt)
        return self

    def __exit__(self, *exc_info) -> None:
        _on_signals(signal.SIG_IGN)
        for process in reversed(self._processes):
            process.stop()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def start(self, process: Process) -> None:
        self._processes.append(process)
        process.start()

    def watch(self, *, look_after: Callable[[], object]) -> None:
        """Keep all of them up, until Ctrl-C or the like. Raises ``ProcessGaveUp``.

        ``look_after`` is called every few seconds, for what is no process of ours.
        """
        with suppress(KeyboardInterrupt):
            for turn in count():
                sleep(LOOK_SECONDS)
                if turn % LOOK_AFTER_TURNS == 0:
                    look_after()
                for process in self._processes:
                    process.restart_if_dead()


def _on_signals(handler) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, handler)


def _as_interrupt(signum, frame):
    _on_signals(signal.SIG_IGN)  # a second one must not disturb the stopping
    raise KeyboardInterrupt


def web(environment: Mapping[str, str], *, log: Path | None = None) -> Process:
    command = ["-m", "gunicorn", "-c", "python:calsync.gunicorn", "calsync.wsgi"]
    return Process("web server", [sys.executable, *command], environment, log)


def worker(environment: Mapping[str, str], *, log: Path | None = None) -> Process:
    return Process("worker", [sys.executable, "manage.py", "qcluster"], environment, log)
