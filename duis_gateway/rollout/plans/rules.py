"""When a hub is planned to be updated, and why (BR-3.1 to BR-3.9, BR-4.1, BR-4.2, PIA-C2, PIA-S5).

Nothing is remembered: the plan follows, at any time, from what stands then. So a former supplier's instruction no
longer counts, and responsibility, status and version are looked at again (design section 7, "Inventory changes").
No text here says who a supplier is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from duis_gateway.rollout.eligibility import Unfit, runs, unfit
from duis_gateway.rollout.periods import ends_before
from duis_gateway.rollout.plans.records import HubInstruction, PlanFacts
from duis_gateway.rollout.releases.records import HubMark, Period, Stage
from duis_gateway.rollout.rollout_decisions.records import GroupDecision
from duis_gateway.rollout.second_suppliers.rules import SplitBasis, planned_period


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
        explanation: the reason in words, for the hub's suppliers and the operator.
    """

    basis: Basis
    explanation: str
    period: Period | None = None
    due: datetime | None = None
    stage: Stage | None = None
    indicative: bool = False
    held: bool = False


def plan_hub(facts: PlanFacts) -> HubPlan:
    """Return what is planned for a hub under a release, with the reason."""
    settled = _settled(facts)
    if settled is not None:
        return settled
    import_instruction = _counting(facts, facts.hub.import_supplier)
    gas_instruction = _counting(facts, facts.hub.gas_supplier)
    release = facts.release
    one_party = len(facts.hub.suppliers) < 2
    split = planned_period(
        _period_of(import_instruction), _period_of(gas_instruction), one_party, release.automatic_date
    )
    if split.period is not None:
        counting = [given for given in (import_instruction, gas_instruction) if given is not None]
        return _instructed(facts, split.period, split.basis, counting)
    reason = _why_not(facts, split.basis)
    if facts.undated_batch or (facts.batch is not None and ends_before(facts.batch, release.automatic_date)):
        return _batch(facts, facts.batch, reason)
    text = f"automatic date: {reason}{_also(facts)}"
    return _plan(facts, Basis.AUTOMATIC_DATE, text, None, Stage.SAFE_LAUNCH, indicative=True)


def _settled(facts: PlanFacts) -> HubPlan | None:
    """Return the plan of a hub for which there is nothing left to plan."""
    hub, release = facts.hub, facts.release
    if runs(hub, release):
        return HubPlan(Basis.ACTIVE, f"active: the hub runs version {hub.firmware_version}")
    why = unfit(hub, release)
    if why is not None:
        words = _UNFIT[why].format(status=hub.status, version=hub.firmware_version)
        return HubPlan(Basis.NOT_PLANNED, f"not planned: {words}")
    if not release.state.is_live:
        return HubPlan(Basis.NOT_PLANNED, f"not planned: the release is {release.state.value}")
    return None


_UNFIT = {
    Unfit.NO_HUB: "the device is {status}, not a commissioned hub",
    Unfit.NOT_COMMISSIONED: "the device is {status}, not a commissioned hub",
    Unfit.OTHER_MODEL: "the release is for another device model",
    Unfit.LATER_VERSION: "the hub runs version {version}, which a later release brought",
    Unfit.NOT_PERMITTED: "the hub runs version {version}, and the release does not permit it as its predecessor",
}


def _counting(facts: PlanFacts, supplier: int | None) -> HubInstruction | None:
    """Return the supplier's newest instruction that the CSP did not refuse; its own counts before DCC's for it."""
    given = [one for one in _given(facts, supplier) if not _is_refused(one)]
    return max(given, key=lambda one: (not one.by_dcc, one.received_at), default=None)


def _given(facts: PlanFacts, supplier: int | None) -> list[HubInstruction]:
    if supplier is None:
        return []
    mine = [one for one in facts.instructions if one.supplier == supplier]
    if facts.mark is HubMark.EXCLUDED:
        return [one for one in mine if one.stage is not Stage.PILOT]
    return mine


def _is_refused(instruction: HubInstruction) -> bool:
    return instruction.say is not None and instruction.say.decision is GroupDecision.REFUSED


