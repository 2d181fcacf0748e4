"""Random roll-outs on a machine that fails, seed by seed: nothing acknowledged is lost, and the plan stays the plan.

A seed that fails here is played again, with all that happened, by `python -m tests.simulation SEED`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.simulation.machine import Machine
from tests.simulation.run import run

SEEDS = int(os.environ.get("DUIS_GATEWAY_TEST_SEEDS", "100"))


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Faults are what happens here all the time; a log of each would be long."""
    with caplog.at_level("CRITICAL"):
        yield


@pytest.mark.once
@pytest.mark.parametrize("seed", range(1, SEEDS + 1))
def test_nothing_is_lost_and_the_plan_is_what_was_told(seed: int) -> None:
    run(seed)


def test_a_seed_is_always_the_same_run() -> None:
    assert run(5) == run(5)


def test_a_disk_that_forgets_what_was_durable_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The simulation sees what it is there to see."""
    monkeypatch.setattr(Machine, "committed", lambda _self: None)
    with pytest.raises(AssertionError):
        run(4)
