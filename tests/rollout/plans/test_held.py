"""A pause holds plans: whose period ends meanwhile is told so, and what is planned again is in the history (BR-6.5)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

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
from duis_gateway.parties.records import Party, PartyKind
from duis_gateway.rollout.estate.history import history_rows
from duis_gateway.rollout.moments import Moments
from duis_gateway.rollout.protection.handle import ProtectionLists
from duis_gateway.rollout.releases.records import Period, PilotTerms, Stage
from duis_gateway.rollout.rollout_decisions.records import GroupDecision, RolloutAction, Standing
from tests.rollout.plans.test_off_the_plan import hubs, told
from tests.support.rules import NEW, OURS, PILOT, THEIRS
from tests.support.status_of import void_of
from tests.support.steering import DCC, NORTH, OWN_NORTH, OWN_SOUTH, SOUTH, SPLIT, THEIR_HUB, Steering
from tests.support.told_and_shown import PLANNED, words_since

DAY = timedelta(days=1)
FIRST = Period(PILOT.start + 7 * DAY, PILOT.start + 14 * DAY)
SECOND = Period(PILOT.start + 20 * DAY, PILOT.start + 27 * DAY)
LAST = Period(PILOT.end - 6 * DAY, PILOT.end - DAY)

pytestmark = pytest.mark.requirement("X09", "BR-6.5", "BR-3.6")


def decides(dcc: Steering, action: RolloutAction) -> None:
    assert dcc.says(esi.RolloutDecision("R1", action, "why", Standing.CONFIRMED, "DCC")).status == "Accepted"


def instructs(dcc: Steering, supplier: int, period: Period, *ids: int, name: str = "W1") -> None:
    assert dcc.asks(supplier, "11.5", PreferredPilotList("R1", NEW, ids)) == "I99"
    group = DeploymentGroup(name, Stage.PILOT, ids, period)
    assert dcc.asks(supplier, "11.6", PreferredPilotSchedule("R1", NEW, (group,))) == "I99"


def history(dcc: Steering, party: int, hub: int) -> list[str]:
    with dcc.store.read() as conn:
        return [str(row["what"]) for row in history_rows(conn, Party(party, PartyKind.SUPPLIER, ""), hub)]


@pytest.mark.requirement("X08", "X10")
@pytest.mark.parametrize("given", ["before", "within"])
@pytest.mark.parametrize("instead", ["other hub", "automatic date"])
def test_what_dcc_takes_back_in_a_pause_is_told_as_taken_back(dcc: Steering, given: str, instead: str) -> None:
    """Before, it was told to nobody, then or when DCC proceeded, and shown as `NotInstructed` all the same."""
    if given == "within":
        decides(dcc, RolloutAction.PAUSE)
    dcc.says(esi.BatchInstruction("R1", "B1", (OWN_NORTH, SPLIT, THEIR_HUB), FIRST))
    dcc.says(esi.PilotSelection("R1", OURS, (OWN_SOUTH,), FIRST))
    if given == "before":
        decides(dcc, RolloutAction.PAUSE)
    before = dcc.last_row()
    dcc.says(esi.BatchInstruction("R1", "B1", (THEIR_HUB,), SECOND))
    assert set(words_since(dcc, before)) == {
        *((one, OWN_NORTH) for one in (OURS, NORTH, DCC)),
        *((one, SPLIT) for one in (OURS, THEIRS, NORTH, DCC)),
    }, "of what is held for another period now nothing is said before DCC proceeds"
    before = dcc.last_row()
    if instead == "other hub":
        dcc.says(esi.PilotSelection("R1", OURS, (OWN_NORTH,), SECOND))
        dcc.says(esi.BatchInstruction("R1", "B1", (SPLIT,), SECOND))
    else:
        dcc.says(esi.BatchInstruction("R1", "B1", (THEIR_HUB,), None))
    found = words_since(dcc, before)
    gone = {(one, THEIR_HUB) for one in (THEIRS, SOUTH, DCC)}
    gone |= {(one, OWN_SOUTH) for one in (OURS, SOUTH, DCC)} if instead == "other hub" else set()
    assert found.keys() == gone
    assert set(found.values()) == {"NotInstructed"}
    before = dcc.last_row()
    decides(dcc, RolloutAction.PROCEED)
    assert set(words_since(dcc, before).values()) == {PLANNED}


def cancels(dcc: Steering) -> None:
    body = PreferredPilotSchedule("R1", NEW, (), (CancelledGroup("W1", Stage.PILOT),))
    assert dcc.asks(OURS, "11.6", body).startswith("I")


def sends_again_without(dcc: Steering) -> None:
    group = DeploymentGroup("W1", Stage.PILOT, (OWN_SOUTH,), SECOND)
    assert dcc.asks(OURS, "11.6", PreferredPilotSchedule("R1", NEW, (group,))).startswith("I")


def takes_off_its_list(dcc: Steering) -> None:
    assert dcc.asks(OURS, "11.5", PreferredPilotList("R1", NEW, (OWN_SOUTH,))) == "W110501"


def is_refused(dcc: Steering) -> None:
    refused = csp.ScheduleDecision("R1", OURS, "W1", GroupDecision.REFUSED)
    assert dcc.says(refused, by=NORTH, door=Door.CSP).status == "Accepted"


def both_instruct_and_it_is_paused(dcc: Steering, given: str) -> None:
    """We instruct three hubs, and the other supplier its half of one, `before` the pause or `within` it."""
    if given == "within":
        decides(dcc, RolloutAction.PAUSE)
    instructs(dcc, OURS, FIRST, OWN_NORTH, OWN_SOUTH, SPLIT)
    instructs(dcc, THEIRS, FIRST, SPLIT)
    if given == "before":
        decides(dcc, RolloutAction.PAUSE)


WAYS = (cancels, sends_again_without, takes_off_its_list, is_refused)


@pytest.mark.requirement("A04", "A05", "X07")
@pytest.mark.parametrize("given", ["before", "within"])
@pytest.mark.parametrize("way", WAYS)
def test_what_a_supplier_or_csp_ends_in_a_pause_is_told(
    dcc: Steering, given: str, way: Callable[[Steering], None]
) -> None:
    """Before, the last word on it was `Paused`, or nothing, for ever; it was shown otherwise all the same."""
    both_instruct_and_it_is_paused(dcc, given)
    before = dcc.last_row()
    way(dcc)
    found = words_since(dcc, before)
    # The group is cancelled as a whole.
    south = {(one, OWN_SOUTH) for one in (OURS, SOUTH, DCC)} if way is cancels else set()
    assert found.keys() == south | {
        *((one, OWN_NORTH) for one in (OURS, NORTH, DCC)),
        *((one, SPLIT) for one in (OURS, THEIRS, NORTH, DCC)),
    }
    ended = "RefusedByCSP" if way is is_refused else "NotInstructed"
    assert {word for (_, hub), word in found.items() if hub != SPLIT} == {ended}
    assert {word for (party, hub), word in found.items() if hub == SPLIT and party != OURS} <= {
        ended,
        "AwaitsSecondSupplier",
    }
    assert {one[1] for one in told(dcc, before, "Void")[OURS]} == {"W1"}
    before = dcc.last_row()
    decides(dcc, RolloutAction.PROCEED)
    found = words_since(dcc, before)
    assert {hub for _, hub in found} == (set() if way is cancels else {OWN_SOUTH})
    assert set(found.values()) <= {PLANNED}


@pytest.mark.parametrize("given", ["before", "within"])
def test_what_a_supplier_protects_in_a_pause_is_told_as_taken_back(dcc: Steering, given: str) -> None:
    """The brother; nobody else learns that it is protected."""
    both_instruct_and_it_is_paused(dcc, given)
    before = dcc.last_row()
    lists = ProtectionLists(Moments(dcc.store, dcc.clock, dcc.signer, 95_000))
    lists.replace(OURS, (OWN_NORTH, SPLIT))
    awaited, gone = ("AwaitsSecondSupplier", hubs(SPLIT)), ("NotInstructed", hubs(OWN_NORTH))
    assert told(dcc, before, "Void") == {
        OURS: [("AwaitsSecondSupplier", "W1", "Pilot", hubs(SPLIT)), ("NotInstructed", "W1", "Pilot", hubs(OWN_NORTH))],
        THEIRS: [("AwaitsSecondSupplier", "W1", "Pilot", hubs(SPLIT))],
        NORTH: [awaited, gone],
        DCC: [awaited, gone],
    }
    assert void_of(dcc, OURS) == {"AwaitsSecondSupplier": 1, "NotInstructed": 1, "Paused": 1}
    assert void_of(dcc, NORTH) == {"AwaitsSecondSupplier": 1, "NotInstructed": 1}
    before = dcc.last_row()
    lists.remove(OURS, (OWN_NORTH,))
    assert told(dcc, before, "Deployment") == {}, "it is held"
    decides(dcc, RolloutAction.PROCEED)
    assert {hub for _, hub in words_since(dcc, before)} == {OWN_NORTH, OWN_SOUTH}


@pytest.mark.requirement("X04")
@pytest.mark.parametrize("given", ["before", "within"])
def test_what_a_revision_ends_in_a_pause_is_told(dcc: Steering, given: str) -> None:
    """The brother: of DCC's batches nothing was told, of the rest it was."""
    if given == "within":
        decides(dcc, RolloutAction.PAUSE)
    instructs(dcc, OURS, LAST, OWN_NORTH)
    dcc.says(esi.PilotSelection("R1", OURS, (OWN_SOUTH,), FIRST))
    dcc.says(esi.BatchInstruction("R1", "B1", (THEIR_HUB, SPLIT), LAST))
    if given == "before":
        decides(dcc, RolloutAction.PAUSE)
    before = dcc.last_row()
    dcc.announces(revision=2, automatic_date=LAST.end - DAY, pilot=PilotTerms(Period(PILOT.start, FIRST.end), limit=10))
    found = words_since(dcc, before)
    assert found == {
        **{(one, OWN_NORTH): "TooLate" for one in (OURS, NORTH, DCC)},
        **{(one, THEIR_HUB): "TooLate" for one in (THEIRS, SOUTH, DCC)},
        **{(one, SPLIT): "TooLate" for one in (OURS, THEIRS, NORTH, DCC)},
    }
    before = dcc.last_row()
    decides(dcc, RolloutAction.PROCEED)
    assert {hub for _, hub in words_since(dcc, before)} == {OWN_SOUTH}


