"""The life of a release as one table: (state, event) -> (state, effects) (design section 7).

What the table does not hold is refused. "Paused" is a flag beside the state: while it is set no stage begins by
itself. Time is an event like any other; `due` says which of them a moment brings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from duis_gateway.rollout.periods import is_over
from duis_gateway.rollout.releases.records import LIVE_STATES, Release, ReleaseState


class Event(StrEnum):
    """What happens to a release."""

    APPROVED = "approved"  # ESI ReleaseApproval
    PILOT_BEGINS = "pilot_begins"  # by time
    SAFE_LAUNCH_BEGINS = "safe_launch_begins"  # by time: the pilot period ends (PIA-A12)
    SUCCESSOR_APPROVED = "successor_approved"  # a newer release for the model is approved (PIA-A13)
    PILOT_SUCCEEDED = "pilot_succeeded"
    PILOT_FAILED = "pilot_failed"
    SAFE_LAUNCH_SUCCEEDED = "safe_launch_succeeded"
    SAFE_LAUNCH_FAILED = "safe_launch_failed"
    CLOSED = "closed"
    SUPERSEDED = "superseded"
    REVOKED = "revoked"
    WITHDRAWN = "withdrawn"
    STOPPED = "stopped"
    PAUSED = "paused"
    PROCEEDED = "proceeded"
    DELAYED = "delayed"
    INCIDENT = "incident"  # suspends nothing by itself (BR-6.2)


class Effect(StrEnum):
    """What follows from an event beside the state; carrying it out is not the table's affair."""

    TELL_STAGE = "tell_stage"  # X05
    TELL_PILOT_OUTCOME = "tell_pilot_outcome"  # A06, A07
    TELL_SAFE_LAUNCH_OUTCOME = "tell_safe_launch_outcome"  # A09, A10
    TELL_CLOSURE = "tell_closure"  # A11
    TELL_SUPERSESSION = "tell_supersession"  # A12
    TELL_DECISION = "tell_decision"  # X03
    INVALIDATE_PILOT_OF_PREDECESSORS = "invalidate_pilot_of_predecessors"  # SUCCESSOR_APPROVED for each
    VOID_INSTRUCTIONS = "void_instructions"  # for good: they do not stand again if the release goes on
    HOLD = "hold"
    RELEASE_HOLD = "release_hold"
    MOVE_AUTOMATIC_DATE = "move_automatic_date"
    AWAIT_DECISION = "await_decision"  # an outstanding decision of DCC
    MARK_HIGH_PRIORITY = "mark_high_priority"  # X04


@dataclass(frozen=True, slots=True)
class Move:
    """Where an event leads from one state, and what follows."""

    state: ReleaseState
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True, slots=True)
class Advance:
    """A release after an event, or the reason why the event cannot happen to it (then nothing has changed)."""

    release: Release
    effects: tuple[Effect, ...] = ()
    refusal: str | None = None


BY_TIME = frozenset({Event.PILOT_BEGINS, Event.SAFE_LAUNCH_BEGINS})

_S, _E, _F = ReleaseState, Event, Effect

_WHILE_LIVE: Mapping[Event, tuple[ReleaseState | None, tuple[Effect, ...]]] = {
    # None: the state stays as it is
    Event.CLOSED: (_S.CLOSED, (_F.TELL_CLOSURE,)),
    Event.SUPERSEDED: (_S.SUPERSEDED, (_F.VOID_INSTRUCTIONS, _F.TELL_SUPERSESSION)),
    Event.WITHDRAWN: (_S.WITHDRAWN, (_F.VOID_INSTRUCTIONS, _F.TELL_DECISION)),
    Event.STOPPED: (_S.STOPPED, (_F.VOID_INSTRUCTIONS, _F.TELL_DECISION)),
    Event.PAUSED: (None, (_F.HOLD, _F.TELL_DECISION)),
    Event.PROCEEDED: (None, (_F.RELEASE_HOLD, _F.TELL_DECISION)),
    Event.DELAYED: (None, (_F.MOVE_AUTOMATIC_DATE, _F.TELL_DECISION)),
    Event.INCIDENT: (None, (_F.MARK_HIGH_PRIORITY,)),
}

_UNTIL_DECIDED: Mapping[Event, Move] = {
    Event.PROCEEDED: Move(_S.SAFE_LAUNCH, (_F.RELEASE_HOLD, _F.TELL_DECISION, _F.TELL_STAGE)),
    **{
        event: Move(_WHILE_LIVE[event][0] or _S.INVALIDATED, _WHILE_LIVE[event][1])
        for event in (_E.CLOSED, _E.SUPERSEDED, _E.WITHDRAWN, _E.STOPPED, _E.DELAYED, _E.INCIDENT)
    },
}
"""What can happen to a release whose pilot is invalidated: DCC ends it, or proceeds with its safe launch."""

_INVALIDATED = (_F.VOID_INSTRUCTIONS, _F.TELL_DECISION, _F.AWAIT_DECISION)

