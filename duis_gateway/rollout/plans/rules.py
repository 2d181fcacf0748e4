"""When a hub is planned to be updated, and why (BR-3.1 to BR-3.9, BR-4.1, BR-4.2, PIA-C2, PIA-S5).

The plan follows, at any time, from what stands then. So a former supplier's instruction no longer counts, and
responsibility, status and version are looked at again (design section 7, "Inventory changes"). What was told of it is
remembered (`plans.told`), and compared with what follows now (`plans.comparison`). No text here says who a supplier
is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from duis_gateway.rollout.eligibility import Unfit, runs, unfit
from duis_gateway.rollout.periods import ends_before, instruction_in_time, is_over
from duis_gateway.rollout.plans.counting import (
    awaiting_say,
    counting_in_the_plan,
    counting_of,
    counting_together,
    given_by,
    instructs,
    obstacle,
    useless_since,
)
from duis_gateway.rollout.plans.records import (
    GroupName,
    HubInstruction,
    PlanBasis,
    PlanFacts,
    PlanStanding,
    ToldPlan,
    VoidReason,
)
from duis_gateway.rollout.plans.words import and_otherwise, and_since, both_halves, half_of, how_it_ended
from duis_gateway.rollout.releases.records import HubMark, Period, ReleaseState, Stage
from duis_gateway.rollout.rollout_decisions.records import GroupDecision
from duis_gateway.rollout.second_suppliers.rules import SplitBasis, SplitPlan, planned_period


class Basis(StrEnum):
    """What a plan rests on."""

    NOT_PLANNED = "not_planned"
    ACTIVE = "active"
    INSTRUCTED = "instructed"
    BATCH = "batch"
    AUTOMATIC_DATE = "automatic_date"


@dataclass(frozen=True, slots=True)
class HubPlan:
    """When a hub is to be updated.

    Attributes:
        basis: what the plan rests on.
        period: the period planned, None where the automatic date stands or nothing is planned.
        due: the last moment of the plan (the end of the period, or the automatic date), None if nothing is planned.
        stage: the stage in which the hub is updated, None if nothing is planned.
        indicative: the CSP has not yet had its final say on every instruction that counts.
        held: the release is paused, and so is the plan.
        explanation: when, and the reason in words, for the hub's suppliers and the operator.
        reason: the reason alone, where `basis`, `period` and `held` are shown beside it.
        void: why nothing but the automatic date moves the hub, None where a period is planned.
        by_dcc: DCC instructed what is planned; of a split hub it is not said for whom DCC chose it.
    """

    basis: Basis
    explanation: str
    period: Period | None = None
    due: datetime | None = None
    stage: Stage | None = None
    indicative: bool = False
    held: bool = False
    void: VoidReason | None = None
    by_dcc: bool = False
    reason: str = field(default="", compare=False)

    @property
    def told(self) -> ToldPlan | VoidReason:
        """What is told of the plan (X09): a plan that is held is void until DCC proceeds."""
        if self.period is None or self.stage is None:
            return self.void or VoidReason.NOT_INSTRUCTED
        if self.held:
            return VoidReason.PAUSED
        basis = PlanBasis.DCC if self.by_dcc else PlanBasis.SUPPLIERS
        standing = PlanStanding.REQUESTED if self.indicative else PlanStanding.FIXED
        return ToldPlan(self.stage, basis, standing, self.period)


def plan_hub(facts: PlanFacts) -> HubPlan:
    """Return what is planned for a hub under a release, with the reason."""
    settled = _settled(facts)
    if settled is not None:
        return settled
    import_instruction, gas_instruction = counting_together(facts)
    release = facts.release
    one_party = len(facts.hub.suppliers) < 2
    split = planned_period(
        _period_of(import_instruction), _period_of(gas_instruction), one_party, release.automatic_date
    )
    if split.period is not None and not is_over(split.period, facts.at):
        counting = [given for given in (import_instruction, gas_instruction) if given is not None]
        return _instructed(facts, split.period, split.basis, counting)
    reason, void = _why_not(facts, split)
    over = why_not_the_batch(facts)
    if facts.undated_batch or (facts.batch is not None and over is None):
        return _batch(facts, facts.batch, reason, void)
    if over is not None:
        words, ended = over
        reason = f"{reason}; {words}"
        void = ended if _moved_until(facts, facts.batch, void) else void
    text = f"{reason}{_also(facts)}"
    return _plan(facts, Basis.AUTOMATIC_DATE, text, None, Stage.SAFE_LAUNCH, indicative=True, void=void)


def _settled(facts: PlanFacts) -> HubPlan | None:
    """Return the plan of a hub for which there is nothing left to plan."""
    hub, release = facts.hub, facts.release
    if runs(hub, release):
        return _without_a_period(Basis.ACTIVE, f"the hub runs version {hub.firmware_version}", VoidReason.RUNS_VERSION)
    why = unfit(hub, release)
    if why is not None:
        words = _UNFIT[why].format(type=hub.device_type, status=hub.status, version=hub.firmware_version)
        return _without_a_period(Basis.NOT_PLANNED, words, _UNFIT_TOLD[why])
    if not release.state.is_live:
        invalidated = release.state is ReleaseState.INVALIDATED
        void = VoidReason.PILOT_INVALIDATED if invalidated else VoidReason.RELEASE_OVER
        return _without_a_period(Basis.NOT_PLANNED, f"the release is {release.state.value}", void)
    return None


def _without_a_period(basis: Basis, reason: str, void: VoidReason) -> HubPlan:
    """Return the plan of a hub with which nothing is to be done; the basis says so already."""
    return HubPlan(basis, reason, void=void, reason=reason)


_UNFIT = {
    Unfit.NO_HUB: "the device is of type {type}, not a Communications Hub",
    Unfit.NOT_COMMISSIONED: "the device is {status}, not a commissioned hub",
    Unfit.OTHER_MODEL: "the release is for another device model",
    Unfit.LATER_VERSION: "the hub runs version {version}, which a later release brought",
    Unfit.NOT_PERMITTED: "the hub runs version {version}, which the release does not permit as a predecessor",
}


_UNFIT_TOLD = {
    Unfit.NO_HUB: VoidReason.NOT_COMMISSIONED,
    Unfit.NOT_COMMISSIONED: VoidReason.NOT_COMMISSIONED,
    Unfit.OTHER_MODEL: VoidReason.OTHER_MODEL,
    Unfit.LATER_VERSION: VoidReason.LATER_VERSION,
    Unfit.NOT_PERMITTED: VoidReason.NOT_PERMITTED,
}


def waiting(facts: PlanFacts) -> HubInstruction | None:
    """Return the instruction of a split hub that moves nothing as the other supplier's is not there, None if none.

    It is the same one after its period has ended, until the other supplier instructs.
    """
    if len(facts.hub.suppliers) < 2 or _settled(facts) is not None:
        return None
    given = [one for one in counting_together(facts) if one is not None]
    return given[0] if len(given) == 1 else None


def stays_alone(facts: PlanFacts) -> bool:
    """Whether one half of a split hub moves nothing whatever its CSP says: the other's cannot come in time any more."""
    alone = waiting(facts) is not None and _obstacles(facts) is None
    return alone and _half(facts) is VoidReason.SECOND_SUPPLIER_TOO_LATE


