"""What has changed in an estate since a moment: nothing is missed, and what did not change is left out (BR-5.3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.flow.incoming import Door
from duis_gateway.rollout.activations.records import HubOutcome, OutcomeStage
from duis_gateway.rollout.estate import changes
from duis_gateway.rollout.hubs import freshness
from duis_gateway.rollout.moments import Moments
from duis_gateway.rollout.protection.handle import ProtectionLists
from duis_gateway.rollout.releases.records import DefaultGroup, Instruction, Period, Stage
from duis_gateway.rollout.rollout_decisions.records import RolloutAction, Standing
from duis_gateway.rollout.schedules import store as schedules
from tests.support.databases import KINDS
from tests.support.estates import Estates
from tests.support.rules import NEW, OLD, OURS, PILOT, THEIRS
from tests.support.steering import (
    DCC,
    HUBS,
    IDLE,
    NORTH,
    OWN_NORTH,
    OWN_SOUTH,
    SOUTH,
    SPLIT,
    THEIR_HUB,
    Steering,
    steering,
)

pytestmark = pytest.mark.requirement("BR-5.3")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LAUNCH = Period(PILOT.end + 10 * DAY, PILOT.end + 20 * DAY)


@pytest.fixture(params=KINDS)
def dcc(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Steering]:
    """A release in its pilot, long after its hubs came; ours has instructed its hub in the north."""
    with steering(request.param, tmp_path) as made:
        made.piloting()
        group = Instruction("R1", OURS, "G1", Stage.SAFE_LAUNCH, LAUNCH, made.clock.now(), (OWN_NORTH,))
        with made.store.write() as conn:
            schedules.put_instructions(conn, [group])
        made.clock.instant += DAY
        yield made


def hubs(*ids: int) -> set[object]:
    return {format_eui(one) for one in ids}


def protect(dcc: Steering) -> None:
    moments = Moments(dcc.store, dcc.clock, dcc.signer, 95_000)
    assert ProtectionLists(moments).replace(OURS, [OWN_NORTH]) == 1


def fail(dcc: Steering) -> None:
    outcome = HubOutcome(OWN_NORTH, OutcomeStage.ACTIVATION, False, NEW, dcc.clock.now(), "no power")
    assert dcc.says(csp.ActivateFirmwareResponses((outcome,)), by=NORTH, door=Door.CSP).status == "Accepted"


def activate(dcc: Steering) -> None:
    outcome = HubOutcome(OWN_NORTH, OutcomeStage.ACTIVATION, True, NEW, dcc.clock.now())
    assert dcc.says(csp.ActivateFirmwareResponses((outcome,)), by=NORTH, door=Door.CSP).status == "Accepted"


def batch(dcc: Steering) -> None:
    assert dcc.says(esi.BatchInstruction("R1", "B1", (OWN_NORTH,), None)).status == "Accepted"


@pytest.mark.parametrize("act", [protect, fail, activate, batch])
def test_what_concerns_one_hub_shows_that_hub_alone(dcc: Steering, act: object) -> None:
    estates, since = Estates.of(dcc), dcc.clock.now()
    assert callable(act)
    act(dcc)
    shown = estates.miss_nothing_since(since, dcc)
    assert shown == {eui: hubs(OWN_NORTH) if eui in (OURS, NORTH, DCC) else set() for eui in shown}
    assert Estates.of(dcc).miss_nothing_since(since + HOUR, dcc) == {eui: set() for eui in shown}, "nothing since"


def test_the_second_supplier_does_not_see_what_is_kept_from_it(dcc: Steering) -> None:
    """EX-2: that the other protects a split hub moves nothing here, and does not show."""
    estates, since = Estates.of(dcc), dcc.clock.now()
    moments = Moments(dcc.store, dcc.clock, dcc.signer, 95_000)
    assert ProtectionLists(moments).replace(THEIRS, [SPLIT, THEIR_HUB]) == 2
    assert estates.miss_nothing_since(since, dcc) == {eui: set() for eui in estates.rows}


def test_a_hub_that_changes_supplier_and_region_departs_and_arrives(dcc: Steering) -> None:
    estates, since = Estates.of(dcc), dcc.clock.now()
    moved = replace(HUBS[0], import_supplier=THEIRS, gas_supplier=THEIRS, csp_region="South")
    dcc.says(esi.InventoryUpdate((moved, HUBS[1])))
    shown = estates.miss_nothing_since(since, dcc)
    concerned = (OURS, THEIRS, NORTH, SOUTH, DCC)
    assert shown == {eui: hubs(OWN_NORTH) if eui in concerned else set() for eui in shown}
    dcc.clock.instant += HOUR
    dcc.says(esi.InventoryUpdate((HUBS[0],)))
    shown = estates.miss_nothing_since(since, dcc)
    assert shown == {eui: hubs(OWN_NORTH) if eui in concerned else set() for eui in shown}, "it is back, and shown once"


@pytest.mark.parametrize("what", ["schedule", "pause", "revision", "second supplier"])
def test_what_concerns_the_model_shows_every_hub_of_it(dcc: Steering, what: str) -> None:
    estates, since = Estates.of(dcc), dcc.clock.now()
    if what == "schedule":
        groups = (DefaultGroup("S1", LAUNCH, (OWN_SOUTH, THEIR_HUB)),)
        told = dcc.says(csp.SafeLaunchSchedule("R1", "South", groups, ()), by=SOUTH, door=Door.CSP)
        assert told.status == "Accepted"
    elif what == "pause":
        dcc.says(esi.RolloutDecision("R1", RolloutAction.PAUSE, "why", Standing.CONFIRMED, "DCC"))
    elif what == "revision":
        dcc.announces("R1", 2)
    else:
        with dcc.store.write() as conn:
            freshness.of_every_model(conn, dcc.clock.now())
    shown = estates.miss_nothing_since(since, dcc)
    assert shown[OURS] == hubs(OWN_NORTH, OWN_SOUTH, SPLIT)
    assert shown[IDLE] == (hubs(6) if what == "second supplier" else set()), "of another model"


def test_a_period_that_ends_while_its_release_is_paused_is_not_missed(dcc: Steering) -> None:
    """Nobody is told of it then, as what is held is void already; the row says another thing all the same."""
    dcc.says(esi.RolloutDecision("R1", RolloutAction.PAUSE, "why", Standing.CONFIRMED, "DCC"))
    dcc.passes(LAUNCH.end - HOUR)
    estates, since = Estates.of(dcc), dcc.clock.now()
    dcc.passes(LAUNCH.end + HOUR)
    shown = estates.miss_nothing_since(since, dcc)
    assert hubs(OWN_NORTH) <= shown[OURS]
    dcc.clock.instant += DAY
    assert Estates.of(dcc).miss_nothing_since(dcc.clock.now() - HOUR, dcc)[OURS] == set()


@pytest.mark.parametrize("most", [0, 2, changes.MANY])
def test_many_that_have_changed_are_the_same_as_few(dcc: Steering, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """Of many the estate is looked through, few are found by the time of their change."""
    monkeypatch.setattr(changes, "MANY", most)
    estates, since = Estates.of(dcc), dcc.clock.now()
    dcc.says(esi.InventoryUpdate((replace(HUBS[0], csp_region="South"), replace(HUBS[5], csp_region="South"))))
    batch(dcc)
    protect(dcc)
    shown = estates.miss_nothing_since(since, dcc)
    assert {eui: shown[eui] for eui in (OURS, THEIRS, IDLE, DCC)} == {
        OURS: hubs(OWN_NORTH),
        THEIRS: set(),
        IDLE: hubs(6),
        DCC: hubs(OWN_NORTH, 6),
    }


def test_a_new_hub_arrives(dcc: Steering) -> None:
    estates, since = Estates.of(dcc), dcc.clock.now()
    dcc.says(esi.InventoryUpdate((replace(HUBS[0], device_id=7, firmware_version=OLD),)))
    assert estates.miss_nothing_since(since, dcc)[OURS] == hubs(7)
