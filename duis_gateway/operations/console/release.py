"""One release: its terms and stages, how far it is, what failed and why, and whose turn it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from duis_gateway.operations.console.counts import ReleaseCounts
from duis_gateway.operations.console.picture import Picture, draw
from duis_gateway.operations.console.waiting import Stuck, by_cause
from duis_gateway.outbox.not_arrived import NotArrived, not_arrived
from duis_gateway.parties import store as parties
from duis_gateway.parties.records import PartyKind
from duis_gateway.rollout.audience import suppliers_of_model
from duis_gateway.rollout.deadlines.rules import Deadline, TaskState
from duis_gateway.rollout.failure_thresholds import store as thresholds
from duis_gateway.rollout.failure_thresholds.rules import proposal_in_words, threshold_in_words
from duis_gateway.rollout.releases import history
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.last_word import LastWord, last_word, until_decided
from duis_gateway.rollout.releases.records import Period, Release, ReleaseState, Stage
from duis_gateway.rollout.rollout_decisions import store as rollout
from duis_gateway.rollout.rollout_decisions.records import ReleaseEvent, StageReport
from duis_gateway.store.tables import default_group, default_schedule


@dataclass(frozen=True, slots=True)
class Step:
    """A stage of a release: when it begins, and whether it is over, under way or to come."""

    name: str
    at: datetime | None
    standing: str


@dataclass(frozen=True, slots=True)
class Offer:
    """A group of a CSP's own schedule."""

    csp_region: str
    stage: str
    group_id: str
    period: Period


@dataclass(frozen=True, slots=True)
class ReleasePage:
    """A release with its history, what DCC said of its stages, and what the CSPs offered.

    `stuck`: what was sent about it and has not arrived, but for what is about single hubs. `threshold` and
    `proposed` are its failure threshold, and the pause on which DCC has not decided, in words (X11). `meanwhile`: what
    stands until DCC has decided, "" where it has nothing to decide on.
    """

    release: Release
    steps: Sequence[Step]
    last_word: LastWord | None
    meanwhile: str
    events: Sequence[ReleaseEvent]
    reports: Sequence[StageReport]
    threshold: str
    proposed: str
    offers: Sequence[Offer]
    stuck: Sequence[Stuck]


_ORDER = (
    ReleaseState.NOTIFIED,
    ReleaseState.APPROVED,
    ReleaseState.PILOTING,
    ReleaseState.SAFE_LAUNCH,
    ReleaseState.CLOSED,
)
_MOST_OFFERS = 200


def page_of(conn: Connection, release_id: str, relay: bool) -> ReleasePage | None:
    """Return a release's page; None if there is no such release. `relay`: there is one for emails."""
    release = releases.find(conn, release_id)
    if release is None:
        return None
    events = history.of_release(conn, release_id)
    reports = [found for stage in Stage if (found := rollout.report_of(conn, release_id, stage))]
    threshold = threshold_in_words(release.failure_threshold) if release.failure_threshold else ""
    pause = thresholds.find_proposal(conn, release_id)
    proposed = proposal_in_words(pause) if pause else ""
    steps, offers = steps_of(release, events), _offers(conn, release_id)
    undelivered = by_cause(conn, _not_arrived(conn, release), relay)
    word = last_word(release, events)
    awaited = pause is not None or failed_undecided(reports) or bool(rollout.incidents(conn, release_id))
    meanwhile = until_decided(release, awaited, held=pause is not None and pause.threshold.hold)
    return ReleasePage(release, steps, word, meanwhile, events, reports, threshold, proposed, offers, undelivered)


def failed_undecided(reports: Iterable[StageReport]) -> bool:
    """Whether a stage has failed on which DCC has not decided."""
    return any(not one.success and not one.decided for one in reports)


def _not_arrived(conn: Connection, release: Release) -> list[NotArrived]:
    partners = {one.eui for one in parties.all_parties(conn) if one.kind is not PartyKind.SUPPLIER}
    told = partners | suppliers_of_model(conn, release.manufacturer, release.model)
    return not_arrived(conn, {release.release_id}, told)


