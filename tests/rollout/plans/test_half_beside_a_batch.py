"""A half of a split hub that waits while DCC's batch moves the hub: what ends both is told once, and right (N77)."""

from __future__ import annotations

import pytest

import esi.messages as esi
from duis_gateway.rollout.releases.records import Period, PilotTerms
from duis_gateway.rollout.rollout_decisions.records import RolloutAction, Standing
from tests.rollout.plans.test_off_the_plan import told
from tests.rollout.plans.test_told_is_shown import BETWEEN, DAY, FIRST, LATER, OF_SPLIT, batch, chooses, instructs
from tests.support.rules import OURS, PILOT, THEIRS
from tests.support.status_of import void_of
from tests.support.steering import DCC, NORTH, SPLIT, Steering

pytestmark = pytest.mark.requirement("X09", "X08", "BR-3.3", "BR-6.5")


def ends(dcc: Steering, how: str) -> str:
    """End what was instructed under the release; return the word for it."""
    if how == "revised":
        shorter = PilotTerms(Period(PILOT.start, LATER.start), limit=10)
        dcc.announces(revision=2, pilot=shorter, automatic_date=LATER.end - DAY)
        return "TooLate"
    pilot = PilotTerms(Period(dcc.clock.now() + DAY, PILOT.end), limit=10)
    dcc.announces("R2", firmware_version="00000003", pilot=pilot)
    if how == "approved":
        dcc.approves("R2")
        return "PilotInvalidated"
    if how == "superseded":
        assert dcc.says(esi.Supersession("R1", "R2", dcc.clock.now())).status == "Accepted"
    else:
        decides(dcc, RolloutAction.STOP)
    return "ReleaseOver"


def decides(dcc: Steering, action: RolloutAction) -> None:
    assert dcc.says(esi.RolloutDecision("R1", action, "why", Standing.CONFIRMED, "DCC")).status == "Accepted"


@pytest.mark.parametrize("paused", [False, True])
@pytest.mark.parametrize("how", ["revised", "approved", "superseded", "stopped"])
def test_what_ends_a_half_and_the_batch_beside_it_names_the_group_once(dcc: Steering, how: str, paused: bool) -> None:
    """Before, no message named the group that had just ended, unless the release was paused and over."""
    instructs(dcc, OURS, LATER, SPLIT)
    batch(dcc, LATER, SPLIT)
    dcc.passes(FIRST.start)
    if paused:
        decides(dcc, RolloutAction.PAUSE)
    before = dcc.last_row()
    word = ends(dcc, how)
    void = told(dcc, before, "Void")
    assert {party: [one[:-1] for one in found] for party, found in void.items()} == {
        NORTH: [(word,)],
        DCC: [(word,)],
        OURS: [(word, "W1", "Pilot")],
        THEIRS: [(word,)],
    }
    if how != "stopped":
        assert all(void_of(dcc, party) == {word: 1} for party in OF_SPLIT)


@pytest.mark.parametrize("how", ["revised", "approved", "superseded", "stopped"])
def test_of_dcc_s_choice_that_waits_no_group_is_named_that_was_over(dcc: Steering, how: str) -> None:
    """The brother: with its release it named the group that had ended long before."""
    instructs(dcc, OURS, FIRST, SPLIT)
    dcc.passes(BETWEEN)
    chooses(dcc, OURS, LATER, SPLIT)
    before = dcc.last_row()
    word = ends(dcc, how)
    assert [one[:-1] for one in told(dcc, before, "Void")[OURS]] == [(word,)]
