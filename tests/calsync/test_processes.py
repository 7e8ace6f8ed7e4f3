"""Processes that are run as one."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep

import pytest

SCRIPT = """
import sys
from pathlib import Path
from calsync.processes import Process, Together

folder = Path(sys.argv[1])
beat = "import os, sys, time; print(os.getpid(), flush=True); time.sleep({seconds})"
with Together() as together:
    for name, seconds in (("steady", 600), ("fleeting", sys.argv[2])):
        command = [sys.executable, "-c", beat.format(seconds=seconds)]
        together.start(Process(name, command, log=folder / name))
    together.watch(look_after=int)
"""


class Run:
    def __init__(self, folder: Path, seconds: float) -> None:
        self.folder = folder
        command = [sys.executable, "-c", SCRIPT, str(folder), str(seconds)]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)

    def pids(self, name: str) -> list[int]:
        log = self.folder / name
        return [int(line) for line in log.read_text().split()] if log.exists() else []

    def until_started(self, name: str, times: int) -> list[int]:
        deadline = monotonic() + 10
        while len(pids := self.pids(name)) < times:
            assert monotonic() < deadline
            sleep(0.05)
        return pids

    def end(self, how: int) -> str:
        self.process.send_signal(how)
        return self.process.communicate(timeout=30)[1]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_all_are_stopped_together(tmp_path, how):
    run = Run(tmp_path, 600)
    children = run.until_started("steady", 1) + run.until_started("fleeting", 1)
    run.end(how)
    assert [is_alive(pid) for pid in children] == [False, False]


def test_impatience_leaves_nothing_running(tmp_path):
    run = Run(tmp_path, 600)
    children = run.until_started("steady", 1) + run.until_started("fleeting", 1)
    for _ in range(5):
        run.process.send_signal(signal.SIGINT)
    run.end(signal.SIGTERM)
    assert [is_alive(pid) for pid in children] == [False, False]


def test_one_that_dies_is_started_again_and_the_others_stay(tmp_path):
    run = Run(tmp_path, 600)
    first = run.until_started("fleeting", 1)[0]
    os.kill(first, signal.SIGKILL)
    assert run.until_started("fleeting", 2)[1] != first
    assert len(run.pids("steady")) == 1
    assert "The fleeting ended (-9) and is started again" in run.end(signal.SIGINT)


def test_one_that_never_stays_up_ends_all_with_a_sentence(tmp_path):
    run = Run(tmp_path, 0)
    errors = run.process.communicate(timeout=30)[1]
    assert f"The fleeting does not stay up; its output is in {tmp_path / 'fleeting'}." in errors
    assert len(run.pids("fleeting")) == 5
    assert not is_alive(run.pids("steady")[0])