def _is_of_piece(instruction: HubInstruction) -> bool:
    return instruction.say is not None and instruction.say.piece


def _period_of(instruction: HubInstruction | None) -> Period | None:
    """PIA-C2: the CSP has the final say, so that a period which it fixed takes the place of the one instructed."""
    if instruction is None:
        return None
    say = instruction.say
    return say.period if say is not None and say.period is not None else instruction.period


def _instructed(facts: PlanFacts, period: Period, basis: SplitBasis, counting: Iterable[HubInstruction]) -> HubPlan:
    given = tuple(counting)
    stage = Stage.PILOT if all(one.stage is Stage.PILOT for one in given) else Stage.SAFE_LAUNCH
    open_say = any(one.say is None for one in given)
    text = "both suppliers have instructed, the later start and the later end count"
    if basis is SplitBasis.ONE_INSTRUCTION:
        text = "DCC chose the hub on its supplier's behalf" if given[0].by_dcc else "its supplier has instructed it"
    say = "the CSP has decided"
    if open_say:
        say = "the CSP has not decided yet"
    elif any(_is_of_piece(one) for one in given):
        say = "the CSP has decided on a piece of the group"
    return _plan(facts, Basis.INSTRUCTED, f"{_words(period)}: {text}; {say}", period, stage, indicative=open_say)


def _batch(facts: PlanFacts, period: Period | None, reason: str) -> HubPlan:
    when = "automatic date" if period is None else _words(period)
    text = f"{when}: DCC instructed it in a batch; {reason}"
    return _plan(facts, Basis.BATCH, text, period, Stage.SAFE_LAUNCH, indicative=False)


def _why_not(facts: PlanFacts, basis: SplitBasis) -> str:
    """Return why no instruction counts, by role alone."""
    hub = facts.hub
    if basis is SplitBasis.TOO_LATE:
        return "the period instructed does not end before it"
    if basis is SplitBasis.IMPORT_SUPPLIER_SILENT:
        return f"the Import Supplier {_silence(facts, hub.import_supplier)}"
    if basis is SplitBasis.GAS_SUPPLIER_SILENT:
        return f"the Gas Supplier {_silence(facts, hub.gas_supplier)}"
    if not hub.suppliers:
        return "no supplier is responsible for the hub"
    if len(hub.suppliers) == 1:
        return f"its supplier {_silence(facts, next(iter(hub.suppliers)))}"
    return (
        f"the Import Supplier {_silence(facts, hub.import_supplier)}"
        f" and the Gas Supplier {_silence(facts, hub.gas_supplier)}"
    )


def _silence(facts: PlanFacts, supplier: int | None) -> str:
    refused = [one for one in _given(facts, supplier) if _is_refused(one)]
    if refused:
        newest = max(refused, key=lambda one: one.received_at)
        reason = newest.say.reason if newest.say is not None and facts.viewer in (None, supplier) else None
        what = " this piece of the group" if _is_of_piece(newest) else ""
        return f"has instructed, but the CSP refused{what}" + (f" ({reason})" if reason else "")
    if supplier in facts.unable:
        return "cannot instruct (older DUIS version)"
    return "has not instructed"


def _also(facts: PlanFacts) -> str:
    notes = []
    if facts.scheduled is not None:
        notes.append(f"the CSP's schedule has it for {_words(facts.scheduled)}")
    if facts.mark is HubMark.PROVING:
        notes.append("a proving hub, always in the pilot")
    if facts.mark is HubMark.EXCLUDED:
        notes.append("excluded from the pilot, DCC may update it before")
    return "".join(f"; {note}" for note in notes)


def _plan(
    facts: PlanFacts, basis: Basis, text: str, period: Period | None, stage: Stage, *, indicative: bool
) -> HubPlan:
    held = facts.release.paused
    return HubPlan(
        basis=basis,
        explanation=f"held, as the release is paused; {text}" if held else text,
        period=period,
        due=facts.release.automatic_date if period is None else period.end,
        stage=stage,
        indicative=indicative,
        held=held,
    )


def _words(period: Period) -> str:
    return f"{_moment(period.start)} to {_moment(period.end)}"


def _moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%MZ")
