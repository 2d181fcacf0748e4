"""Who instructed a hub, and how that has ended, in words: for its suppliers and the operator; pure.

No text here says who a supplier is, and a second supplier reads nothing of what the other has ended itself.
"""

from __future__ import annotations

from collections.abc import Iterable

from duis_gateway.rollout.hub_events.records import (
    NOT_ACCEPTED,
    OF_DCC,
    OFF_THE_LIST,
    ON_THE_LIST,
    PROTECTED,
    TAKEN_BACK,
)
from duis_gateway.rollout.plans.counting import ended_since, given_by, instructs, why_ended
from duis_gateway.rollout.plans.records import HubInstruction, PlanFacts, VoidReason

_ENDED = {
    TAKEN_BACK: "took {its} instruction back",
    OFF_THE_LIST: "took it off {its} preferred list",
    ON_THE_LIST: "put it on {its} preferred list, and it left {its} SafeLaunch group",
    NOT_ACCEPTED: "named it again, but it was not accepted then, and so it left {its} group",
}
"""How a supplier ended an instruction of its own, in words that go on from who gave it."""

_VOIDED = {
    VoidReason.PERIOD_ENDED.value: "the period has ended",
    VoidReason.REFUSED_BY_CSP.value: "the CSP refused it",
    VoidReason.TOO_LATE.value: "the period was too late: it did not end before the automatic date",
    VoidReason.OUTSIDE_PILOT.value: "the period was not within the pilot",
    VoidReason.BEFORE_SAFE_LAUNCH.value: "the period started before safe launch",
    VoidReason.EXCLUDED.value: "the hub was excluded from the pilot",
    VoidReason.PILOT_INVALIDATED.value: "the pilot was invalidated",
}
"""What ended an instruction without its supplier's doing."""


def how_it_ended(facts: PlanFacts, supplier: int | None, has: str, its: str, cannot: str | None = None) -> str:
    """Return how a supplier's instruction of a hub ended, in words that go on from who gave it.

    `cannot`: likewise, why it can instruct nothing itself, if it cannot. What DCC chose for it ends all the same.
    """
    nothing = cannot or f"{has} not instructed"
    ended = None if supplier is None else facts.endings.get(supplier)
    if ended is None:
        return nothing
    word = why_ended(ended).value if ended.over else ended.word
    void, own = _VOIDED.get(word), facts.viewer in (None, supplier)
    if ended.by_dcc and own:
        # To its second supplier it was an instruction like any other.
        what = "was taken back" if void is None else f"is void, as {void}"
        return f"{nothing}, and DCC's choice for {'you' if its == 'your' else 'it'} {what}"
    said = None
    if void is not None:
        # A CSP's own words are for the supplier alone to which it said them, and for the operator.
        said = f"{has} instructed, but {void}{f' ({ended.reason})' if ended.reason and own else ''}"
    elif ended.word == PROTECTED and supplier == facts.viewer:
        said = "named it again while you protected it, and so it left your group"
    elif own and word in _ENDED:
        said = _ENDED[word].format(its=its)
    if said is None:
        # A second supplier is not told what the other did, and nobody else, not even by silence, that it protects the
        # hub.
        return nothing
    return said if cannot is None else f"{said}, and {cannot}"


def and_otherwise(facts: PlanFacts) -> str:
    """Return what else moved the hub and does so no more, where that came last and is nothing that a supplier ended.

    It goes on from what its suppliers did of which nothing moves it; nothing where one of them awaits the other.
    """
    if any(instructs(facts, one) for one in facts.hub.suppliers):
        return ""
    found, batch = ended_since(facts), facts.endings.get(OF_DCC)
    if found is not None:
        return and_since(facts) if found[0] == OF_DCC or given_by(facts, found[0]) else ""
    return ", and the period of DCC's batch has ended" if batch is not None and batch.over else ""


def and_since(facts: PlanFacts) -> str:
    """Return what was taken back, or ended otherwise, since what stands was over."""
    found = ended_since(facts)
    if found is None:
        return ""
    whose, ended = found
    if whose == OF_DCC:
        what = "the period of DCC's batch" if facts.undated_batch else "DCC's batch"
    else:
        roles = {facts.hub.gas_supplier: "Gas", facts.hub.import_supplier: "Import"}
        supplier = "its supplier" if len(facts.hub.suppliers) == 1 else f"the {roles[whose]} Supplier"
        supplier = "you" if whose == facts.viewer else supplier
        what = f"what DCC chose for {supplier}" if ended.by_dcc else f"what {supplier} instructed since"
    void = _VOIDED.get(ended.word)
    if whose == facts.viewer and ended.word == PROTECTED:
        return f", and {what} was left out when you named it again while you protected it"
    return f", and {what} was taken back" if void is None else f", and {what} is void, as {void}"


def half_of(facts: PlanFacts, instruction: HubInstruction) -> str:
    """Return in words whose half of a split hub it is, by role alone; whoever looks is called "you"."""
    if instruction.supplier == facts.viewer:
        return "your half"
    roles = {facts.hub.gas_supplier: "the Gas Supplier", facts.hub.import_supplier: "the Import Supplier"}
    return f"{roles[instruction.supplier]}'s half"


def both_halves(facts: PlanFacts, given: Iterable[HubInstruction]) -> str:
    """Return in words who instructed a split hub: a supplier is not told whether DCC chose the other's half."""
    chosen = [half_of(facts, one) for one in given if one.by_dcc and facts.viewer in (None, one.supplier)]
    if chosen:
        also = "" if len(chosen) > 1 else ", and the other half is instructed, too"
        return f"DCC chose the hub for {' and '.join(chosen)}{also}"
    return "both halves are instructed" if facts.viewer is not None else "both suppliers have instructed"
