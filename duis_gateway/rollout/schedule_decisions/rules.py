"""A CSP's final say on a preferred schedule: late, group by group, and regrouped (X07; PIA-C2, PIA-C4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from duis_gateway.duis.identifiers import format_eui
from duis_gateway.rollout.activations.records import RefusedItem
from duis_gateway.rollout.periods import ends_before, is_empty, is_over, stage_time
from duis_gateway.rollout.plans.records import GroupSay
from duis_gateway.rollout.releases.records import Instruction, Period, Release
from duis_gateway.rollout.rollout_decisions.records import GroupDecision


@dataclass(frozen=True, slots=True)
class SayJudgement:
    """The say as it stands from now on and the hubs that it is about, or why it is refused.

    `period` is what the group's supplier is told as the period fixed (N74), None for refused hubs. `items` are hubs
    that the CSP named and cannot decide on, each with its reason.
    """

    say: GroupSay | None = None
    period: Period | None = None
    device_ids: tuple[int, ...] = ()
    items: tuple[RefusedItem, ...] = ()
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
    now: datetime,
    named: Sequence[int] = (),
    *,
    fixed_ahead: bool = False,
) -> SayJudgement:
    """Judge a CSP's say on one group, or on the hubs of it that it names.

    A CSP speaks for the group's hubs in its own regions alone, so that a group across two CSPs is decided in two
    pieces; by naming hubs it makes more of them (PIA-C4). A later say of the same CSP takes the place of the earlier
    for the hubs that it is about. A time that is left out is as instructed.

    Args:
        decision: accepted, amended or refused.
        earliest_start: the start that the CSP fixes, if it does.
        latest_end: the end that the CSP fixes, if it does.
        reason: the CSP's words for the supplier.
        group: the supplier's standing group of that name, None if there is none.
        regions: the region of each of the group's hubs that is still the supplier's.
        csp_regions: the regions of the CSP.
        release: the release that the CSP names, if there is one.
        now: the time of receipt.
        named: the hubs that the CSP names; none: all of the group in its regions.
        fixed_ahead: a period that was fixed for hubs of the group is not over yet.
    """
    if release is None or not release.state.is_live:
        return SayJudgement(refusal="the release is unknown or no longer live")
    if group is None:
        return SayJudgement(refusal="the supplier has no group of this name for the release")
    hubs, items = _hubs_meant(group, regions, csp_regions, named)
    if not hubs:
        none_named = "none of the hubs named is both in the group and in this CSP's regions"
        none_there = "the group has no hub in this CSP's regions"
        return SayJudgement(items=items, refusal=none_named if named else none_there)
    if decision is GroupDecision.REFUSED:
        if is_over(group.period, now) and not fixed_ahead:
            return SayJudgement(refusal=_OVER)
        return SayJudgement(GroupSay(decision, None, reason, piece=bool(named)), None, hubs, items)
    period = Period(earliest_start or group.period.start, latest_end or group.period.end)
    fixed = None if period == group.period else period
    refusal = _period_refusal(period, release)
    if refusal is None and fixed is None and is_over(period, now):
        refusal = _OVER
    if refusal is None and fixed is not None:
        refusal = _refusal_of_amended(fixed, group, release, now)
    if refusal is not None:
        return SayJudgement(refusal=refusal)
    return SayJudgement(GroupSay(decision, fixed, reason, piece=bool(named)), period, hubs, items)


_OVER = "the group's period is over"


def _period_refusal(period: Period, release: Release) -> str | None:
    if is_empty(period):
        return "the period does not end after it starts"
    return None if ends_before(period, release.automatic_date) else "the period does not end before the automatic date"


def _refusal_of_amended(period: Period, group: Instruction, release: Release, now: datetime) -> str | None:
    """Return why a CSP cannot fix a period of its own: it lies ahead, and in the stage's time (design section 7).

    A start that is left as instructed may have passed since.
    """
    if is_over(period, now) or (period.start < now and period.start != group.period.start):
        return "the period is not in the future"
    whole = stage_time(release, group.stage)
    if whole is None or period.start < whole.start or period.end > whole.end:
        return f"the period is not within the group's stage ({group.stage.value})"
    return None


def _hubs_meant(
    group: Instruction, regions: Mapping[int, str], csp_regions: frozenset[str], named: Sequence[int]
) -> tuple[tuple[int, ...], tuple[RefusedItem, ...]]:
    """Return the hubs that the say is about, and those named that it cannot be about."""
    own = {hub for hub in group.device_ids if regions.get(hub) in csp_regions}
    if not named:
        return tuple(hub for hub in group.device_ids if hub in own), ()
    in_group = frozenset(group.device_ids)
    distinct = tuple(dict.fromkeys(named))
    items = tuple(
        RefusedItem(format_eui(hub), _reason(hub in in_group, regions.get(hub))) for hub in distinct if hub not in own
    )
    return tuple(hub for hub in distinct if hub in own), items


def _reason(in_group: bool, region: str | None) -> str:
    """Return why a hub cannot be decided on; of one outside the group nothing more is said."""
    if not in_group:
        return "not in the group"
    return "no longer the supplier's hub" if region is None else "not in a region of this CSP"
