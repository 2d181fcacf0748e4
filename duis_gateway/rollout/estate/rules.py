"""How a hub stands in a roll-out, in one word for counts: by its plan, and whether an attempt failed (BR-5.3)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import takewhile

from duis_gateway.rollout.hub_events.records import ToldDeviation
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.plans.records import DeviationKind, VoidReason
from duis_gateway.rollout.plans.rules import Basis, HubPlan
from duis_gateway.rollout.releases.records import Release, ReleaseState


class HubState(StrEnum):
    """What can be said of every hub of an estate; each hub is in one state."""

    ACTIVATED = "activated"
    FAILED = "failed"
    INSTRUCTED = "instructed"  # a period before the automatic date is planned
    BATCH = "batch"  # DCC instructed it
    PLANNED = "planned"  # the automatic date stands
    NOT_PLANNED = "not_planned"


_STATES = {
    Basis.ACTIVE: HubState.ACTIVATED,
    Basis.INSTRUCTED: HubState.INSTRUCTED,
    Basis.BATCH: HubState.BATCH,
    Basis.AUTOMATIC_DATE: HubState.PLANNED,
    Basis.NOT_PLANNED: HubState.NOT_PLANNED,
}


@dataclass(frozen=True, slots=True)
class Prospect:
    """What is planned for a hub under one live release.

    Attributes:
        release: the release.
        plan: what is planned under it.
        failed: the newest outcome under it is a failure.
        void: why what was instructed moves the hub not, or not any more; None where nothing was, or where it does.
        off_plan: how the hub was moved, or was not, otherwise than planned; None where it was not so.
    """

    release: Release
    plan: HubPlan
    failed: bool = False
    void: VoidReason | None = None
    off_plan: DeviationKind | None = None


def why_void(chosen: Prospect | None, every: Sequence[Prospect]) -> VoidReason | None:
    """Return why what was instructed of a hub is void, under the release that has it next, or (else) another one.

    Args:
        chosen: what is planned under the release that has the hub next, None if none has.
        every: the same under each live release for its model, then under those whose place another has taken, the
            newest first, and then under those for a model that it had before (`other_models`).
    """
    elsewhere = void_elsewhere(chosen, every)
    if elsewhere is not None:
        return elsewhere.void
    return None if chosen is None else chosen.void


def void_elsewhere(chosen: Prospect | None, every: Sequence[Prospect]) -> Prospect | None:
    """Return what was planned under another release, where that says why what was instructed of a hub is void.

    None where the release that has the hub next says so itself, or moves it, and where nothing was instructed under
    another. One that is approved has taken the hub from the older ones in flight: a notice takes nothing. From one for
    another model, which the hub had before, none takes it.
    """
    if chosen is not None and (chosen.void is not None or _moves(chosen.plan)):
        return None
    void = [one for one in every if one.void is not None]
    if void and chosen is not None and _takes(chosen):
        newer = [*takewhile(lambda one: one is not chosen, every)]
        others = VoidReason.OTHER_MODEL
        void = [one for one in void if one in newer or not one.release.state.is_live or one.void is others]
    return next(iter(void), None)


def and_more(chosen: Prospect | None, every: Sequence[Prospect]) -> str:
    """Return what there is to say besides the plan's reason, in words that go on from it: the same wherever it stands.

    What was instructed under another release and is void (`every`: as for `why_void`), and that the CSP let the planned
    period pass.
    """
    elsewhere, said = void_elsewhere(chosen, every), ""
    if elsewhere is not None and elsewhere.void is not None:
        said = f"; what was instructed under {elsewhere.release.release_id} is void ({elsewhere.void.value})"
    if chosen is not None and _is_missed(chosen):
        said += "; its CSP did not update it in the planned period, and reported nothing"
    return said


def _moves(plan: HubPlan) -> bool:
    """Whether a release moves a hub, or has moved it: a batch for the automatic date plans nothing."""
    return plan.period is not None or plan.basis is Basis.ACTIVE


def departed(live: Sequence[Prospect], gone: Sequence[Prospect]) -> Prospect | None:
    """Return what was planned for a hub where it departed from that, as it is counted, shown and to be looked into.

    It is of the release that has the hub next, or (else) of another one. That a hub was passed over says how it stands
    until another release has taken it.

    Args:
        live: what is planned under each live release of its model, the newest first.
        gone: the same under releases whose place another has taken, the newest first.
    """
    if not any(one.off_plan for one in (*live, *gone)):
        return None  # as for most of millions of hubs
    chosen = next_prospect(live)
    taken = chosen is not None and _takes(chosen)
    every = (*filter(None, (chosen,)), *live, *gone)
    return next(
        (one for one in every if one.off_plan is not None and (one is chosen or not (taken and _is_missed(one)))), None
    )


def _takes(chosen: Prospect) -> bool:
    """Whether the release that has a hub next has taken it: it moves it, or is approved; a notice takes nothing."""
    return _moves(chosen.plan) or chosen.release.state is not ReleaseState.NOTIFIED


def _is_missed(one: Prospect) -> bool:
    return one.off_plan is DeviationKind.PERIOD_MISSED


def why_off_plan(live: Sequence[Prospect], gone: Sequence[Prospect]) -> DeviationKind | None:
    """Return how a hub departed from its plan (`departed`)."""
    one = departed(live, gone)
    return None if one is None else one.off_plan


def off_plan(
    plan: HubPlan, told: Sequence[ToldDeviation], viewer: int | None, tried: datetime | None = None
) -> DeviationKind | None:
    """Return the deviation of a hub that still says how it stands, None if none does.

    How it was activated says so as long as it runs the version. That it was passed over says so until it is planned
    anew, and again once that plan is taken back, but no more once anything was reported of it.

    Args:
        plan: what is planned for it under the release.
        told: the suppliers that were told of deviations of it, the oldest first.
        viewer: the supplier for whose eyes it is: none but what itself was told; None for those who may read all.
        tried: when its last activation, or failure, under the release came about, None where none was reported.
    """
    last = next((one for one in reversed(told) if viewer in (None, one.supplier)), None)
    if last is None:
        return None
    stands = plan.basis is Basis.ACTIVE
    if last.kind == DeviationKind.PERIOD_MISSED:
        # A batch for the automatic date plans nothing anew.
        unplanned = plan.basis in (Basis.AUTOMATIC_DATE, Basis.BATCH) and plan.period is None
        stands = unplanned and (tried is None or last.since is None or tried < last.since)
    return DeviationKind(last.kind) if stands else None


def state_of(prospect: Prospect) -> HubState:
    """Return the hub's state under a release. A failure counts as long as there is something to try again."""
    state = _STATES[prospect.plan.basis]
    if prospect.failed and state not in (HubState.ACTIVATED, HubState.NOT_PLANNED):
        return HubState.FAILED
    return state


