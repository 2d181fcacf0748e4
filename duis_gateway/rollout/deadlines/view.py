"""What is outstanding for whom under the releases in flight, and how long there is (BR-5.4, BR-5.5, BR-5.7)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from duis_gateway.duis.identifiers import format_eui
from duis_gateway.parties import store as parties
from duis_gateway.parties.records import Party, PartyKind
from duis_gateway.rollout.audience import known, suppliers_of_model
from duis_gateway.rollout.deadlines.asked import DCC
from duis_gateway.rollout.deadlines.dates import dates_of
from duis_gateway.rollout.deadlines.not_told import (
    csps_not_told,
    decisions_not_told,
    outcomes_not_told,
    told,
    with_news,
)
from duis_gateway.rollout.deadlines.off_plan import deviations
from duis_gateway.rollout.deadlines.others import next_actions_of_others
from duis_gateway.rollout.deadlines.rules import (
    OF_REGIONS,
    CspFacts,
    DccFacts,
    Deadline,
    SupplierFacts,
    Task,
    UndecidedGroup,
    csp_deadlines,
    dcc_deadlines,
    in_order,
    supplier_deadlines,
)
from duis_gateway.rollout.deadlines.scopes import live_releases, open_releases, scope_of, with_departures
from duis_gateway.rollout.deadlines.turns import Turns, turns
from duis_gateway.rollout.estate import store as tallies
from duis_gateway.rollout.estate.eligible_hubs import Scope
from duis_gateway.rollout.estate.view import moved_by, off_plan_under
from duis_gateway.rollout.failure_thresholds import store as thresholds
from duis_gateway.rollout.failure_thresholds.rules import proposal_in_words
from duis_gateway.rollout.obligations import rules as pilot_duties
from duis_gateway.rollout.obligations import store as obligations
from duis_gateway.rollout.obligations.rules import Obligation, SupplierPilot
from duis_gateway.rollout.periods import ends_before, is_over, stage_time, starts_within
from duis_gateway.rollout.plans.half_instructed import halves_in_vain
from duis_gateway.rollout.plans.records import VoidReason
from duis_gateway.rollout.releases import history
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.lifecycle import Event
from duis_gateway.rollout.releases.records import Period, Release, ReleaseState, Stage
from duis_gateway.rollout.releases.rules import last_to_instruct
from duis_gateway.rollout.rollout_decisions import store as rollout
from duis_gateway.rollout.rollout_decisions.records import RecordedDecision, RolloutAction
from duis_gateway.rollout.schedule_decisions import store as says

DEADLINE_COLUMNS = (
    "release",
    "whose",
    "task",
    "subject",
    "supplier",
    "hubs",
    "due",
    "seconds_left",
    "overdue",
    "optional",
    "state",
    "why",
)

OWN = "own"
"""Of the column `whose`: the tasks of the party that looks; the others' next actions have their kind there."""


def deadline_rows(conn: Connection, party: Party, now: datetime) -> list[Mapping[str, object]]:
    """Return what a party has outstanding, the most pressing first, and then what the others do next, or are late with.

    The last one of the others' of each kind under a release says how many `more` there are; no column of the table.
    """
    open_ones = open_releases(conn)
    counts, remaining = _counted(conn, open_ones, party, now), _Remaining(conn, now)
    every = [one for release in open_ones for one in _of_release(conn, release, party, counts, remaining, now)]
    every += _off_plan(conn, with_departures(conn), party, now)
    names = [one.release_id for one in releases.all_releases(conn)]
    unknown = (*decisions_not_told(conn, names, [party]), *outcomes_not_told(conn, names, [party]))
    all_of_it = with_news(conn, (*told(conn, every), *unknown), names, [party])
    own = [_own_row(one, now) for one in in_order(all_of_it) if one.party == party.eui]
    others = next_actions_of_others(all_of_it, party.kind, party.eui, now)
    regions = {one.eui: one.regions for one in parties.all_parties(conn, PartyKind.CSP)}
    for actions in others:
        rows = [_other_row(one, party, regions.get(one.party, ()), now) for one in actions.tasks]
        own += [*rows[:-1], {**rows[-1], "more": actions.more}]
    return own


def partner_deadlines(conn: Connection, now: datetime) -> tuple[Deadline, ...]:
    """Return what DCC and the CSPs have outstanding, for the operator, but for what `counts_hubs`.

    Suppliers are too many to count on a page.
    """
    under, remaining = open_releases(conn), _Remaining(conn, now)
    every = [one for release in under for one in _of_partners(conn, release, remaining, now, (), {})]
    return in_order((*told(conn, every), *csps_not_told(conn, [one.release_id for one in releases.all_releases(conn)])))


