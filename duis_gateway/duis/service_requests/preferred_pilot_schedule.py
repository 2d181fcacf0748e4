"""SRV 11.6, Submit Preferred Pilot Schedule (A05)."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from duis_gateway.duis.service_requests.elements import Wrong, child, devices, refusal, text, time, verbatim
from duis_gateway.duis.service_requests.service import NON_DEVICE, SUPPLIERS, RequestBody, Service
from duis_gateway.errors import Finding
from duis_gateway.namespaces import DUIS_6_0, sr
from duis_gateway.rollout.releases.records import Period, Stage

_MAX_FINDINGS = 10


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
    groups: list[DeploymentGroup] = []
    findings: list[Finding] = []
    for element in body.iterchildren(sr("DeploymentGroup")):
        try:
            groups.append(_read_group(element, as_sent))
        except Wrong as wrong:
            findings.append(wrong.finding)
        if len(findings) == _MAX_FINDINGS:
            break
    if findings:
        raise refusal(findings)
    return PreferredPilotSchedule(
        release_id=text(child(body, "FirmwareReleaseID")),
        firmware_version=verbatim(child(body, "FirmwareVersion")),
        groups=tuple(groups),
        cancelled=tuple(_read_cancelled(element) for element in body.iterchildren(sr("CancelledGroup"))),
    )


def _read_cancelled(group: etree._Element) -> CancelledGroup:
    return CancelledGroup(verbatim(child(group, "GroupID")), Stage(text(child(group, "Stage"))))


def _read_group(group: etree._Element, as_sent: dict[int, str]) -> DeploymentGroup:
    group_id, stage, device_list, start, end, *constraints = group.iterchildren("*")  # in the schema's order
    return DeploymentGroup(
        group_id=verbatim(group_id),
        stage=Stage(text(stage)),
        device_ids=devices(device_list, as_sent),
        period=Period(time(start), time(end)),
        constraints=tuple(map(verbatim, constraints)),
    )


PREFERRED_PILOT_SCHEDULE = Service(
    "11.6", "Submit Preferred Pilot Schedule", "PreferredPilotSchedule", DUIS_6_0, SUPPLIERS, NON_DEVICE, 10_000, _read
)
