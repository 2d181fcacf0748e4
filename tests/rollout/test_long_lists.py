"""What is looked up of a long list costs as much for each hub as it does of a short one, on SQLite.

Counted are the steps of SQLite's own machine, which say the same on every computer. Where a query began with the lists
of a release, it looked through all identifiers given for each of their hubs: 78,000 hubs took longer than a minute.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection

from duis_gateway.rollout.activations import store as activations
from duis_gateway.rollout.direct_instructions import store as direct
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.pilot_lists import store as pilots
from duis_gateway.rollout.pilot_lists.membership import in_pilot
from duis_gateway.rollout.plans import told
from duis_gateway.rollout.plans.records import PlanBasis, PlanStanding, ToldHub, ToldPlan
from duis_gateway.rollout.protection import store as protection
from duis_gateway.rollout.releases.records import Instruction, Stage
from duis_gateway.rollout.rollout_decisions.records import DirectGroup
from duis_gateway.rollout.schedules import store as schedules
from tests.support.rules import NEW, NOW, OURS, THEIRS
from tests.support.steering import HUBS, IN_PILOT, SPLIT, Steering

FEW, TIMES = 300, 8
LOOKED_UP: dict[str, Callable[[Connection, list[int]], object]] = {
    "in the pilot": lambda conn, ids: in_pilot(conn, "R1", ids),
    "instructed by another supplier": lambda conn, ids: schedules.instructed_by_other(conn, "R1", THEIRS, ids),
    "instructing": lambda conn, ids: schedules.instructing(conn, "R1", ids),
    "chosen for another supplier": lambda conn, ids: direct.selected_for_other(conn, "R1", THEIRS, ids),
    "batches": lambda conn, ids: direct.batch_periods(conn, "R1", ids),
    "selections": lambda conn, ids: direct.selections_naming(conn, "R1", ids),
    "told": lambda conn, ids: told.told(conn, "R1", ids),
    "named": lambda conn, ids: hubs.named(conn, ids, "R1", None),
    "reported": lambda conn, ids: activations.reported_since(conn, "R1", ids, NOW),
    "protectors": lambda conn, ids: protection.protectors(conn, ids),
}


def steps(connection: Connection, work: Callable[[], object]) -> int:
    """Return how often SQLite's machine went through twenty of its instructions."""
    counted = 0

    def count() -> int:
        nonlocal counted
        counted += 1
        return 0

    driver: Any = connection.connection.driver_connection
    driver.set_progress_handler(count, 20)
    try:
        work()
    finally:
        driver.set_progress_handler(None, 0)
    return counted


def fill(connection: Connection, ids: Iterable[int]) -> None:
    """Let every list of a release have these hubs, all of two suppliers."""
    every = tuple(ids)
    split = next(hub for hub in HUBS if hub.device_id == SPLIT)
    hubs.upsert(connection, [replace(split, device_id=device_id) for device_id in every])
    pilots.replace_default_list(connection, "R1", "North", every)
    pilots.replace_preferred(connection, "R1", OURS, NEW, every, NOW)
    schedules.put_instructions(connection, [Instruction("R1", OURS, "G1", Stage.PILOT, IN_PILOT, NOW, every)])
    direct.put_batch(connection, DirectGroup("R1", IN_PILOT, NOW, every, "B1"))
    direct.put_selection(connection, DirectGroup("R1", IN_PILOT, NOW, every, supplier=OURS))
    plan = ToldPlan(Stage.PILOT, PlanBasis.SUPPLIERS, PlanStanding.FIXED, IN_PILOT)
    told.remember(connection, "R1", {ToldHub(plan, "North", OURS, THEIRS): every})


@pytest.mark.parametrize("name", LOOKED_UP)
def test_more_hubs_are_as_much_more_work_and_no_more(dcc: Steering, name: str) -> None:
    dcc.piloting()
    spent = []
    for count in (FEW, TIMES * FEW):
        with dcc.store.write() as conn:
            ids = list(range(1000, 1000 + count))
            fill(conn, ids)
            spent.append(steps(conn, lambda: LOOKED_UP[name](conn, ids)))  # noqa: B023
    few, many = spent
    assert many < 2 * TIMES * few, f"{many / few:.0f} times the work for {TIMES} times the hubs"
