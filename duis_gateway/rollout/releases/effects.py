"""What follows when something happens to a release: each effect of `lifecycle`, carried out in one place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from duis_gateway.flow.tx import Moment
from duis_gateway.operations import flags
from duis_gateway.rollout.direct_instructions import store as direct
from duis_gateway.rollout.failure_thresholds import store as thresholds
from duis_gateway.rollout.hub_events.records import Ending
from duis_gateway.rollout.hubs import freshness
from duis_gateway.rollout.plans.ended_periods import end_periods
from duis_gateway.rollout.plans.half_instructed import lost_with_the_release, void_before
from duis_gateway.rollout.plans.records import Lost, VoidReason
from duis_gateway.rollout.plans.remaining import follow_the_date
from duis_gateway.rollout.plans.replan import replan, replan_all
from duis_gateway.rollout.releases import history, telling
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.last_word import PILOT_INVALIDATED_MEANS
from duis_gateway.rollout.releases.lifecycle import Effect, Event, advance, catch_up
from duis_gateway.rollout.releases.records import Release, ReleaseState, Stage
from duis_gateway.rollout.releases.telling import Audience, DecisionWord, Word
from duis_gateway.rollout.rollout_decisions.records import BY_DCC, Consequence, ReleaseEvent, Standing
from duis_gateway.rollout.schedules import store as schedules

TIME = "time"
"""By whom a stage begins when its time has come."""


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened to a release: how it stood before and stands after, and what follows.

    `event` is what the release's history calls it, `by` who brought it about, `word` what DCC said.
    """

    event: str
    before: Release
    after: Release
    effects: tuple[Effect, ...]
    at: datetime
    by: str
    commentary: str | None = None
    word: Word | None = None


def carry_out(happening: Happening, moment: Moment) -> None:
    """Keep where the release stands now and a line of its history, and do what each effect says."""
    after = happening.after
    lost = _lost(happening.before, after, moment)
    line = ReleaseEvent(
        after.release_id,
        happening.at,
        happening.event,
        after.state,
        after.paused,
        happening.by,
        history.with_moved_date(happening.commentary, happening.before, after),
    )
    releases.move(moment.conn, after)
    history.record(moment.conn, line)
    if not after.state.is_live:
        thresholds.answer(moment.conn, after.release_id)
    freshness.of_model(moment.conn, after.manufacturer, after.model, moment.now)
    moment.release_changed = True
    for effect in happening.effects:
        CARRIED_OUT[effect](happening, moment)
    if _moves_plans(happening.before) != _moves_plans(after):
        replan_all(moment, after, lost, proceeds=happening.before.paused and not after.paused)
    elif happening.before.state is not after.state is ReleaseState.SAFE_LAUNCH:
        replan(moment, after, direct.batched_hubs(moment.conn, after.release_id))  # no hub is in the pilot any more
    follow_the_date(happening.before, after, moment)


def _lost(before: Release, after: Release, moment: Moment) -> Lost:
    """Return what ends with the release that was told as planned to nobody."""
    if after.state.is_live or not before.state.is_live:
        return Lost()
    return lost_with_the_release(moment, before, _reason(after))


def _reason(over: Release) -> VoidReason:
    """Return why what was instructed under a release is void with it."""
    invalidated = over.state is ReleaseState.INVALIDATED
    return VoidReason.PILOT_INVALIDATED if invalidated else VoidReason.RELEASE_OVER


def _moves_plans(release: Release) -> tuple[object, ...]:
    """Return what the plans for hubs follow from in where a release stands."""
    return release.state.is_live, release.paused, release.automatic_date, release.pilot


def current(moment: Moment, release_id: str) -> Release | None:
    """Return the release as it stands at this moment, None if there is none; what was due by then has happened.

    Stages have begun, and what had ended is told as that. Nobody else decides about it until the transaction ends.
    """
    moment.exclude_others(release_id)
    release = releases.find(moment.conn, release_id)
    return None if release is None else _up_to_now(release, moment)


def _up_to_now(release: Release, moment: Moment) -> Release:
    # First, as what ended before a stage that is due begins is planned anew with it, and not looked at any more.
    end_periods(release, moment)
    found = caught_up(release, moment)
    end_periods(found, moment)
    return found


def exclude_others_from_the_model(moment: Moment, release_id: str) -> None:
    """Let nobody decide about the release, nor instruct hubs of its model under another, until the transaction ends.

    Under which release a hub is instructed is looked at across them (`OtherRequestInProgress`).
    """
    model = releases.model_of(moment.conn, release_id)
    if model is not None:
        moment.exclude_others(model_subject(*model))
    moment.exclude_others(release_id)


def model_subject(manufacturer: str, model: str) -> str:
    """Return what to lock before looking at several releases of one model, so that none can change between."""
    return f"model {manufacturer}/{model}"


