"""Why what was instructed moves hubs no more, as each party reads it in its status: in the words of N77 (BR-5.3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.duis.service_requests.preferred_pilot_schedule import (
    CancelledGroup,
    DeploymentGroup,
    PreferredPilotSchedule,
)
from duis_gateway.flow.incoming import Door
from duis_gateway.rollout.estate.hub_by_hub import estate_rows, hub_row
from duis_gateway.rollout.moments import Moments
from duis_gateway.rollout.protection.handle import ProtectionLists
from duis_gateway.rollout.releases.records import Period, Stage
from duis_gateway.rollout.releases.rules import last_to_instruct
from duis_gateway.rollout.rollout_decisions.records import RolloutAction, Standing
from tests.support.databases import KINDS
from tests.support.rules import NEW, OURS, PILOT, THEIRS
from tests.support.status_of import PARTIES, void_of
from tests.support.steering import (
    DCC,
    HUBS,
    IDLE,
    NORTH,
    OWN_NORTH,
    OWN_SOUTH,
    SOUTH,
    SPLIT,
    WEEK,
    Steering,
    steering,
)

OF_LAUNCH = Period(PILOT.end + WEEK, PILOT.end + 2 * WEEK)
DAY = timedelta(days=1)
LATER = Period(PILOT.end + 3 * WEEK, PILOT.end + 4 * WEEK)

pytestmark = pytest.mark.requirement("BR-5.3", "BR-6.5")


@pytest.fixture(params=KINDS)
def dcc(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Steering]:
    """A pilot that has begun; one supplier has instructed two hubs of its own and the split one for safe launch."""
    with steering(request.param, tmp_path) as made:
        made.piloting()
        instructs(made, OURS, OF_LAUNCH, OWN_NORTH, OWN_SOUTH, SPLIT)
        yield made


def instructs(dcc: Steering, supplier: int, period: Period, *ids: int, name: str = "L1") -> None:
    group = DeploymentGroup(name, Stage.SAFE_LAUNCH, ids, period)
    assert not dcc.asks(supplier, "11.6", PreferredPilotSchedule("R1", NEW, (group,))).startswith("E")


def protects(dcc: Steering, supplier: int, *ids: int) -> None:
    ProtectionLists(Moments(dcc.store, dcc.clock, dcc.signer, 95_000)).replace(supplier, ids)


def why(dcc: Steering, party: int, device_id: int) -> object:
    with dcc.store.read() as conn:
        row = hub_row(conn, PARTIES[party], device_id, dcc.clock.now())
    assert row is not None
    return row["why"]


AWAITED = {"AwaitsSecondSupplier": 1}
SILENT = "the Gas Supplier has not instructed"


def test_a_protected_hub_is_void_for_who_protects_it_and_for_nobody_who_was_told_nothing(dcc: Steering) -> None:
    """Before, a hub that its supplier had instructed and then protected stood as one that nobody had instructed."""
    protects(dcc, OURS, OWN_NORTH, SPLIT)
    assert void_of(dcc, OURS) == {"NotInstructed": 2}
    assert void_of(dcc, DCC) == {"NotInstructed": 2}
    assert void_of(dcc, NORTH) == {"NotInstructed": 2}
    assert void_of(dcc, SOUTH) == void_of(dcc, THEIRS) == {}
    instructs(dcc, THEIRS, OF_LAUNCH, SPLIT)
    assert void_of(dcc, THEIRS) == AWAITED
    assert void_of(dcc, OURS) == {"NotInstructed": 1, **AWAITED}
    protects(dcc, OURS)
    assert void_of(dcc, OURS) == void_of(dcc, THEIRS) == {}


def test_what_a_supplier_took_back_is_void_in_the_same_word(dcc: Steering) -> None:
    """Else the CSPs would know the protected ones by it."""
    cancelled = (CancelledGroup("L1", Stage.SAFE_LAUNCH),)
    assert not dcc.asks(OURS, "11.6", PreferredPilotSchedule("R1", NEW, (), cancelled)).startswith("E")
    assert void_of(dcc, OURS) == void_of(dcc, DCC) == {"NotInstructed": 3}
    assert void_of(dcc, NORTH) == {"NotInstructed": 2}
    assert void_of(dcc, THEIRS) == {}, "it has instructed nothing"


def test_a_hub_that_changed_supplier_is_void_for_the_csp_and_dcc(dcc: Steering) -> None:
    """Before, X09 and CS06 said so, and the status showed a hub that nobody had instructed."""
    was = HUBS[0]
    assert was.device_id == OWN_NORTH
    gone = replace(was, import_supplier=IDLE, gas_supplier=IDLE)
    assert dcc.says(esi.InventoryUpdate((gone,))).status == "Accepted"
    assert void_of(dcc, NORTH) == void_of(dcc, DCC) == {"ChangedSupplier": 1, **AWAITED}
    assert void_of(dcc, IDLE) == {}, "what another had instructed is no affair of its"
    assert void_of(dcc, OURS) == AWAITED


@pytest.mark.parametrize("second", [OURS, THEIRS])
def test_of_a_split_hub_whose_half_has_ended_its_supplier_reads_that_its_period_is_over(
    dcc: Steering, second: int
) -> None:
    """Before, it read that it awaits the second supplier, who awaited it."""
    assert void_of(dcc, OURS) == void_of(dcc, DCC) == AWAITED
    dcc.passes(OF_LAUNCH.end)
    assert void_of(dcc, OURS) == {"PeriodEnded": 3}
    assert void_of(dcc, THEIRS) == {}, "it had instructed nothing, and was told of no end"
    instructs(dcc, second, LATER, SPLIT, name="L2")
    ended = {"PeriodEnded": 2}
    assert void_of(dcc, OURS) == ({**ended, **AWAITED} if second == OURS else {"PeriodEnded": 3})
    assert void_of(dcc, THEIRS) == AWAITED, "of these two somebody's instruction stands"
    assert void_of(dcc, DCC) == {**ended, **AWAITED}


def test_who_took_its_own_half_back_reads_that_and_not_that_the_other_period_is_over(dcc: Steering) -> None:
    """Before, it read `PeriodEnded`, which its deadlines did not know of."""
    instructs(dcc, THEIRS, LATER, SPLIT)
    cancelled = (CancelledGroup("L1", Stage.SAFE_LAUNCH),)
    assert not dcc.asks(THEIRS, "11.6", PreferredPilotSchedule("R1", NEW, (), cancelled)).startswith("E")
    assert void_of(dcc, THEIRS) == AWAITED
    dcc.passes(OF_LAUNCH.end)
    assert void_of(dcc, THEIRS) == {"NotInstructed": 1}
    assert void_of(dcc, OURS) == {"PeriodEnded": 3}


@pytest.mark.requirement("EX-2")
def test_a_second_supplier_reads_alike_whatever_became_of_the_other_half(dcc: Steering) -> None:
    """Before, it read that the other took back what DCC had chosen for it, and could tell what it protects."""
    awaited = "automatic date: the Import Supplier has not instructed"
    instructs(dcc, THEIRS, LATER, SPLIT)
    protects(dcc, OURS, SPLIT)
    assert why(dcc, THEIRS, SPLIT) == awaited
    protects(dcc, OURS)
    cancelled = (CancelledGroup("L1", Stage.SAFE_LAUNCH),)
    assert not dcc.asks(OURS, "11.6", PreferredPilotSchedule("R1", NEW, (), cancelled)).startswith("E")
    assert why(dcc, THEIRS, SPLIT) == awaited
    assert why(dcc, OURS, SPLIT) == "automatic date: you took your instruction back"
    for ids in ((SPLIT,), (OWN_NORTH,)):
        assert dcc.says(esi.PilotSelection("R1", OURS, ids, None)).status == "Accepted"
    assert why(dcc, THEIRS, SPLIT) == awaited, "DCC chose it and has taken that back"
    assert "DCC's choice for you was taken back" in str(why(dcc, OURS, SPLIT))


def test_of_a_half_that_is_over_why_and_cs06_say_so_too(dcc: Steering) -> None:
    """Before, `why` said to its own supplier that the other had not instructed, and CS06 that it is awaited."""
    assert why(dcc, OURS, SPLIT) == f"automatic date: {SILENT}"
    dcc.passes(OF_LAUNCH.end + timedelta(seconds=1))
    ended = "instruction has ended"
    assert why(dcc, OURS, SPLIT) == f"automatic date: {SILENT}, and the period of your {ended}"
    theirs = f"automatic date: you have not instructed, and the period of the Import Supplier's {ended}"
    assert why(dcc, THEIRS, SPLIT) == theirs
    told = dcc.says(csp.ActivateFirmwareRequests(NEW, (SPLIT,), dcc.clock.now(), "R1"), by=NORTH, door=Door.CSP)
    (refused,) = told.answer.refused
    assert refused.reason.startswith("PeriodEnded: ")


def test_after_the_last_day_for_instructions_nobody_is_said_to_be_waited_for(dcc: Steering) -> None:
    last = last_to_instruct(dcc.release())
    instructs(dcc, OURS, Period(last + WEEK, last + 2 * WEEK), SPLIT)
    dcc.passes(last)
    assert why(dcc, OURS, SPLIT) == f"automatic date: {SILENT}"
    assert void_of(dcc, OURS)["AwaitsSecondSupplier"] == 1
    dcc.passes(last + DAY)
    for party in (OURS, THEIRS, NORTH, DCC):
        assert void_of(dcc, party)["SecondSupplierTooLate"] == 1, party
        assert "AwaitsSecondSupplier" not in void_of(dcc, party)
    told = dcc.says(csp.ActivateFirmwareRequests(NEW, (SPLIT,), dcc.clock.now(), "R1"), by=NORTH, door=Door.CSP)
    (refused,) = told.answer.refused
    assert refused.reason.startswith("SecondSupplierTooLate: ")
    assert why(dcc, OURS, SPLIT) == f"automatic date: {SILENT}, and it is too late to instruct it"
    with dcc.store.read() as conn:
        for since, there in ((last, True), (dcc.clock.now(), False)):
            rows = estate_rows(conn, PARTIES[OURS], dcc.clock.now(), since)
            assert (format_eui(SPLIT) in {row["device_id"] for row in rows}) is there


def test_of_a_half_that_a_revision_ended_its_supplier_reads_why_and_the_other_that_it_is_awaited(
    dcc: Steering,
) -> None:
    """Before, the second supplier read of its own good group that it did not end before the automatic date."""
    instructs(dcc, THEIRS, OF_LAUNCH, SPLIT)
    instructs(dcc, OURS, LATER, OWN_NORTH, OWN_SOUTH, SPLIT)
    dcc.announces(revision=2, automatic_date=LATER.start)
    assert void_of(dcc, OURS) == {"TooLate": 3}
    assert void_of(dcc, THEIRS) == {"AwaitsSecondSupplier": 1}
    assert void_of(dcc, DCC) == {"TooLate": 3}


def test_what_a_pause_holds_is_void_as_it_was_told(dcc: Steering) -> None:
    """Before, N77 said `Paused`, and the status named no reason."""
    dcc.says(esi.RolloutDecision("R1", RolloutAction.PAUSE, "why", Standing.CONFIRMED, "DCC"))
    assert void_of(dcc, OURS) == void_of(dcc, DCC) == {"Paused": 2, **AWAITED}
    assert void_of(dcc, THEIRS) == AWAITED
    dcc.says(esi.RolloutDecision("R1", RolloutAction.PROCEED, "why", Standing.CONFIRMED, "DCC"))
    assert void_of(dcc, OURS) == AWAITED
