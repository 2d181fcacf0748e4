"""What is outstanding for each party under a release, and how long it has (BR-5.4, BR-5.5, BR-5.7).

Computed at any time from what stands; nothing is remembered. A supplier's tasks name no other supplier.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from duis_gateway.parties.records import PartyKind
from duis_gateway.rollout.obligations.rules import Obligation, ObligationKind, ObligationState
from duis_gateway.rollout.plans.records import VoidReason
from duis_gateway.rollout.releases.records import PilotTerms, Release, ReleaseState
from duis_gateway.rollout.releases.rules import (
    last_for_the_pilot,
    last_to_instruct,
    lists_taken_until,
    pilot_window_open,
)
from duis_gateway.text.times import show_time


class Task(StrEnum):
    """Something that a party is to do."""

    SEND_PREFERRED_LIST = "send_preferred_list"
    SEND_PREFERRED_SCHEDULE = "send_preferred_schedule"
    PROVIDE_MINIMUM = "provide_minimum"
    PROVIDE_SHARE = "provide_share"
    INSTRUCT_SPLIT_HUBS = "instruct_split_hubs"  # the second supplier has, this one has not
    INSTRUCT_SAFE_LAUNCH = "instruct_safe_launch"
    INSTRUCT_ANEW = "instruct_anew"  # what it instructed is void, for the reason that is the subject
    SEND_DEFAULT_LIST = "send_default_list"
    SEND_DEFAULT_SCHEDULE = "send_default_schedule"
    SEND_SAFE_LAUNCH_SCHEDULE = "send_safe_launch_schedule"
    DECIDE_ON_GROUP = "decide_on_group"
    UPDATE_PLANNED_HUBS = "update_planned_hubs"  # only where the message that plans them has not arrived
    CARRY_OUT_DECISION = "carry_out_decision"  # likewise, of a decision of DCC (X03, X08)
    TAKE_NOTE_OF_OUTCOME = "take_note_of_outcome"  # likewise, of what became of a hub (N64, N71)
    TAKE_NOTE_OF_PLAN = "take_note_of_plan"  # likewise, of how hubs are planned, or no more (N77)
    UPDATE_REMAINING_HUBS = "update_remaining_hubs"  # the automatic date has come (BR-3.6)
    APPROVE_RELEASE = "approve_release"
    SELECT_FOR_SUPPLIER = "select_for_supplier"
    REPORT_PILOT_OUTCOME = "report_pilot_outcome"
    DECIDE_ON_FAILED_PILOT = "decide_on_failed_pilot"
    DECIDE_ON_INVALIDATED_PILOT = "decide_on_invalidated_pilot"  # a successor was approved (PIA-A13)
    DECIDE_ON_INCIDENT = "decide_on_incident"
    DECIDE_ON_PAUSE = "decide_on_pause"
    DECIDE_ON_PROPOSED_PAUSE = "decide_on_proposed_pause"  # too many hubs fail (X11)
    CONFIRM_DECISION = "confirm_decision"
    REPORT_SAFE_LAUNCH_OUTCOME = "report_safe_launch_outcome"
    CLOSE_RELEASE = "close_release"
    LOOK_INTO_DEVIATIONS = "look_into_deviations"  # what is off the plan, of the kind that is the subject (X10)


class TaskState(StrEnum):
    """How a task stands, and what that means for what was instructed."""

    OPEN = "open"
    OVERDUE = "overdue"
    MISSED = "missed"  # the time is over: `why` says who can still make it good
    HELD = "held"  # until it is decided nothing that was instructed is carried out
    VOID = "void"  # what was instructed stands no more; the task is to instruct it anew
    OFF_PLAN = "off_plan"  # it has happened otherwise than planned: nobody's turn, and there is no date
    NOT_TOLD = "not_told"  # the message that tells the party has not arrived: not its turn, and it is not late


@dataclass(frozen=True, slots=True)
class NotTold:
    """Why a party does not know of a task: the message that tells of it, by its number in the outbox, has not arrived.

    `given_up`: it is a dead letter; else the gateway still tries to deliver it. `since`: when it was stored (business
    time). `error`: what is in its way.
    """

    message: int
    kind: str
    given_up: bool
    since: datetime
    error: str | None = None

    @property
    def words(self) -> str:
        """What is said to whoever may not read the message."""
        which = f"the message of {show_time(self.since)} about it"
        if self.given_up:
            return f"not told yet: {which} was given up, and whoever runs the gateway has to send it again"
        return f"not told yet: the gateway is still trying to deliver {which}"


@dataclass(frozen=True, slots=True)
class Deadline:
    """One outstanding task of one party.

    Attributes:
        release_id: the release that it is about.
        kind: what the party is.
        party: the party's EUI.
        task: what it is to do.
        due: until when; None where no time is set (as soon as possible).
        hubs: how many hubs it is about, None where it is about none in particular.
        subject: a region, a group or a reference that tells tasks of one kind apart.
        optional: nothing obliges the party to it; the automatic date stands if it is left undone.
        about: the supplier whose affair it is, where it is one supplier's; no other supplier is shown it.
        state: how the task stands, where more is to be said than that it is open or overdue.
        why: what is void, held or missed, and why, in words.
        lapsed: a notice put the date into the past: the party never had the time, and is not late.
        not_told: why the party does not know of it, None where nothing is known against it.
    """

    release_id: str
    kind: PartyKind
    party: int
    task: Task
    due: datetime | None
    hubs: int | None = None
    subject: str = ""
    optional: bool = False
    about: int | None = None
    state: TaskState | None = None
    why: str = ""
    lapsed: bool = False
    not_told: NotTold | None = None

    def remaining(self, now: datetime) -> timedelta | None:
        """Return how long the party has, negative once it is overdue, None where no time is set."""
        return None if self.due is None else self.due - now

    def overdue(self, now: datetime) -> bool:
        """Whether the time is over that the party had; nobody is late with what stands no more, or was not told."""
        late = self.due is not None and now > self.due
        return late and not self.lapsed and not self.not_told and self.state is not TaskState.VOID

    def standing(self, now: datetime) -> TaskState:
        """Return how the task stands at this moment."""
        if self.not_told:
            return TaskState.NOT_TOLD
        return self.state or (TaskState.OVERDUE if self.overdue(now) else TaskState.OPEN)


@dataclass(frozen=True, slots=True)
class SupplierFacts:
    """How a supplier stands to a release, in hubs of its own.

    Attributes:
        supplier: its EUI.
        eligible: hubs that it may put on a pilot list.
        listed: hubs on its preferred list, None where it sent none.
        unscheduled: listed hubs that it is to schedule for the pilot.
        uninstructed: hubs that it may instruct for safe launch. Each hub is in one of `unscheduled`, `uninstructed`,
            `awaited` and `void`, and of one release (`rollout.deadlines.asked`).
        awaited: split hubs that the second supplier has instructed, and that this one's instruction would move.
        obligations: what it owes to the pilot.
        able: its DUIS version has the Service Requests to instruct with.
        void: hubs that it instructed and that its instruction moves no more, by the reason.
        void_until: likewise, when the first ends of what the second supplier instructed of split hubs among these.
        put_back: the dates that a notice put into the past, each with when that came.
        awaited_until: when the first ends of what the second supplier instructed of the hubs in `awaited`.
    """

    supplier: int
    eligible: int = 0
    listed: int | None = None
    unscheduled: int = 0
    uninstructed: int = 0
    awaited: int = 0
    obligations: tuple[Obligation, ...] = ()
    able: bool = True
    void: Mapping[VoidReason, int] = field(default_factory=dict)
    put_back: Mapping[datetime, datetime] = field(default_factory=dict)
    awaited_until: datetime | None = None
    void_until: Mapping[VoidReason, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UndecidedGroup:
    """A supplier's standing group on which a CSP has not had its say."""

    supplier: int
    group_id: str
    starts: datetime
    hubs: int


