"""Which instruction of a supplier counts for a hub, and what keeps one from counting: pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from duis_gateway.rollout.hub_events.records import OF_DCC, Ended
from duis_gateway.rollout.periods import is_over, stage_time, starts_within
from duis_gateway.rollout.plans.records import HubInstruction, PlanFacts, VoidReason
from duis_gateway.rollout.releases.records import HubMark, Stage


def counting_of(facts: PlanFacts, supplier: int | None) -> HubInstruction | None:
    """Return the instruction that counts of those that name the hub and can.

    One whose period has not ended counts before one whose has, the supplier's own before DCC's for it, and the newest.
    """

    def weight(one: HubInstruction) -> tuple[bool, bool, datetime]:
        return not is_over(one.counting_period, facts.at), not one.by_dcc, one.received_at

    return max((one for one in given_by(facts, supplier) if obstacle(facts, one) is None), key=weight, default=None)


def counting_together(facts: PlanFacts) -> tuple[HubInstruction | None, HubInstruction | None]:
    """Return what counts of the Import and of the Gas Supplier: none whose period had ended before the other's came."""
    of_import = counting_of(facts, facts.hub.import_supplier)
    of_gas = counting_of(facts, facts.hub.gas_supplier)
    if of_import is not None and of_gas is not None:
        of_import, of_gas = _going_on(facts, of_import, of_gas), _going_on(facts, of_gas, of_import)
        if is_over(of_import.counting_period, of_gas.stands_since):
            return None, of_gas
        if is_over(of_gas.counting_period, of_import.stands_since):
            return of_import, None
    return of_import, of_gas


def _going_on(facts: PlanFacts, counts: HubInstruction, other: HubInstruction) -> HubInstruction:
    """Return a supplier's own instruction in the place of DCC's choice for it while it goes on with the other's half.

    It counts before DCC's until their joint period ends, also once its own period has ended. Where that is so of both
    suppliers, the joint period is over.
    """
    own = [] if _own_of(facts, other) and other.by_dcc else _own_of(facts, counts)
    met = [one for one in own if not is_over(one.counting_period, other.stands_since)]
    if not counts.by_dcc or not met or is_over(other.counting_period, facts.at):
        return counts
    return max(met, key=lambda one: one.received_at)


def _own_of(facts: PlanFacts, counts: HubInstruction) -> list[HubInstruction]:
    given = given_by(facts, counts.supplier)
    return [one for one in given if not one.by_dcc and obstacle(facts, one) is None]


def counting_in_the_plan(facts: PlanFacts, supplier: int) -> HubInstruction | None:
    """Return the instruction of the supplier that counts together with the other's, or the one that could."""
    together = (one for one in counting_together(facts) if one is not None and one.supplier == supplier)
    return next(together, None) or counting_of(facts, supplier)


def ended_void(facts: PlanFacts, supplier: int | None) -> VoidReason | None:
    """Return why a supplier's last instruction of the hub was made void, None where it was not, or another stands.

    `OF_DCC` in the place of a supplier: DCC's batch.
    """
    ended = None if supplier is None else facts.endings.get(supplier)
    if ended is None or given_by(facts, supplier) or ended.word not in tuple(VoidReason):
        return None
    return why_ended(ended)


def why_ended(ended: Ended) -> VoidReason:
    """Return why what has ended moves the hub no more."""
    if ended.word in tuple(VoidReason):
        return VoidReason(ended.word)
    return VoidReason.PERIOD_ENDED if ended.over else VoidReason.NOT_INSTRUCTED


def ended_since(facts: PlanFacts) -> tuple[int, Ended] | None:
    """Return whose instruction was the last to end since everything is over that stands, and how; None where none was.

    Of both suppliers, or for a viewer of its own; `OF_DCC` in the place of a supplier: DCC's batch.
    """
    since = over_since(facts)
    every = ((one, facts.endings[one]) for one in (*sorted(suppliers_seen(facts)), OF_DCC) if one in facts.endings)
    ended = [(one, how) for one, how in every if how.at <= facts.at and not how.over]
    return max(
        (both for both in ended if since is None or since <= both[1].at), key=lambda both: both[1].at, default=None
    )


