"""A supplier's hubs, counted by what is left to do about them; most are named by nothing, and counted by kind."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from sqlalchemy import Connection

from duis_gateway.parties import store as parties
from duis_gateway.parties.records import Party, PartyKind, Role
from duis_gateway.rollout.deadlines.turns import Turns, turns
from duis_gateway.rollout.direct_instructions import store as direct
from duis_gateway.rollout.estate.eligible_hubs import Scope
from duis_gateway.rollout.pilot_lists import store as pilots
from duis_gateway.rollout.protection import store as protection
from duis_gateway.rollout.releases.records import Instruction, Stage
from duis_gateway.rollout.rollout_decisions.records import DirectGroup
from duis_gateway.rollout.schedules import store as schedules
from duis_gateway.store.engine import Store
from tests.support.estate import ALPHA, BETA, GAMMA, NOW, PERIOD, TOP, fill, hub, release

pytestmark = pytest.mark.requirement("BR-5.4")

NEW = "01020305"
MODEL = ("Acme", "Hub1")


def given(supplier: int, name: str, *ids: int, stage: Stage = Stage.PILOT) -> Instruction:
    return Instruction("R1", supplier, name, stage, PERIOD, NOW, ids)


def registers(connection: Connection, *suppliers: int) -> None:
    """Who is not registered cannot instruct, and its hubs' second suppliers are not asked for their halves."""
    for eui in suppliers:
        roles = frozenset(Role)
        parties.add(connection, Party(eui, PartyKind.SUPPLIER, "", roles=roles, duis_version=Decimal("6.0")))


def test_a_supplier_s_hubs_are_counted_by_what_is_left_to_do(store: Store) -> None:
    devices = [
        hub(1),
        hub(2),
        hub(3, ALPHA, BETA),
        hub(TOP, BETA, ALPHA),
        hub(5, ALPHA, GAMMA),
        hub(6, version=NEW),
        replace(hub(7), status="Pending"),
        replace(hub(8), device_type="ESME"),
        hub(9, BETA, BETA),
        hub(10, model="Hub2"),
        hub(11),
        hub(12),
    ]
    with store.write() as connection:
        fill(connection, devices, [release()])
        suppliers = (ALPHA, BETA, GAMMA)

        def counted(supplier: int) -> tuple[int, int, int, int]:
            found = turns(connection, MODEL, suppliers, Scope(), NOW)["R1"]
            alone: Turns = turns(connection, MODEL, (supplier,), Scope(supplier=supplier), NOW)["R1"]
            numbers = [
                (one.listable[supplier], one.unscheduled[supplier], one.awaited[supplier], one.uninstructed[supplier])
                for one in (found, alone)
            ]
            assert numbers[0] == numbers[1]
            return numbers[0]

        assert counted(ALPHA) == (4, 0, 0, 4), "of 3, TOP and 5 the other cannot instruct"
        registers(connection, *suppliers)
        assert counted(ALPHA) == (7, 0, 0, 7)
        pilots.replace_preferred(connection, "R1", ALPHA, NEW, [1, 2, 3, 6, 9], NOW)
        schedules.put_instructions(connection, [given(ALPHA, "G1", 1, 3, 6), given(BETA, "G1", 3, TOP, 9)])
        # 1 and 3 are planned; 2 is to be scheduled; of TOP the second half is awaited; 5, 11 and 12 are left.
        assert counted(ALPHA) == (7, 1, 1, 3)
        assert counted(BETA) == (3, 0, 0, 0)
        assert counted(GAMMA) == (1, 0, 0, 1)
        protection.add(connection, ALPHA, [2, TOP, 7, 11])
        protection.add(connection, GAMMA, [5])
        assert counted(ALPHA) == (4, 0, 0, 2)
        assert counted(GAMMA) == (0, 0, 0, 0)


def test_what_dcc_chose_or_has_in_a_batch_is_not_asked_for(store: Store) -> None:
    """Before, hubs of a batch were asked for that had begun to move."""
    with store.write() as connection:
        fill(connection, [hub(1), hub(2), hub(3), hub(4)], [release()])
        pilots.replace_preferred(connection, "R1", ALPHA, NEW, [1], NOW)
        direct.put_selection(connection, DirectGroup("R1", PERIOD, NOW, (1, 2), supplier=ALPHA))
        direct.put_batch(connection, DirectGroup("R1", PERIOD, NOW, (3,), "B1"))
        found = turns(connection, MODEL, (ALPHA,), Scope(supplier=ALPHA), NOW)["R1"]
        assert (found.unscheduled[ALPHA], found.uninstructed[ALPHA]) == (0, 1)