def has_passed(facts: PlanFacts, supplier: int) -> bool:
    """Whether what the supplier instructed of the hub moves it no more as its time has passed, the joint one too.

    What DCC has chosen on its behalf since does not make it go on.
    """
    own = [one.counting_period for one in given_by(facts, supplier) if not one.by_dcc]
    if not own or not all(is_over(period, facts.at) for period in own):
        return False
    counts = counting_in_the_plan(facts, supplier)
    return (counts is not None and counts.by_dcc) or plan_hub(facts).basis is not Basis.INSTRUCTED


def has_begun(facts: PlanFacts, paused_since: datetime | None = None) -> bool:
    """Whether the hub moves now, by whatever: the period that is planned has begun, and CS06 may have been sent.

    It is the one that the CSP fixed, or that was asked for where it fixed none; of a split hub the joint one. Where the
    release is not approved yet, nothing could be sent. Where it is paused (`paused_since`), nothing could be since
    then; whether the hub moved before is not seen from a plan that may have been moved meanwhile.
    """
    plan = plan_hub(facts)
    if plan.period is None or facts.release.state is ReleaseState.NOTIFIED:
        return False
    return plan.period.start <= (paused_since or facts.at)


def is_under_way(
    facts: PlanFacts, supplier: int, groups: Collection[GroupName], paused_since: datetime | None = None
) -> bool:
    """Whether the hub moves now by one of these groups of the supplier's (`has_begun`)."""
    counting = counting_in_the_plan(facts, supplier)
    if counting is None or counting.by_dcc or GroupName(counting.group_id, counting.stage) not in groups:
        return False
    return plan_hub(facts).basis is Basis.INSTRUCTED and has_begun(facts, paused_since)