def caught_up(release: Release, moment: Moment, not_before: datetime | None = None) -> Release:
    """Let every stage begin that is due, with all that follows, and return the release as it stands then.

    A stage begins when it is due, but not before `not_before`: what kept it from beginning until then.
    """
    for change in catch_up(release, moment.now, not_before):
        at = change.at if not_before is None else max(change.at, not_before)
        event = Event.PILOT_BEGINS if change.after.state is ReleaseState.PILOTING else Event.SAFE_LAUNCH_BEGINS
        effects = advance(change.before, event).effects
        carry_out(Happening(event, change.before, change.after, effects, at, TIME), moment)
        release = change.after
    return release


# --- one function for each effect ---------------------------------------------------------------------------------


def _tell_stage(happening: Happening, moment: Moment) -> None:
    audience = Audience.of(happening.after, moment)
    moment.send(telling.stage_change(happening.before, happening.after, happening.at, happening.commentary, audience))


def _tell_word(happening: Happening, moment: Moment) -> None:
    assert happening.word is not None
    moment.send(telling.word(happening.word, happening.after, Audience.of(happening.after, moment)))


def _invalidate_pilot_of_predecessors(happening: Happening, moment: Moment) -> None:
    """PIA-A13: the approval ends the pilot of the releases for the model that were notified before, begun or not.

    One that is in safe launch goes on, and one that was never approved has no pilot yet.
    """
    for other in predecessors(moment, happening.after):
        before = _up_to_now(other, moment)
        move = advance(before, Event.SUCCESSOR_APPROVED)
        if move.refusal is not None:
            _no_way_back(before, moment)
            continue
        why = f"Release {happening.after.release_id} for the same device model was approved."
        word = DecisionWord(Consequence.PILOT_INVALIDATED, Standing.CONFIRMED, BY_DCC, why, PILOT_INVALIDATED_MEANS)
        effects = move.effects
        carry_out(
            Happening(Event.SUCCESSOR_APPROVED, before, move.release, effects, happening.at, happening.by, why, word),
            moment,
        )


def _no_way_back(release: Release, moment: Moment) -> None:
    """A hub that runs the version approved now is not planned under a release that goes on."""
    now = releases.find(moment.conn, release.release_id)
    if now is not None:
        replan_all(moment, now)


def predecessors(moment: Moment, release: Release) -> list[Release]:
    """Return the live releases for the same model that were notified before this one."""
    model = (release.manufacturer, release.model)
    return [
        other
        for other in releases.live(moment.conn)
        if (other.manufacturer, other.model) == model and other.announced < release.announced
    ]


def _void_instructions(happening: Happening, moment: Moment) -> None:
    """What stood under the release stands no more, whatever DCC decides later; what was void before keeps why."""
    release_id = happening.after.release_id
    for void, ids in void_before(moment, happening.before).items():
        ending = Ending(moment.now, void.reason)
        if void.own:
            for stage in Stage:
                schedules.remove_hubs(moment.conn, release_id, void.supplier, stage, ids, ending)
        else:
            direct.remove_selected(moment.conn, release_id, void.supplier, ids, ending)
    ending = Ending(moment.now, _reason(happening.after))
    direct.drop(moment.conn, release_id, ending, over=Ending(moment.now, VoidReason.PERIOD_ENDED))
    schedules.drop_instructions(moment.conn, release_id, ending)


def _await_decision(happening: Happening, moment: Moment) -> None:
    _flag("decision outstanding", happening, moment)


def _mark_high_priority(happening: Happening, moment: Moment) -> None:
    _flag("high priority", happening, moment)


def _flag(kind: str, happening: Happening, moment: Moment) -> None:
    raised = [(kind, happening.after.release_id)]
    flags.raise_flags(moment.conn, raised, at=moment.now, text=happening.commentary or "")


def _in_the_release(_happening: Happening, _moment: Moment) -> None:
    """Nothing more: it stands in the release itself, which every rule looks at, and `carry_out` tells what it means."""


CARRIED_OUT: Mapping[Effect, Callable[[Happening, Moment], None]] = {
    Effect.TELL_STAGE: _tell_stage,
    Effect.TELL_PILOT_OUTCOME: _tell_word,
    Effect.TELL_SAFE_LAUNCH_OUTCOME: _tell_word,
    Effect.TELL_CLOSURE: _tell_word,
    Effect.TELL_SUPERSESSION: _tell_word,
    Effect.TELL_DECISION: _tell_word,
    Effect.INVALIDATE_PILOT_OF_PREDECESSORS: _invalidate_pilot_of_predecessors,
    Effect.VOID_INSTRUCTIONS: _void_instructions,
    Effect.HOLD: _in_the_release,
    Effect.RELEASE_HOLD: _in_the_release,
    Effect.MOVE_AUTOMATIC_DATE: _in_the_release,
    Effect.AWAIT_DECISION: _await_decision,
    Effect.MARK_HIGH_PRIORITY: _mark_high_priority,
}
