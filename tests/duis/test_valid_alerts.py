"""What partners may say, by their schemas, gives alerts that are valid in every DUIS version, whatever it is."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duis_gateway.duis.alerts.comms_hub_firmware_activation import CommsHubFirmwareActivation
from duis_gateway.duis.alerts.comms_hub_firmware_failure import CommsHubFirmwareFailure
from duis_gateway.duis.alerts.default_pilot_list import DefaultPilotList
from duis_gateway.duis.alerts.default_pilot_schedule import DefaultPilotSchedule
from duis_gateway.duis.alerts.duis_version_mismatch import DUISVersionMismatch
from duis_gateway.duis.alerts.firmware_deployment_plan import FirmwareDeploymentPlan
from duis_gateway.duis.alerts.firmware_rollout_decision import FirmwareRolloutDecision
from duis_gateway.duis.alerts.kind import AlertBody
from duis_gateway.duis.alerts.pilot_outcome import PilotOutcome
from duis_gateway.duis.alerts.preferred_pilot_schedule_decision import PreferredPilotScheduleDecision
from duis_gateway.duis.alerts.prepare import prepare
from duis_gateway.duis.alerts.safe_launch_outcome import SafeLaunchOutcome
from duis_gateway.duis.alerts.safe_launch_schedule import SafeLaunchSchedule
from duis_gateway.duis.alerts.split_supplier_instruction import OtherSupplier, SplitSupplierInstruction
from duis_gateway.duis.alerts.table import ALERTS, code_of
from duis_gateway.envelope.signature import sign_canonical
from duis_gateway.namespaces import DUIS_SCHEMA_FOLDERS
from duis_gateway.rollout.activations.records import OutcomeStage
from duis_gateway.rollout.plans.records import (
    Deployment,
    Deviation,
    DeviationKind,
    PlanBasis,
    PlanStanding,
    VoidPlan,
    VoidReason,
)
from duis_gateway.rollout.releases.records import Stage
from duis_gateway.rollout.rollout_decisions.records import GroupDecision, HubCounts, RolloutAction, Standing
from tests.support.duis import AT, RESPONSE_ID, schema_of, supplier
from tests.support.partner_bodies import (
    CONSTRAINTS,
    COUNTS,
    DEFAULT_GROUPS,
    EUIS,
    LISTS,
    LISTS_OR_NONE,
    NAMES,
    PERIODS,
    REGIONS,
    REMARK,
    REMARK_OR_NONE,
    SHORT,
    TIMES,
    VERSIONS,
)
from tests.support.signing import KEY

_SCHEDULE = (NAMES, VERSIONS, REGIONS, DEFAULT_GROUPS, CONSTRAINTS)
_OUTCOME = (NAMES, st.booleans(), st.builds(HubCounts, COUNTS, COUNTS, COUNTS), REMARK_OR_NONE)
BODIES: dict[type, st.SearchStrategy[AlertBody]] = {
    CommsHubFirmwareActivation: st.builds(CommsHubFirmwareActivation, EUIS, VERSIONS),
    CommsHubFirmwareFailure: st.builds(
        CommsHubFirmwareFailure, EUIS, VERSIONS, st.sampled_from(OutcomeStage), REMARK_OR_NONE, REMARK_OR_NONE
    ),
    DefaultPilotList: st.builds(DefaultPilotList, NAMES, VERSIONS, REGIONS, LISTS),
    DefaultPilotSchedule: st.builds(DefaultPilotSchedule, *_SCHEDULE),
    SafeLaunchSchedule: st.builds(SafeLaunchSchedule, *_SCHEDULE),
    SafeLaunchOutcome: st.builds(SafeLaunchOutcome, *_OUTCOME),
    PilotOutcome: st.builds(PilotOutcome, *_OUTCOME),
    FirmwareRolloutDecision: st.builds(
        FirmwareRolloutDecision,
        NAMES,
        st.sampled_from(RolloutAction),
        st.sampled_from(Standing),
        REMARK,
        REMARK,
        st.none() | TIMES,
        REMARK,
    ),
    SplitSupplierInstruction: st.builds(SplitSupplierInstruction, NAMES, st.sampled_from(OtherSupplier), LISTS),
    PreferredPilotScheduleDecision: st.builds(
        PreferredPilotScheduleDecision,
        NAMES,
        SHORT,
        st.sampled_from(GroupDecision),
        REMARK_OR_NONE,
        st.none() | PERIODS,
        LISTS_OR_NONE,
    ),
    FirmwareDeploymentPlan: st.builds(
        FirmwareDeploymentPlan,
        NAMES,
        VERSIONS,
        st.tuples(st.builds(Deployment, *map(st.sampled_from, (Stage, PlanBasis, PlanStanding)), PERIODS, LISTS)),
        st.tuples(st.builds(VoidPlan, st.sampled_from(VoidReason), LISTS)),
        st.tuples(st.builds(Deviation, st.sampled_from(DeviationKind), LISTS, st.none() | PERIODS)),
        st.none() | TIMES,
    ),
}


def test_every_alert_is_among_them() -> None:
    """N999 is what the others become for whoever does not know them."""
    assert {*BODIES, DUISVersionMismatch} == {kind.record.kind for kind in ALERTS.values()}


@pytest.mark.parametrize("version", sorted(DUIS_SCHEMA_FOLDERS))
@settings(max_examples=150)
@given(body=st.one_of(*BODIES.values()))
def test_whatever_partners_say_is_told_by_a_valid_alert(version: Decimal, body: AlertBody) -> None:
    for published_only in (True, False):
        for alert in prepare(body, supplier(str(version), published_schema_only=published_only)):
            assert alert.kind.code == code_of(body)
            schema_of(version).check(sign_canonical(alert.render(RESPONSE_ID, AT), KEY))