def _is_of_piece(instruction: HubInstruction) -> bool:
    return instruction.say is not None and instruction.say.piece


def _period_of(instruction: HubInstruction | None) -> Period | None:
    return None if instruction is None else instruction.counting_period


def _instructed(facts: PlanFacts, period: Period, basis: SplitBasis, counting: Iterable[HubInstruction]) -> HubPlan:
    given = tuple(counting)
    stage = Stage.PILOT if all(one.stage is Stage.PILOT for one in given) else Stage.SAFE_LAUNCH
    if basis is not SplitBasis.ONE_INSTRUCTION:
        text = f"{both_halves(facts, given)}; the later start and the later end count"
    else:
        own = given[0].supplier == facts.viewer
        text = f"{'you have' if own else 'its supplier has'} instructed it"
        if given[0].by_dcc:
            text = f"DCC chose the hub on {'your' if own else _ITS_SUPPLIERS} behalf"
    said = [one.say is not None for one in given if not one.by_dcc]
    open_say = not all(said)
    say = _undecided(facts, given) if open_say else _decided(facts, given)
    if all(one.by_dcc for one in given):
        say = "the CSP is told, not asked"
    by_dcc = basis is SplitBasis.ONE_INSTRUCTION and given[0].by_dcc
    text = f"{text}; {say}"
    return _plan(facts, Basis.INSTRUCTED, text, period, stage, indicative=open_say, by_dcc=by_dcc)


def _undecided(facts: PlanFacts, given: Iterable[HubInstruction]) -> str:
    """Return in words that the CSP has not decided on all that counts; on what is over it is not asked to any more."""
    several = tuple(given)
    said = [half_of(facts, one) for one in several if one.say is not None]
    left = [half_of(facts, one) for one in several if one.say is None]
    if awaiting_say(facts, several):
        return f"the CSP has decided on {said[0]}, but not yet on {left[0]}" if said else "the CSP has not decided yet"
    return f"the CSP decided in time on {said[0]}, but not on {left[0]}" if said else "the CSP did not decide in time"


def _decided(facts: PlanFacts, given: Iterable[HubInstruction]) -> str:
    """Return in words what the CSP said of instructions of which it refused none."""
    said = [(one, one.say) for one in given if one.say is not None]
    amended = [(one, say) for one, say in said if say.decision is GroupDecision.AMENDED]
    if not amended:
        return "the CSP has decided" + (" on part of the group" if any(say.piece for _, say in said) else "")
    what = "part of the group" if any(say.piece for _, say in amended) else "the period"
    if facts.viewer is not None and all(one.supplier != facts.viewer for one, _ in amended):
        what = "the second supplier's period"
    reasons = "; ".join(dict.fromkeys(filter(None, (_reason(facts, one) for one, _ in amended))))
    return f"the CSP amended {what}" + (f" ({reasons})" if reasons else "")


def _reason(facts: PlanFacts, instruction: HubInstruction) -> str | None:
    """Return the CSP's own words: to the supplier that they were meant for, and to the operator."""
    if instruction.say is None or facts.viewer not in (None, instruction.supplier):
        return None
    return instruction.say.reason


