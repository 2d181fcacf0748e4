"""Hubs that are not planned, with the reason, as N74 and N77 carry them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from duis_gateway.duis.alerts.fields import DEVICES
from duis_gateway.duis.alerts.words import count_hubs
from duis_gateway.duis.device_lists import render_device_list
from duis_gateway.duis.rendering import leaf, node
from duis_gateway.partners.xml import TEXT, Field, Inline, Record, enumerated
from duis_gateway.rollout.plans.records import GroupName, VoidPlan, VoidReason
from duis_gateway.rollout.releases.records import Stage

_REASON = Field("Reason", "reason", enumerated(VoidReason))
_GROUP = Inline(
    "group", Record(GroupName, Field("GroupID", "group_id", TEXT), Field("Stage", "stage", enumerated(Stage)))
)
VOIDS = Field("Void", "voids", Record(VoidPlan, _REASON, _GROUP, DEVICES), many=True)
"""N77: hubs that were planned, or that the recipient had instructed, and no longer are; with the recipient's group."""
NOT_PLANNED = Field("NotPlanned", "not_planned", Record(VoidPlan, _REASON, DEVICES), many=True)
"""N74: hubs that are not planned despite the CSP's decision; they may never have been."""

# Said alike of one hub and of several.
_IN_WORDS = {
    VoidReason.NOT_INSTRUCTED: "no instruction counts any more",
    VoidReason.AWAITS_SECOND_SUPPLIER: "the second supplier's instruction is awaited",
    VoidReason.SECOND_SUPPLIER_TOO_LATE: "it is too late for the second supplier to instruct",
    VoidReason.REFUSED_BY_CSP: "the CSP refused an instruction that is needed",
    VoidReason.CHANGED_SUPPLIER: "supplied by another now",
    VoidReason.CHANGED_REGION: "in another CSP's region now",
    VoidReason.TOO_LATE: "the period does not end before the automatic date",
    VoidReason.OUTSIDE_PILOT: "the period is not within the pilot",
    VoidReason.BEFORE_SAFE_LAUNCH: "the period starts before the end of the pilot",
    VoidReason.EXCLUDED: "excluded from the pilot by the release",
    VoidReason.PERIOD_ENDED: "the period has ended",
    VoidReason.PAUSED: "the release is paused",
    VoidReason.RELEASE_OVER: "the release is over",
    VoidReason.PILOT_INVALIDATED: "the pilot was invalidated when a later release was approved",
    VoidReason.NOT_COMMISSIONED: "not commissioned",
    VoidReason.OTHER_MODEL: "of another device model",
    VoidReason.RUNS_VERSION: "the version runs already",
    VoidReason.LATER_VERSION: "the version of a later release runs",
    VoidReason.NOT_PERMITTED: "the release does not permit the version that runs as a predecessor",
}


def void_lists(
    name: str, voids: Iterable[VoidPlan]
) -> Iterator[tuple[Callable[[tuple[int, ...]], str], tuple[int, ...]]]:
    """Yield each list with what renders it, or part of it, into an element with this name."""
    for void in voids:
        yield _element(name, void.reason, void.group), void.device_ids


def _element(name: str, reason: VoidReason, group: GroupName | None) -> Callable[[tuple[int, ...]], str]:
    head = leaf("Reason", reason)
    if group is not None:
        head += leaf("GroupID", group.group_id) + leaf("Stage", group.stage)
    return lambda ids: node(name, head, leaf("DeviceIDList", render_device_list(ids)))


def void_in_words(void: VoidPlan) -> str:
    """Return how many hubs are not planned, in which group, and why."""
    group = "" if void.group is None else f" in your {void.group.stage} group {void.group.group_id}"
    return f"{count_hubs(len(void.device_ids))}{group} not planned: {_IN_WORDS[void.reason]}."