def over_since(facts: PlanFacts) -> datetime | None:
    """Return when the last ended of what stands and is over, as far as its viewer is told; None where nothing is."""
    whose = suppliers_seen(facts)
    every = [one for one in facts.instructions if one.supplier in whose and obstacle(facts, one) is None]
    periods = [one.counting_period for one in every] + ([] if facts.batch is None else [facts.batch])
    return max((period.end for period in periods if is_over(period, facts.at)), default=None)


def useless_since(facts: PlanFacts) -> datetime | None:
    """Return from when on nothing moves the hub of what stands and cannot count; None where all of it can."""
    useless = [one for one in facts.instructions if one.supplier in facts.hub.suppliers and obstacle(facts, one)]
    return max((one.refused_at or one.received_at for one in useless), default=None)


def suppliers_seen(facts: PlanFacts) -> frozenset[int]:
    """Return the suppliers of the hub of whose instructions the viewer is told how they ended."""
    return facts.hub.suppliers if facts.viewer is None else facts.hub.suppliers & {facts.viewer}


def instructs(facts: PlanFacts, supplier: int) -> bool:
    """Whether an instruction of the supplier, or DCC's for it, can still move the hub: not refused, and not over."""
    counting = counting_of(facts, supplier)
    return counting is not None and not is_over(counting.counting_period, facts.at)


def last_to_end(facts: PlanFacts, supplier: int) -> HubInstruction | None:
    """Return what ends last of a supplier's instructions of a hub, and DCC's for it, that can count."""
    able = (one for one in given_by(facts, supplier) if obstacle(facts, one) is None)
    return max(able, key=lambda one: one.counting_period.end, default=None)


def moves_by_its_own(facts: PlanFacts, supplier: int) -> bool:
    """Whether a group of the supplier's own can still move the hub, whatever DCC chose on its behalf."""
    own = (one for one in given_by(facts, supplier) if not one.by_dcc and obstacle(facts, one) is None)
    return any(not is_over(one.counting_period, facts.at) for one in own)


def going_on_since(facts: PlanFacts, supplier: int) -> datetime | None:
    """Return from when a supplier has instructed a hub without a gap, None where nothing of it counts now.

    What takes the place of that goes on with the other supplier's half, also where that one's own period has ended.
    """
    counting = counting_of(facts, supplier)
    going_on = counting is not None and not is_over(counting.counting_period, facts.at)
    return counting.stands_since if counting is not None and going_on else None


def given_by(facts: PlanFacts, supplier: int | None) -> list[HubInstruction]:
    """Return what a supplier has instructed, the last first: of several of one time `max` takes the first it meets."""
    return [] if supplier is None else [one for one in reversed(facts.instructions) if one.supplier == supplier]


def awaiting_say(facts: PlanFacts, given: Iterable[HubInstruction]) -> list[HubInstruction]:
    """Return those of the instructions on which the CSP has not had its say, and still can."""
    return [one for one in given if not one.by_dcc and one.say is None and not is_over(one.period, facts.at)]


def obstacle(facts: PlanFacts, one: HubInstruction) -> VoidReason | None:
    """Return why an instruction does not count, whatever its hub's other supplier instructs.

    What was over before the release was revised is left as it is, and stays void as it was told.
    """
    if one.is_refused:
        return VoidReason.REFUSED_BY_CSP
    if one.stage is not Stage.PILOT or is_over(one.counting_period, facts.at):
        return None
    if facts.mark is HubMark.EXCLUDED:
        return VoidReason.EXCLUDED
    pilot = stage_time(facts.release, Stage.PILOT)
    in_pilot = pilot is not None and starts_within(one.counting_period, pilot)
    return None if one.by_dcc or in_pilot else VoidReason.OUTSIDE_PILOT


def never_counts(facts: PlanFacts, one: HubInstruction) -> VoidReason | None:
    """Return why an instruction counts for nothing whatever becomes of its release: that was told as it came about."""
    if one.supplier not in facts.hub.suppliers:
        return VoidReason.CHANGED_SUPPLIER
    return VoidReason.REFUSED_BY_CSP if one.is_refused else None