def _batch(facts: PlanFacts, period: Period | None, reason: str, void: VoidReason) -> HubPlan:
    text = f"DCC instructed it in a batch; {reason}"
    stage = Stage.PILOT if period is not None and _moves_in_the_pilot(facts, period) else Stage.SAFE_LAUNCH
    why = void if period is None else None
    return _plan(facts, Basis.BATCH, text, period, stage, indicative=False, void=why, by_dcc=True)


def _moves_in_the_pilot(facts: PlanFacts, period: Period) -> bool:
    """Whether a hub of the pilot moves before the pilot's end: safe launch has no hub of it until then (BR-0.3)."""
    pilot = facts.release.pilot
    return facts.in_pilot and pilot is not None and period.start < pilot.period.end


def _why_not(facts: PlanFacts, split: SplitPlan) -> tuple[str, VoidReason]:
    """Return why no instruction moves the hub: in words, by role alone, and as it is told."""
    # Beside a period of DCC's batch it would not be clear which one is meant, or before what it has to end.
    besides = facts.batch is not None and why_not_the_batch(facts) is None
    if split.period is not None:
        over = "what was instructed besides is over" if besides else "the instructed period has ended"
        return f"{over}{and_since(facts)}", VoidReason.PERIOD_ENDED
    if split.basis is SplitBasis.TOO_LATE:
        late = "what was instructed besides does not end before the automatic date"
        return late if besides else "the instructed period does not end before it", VoidReason.TOO_LATE
    text, void = _why_not_instructed(facts, split)
    return f"{text}{and_otherwise(facts)}", void


def _why_not_instructed(facts: PlanFacts, split: SplitPlan) -> tuple[str, VoidReason]:
    """Return the same of a hub that is instructed by nobody who must, or not by all of them."""
    hub = facts.hub
    if split.basis is SplitBasis.IMPORT_SUPPLIER_SILENT:
        text = f"{_silence(facts, hub.import_supplier, _IMPORT)}{_of_half(facts, 'Gas', hub.gas_supplier)}"
        return text, _obstacles(facts) or _half(facts)
    if split.basis is SplitBasis.GAS_SUPPLIER_SILENT:
        text = f"{_silence(facts, hub.gas_supplier, _GAS)}{_of_half(facts, 'Import', hub.import_supplier)}"
        return text, _obstacles(facts) or _half(facts)
    if not hub.suppliers:
        return "no supplier is responsible for the hub", VoidReason.NOT_INSTRUCTED
    if len(hub.suppliers) == 1:
        text = _silence(facts, next(iter(hub.suppliers)), "its supplier")
    else:
        text = f"{_silence(facts, hub.import_supplier, _IMPORT)} and {_silence(facts, hub.gas_supplier, _GAS)}"
    return text, _obstacles(facts) or VoidReason.NOT_INSTRUCTED


def _half(facts: PlanFacts) -> VoidReason:
    """Return why one half of a split hub moves nothing: the other is awaited as long as it can come."""
    late = not instruction_in_time(facts.at, facts.release.automatic_date)
    return VoidReason.SECOND_SUPPLIER_TOO_LATE if late else VoidReason.AWAITS_SECOND_SUPPLIER


def _of_half(facts: PlanFacts, role: str, supplier: int | None) -> str:
    """Return what more there is to say of a split hub that the supplier in this role alone has instructed."""
    if supplier is None or not instructs(facts, supplier):
        whose = "your" if supplier == facts.viewer else f"the {role} Supplier's"
        return f", and the period of {whose} instruction has ended"
    return ", and it is too late to instruct it" if _half(facts) is VoidReason.SECOND_SUPPLIER_TOO_LATE else ""


def why_not_the_batch(facts: PlanFacts) -> tuple[str, VoidReason] | None:
    """Return why DCC's batch moves the hub no more, if it names a period: in words, and as it is told."""
    if facts.batch is None:
        return None
    if not ends_before(facts.batch, facts.release.automatic_date):
        return "the period of DCC's batch does not end before it", VoidReason.TOO_LATE
    if is_over(facts.batch, facts.at):
        return "the period of DCC's batch has ended", VoidReason.PERIOD_ENDED
    return None


