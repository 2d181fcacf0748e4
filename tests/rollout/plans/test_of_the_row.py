"""What the inventory makes void, or no longer, is told as it is shown then, also where no plan was told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.flow.incoming import Door
from duis_gateway.rollout.activations.records import HubOutcome, OutcomeStage
from duis_gateway.rollout.rollout_decisions.records import GroupDecision, RolloutAction
from duis_gateway.rollout.rollout_decisions.records import Standing as DecisionStanding
from tests.rollout.plans.test_off_the_plan import told
from tests.rollout.plans.test_void_under_another import (
    LAUNCH,
    OF_ONE,
    OF_SPLIT,
    UNFIT,
    batch,
    changes,
    instructs,
)
from tests.support.rules import NEW, OLD, OURS, THEIRS
from tests.support.status_of import void_of
from tests.support.steering import DCC, NORTH, OWN_NORTH, OWN_SOUTH, SOUTH, SPLIT, THEIR_HUB, Steering
from tests.support.told_and_shown import words_since

DAY = timedelta(days=1)
ENDED = "PeriodEnded"

pytestmark = pytest.mark.requirement("X09", "BR-5.3", "BR-6.5")


def rolls(dcc: Steering, action: RolloutAction) -> None:
    dcc.says(esi.RolloutDecision("R1", action, "why", DecisionStanding.CONFIRMED, "DCC"))


@pytest.mark.parametrize("by", ["batch", "suppliers"])
@pytest.mark.parametrize(
    ("how", "word"), [*UNFIT, ({"model": "OTHER"}, "OtherModel"), ({"firmware_version": NEW}, None)]
)
def test_that_a_period_has_ended_is_told_once_a_hub_is_back(
    dcc: Steering, how: Mapping[str, str], word: str | None, by: str
) -> None:
    """Before, nobody was told, and from then on all were shown that its period has ended."""
    dcc.announces(revision=2, permitted_predecessors=(OLD,))
    dcc.passes(LAUNCH.start - DAY)
    if by == "batch":
        batch(dcc, OWN_NORTH, SPLIT)
    else:
        instructs(dcc, OURS, OWN_NORTH, SPLIT)
        instructs(dcc, THEIRS, SPLIT)
    changes(dcc, OWN_NORTH, **how)
    changes(dcc, SPLIT, **how)
    before = dcc.last_row()
    dcc.passes(LAUNCH.end)
    assert words_since(dcc, before) == {}, "it is void for another reason"
    assert word is None or void_of(dcc, DCC) == {word: 2}
    changes(dcc, OWN_NORTH)
    changes(dcc, SPLIT)
    expected = {(party, OWN_NORTH): ENDED for party in OF_ONE} | {(party, SPLIT): ENDED for party in OF_SPLIT}
    groups = told(dcc, before, "Void")
    assert words_since(dcc, before) == expected
    assert {one[1:-1] for one in groups[OURS]} == {("L1", "SafeLaunch") if by == "suppliers" else ()}
    assert void_of(dcc, DCC) == void_of(dcc, OURS) == {ENDED: 2}
    assert void_of(dcc, THEIRS) == {ENDED: 1}


def test_the_end_of_a_half_and_of_a_held_period_is_told_once_a_hub_is_back(dcc: Steering) -> None:
    dcc.passes(LAUNCH.start - DAY)
    instructs(dcc, OURS, SPLIT)
    rolls(dcc, RolloutAction.PAUSE)
    instructs(dcc, OURS, OWN_NORTH, SPLIT)
    changes(dcc, OWN_NORTH, status="Suspended")
    changes(dcc, SPLIT, status="Suspended")
    dcc.passes(LAUNCH.end)
    before = dcc.last_row()
    changes(dcc, OWN_NORTH, status="Commissioned")
    changes(dcc, SPLIT, status="Commissioned")
    found = words_since(dcc, before)
    assert found[OURS, OWN_NORTH] == found[OURS, SPLIT] == found[NORTH, OWN_NORTH] == found[DCC, OWN_NORTH] == ENDED
    assert (THEIRS, SPLIT) not in found, "it had instructed nothing"


@pytest.mark.requirement("BR-3.3")
@pytest.mark.parametrize(("how", "word"), UNFIT)
def test_a_half_that_waits_is_told_as_void_and_then_as_waiting_again(
    dcc: Steering, how: Mapping[str, str], word: str
) -> None:
    """Before, its supplier was shown `NotCommissioned`, and not told that its instruction could not be carried out."""
    dcc.announces(revision=2, permitted_predecessors=(OLD,))
    instructs(dcc, OURS, SPLIT)
    before = dcc.last_row()
    changes(dcc, SPLIT, **how)
    assert told(dcc, before, "Void")[OURS] == [(word, "L1", "SafeLaunch", format_eui(SPLIT))]
    heard = (OURS, NORTH, DCC)
    assert words_since(dcc, before) == {(party, SPLIT): word for party in heard}, "the other has instructed nothing"
    assert {party: void_of(dcc, party) for party in OF_SPLIT} == {
        party: {} if party == THEIRS else {word: 1} for party in OF_SPLIT
    }
    changes(dcc, SPLIT)
    assert words_since(dcc, before) == {(party, SPLIT): "AwaitsSecondSupplier" for party in heard}
    before = dcc.last_row()
    changes(dcc, SPLIT, csp_region="South", **how)
    assert words_since(dcc, before) == {(party, SPLIT): word for party in (OURS, DCC)}
    before = dcc.last_row()
    instructs(dcc, THEIRS, THEIR_HUB)
    changes(dcc, SPLIT, status="Pending", **{key: how[key] for key in how if key != "status"})
    now = "NotCommissioned"
    assert words_since(dcc, before).get((OURS, SPLIT)) == (None if word == now else now)


def test_what_a_pause_holds_is_told_as_void_and_then_as_paused_again(dcc: Steering) -> None:
    """The brother: who had instructed it in the pause, or before, was told nothing of it until the release proceeds."""
    instructs(dcc, OURS, OWN_NORTH)
    rolls(dcc, RolloutAction.PAUSE)
    instructs(dcc, OURS, OWN_NORTH, OWN_SOUTH)
    for how, word in (({"status": "Suspended"}, "NotCommissioned"), ({}, "Paused")):
        before = dcc.last_row()
        for device_id in (OWN_NORTH, OWN_SOUTH):
            changes(dcc, device_id, **how)
        expected = {(party, OWN_NORTH): word for party in OF_ONE}
        assert words_since(dcc, before) == expected | {(party, OWN_SOUTH): word for party in (OURS, SOUTH, DCC)}
        assert void_of(dcc, OURS) == {word: 2}
    before = dcc.last_row()
    rolls(dcc, RolloutAction.PROCEED)
    assert set(words_since(dcc, before).values()) == {"planned"}


@pytest.mark.parametrize("by", ["time", "refusal"])
def test_what_was_void_before_is_told_with_the_newest_reason(dcc: Steering, by: str) -> None:
    """The brother: all were shown `NotCommissioned` of it, and told nothing. What was told last is what is shown."""
    dcc.passes(LAUNCH.start - DAY)
    instructs(dcc, OURS, OWN_NORTH, SPLIT)
    if by == "time":
        dcc.passes(LAUNCH.end)
    else:
        said = csp.ScheduleDecision("R1", OURS, "L1", GroupDecision.REFUSED)
        assert dcc.says(said, by=NORTH, door=Door.CSP).status == "Accepted"
    own = {(OURS, OWN_NORTH), (OURS, SPLIT), (NORTH, OWN_NORTH), (DCC, OWN_NORTH)}
    for how, word in (
        ({"status": "Suspended"}, "NotCommissioned"),
        ({}, ENDED if by == "time" else "RefusedByCSP"),
    ):
        before = dcc.last_row()
        for device_id in (OWN_NORTH, SPLIT):
            changes(dcc, device_id, **how)
        found = words_since(dcc, before)
        assert set(found.values()) == {word}
        assert own <= found.keys()
        assert (THEIRS, SPLIT) not in found
        assert void_of(dcc, OURS) == {word: 2}


def test_a_hub_that_goes_back_to_its_old_version_after_its_period_is_told_as_void(dcc: Steering) -> None:
    """It is over by then, and it had been updated; before, all were shown so, and nobody was told."""
    dcc.passes(LAUNCH.start - DAY)
    instructs(dcc, OURS, OWN_NORTH)
    dcc.passes(LAUNCH.start + DAY)
    for version in (NEW, OLD):
        outcome = HubOutcome(OWN_NORTH, OutcomeStage.ACTIVATION, True, version, dcc.clock.now())
        before = dcc.last_row()
        assert dcc.says(csp.ActivateFirmwareResponses((outcome,)), by=NORTH, door=Door.CSP).status == "Accepted"
        dcc.passes(LAUNCH.end + DAY)
    assert words_since(dcc, before) == {(party, OWN_NORTH): ENDED for party in OF_ONE}