def _offers(conn: Connection, release_id: str) -> list[Offer]:
    """Return the groups of the CSPs' schedules without their hubs, of which there may be millions."""
    query = (
        select(
            default_schedule.c.csp_region,
            default_schedule.c.stage,
            default_group.c.group_id,
            default_group.c.starts,
            default_group.c.ends,
        )
        .join_from(default_schedule, default_group, default_group.c.schedule_id == default_schedule.c.id)
        .where(default_schedule.c.release_id == release_id)
        .order_by(default_group.c.starts, default_schedule.c.csp_region, default_group.c.group_id)
        .limit(_MOST_OFFERS)
    )
    return [Offer(region, stage, group, Period(*ends)) for region, stage, group, *ends in conn.execute(query)]


def steps_of(release: Release, events: Sequence[ReleaseEvent]) -> list[Step]:
    """Return the stages of a release in order, with when each began by its history, or is planned to begin."""
    began: dict[ReleaseState, datetime] = {}
    for event in events:
        began.setdefault(event.state, event.at)
    pilot = release.pilot
    planned = {
        ReleaseState.NOTIFIED: release.notified_at,
        ReleaseState.PILOTING: pilot.period.start if pilot else None,
        ReleaseState.SAFE_LAUNCH: pilot.period.end if pilot else None,
    }
    order = [state for state in _ORDER if pilot is not None or state is not ReleaseState.PILOTING]
    if release.state not in order:
        order = [state for state in order if state in began and state is not ReleaseState.CLOSED]
        order.append(release.state)
    place = order.index(release.state)
    over = release.state.is_over

    def standing(number: int) -> str:
        return "over" if number < place or (over and number == place) else "now" if number == place else "to come"

    return [
        Step(state.value, began.get(state) or planned.get(state), standing(number))
        for number, state in enumerate(order)
    ]


def picture_of(release: Release, counted: ReleaseCounts | None, now: datetime) -> Picture | None:
    """Return the picture of a release's activations; None while there are none."""
    if counted is None or counted.activations is None:
        return None
    pilot = release.pilot
    dates = [("notified", release.notified_at), ("automatic date", release.automatic_date), ("now", now)]
    if pilot is not None:
        dates += [("pilot begins", pilot.period.start), ("pilot ends", pilot.period.end)]
    return draw(counted.activations, sorted(dates, key=lambda one: one[1]), now)


@dataclass(frozen=True, slots=True)
class Turn:
    """What a party has to do under a release: its most pressing task, what else is overdue, and how much more.

    Of what it was not told of, all that one message tells.
    """

    tasks: Sequence[Deadline]
    more: int = 0

    @property
    def kind(self) -> PartyKind:
        """What the party is."""
        return self.tasks[0].kind


_MOST_SUPPLIERS = 5
_MOST_TASKS = 5


def turn_in_short(deadlines: Sequence[Deadline], release_id: str, now: datetime) -> tuple[list[Turn], int]:
    """Return whose turn it is, of suppliers only the first few, and the number of suppliers that are left out."""
    turn = turn_of(deadlines, release_id, now)
    suppliers = [one for one in turn if one.kind is PartyKind.SUPPLIER]
    more = suppliers[_MOST_SUPPLIERS:]
    return [one for one in turn if one not in more], len(more)


def turn_of(deadlines: Sequence[Deadline], release_id: str, now: datetime) -> list[Turn]:
    """Return whose turn it is under a release: each party with its most pressing tasks, duties first.

    Whatever is overdue is shown, up to a few tasks of each; of the others the first, where nothing is. What a party was
    not told of comes first, by the message that has not arrived: that is the operator's turn, or the gateway's. What is
    off the plan is nobody's turn, and only counted with what more its party has, as it is in the table of all tasks.
    """
    own = [one for one in deadlines if one.release_id == release_id]
    off_plan = Counter(one.party for one in own if one.state is TaskState.OFF_PLAN)
    by_party: dict[tuple[int, int], list[Deadline]] = {}
    for one in sorted(own, key=lambda one: (one.not_told is None, one.optional)):
        if one.state is not TaskState.OFF_PLAN:
            by_party.setdefault((one.party, one.not_told.message if one.not_told else 0), []).append(one)
    last = {party: (party, message) for party, message in by_party}
    return [_turn(own, now, off_plan[key[0]] if key == last[key[0]] else 0) for key, own in by_party.items()]


def _turn(tasks: Sequence[Deadline], now: datetime, besides: int) -> Turn:
    shown = [tasks[0], *(one for one in tasks[1:] if one.overdue(now))][:_MOST_TASKS]
    return Turn(shown, len(tasks) - len(shown) + besides)
