"""A sample of the fault matrix; ``python -m tests.bench exactly_once`` runs all of it."""

from contextlib import ExitStack

import pytest

from tests.exactly_once.matrix import FAULTS, OPERATIONS, PROVIDERS, FarEnds, run_cell

pytestmark = pytest.mark.django_db(transaction=True)
KILLS = 3  # of each operation at each provider


@pytest.fixture(scope="module")
def far(tmp_path_factory, django_db_setup, django_db_blocker):
    with ExitStack() as stack, django_db_blocker.unblock():
        yield FarEnds.open(stack, tmp_path_factory.mktemp("radicale"))


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_after_any_fault_the_event_and_the_mails_are_there_once(far, provider, operation):
    for fault in FAULTS:
        outcome = run_cell(far, provider, operation, fault)
        assert outcome.is_exactly_once, (fault, outcome)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_killed_at_any_step_the_event_and_the_mails_are_there_once(far, provider, operation):
    steps = run_cell(far, provider, operation).steps
    for dies_at in sorted(far.random.sample(range(1, steps + 1), KILLS)):
        outcome = run_cell(far, provider, operation, dies_at=dies_at)
        assert outcome.is_exactly_once, (dies_at, steps, outcome)
