"""SRV 11.6, Submit Preferred Pilot Schedule (A05)."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from duis_gateway.duis.service_requests.elements import (
    Wrong,
    child,
    lists_of_devices,
    refusal,
    text,
    time,
    verbatim,
)
from duis_gateway.duis.service_requests.service import NON_DEVICE, SUPPLIERS, RequestBody, Service
from duis_gateway.errors import Finding
from duis_gateway.namespaces import DUIS_6_0, sr
from duis_gateway.rollout.releases.records import Period, Stage
from duis_gateway.text.controls import name_fault

_MAX_FINDINGS = 10
_InOrder = tuple[etree._Element, ...]
"""The elements of a group, in the schema's order."""


@dataclass(frozen=True, slots=True)
class DeploymentGroup:
    """One group of SRV 11.6."""

    group_id: str
    stage: Stage
    device_ids: tuple[int, ...]
    period: Period
    constraints: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CancelledGroup:
    """A standing group that SRV 11.6 takes back (design section 5)."""

    group_id: str
    stage: Stage


@dataclass(frozen=True, slots=True)
class PreferredPilotSchedule(RequestBody):
    """SRV 11.6: the instruction to deploy, and which instructions are taken back."""

    release_id: str
    firmware_version: str
    groups: tuple[DeploymentGroup, ...]
    cancelled: tuple[CancelledGroup, ...] = ()


def _read(body: etree._Element, as_sent: dict[int, str]) -> PreferredPilotSchedule:
    if body.find(sr("DeploymentGroup")) is None and body.find(sr("CancelledGroup")) is None:
        raise Wrong(body, "no DeploymentGroup and no CancelledGroup: at least one is needed")
    return PreferredPilotSchedule(
        release_id=text(child(body, "FirmwareReleaseID")),
        firmware_version=verbatim(child(body, "FirmwareVersion")),
        groups=_read_groups(
            [tuple(one.iterchildren("*")) for one in body.iterchildren(sr("DeploymentGroup"))], as_sent
        ),
        cancelled=tuple(_read_cancelled(element) for element in body.iterchildren(sr("CancelledGroup"))),
    )


def _read_groups(groups: list[_InOrder], as_sent: dict[int, str]) -> tuple[DeploymentGroup, ...]:
    # All their lists at once: reading a thousand of one hub each would take a third of the time for the whole schedule.
    listed = lists_of_devices([device_list for _, _, device_list, *_ in groups], as_sent)
    read: list[DeploymentGroup] = []
    findings: list[Finding] = []
    for group, device_ids in zip(groups, listed, strict=True):
        try:
            read.append(_read_group(group, device_ids))
        except Wrong as wrong:
            findings.append(wrong.finding)
        if len(findings) == _MAX_FINDINGS:
            break
    if findings:
        raise refusal(findings)
    return tuple(read)


def _read_cancelled(group: etree._Element) -> CancelledGroup:
    return CancelledGroup(verbatim(child(group, "GroupID")), Stage(text(child(group, "Stage"))))


def _read_group(group: _InOrder, device_ids: tuple[int, ...]) -> DeploymentGroup:
    group_id, stage, _, start, end, *constraints = group
    name = verbatim(group_id)
    if fault := name_fault(name):
        raise Wrong(group_id, f"it {fault}")
    return DeploymentGroup(
        group_id=name,
        stage=Stage(text(stage)),
        device_ids=device_ids,
        period=Period(time(start), time(end)),
        constraints=tuple(map(verbatim, constraints)),
    )


PREFERRED_PILOT_SCHEDULE = Service(
    "11.6", "Submit Preferred Pilot Schedule", "PreferredPilotSchedule", DUIS_6_0, SUPPLIERS, NON_DEVICE, 10_000, _read
)
