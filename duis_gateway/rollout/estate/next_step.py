"""What can be done about a hub that is not updated, and until when: by its supplier or the operator, or by waiting."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from duis_gateway.rollout.eligibility import Unfit, in_use, unfit
from duis_gateway.rollout.estate.rules import Prospect
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.plans.records import VoidReason
from duis_gateway.rollout.plans.rules import Basis
from duis_gateway.rollout.releases.records import Release, ReleaseState
from duis_gateway.rollout.releases.rules import last_to_instruct
from duis_gateway.text.times import show_time


def next_step(
    hub: Hub, chosen: Prospect | None, now: datetime, *, of_supplier: bool, able: Collection[int] | None = None
) -> str:
    """Return what to do next about a hub, in a sentence or two.

    Args:
        hub: the hub as the inventory has it.
        chosen: what is planned under the release that has it next, None if no release in flight is for it.
        now: the business time.
        of_supplier: it is told to one of the hub's suppliers; else to the operator.
        able: the suppliers that can instruct (their DUIS version has 11.6); None: all can.
    """
    if not in_use(hub):
        return (
            f"Nothing can be done while the inventory has it as {hub.status}; if that is wrong, DCC has to correct it."
        )
    if chosen is None:
        return "Nothing can be done until DCC announces a release for its device model."
    release, plan = chosen.release, chosen.plan
    match plan.basis:
        case Basis.ACTIVE:
            return "Nothing: it runs the version of the release."
        case Basis.NOT_PLANNED:
            if unfit(hub, release) is Unfit.NOT_PERMITTED:
                return "It needs another release first, which its version permits: ask DCC."
            return "Nothing: there is nothing to update it to."
    how = _How(of_supplier, hub.suppliers if able is None else hub.suppliers & frozenset(able), hub.suppliers)
    if release.paused:
        held = "Wait: while the release is paused nothing is updated, and DCC decides whether it goes on."
        return f"{held}{_meanwhile(chosen, now, how)}"
    later = " DCC has to approve the release before anything is updated." if _unapproved(release) else ""
    tries = "Look into the failure first. " if chosen.failed else ""
    if plan.period is not None:
        return f"{tries}{_wait(plan.period.start, plan.period.end, now, undecided=plan.indicative)}{later}"
    by_date = f"its CSP updates it from {show_time(release.automatic_date)} on"
    if now >= release.automatic_date and not _unapproved(release):
        return f"{tries}The automatic date has come: its CSP is to update it. If it does not, ask DCC."
    if plan.basis is Basis.BATCH:
        return f"{tries}Wait: {by_date}.{later}"
    return f"{tries}{_instruct(chosen, now, by_date, how)}{later}"


class _How(NamedTuple):
    """To whom it is told, and which of the hub's suppliers can instruct."""

    of_supplier: bool
    able: frozenset[int]
    suppliers: frozenset[int]


def _meanwhile(chosen: Prospect, now: datetime, how: _How) -> str:
    """Say what can be done as long as the release is paused: instructions and decisions are taken as ever."""
    plan, release = chosen.plan, chosen.release
    if plan.period is not None:
        return f" Meanwhile {_DECISION} {show_time(plan.period.start)}." if plan.indicative else ""
    if plan.basis is Basis.BATCH or now >= release.automatic_date:
        return ""
    by_date = f"its CSP updates it from {show_time(release.automatic_date)} on, if the release goes on"
    return f" Meanwhile: {_instruct(chosen, now, by_date, how)}"


_DECISION = "its CSP has to decide on the period, by"


def _unapproved(release: Release) -> bool:
    return release.state is ReleaseState.NOTIFIED


def _wait(start: datetime, end: datetime, now: datetime, *, undecided: bool) -> str:
    if undecided:
        decision = f"Wait for the CSP's decision ({_DECISION} {show_time(start)})"
        return f"{decision}; until then the period stands as it was asked for, until {show_time(end)}."
    if now < start:
        return f"Wait: its CSP updates it from {show_time(start)} on."
    return f"Wait until {show_time(end)}: its CSP updates it until then. If nothing is reported, ask DCC."


def _instruct(chosen: Prospect, now: datetime, by_date: str, how: _How) -> str:
    release = chosen.release
    last = last_to_instruct(release)
    if now > last:
        who = "ask DCC" if how.of_supplier else "DCC can, in a batch"
        return f"It is too late for its supplier to instruct it: {by_date}, unless DCC instructs it earlier ({who})."
    until = show_time(last)
    if chosen.plan.void is VoidReason.AWAITS_SECOND_SUPPLIER:
        return f"The supplier that has not instructed it can do so (11.6) until {until}; otherwise {by_date}."
    both = len(how.suppliers) > 1
    if how.able < how.suppliers:
        why = "not all of its suppliers' DUIS versions have 11.6" if both else "its supplier's DUIS version has no 11.6"
        if how.of_supplier:
            why = "Not" + why[3:] if both else "Your DUIS version has no 11.6"
            return f"{why}: ask DCC to instruct it, or leave it; then {by_date}."
        return f"DCC can instruct it in a batch, as {why}; otherwise {by_date}."
    if not how.of_supplier:
        who = "Its suppliers can instruct it, both of them" if both else "Its supplier can instruct it"
        return f"{who} (11.6), until {until}, or DCC in a batch; otherwise {by_date}."
    return f"Instruct it (11.6) until {until}, or leave it: then {by_date}."
