"""Which hubs are looked at where something changes for a release as a whole."""

from __future__ import annotations

from dataclasses import replace

import pytest

from duis_gateway.rollout.direct_instructions import store as direct
from duis_gateway.rollout.plans import told
from duis_gateway.rollout.plans.records import PlanBasis, PlanStanding, ToldHub, ToldPlan
from duis_gateway.rollout.releases.records import Instruction, Stage
from duis_gateway.rollout.rollout_decisions.records import DirectGroup
from duis_gateway.rollout.schedules import store as schedules
from duis_gateway.store.engine import Store
from tests.support.estate import ALPHA, BETA, NOW, PERIOD, TOP, fill, hub, release

PLAN = ToldHub(ToldPlan(Stage.PILOT, PlanBasis.SUPPLIERS, PlanStanding.FIXED, PERIOD), "North", ALPHA, BETA)


@pytest.mark.parametrize("page", [1, 1000])
def test_each_hub_comes_once_whatever_names_it_and_is_planned_meanwhile(
    store: Store, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    """A decision on 400,000 hubs looked at each of them twice: as it was instructed, and as it was planned by then."""
    monkeypatch.setattr(told, "_LEAST_PAGE", page)
    with store.write() as connection:
        fill(connection, [hub(1)], [release(), release("R2")])
        mine = Instruction("R1", ALPHA, "G1", Stage.SAFE_LAUNCH, PERIOD, NOW, (1, 2, 3, TOP))
        schedules.put_instructions(connection, [mine, replace(mine, supplier=BETA, device_ids=(2, 4))])
        schedules.put_instructions(connection, [replace(mine, release_id="R2", device_ids=(9,))])
        direct.put_batch(connection, DirectGroup("R1", PERIOD, NOW, (3, 5), "B1"))
        told.remember(connection, "R1", {PLAN: [2, 6]})
        told.remember(connection, "R2", {PLAN: [8]})
        chunks = []
        for chunk in told.concerned(connection, "R1", named=True, size=3):
            chunks.append(chunk)
            told.remember(connection, "R1", {PLAN: chunk})
        assert chunks == [[TOP, 1, 2], [3, 4, 5], [6]]
        assert list(told.concerned(connection, "R1", named=False, size=50)) == [[TOP, 1, 2, 3, 4, 5, 6]]
        told.forget(connection, "R1", [TOP, 1, 3, 4, 5, 6])
        assert list(told.concerned(connection, "R1", named=False, size=50)) == [[2]]
        assert list(told.concerned(connection, "R3", named=True, size=50)) == []
