"""ScheduleDecision (X07): a CSP regroups, and the supplier is told of its own hubs."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

import csp_mgmt_gw.messages as csp
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.flow.incoming import Door
from duis_gateway.parties import store as parties
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.releases.records import Instruction, Stage
from duis_gateway.rollout.rollout_decisions.records import GroupDecision
from duis_gateway.rollout.schedule_decisions import store as says
from duis_gateway.rollout.schedules import store as schedules
from tests.support.rules import NOW, OURS, THEIRS
from tests.support.steering import HUBS, IN_PILOT, NORTH, OWN_NORTH, OWN_SOUTH, SPLIT, Steering, Told

pytestmark = pytest.mark.requirement("X07")


@pytest.fixture(autouse=True)
def _group(dcc: Steering) -> None:
    """A group of ours in the pilot: two hubs in North, one of them split, and one in South."""
    dcc.piloting()
    group = Instruction("R1", OURS, "G1", Stage.PILOT, IN_PILOT, NOW, (OWN_NORTH, OWN_SOUTH, SPLIT))
    with dcc.store.write() as conn:
        schedules.put_instructions(conn, [group])


def north_says(dcc: Steering, *named: int, decision: GroupDecision = GroupDecision.ACCEPTED) -> Told:
    body = csp.ScheduleDecision("R1", OURS, "G1", decision, reason="capacity", device_ids=named)
    return dcc.says(body, by=NORTH, door=Door.CSP)


def goes_to_another(dcc: Steering, *ids: int) -> None:
    """These hubs change their supplier."""
    with dcc.store.write() as conn:
        moved = [replace(hub, import_supplier=THEIRS, gas_supplier=THEIRS) for hub in HUBS if hub.device_id in ids]
        hubs.upsert(conn, moved)


@pytest.mark.requirement("PIA-C4")
def test_a_piece_is_told_with_its_hubs_and_a_csp_s_part_of_the_group_too(dcc: Steering) -> None:
    assert north_says(dcc, SPLIT).body(OURS, "N74").device_ids == (SPLIT,)
    assert north_says(dcc, SPLIT, OWN_NORTH).body(OURS, "N74").device_ids == (SPLIT, OWN_NORTH)
    assert north_says(dcc).body(OURS, "N74").device_ids == (OWN_NORTH, SPLIT)
    alert = north_says(dcc, SPLIT, decision=GroupDecision.REFUSED).body(OURS, "N74")
    assert (alert.reason, alert.period) == ("capacity", None), "the words are the CSP's alone"


def test_a_whole_group_is_told_with_its_hubs_only_where_the_csp_named_them(dcc: Steering) -> None:
    group = Instruction("R1", OURS, "G1", Stage.PILOT, IN_PILOT, NOW, (OWN_NORTH, SPLIT))
    with dcc.store.write() as conn:
        schedules.put_instructions(conn, [group])
    assert north_says(dcc).body(OURS, "N74").device_ids == ()
    assert north_says(dcc, SPLIT, OWN_NORTH).body(OURS, "N74").device_ids == (SPLIT, OWN_NORTH)


def test_the_former_supplier_of_a_hub_is_told_nothing_of_it(dcc: Steering) -> None:
    """Design section 7: suppliers are told about their own hubs only."""
    goes_to_another(dcc, OWN_NORTH)
    told = north_says(dcc, OWN_NORTH, SPLIT)
    assert told.status == "PartlyAccepted"
    assert {one.item: one.reason for one in told.answer.refused} == {
        format_eui(OWN_NORTH): "no longer the supplier's hub"
    }
    assert told.body(OURS, "N74").device_ids == (SPLIT,)
    assert north_says(dcc).body(OURS, "N74").device_ids == (SPLIT,)
    goes_to_another(dcc, SPLIT)
    for named in ((), (SPLIT,)):
        refused = north_says(dcc, *named)
        assert (refused.status, refused.code, refused.sends) == ("Refused", "DecisionRefused", ())


def test_a_supplier_that_went_back_to_an_older_duis_reads_the_piece_in_an_email(dcc: Steering) -> None:
    """Design section 3: N999 cannot carry it."""
    with dcc.store.write() as conn:
        ours = parties.find(conn, OURS)
        assert ours is not None
        parties.update(conn, replace(ours, duis_version=Decimal("5.4")))
    before = dcc.last_row()
    north_says(dcc, SPLIT)
    assert sorted(dcc.outbox(OURS, before)) == [("email", "N74"), ("http", "N999")]


def test_what_is_refused_is_not_kept(dcc: Steering) -> None:
    assert north_says(dcc, OWN_SOUTH).status == "Refused"
    with dcc.store.read() as conn:
        assert sum(one.hubs for one in says.undecided(conn, dcc.release())) == 3
    north_says(dcc, SPLIT)
    with dcc.store.read() as conn:
        assert sum(one.hubs for one in says.undecided(conn, dcc.release())) == 2
