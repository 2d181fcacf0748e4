"""A hub is void for one reason: told (N77, X09), and shown from then on by status, `why` and CS06 (BR-5.3, BR-6.5)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.duis.service_requests.preferred_pilot_list import PreferredPilotList
from duis_gateway.duis.service_requests.preferred_pilot_schedule import (
    CancelledGroup,
    DeploymentGroup,
    PreferredPilotSchedule,
)
from duis_gateway.flow.incoming import Door
from duis_gateway.rollout.estate.history import history_rows
from duis_gateway.rollout.estate.hub_by_hub import hub_row
from duis_gateway.rollout.releases.records import Period, PilotTerms, Stage
from tests.rollout.plans.test_off_the_plan import told
from tests.support.rules import NEW, OURS, PILOT, THEIRS
from tests.support.status_of import PARTIES, void_of
from tests.support.steering import (
    DCC,
    HUBS,
    IDLE,
    NORTH,
    OWN_NORTH,
    OWN_SOUTH,
    SPLIT,
    Steering,
)

DAY = timedelta(days=1)
FIRST = Period(PILOT.start + 2 * DAY, PILOT.start + 5 * DAY)
LATER = Period(PILOT.start + 10 * DAY, PILOT.start + 15 * DAY)
BETWEEN = FIRST.end + DAY
TAKEN = {"NotInstructed": 1}
ENDED = {"PeriodEnded": 1}

pytestmark = pytest.mark.requirement("X09", "BR-5.3", "BR-6.5")


def instructs(dcc: Steering, supplier: int, name: str, period: Period, *ids: int) -> None:
    listed = (OWN_NORTH, OWN_SOUTH, SPLIT) if supplier == OURS else (SPLIT,)
    assert not dcc.asks(supplier, "11.5", PreferredPilotList("R1", NEW, listed)).startswith("E")
    group = DeploymentGroup(name, Stage.PILOT, ids, period)
    assert not dcc.asks(supplier, "11.6", PreferredPilotSchedule("R1", NEW, (group,))).startswith("E")


def takes_back(dcc: Steering, supplier: int, name: str) -> None:
    cancelled = (CancelledGroup(name, Stage.PILOT),)
    assert not dcc.asks(supplier, "11.6", PreferredPilotSchedule("R1", NEW, (), cancelled)).startswith("E")


def batch(dcc: Steering, period: Period, *ids: int, name: str = "DB") -> None:
    assert dcc.says(esi.BatchInstruction("R1", name, ids, period)).status == "Accepted"


def chooses(dcc: Steering, period: Period | None, *ids: int) -> None:
    assert dcc.says(esi.PilotSelection("R1", OURS, ids, period)).status == "Accepted"


def why(dcc: Steering, party: int, device_id: int) -> str:
    with dcc.store.read() as conn:
        row = hub_row(conn, PARTIES[party], device_id, dcc.clock.now())
    assert row is not None
    return str(row["why"])


def cs06(dcc: Steering, device_id: int) -> str:
    asked = csp.ActivateFirmwareRequests(NEW, (device_id,), dcc.clock.now(), "R1")
    (refused,) = dcc.says(asked, by=NORTH, door=Door.CSP).answer.refused
    return refused.reason.partition(":")[0]


def reasons(dcc: Steering, since: int) -> dict[int, tuple[str, ...]]:
    """What each party was told to be void since then: the reason, and for a supplier its group."""
    return {party: one[:-1] for party, (one,) in told(dcc, since, "Void").items()}


@pytest.mark.requirement("X08", "BR-4.2")
def test_of_a_choice_that_is_taken_back_when_both_halves_are_over_all_are_told_what_they_are_shown(
    dcc: Steering,
) -> None:
    """Before, all were told `NotInstructed`, also who had lost nothing of its own, and were shown `PeriodEnded`."""
    instructs(dcc, OURS, "OWN", FIRST, SPLIT)
    instructs(dcc, THEIRS, "G", Period(FIRST.start, LATER.end), SPLIT)
    chooses(dcc, None, SPLIT)
    dcc.passes(LATER.end)
    before = dcc.last_row()
    chooses(dcc, None, OWN_NORTH)
    for party, void in reasons(dcc, before).items():
        assert void_of(dcc, party) == {void[0]: 1}, party
        assert "OWN" not in void, "that group was over long before"
    assert void_of(dcc, THEIRS) == ENDED, "nothing of its own was taken back"


@pytest.mark.requirement("BR-4.2")
def test_a_joint_plan_that_is_taken_back_awaits_nobody_where_the_other_half_is_over(dcc: Steering) -> None:
    """Before, all were told that the second supplier is awaited, and shown that a period had ended."""
    instructs(dcc, OURS, "OWN", LATER, SPLIT)
    instructs(dcc, THEIRS, "G", FIRST, SPLIT)
    dcc.passes(BETWEEN)
    before = dcc.last_row()
    takes_back(dcc, OURS, "OWN")
    assert reasons(dcc, before) == {
        NORTH: ("NotInstructed",),
        DCC: ("NotInstructed",),
        OURS: ("NotInstructed", "OWN", "Pilot"),
        THEIRS: ("PeriodEnded", "G", "Pilot"),
    }
    assert void_of(dcc, NORTH) == void_of(dcc, DCC) == void_of(dcc, OURS) == TAKEN
    assert void_of(dcc, THEIRS) == ENDED
    assert cs06(dcc, SPLIT) == "NotInstructed"


@pytest.mark.requirement("X08")
@pytest.mark.parametrize("by_dcc", [True, False])
def test_what_is_taken_back_after_an_earlier_group_was_over_is_shown_as_taken_back(dcc: Steering, by_dcc: bool) -> None:
    """Before, status, `why` and CS06 said that the period had ended, which was so of the earlier group."""
    instructs(dcc, OURS, "W1", FIRST, OWN_NORTH)
    dcc.passes(BETWEEN)
    assert void_of(dcc, NORTH) == ENDED
    if by_dcc:
        chooses(dcc, LATER, OWN_NORTH)
    else:
        instructs(dcc, OURS, "W2", LATER, OWN_NORTH)
    before = dcc.last_row()
    if by_dcc:
        chooses(dcc, LATER, OWN_SOUTH)
    else:
        takes_back(dcc, OURS, "W2")
    told_to = reasons(dcc, before)
    assert told_to.pop(OURS) == (("NotInstructed",) if by_dcc else ("NotInstructed", "W2", "Pilot"))
    assert told_to == {NORTH: ("NotInstructed",), DCC: ("NotInstructed",)}
    assert void_of(dcc, NORTH) == void_of(dcc, DCC) == void_of(dcc, OURS) == TAKEN
    assert cs06(dcc, OWN_NORTH) == "NotInstructed"
    what = "what DCC chose for you" if by_dcc else "what you instructed since"
    said = f"automatic date: the instructed period has ended, and {what} was taken back"
    assert why(dcc, OURS, OWN_NORTH) == f"{said}; its CSP did not update it in the planned period, and reported nothing"


@pytest.mark.requirement("X08")
def test_a_batch_that_is_taken_back_is_shown_to_whoever_was_told(dcc: Steering) -> None:
    """Before, X09 and N77 said `NotInstructed`, and the status of all named no reason."""
    batch(dcc, LATER, OWN_NORTH, SPLIT)
    before = dcc.last_row()
    batch(dcc, LATER, OWN_SOUTH)
    concerned = {NORTH: 2, DCC: 2, OURS: 2, THEIRS: 1}
    assert reasons(dcc, before) == dict.fromkeys(concerned, ("NotInstructed",))
    assert {one: void_of(dcc, one) for one in concerned} == {one: {"NotInstructed": n} for one, n in concerned.items()}
    assert void_of(dcc, IDLE) == {}


@pytest.mark.requirement("X08")
def test_a_batch_that_is_taken_back_is_shown_also_where_an_instruction_was_void_long_before(dcc: Steering) -> None:
    """The brother: what had ended the supplier's instruction, weeks ago, was shown."""
    instructs(dcc, OURS, "W1", LATER, OWN_NORTH)
    dcc.announces(revision=2, pilot=PilotTerms(Period(PILOT.start, LATER.end - DAY), limit=10))
    assert void_of(dcc, NORTH) == {"OutsidePilot": 1}
    dcc.passes(BETWEEN)
    batch(dcc, LATER, OWN_NORTH)
    batch(dcc, LATER, OWN_SOUTH)
    assert void_of(dcc, NORTH) == void_of(dcc, OURS) == TAKEN


