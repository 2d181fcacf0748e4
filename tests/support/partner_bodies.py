"""Strategies that make every body of the two partner interfaces, with whatever the schemas allow in them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.duis.service_requests.preferred_pilot_schedule import DeploymentGroup
from duis_gateway.parties.records import CSP_REGIONS
from duis_gateway.partners.bodies import Remaining
from duis_gateway.partners.messages import Acknowledgement, AcknowledgementStatus, Part, PartnerBody
from duis_gateway.rollout.activations.records import HubOutcome, OutcomeStage, RefusedItem
from duis_gateway.rollout.hubs.records import NO_GPF, Hub
from duis_gateway.rollout.plans.records import (
    Deployment,
    Deviation,
    DeviationKind,
    PlanBasis,
    PlanStanding,
    VoidPlan,
    VoidReason,
)
from duis_gateway.rollout.releases.records import (
    DefaultGroup,
    FailureThreshold,
    OfferedConstraint,
    Period,
    PilotTerms,
    ReleaseType,
    Stage,
)
from duis_gateway.rollout.rollout_decisions.records import GroupDecision, HubCounts, RolloutAction, Standing
from duis_gateway.text.controls import name_fault, one_line

EUIS = st.integers(0, 2**64 - 1)
LISTS = st.lists(EUIS, min_size=1, max_size=5, unique=True).map(tuple)
LISTS_OR_NONE = st.just(()) | LISTS
XML_CHARACTERS = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff") | st.sampled_from(
    "\t\n\r<>&\"'"
)


def text(most: int) -> st.SearchStrategy[str]:
    return st.text(XML_CHARACTERS, min_size=1, max_size=min(most, 30))


def names(most: int) -> st.SearchStrategy[str]:
    return text(most).map(lambda drawn: one_line(drawn)[:most].strip() or "-").filter(lambda one: not name_fault(one))


SHORT, REMARK, VERSIONS, PRODUCTS = text(40), text(2000), names(8), names(30)
REMARK_OR_NONE = st.none() | REMARK
NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:\-]{0,39}", fullmatch=True)
REGIONS = st.sampled_from(CSP_REGIONS)
TIMES = st.datetimes(
    datetime(2000, 1, 2),
    datetime(2999, 12, 30),
    timezones=st.just(UTC),
)
PERIODS = st.builds(Period, TIMES, TIMES)
COUNTS = st.integers(0, 999_999_999)


@st.composite
def parts(draw: st.DrawFn) -> Part:
    of = draw(st.integers(1, 1000))
    return Part(draw(st.from_regex(r"[A-Za-z0-9._:\-]{1,64}", fullmatch=True)), draw(st.integers(1, of)), of)


PARTS = st.none() | parts()
TERMS = st.none() | st.builds(PilotTerms, PERIODS, COUNTS, COUNTS, st.none() | st.integers(0, 100), st.none() | TIMES)
THRESHOLDS = st.builds(
    FailureThreshold, st.integers(1, 100), st.integers(1, 744), st.integers(1, 999_999_999), st.booleans()
)
RELEASE_FIELDS = {
    "release_id": NAMES,
    "revision": st.integers(1, 999_999),
    "release_type": st.sampled_from(ReleaseType),
    "manufacturer": PRODUCTS,
    "model": PRODUCTS,
    "firmware_version": VERSIONS,
    "release_note": REMARK,
    "severity": SHORT,
    "priority": SHORT,
    "pilot": TERMS,
    "proving": LISTS_OR_NONE,
    "friendly": LISTS_OR_NONE,
    "excluded": LISTS_OR_NONE,
    "part": PARTS,
    "permitted_predecessors": st.lists(VERSIONS, max_size=3).map(tuple),
}
DEFAULT_GROUPS = st.lists(st.builds(DefaultGroup, SHORT, PERIODS, LISTS_OR_NONE), min_size=1, max_size=3).map(tuple)
CONSTRAINTS = st.lists(st.builds(OfferedConstraint, SHORT, REMARK), max_size=2).map(tuple)
GROUPS = st.lists(
    st.builds(
        DeploymentGroup, SHORT, st.sampled_from(Stage), LISTS_OR_NONE, PERIODS, st.lists(SHORT, max_size=2).map(tuple)
    ),
    max_size=3,
).map(tuple)


def outcomes(
    stages: st.SearchStrategy[OutcomeStage], versions: st.SearchStrategy[str]
) -> st.SearchStrategy[tuple[HubOutcome, ...]]:
    one = st.builds(HubOutcome, EUIS, stages, st.booleans(), versions, TIMES, REMARK_OR_NONE, REMARK_OR_NONE)
    return st.lists(one, min_size=1, max_size=4).map(tuple)


ACKNOWLEDGEMENTS = st.builds(
    Acknowledgement,
    NAMES,
    st.sampled_from(AcknowledgementStatus),
    SHORT,
    REMARK_OR_NONE,
    st.lists(st.builds(RefusedItem, REMARK, REMARK), max_size=3).map(tuple),
)

CHANGE_OF_STAGE = (
    NAMES,
    TIMES,
    st.none() | st.sampled_from(Stage),
    st.none() | st.sampled_from(Stage),
    REMARK_OR_NONE,
)
STAGE_OUTCOME = (NAMES, st.booleans(), st.builds(HubCounts, COUNTS, COUNTS, COUNTS), REMARK_OR_NONE)
DECISION = (
    NAMES,
    st.sampled_from(RolloutAction),
    REMARK,
    st.sampled_from(Standing),
    REMARK,
    st.none() | TIMES,
)

PLAN = (
    NAMES,
    VERSIONS,
    st.integers(1, 999),
    st.lists(
        st.builds(
            Deployment,
            st.sampled_from(Stage),
            st.sampled_from(PlanBasis),
            st.sampled_from(PlanStanding),
            PERIODS,
            LISTS,
        ),
        max_size=3,
    ).map(tuple),
    st.lists(st.builds(VoidPlan, st.sampled_from(VoidReason), LISTS), max_size=3).map(tuple),
    st.none() | st.builds(Remaining, TIMES),
    PARTS,
)
DEVIATIONS = (
    NAMES,
    VERSIONS,
    st.lists(
        st.builds(Deviation, st.sampled_from(DeviationKind), LISTS, st.none() | PERIODS), min_size=1, max_size=3
    ).map(tuple),
)

CSP_BODIES: dict[str, st.SearchStrategy[PartnerBody]] = {
    "DefaultPilotList": st.builds(csp.DefaultPilotList, NAMES, REGIONS, LISTS, PARTS),
    "DefaultPilotSchedule": st.builds(csp.DefaultPilotSchedule, NAMES, REGIONS, DEFAULT_GROUPS, CONSTRAINTS, PARTS),
    "SafeLaunchSchedule": st.builds(csp.SafeLaunchSchedule, NAMES, REGIONS, DEFAULT_GROUPS, CONSTRAINTS, PARTS),
    "ScheduleDecision": st.builds(
        csp.ScheduleDecision,
        NAMES,
        EUIS,
        SHORT,
        st.sampled_from(GroupDecision),
        st.none() | TIMES,
        st.none() | TIMES,
        REMARK_OR_NONE,
        LISTS_OR_NONE,
    ),
    "ActivateFirmwareRequests": st.builds(
        csp.ActivateFirmwareRequests, VERSIONS, LISTS, TIMES, st.none() | NAMES, PARTS
    ),
    "ActivateFirmwareResponses": st.builds(
        csp.ActivateFirmwareResponses, outcomes(st.just(OutcomeStage.ACTIVATION), VERSIONS)
    ),
    "DistributionOutcomes": st.builds(csp.DistributionOutcomes, outcomes(st.just(OutcomeStage.DISTRIBUTION), VERSIONS)),
    "FirmwareReleaseNotice": st.builds(csp.FirmwareReleaseNotice, **RELEASE_FIELDS, automatic_date=TIMES),
    "PreferredPilotList": st.builds(csp.PreferredPilotList, NAMES, VERSIONS, EUIS, LISTS_OR_NONE, PARTS),
    "PreferredPilotSchedule": st.builds(csp.PreferredPilotSchedule, NAMES, VERSIONS, EUIS, GROUPS, PARTS),
    "PilotOutcome": st.builds(csp.PilotOutcome, *STAGE_OUTCOME),
    "SafeLaunchOutcome": st.builds(csp.SafeLaunchOutcome, *STAGE_OUTCOME),
    "Closure": st.builds(csp.Closure, NAMES, TIMES, REMARK_OR_NONE),
    "Supersession": st.builds(csp.Supersession, NAMES, NAMES, TIMES, REMARK_OR_NONE),
    "RolloutDecision": st.builds(csp.RolloutDecision, *DECISION, REMARK_OR_NONE),
    "StageChange": st.builds(csp.StageChange, *CHANGE_OF_STAGE),
    "BatchInstruction": st.builds(csp.BatchInstruction, NAMES, SHORT, LISTS, st.none() | PERIODS, PARTS),
    "PilotSelection": st.builds(csp.PilotSelection, NAMES, EUIS, LISTS, st.none() | PERIODS, PARTS),
    "PlannedDeployment": st.builds(csp.PlannedDeployment, *PLAN),
    "PlanDeviation": st.builds(csp.PlanDeviation, *DEVIATIONS),
    "Acknowledgement": ACKNOWLEDGEMENTS,
}

HUBS = st.builds(
    Hub,
    EUIS,
    st.just("CHF"),
    PRODUCTS,
    PRODUCTS,
    VERSIONS,
    st.sampled_from(["Commissioned", "Withdrawn"]),
    REGIONS,
    st.none() | EUIS,
    st.none() | EUIS,
    gpf_device_id=st.none() | st.just(NO_GPF) | EUIS,
)


@st.composite
def progress(draw: st.DrawFn) -> esi.PilotProgress:
    version = draw(VERSIONS)
    hubs = draw(outcomes(st.sampled_from(OutcomeStage), st.just(version)))
    return esi.PilotProgress(draw(st.none() | NAMES), version, hubs)


ESI_BODIES: dict[str, st.SearchStrategy[PartnerBody]] = {
    "FirmwareRelease": st.builds(
        esi.FirmwareRelease,
        **RELEASE_FIELDS,
        automatic_date=st.none() | TIMES,
        obligations=st.booleans(),
        failure_threshold=st.none() | THRESHOLDS,
    ),
    "ReleaseApproval": st.builds(esi.ReleaseApproval, NAMES, TIMES, REMARK_OR_NONE),
    "Withdrawal": st.builds(esi.Withdrawal, NAMES, TIMES, REMARK_OR_NONE),
    "Closure": st.builds(esi.Closure, NAMES, TIMES, REMARK_OR_NONE),
    "Supersession": st.builds(esi.Supersession, NAMES, NAMES, TIMES, REMARK_OR_NONE),
    "PilotOutcome": st.builds(esi.PilotOutcome, *STAGE_OUTCOME),
    "SafeLaunchOutcome": st.builds(esi.SafeLaunchOutcome, *STAGE_OUTCOME),
    "RolloutDecision": st.builds(esi.RolloutDecision, *DECISION),
    "Incident": st.builds(esi.Incident, SHORT, EUIS, NAMES, SHORT, st.booleans()),
    "BatchInstruction": st.builds(esi.BatchInstruction, NAMES, SHORT, LISTS, st.none() | PERIODS, PARTS),
    "PilotSelection": st.builds(esi.PilotSelection, NAMES, EUIS, LISTS, st.none() | PERIODS, PARTS),
    "InventoryUpdate": st.builds(esi.InventoryUpdate, st.lists(HUBS, min_size=1, max_size=3).map(tuple)),
    "PreferredPilotListReport": st.builds(esi.PreferredPilotListReport, NAMES, VERSIONS, EUIS, LISTS_OR_NONE, PARTS),
    "PreferredPilotScheduleReport": st.builds(esi.PreferredPilotScheduleReport, NAMES, VERSIONS, EUIS, GROUPS, PARTS),
    "StageChange": st.builds(esi.StageChange, *CHANGE_OF_STAGE),
    "PilotProgress": progress(),
    "PlannedDeploymentReport": st.builds(esi.PlannedDeploymentReport, *PLAN),
    "PlanDeviation": st.builds(esi.PlanDeviation, *DEVIATIONS),
    "PauseProposal": st.builds(esi.PauseProposal, NAMES, TIMES, COUNTS, COUNTS, THRESHOLDS),
    "Acknowledgement": ACKNOWLEDGEMENTS,
}

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def many_outcomes(number: int) -> csp.ActivateFirmwareResponses:
    """As many outcomes as asked for, every third a failure with a reason and a word on it."""
    return csp.ActivateFirmwareResponses(
        tuple(
            HubOutcome(
                2**63 + index,
                OutcomeStage.ACTIVATION,
                index % 3 > 0,
                "00000002",
                NOW + timedelta(seconds=index),
                "hash mismatch" if index % 3 == 0 else None,
                "seen after a power cut" if index % 3 == 0 else None,
            )
            for index in range(number)
        )
    )