def why_of(prospect: Prospect) -> str:
    """Say why the hub stands so, for a list: the same wherever it is shown beside `state_of` alone."""
    why = prospect.plan.explanation
    return f"its last attempt failed; {why}" if state_of(prospect) is HubState.FAILED else why


def and_protected(hub: Hub, protectors: Collection[int]) -> str:
    """Say which of its suppliers keep a hub out of every group and batch, in words that go on from why it stands so.

    For the operator alone: the other supplier is not told. "" where none does.
    """
    roles = {hub.import_supplier: "Import Supplier", hub.gas_supplier: "Gas Supplier"}
    several = [role for who, role in roles.items() if who in protectors]
    if not several:
        return ""
    who = " and its ".join(several) if len(hub.suppliers) > 1 else "supplier"
    return f"; protected by its {who}, which keeps it out of every group and batch"


def next_prospect(prospects: Sequence[Prospect]) -> Prospect | None:
    """Return the one that counts for a hub, of those under each live release of its model, the newest first.

    An instruction that stands is carried out before anything else can be instructed (`OtherRequestInProgress`); else
    the release whose date comes first has the hub, as the notice of a newer one takes nothing from it (nor where both
    have the same date: one that is approved goes first). Where a release is active on the hub, no older one has it any
    more; where several are, as they bring the same version, one that is approved: by no other was it activated. None
    without a live release.
    """
    instructed = [one for one in prospects if one.plan.basis in (Basis.INSTRUCTED, Basis.BATCH)]
    newer = takewhile(lambda one: one.plan.basis is not Basis.ACTIVE, prospects)
    waiting = [one for one in newer if one.plan.basis is Basis.AUTOMATIC_DATE]
    if instructed or waiting:
        return min(instructed or waiting, key=lambda one: (_due(one), one.release.state is ReleaseState.NOTIFIED))
    active = [one for one in prospects if one.plan.basis is Basis.ACTIVE]
    approved = (one for one in active if one.release.state is not ReleaseState.NOTIFIED)
    return next(approved, next(iter((*active, *prospects)), None))


def _due(prospect: Prospect) -> datetime:
    return prospect.plan.due or prospect.release.automatic_date
