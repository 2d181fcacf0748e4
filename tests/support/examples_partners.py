"""Messages of the CSP Management Gateway and of the ESI for docs/examples, unsigned and as canonical bytes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import NAMESPACE_URL, uuid5

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.duis.service_requests.preferred_pilot_schedule import DeploymentGroup
from duis_gateway.partners.bodies import Remaining
from duis_gateway.partners.messages import Acknowledgement, AcknowledgementStatus, Part, PartnerBody
from duis_gateway.rollout.activations.records import HubOutcome, OutcomeStage, RefusedItem
from duis_gateway.rollout.releases.records import DefaultGroup, FailureThreshold, PilotTerms, ReleaseType, Stage
from duis_gateway.rollout.rollout_decisions.records import GroupDecision, RolloutAction, Standing
from tests.support.examples_duis import (
    AT,
    AUTOMATIC,
    CONSTRAINTS,
    COUNTS,
    CSP,
    DCC,
    DEVIATION,
    GATEWAY,
    GPF,
    GROUPS,
    HUBS,
    LATER,
    MANUFACTURER,
    MODEL,
    PILOT,
    PLANNED,
    RELEASE,
    SUPPLIER,
    UNKNOWN,
    VERSION,
    VOID,
    WEEK,
    Example,
    hub,
)

_TERMS = PilotTerms(PILOT, limit=300, minimum=10, share_percent=2, share_by=PILOT.start + timedelta(days=30))
_ABOUT = (
    RELEASE,
    1,
    ReleaseType.SEC_RELEASE,
    MANUFACTURER,
    MODEL,
    VERSION,
    "https://releases.example/SEC-2026-11-A",
    "Major",
    "High",
)
_THRESHOLD = FailureThreshold(share_percent=5, window_hours=24, least_hubs=100, hold=True)
_MARKED = (_TERMS, HUBS[4:5], HUBS[5:6], HUBS[6:7])  # proving, friendly, excluded
_FOLLOWS = ("9000", "9001")
_GROUP = DeploymentGroup("WEEK-1", Stage.PILOT, HUBS[1:4], WEEK, ("NIGHT",))
_GOOD = HubOutcome(HUBS[1], OutcomeStage.ACTIVATION, True, VERSION, LATER)
_BAD = HubOutcome(HUBS[2], OutcomeStage.ACTIVATION, False, VERSION, LATER, "hashMismatch", "Seen twice.")
_HELD = "Pending requests are held: no hub that is not yet active is updated until DCC proceeds."
_LOST = HubOutcome(HUBS[3], OutcomeStage.DISTRIBUTION, False, VERSION, LATER, "imageDiscarded")

_ACCEPTED = Acknowledgement("message-1", AcknowledgementStatus.ACCEPTED, "Accepted")
_PARTLY = Acknowledgement(
    "message-2",
    AcknowledgementStatus.PARTLY_ACCEPTED,
    "PartlyAccepted",
    None,
    (RefusedItem(format_eui(UNKNOWN), "not a Communications Hub in the inventory"),),
)
_REFUSED = Acknowledgement(
    "message-3",
    AcknowledgementStatus.REFUSED,
    "NotYourRegion",
    "The sender is not registered for the region Central.",
)

FROM_CSP: dict[str, PartnerBody] = {
    "DefaultPilotList": csp.DefaultPilotList(RELEASE, "North", (*HUBS[:3], UNKNOWN)),
    "DefaultPilotList-part": csp.DefaultPilotList(RELEASE, "North", HUBS[:2], Part("north-pilot-1", 1, 2)),
    "DefaultPilotSchedule": csp.DefaultPilotSchedule(RELEASE, "North", GROUPS, CONSTRAINTS),
    "SafeLaunchSchedule": csp.SafeLaunchSchedule(RELEASE, "North", (DefaultGroup("NORTH", WEEK),), CONSTRAINTS),
    "ScheduleDecision": csp.ScheduleDecision(RELEASE, SUPPLIER, "WEEK-1", GroupDecision.ACCEPTED),
    "ScheduleDecision-piece": csp.ScheduleDecision(
        RELEASE,
        SUPPLIER,
        "WEEK-1",
        GroupDecision.AMENDED,
        WEEK.start,
        WEEK.end + timedelta(days=7),
        "Capacity",
        HUBS[1:3],
    ),
    "ActivateFirmwareRequests": csp.ActivateFirmwareRequests(VERSION, HUBS[1:4], LATER, RELEASE),
    "ActivateFirmwareResponses": csp.ActivateFirmwareResponses((_GOOD, _BAD)),
    "DistributionOutcomes": csp.DistributionOutcomes((_LOST,)),
}
TO_CSP: dict[str, PartnerBody] = {
    "FirmwareReleaseNotice": csp.FirmwareReleaseNotice(*_ABOUT, AUTOMATIC, *_MARKED, permitted_predecessors=_FOLLOWS),
    "PreferredPilotList": csp.PreferredPilotList(RELEASE, VERSION, SUPPLIER, HUBS[1:4]),
    "PreferredPilotSchedule": csp.PreferredPilotSchedule(RELEASE, VERSION, SUPPLIER, (_GROUP,)),
    "PilotOutcome": csp.PilotOutcome(RELEASE, True, COUNTS, "Three hubs are being replaced."),
    "SafeLaunchOutcome": csp.SafeLaunchOutcome(RELEASE, True, COUNTS),
    "Closure": csp.Closure(RELEASE, AT),
    "Supersession": csp.Supersession(RELEASE, "SEC-2027-02-A", AT),
    "RolloutDecision": csp.RolloutDecision(
        RELEASE, RolloutAction.PAUSE, "Incident INC-1", Standing.CONFIRMED, "The Panel", effect_on_pending=_HELD
    ),
    "StageChange": csp.StageChange(RELEASE, PILOT.end, ended=Stage.PILOT, begun=Stage.SAFE_LAUNCH),
    "BatchInstruction": csp.BatchInstruction(RELEASE, "BATCH-1", HUBS[:4], WEEK),
    "PilotSelection": csp.PilotSelection(RELEASE, SUPPLIER, HUBS[:4], WEEK),
    "PlannedDeployment": csp.PlannedDeployment(RELEASE, VERSION, 7, (PLANNED,), (VOID,)),
    "PlannedDeployment-remaining": csp.PlannedDeployment(RELEASE, VERSION, 8, remaining=Remaining(AUTOMATIC)),
    "PlanDeviation": csp.PlanDeviation(RELEASE, VERSION, (DEVIATION,)),
    "Acknowledgement-accepted": _ACCEPTED,
    "Acknowledgement-partly": _PARTLY,
    "Acknowledgement-refused": _REFUSED,
}
FROM_DCC: dict[str, PartnerBody] = {
    "FirmwareRelease": esi.FirmwareRelease(
        *_ABOUT,
        AUTOMATIC,
        *_MARKED,
        permitted_predecessors=_FOLLOWS,
        obligations=True,
        failure_threshold=_THRESHOLD,
    ),
    "ReleaseApproval": esi.ReleaseApproval(RELEASE, AT),
    "Withdrawal": esi.Withdrawal(RELEASE, AT, "Withdrawn from assurance."),
    "Closure": esi.Closure(RELEASE, AT),
    "Supersession": esi.Supersession(RELEASE, "SEC-2027-02-A", AT),
    "PilotOutcome": esi.PilotOutcome(RELEASE, True, COUNTS, "Three hubs are being replaced."),
    "SafeLaunchOutcome": esi.SafeLaunchOutcome(RELEASE, True, COUNTS),
    "RolloutDecision": esi.RolloutDecision(
        RELEASE, RolloutAction.DELAY, "Incident INC-1", Standing.PROVISIONAL, "DCC", AUTOMATIC + timedelta(days=30)
    ),
    "Incident": esi.Incident("INC-1", SUPPLIER, RELEASE, "Severity 1", True),
    "BatchInstruction": esi.BatchInstruction(RELEASE, "BATCH-1", HUBS[:4], WEEK),
    "PilotSelection": esi.PilotSelection(RELEASE, SUPPLIER, HUBS[:4], WEEK),
    "InventoryUpdate": esi.InventoryUpdate((replace(hub(), gpf_device_id=GPF),)),
}
TO_DCC: dict[str, PartnerBody] = {
    "PreferredPilotListReport": esi.PreferredPilotListReport(RELEASE, VERSION, SUPPLIER, HUBS[1:4]),
    "PreferredPilotScheduleReport": esi.PreferredPilotScheduleReport(RELEASE, VERSION, SUPPLIER, (_GROUP,)),
    "StageChange": esi.StageChange(RELEASE, PILOT.end, ended=Stage.PILOT, begun=Stage.SAFE_LAUNCH),
    "PilotProgress": esi.PilotProgress(RELEASE, VERSION, (_GOOD, _BAD)),
    "PlannedDeploymentReport": esi.PlannedDeploymentReport(RELEASE, VERSION, 7, (PLANNED,), (VOID,)),
    "PlanDeviation": esi.PlanDeviation(RELEASE, VERSION, (DEVIATION,)),
    "PauseProposal": esi.PauseProposal(RELEASE, LATER, 240, 12, _THRESHOLD),
    "Acknowledgement": _ACCEPTED,
}


def partner_examples() -> list[Example]:
    """Return every example of both interfaces."""
    return [
        *_rendered("csp", FROM_CSP, "csp", CSP),
        *_rendered("csp", TO_CSP, "gateway", GATEWAY),
        *_rendered("esi", FROM_DCC, "dcc", DCC),
        *_rendered("esi", TO_DCC, "gateway", GATEWAY),
    ]


def _rendered(interface: str, bodies: dict[str, PartnerBody], signer: str, sender: int) -> list[Example]:
    module, schema = (csp, "csp_mgmt_gw/1") if interface == "csp" else (esi, "esi/1")
    return [
        Example(
            f"{interface}-{name}",
            signer,
            schema,
            module.render_message(_message_id(signer, number, name), sender, LATER, body),
        )
        for number, (name, body) in enumerate(bodies.items(), 1)
    ]


def _message_id(signer: str, number: int, name: str) -> str:
    """The gateway's own are UUIDs; partners number as they like."""
    return str(uuid5(NAMESPACE_URL, name)) if signer == "gateway" else f"message-{number}"
