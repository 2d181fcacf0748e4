"""A half of a split hub that DCC chose for its supplier, and that the supplier then instructed itself (BR-4.2, X08)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

import esi.messages as esi
from duis_gateway.duis.service_requests.preferred_pilot_list import PreferredPilotList
from duis_gateway.duis.service_requests.preferred_pilot_schedule import (
    CancelledGroup,
    DeploymentGroup,
    PreferredPilotSchedule,
)
from duis_gateway.rollout.estate.hub_by_hub import hub_row
from duis_gateway.rollout.releases.records import Period, Stage
from tests.rollout.plans.test_off_the_plan import period_of, told
from tests.support.databases import KINDS
from tests.support.rules import NEW, OURS, PILOT, THEIRS
from tests.support.status_of import PARTIES
from tests.support.steering import DCC, NORTH, SPLIT, Steering, steering

DAY = timedelta(days=1)
OWN = Period(PILOT.start + 7 * DAY, PILOT.start + 9 * DAY)
OTHERS = Period(PILOT.start + 7 * DAY, PILOT.start + 14 * DAY)

pytestmark = pytest.mark.requirement("X08", "X09", "BR-3.3", "BR-4.2")


@pytest.fixture(params=KINDS)
def dcc(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Steering]:
    with steering(request.param, tmp_path) as made:
        made.piloting()
        yield made


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
