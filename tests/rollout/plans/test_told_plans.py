"""What CSPs, suppliers and DCC were told of the plan, added up, is at every moment what an independent model plans.

Two suppliers, two CSPs and DCC say random things through the real handlers: instructions, decisions, batches, choices,
revisions, pauses, changes of supplier, region, status and version, activations, failures that hold the plan; and time
passes. Each CSP has the requests of the suppliers for the hubs in its regions, and no others. Whoever asks for what has
changed in the estate since is shown it all.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.support.databases import KINDS
from tests.support.estates import Estates
from tests.support.random_roll_out import STEPS, World
from tests.support.rules import OURS
from tests.support.steering import DCC, NORTH, Steering, steering


@pytest.fixture(params=KINDS)
def dcc(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Steering]:
    with steering(request.param, tmp_path) as made:
        yield made


@pytest.mark.requirement("X09", "BR-5.3", "BR-3.2", "BR-3.3", "BR-3.6", "BR-4.2", "PIA-C2", "PIA-S5", "PIA-D1")
@pytest.mark.parametrize("seed", [14, 21, 26, 33])
def test_what_was_told_adds_up_to_what_is_planned(dcc: Steering, seed: int) -> None:
    world = World.begun(dcc, Random(seed))
    told = 0
    for number in range(STEPS):
        own = world.own()
        estates, since = Estates.of(dcc, OURS, NORTH), dcc.clock.now()
        world.step()
        estates.miss_nothing_since(since, dcc)
        world.reads(own)
        world.reported()
        assert not any(world.over.values()), "a plan ended in a pause, and not everybody was told"
        assert world.told == world.planned(), f"after step {number}"
        world.agrees()
        world.remains()
        if world.dcc.release().state.is_live:
            had = {party: world.of_its_supplier(requests) for party, requests in world.requested.items()}
            assert had == world.requests(), f"after step {number}"
        told += len(world.told[DCC])
    assert told, "something was planned"
    world.gives_way()