def counts_hubs(one: Deadline) -> bool:
    """Whether a task is not among `partner_deadlines`, as hubs have to be counted for it, release by release."""
    counted = (Task.INSTRUCT_ANEW, Task.SELECT_FOR_SUPPLIER, Task.LOOK_INTO_DEVIATIONS)
    return one.kind is PartyKind.SUPPLIER or one.task in counted


def tasks_of_everybody(conn: Connection, release: Release, now: datetime) -> tuple[Deadline, ...]:
    """Return what everybody has outstanding under a release, for the operator; it counts every supplier's hubs.

    Of one that is over it is what DCC decided, or became of a hub, and somebody was not told.
    """
    concerned = suppliers_of_model(conn, release.manufacturer, release.model)
    suppliers = [one for one in parties.all_parties(conn, PartyKind.SUPPLIER) if one.eui in concerned]
    unknown = (
        *csps_not_told(conn, {release.release_id}),
        *decisions_not_told(conn, {release.release_id}, suppliers),
        *outcomes_not_told(conn, {release.release_id}, suppliers),
    )
    if release.state.is_over:
        return in_order(unknown)
    partners = (one for kind in (PartyKind.CSP, PartyKind.DCC) for one in parties.all_parties(conn, kind))
    off_plan = [one for party in partners for one in _off_plan(conn, [release], party, now)]
    dcc = Party(0, PartyKind.DCC, "")
    counts = _counted(conn, [release], dcc, now)
    every = (*_of_release(conn, release, dcc, counts, _Remaining(conn, now), now), *off_plan)
    return in_order(with_news(conn, (*told(conn, every), *unknown), {release.release_id}, suppliers))


def remaining_then(conn: Connection, release: Release, now: datetime) -> tuple[Deadline, ...]:
    """Return what the CSPs are to update at a release's automatic date to come, as far as nothing holds it up now."""
    if release.state is ReleaseState.NOTIFIED or not release.state.is_live or release.paused:
        return ()
    csps, remaining = parties.all_parties(conn, PartyKind.CSP), _Remaining(conn, now)
    counted = ((csp.eui, remaining.of(release, csp)) for csp in csps)
    task, date = Task.UPDATE_REMAINING_HUBS, release.automatic_date
    return tuple(Deadline(release.release_id, PartyKind.CSP, eui, task, date, hubs) for eui, hubs in counted if hubs)


def _off_plan(conn: Connection, under: Sequence[Release], party: Party, now: datetime) -> Iterator[Deadline]:
    found = off_plan_under(conn, scope_of(party), under, now)
    for release in under:
        yield from deviations(release, party.kind, party.eui, found[release.release_id])


def _own_row(one: Deadline, now: datetime) -> Mapping[str, object]:
    told = one.about if one.kind is not PartyKind.SUPPLIER else None
    return {
        "release": one.release_id,
        "whose": OWN,
        "task": one.task.value,
        "subject": one.subject,
        "supplier": None if told is None else format_eui(told),
        "hubs": one.hubs,
        "due": one.due,
        "seconds_left": _seconds(one.due, now),
        "overdue": one.overdue(now),
        "optional": one.optional,
        "state": one.standing(now).value,
        "why": _why(one),
    }


def _other_row(one: Deadline, party: Party, regions: Iterable[str], now: datetime) -> Mapping[str, object]:
    """Return what another party does next; what it is about, and of how many hubs, if that is the viewer's own affair.

    A region that a CSP's list or schedule is for is anybody's: without it, a CSP's tasks could not be told apart.
    `regions`: those of the CSP that it is; no column of the table, as it names the CSP to people. Nor is `more`.
    """
    own_affair = party.kind is PartyKind.SUPPLIER and one.about == party.eui
    return {
        "release": one.release_id,
        "whose": one.kind.value,
        "task": one.task.value,
        "subject": one.subject if own_affair or one.task in OF_REGIONS else "",
        "hubs": one.hubs if own_affair else None,
        "due": one.due,
        "seconds_left": _seconds(one.due, now),
        "overdue": one.overdue(now),
        "optional": one.optional,
        "state": one.standing(now).value,
        "why": _why(one),
        "regions": sorted(regions),
        "more": 0,
    }


def _why(one: Deadline) -> str:
    return "; ".join(filter(None, (one.not_told.words if one.not_told else "", one.why)))


def _seconds(due: datetime | None, now: datetime) -> int | None:
    return None if due is None else int((due - now).total_seconds())


class _Counted(NamedTuple):
    """Of a device model: the suppliers that are looked at, and whose turn it is with its hubs, by release."""

    suppliers: Sequence[int]
    turns: Mapping[str, Turns]