_OWN: Mapping[tuple[ReleaseState, Event], Move] = {
    (_S.NOTIFIED, _E.APPROVED): Move(_S.APPROVED, (_F.INVALIDATE_PILOT_OF_PREDECESSORS,)),
    (_S.NOTIFIED, _E.REVOKED): Move(_S.REVOKED, (_F.VOID_INSTRUCTIONS, _F.TELL_DECISION)),
    (_S.APPROVED, _E.REVOKED): Move(_S.REVOKED, (_F.VOID_INSTRUCTIONS, _F.TELL_DECISION)),
    (_S.APPROVED, _E.PILOT_BEGINS): Move(_S.PILOTING, (_F.TELL_STAGE,)),
    (_S.APPROVED, _E.SAFE_LAUNCH_BEGINS): Move(_S.SAFE_LAUNCH, (_F.TELL_STAGE,)),
    (_S.PILOTING, _E.SAFE_LAUNCH_BEGINS): Move(_S.SAFE_LAUNCH, (_F.TELL_STAGE,)),
    (_S.APPROVED, _E.SUCCESSOR_APPROVED): Move(_S.INVALIDATED, _INVALIDATED),
    (_S.PILOTING, _E.SUCCESSOR_APPROVED): Move(_S.INVALIDATED, (*_INVALIDATED, _F.TELL_STAGE)),
    (_S.PILOTING, _E.PILOT_SUCCEEDED): Move(_S.PILOTING, (_F.TELL_PILOT_OUTCOME,)),
    (_S.PILOTING, _E.PILOT_FAILED): Move(_S.PILOTING, (_F.TELL_PILOT_OUTCOME, _F.AWAIT_DECISION)),
    (_S.SAFE_LAUNCH, _E.PILOT_SUCCEEDED): Move(_S.SAFE_LAUNCH, (_F.TELL_PILOT_OUTCOME,)),
    (_S.SAFE_LAUNCH, _E.PILOT_FAILED): Move(_S.SAFE_LAUNCH, (_F.TELL_PILOT_OUTCOME, _F.AWAIT_DECISION)),
    (_S.SAFE_LAUNCH, _E.SAFE_LAUNCH_SUCCEEDED): Move(_S.SAFE_LAUNCH, (_F.TELL_SAFE_LAUNCH_OUTCOME,)),
    (_S.SAFE_LAUNCH, _E.SAFE_LAUNCH_FAILED): Move(_S.SAFE_LAUNCH, (_F.TELL_SAFE_LAUNCH_OUTCOME, _F.AWAIT_DECISION)),
}

TABLE: Mapping[tuple[ReleaseState, Event], Move] = {
    **{
        (state, event): Move(target or state, effects)
        for state in sorted(LIVE_STATES)
        for event, (target, effects) in _WHILE_LIVE.items()
    },
    **_OWN,
    **{(_S.INVALIDATED, event): move for event, move in _UNTIL_DECIDED.items()},
}
"""Everything that can happen to a release; a state that is over is the end of it."""


def advance(release: Release, event: Event) -> Advance:
    """Return the release after the event, with its state and its pause as the table has them.

    A delay's new date is set by `rollout.judge_decision`, which knows it.
    """
    move = TABLE.get((release.state, event))
    if move is None:
        return Advance(release, refusal=f"a release that is {_words(release.state)} cannot be {_words(event)}")
    if release.paused and event in BY_TIME:
        return Advance(release, refusal="the release is paused: no stage begins by itself")
    paused = release.paused
    if Effect.HOLD in move.effects or Effect.RELEASE_HOLD in move.effects:
        paused = Effect.HOLD in move.effects
    return Advance(replace(release, state=move.state, paused=paused and move.state.is_live), move.effects)


def _words(value: ReleaseState | Event) -> str:
    return value.value.replace("_", " ")


@dataclass(frozen=True, slots=True)
class DueEvent:
    """Something that time brings, and since when it is due."""

    event: Event
    at: datetime


def due(release: Release, now: datetime, not_before: datetime | None = None) -> DueEvent | None:
    """Return the next event that time has brought and that did not happen yet, if there is one.

    Whoever was down calls it until it returns None: pilot and safe launch then both begin, in this order. A pilot that
    was over when what kept it from beginning went away (`not_before`: an approval, the end of a pause, a revision)
    never was: safe launch begins at once.
    """
    if release.paused:
        return None
    pilot = release.pilot
    if release.state is ReleaseState.APPROVED:
        if pilot is None or (not_before is not None and is_over(pilot.period, not_before)):
            return DueEvent(Event.SAFE_LAUNCH_BEGINS, not_before or now)
        if now >= pilot.period.start:
            return DueEvent(Event.PILOT_BEGINS, pilot.period.start)
    if release.state is ReleaseState.PILOTING and (pilot is None or is_over(pilot.period, now)):
        return DueEvent(Event.SAFE_LAUNCH_BEGINS, now if pilot is None else pilot.period.end)
    return None


@dataclass(frozen=True, slots=True)
class StageChange:
    """A stage that began by itself: the release before and after it, and when it was due (X05)."""

    before: Release
    after: Release
    at: datetime


def catch_up(release: Release, now: datetime, not_before: datetime | None = None) -> tuple[StageChange, ...]:
    """Return every stage change that time has brought since the release was last looked at, in order."""
    changes: list[StageChange] = []
    while (next_event := due(release, now, not_before)) is not None:
        after = advance(release, next_event.event).release
        changes.append(StageChange(release, after, next_event.at))
        release = after
    return tuple(changes)


def next_change(release: Release, now: datetime) -> datetime | None:
    """Return when time will next change the release's stage, None where it never will as things stand."""
    if release.paused or release.pilot is None:
        return None
    if release.state is ReleaseState.APPROVED:
        return max(release.pilot.period.start, now)
    return max(release.pilot.period.end, now) if release.state is ReleaseState.PILOTING else None
