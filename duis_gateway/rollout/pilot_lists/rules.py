"""Preferred Pilot Lists: which hubs are in a supplier's pilot (SRV 11.5; PIA-1, PIA-5, PIA-C1, PIA-C5, BR-2.3).

The codes and the order in which they are looked for: E110501 the release, E110507 no pilot, E110503 the window,
E110505 the month before the automatic date, E110502 the hubs, E110504 the limit, E110510 the minimum.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from duis_gateway.duis.service_requests.preferred_pilot_list import PreferredPilotList
from duis_gateway.rollout.device_lists import NOTHING_FOUND, HubFindings, classify, merged
from duis_gateway.rollout.hubs.records import HubInRegion, NamedHub
from duis_gateway.rollout.periods import instruction_in_time
from duis_gateway.rollout.releases.records import Instruction, PilotTerms, Release, Stage
from duis_gateway.rollout.releases.rules import last_to_instruct, pilot_window_open, why_not_live
from duis_gateway.text.times import show_time

ACCEPTED = "I99"
ACCEPTED_IN_PART = "W110501"


@dataclass(frozen=True, slots=True)
class PilotListFacts:
    """What a Preferred Pilot List is judged by.

    Attributes:
        release: the release that the request names, if there is one.
        supplier: the requester's EUI.
        named: what the inventory knows of each hub that the request names and, for amendments, of each hub in
            `default`.
        default: the requester's own hubs on the CSPs' default lists.
        proving: the requester's own proving hubs, which are always in the pilot (PIA-A10).
        previous: the requester's preferred list that stands, None before the first.
        groups: the requester's own standing instructions for this release, of both stages.
        protected: those of the hubs in `named` that the requester itself lets into no pilot.
        under_way: the hubs of `groups` that move already: the period that is planned for them has begun.
        over: the hubs of `groups` whose period is over: there is nothing left for a list to take back.
        active: how many of the requester's hubs the pilot has updated, which no list can name any more.
        brought: how many of these it brought itself, as DCC did not.
    """

    release: Release | None
    supplier: int
    named: Mapping[int, NamedHub] = field(default_factory=dict)
    default: tuple[HubInRegion, ...] = ()
    proving: tuple[HubInRegion, ...] = ()
    previous: tuple[HubInRegion, ...] | None = None
    groups: tuple[Instruction, ...] = ()
    protected: frozenset[int] = frozenset()
    under_way: frozenset[int] = frozenset()
    over: frozenset[int] = frozenset()
    active: int = 0
    brought: int = 0


@dataclass(frozen=True, slots=True)
class PilotListJudgement:
    """The answer's code and lists, and what stands from now on; a refusal changes nothing.

    Attributes:
        code: I99, W110501, or one of E1105nn.
        findings: the hubs that were not accepted, and those that standing groups lost.
        pilot: the requester's pilot as it now stands, proving hubs included.
        removed: hubs that stood before and no longer do.
        regrouped: the standing groups that lost hubs, as they are now; one may have no hubs left. Pilot groups lose
            what is no longer in the pilot, SafeLaunch groups what now is.
        explanation: what the code means here, in words, where lists cannot say it.
    """

    code: str
    findings: HubFindings = NOTHING_FOUND
    pilot: tuple[HubInRegion, ...] = ()
    removed: tuple[HubInRegion, ...] = ()
    regrouped: tuple[Instruction, ...] = ()
    explanation: str | None = None

    @property
    def accepted(self) -> bool:
        """Whether the list stands from now on."""
        return not self.code.startswith("E")


@dataclass(frozen=True, slots=True)
class _Composed:
    """The hubs of a list once the bad ones are out. `anything_good` is false where E110502 is due."""

    hubs: tuple[HubInRegion, ...]
    findings: HubFindings
    anything_good: bool


def judge_pilot_list(request: PreferredPilotList, facts: PilotListFacts, now: datetime) -> PilotListJudgement:
    """Judge a Preferred Pilot List: the whole list, amendments to the default list, or the default as it is.

    A paused release takes lists; they are held. `now` is the time of receipt.
    """
    release, not_live = facts.release, why_not_live(facts.release, request.firmware_version)
    if release is None or not_live is not None:
        return PilotListJudgement("E110501", explanation=not_live)
    if release.pilot is None or not release.release_type.has_pilot:
        return PilotListJudgement("E110507")
    if not pilot_window_open(release, now):
        return PilotListJudgement("E110503")
    if not instruction_in_time(now, release.automatic_date):
        until = show_time(last_to_instruct(release))
        words = f"it was received later than one month before the automatic date: lists were taken until {until}"
        return PilotListJudgement("E110505", explanation=words)
    whole = request.device_ids is not None
    composed = _whole_list(request, facts, release) if whole else _amended_default(request, facts, release)
    refusal = _size_refusal(composed, facts, release.pilot)
    if refusal is not None:
        return PilotListJudgement(refusal, composed.findings)
    judged = _accepted(composed, facts)
    held = tuple(hub for hub in judged.findings.removed_from_groups if hub in facts.under_way)
    if held:
        return PilotListJudgement("E110505", replace(composed.findings, under_way=held), explanation=_BEGUN)
    return judged


_BEGUN = (
    "the list leaves out hubs in a group that has begun, or names them for the pilot although their group is in "
    "safe launch"
)


def _whole_list(request: PreferredPilotList, facts: PilotListFacts, release: Release) -> _Composed:
    named, protected = facts.named, facts.protected
    good, findings = classify(request.device_ids or (), named, release, facts.supplier, protected=protected)
    hubs = _together(_located(good, named), facts.proving)
    return _Composed(hubs, findings, anything_good=bool(good))


def _amended_default(request: PreferredPilotList, facts: PilotListFacts, release: Release) -> _Composed:
    """Return own default hubs without the good removals, with the good additions and the proving hubs.

    A hub that is both to be added and removed is contradictory: it is listed as invalid and is not in the pilot.
    """
    to_remove = frozenset(request.remove)
    contradictory = dict.fromkeys(hub for hub in request.add if hub in to_remove)
    rest = [hub for hub in request.add if hub not in contradictory]
    added, of_added = classify(rest, facts.named, release, facts.supplier, protected=facts.protected)
    rest = [hub for hub in request.remove if hub not in contradictory]
    removed, of_removed = classify(rest, facts.named, release, facts.supplier, removing=True)
    gone = {*removed, *contradictory, *(hub.device_id for hub in facts.proving)}
    default = {hub.device_id: hub for hub in facts.default if hub.device_id not in gone}
    kept, of_default = classify(default, facts.named, release, facts.supplier, protected=facts.protected)
    hubs = _together((default[hub] for hub in kept), _located(added, facts.named), facts.proving)
    findings = merged((HubFindings(invalid=tuple(contradictory)), of_added, of_removed, of_default))
    named_any = bool(request.add or request.remove)
    return _Composed(hubs, findings, anything_good=bool(added or removed) if named_any else bool(hubs))


def _located(ids: Iterable[int], named: Mapping[int, NamedHub]) -> list[HubInRegion]:
    return [HubInRegion(hub, named[hub].csp_region) for hub in ids]


def _together(*parts: Iterable[HubInRegion]) -> tuple[HubInRegion, ...]:
    """Return the hubs of all parts in order, each once."""
    return tuple({hub.device_id: hub for part in parts for hub in part}.values())


def _size_refusal(composed: _Composed, facts: PilotListFacts, terms: PilotTerms) -> str | None:
    """E110502, then the limit and the minimum, neither of which counts proving hubs.

    What the pilot has updated counts towards both: it is of the pilot group, whose size is meant (BR-0.2). Towards the
    minimum also what DCC brought, as in a supplier's obligations. DCC is not bound by the limit, and uses none of it.
    """
    if not composed.anything_good:
        return "E110502"
    always_in = {hub.device_id for hub in facts.proving}
    size = sum(hub.device_id not in always_in for hub in composed.hubs)
    if size + facts.brought > terms.limit:
        return "E110504"
    return "E110510" if size + facts.active < terms.minimum else None


def _accepted(composed: _Composed, facts: PilotListFacts) -> PilotListJudgement:
    pilot = frozenset(hub.device_id for hub in composed.hubs)

    def stays(hub: int, group: Instruction) -> bool:
        return hub in facts.over or (hub in pilot) is (group.stage is Stage.PILOT)

    kept = [replace(was, device_ids=tuple(hub for hub in was.device_ids if stays(hub, was))) for was in facts.groups]
    regrouped = tuple(now for was, now in zip(facts.groups, kept, strict=True) if now != was)
    lost = dict.fromkeys(hub for was in facts.groups for hub in was.device_ids if not stays(hub, was))
    findings = replace(composed.findings, removed_from_groups=tuple(lost))
    return PilotListJudgement(
        code=ACCEPTED_IN_PART if findings.any else ACCEPTED,
        findings=findings,
        pilot=composed.hubs,
        removed=tuple(hub for hub in facts.previous or () if hub.device_id not in pilot),
        regrouped=regrouped,
    )