def _counted(conn: Connection, under: Iterable[Release], party: Party, now: datetime) -> Mapping[str, _Counted]:
    """Count whose turn it is under these releases, for a party's eyes; by release, once for all of a device model.

    A supplier has nothing to do with releases for models that it has no hubs of, and none of the other suppliers'
    affairs is looked at for it.
    """
    by_model: dict[tuple[str, str], list[str]] = {}
    for one in under:
        by_model.setdefault((one.manufacturer, one.model), []).append(one.release_id)
    found: dict[str, _Counted] = {}
    for model, ids in by_model.items():
        suppliers = sorted(suppliers_of_model(conn, *model))
        if party.kind is PartyKind.SUPPLIER:
            suppliers = [one for one in suppliers if one == party.eui]
            if not suppliers:
                continue
        whose = scope_of(party) if party.kind is PartyKind.SUPPLIER else Scope()
        found |= dict.fromkeys(ids, _Counted(suppliers, turns(conn, model, suppliers, whose, now)))
    return found


def _of_release(
    conn: Connection,
    release: Release,
    party: Party,
    counts: Mapping[str, _Counted],
    remaining: _Remaining,
    now: datetime,
) -> Iterator[Deadline]:
    """Yield the deadlines that a party is shown or that its view of the others follows from; none without a count."""
    if release.release_id not in counts:
        return
    suppliers = counts[release.release_id].suppliers
    whose_turn = counts[release.release_id].turns[release.release_id]
    duties = _duties(conn, release, suppliers, now)
    put_back = dates_put_back(conn, release)
    missed = tuple(one for one in duties if one.state is pilot_duties.ObligationState.MISSED)
    for eui, supplier in known(conn, suppliers).items():
        facts = SupplierFacts(
            eui,
            eligible=whose_turn.listable[eui],
            listed=tallies.listed(conn, release.release_id, eui),
            unscheduled=whose_turn.unscheduled[eui],
            uninstructed=whose_turn.uninstructed[eui],
            awaited=whose_turn.awaited[eui],
            awaited_until=whose_turn.awaited_until.get(eui),
            obligations=tuple(one for one in duties if one.supplier == eui),
            able=supplier.can_instruct,
            void=whose_turn.void[eui],
            void_until=whose_turn.void_until[eui],
            put_back=put_back,
        )
        yield from supplier_deadlines(release, facts, now)
    if party.kind is PartyKind.SUPPLIER and whose_turn.halves[party.eui]:
        number, until = whose_turn.halves[party.eui], whose_turn.halves_until[party.eui]
        yield from _of_second_supplier(release, party.eui, number, until, now)
    yield from _of_partners(conn, release, remaining, now, missed, whose_turn.void[DCC])


def _of_second_supplier(
    release: Release, supplier: int, hubs: int, ends: datetime, now: datetime
) -> Iterator[Deadline]:
    """Yield what a supplier waits for that has instructed split hubs: the other supplier's instruction, if it can come.

    It is what the supplier knows of its own half, whatever the other one is asked for; and does not say who that is.
    """
    last = last_to_instruct(release)
    if now <= last and release.state.is_live:
        due, task = min(last, ends), Task.INSTRUCT_SPLIT_HUBS
        yield Deadline(release.release_id, PartyKind.SUPPLIER, 0, task, due, hubs, optional=True, about=supplier)


def _of_partners(
    conn: Connection,
    release: Release,
    remaining: _Remaining,
    now: datetime,
    missed: tuple[Obligation, ...],
    void_of_dcc: Mapping[VoidReason, int],
) -> Iterator[Deadline]:
    waiting = says.undecided(conn, release, in_vain=halves_in_vain(conn, release, now))
    undecided = [one for one in waiting if can_be_decided(one, release, now)]
    put_back = dates_put_back(conn, release)
    for csp in parties.all_parties(conn, PartyKind.CSP):
        facts = replace(csp_standing(conn, release, csp, undecided), put_back=put_back)
        if automatic_deployment_begun(release, now):
            facts = replace(facts, remaining=remaining.of(release, csp))
        yield from csp_deadlines(release, facts, now)
    for dcc in parties.all_parties(conn, PartyKind.DCC):
        of_dcc = replace(dcc_standing(conn, release, dcc, missed), void=void_of_dcc)
        yield from dcc_deadlines(release, of_dcc, now)


def dates_put_back(conn: Connection, release: Release) -> Mapping[datetime, datetime]:
    """Return the dates of a release that a notice put into the past, each with when that came."""
    return history.past_dates(conn, release.release_id, dates_of(release))


