"""Roll-out decisions (X03; BR-1.5, BR-6.3 to BR-6.5)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duis_gateway.rollout.releases.lifecycle import Effect
from duis_gateway.rollout.releases.records import LIVE_STATES, Release, ReleaseState
from duis_gateway.rollout.rollout_decisions.records import RolloutAction, Standing
from duis_gateway.rollout.rollout_decisions.rules import judge_decision, possible_actions
from tests.support.rules import AUTOMATIC, release

A = RolloutAction
CONFIRMED, PROVISIONAL = Standing.CONFIRMED, Standing.PROVISIONAL
LATER = AUTOMATIC + timedelta(days=30)
PILOTING = release(state=ReleaseState.PILOTING)


def decide(
    action: RolloutAction,
    standing: Standing = CONFIRMED,
    date: datetime | None = None,
    before: Release = PILOTING,
) -> tuple[ReleaseState, bool, tuple[Effect, ...]]:
    """The state, the pause and the effects after a decision that is accepted."""
    judged = judge_decision(before, action, standing, date)
    assert judged.refusal is None
    return judged.release.state, judged.release.paused, judged.effects


def test_each_confirmed_decision_does_what_it_says() -> None:
    """BR-6.3."""
    told = Effect.TELL_DECISION
    assert decide(A.PROCEED) == (ReleaseState.PILOTING, False, (Effect.RELEASE_HOLD, told))
    assert decide(A.PAUSE) == (ReleaseState.PILOTING, True, (Effect.HOLD, told))
    assert decide(A.STOP) == (ReleaseState.STOPPED, False, (Effect.VOID_INSTRUCTIONS, told))
    assert decide(A.WITHDRAW) == (ReleaseState.WITHDRAWN, False, (Effect.VOID_INSTRUCTIONS, told))
    assert decide(A.REVOKE, before=release())[0] is ReleaseState.REVOKED


def test_a_delay_moves_the_automatic_date_and_nothing_else() -> None:
    """BR-6.3: the end-date of the roll-out."""
    judged = judge_decision(PILOTING, A.DELAY, CONFIRMED, LATER)
    assert judged.release == replace(PILOTING, automatic_date=LATER)
    assert Effect.MOVE_AUTOMATIC_DATE in judged.effects


@pytest.mark.parametrize("date", [None, AUTOMATIC, AUTOMATIC - timedelta(seconds=1)])
@pytest.mark.parametrize("standing", Standing)
def test_a_delay_to_no_later_date_is_refused(date: datetime | None, standing: Standing) -> None:
    judged = judge_decision(PILOTING, A.DELAY, standing, date)
    assert judged.refusal is not None
    assert (judged.release, judged.effects) == (PILOTING, ())


def test_dcc_may_suspend_at_once_whatever_is_to_be_confirmed() -> None:
    """BR-6.4."""
    for action in (A.PAUSE, A.STOP, A.WITHDRAW):
        assert decide(action, PROVISIONAL) == (
            ReleaseState.PILOTING,
            True,
            (Effect.HOLD, Effect.TELL_DECISION),
        )
    assert decide(A.REVOKE, PROVISIONAL, before=release())[:2] == (ReleaseState.NOTIFIED, True)


def test_to_proceed_or_to_delay_takes_a_confirmation() -> None:
    """BR-6.4: the Panel confirms; until then what was suspended stays so."""
    paused = replace(PILOTING, paused=True)
    assert decide(A.PROCEED, PROVISIONAL, before=paused) == (
        ReleaseState.PILOTING,
        True,
        (Effect.TELL_DECISION,),
    )
    assert judge_decision(PILOTING, A.DELAY, PROVISIONAL, LATER).release == PILOTING


def test_a_provisional_stop_can_be_confirmed_or_lifted() -> None:
    suspended = judge_decision(PILOTING, A.STOP, PROVISIONAL).release
    assert judge_decision(suspended, A.STOP, CONFIRMED).release.state is ReleaseState.STOPPED
    assert judge_decision(suspended, A.PROCEED, CONFIRMED).release == PILOTING


def test_a_release_that_pilots_is_withdrawn_and_no_longer_revoked() -> None:
    """Design section 7: revoked (before the pilot)."""
    judged = judge_decision(PILOTING, A.REVOKE, CONFIRMED)
    assert judged.refusal == "a release that is piloting cannot be revoked"


@pytest.mark.requirement("BR-6.5", "X03")
@pytest.mark.parametrize("action", RolloutAction)
@pytest.mark.parametrize("standing", Standing)
def test_every_decision_says_what_it_means_for_pending_requests(action: RolloutAction, standing: Standing) -> None:
    """BR-6.5."""
    judged = judge_decision(release(), action, standing, LATER)
    assert "ending requests" in judged.meaning
    assert ("Until it is confirmed" in judged.meaning) == (standing is PROVISIONAL and action is not A.PAUSE)


def test_a_delay_of_a_paused_release_says_that_it_is_still_paused() -> None:
    paused = replace(PILOTING, paused=True)
    assert "still paused" in judge_decision(paused, A.DELAY, CONFIRMED, LATER).meaning
    assert "stay held" in judge_decision(paused, A.DELAY, PROVISIONAL, LATER).meaning


@pytest.mark.parametrize("state", sorted(ReleaseState))
def test_what_can_be_decided_is_what_is_accepted(state: ReleaseState) -> None:
    standing = release(state=state)
    accepted = {a for a in RolloutAction if judge_decision(standing, a, CONFIRMED, LATER).refusal is None}
    assert set(possible_actions(standing)) == accepted
    assert bool(accepted) is not state.is_over


@given(st.sampled_from(sorted(LIVE_STATES)), st.booleans(), st.sampled_from(RolloutAction))
def test_a_provisional_decision_never_ends_a_release_and_never_lifts_a_pause(
    state: ReleaseState, paused: bool, action: RolloutAction
) -> None:
    before = release(state=state, paused=paused)
    judged = judge_decision(before, action, PROVISIONAL, LATER)
    assert judged.release.state is state
    assert judged.release.paused >= paused
    assert judged.release.automatic_date == before.automatic_date
