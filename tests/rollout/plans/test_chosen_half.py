"""A half of a split hub that DCC chose for its supplier, and that the supplier then instructed itself (BR-4.2, X08)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.duis.service_requests.preferred_pilot_list import PreferredPilotList
from duis_gateway.duis.service_requests.preferred_pilot_schedule import (
    CancelledGroup,
    DeploymentGroup,
    PreferredPilotSchedule,
)
from duis_gateway.flow.incoming import Door
from duis_gateway.rollout.deadlines.view import deadline_rows
from duis_gateway.rollout.estate.hub_by_hub import estate_rows, hub_row
from duis_gateway.rollout.releases.records import Period, Stage
from duis_gateway.rollout.rollout_decisions.records import GroupDecision
from tests.rollout.plans.test_off_the_plan import period_of, told
from tests.support.rules import NEW, OURS, PILOT, THEIRS
from tests.support.status_of import PARTIES
from tests.support.steering import DCC, NORTH, SPLIT, Steering

DAY = timedelta(days=1)
OWN = Period(PILOT.start + 7 * DAY, PILOT.start + 9 * DAY)
OTHERS = Period(PILOT.start + 7 * DAY, PILOT.start + 14 * DAY)

pytestmark = pytest.mark.requirement("X08", "X09", "BR-3.3", "BR-4.2")


def instructs(dcc: Steering, supplier: int, period: Period) -> None:
    assert not dcc.asks(supplier, "11.5", PreferredPilotList("R1", NEW, (SPLIT,))).startswith("E")
    group = DeploymentGroup("G1", Stage.PILOT, (SPLIT,), period)
    assert not dcc.asks(supplier, "11.6", PreferredPilotSchedule("R1", NEW, (group,))).startswith("E")


def chooses(dcc: Steering, supplier: int) -> None:
    assert dcc.says(esi.PilotSelection("R1", supplier, (SPLIT,), None)).status == "Accepted"


def planned(dcc: Steering, party: int) -> tuple[object, object]:
    with dcc.store.read() as conn:
        row = hub_row(conn, PARTIES[party], SPLIT, dcc.clock.now())
    assert row is not None
    return row["earliest_start"], row["latest_end"]


@pytest.mark.parametrize("chosen", ["before", "after"])
def test_the_joint_period_stands_until_its_end_when_the_half_that_dcc_chose_too_is_over(
    dcc: Steering, chosen: str
) -> None:
    """Before, the hub was shown until the pilot's end from then on, which nobody was told."""
    if chosen == "before":
        chooses(dcc, OURS)
    instructs(dcc, OURS, OWN)
    instructs(dcc, THEIRS, OTHERS)
    if chosen == "after":
        chooses(dcc, OURS)
    before = dcc.last_row()
    dcc.passes(OWN.end + DAY)
    assert told(dcc, before, "Deployment") == told(dcc, before, "Void") == {}
    assert {planned(dcc, party) for party in (OURS, THEIRS, NORTH, DCC)} == {(OTHERS.start, OTHERS.end)}
    cancelled = (CancelledGroup("G1", Stage.PILOT),)
    assert dcc.asks(OURS, "11.6", PreferredPilotSchedule("R1", NEW, (), cancelled)) == "E110605", "it is under way"
    dcc.passes(OTHERS.end)
    anew = told(dcc, before, "Deployment")
    assert anew.keys() == {OURS, THEIRS, NORTH, DCC}
    for party, (deployment,) in anew.items():
        assert period_of(deployment)[-1] == PILOT.end == planned(dcc, party)[1]
    missed = told(dcc, before, "Deviation")
    assert missed.keys() == anew.keys(), "what was planned before was missed: at one instant, as the choice goes on"
    nothing_left = {why(dcc, party) for party in anew}
    assert nothing_left == {"the CSP did not decide in time"}, "before, it had not decided yet"
    assert undecided(dcc) == []


def test_why_says_that_dcc_chose_a_half_to_whom_that_is_told(dcc: Steering) -> None:
    """Before, both suppliers had instructed the hub, whoever looked; a second supplier reads nothing of the choice."""

    def said(party: int) -> str:
        with dcc.store.read() as conn:
            row = hub_row(conn, PARTIES[party], SPLIT, dcc.clock.now())
        assert row is not None
        return str(row["why"]).partition("; the later start")[0]

    chooses(dcc, OURS)
    instructs(dcc, THEIRS, OTHERS)
    assert said(OURS).endswith("DCC chose the hub for your half, and the other half is instructed, too")
    assert said(THEIRS).endswith("both halves are instructed")
    for party in (NORTH, DCC):
        chosen = "DCC chose the hub for the Import Supplier's half, and the other half is instructed, too"
        assert said(party).endswith(chosen)
    instructs(dcc, OURS, OWN)
    assert said(OURS).endswith("both halves are instructed")
    assert said(THEIRS).endswith("both halves are instructed")
    assert said(DCC).endswith("both suppliers have instructed")


def why(dcc: Steering, party: int, since: datetime | None = None) -> str | None:
    """The last of the words why the hub is planned so; None where it has not changed since then."""
    with dcc.store.read() as conn:
        rows = {row["device_id"]: row for row in estate_rows(conn, PARTIES[party], dcc.clock.now(), since)}
    row = rows.get(format_eui(SPLIT))
    return None if row is None else str(row["why"]).rpartition("; ")[2]


def undecided(dcc: Steering) -> list[object]:
    """The suppliers on whose groups the CSP is asked to decide."""
    with dcc.store.read() as conn:
        rows = deadline_rows(conn, PARTIES[NORTH], dcc.clock.now())
    return [row["supplier"] for row in rows if row["task"] == "decide_on_group"]


@pytest.mark.requirement("X07", "BR-5.4")
def test_on_a_half_that_is_over_the_csp_is_not_asked_any_more(dcc: Steering) -> None:
    """Before, `why` went on saying that it had not decided yet, which nobody asked of it; `changed-since` has it."""
    instructs(dcc, OURS, OWN)
    instructs(dcc, THEIRS, OTHERS)
    accepted = csp.ScheduleDecision("R1", THEIRS, "G1", GroupDecision.ACCEPTED)
    assert dcc.says(accepted, by=NORTH, door=Door.CSP).status == "Accepted"
    assert undecided(dcc) == [format_eui(OURS)]
    before = dcc.last_row()
    dcc.passes(OWN.end - DAY)
    assert why(dcc, OURS) == "the CSP has decided on the Gas Supplier's half, but not yet on your half"
    assert why(dcc, THEIRS) == "the CSP has decided on your half, but not yet on the Import Supplier's half"
    dcc.passes(OWN.end)
    assert undecided(dcc) == []
    halves = {OURS: ("the Gas Supplier's", "your"), THEIRS: ("your", "the Import Supplier's")}
    for party in (OURS, THEIRS, NORTH, DCC):
        said, left = halves.get(party, ("the Gas Supplier's", "the Import Supplier's"))
        assert why(dcc, party, OWN.end) == f"the CSP decided in time on {said} half, but not on {left} half"
    assert dcc.last_row() == before, "the plan goes on, and nobody is told anything"
    assert {planned(dcc, party) for party in (OURS, THEIRS, NORTH, DCC)} == {(OTHERS.start, OTHERS.end)}
