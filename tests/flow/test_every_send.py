"""Every send of every decision stands in the row of its interaction (design section 3)."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.duis.identifiers import RequestId
from duis_gateway.duis.service_requests.preferred_pilot_list import PreferredPilotList
from duis_gateway.duis.service_requests.preferred_pilot_schedule import DeploymentGroup, PreferredPilotSchedule
from duis_gateway.duis.service_requests.request import ServiceRequest
from duis_gateway.errors import NotAnInteraction
from duis_gateway.flow.incoming import Door, Incoming
from duis_gateway.flow.message import Authorised
from duis_gateway.flow.reply import PartnerSend, Send
from duis_gateway.flow.steps import decide
from duis_gateway.outbox.laying_in import lay_in_outbox, name_of
from duis_gateway.parties import store as parties
from duis_gateway.partners.messages import PartnerBody
from duis_gateway.rollout.activations.records import HubOutcome, OutcomeStage
from duis_gateway.rollout.releases.records import DefaultGroup, OfferedConstraint, Period, Stage
from duis_gateway.rollout.rollout_decisions.records import GroupDecision
from tests.support.actors import OF_THE_PLAN
from tests.support.rules import AUTOMATIC, NEW, NOW, OURS, PILOT
from tests.support.steering import (
    DCC,
    GATEWAY,
    IN_PILOT,
    NORTH,
    OWN_NORTH,
    SPLIT,
    Steering,
    Told,
    outside_the_table,
)

LATER = Period(PILOT.end + timedelta(days=1), AUTOMATIC - timedelta(days=1))


def csp_says(dcc: Steering, body: PartnerBody) -> Told:
    return dcc.says(body, by=NORTH, door=Door.CSP)


def asks(dcc: Steering, service: str, body: PreferredPilotList | PreferredPilotSchedule) -> tuple[Send, ...]:
    """A supplier's request is decided; what it would send is looked up in the table and kept by nobody."""
    request_id = RequestId(OURS, GATEWAY, 1)
    request = ServiceRequest(request_id, str(request_id), Decimal("6.0"), 8, service, service, body, {})
    incoming = Incoming(Door.DUIS, "serviceD", b"<evidence/>", "test")
    with dcc.store.write() as conn:
        authorised = Authorised(incoming, dcc.clock.now(), b"digest", request_id, request, parties.find(conn, OURS))
        decided = decide(authorised, conn, dcc.store.lock_release)
    assert not (wrong := outside_the_table(decided.sends, Door.DUIS, type(body).__name__)), wrong
    return decided.sends


def test_what_csps_say_is_passed_on_as_the_table_has_it(dcc: Steering) -> None:
    """`Steering.says` looks every send up; here it is only made sure that there are some."""
    dcc.piloting()
    groups = (DefaultGroup("D", IN_PILOT, (OWN_NORTH, SPLIT)),)
    launch = (DefaultGroup("L", LATER, (OWN_NORTH,)),)
    offered = (OfferedConstraint("NIGHT", "at night"),)
    assert csp_says(dcc, csp.DefaultPilotList("R1", "North", (SPLIT,))).to(OURS) == ["N66"]
    assert csp_says(dcc, csp.DefaultPilotSchedule("R1", "North", groups, offered)).to(OURS) == ["N67"]
    assert csp_says(dcc, csp.SafeLaunchSchedule("R1", "North", launch)).to(OURS) == ["N68"]
    assert csp_says(dcc, csp.ActivateFirmwareRequests(NEW, (OWN_NORTH,), NOW, "R1")).sends == ()
    stages = {
        csp.DistributionOutcomes: OutcomeStage.DISTRIBUTION,
        csp.ActivateFirmwareResponses: OutcomeStage.ACTIVATION,
    }
    for kind, stage in stages.items():
        failed = HubOutcome(OWN_NORTH, stage, False, NEW, dcc.clock.now(), "no power")
        assert csp_says(dcc, kind((failed,))).to(OURS) == ["N71"]


def test_what_suppliers_choose_and_csps_decide_goes_out_as_the_table_has_it(dcc: Steering) -> None:
    dcc.piloting()
    listed = asks(dcc, "11.5", PreferredPilotList("R1", NEW, (OWN_NORTH, SPLIT)))
    assert {name_of(send) for send in listed} == {"PreferredPilotList", "PreferredPilotListReport"}
    group = DeploymentGroup("G", Stage.PILOT, (OWN_NORTH, SPLIT), IN_PILOT)
    scheduled = asks(dcc, "11.6", PreferredPilotSchedule("R1", NEW, (group,)))
    told = {name_of(send) for send in scheduled}
    assert told - set(OF_THE_PLAN) == {"PreferredPilotSchedule", "PreferredPilotScheduleReport", "N73"}
    assert told >= {"PlannedDeployment", "PlannedDeploymentReport", "N77"}
    shorter = asks(dcc, "11.5", PreferredPilotList("R1", NEW, (OWN_NORTH,)))
    assert "PreferredPilotSchedule" in {name_of(send) for send in shorter}
    said = csp_says(dcc, csp.ScheduleDecision("R1", OURS, "G", GroupDecision.ACCEPTED))
    assert said.to(OURS) == ["N74"]


def test_what_dcc_says_first_goes_out_as_the_table_has_it(dcc: Steering) -> None:
    """The rest of what it says stands in the other tests of this folder."""
    told = dcc.announces()
    assert told.to(OURS) == ["email"]
    assert sorted(told.to(NORTH)) == ["FirmwareReleaseNotice", "email"]
    assert dcc.says(esi.Closure("R1", NOW)).to(NORTH) == ["Closure"]


def test_what_time_brings_goes_out_as_the_table_has_it(dcc: Steering) -> None:
    """X05; and what DCC is told of obligations (X08)."""
    dcc.announces()
    dcc.approves()
    before = dcc.last_row()
    dcc.passes(PILOT.end)
    assert set(dcc.outbox(NORTH, before)) == {("http", "StageChange")}
    assert set(dcc.outbox(OURS, before)) == {("email", "X05")}


def test_what_the_table_does_not_have_is_not_sent(dcc: Steering) -> None:
    """Nobody but the CSPs is told of a closure by a message; nothing is stored of what would be sent with it."""
    before = dcc.last_row()
    with dcc.store.write() as conn:
        told = [party for party in parties.all_parties(conn) if party.eui in (NORTH, DCC)]
        sends = [PartnerSend(party, csp.Closure("R1", NOW), "R1") for party in told]
        with pytest.raises(NotAnInteraction, match="sends a dcc Closure"):
            lay_in_outbox(sends, conn, dcc.signer(), NOW, 95_000)
    assert len(told) == 2
    assert not dcc.outbox(NORTH, before)
