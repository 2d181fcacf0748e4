"""What became of the firmware at single hubs, and who is to be told (X01, X02; FIA-1, FIA-2, BR-2.5, BR-5.6).

One hub's outcomes are folded in the order of their message: each is judged against what the one before it left.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from duis_gateway.rollout.activations.records import HubOutcome, OutcomeStage
from duis_gateway.rollout.eligibility import is_hub
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.releases.records import Release, ReleaseState

CLOCK_TOLERANCE = timedelta(hours=1)
"""How far a CSP's clock may be ahead. An outcome from further in the future would hide all that follow it."""

_HALTED = frozenset(
    {
        ReleaseState.REVOKED,
        ReleaseState.WITHDRAWN,
        ReleaseState.STOPPED,
        ReleaseState.SUPERSEDED,
        ReleaseState.INVALIDATED,
    }
)
"""What stood under such a release is void: nothing should be activated under it."""


class Flag(StrEnum):
    """What the operator is shown about an outcome; the suppliers are told of it as usual."""

    UNMATCHED = "unmatched"  # no CS06 was registered for this hub and version
    UNKNOWN_RELEASE = "unknown_release"
    PAUSED_RELEASE = "paused_release"
    HALTED_RELEASE = "halted_release"


@dataclass(frozen=True, slots=True)
class OutcomeJudgement:
    """What one outcome means.

    Attributes:
        refused: why the item is refused, None if it is taken.
        ignored: it is older than what is recorded and changes nothing; refused too if it contradicts that.
        new_version: the inventory's version changes.
        tell: N64 is to be raised to `suppliers`.
        failed: N71 is to be raised to `suppliers`.
        suppliers: the Responsible Suppliers of the hub at this moment, in the order of their EUIs.
        flags: what the operator is to see.
    """

    refused: str | None = None
    ignored: bool = False
    new_version: bool = False
    tell: bool = False
    failed: bool = False
    suppliers: tuple[int, ...] = ()
    flags: tuple[str, ...] = ()

    @property
    def recorded(self) -> bool:
        """Whether the outcome counts at all, if only as progress."""
        return self.refused is None and not self.ignored


@dataclass(frozen=True, slots=True)
class JudgedOutcome:
    """An outcome, what it means, the hub as it is after it (None for an unknown hub), and the release if known."""

    outcome: HubOutcome
    judgement: OutcomeJudgement
    hub: Hub | None
    release_id: str | None = None


def judge_outcome(
    outcome: HubOutcome,
    hub: Hub | None,
    csp_regions: frozenset[str],
    release: Release | None,
    requested: bool,
    now: datetime,
    distributed_at: datetime | None = None,
) -> OutcomeJudgement:
    """Judge one hub's outcome.

    A success that carries a version other than the one last told raises N64, also for hubs that nobody instructed
    and for releases unknown or paused. A failure raises N71.

    Args:
        outcome: what the CSP reports.
        hub: the hub as the inventory has it now.
        csp_regions: the regions that the reporting CSP may speak for.
        release: the release of the hub's model and the outcome's version, if there is one.
        requested: CS06 was registered for the hub and the version.
        now: the gateway's business time.
        distributed_at: the time of the newest distribution outcome recorded for the hub, if known.
    """
    refused = _refusal(outcome, hub, csp_regions, now)
    if refused is not None or hub is None:
        return OutcomeJudgement(refused=refused)
    if _is_old(outcome, hub, distributed_at):
        return OutcomeJudgement(ignored=True)
    activated = outcome.success and outcome.stage is OutcomeStage.ACTIVATION
    told = hub.told_version if hub.told_version is not None else hub.firmware_version
    return OutcomeJudgement(
        new_version=activated and outcome.firmware_version != hub.firmware_version,
        tell=activated and outcome.firmware_version != told,
        failed=not outcome.success,
        suppliers=tuple(sorted(hub.suppliers)),
        flags=_flags(outcome, release, requested),
    )


def _refusal(outcome: HubOutcome, hub: Hub | None, csp_regions: frozenset[str], now: datetime) -> str | None:
    if hub is None or not is_hub(hub):
        return "unknown hub"
    if hub.csp_region not in csp_regions:
        return "the hub is outside this CSP's regions"
    if outcome.completed_at > now + CLOCK_TOLERANCE:
        return "CompletedAt is in the future"
    return None


def _is_old(outcome: HubOutcome, hub: Hub, distributed_at: datetime | None) -> bool:
    """Of one time, a success counts (again: it raises nothing by its version), a failure is a repeat."""
    recorded = hub.completed_at
    if outcome.stage is OutcomeStage.DISTRIBUTION and distributed_at is not None:
        recorded = distributed_at if recorded is None else max(recorded, distributed_at)
    if recorded is None:
        return False
    return outcome.completed_at < recorded or (outcome.completed_at == recorded and not outcome.success)