@pytest.mark.requirement("X08")
@pytest.mark.parametrize("what", ["batch", "choice", "group"])
def test_what_was_over_stays_so_when_it_is_sent_again_without_the_hub(dcc: Steering, what: str) -> None:
    """The brother: it read `NotInstructed`, or nothing, although all had been told `PeriodEnded`."""

    def gives(period: Period, *ids: int) -> None:
        if what == "group":
            instructs(dcc, OURS, "W1", period, *ids)
        elif what == "batch":
            batch(dcc, period, *ids)
        else:
            chooses(dcc, period, *ids)

    gives(FIRST, OWN_NORTH)
    dcc.passes(BETWEEN)
    before = dcc.last_row()
    gives(LATER, OWN_SOUTH)
    assert told(dcc, before, "Void") == {}
    assert void_of(dcc, NORTH) == void_of(dcc, OURS) == void_of(dcc, DCC) == ENDED
    with dcc.store.read() as conn:
        rows = history_rows(conn, PARTIES[OURS], OWN_NORTH)
    assert str(rows[0]["what"]) == "taken back"
    assert " to " not in str(rows[0]["detail"])


@pytest.mark.requirement("X08", "BR-3.3")
def test_a_batch_that_ends_after_a_half_awaits_nobody(dcc: Steering) -> None:
    """The brother: all were told `AwaitsSecondSupplier`, of a supplier whose own period was over, too."""
    instructs(dcc, OURS, "OWN", FIRST, SPLIT)
    batch(dcc, LATER, SPLIT)
    dcc.passes(LATER.end - DAY)
    before = dcc.last_row()
    dcc.passes(LATER.end)
    assert {party: one[0] for party, one in reasons(dcc, before).items()} == dict.fromkeys(
        (NORTH, DCC, OURS, THEIRS), "PeriodEnded"
    )
    for party in (NORTH, DCC, OURS, THEIRS):
        assert void_of(dcc, party) == ENDED