class _Remaining:
    """The hubs that CSPs are to update by releases whose date has come, each under the one that moves it.

    Counted when they are asked for; of several releases for a device model once for all of them.
    """

    def __init__(self, conn: Connection, now: datetime) -> None:
        self._conn = conn
        self._now = now
        self._moved: dict[tuple[int, str, str], Mapping[str, int]] = {}

    def of(self, release: Release, csp: Party) -> int:
        """Count those of a CSP under a release."""
        model = (release.manufacturer, release.model)
        of_model = [one for one in live_releases(self._conn) if (one.manufacturer, one.model) == model]
        approved = [one for one in of_model if one.state is not ReleaseState.NOTIFIED]
        if len(approved) == 1:
            return tallies.remaining(self._conn, release, csp.regions)
        key = (csp.eui, *model)
        if key not in self._moved:
            self._moved[key] = moved_by(self._conn, scope_of(csp), approved, self._now)
        return self._moved[key].get(release.release_id, 0)


def can_be_decided(group: says.OpenGroup, release: Release, now: datetime) -> bool:
    """Whether a decision on a group can still move anything: its period is not over, and lies where its stage does."""
    period = Period(group.starts, group.ends)
    if is_over(period, now) or not ends_before(period, release.automatic_date):
        return False
    pilot = stage_time(release, Stage.PILOT)
    return group.stage is not Stage.PILOT or (pilot is not None and starts_within(period, pilot))


def automatic_deployment_begun(release: Release, now: datetime) -> bool:
    """Return whether the CSPs are to update whatever remains: the date has come, of a release that may be deployed."""
    approved = release.state is not ReleaseState.NOTIFIED
    return release.state.is_live and approved and now >= release.automatic_date


def _duties(conn: Connection, release: Release, suppliers: Iterable[int], now: datetime) -> tuple[Obligation, ...]:
    if release.pilot is None or not release.obligations or history.pilot_never_was(conn, release):
        return ()
    counted = obligations.provided(conn, release, suppliers)
    pilots = (SupplierPilot(one.supplier, one.eligible, one.provided) for one in counted)
    return tuple(owed for pilot in pilots for owed in pilot_duties.assess(release, pilot, now))


def csp_standing(conn: Connection, release: Release, csp: Party, undecided: Sequence[says.OpenGroup] = ()) -> CspFacts:
    """Return what a CSP has sent under a release, and for which regions; of these groups it has not had its say."""
    concerned = {
        region for region in csp.regions if suppliers_of_model(conn, release.manufacturer, release.model, region)
    }
    return CspFacts(
        csp.eui,
        frozenset(concerned),
        tallies.default_list_regions(conn, release.release_id),
        tallies.schedule_regions(conn, release.release_id, Stage.PILOT),
        tallies.schedule_regions(conn, release.release_id, Stage.SAFE_LAUNCH),
        tuple(_whole_groups(one for one in undecided if one.csp_region in csp.regions)),
    )


def _whole_groups(pieces: Iterable[says.OpenGroup]) -> Iterator[UndecidedGroup]:
    """Yield one task a group, however many of the CSP's regions it lies in."""
    hubs: dict[tuple[int, Stage, str, datetime], int] = {}
    for one in pieces:
        key = (one.supplier, one.stage, one.group_id, one.starts)
        hubs[key] = hubs.get(key, 0) + one.hubs
    for (supplier, _, group_id, starts), number in hubs.items():
        yield UndecidedGroup(supplier, group_id, starts, number)


def dcc_standing(conn: Connection, release: Release, dcc: Party, missed: tuple[Obligation, ...] = ()) -> DccFacts:
    """Return how DCC stands to a release, but for hubs; `missed`: what suppliers owe to its pilot, and is overdue."""
    pilot = rollout.report_of(conn, release.release_id, Stage.PILOT)
    launch = rollout.report_of(conn, release.release_id, Stage.SAFE_LAUNCH)
    decided = rollout.decisions(conn, release.release_id)
    provisional = rollout.unconfirmed(decided)
    proposed = thresholds.find_proposal(conn, release.release_id)
    return DccFacts(
        dcc.eui,
        pilot_outcome=None if pilot is None else pilot.success,
        safe_launch_outcome=None if launch is None else launch.success,
        decided_on_failure=pilot is not None and pilot.decided,
        incidents=tuple(one.reference for one in rollout.incidents(conn, release.release_id)),
        provisional=tuple(one.action.value for one in provisional),
        missed=missed,
        why_paused=_why_paused(decided),
        why_invalidated=_why_invalidated(conn, release),
        proposed_pause="" if proposed is None else proposal_in_words(proposed),
        without_pilot=history.pilot_never_was(conn, release),
    )


def _why_paused(decided: Sequence[RecordedDecision]) -> str:
    """Return the reason of the last decision that suspends a release, provisional ones included."""
    proceeds = (RolloutAction.PROCEED, RolloutAction.DELAY)
    return next((one.reason for one in reversed(decided) if one.action not in proceeds), "")


def _why_invalidated(conn: Connection, release: Release) -> str:
    """Return what invalidated the pilot of a release."""
    event = history.newest(conn, release.release_id, Event.SUCCESSOR_APPROVED)
    return (event.commentary or "") if event is not None else ""
