"""A hub was passed over by its CSP only where its CSP could move it, and has reported nothing of it since (X10)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.duis.service_requests.preferred_pilot_schedule import DeploymentGroup, PreferredPilotSchedule
from duis_gateway.flow.incoming import Door
from duis_gateway.rollout.activations.records import HubOutcome, OutcomeStage
from duis_gateway.rollout.releases.records import Period, Stage
from tests.rollout.plans.test_off_the_plan import told
from tests.support.databases import KINDS
from tests.support.rules import NEW, OURS, PILOT
from tests.support.status_of import void_of
from tests.support.steering import DCC, NORTH, OWN_NORTH, SPLIT, Steering, steering
from tests.support.told_and_shown import shown, words_since

DAY = timedelta(days=1)
FIRST = Period(PILOT.start + 2 * DAY, PILOT.start + 5 * DAY)
LATER = Period(PILOT.start + 10 * DAY, PILOT.start + 15 * DAY)
LAUNCH = Period(PILOT.end + DAY, PILOT.end + 6 * DAY)
PARTIES = (OURS, NORTH, DCC)

pytestmark = pytest.mark.requirement("X10", "BR-3.5", "BR-5.3")


def batch(dcc: Steering, period: Period, *ids: int) -> None:
    assert dcc.says(esi.BatchInstruction("R1", "DB", ids, period)).status == "Accepted"


def fails(dcc: Steering) -> None:
    outcome = HubOutcome(OWN_NORTH, OutcomeStage.ACTIVATION, False, NEW, dcc.clock.now(), "no power")
    answer = dcc.says(csp.ActivateFirmwareResponses((outcome,)), by=NORTH, door=Door.CSP)
    assert answer.status == "Accepted"


def passed_over(dcc: Steering) -> set[tuple[object, bool]]:
    """Whether each party is shown it of the hub: in a word, and in words."""
    rows = [shown(dcc)[party, OWN_NORTH] for party in PARTIES]
    return {(row["off_plan"], "reported nothing" in f"{row['why']} {row['reason']}") for row in rows}


@pytest.mark.parametrize("end", [LATER.end, None])
def test_a_hub_that_was_tried_later_was_not_passed_over(dcc: Steering, end: object) -> None:
    """Before, the period missed first showed again once a later plan had ended, in which the hub had failed."""
    batch(dcc, FIRST, OWN_NORTH)
    dcc.passes(FIRST.end)
    assert passed_over(dcc) == {("PeriodMissed", True)}
    batch(dcc, LATER, OWN_NORTH)
    dcc.passes(LATER.start + DAY)
    fails(dcc)
    if end is None:
        batch(dcc, LATER, SPLIT)  # it is taken back
    dcc.passes(LATER.end)
    assert passed_over(dcc) == {(None, False)}


def test_a_report_that_comes_late_is_a_report(dcc: Steering) -> None:
    """The brother: `why` said at once that the last attempt had failed, and that nothing was reported."""
    batch(dcc, FIRST, OWN_NORTH)
    dcc.passes(FIRST.end + DAY)
    assert passed_over(dcc) == {("PeriodMissed", True)}
    fails(dcc)
    assert passed_over(dcc) == {(None, False)}


def test_what_was_reported_before_its_period_does_not_count(dcc: Steering) -> None:
    fails(dcc)
    batch(dcc, FIRST, OWN_NORTH)
    dcc.passes(FIRST.end)
    assert passed_over(dcc) == {("PeriodMissed", True)}


@pytest.fixture(params=KINDS)
def unapproved(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Steering]:
    """A release that was announced, and that DCC has not approved."""
    with steering(request.param, tmp_path) as made:
        made.announces()
        yield made


@pytest.mark.parametrize("by_dcc", [True, False])
def test_no_csp_has_passed_over_a_hub_whose_release_was_not_approved(unapproved: Steering, by_dcc: bool) -> None:
    """Before, the CSP was told that it had missed the period, and its CS06 had been refused (`ReleaseNotApproved`)."""
    dcc = unapproved
    if by_dcc:
        batch(dcc, LAUNCH, OWN_NORTH)
    else:
        group = DeploymentGroup("L1", Stage.SAFE_LAUNCH, (OWN_NORTH,), LAUNCH)
        assert not dcc.asks(OURS, "11.6", PreferredPilotSchedule("R1", NEW, (group,))).startswith("E")
    dcc.passes(LAUNCH.start)
    asked = csp.ActivateFirmwareRequests(NEW, (OWN_NORTH,), dcc.clock.now())
    (item,) = dcc.says(asked, by=NORTH, door=Door.CSP).answer.refused
    assert item.reason.startswith("ReleaseNotApproved")
    before = dcc.last_row()
    dcc.passes(LAUNCH.end)
    assert told(dcc, before, "Deviation") == {}
    assert words_since(dcc, before) == {(party, OWN_NORTH): "PeriodEnded" for party in PARTIES}
    assert passed_over(dcc) == {(None, False)}
    assert void_of(dcc, OURS) == void_of(dcc, NORTH) == void_of(dcc, DCC) == {"PeriodEnded": 1}


def test_it_is_passed_over_where_the_approval_came_in_time(unapproved: Steering) -> None:
    dcc = unapproved
    batch(dcc, LAUNCH, OWN_NORTH)
    dcc.passes(LAUNCH.start)
    dcc.approves()
    before = dcc.last_row()
    dcc.passes(LAUNCH.end)
    assert told(dcc, before, "Deviation").keys() == set(PARTIES)
    assert passed_over(dcc) == {("PeriodMissed", True)}
