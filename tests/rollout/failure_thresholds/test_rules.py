"""What counts against a release's failure threshold, when it is reached, and which decisions answer the proposal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duis_gateway.rollout.activations.records import HubOutcome, OutcomeStage
from duis_gateway.rollout.failure_thresholds.records import EarlierOutcome, Failures, HourCount, ProposedPause
from duis_gateway.rollout.failure_thresholds.rules import (
    answers_proposal,
    failures_of,
    proposal_in_words,
    reached,
    recounted,
    threshold_in_words,
    window_begins,
)
from duis_gateway.rollout.releases.records import FailureThreshold
from duis_gateway.rollout.rollout_decisions.records import RolloutAction, Standing
from tests.support.rules import NEW, NOW

pytestmark = pytest.mark.requirement("X11")

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Recorded:
    """An outcome as the history has it; its place in the history is its number."""

    device_id: int
    at: datetime
    stage: OutcomeStage
    success: bool


MESSAGES = st.lists(
    st.tuples(
        st.integers(0, 130),  # minutes since the message before
        st.lists(st.tuples(st.integers(1, 6), st.sampled_from(OutcomeStage), st.booleans()), min_size=1, max_size=4),
        st.integers(0, 9).map(lambda drawn: drawn == 0),  # DCC decides after it
    ),
    max_size=25,
)


def by_brute_force(history: Sequence[Recorded], begins: datetime) -> Failures:
    """Every hub's newest outcome of a history, as far as it lies in the window."""
    newest = {one.device_id: one for one in history}.values()
    counting = [one for one in newest if one.at >= begins and (one.stage is OutcomeStage.ACTIVATION or not one.success)]
    return Failures(len(counting), sum(not one.success for one in counting))


@given(MESSAGES, st.integers(1, 5))
def test_counted_by_the_hour_it_is_what_a_look_at_every_outcome_finds(
    messages: list[tuple[int, list[tuple[int, OutcomeStage, bool]], bool]], window: int
) -> None:
    threshold = FailureThreshold(10, window, 1, hold=False)
    history: list[Recorded] = []
    hours: dict[datetime, HourCount] = {}
    since, now = 0, NOW
    for minutes, outcomes, decided in messages:
        now += timedelta(minutes=minutes)
        begins = window_begins(threshold, now)
        newest = {d: HubOutcome(d, stage, success, NEW, now) for d, stage, success in outcomes}
        earlier = [
            EarlierOutcome(number, one.at, one.stage, one.success)
            for number, one in {one.device_id: (n, one) for n, one in enumerate(history, 1)}.values()
            if one.device_id in newest
        ]
        counted = recounted(
            [one for one in hours.values() if one.hour >= begins], earlier, newest.values(), now, len(history)
        )
        hours |= {one.hour: one for one in counted}
        history += [Recorded(d, now, stage, success) for d, stage, success in outcomes]
        assert failures_of(counted) == by_brute_force(history[since:], begins)
        if decided:
            hours, since = {}, len(history)


@given(st.integers(1, 100), st.integers(1, 60), st.integers(0, 60), st.integers(0, 60))
def test_it_is_reached_once_enough_hubs_are_known_and_the_share_of_them_has_failed(
    share: int, least: int, hubs: int, failed: int
) -> None:
    failed = min(failed, hubs)
    threshold = FailureThreshold(share, 24, least, hold=False)
    expected = hubs >= least and failed / hubs >= share / 100 - 1e-12
    assert reached(threshold, Failures(hubs, failed)) is expected
    if not failed:
        assert not expected, "without a failure nothing is proposed"


@pytest.mark.parametrize("standing", Standing)
@pytest.mark.parametrize("action", RolloutAction)
def test_a_decision_answers_it_unless_it_leaves_things_as_they_are(action: RolloutAction, standing: Standing) -> None:
    leaves = action is RolloutAction.DELAY or (action is RolloutAction.PROCEED and standing is Standing.PROVISIONAL)
    assert answers_proposal(action, standing) is not leaves


def test_in_words() -> None:
    holds, proposes = FailureThreshold(5, 24, 1_000, hold=True), FailureThreshold(5, 1, 1, hold=False)
    assert threshold_in_words(holds) == "5 % of at least 1,000 hubs within 24 hours: the plan is held until DCC decides"
    assert threshold_in_words(proposes) == "5 % of at least 1 hub within 1 hour: a pause is proposed to DCC"
    assert proposal_in_words(ProposedPause("R1", NOW, Failures(2_400, 130), holds)) == (
        "held: 130 of 2,400 hubs failed within 24 hours, awaiting DCC"
    )
    assert proposal_in_words(ProposedPause("R1", NOW, Failures(1, 1), proposes)) == (
        "1 of 1 hub failed within 1 hour, awaiting DCC"
    )
