"""One event and one mail of each kind, whatever fails on the way: the whole fault matrix.

Of each operation at each provider, the process is killed at steps spread evenly over all it takes,
from the first statement of the booking to the last word with the mail server; and every other fault
is committed a few times. Counted is what was lost or came twice in the end.
"""

from collections import Counter
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.exactly_once.matrix import FAULTS, OPERATIONS, PROVIDERS, FarEnds, Outcome, run_cell

KILLS = 84  # of each operation at each provider: with the rest, 1,000 runs and a few
OTHERS = 9  # of each other fault


def run() -> dict:
    """By provider and fault: the runs, and what was lost or came twice in them."""
    tallies: dict[str, Counter] = {}
    with TemporaryDirectory() as folder, ExitStack() as stack:
        far = FarEnds.open(stack, Path(folder))
        for provider in PROVIDERS:
            for operation in OPERATIONS:
                undisturbed = run_cell(far, provider, operation)
                _count(tallies, f"{provider}: nothing amiss", undisturbed)
                for number in range(KILLS):
                    dies_at = 1 + number * undisturbed.steps // KILLS
                    outcome = run_cell(far, provider, operation, dies_at=dies_at)
                    _count(tallies, f"{provider}: killed", outcome)
                for fault in FAULTS * OTHERS:
                    outcome = run_cell(far, provider, operation, fault)
                    _count(tallies, f"{provider}: {fault}", outcome)
    total = sum(tallies.values(), Counter())
    return {name: dict(tally) for name, tally in (tallies | {"all": total}).items()}


def _count(tallies: dict[str, Counter], name: str, outcome: Outcome) -> None:
    counted = {key: value for key, value in asdict(outcome).items() if key != "steps"}
    tallies.setdefault(name, Counter()).update({"runs": 1} | counted)