@pytest.mark.parametrize("at_once", [True, False], ids=["looked at when it is over", "not before DCC proceeds"])
def test_a_period_that_ends_in_a_pause_is_told_as_over_and_not_as_missed(dcc: Steering, at_once: bool) -> None:
    """Before, the last word on the hubs was `Paused`, also once DCC had proceeded."""
    instructs(dcc, OURS, FIRST, OWN_NORTH, SPLIT)
    instructs(dcc, THEIRS, FIRST, SPLIT)
    dcc.says(esi.PilotSelection("R1", OURS, (OWN_SOUTH,), FIRST))
    dcc.says(esi.BatchInstruction("R1", "B1", (THEIR_HUB,), FIRST))
    dcc.passes(FIRST.start + DAY)
    decides(dcc, RolloutAction.PAUSE)
    before = dcc.last_row()
    if at_once:
        dcc.passes(FIRST.end)
    else:
        dcc.clock.instant = FIRST.end + DAY
        decides(dcc, RolloutAction.PROCEED)
        dcc.passes(FIRST.end + DAY)
    own = {OURS: [OWN_NORTH, SPLIT], NORTH: [OWN_NORTH, SPLIT], SOUTH: [OWN_SOUTH, THEIR_HUB], THEIRS: [SPLIT]}
    void = told(dcc, before, "Void")
    assert void[DCC] == [("PeriodEnded", hubs(OWN_NORTH, OWN_SOUTH, SPLIT, THEIR_HUB))]
    assert {one: void[one] for one in (NORTH, SOUTH)} == {
        one: [("PeriodEnded", hubs(*own[one]))] for one in (NORTH, SOUTH)
    }
    of_group = ("PeriodEnded", "W1", "Pilot")
    assert sorted(void[OURS]) == sorted([(*of_group, hubs(*own[OURS])), ("PeriodEnded", hubs(OWN_SOUTH))])
    assert sorted(void[THEIRS]) == sorted([(*of_group, hubs(SPLIT)), ("PeriodEnded", hubs(THEIR_HUB))])
    assert told(dcc, before, "Deviation") == {}, "nobody could have used it"
    assert history(dcc, OURS, OWN_NORTH)[0] == history(dcc, THEIRS, THEIR_HUB)[0] == "void: PeriodEnded"
    before = dcc.last_row()
    if at_once:
        decides(dcc, RolloutAction.PROCEED)
    dcc.passes(FIRST.end + 2 * DAY)
    assert told(dcc, before, "Void") == told(dcc, before, "Deployment") == {}, "it is told once"


