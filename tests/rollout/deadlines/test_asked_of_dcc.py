"""DCC is asked to instruct anew what it had chosen or instructed, and what moves its hub no more (X08, BR-5.4)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.duis.service_requests.preferred_pilot_list import PreferredPilotList
from duis_gateway.duis.service_requests.preferred_pilot_schedule import DeploymentGroup, PreferredPilotSchedule
from duis_gateway.flow.incoming import Door
from duis_gateway.parties.records import Party, PartyKind
from duis_gateway.rollout.deadlines.of_hub import tasks_of_hub
from duis_gateway.rollout.deadlines.view import deadline_rows
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.releases.records import Period, Stage
from duis_gateway.rollout.rollout_decisions.records import GroupDecision
from tests.support.databases import KINDS
from tests.support.rules import NEW, OURS, PILOT, THEIRS
from tests.support.steering import DCC, NORTH, SPLIT, WEEK, Steering, steering

FIRST = Period(PILOT.start + WEEK, PILOT.start + 2 * WEEK)
PASSED = Period(PILOT.start + WEEK, PILOT.start + WEEK * 1.5)

pytestmark = pytest.mark.requirement("X08", "BR-5.4", "PIA-A9")


@pytest.fixture(params=KINDS)
def dcc(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Steering]:
    """A pilot that has begun."""
    with steering(request.param, tmp_path) as made:
        made.piloting()
        yield made


def refused(dcc: Steering) -> None:
    """Let one supplier instruct its half of the split hub for the pilot, and the CSP refuse it."""
    assert not dcc.asks(OURS, "11.5", PreferredPilotList("R1", NEW, (SPLIT,))).startswith("E")
    group = DeploymentGroup("G1", Stage.PILOT, (SPLIT,), FIRST)
    assert not dcc.asks(OURS, "11.6", PreferredPilotSchedule("R1", NEW, (group,))).startswith("E")
    assert dcc.says(csp.ScheduleDecision("R1", OURS, "G1", GroupDecision.REFUSED), by=NORTH, door=Door.CSP).code


def chooses(dcc: Steering, supplier: int, period: Period | None = None) -> None:
    assert dcc.says(esi.PilotSelection("R1", supplier, (SPLIT,), period)).status == "Accepted"


def anew(dcc: Steering, party: int = DCC) -> dict[str, int]:
    """Of how many hubs a party is asked to instruct them anew, by the reason; the hub's own page asks the same."""
    kind = PartyKind.DCC if party == DCC else PartyKind.SUPPLIER
    with dcc.store.read() as conn:
        rows = deadline_rows(conn, Party(party, kind, ""), dcc.clock.now())
        hub = hubs.get(conn, SPLIT)
        assert hub is not None
        of_hub = [one for one in tasks_of_hub(conn, hub, dcc.clock.now()) if one.task == "instruct_anew"]
    own = [row for row in rows if row["whose"] == "own" and row["task"] == "instruct_anew"]
    found = {str(row["subject"]): int(str(row["hubs"])) for row in own}
    assert [one.subject for one in of_hub if one.party == party] == [*found]
    return found


def test_dcc_is_not_asked_anew_for_the_half_that_it_chose_and_that_stands(dcc: Steering) -> None:
    """Before, it was, as its choice was there and the hub was void as `RefusedByCSP`: asked twice of one hub."""
    chooses(dcc, THEIRS)
    refused(dcc)
    assert anew(dcc, OURS) == {"RefusedByCSP": 1}
    assert anew(dcc) == {}, "its choice stands validly: what is missing is the other half"
    chooses(dcc, OURS)
    assert (anew(dcc), anew(dcc, OURS)) == ({}, {})


def test_dcc_is_asked_anew_for_its_own_choice_s_reason(dcc: Steering) -> None:
    """The brother: the other half's refusal is not why DCC's choice is over."""
    chooses(dcc, THEIRS, PASSED)
    refused(dcc)
    dcc.passes(PASSED.end)
    assert anew(dcc) == {"PeriodEnded": 1}
    assert anew(dcc, OURS) == {"RefusedByCSP": 1}


def test_dcc_is_asked_anew_for_a_choice_that_passed_before_the_other_half_came(dcc: Steering) -> None:
    """The brother: only a supplier was asked so of its own half."""
    chooses(dcc, THEIRS, PASSED)
    assert anew(dcc) == {}
    dcc.passes(PASSED.end)
    assert anew(dcc) == {"PeriodEnded": 1}
    chooses(dcc, THEIRS)
    assert anew(dcc) == {}


def test_dcc_is_asked_anew_for_its_own_batch_s_reason(dcc: Steering) -> None:
    """The brother: a batch that was over before a supplier's half was refused."""
    assert dcc.says(esi.BatchInstruction("R1", "B1", (SPLIT,), PASSED)).status == "Accepted"
    dcc.passes(PASSED.end)
    assert anew(dcc) == {"PeriodEnded": 1}
    refused(dcc)
    assert anew(dcc, OURS) == {"RefusedByCSP": 1}
    assert anew(dcc) == {"PeriodEnded": 1}
