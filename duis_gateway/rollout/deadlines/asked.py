"""Who is asked for an instruction of one hub, under which release, and by which task: each is asked once; pure.

The releases are those for the hub's model. A hub is asked for under the release that keeps others from it
(`OtherRequestInProgress`), and else under the one that has it next, as in the status.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import datetime

from duis_gateway.rollout.deadlines.rules import VOID_OF_INSTRUCTIONS, Task
from duis_gateway.rollout.estate.rules import Prospect, next_prospect
from duis_gateway.rollout.hub_events.records import OF_DCC
from duis_gateway.rollout.periods import ends_before, is_over
from duis_gateway.rollout.plans.counting import counting_of, ended_void, instructs, over_since
from duis_gateway.rollout.plans.records import PlanFacts, VoidReason
from duis_gateway.rollout.plans.rules import Basis, HubPlan, plan_hub, waiting, why_not_the_batch
from duis_gateway.rollout.plans.void import HALVES, of_ones_own, void_already
from duis_gateway.rollout.releases.records import HubMark, Stage

DCC = 0
"""Whoever stands for DCC among those who have instructed hubs: no party has this EUI-64."""

_LATE = frozenset({VoidReason.TOO_LATE, VoidReason.PERIOD_ENDED})
"""Why an instruction moves a hub no more that would do but for the time: of a split hub the joint one."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody is asked for of a hub: `why` where it is to be instructed anew.

    `until`: when the other supplier's half of a split hub ends with which it goes, None where none stands.
    """

    release_id: str
    who: int
    task: Task
    why: VoidReason | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Outlooks:
    """How a hub stands under the releases for its model that are not over.

    Attributes:
        live: under those in flight, the newest notice first.
        busy: of these, whether something stands under another one, so that it cannot be instructed.
        gone: under those whose pilot a successor invalidated, and on which DCC has to decide, the newest first.
        protectors: the suppliers that protect it.
        listed: the pilots that still take schedules in which suppliers have put it: release and supplier.
        barred: the pilots on whose account safe launch cannot have it yet, likewise.
    """

    live: Sequence[PlanFacts]
    busy: Sequence[bool]
    gone: Sequence[PlanFacts] = ()
    protectors: Set[int] = frozenset()
    listed: Set[tuple[str, int]] = frozenset()
    barred: Set[tuple[str, int]] = frozenset()


def asked(hub: Outlooks) -> Iterator[Asked]:
    """Yield what suppliers and DCC are asked for of a hub that no period and no batch moves, each once."""
    plans = [plan_hub(facts) for facts in hub.live]
    if any(plan.basis in (Basis.INSTRUCTED, Basis.BATCH) for plan in plans) or (hub.live and all(hub.busy)):
        return
    place = _place(hub, plans)
    suppliers = (*hub.live, *hub.gone)[0].hub.suppliers
    for who in sorted(suppliers - hub.protectors):
        found = _of_supplier(hub, place, who)
        if found is not None:
            yield found
    found = _void(place, DCC) or _of_gone(hub, place, DCC)
    if found is not None:
        yield found


def _place(hub: Outlooks, plans: Sequence[HubPlan]) -> PlanFacts | None:
    """Return the hub under the release under which it is asked for, None where it is under none of those in flight."""
    every = [Prospect(facts.release, plan) for facts, plan in zip(hub.live, plans, strict=True)]
    chosen = next_prospect(every)
    runs_it = chosen is not None and chosen.plan.basis is Basis.ACTIVE  # then no older release has it any more
    if any(hub.busy) and not runs_it:
        return next(facts for facts, busy in zip(hub.live, hub.busy, strict=True) if not busy)
    return next((facts for facts, one in zip(hub.live, every, strict=True) if one is chosen), None)


def _of_supplier(hub: Outlooks, place: PlanFacts | None, who: int) -> Asked | None:
    """Return what a supplier is asked for: what is missing of a plan, then its pilot's schedule, then what is void."""
    if place is None or plan_hub(place).basis is not Basis.AUTOMATIC_DATE:
        return None
    release_id = place.release.release_id
    until = dict(_awaited(place)).get(who)
    if until is not None:
        return Asked(release_id, who, Task.INSTRUCT_SPLIT_HUBS, until=until)
    pilots = _pilots_without_schedule(hub, who)
    useless = in_vain(place, who)
    void = None if useless else _void(place, who)
    if pilots and (void is None or release_id not in pilots):
        return Asked(release_id if release_id in pilots else pilots[0], who, Task.SEND_PREFERRED_SCHEDULE)
    if useless:
        return None
    launch = Asked(release_id, who, Task.INSTRUCT_SAFE_LAUNCH)
    if void is not None or any(one.supplier == who for one in place.instructions):
        return void or (launch if who in _chosen_in_vain(place) else None)
    return _of_gone(hub, place, who) or (None if (release_id, who) in hub.barred else launch)