def test_what_was_instructed_in_a_pause_and_is_over_before_its_end_is_told_as_over(dcc: Steering) -> None:
    """A batch that it kept from counting is told once the release proceeds; it is held until then."""
    decides(dcc, RolloutAction.PAUSE)
    dcc.says(esi.BatchInstruction("R1", "B1", (OWN_NORTH,), SECOND))
    instructs(dcc, OURS, FIRST, OWN_NORTH, OWN_SOUTH)
    before = dcc.last_row()
    dcc.passes(FIRST.end)
    assert told(dcc, before, "Void") == {
        one: [tuple(filter(None, ("PeriodEnded", *(("W1", "Pilot") if one == OURS else ()), hubs(OWN_SOUTH))))]
        for one in (DCC, OURS, SOUTH)
    }
    before = dcc.last_row()
    dcc.passes(SECOND.end)
    assert told(dcc, before, "Void").keys() == {DCC, OURS, NORTH}
    assert history(dcc, OURS, OWN_NORTH)[0] == "void: PeriodEnded"


@pytest.mark.requirement("X08")
@pytest.mark.parametrize("by", ["batch", "choice", "group"])
def test_what_is_instructed_in_a_pause_is_shown_as_held_and_planned_once_dcc_proceeds(dcc: Steering, by: str) -> None:
    """Nothing was planned, so that nothing is void: its supplier has asked for it, or N72 tells of it."""
    decides(dcc, RolloutAction.PAUSE)
    before = dcc.last_row()
    if by == "batch":
        dcc.says(esi.BatchInstruction("R1", "B1", (OWN_NORTH,), FIRST))
    elif by == "choice":
        dcc.says(esi.PilotSelection("R1", OURS, (OWN_NORTH,), FIRST))
    else:
        instructs(dcc, OURS, FIRST, OWN_NORTH)
    assert words_since(dcc, before) == {}
    assert (("http", "N72") in dcc.outbox(OURS, before)) is (by != "group")
    assert void_of(dcc, OURS) == void_of(dcc, NORTH) == void_of(dcc, DCC) == {"Paused": 1}
    before = dcc.last_row()
    decides(dcc, RolloutAction.PROCEED)
    assert words_since(dcc, before) == {(one, OWN_NORTH): PLANNED for one in (OURS, NORTH, DCC)}


