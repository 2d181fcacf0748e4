"""A supplier's group is over and DCC has chosen its hub since: neither counts as the other (X08)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

import esi.messages as esi
from duis_gateway.duis.service_requests.preferred_pilot_list import PreferredPilotList
from duis_gateway.duis.service_requests.preferred_pilot_schedule import DeploymentGroup, PreferredPilotSchedule
from duis_gateway.rollout.releases.records import Period, PilotTerms, Stage
from duis_gateway.rollout.schedules import store as schedules
from tests.rollout.plans.test_off_the_plan import hubs, told
from tests.support.databases import KINDS
from tests.support.rules import NEW, OURS, PILOT
from tests.support.steering import DCC, NORTH, OWN_NORTH, OWN_SOUTH, Steering, steering

DAY = timedelta(days=1)
FIRST = Period(PILOT.start + 2 * DAY, PILOT.start + 9 * DAY)
CHOSEN = Period(PILOT.start + 20 * DAY, PILOT.start + 27 * DAY)
SOONER = Period(PILOT.start + 12 * DAY, PILOT.start + 19 * DAY)

pytestmark = pytest.mark.requirement("X08", "A05", "BR-6.1")


@pytest.fixture(params=KINDS)
def dcc(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Steering]:
    """A hub in a supplier's group that is over, and that DCC has chosen for a time to come."""
    with steering(request.param, tmp_path) as made:
        made.piloting()
        assert made.asks(OURS, "11.5", PreferredPilotList("R1", NEW, (OWN_NORTH,))) == "I99"
        assert instructs(made, "W1", FIRST) == "I99"
        made.passes(FIRST.end)
        chooses(made, OWN_NORTH)
        yield made


def instructs(dcc: Steering, name: str, period: Period) -> str:
    group = DeploymentGroup(name, Stage.PILOT, (OWN_NORTH,), period)
    return dcc.asks(OURS, "11.6", PreferredPilotSchedule("R1", NEW, (group,)))


def chooses(dcc: Steering, *ids: int) -> None:
    assert dcc.says(esi.PilotSelection("R1", OURS, ids, CHOSEN)).status == "Accepted"


@pytest.mark.parametrize("name", ["W1", "W2"])
def test_the_supplier_may_instruct_what_was_chosen_for_it_by_whatever_group_until_that_has_begun(
    dcc: Steering, name: str
) -> None:
    """Before, a group of another name than the one that is over was refused: a hub in two groups."""
    before = dcc.last_row()
    assert instructs(dcc, name, SOONER) == "I99"
    ((stage, basis, *_),) = told(dcc, before, "Deployment")[NORTH]
    assert (stage, basis) == ("Pilot", "Suppliers")
    assert instructs(dcc, "W3", SOONER) == "E110609", "that one can still move it"


def test_no_later_time_than_the_one_that_has_begun(dcc: Steering) -> None:
    dcc.passes(CHOSEN.start + DAY)
    later = Period(CHOSEN.end + DAY, CHOSEN.end + 8 * DAY)
    assert instructs(dcc, "W2", later) == "E110605"


def test_a_list_leaves_a_group_that_is_over_as_it_was(dcc: Steering) -> None:
    """The brother: the choice counted as if the group went on, so that a list took the hub out of it."""
    assert dcc.asks(OURS, "11.5", PreferredPilotList("R1", NEW, (OWN_SOUTH,))) == "I99"
    with dcc.store.read() as conn:
        (group,) = schedules.instructions(conn, "R1", OURS)
    assert group.device_ids == (OWN_NORTH,)


@pytest.mark.requirement("X09")
def test_a_new_selection_takes_the_one_before_back_and_nothing_has_ended_by_it(dcc: Steering) -> None:
    """Before, all were told `PeriodEnded`, which was so of the supplier's own group, weeks ago."""
    before = dcc.last_row()
    chooses(dcc, OWN_SOUTH)
    assert told(dcc, before, "Void") == {one: [("NotInstructed", hubs(OWN_NORTH))] for one in (DCC, NORTH, OURS)}


@pytest.mark.requirement("X09", "BR-6.5")
def test_a_choice_that_a_revision_ends_is_void_for_that_reason(dcc: Steering) -> None:
    """The brother: what ended the choice was not told, but that the supplier's own group was over."""
    before = dcc.last_row()
    dcc.announces(revision=2, pilot=PilotTerms(Period(PILOT.start, CHOSEN.end - DAY), limit=10))
    void = told(dcc, before, "Void")
    assert [void[one] for one in (DCC, NORTH, OURS)] == [[("OutsidePilot", hubs(OWN_NORTH))]] * 3