def in_vain(facts: PlanFacts, who: int) -> bool:
    """Whether a supplier would instruct its half of a split hub in vain: the other supplier cannot instruct.

    What DCC has chosen on the other's behalf stands in for it.
    """
    return any(not instructs(facts, one) for one in (facts.hub.suppliers - {who}) & facts.unable)


def _pilots_without_schedule(hub: Outlooks, who: int) -> list[str]:
    """Return the releases in whose pilot the supplier has put the hub, and for which it is still to be scheduled."""
    free = (facts for facts, busy in zip(hub.live, hub.busy, strict=True) if not busy)
    return [
        facts.release.release_id
        for facts in free
        if (facts.release.release_id, who) in hub.listed
        and facts.mark is not HubMark.EXCLUDED
        and not in_vain(facts, who)
        and plan_hub(facts).basis is Basis.AUTOMATIC_DATE
        and not any(one.supplier == who and one.stage is Stage.PILOT for one in facts.instructions)
    ]


def _of_gone(hub: Outlooks, place: PlanFacts | None, who: int) -> Asked | None:
    """Return what the approval of a successor has made void, as long as nothing that stands has taken its place.

    It is asked for under the release that takes it: until DCC decides, the one that gave way takes nothing (E110601),
    and of a hub that no other is for nobody is asked anything but DCC for that decision.
    """
    if place is None or plan_hub(place).basis is not Basis.AUTOMATIC_DATE:
        return None
    if any(instructs(facts, one) for facts in hub.live for one in facts.hub.suppliers):
        return None
    for facts in hub.gone:
        if plan_hub(facts).void is VoidReason.PILOT_INVALIDATED:
            reason = dict(reversed([*_ended(facts)])).get(who)
            if reason is not None:
                return Asked(place.release.release_id, who, Task.INSTRUCT_ANEW, reason)
    return None


def _void(place: PlanFacts | None, who: int) -> Asked | None:
    """Return what is to be instructed anew by whoever gave it, as it is void; the first reason of several."""
    if place is None or plan_hub(place).basis is not Basis.AUTOMATIC_DATE:
        return None
    reason = next((why for one, why in _given_void(place, plan_hub(place).void) if one == who), None)
    if reason is None:
        return None
    return Asked(place.release.release_id, who, Task.INSTRUCT_ANEW, reason, _until_the_other_ends(place, who))


def _until_the_other_ends(facts: PlanFacts, who: int) -> datetime | None:
    """Return when the other supplier's half of a split hub ends: what is missing of it has to come before."""
    if who not in facts.hub.suppliers or instructs(facts, who):
        return None
    others = (counting_of(facts, one) for one in facts.hub.suppliers - {who} if instructs(facts, one))
    return next((other.counting_period.end for other in others if other is not None), None)