def test_the_history_of_a_hub_that_is_planned_again_does_not_end_with_the_pause(dcc: Steering) -> None:
    instructs(dcc, OURS, SECOND, OWN_NORTH)
    decides(dcc, RolloutAction.PAUSE)
    assert history(dcc, OURS, OWN_NORTH)[0] == "void: Paused"
    dcc.clock.instant += DAY
    decides(dcc, RolloutAction.PROCEED)
    assert history(dcc, OURS, OWN_NORTH)[:2] == ["planned", "void: Paused"]


def test_a_pause_of_what_dcc_chose_names_no_group_that_is_over(dcc: Steering) -> None:
    """Before, N77 named the supplier's group of weeks ago, of which nothing was planned any more."""
    instructs(dcc, OURS, FIRST, OWN_NORTH)
    dcc.passes(FIRST.end + DAY)
    dcc.says(esi.PilotSelection("R1", OURS, (OWN_NORTH,), SECOND))
    before = dcc.last_row()
    decides(dcc, RolloutAction.PAUSE)
    assert told(dcc, before, "Void")[OURS] == [("Paused", hubs(OWN_NORTH))]
    before = dcc.last_row()
    dcc.passes(SECOND.end)
    assert told(dcc, before, "Void")[OURS] == [("PeriodEnded", hubs(OWN_NORTH))]


def test_a_half_that_dcc_chose_names_no_group_of_its_supplier_that_is_over(dcc: Steering) -> None:
    """The brother: of a split hub the plan is the suppliers', also where DCC chose for one of them."""
    instructs(dcc, OURS, FIRST, SPLIT)
    dcc.passes(FIRST.end + DAY)
    dcc.says(esi.PilotSelection("R1", OURS, (SPLIT,), SECOND))
    instructs(dcc, THEIRS, SECOND, SPLIT)
    before = dcc.last_row()
    decides(dcc, RolloutAction.PAUSE)
    void = told(dcc, before, "Void")
    assert void[OURS] == [("Paused", hubs(SPLIT))]
    assert void[THEIRS] == [("Paused", "W1", "Pilot", hubs(SPLIT))]
