"""A CSP's final say on a group of a preferred schedule, late and piece by piece (X07; PIA-C2, PIA-C4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from duis_gateway.model.plans import GroupSay
from duis_gateway.model.releases import Instruction, Period, Release
from duis_gateway.model.rollout import GroupDecision


@dataclass(frozen=True, slots=True)
class SayJudgement:
    """The say as it stands from now on and the hubs that it is about, or why it is refused.

    `period` is what the group's supplier is told as the period fixed (N74), None for a refused group.
    """

    say: GroupSay | None = None
    period: Period | None = None
    device_ids: tuple[int, ...] = ()
    refusal: str | None = None


def judge_say(
    decision: GroupDecision,
    earliest_start: datetime | None,
    latest_end: datetime | None,
    reason: str | None,
    group: Instruction | None,
    regions: Mapping[int, str],
    csp_regions: frozenset[str],
    release: Release | None,
) -> SayJudgement:
    """Judge a CSP's say on one group.

    A CSP speaks for the group's hubs in its own regions alone, so that a group across two CSPs is decided in two
    pieces. A later say of the same CSP takes the place of the earlier. A time that is left out is as instructed.

    Args:
        decision: accepted, amended or refused.
        earliest_start: the start that the CSP fixes, if it does.
        latest_end: the end that the CSP fixes, if it does.
        reason: the CSP's words for the supplier.
        group: the supplier's standing group of that name, None if there is none.
        regions: the region of each of the group's hubs.
        csp_regions: the regions of the CSP.
        release: the release that the CSP names, if there is one.
    """
    if release is None or not release.state.is_live:
        return SayJudgement(refusal="the release is unknown or no longer live")
    if group is None:
        return SayJudgement(refusal="the supplier has no group of this name for the release")
    own = tuple(hub for hub in group.device_ids if regions.get(hub) in csp_regions)
    if not own:
        return SayJudgement(refusal="the group has no hub in the regions of this CSP")
    if decision is GroupDecision.REFUSED:
        return SayJudgement(GroupSay(decision, None, reason), None, own)
    period = Period(earliest_start or group.period.start, latest_end or group.period.end)
    if period.end < period.start:
        return SayJudgement(refusal="the period ends before it starts")
    if period.end >= release.automatic_date:
        return SayJudgement(refusal="the period does not end before the automatic date")
    fixed = None if period == group.period else period
    return SayJudgement(GroupSay(decision, fixed, reason), period, own)