@pytest.mark.requirement("BR-3.3")
@pytest.mark.parametrize("over", [True, False])
def test_what_a_former_supplier_instructed_is_over_where_that_came_first(dcc: Steering, over: bool) -> None:
    """Before, status and CS06 said `ChangedSupplier` of what had ended, and been told as that, before the change."""
    instructs(dcc, OURS, "W1", FIRST, OWN_NORTH)
    dcc.passes(BETWEEN if over else FIRST.start)
    before = dcc.last_row()
    moved = replace(HUBS[OWN_NORTH - 1], import_supplier=IDLE, gas_supplier=IDLE)
    assert dcc.says(esi.InventoryUpdate((moved,))).status == "Accepted"
    changed = dict.fromkeys((NORTH, DCC), ("ChangedSupplier",)) | {OURS: ("ChangedSupplier", "W1", "Pilot")}
    assert reasons(dcc, before) == ({} if over else changed)
    dcc.passes(LATER.start)
    assert void_of(dcc, NORTH) == void_of(dcc, DCC) == (ENDED if over else {"ChangedSupplier": 1})
    assert void_of(dcc, IDLE) == {}
    assert cs06(dcc, OWN_NORTH) == ("AfterPeriod" if over else "ChangedSupplier")


def revises(dcc: Steering, *, excluded: tuple[int, ...] = (), end: datetime = PILOT.end) -> None:
    pilot = PilotTerms(Period(PILOT.start, end), limit=10)
    assert dcc.announces(revision=2, pilot=pilot, excluded=excluded).status == "Accepted"


@pytest.mark.parametrize("how", ["outside", "excluded"])
def test_a_revision_leaves_what_was_over_as_it_was_told(dcc: Steering, how: str) -> None:
    """Before, status, `why` and CS06 said `OutsidePilot` or `Excluded` of it, which nobody was told."""
    instructs(dcc, OURS, "W1", FIRST, OWN_NORTH, SPLIT)
    dcc.passes(BETWEEN)
    before = dcc.last_row()
    if how == "excluded":
        revises(dcc, excluded=(OWN_NORTH, SPLIT))
    else:
        revises(dcc, end=FIRST.start)
    assert told(dcc, before, "Void") == {}
    assert void_of(dcc, OURS) == void_of(dcc, NORTH) == void_of(dcc, DCC) == {"PeriodEnded": 2}
    assert cs06(dcc, OWN_NORTH) == "AfterPeriod"
    assert "the instructed period has ended" in why(dcc, OURS, OWN_NORTH)


@pytest.mark.requirement("BR-4.2")
def test_a_joint_plan_goes_on_where_the_half_that_is_over_could_not_be_in_the_pilot_now(dcc: Steering) -> None:
    """The brother: it was void as `Excluded`, although the other supplier's half is of safe launch."""
    instructs(dcc, OURS, "OWN", FIRST, SPLIT)
    launch = DeploymentGroup("L", Stage.SAFE_LAUNCH, (SPLIT,), Period(PILOT.end + DAY, PILOT.end + 6 * DAY))
    assert not dcc.asks(THEIRS, "11.6", PreferredPilotSchedule("R1", NEW, (launch,))).startswith("E")
    dcc.passes(BETWEEN)
    before = dcc.last_row()
    revises(dcc, excluded=(SPLIT,))
    assert told(dcc, before, "Void") == {}
    assert void_of(dcc, OURS) == void_of(dcc, NORTH) == {}
    assert cs06(dcc, SPLIT) == "BeforePeriod"


@pytest.mark.requirement("BR-3.3")
def test_what_a_former_supplier_takes_back_changes_nothing_of_the_hub_that_it_has_lost(dcc: Steering) -> None:
    """Before, CSPs and DCC were shown `NotInstructed` from then on, without a word."""
    instructs(dcc, OURS, "W1", LATER, OWN_NORTH)
    dcc.passes(FIRST.start)
    moved = replace(HUBS[OWN_NORTH - 1], import_supplier=IDLE, gas_supplier=IDLE)
    assert dcc.says(esi.InventoryUpdate((moved,))).status == "Accepted"
    dcc.passes(BETWEEN)
    before = dcc.last_row()
    takes_back(dcc, OURS, "W1")
    assert told(dcc, before, "Void") == {}
    assert void_of(dcc, NORTH) == void_of(dcc, DCC) == {"ChangedSupplier": 1}
    assert cs06(dcc, OWN_NORTH) == "ChangedSupplier"
