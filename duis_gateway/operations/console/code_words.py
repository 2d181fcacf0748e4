"""What the codes of hubs mean, in words, for whoever reads them on a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from duis_gateway.rollout.deadlines.off_plan import OFF_PLAN
from duis_gateway.rollout.deadlines.rules import Task
from duis_gateway.rollout.plans.records import DeviationKind, VoidReason

_VOID = {
    VoidReason.NOT_INSTRUCTED: "no instruction counts any more",
    VoidReason.AWAITS_SECOND_SUPPLIER: "its second supplier had not instructed it",
    VoidReason.SECOND_SUPPLIER_TOO_LATE: "it was too late for its second supplier to instruct it",
    VoidReason.REFUSED_BY_CSP: "the CSP refused",
    VoidReason.CHANGED_SUPPLIER: "it changed supplier",
    VoidReason.CHANGED_REGION: "it came into another CSP's region",
    VoidReason.TOO_LATE: "the period did not end before the automatic date",
    VoidReason.OUTSIDE_PILOT: "the period was not within the pilot",
    VoidReason.BEFORE_SAFE_LAUNCH: "the period started before the end of the pilot",
    VoidReason.EXCLUDED: "the release excluded it from its pilot",
    VoidReason.PERIOD_ENDED: "the period had ended",
    VoidReason.PAUSED: "the release was paused",
    VoidReason.RELEASE_OVER: "the release was over",
    VoidReason.PILOT_INVALIDATED: "the pilot was invalidated",
    VoidReason.NOT_COMMISSIONED: "it was not commissioned",
    VoidReason.OTHER_MODEL: "it was of another device model",
    VoidReason.RUNS_VERSION: "it ran the version",
    VoidReason.LATER_VERSION: "it ran the version of a later release",
    VoidReason.NOT_PERMITTED: "the release did not permit the version that it ran",
}
_HELD = {VoidReason.PAUSED}
"""What is said on the wire to be void, and goes on once DCC lets the release proceed."""


def with_words(code: str, *, of_plan: bool = False) -> str:
    """Return a code of why an instruction is void with its words: "PeriodEnded (the period had ended)".

    `of_plan`: of how hubs left their plan. What is no such code (a region, a group) is returned as it is.
    """
    if of_plan and code in list(DeviationKind):
        return f"{code} ({OFF_PLAN[DeviationKind(code)]})"
    return f"{code} ({_VOID[VoidReason(code)]})" if not of_plan and code in list(VoidReason) else code


def subject_of(task: str, subject: str) -> str:
    """Return what a task is about, with the words of its code where it is one."""
    match task:
        case Task.INSTRUCT_ANEW:
            return with_words(subject)
        case Task.LOOK_INTO_DEVIATIONS:
            return with_words(subject, of_plan=True)
    return subject


def happened(what: str) -> str:
    """Return what a row of a hub's history says happened, with the words of its code: of what needs none, as it is."""
    kind, _, code = what.partition(": ")
    if kind == "void" and code in list(VoidReason):
        reason = VoidReason(code)
        return f"{'held' if reason in _HELD else kind}: {_VOID[reason]} ({code})"
    if kind == "off plan" and code in list(DeviationKind):
        return f"{kind}: {OFF_PLAN[DeviationKind(code)]} ({code})"
    return what


OF_CODES: Mapping[str, Callable[..., str]] = {
    "happened": happened,
    "subject_of": subject_of,
    "with_words": with_words,
}
"""What templates call by these names."""
