"""Outcomes counted as they come in, and a pause proposed to DCC once too many hubs fail (X11).

Whoever calls it has the locks of the releases, so that of two messages the second sees what the first has counted and
proposed. What was proposed is stored with what is told of it: it is told once, whatever happens in between.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import esi.messages as esi
from duis_gateway.flow.reply import PartnerSend
from duis_gateway.flow.tx import Moment
from duis_gateway.operations import flags
from duis_gateway.parties.records import PartyKind
from duis_gateway.rollout.activations.records import HubOutcome
from duis_gateway.rollout.failure_thresholds import store as thresholds
from duis_gateway.rollout.failure_thresholds.records import Failures, ProposedPause
from duis_gateway.rollout.failure_thresholds.rules import (
    failures_of,
    reached,
    reason_in_words,
    recounted,
    window_begins,
)
from duis_gateway.rollout.releases import history
from duis_gateway.rollout.releases.effects import Happening, carry_out, current
from duis_gateway.rollout.releases.records import FailureThreshold, Release
from duis_gateway.rollout.releases.telling import DecisionWord
from duis_gateway.rollout.rollout_decisions.records import ReleaseEvent, RolloutAction, Standing
from duis_gateway.rollout.rollout_decisions.rules import event_of, judge_decision

BY_THRESHOLD = "failure threshold"
"""By whom a pause is proposed, and the plan held until DCC decides."""

PROPOSED = "pause proposed"


def count_outcomes(moment: Moment, release: Release, outcomes: Sequence[HubOutcome]) -> Failures | None:
    """Count outcomes under a release that are about to be recorded; return the failures if they reach its threshold.

    Of several outcomes of one hub the last counts.
    """
    threshold = release.failure_threshold
    if threshold is None or not release.state.is_live:
        return None
    newest = {outcome.device_id: outcome for outcome in outcomes}
    hours = recounted(
        thresholds.hours_since(moment.conn, release.release_id, window_begins(threshold, moment.now)),
        thresholds.earlier_outcomes(moment.conn, release.release_id, newest),
        newest.values(),
        moment.now,
        thresholds.last_outcome(moment.conn),
    )
    thresholds.put_hours(moment.conn, release.release_id, hours)
    failures = failures_of(hours)
    return failures if reached(threshold, failures) else None


def propose_pauses(moment: Moment, found: Mapping[str, Failures]) -> None:
    """Propose a pause to DCC where it is not decided on one yet, and hold the plan where the release says so."""
    for release_id, failures in sorted(found.items()):
        release = current(moment, release_id)
        if release is None or release.paused or release.failure_threshold is None:
            continue
        if thresholds.find_proposal(moment.conn, release_id) is None:
            _propose(moment, release, failures, release.failure_threshold)


def _propose(moment: Moment, release: Release, failures: Failures, threshold: FailureThreshold) -> None:
    release_id, why = release.release_id, reason_in_words(failures, threshold)
    thresholds.put_proposal(moment.conn, ProposedPause(release_id, moment.now, failures, threshold))
    body = esi.PauseProposal(release_id, moment.now, failures.hubs, failures.failed, threshold)
    moment.send(PartnerSend(party, body, release_id) for party in moment.registered(PartyKind.DCC))
    flags.raise_flags(moment.conn, [(PROPOSED, release_id)], at=moment.now, text=why)
    if threshold.hold:
        _hold(moment, release, why)
    else:
        line = ReleaseEvent(release_id, moment.now, PROPOSED, release.state, release.paused, BY_THRESHOLD, why)
        history.record(moment.conn, line)


def _hold(moment: Moment, release: Release, why: str) -> None:
    """Pause the release as DCC's provisional pause would; DCC's next decision lifts it, or makes it DCC's own."""
    action, standing = RolloutAction.PAUSE, Standing.PROVISIONAL
    judgement = judge_decision(release, action, standing)
    word = DecisionWord(action, standing, BY_THRESHOLD, why, judgement.meaning)
    happening = Happening(
        event_of(action, standing),
        release,
        judgement.release,
        judgement.effects,
        moment.now,
        BY_THRESHOLD,
        why,
        word,
    )
    carry_out(happening, moment)