def may_be_old(
    outcomes: Iterable[HubOutcome], hubs: Mapping[int, Hub], distributed_at: Mapping[int, datetime]
) -> frozenset[int]:
    """Return the hubs of which the message may report what changes nothing, as far as what is recorded says."""
    return frozenset(
        outcome.device_id
        for outcome in outcomes
        if (hub := hubs.get(outcome.device_id)) is not None
        and _is_old(replace(outcome, success=False), hub, distributed_at.get(outcome.device_id))
    )


def contradiction(outcome: HubOutcome, recorded: Collection[HubOutcome]) -> str | None:
    """Return why an outcome that changes nothing cannot be true beside what is recorded of the hub, None if it can.

    What was reported before is a repeat. What is older is none where it is of another version or stage, or says the
    same.
    """
    if any(_says(one) == _says(outcome) for one in recorded):
        return None
    against = [
        one.completed_at
        for one in recorded
        if (one.stage, one.firmware_version) == (outcome.stage, outcome.firmware_version)
        and one.success is not outcome.success
        and one.completed_at >= outcome.completed_at
    ]
    if not against:
        return None
    other = "failure" if outcome.success else "success"
    return f"contradicts the {other} recorded for {min(against):%Y-%m-%dT%H:%M:%SZ}"


def _says(outcome: HubOutcome) -> tuple[OutcomeStage, bool, str, datetime]:
    return outcome.stage, outcome.success, outcome.firmware_version, outcome.completed_at


def _flags(outcome: HubOutcome, release: Release | None, requested: bool) -> tuple[str, ...]:
    flags: list[Flag] = []
    if outcome.stage is OutcomeStage.ACTIVATION and not requested:
        flags.append(Flag.UNMATCHED)
    if release is None:
        flags.append(Flag.UNKNOWN_RELEASE)
    elif release.paused:
        flags.append(Flag.PAUSED_RELEASE)
    elif release.state in _HALTED:
        flags.append(Flag.HALTED_RELEASE)
    return tuple(flags)


def hub_after(outcome: HubOutcome, hub: Hub, judgement: OutcomeJudgement) -> Hub:
    """Return the hub as the inventory has it once this outcome is recorded."""
    if not judgement.recorded or outcome.stage is not OutcomeStage.ACTIVATION:
        return hub
    if not outcome.success:
        return replace(hub, completed_at=outcome.completed_at)
    version = outcome.firmware_version
    return replace(hub, firmware_version=version, told_version=version, completed_at=outcome.completed_at)


def judge_outcomes(
    outcomes: Iterable[HubOutcome],
    hubs: Mapping[int, Hub],
    csp_regions: frozenset[str],
    releases: Mapping[tuple[str, str, str], Release],
    requested: Collection[tuple[int, str]],
    now: datetime,
    distributed_at: Mapping[int, datetime] | None = None,
    recorded: Iterable[HubOutcome] = (),
) -> list[JudgedOutcome]:
    """Judge the outcomes of one message in their order; a hub may come several times.

    Args:
        outcomes: the items of the message.
        hubs: the hubs named, by device id, as the inventory has them now.
        csp_regions: the regions that the reporting CSP may speak for.
        releases: releases by manufacturer, model and firmware version.
        requested: the pairs of device id and firmware version for which CS06 was registered.
        now: the gateway's business time.
        distributed_at: the time of the newest distribution outcome recorded for each hub, as far as known.
        recorded: what was reported before of the hubs of which something older is reported now.
    """
    known: defaultdict[int, list[HubOutcome]] = defaultdict(list)
    for before in recorded:
        known[before.device_id].append(before)
    current = dict(hubs)
    distributed = dict(distributed_at or {})
    judged: list[JudgedOutcome] = []
    for outcome in outcomes:
        device_id, version = outcome.device_id, outcome.firmware_version
        hub = current.get(device_id)
        release = releases.get((hub.manufacturer, hub.model, version)) if hub is not None else None
        judgement = judge_outcome(
            outcome, hub, csp_regions, release, (device_id, version) in requested, now, distributed.get(device_id)
        )
        if judgement.ignored:
            judgement = OutcomeJudgement(refused=contradiction(outcome, known[device_id]), ignored=True)
        if hub is not None and judgement.recorded:
            known[device_id].append(outcome)
            hub = current[device_id] = hub_after(outcome, hub, judgement)
            if outcome.stage is OutcomeStage.DISTRIBUTION:
                distributed[device_id] = outcome.completed_at
        judged.append(JudgedOutcome(outcome, judgement, hub, release.release_id if release else None))
    return judged
