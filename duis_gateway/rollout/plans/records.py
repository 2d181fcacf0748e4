"""What the plan for a hub follows from: standing instructions, what the CSP said of them, and what DCC instructed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.releases.records import HubMark, Instruction, Period, Release, Stage
from duis_gateway.rollout.rollout_decisions.records import GroupDecision


@dataclass(frozen=True, slots=True)
class GroupSay:
    """A CSP's final say on a supplier's group (X07). `period` is the one that it fixed, None: as instructed.

    `piece`: the CSP regrouped, and said it of single hubs of the group that it named.
    """

    decision: GroupDecision
    period: Period | None = None
    reason: str | None = None
    piece: bool = False


@dataclass(frozen=True, slots=True)
class HubInstruction:
    """A standing instruction that names the hub, and what the CSP of the hub's region said of it, if anything.

    `by_dcc`: DCC chose the hub on the supplier's behalf (`PilotSelection`).
    """

    supplier: int
    group_id: str
    stage: Stage
    period: Period
    received_at: datetime
    say: GroupSay | None = None
    by_dcc: bool = False

    @classmethod
    def of(cls, instruction: Instruction, say: GroupSay | None = None) -> HubInstruction:
        """Return a standing group as it bears on one of its hubs."""
        return cls(
            instruction.supplier,
            instruction.group_id,
            instruction.stage,
            instruction.period,
            instruction.received_at,
            say,
        )


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """What the plan for one hub follows from.

    Attributes:
        hub: the hub as the inventory has it now.
        release: the release in question.
        mark: how the release marks the hub.
        instructions: every standing instruction for the release that names the hub, whoever gave it.
        batch: the period in which DCC instructed the hub by itself (`BatchInstruction`), if it did and named one.
        undated_batch: DCC instructed the hub by itself and named no period: it goes at the automatic date.
        scheduled: the period for which the CSP's own schedule has the hub, if it has.
        unable: suppliers whose DUIS version has no Service Requests to instruct with.
        viewer: the supplier for whose eyes the explanation is, None for the operator's. A CSP's words to one supplier
            are not for the other, as they may say who it is.
    """

    hub: Hub
    release: Release
    mark: HubMark | None = None
    instructions: tuple[HubInstruction, ...] = ()
    batch: Period | None = None
    undated_batch: bool = False
    scheduled: Period | None = None
    unable: frozenset[int] = frozenset()
    viewer: int | None = None
