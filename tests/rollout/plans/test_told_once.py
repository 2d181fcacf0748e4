"""A hub that is void for one reason is not told again as void for another that changes nothing (X09, BR-6.5)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.duis.service_requests.preferred_pilot_list import PreferredPilotList
from duis_gateway.duis.service_requests.preferred_pilot_schedule import DeploymentGroup, PreferredPilotSchedule
from duis_gateway.flow.incoming import Door
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.releases.records import Period, PilotTerms, Stage
from duis_gateway.rollout.rollout_decisions.records import GroupDecision, RolloutAction, Standing
from tests.rollout.plans.test_off_the_plan import hubs, told
from tests.support.databases import KINDS
from tests.support.rules import NEW, OURS, PILOT, THEIRS
from tests.support.status_of import void_of
from tests.support.steering import DCC, HUBS, IDLE, NORTH, OWN_NORTH, SPLIT, WEEK, Steering, steering

IN_PILOT = Period(PILOT.start + WEEK, PILOT.start + 2 * WEEK)
SHORTER = PilotTerms(Period(PILOT.start, IN_PILOT.end - WEEK / 7), limit=10)

pytestmark = pytest.mark.requirement("X09", "BR-6.5")


@pytest.fixture(params=KINDS)
def dcc(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Steering]:
    """A pilot that has begun; one supplier has instructed its own hub in one group, and both the split one."""
    with steering(request.param, tmp_path) as made:
        made.piloting()
        instructs(made, OURS, OWN_NORTH)
        instructs(made, OURS, SPLIT, name="G2")
        instructs(made, THEIRS, SPLIT, name="G2")
        yield made


def instructs(dcc: Steering, supplier: int, *ids: int, name: str = "G1") -> None:
    listed = (OWN_NORTH, SPLIT) if supplier == OURS else (SPLIT,)
    assert not dcc.asks(supplier, "11.5", PreferredPilotList("R1", NEW, listed)).startswith("E")
    group = DeploymentGroup(name, Stage.PILOT, ids, IN_PILOT)
    assert not dcc.asks(supplier, "11.6", PreferredPilotSchedule("R1", NEW, (group,))).startswith("E")


def refuses(dcc: Steering, supplier: int, name: str) -> None:
    refused = csp.ScheduleDecision("R1", supplier, name, GroupDecision.REFUSED, None, None)
    assert dcc.says(refused, by=NORTH, door=Door.CSP).status == "Accepted"


def changes(dcc: Steering, moved: Hub) -> None:
    assert dcc.says(esi.InventoryUpdate((moved,))).status == "Accepted"


def void_told(dcc: Steering, since: int, device_id: int) -> dict[int, list[str]]:
    """By party, for what reasons it was told since then that this hub is void."""
    every = told(dcc, since, "Void")
    of_it = {party: [void[0] for void in found if hubs(device_id) in void[-1]] for party, found in every.items()}
    return {party: reasons for party, reasons in of_it.items() if reasons}


def test_a_revision_tells_nothing_of_what_a_former_supplier_had_instructed(dcc: Steering) -> None:
    """Before, the CSP and DCC were told `OutsidePilot` of a hub that was void as it had changed supplier."""
    changes(dcc, replace(HUBS[OWN_NORTH - 1], import_supplier=IDLE, gas_supplier=IDLE))
    before = dcc.last_row()
    dcc.announces(revision=2, pilot=SHORTER)
    assert void_told(dcc, before, OWN_NORTH) == {}
    assert void_told(dcc, before, SPLIT)[DCC] == ["OutsidePilot"]
    assert void_of(dcc, DCC) == {"ChangedSupplier": 1, "OutsidePilot": 1}


def test_a_revision_tells_nothing_of_what_the_csp_had_refused(dcc: Steering) -> None:
    """The brother: its supplier was told a second time, too."""
    refuses(dcc, OURS, "G1")
    before = dcc.last_row()
    dcc.announces(revision=2, pilot=SHORTER)
    assert void_told(dcc, before, OWN_NORTH) == {}
    assert void_of(dcc, OURS) == void_of(dcc, DCC) == {"RefusedByCSP": 1, "OutsidePilot": 1}


@pytest.mark.parametrize("paused", [False, True])
def test_who_remains_awaits_the_second_supplier_also_in_a_pause(dcc: Steering, paused: bool) -> None:
    """Before, the CSP and DCC were told `ChangedSupplier` in a pause, and who remains nothing."""
    if paused:
        dcc.says(esi.RolloutDecision("R1", RolloutAction.PAUSE, "why", Standing.CONFIRMED, "DCC"))
    before = dcc.last_row()
    changes(dcc, replace(HUBS[SPLIT - 1], gas_supplier=IDLE))
    waits = ["AwaitsSecondSupplier"]
    assert void_told(dcc, before, SPLIT) == {NORTH: waits, DCC: waits, OURS: waits, THEIRS: ["ChangedSupplier"]}
    assert void_of(dcc, OURS)["AwaitsSecondSupplier"] == void_of(dcc, DCC)["AwaitsSecondSupplier"] == 1


def test_a_refusal_stays_one_when_the_other_half_changes_supplier(dcc: Steering) -> None:
    """Before, the CSP and DCC were told `ChangedSupplier`, and CS06 and status said `RefusedByCSP`."""
    refuses(dcc, OURS, "G2")
    before = dcc.last_row()
    changes(dcc, replace(HUBS[SPLIT - 1], gas_supplier=IDLE))
    assert void_told(dcc, before, SPLIT) == {THEIRS: ["ChangedSupplier"]}
    assert void_of(dcc, DCC) == void_of(dcc, OURS) == {"RefusedByCSP": 1}


def test_a_refusal_of_what_a_former_supplier_instructed_is_over_for_who_remains(dcc: Steering) -> None:
    refuses(dcc, OURS, "G2")
    before = dcc.last_row()
    changes(dcc, replace(HUBS[SPLIT - 1], import_supplier=IDLE))
    waits = ["AwaitsSecondSupplier"]
    assert void_told(dcc, before, SPLIT) == {NORTH: waits, DCC: waits, THEIRS: waits, OURS: ["ChangedSupplier"]}
    assert void_of(dcc, DCC) == void_of(dcc, THEIRS) == {"AwaitsSecondSupplier": 1}
