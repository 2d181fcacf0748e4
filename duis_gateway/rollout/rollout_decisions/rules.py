"""Roll-out decisions: proceed, pause, delay, stop, revoke, withdraw (X03; BR-1.5, BR-6.3 to BR-6.5).

A decision may be provisional, pending the Panel (BR-6.4). What DCC may do at once is to suspend: so a provisional
pause, stop, withdrawal or revocation suspends the release and no more, and a provisional proceeding or delay
changes nothing; each is told as what it is, and takes its full effect when it is confirmed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from duis_gateway.rollout.releases.lifecycle import TABLE, Advance, Effect, Event, advance
from duis_gateway.rollout.releases.records import Release, ReleaseState, Stage
from duis_gateway.rollout.rollout_decisions.records import RolloutAction, StageReport, Standing
from duis_gateway.text.counts import counted

EVENTS = {
    RolloutAction.PROCEED: Event.PROCEEDED,
    RolloutAction.PAUSE: Event.PAUSED,
    RolloutAction.DELAY: Event.DELAYED,
    RolloutAction.STOP: Event.STOPPED,
    RolloutAction.REVOKE: Event.REVOKED,
    RolloutAction.WITHDRAW: Event.WITHDRAWN,
}

_SUSPENDED_MEANWHILE = frozenset({RolloutAction.STOP, RolloutAction.REVOKE, RolloutAction.WITHDRAW})

_MEANING = {
    RolloutAction.PROCEED: "Pending requests are carried out in their planned periods.",
    RolloutAction.PAUSE: "Pending requests are held: no hub that is not yet active is updated until DCC proceeds.",
    RolloutAction.DELAY: "Pending requests stand with their periods; hubs without one are updated at the new date.",
    RolloutAction.STOP: "Pending requests are cancelled: no further hub is updated.",
    RolloutAction.REVOKE: "Pending requests are cancelled: the notice of the release is revoked.",
    RolloutAction.WITHDRAW: "Pending requests are cancelled: the firmware is withdrawn.",
}

_NOTHING_PENDING = "There are no pending requests: all were void once the pilot was invalidated."

_WITH_NOTHING_PENDING = {
    RolloutAction.PROCEED: (
        "Safe launch begins. Pending requests that were void stay void: hubs have to be instructed again; those that "
        "nobody instructs are updated at the automatic date."
    ),
}


def event_of(action: RolloutAction, standing: Standing) -> str:
    """Return what the release's history calls a decision."""
    event = EVENTS[action].value
    return event if standing is Standing.CONFIRMED else f"{event} provisionally"


@dataclass(frozen=True, slots=True)
class RolloutJudgement:
    """The release after a decision with what follows, or why the decision is refused.

    `meaning` says what it means for pending requests (BR-6.5), in words for N72 and emails.
    """

    release: Release
    effects: tuple[Effect, ...] = ()
    meaning: str = ""
    refusal: str | None = None


def judge_decision(
    release: Release, action: RolloutAction, standing: Standing, new_date: datetime | None = None
) -> RolloutJudgement:
    """Judge a roll-out decision. A delay moves the end of the roll-out, the automatic date, to `new_date`."""
    event = EVENTS[action]
    refusal = advance(release, event).refusal or _refusal_of_date(release, action, new_date)
    if refusal is not None:
        return RolloutJudgement(release, refusal=refusal)
    if standing is Standing.PROVISIONAL:
        after = _provisionally(release, action)
        return RolloutJudgement(after.release, after.effects, _provisional_meaning(release, action))
    after = advance(release, event)
    moved = after.release
    if action is RolloutAction.DELAY and new_date is not None:
        moved = replace(moved, automatic_date=new_date)
    return RolloutJudgement(moved, after.effects, _meaning(release, moved, action))


def _refusal_of_date(release: Release, action: RolloutAction, new_date: datetime | None) -> str | None:
    if action is not RolloutAction.DELAY:
        return None
    if new_date is None:
        return "a delay must name its new date"
    return None if new_date > release.automatic_date else "a delay must move the automatic date to a later one"


def _provisionally(release: Release, action: RolloutAction) -> Advance:
    suspends = action in _SUSPENDED_MEANWHILE or action is RolloutAction.PAUSE
    if suspends and release.state.is_live:
        return advance(release, Event.PAUSED)
    return Advance(release, (Effect.TELL_DECISION,))


def _meaning(before: Release, after: Release, action: RolloutAction) -> str:
    if before.state is ReleaseState.INVALIDATED:
        return _WITH_NOTHING_PENDING.get(action, _NOTHING_PENDING)
    held = action is RolloutAction.DELAY and after.paused
    return _MEANING[action] + (" The release is still paused." if held else "")


def _provisional_meaning(before: Release, action: RolloutAction) -> str:
    if before.state is ReleaseState.INVALIDATED:
        once = _WITH_NOTHING_PENDING.get(action, _NOTHING_PENDING)
        return f"Until it is confirmed: the release waits for DCC's decision. Once confirmed: {once}"
    if action is RolloutAction.PAUSE:
        return _MEANING[action]
    if action in _SUSPENDED_MEANWHILE:
        return f"Until it is confirmed: {_MEANING[RolloutAction.PAUSE]} Once confirmed: {_MEANING[action]}"
    now = "Pending requests stay held." if before.paused else "Nothing changes for pending requests."
    return f"Until it is confirmed: {now} Once confirmed: {_MEANING[action]}"


def contradiction(
    release: Release, new: StageReport, earlier: StageReport | None, *, without_pilot: bool = False
) -> str | None:
    """Return what in a report of how a stage went cannot be, None if nothing contradicts it.

    The same outcome may be reported again with other counts; another one only once DCC has decided on the release
    since, as everybody was told of the first.

    Args:
        release: the release as it stands.
        new: the report.
        earlier: what was reported of the stage before, if anything was.
        without_pilot: safe launch began and the pilot never had.
    """
    counts, stage = new.counts, _STAGES[new.stage]
    if new.stage is Stage.PILOT and release.pilot is None:
        return "the release has no pilot"
    if new.stage is Stage.PILOT and without_pilot:
        return "the release had no pilot: safe launch began without it"
    if counts.activated + counts.failed > counts.targeted:
        done = f"{counted(counts.activated, 'hub')} activated and {counts.failed:,} failed"
        return f"{done}: more than the {counts.targeted:,} targeted"
    if new.success and counts.targeted and counts.failed == counts.targeted:
        return f"{stage} cannot be a success if every hub targeted has failed"
    if earlier is not None and earlier.success is not new.success and not earlier.decided:
        was = "a success" if earlier.success else "a failure"
        return (
            f"{stage} was reported as {was} before: decide on the release first, or report the same with other counts"
        )
    return None


_STAGES = {Stage.PILOT: "the pilot", Stage.SAFE_LAUNCH: "safe launch"}


def possible_actions(release: Release) -> tuple[RolloutAction, ...]:
    """Return what DCC can decide on the release as it stands (for the operator's and DCC's views)."""
    return tuple(action for action, event in EVENTS.items() if (release.state, event) in TABLE)
