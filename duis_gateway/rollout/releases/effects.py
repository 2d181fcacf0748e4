"""What follows when something happens to a release: each effect of `lifecycle`, carried out in one place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from duis_gateway.flow.context import Moment
from duis_gateway.flow.reply import Send, Write
from duis_gateway.operations import flags
from duis_gateway.rollout.releases import history, telling
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.lifecycle import Effect, Event, advance, catch_up
from duis_gateway.rollout.releases.records import Release, ReleaseState
from duis_gateway.rollout.releases.telling import Audience, Word
from duis_gateway.rollout.rollout_decisions.records import ReleaseEvent

TIME = "time"
"""By whom a stage begins when its time has come."""


@dataclass(frozen=True, slots=True)
class Consequences:
    """Changes to the store, and things to be sent."""

    writes: tuple[Write, ...] = ()
    sends: tuple[Send, ...] = ()

    def __add__(self, other: Consequences) -> Consequences:
        """Return both, these first."""
        return Consequences(self.writes + other.writes, self.sends + other.sends)


NOTHING = Consequences()


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


def carry_out(happening: Happening, moment: Moment) -> Consequences:
    """Return everything that follows: where the release stands now, a line of its history, and each effect."""
    after = happening.after
    line = ReleaseEvent(
        after.release_id,
        happening.at,
        happening.event,
        after.state,
        after.paused,
        happening.by,
        happening.commentary,
    )
    done = Consequences((partial(releases.move, release=after), partial(history.record, event=line)))
    for effect in happening.effects:
        done += CARRIED_OUT[effect](happening, moment)
    return done


@dataclass(frozen=True, slots=True)
class Current:
    """A release as it stands now (None: unknown), and what follows from the time since it was looked at last."""

    release: Release | None
    since: Consequences = NOTHING


def current(moment: Moment, release_id: str) -> Current:
    """Return the release as it stands at this moment; nobody else decides about it until the transaction ends."""
    moment.exclude_others(release_id)
    release = releases.find(moment.conn, release_id)
    return Current(None) if release is None else caught_up(release, moment)


def caught_up(release: Release, moment: Moment, not_before: datetime | None = None) -> Current:
    """Return the release after every stage that began by itself, and what follows from that.

    A stage begins when it is due, but not before `not_before`: what kept it from beginning until then.
    """
    done = NOTHING
    for change in catch_up(release, moment.now):
        at = change.at if not_before is None else max(change.at, not_before)
        event = Event.PILOT_BEGINS if change.after.state is ReleaseState.PILOTING else Event.SAFE_LAUNCH_BEGINS
        effects = advance(change.before, event).effects
        done += carry_out(Happening(event, change.before, change.after, effects, at, TIME), moment)
        release = change.after
    return Current(release, done)


# --- one function for each effect ---------------------------------------------------------------------------------


def _told(tell: Callable[[Happening, Audience], tuple[Send, ...]]) -> Callable[[Happening, Moment], Consequences]:
    def carry(happening: Happening, moment: Moment) -> Consequences:
        return Consequences(sends=tell(happening, Audience.of(happening.after, moment)))

    return carry


def _tell_stage(happening: Happening, audience: Audience) -> tuple[Send, ...]:
    return telling.stage_change(happening.before, happening.after, happening.at, happening.commentary, audience)


def _tell_word(happening: Happening, audience: Audience) -> tuple[Send, ...]:
    assert happening.word is not None
    return telling.word(happening.word, happening.after, audience)


def _end_pilot_of_predecessors(happening: Happening, moment: Moment) -> Consequences:
    """PIA-A13: the approval ends the pilot of the releases for the model that were notified before."""
    done = NOTHING
    for other in predecessors(moment, happening.after):
        now = caught_up(other, moment)
        done += now.since
        before = now.release or other
        move = advance(before, Event.SUCCESSOR_APPROVED)
        if not move.effects:
            continue
        why = f"Release {happening.after.release_id} for the same device model was approved."
        done += carry_out(
            Happening(Event.SUCCESSOR_APPROVED, before, move.release, move.effects, happening.at, happening.by, why),
            moment,
        )
    return done


def predecessors(moment: Moment, release: Release) -> list[Release]:
    """Return the live releases for the same model that were notified before this one."""
    model = (release.manufacturer, release.model)
    return [
        other
        for other in releases.live(moment.conn)
        if (other.manufacturer, other.model) == model
        and (other.notified_at, other.release_id) < (release.notified_at, release.release_id)
    ]


def _flag(kind: str) -> Callable[[Happening, Moment], Consequences]:
    def carry(happening: Happening, moment: Moment) -> Consequences:
        raised = [(kind, happening.after.release_id)]
        return Consequences(
            (partial(flags.raise_flags, raised=raised, at=moment.now, text=happening.commentary or ""),)
        )

    return carry


def _in_the_release(_happening: Happening, _moment: Moment) -> Consequences:
    """Nothing more: it stands in the release itself, which every rule looks at (what is not live instructs nothing)."""
    return NOTHING


CARRIED_OUT: Mapping[Effect, Callable[[Happening, Moment], Consequences]] = {
    Effect.TELL_STAGE: _told(_tell_stage),
    Effect.TELL_PILOT_OUTCOME: _told(_tell_word),
    Effect.TELL_SAFE_LAUNCH_OUTCOME: _told(_tell_word),
    Effect.TELL_CLOSURE: _told(_tell_word),
    Effect.TELL_SUPERSESSION: _told(_tell_word),
    Effect.TELL_DECISION: _told(_tell_word),
    Effect.END_PILOT_OF_PREDECESSORS: _end_pilot_of_predecessors,
    Effect.CANCEL_INSTRUCTIONS: _in_the_release,
    Effect.HOLD: _in_the_release,
    Effect.RELEASE_HOLD: _in_the_release,
    Effect.MOVE_AUTOMATIC_DATE: _in_the_release,
    Effect.AWAIT_DECISION: _flag("decision outstanding"),
    Effect.MARK_HIGH_PRIORITY: _flag("high priority"),
}