@dataclass(frozen=True, slots=True)
class CspFacts:
    """How a CSP stands to a release.

    `regions` are those of its regions that have hubs of the model, `remaining` the hubs there that are still to be
    updated, `put_back` the dates that a notice put into the past, each with when that came.
    """

    csp: int
    regions: frozenset[str] = frozenset()
    default_lists: frozenset[str] = frozenset()
    default_schedules: frozenset[str] = frozenset()
    safe_launch_schedules: frozenset[str] = frozenset()
    undecided: tuple[UndecidedGroup, ...] = ()
    remaining: int = 0
    put_back: Mapping[datetime, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DccFacts:
    """How DCC stands to a release.

    Attributes:
        dcc: its EUI.
        pilot_outcome: what it reported of the pilot (A06, A07), None where it reported nothing.
        safe_launch_outcome: the same of safe launch (A09, A10).
        decided_on_failure: a roll-out decision was taken since the pilot's failure was reported.
        incidents: references of incidents without a decision (X04).
        provisional: decisions, in a word each, that are not confirmed yet (BR-6.4).
        missed: obligations that suppliers missed (PIA-A9).
        why_paused: the reason of the decision that suspended the release.
        why_invalidated: what invalidated its pilot.
        proposed_pause: why a pause is proposed, as too many hubs fail (X11).
        without_pilot: safe launch began and the pilot never had.
        void: hubs that it instructed, in batches or on suppliers' behalf, and that this moves no more, by the reason.
    """

    dcc: int
    pilot_outcome: bool | None = None
    safe_launch_outcome: bool | None = None
    decided_on_failure: bool = False
    incidents: tuple[str, ...] = ()
    provisional: tuple[str, ...] = ()
    missed: tuple[Obligation, ...] = ()
    why_paused: str = ""
    why_invalidated: str = ""
    proposed_pause: str = ""
    without_pilot: bool = False
    void: Mapping[VoidReason, int] = field(default_factory=dict)


def supplier_deadlines(release: Release, facts: SupplierFacts, now: datetime) -> tuple[Deadline, ...]:
    """Return what is outstanding for a supplier; nothing if it cannot instruct, or of a release that takes nothing.

    That is one that is over, or on whose invalidated pilot DCC has to decide.
    """
    if not release.state.is_live or not facts.able:
        return ()

    def task(name: Task, due: datetime | None, hubs: int, *, optional: bool = False) -> Deadline:
        me = facts.supplier
        return Deadline(release.release_id, PartyKind.SUPPLIER, me, name, due, hubs, optional=optional, about=me)

    def anew(reason: VoidReason, hubs: int) -> Deadline:
        until = min(last, facts.void_until.get(reason, last))
        return replace(task(Task.INSTRUCT_ANEW, until, hubs, optional=True), subject=reason.value)

    found: list[Deadline] = []
    last = last_to_instruct(release)
    if pilot_window_open(release, now):
        due = last_for_the_pilot(release)
        if facts.listed is None and facts.eligible:
            found.append(task(Task.SEND_PREFERRED_LIST, due, facts.eligible, optional=not facts.obligations))
        if facts.unscheduled:
            found.append(task(Task.SEND_PREFERRED_SCHEDULE, due, facts.unscheduled))
    found = [_too_late(one, _TOO_LATE) if one.overdue(now) else one for one in found]
    owing = [one for one in facts.obligations if one.missing]
    found += [_owed(task(_OWED[owed.kind], owed.due, owed.missing), owed, release, now) for owed in owing]
    found = [_lapsed(one, facts.put_back) if one.overdue(now) else one for one in found]
    if facts.awaited and now <= last:
        until = min(last, facts.awaited_until or last)
        found.append(task(Task.INSTRUCT_SPLIT_HUBS, until, facts.awaited, optional=True))
    if facts.uninstructed and now <= last:
        found.append(task(Task.INSTRUCT_SAFE_LAUNCH, last, facts.uninstructed, optional=True))
    for reason, hubs in facts.void.items() if now < release.automatic_date else ():
        found.append(_void(anew(reason, hubs), _ANEW[now <= last]))
    return tuple(found)


_TOO_LATE = (
    "it is too late for 11.5 and 11.6: hubs that are not instructed go at the automatic date, unless DCC instructs them"
)
_ANEW = {
    True: "they go at the automatic date, unless they are instructed again",
    False: "it is too late to instruct them again: they go at the automatic date, unless DCC instructs them",
}
"""What follows from void instructions, by whether a supplier's instruction is in time (BR-3.4)."""

_WHY_VOID = {
    VoidReason.TOO_LATE: "the instructed period did not end before the automatic date",
    VoidReason.PERIOD_ENDED: "the instructed period ended without the hubs being updated",
    VoidReason.REFUSED_BY_CSP: "the CSP refused",
    VoidReason.OUTSIDE_PILOT: "the instructed period was not within the pilot",
    VoidReason.BEFORE_SAFE_LAUNCH: "the instructed period started before the pilot's end",
    VoidReason.EXCLUDED: "the release excluded the hubs from its pilot",
    VoidReason.PILOT_INVALIDATED: "the pilot was invalidated",
}
VOID_OF_INSTRUCTIONS = frozenset(_WHY_VOID)
"""Why an instruction moves a hub no more, although whoever gave it is still responsible for it."""


def _void(deadline: Deadline, then: str) -> Deadline:
    """Say that what was instructed stands no more for the reason that is the subject, and what that means."""
    return replace(deadline, state=TaskState.VOID, why=f"{_WHY_VOID[VoidReason(deadline.subject)]}; {then}")


def _too_late(deadline: Deadline, why: str) -> Deadline:
    """Say that a party cannot do it any more: what was due can be made good by DCC alone."""
    return replace(deadline, state=TaskState.MISSED, why=why)


def _lapsed(deadline: Deadline, put_back: Mapping[datetime, datetime]) -> Deadline:
    """Say of a date that a notice put into the past that its party never had the time."""
    noticed_at = None if deadline.due is None else put_back.get(deadline.due)
    if noticed_at is None:
        return deadline
    words = f"DCC's notice of {noticed_at:%Y-%m-%d} put this date into the past"
    return replace(deadline, lapsed=True, why="; ".join(filter(None, (words, deadline.why))))


def _owed(deadline: Deadline, owed: Obligation, release: Release, now: datetime) -> Deadline:
    """What was missed is told as long as the release is live, also once the pilot has ended."""
    if owed.state is not ObligationState.MISSED:
        return replace(deadline, why=f"{owed.provided:,} of {owed.required:,} hubs are provided so far")
    then = "the pilot has ended"
    if pilot_window_open(release, now):
        until = lists_taken_until(release, now)
        then = "it is too late for 11.5" if until is None else f"11.5 can still provide them until {show_time(until)}"
        then += ", and DCC may choose hubs on the supplier's behalf"
    why = f"{owed.provided:,} of {owed.required:,} hubs were provided; {then}"
    return replace(deadline, state=TaskState.MISSED, why=why)


_OWED = {ObligationKind.MINIMUM: Task.PROVIDE_MINIMUM, ObligationKind.SHARE: Task.PROVIDE_SHARE}


OF_REGIONS = frozenset({Task.SEND_DEFAULT_LIST, Task.SEND_DEFAULT_SCHEDULE, Task.SEND_SAFE_LAUNCH_SCHEDULE})
"""Tasks of which a CSP has one for each of its regions: their subject."""


def csp_deadlines(release: Release, facts: CspFacts, now: datetime) -> tuple[Deadline, ...]:
    """Return what is outstanding for a CSP: its lists and schedules by region, and its say on groups."""
    if not release.state.is_live:
        return ()

    def task(name: Task, due: datetime, subject: str, hubs: int | None = None, about: int | None = None) -> Deadline:
        return Deadline(release.release_id, PartyKind.CSP, facts.csp, name, due, hubs, subject, about=about)

    found: list[Deadline] = []
    pilot = release.pilot
    if pilot is not None and pilot_window_open(release, now):
        for name, sent in (
            (Task.SEND_DEFAULT_LIST, facts.default_lists),
            (Task.SEND_DEFAULT_SCHEDULE, facts.default_schedules),
        ):
            found += [task(name, pilot.period.start, region) for region in sorted(facts.regions - sent)]
    launch = release.automatic_date if pilot is None else pilot.period.end
    missing = sorted(facts.regions - facts.safe_launch_schedules) if now < release.automatic_date else ()
    found += [task(Task.SEND_SAFE_LAUNCH_SCHEDULE, launch, region) for region in missing]
    found += [
        task(Task.DECIDE_ON_GROUP, group.starts, group.group_id, group.hubs, group.supplier)
        for group in facts.undecided
    ]
    if facts.remaining:
        remaining = task(Task.UPDATE_REMAINING_HUBS, release.automatic_date, "", facts.remaining)
        found.append(replace(remaining, state=TaskState.HELD, why=_HELD) if release.paused else remaining)
    return tuple(_lapsed(one, facts.put_back) if one.overdue(now) else one for one in found)


_HELD = "the release is paused: nothing is updated until DCC decides"


def dcc_deadlines(release: Release, facts: DccFacts, now: datetime) -> tuple[Deadline, ...]:
    """Return what is outstanding for DCC: approval, outcomes, decisions, closure."""
    if release.state.is_over:
        return ()
    return (*_dcc_stage_tasks(release, facts), *_dcc_decisions(release, facts, now))


def _dcc(release: Release, facts: DccFacts, task: Task, due: datetime | None, subject: str = "") -> Deadline:
    return Deadline(release.release_id, PartyKind.DCC, facts.dcc, task, due, subject=subject)


def _dcc_stage_tasks(release: Release, facts: DccFacts) -> Iterator[Deadline]:
    pilot, state = release.pilot, release.state
    if state is ReleaseState.NOTIFIED:
        due = release.automatic_date if pilot is None else pilot.period.start
        yield _dcc(release, facts, Task.APPROVE_RELEASE, due)
    begun = state in (ReleaseState.PILOTING, ReleaseState.SAFE_LAUNCH)
    if pilot is not None and begun and facts.pilot_outcome is None and not facts.without_pilot:
        yield _dcc(release, facts, Task.REPORT_PILOT_OUTCOME, pilot.period.end)
    if state is ReleaseState.SAFE_LAUNCH:
        reported = facts.safe_launch_outcome is not None
        task = Task.CLOSE_RELEASE if reported else Task.REPORT_SAFE_LAUNCH_OUTCOME
        yield _dcc(release, facts, task, release.automatic_date)


def _dcc_decisions(release: Release, facts: DccFacts, now: datetime) -> Iterator[Deadline]:
    if release.state is ReleaseState.INVALIDATED:
        yield replace(_dcc(release, facts, Task.DECIDE_ON_INVALIDATED_PILOT, None), why=facts.why_invalidated)
    elif facts.pilot_outcome is False and not facts.decided_on_failure:
        yield _dcc(release, facts, Task.DECIDE_ON_FAILED_PILOT, _before_safe_launch(release.pilot))
    if release.paused:
        why = facts.proposed_pause or facts.why_paused
        yield replace(_dcc(release, facts, Task.DECIDE_ON_PAUSE, None), state=TaskState.HELD, why=why)
    elif facts.proposed_pause and release.state.is_live:
        yield replace(_dcc(release, facts, Task.DECIDE_ON_PROPOSED_PAUSE, None), why=facts.proposed_pause)
    for reference in facts.incidents:
        yield _dcc(release, facts, Task.DECIDE_ON_INCIDENT, None, reference)
    for reason, hubs in facts.void.items() if now < release.automatic_date else ():
        anew = _dcc(release, facts, Task.INSTRUCT_ANEW, release.automatic_date, reason.value)
        yield _void(replace(anew, hubs=hubs, optional=True), _ANEW[True])
    for decision in facts.provisional:
        yield _dcc(release, facts, Task.CONFIRM_DECISION, None, decision)
    if pilot_window_open(release, now):
        for owed in facts.missed:
            one = _dcc(release, facts, Task.SELECT_FOR_SUPPLIER, _before_safe_launch(release.pilot), owed.kind)
            yield replace(_owed(one, owed, release, now), hubs=owed.missing, about=owed.supplier, state=None)


def _before_safe_launch(pilot: PilotTerms | None) -> datetime | None:
    """A failed pilot does not stop safe launch: the decision is due when it begins by itself (PIA-A12)."""
    return None if pilot is None else pilot.period.end


def in_order(deadlines: Iterable[Deadline]) -> tuple[Deadline, ...]:
    """Return deadlines with the most pressing first: those without a time, then by time; what is off the plan last."""
    return tuple(sorted(deadlines, key=_pressing))


def _pressing(deadline: Deadline) -> tuple[bool, bool, float, str, str, str]:
    due = deadline.due
    return (
        deadline.state is TaskState.OFF_PLAN,
        due is not None,
        0.0 if due is None else due.timestamp(),
        deadline.release_id,
        deadline.task,
        deadline.subject,
    )