def _moved_until(facts: PlanFacts, batch: Period | None, void: VoidReason) -> bool:
    """Whether a batch that is over moved the hub until then: nobody instructed it, or only what could not count."""
    if void is VoidReason.NOT_INSTRUCTED:
        return True
    since = useless_since(facts)
    cannot_count = void in (VoidReason.REFUSED_BY_CSP, VoidReason.OUTSIDE_PILOT, VoidReason.EXCLUDED)
    return cannot_count and batch is not None and since is not None and not is_over(batch, since)


def _obstacles(facts: PlanFacts) -> VoidReason | None:
    """Return what keeps the newest of the instructions that cannot count from counting, if one could take part."""
    silent = [supplier for supplier in facts.hub.suppliers if counting_of(facts, supplier) is None]
    given = [one for supplier in silent for one in given_by(facts, supplier)]
    return obstacle(facts, max(given, key=lambda one: one.received_at)) if given else None


_IMPORT, _GAS, _ITS_SUPPLIERS = "the Import Supplier", "the Gas Supplier", "its supplier's"


def _silence(facts: PlanFacts, supplier: int | None, role: str) -> str:
    """Return what a supplier did of which nothing moves the hub; whoever looks is called "you"."""
    if supplier is not None and supplier == facts.viewer:
        return f"you {_why_silent(facts, supplier, 'have', 'your')}"
    return f"{role} {_why_silent(facts, supplier, 'has', 'its')}"


def _why_silent(facts: PlanFacts, supplier: int | None, has: str, its: str) -> str:
    given = given_by(facts, supplier)
    if given:
        newest = max(given, key=lambda one: one.received_at)
        return f"{has} instructed, but {_in_words(facts, newest)}"
    if supplier in facts.withheld and supplier == facts.viewer:
        return f"{has} instructed, but you protect it"
    cannot = "cannot instruct (older DUIS version)" if supplier in facts.unable else None
    cannot = "cannot instruct (it is not registered)" if supplier in facts.unregistered else cannot
    return how_it_ended(facts, supplier, has, its, cannot)


def _in_words(facts: PlanFacts, instruction: HubInstruction) -> str:
    match obstacle(facts, instruction):
        case None:
            return "its period ended before the other supplier instructed"
        case VoidReason.EXCLUDED:
            return "the hub is excluded from the pilot"
        case VoidReason.OUTSIDE_PILOT:
            return "its period does not lie within the pilot"
    reason = _reason(facts, instruction)
    what = " this part of the group" if _is_of_piece(instruction) else ""
    return f"the CSP refused{what}" + (f" ({reason})" if reason else "")


def _also(facts: PlanFacts) -> str:
    notes = []
    if facts.viewer is None and any(one.supplier not in facts.hub.suppliers for one in facts.instructions):
        notes.append("what a former supplier instructed no longer counts")
    if facts.scheduled is not None:
        aims = f"the CSP's schedule aims at {_words(facts.scheduled)}"
        notes.append(f"{aims}, which binds nobody: the automatic date counts unless the hub is instructed")
    if facts.mark is HubMark.PROVING:
        notes.append("a proving hub, always in the pilot")
    if facts.mark is HubMark.EXCLUDED:
        notes.append("excluded from the pilot; DCC may update it beforehand")
    return "".join(f"; {note}" for note in notes)


def _plan(
    facts: PlanFacts,
    basis: Basis,
    text: str,
    period: Period | None,
    stage: Stage,
    *,
    indicative: bool,
    void: VoidReason | None = None,
    by_dcc: bool = False,
) -> HubPlan:
    held = facts.release.paused
    waits = _HELD if held else _UNAPPROVED if facts.release.state is ReleaseState.NOTIFIED else ""
    when = "automatic date" if period is None else _words(period)
    return HubPlan(
        basis=basis,
        explanation=f"{waits}{when}: {text}",
        period=period,
        due=facts.release.automatic_date if period is None else period.end,
        stage=stage,
        indicative=indicative,
        held=held,
        void=void,
        by_dcc=by_dcc,
        reason=text,
    )


_HELD = "held, because the release is paused; "
_UNAPPROVED = "not before DCC approves the release; "


def _words(period: Period) -> str:
    return f"{period.start:%Y-%m-%d %H:%M} to {_moment(period.end)}"


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