def _given_void(facts: PlanFacts, void: VoidReason | None) -> Iterator[tuple[int, VoidReason]]:
    """Yield whose instruction moves the hub no more, and why: of what DCC gave, what moved it last comes first."""
    of_batch, over = ended_void(facts, OF_DCC), over_since(facts)
    if of_batch in VOID_OF_INSTRUCTIONS and (over is None or over <= facts.endings[OF_DCC].since):
        yield DCC, of_batch
    if void in VOID_OF_INSTRUCTIONS:
        for who in _who(facts, void):
            yield who, of_ones_own(facts, who, void) if void is VoidReason.REFUSED_BY_CSP else void
    elif void in HALVES:
        for who in _ended_alone(facts):
            yield who, VoidReason.PERIOD_ENDED
    of_dcc = _why_not_of_dcc(facts, void)
    if of_dcc in VOID_OF_INSTRUCTIONS:
        yield DCC, of_dcc
    yield from _ended(facts)


def _awaited(facts: PlanFacts) -> Iterator[tuple[int, datetime]]:
    """Yield the second supplier of a split hub that the other alone has instructed, in time, if it has not at all.

    And when the other's ends: from then on there is nothing to go with.
    """
    one = waiting(facts)
    if one is None or is_over(one.counting_period, facts.at):
        return
    if ends_before(one.counting_period, facts.release.automatic_date):
        instructed = {given.supplier for given in facts.instructions if not given.by_dcc}
        for second in facts.hub.suppliers - instructed - {one.supplier} - dict(_ended(facts)).keys():
            yield second, one.counting_period.end


def _ended(facts: PlanFacts) -> Iterator[tuple[int, VoidReason]]:
    """Yield whose instruction something has ended, as a revision, and why; none stands in its place.

    What DCC chose on a supplier's behalf was DCC's.
    """
    for supplier in dict.fromkeys((facts.hub.import_supplier, facts.hub.gas_supplier)):
        reason = ended_void(facts, supplier)
        if supplier is not None and reason in VOID_OF_INSTRUCTIONS:
            yield DCC if facts.endings[supplier].by_dcc else supplier, reason
    of_batch = ended_void(facts, OF_DCC)
    if of_batch in VOID_OF_INSTRUCTIONS:
        yield DCC, of_batch


def _ended_alone(facts: PlanFacts) -> Iterator[int]:
    """Yield the suppliers of a split hub whose period ended before the other instructed: nothing else is against it."""
    for supplier in facts.hub.suppliers:
        own = any(one.supplier == supplier and not one.by_dcc for one in facts.instructions)
        if own and not instructs(facts, supplier):
            yield supplier


def _who(facts: PlanFacts, reason: VoidReason) -> Iterator[int]:
    """Yield those whose instruction is void; one that still waits for the other supplier's is not."""
    for supplier in facts.hub.suppliers:
        own = any(one.supplier == supplier and not one.by_dcc for one in facts.instructions)
        if own and (reason in _LATE or not instructs(facts, supplier)):
            yield supplier


def _why_not_of_dcc(facts: PlanFacts, void: VoidReason | None) -> VoidReason | None:
    """Return why what DCC instructed moves the hub no more: its batch, or its choices; None where they still can.

    What keeps a supplier's half from counting says nothing of DCC's choice for the other, which may stand validly.
    """
    of_batch = why_not_the_batch(facts)
    if void in VOID_OF_INSTRUCTIONS and of_batch is not None:
        return void if void in _LATE else of_batch[1]
    chosen = {one.supplier for one in facts.instructions if one.by_dcc} & facts.hub.suppliers
    if void in _LATE:
        return void if chosen else None
    ended = (void_already(facts, one, by_dcc=True) for one in sorted(chosen) if not instructs(facts, one))
    return next(filter(None, ended), None)


def _chosen_in_vain(facts: PlanFacts) -> Iterator[int]:
    """Yield the suppliers for which DCC chose the hub, and which have not instructed it, where that moves it not."""
    reason = plan_hub(facts).void
    for supplier in facts.hub.suppliers:
        given = [one for one in facts.instructions if one.supplier == supplier]
        if given and all(one.by_dcc for one in given) and (reason in _LATE or not instructs(facts, supplier)):
            yield supplier
