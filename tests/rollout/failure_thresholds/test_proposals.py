"""A pause is proposed to DCC once too many hubs fail, and the plan is held where the release says so (X11)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import pytest

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.duis.alerts.firmware_rollout_decision import FirmwareRolloutDecision
from duis_gateway.flow.incoming import Door
from duis_gateway.parties import store as parties
from duis_gateway.rollout.activations.records import HubOutcome, OutcomeStage
from duis_gateway.rollout.deadlines.rules import TaskState
from duis_gateway.rollout.deadlines.view import deadline_rows
from duis_gateway.rollout.failure_thresholds import store as thresholds
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.releases.records import FailureThreshold, Period, ReleaseState
from duis_gateway.rollout.rollout_decisions.records import RolloutAction, Standing
from tests.support.databases import KINDS
from tests.support.rules import NEW, OLD, OURS, PILOT
from tests.support.steering import DCC, MAKER, MODEL, NORTH, SOUTH, Steering, Told, steering

pytestmark = pytest.mark.requirement("X11")

MANY = tuple(range(100, 130))
"""Hubs of ours in the North."""
HOLDS = FailureThreshold(share_percent=20, window_hours=24, least_hubs=5, hold=True)
PROPOSES = FailureThreshold(share_percent=20, window_hours=24, least_hubs=5, hold=False)
DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)


@pytest.fixture(params=KINDS)
def dcc(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Steering]:
    with steering(request.param, tmp_path) as made:
        with made.store.write() as conn:
            hubs.upsert(conn, [Hub(d, "CHF", MAKER, MODEL, OLD, "Commissioned", "North", OURS, OURS) for d in MANY])
        yield made


def report(
    dcc: Steering, *, failed: tuple[int, ...] = (), good: tuple[int, ...] = (), stage: str = "Activation"
) -> Told:
    """The CSP of the North reports hubs, a second after what it reported before."""
    dcc.clock.instant += SECOND
    at = dcc.clock.now()
    outcomes = [HubOutcome(d, OutcomeStage(stage), False, NEW, at, "hashMismatch") for d in failed]
    outcomes += [HubOutcome(d, OutcomeStage(stage), True, NEW, at) for d in good]
    kind = csp.ActivateFirmwareResponses if stage == "Activation" else csp.DistributionOutcomes
    told = dcc.says(kind(tuple(outcomes)), by=NORTH, door=Door.CSP)
    assert told.code == "Accepted"
    return told


def decide(dcc: Steering, action: RolloutAction, standing: Standing = Standing.CONFIRMED) -> Told:
    date = dcc.release().automatic_date + DAY if action is RolloutAction.DELAY else None
    told = dcc.says(esi.RolloutDecision("R1", action, "looked into", standing, "DCC", date))
    assert told.code == "Accepted"
    return told


def proposed(told: Told) -> list[tuple[int, int]]:
    """What DCC was told: hubs reported, and of these failed."""
    return [(one.reported, one.failed) for one in told.bodies(DCC, "PauseProposal")]


def planned(dcc: Steering) -> None:
    """Hubs that DCC has instructed, for now."""
    now = dcc.clock.now()
    assert dcc.says(esi.BatchInstruction("R1", "B1", MANY, Period(now, now + 9 * DAY))).code == "Accepted"


def why(dcc: Steering, party: int) -> list[tuple[str, str, str]]:
    """What DCC has to decide on, as a party is shown it: task, state and why."""
    with dcc.store.read() as conn:
        found = parties.find(conn, party)
        assert found is not None
        rows = deadline_rows(conn, found, dcc.clock.now())
    return [(str(row["task"]), str(row["state"]), str(row["why"])) for row in rows if "pause" in str(row["task"])]


def test_the_plan_is_held_and_everybody_told_once_until_dcc_decides(dcc: Steering) -> None:
    dcc.piloting(failure_threshold=HOLDS)
    planned(dcc)
    assert proposed(report(dcc, failed=MANY[:1], good=MANY[1:4])) == [], "fewer hubs than it takes"
    told = report(dcc, failed=MANY[4:5])
    (proposal,) = told.bodies(DCC, "PauseProposal")
    assert proposal == esi.PauseProposal("R1", dcc.clock.now(), 5, 2, HOLDS)
    assert dcc.release().paused
    # The CSP of the North is told that what it was to deploy is held; nobody hears of it twice.
    (plan,) = told.bodies(NORTH, "PlannedDeployment")
    assert [(void.reason, void.device_ids) for void in plan.voids] == [("Paused", (MANY[0], *MANY[4:]))]
    decision = told.body(OURS, "N72")
    assert isinstance(decision, FirmwareRolloutDecision)
    assert (decision.decision, decision.standing) == (RolloutAction.PAUSE, Standing.PROVISIONAL)
    assert decision.reason == "2 of 5 hubs failed within 24 hours; the release's threshold is 20 %"
    assert told.to(SOUTH) == ["RolloutDecision"]
    said = "held: 2 of 5 hubs failed within 24 hours, awaiting DCC"
    assert why(dcc, DCC) == why(dcc, OURS) == [("decide_on_pause", TaskState.HELD, said)]
    answer = dcc.says(csp.ActivateFirmwareRequests(NEW, (MANY[6],), dcc.clock.now(), "R1"), by=NORTH, door=Door.CSP)
    assert [item.reason for item in answer.answer.refused] == ["ReleasePaused: the release is paused"]
    # More failures, and a delay, which says nothing of it, change nothing.
    assert proposed(report(dcc, failed=MANY[5:9])) == []
    decide(dcc, RolloutAction.DELAY)
    decide(dcc, RolloutAction.PROCEED, Standing.PROVISIONAL)
    assert dcc.release().paused
    assert why(dcc, DCC) == [("decide_on_pause", TaskState.HELD, said)]
    lifted = decide(dcc, RolloutAction.PROCEED)
    assert not dcc.release().paused
    (plan,) = lifted.bodies(NORTH, "PlannedDeployment")
    assert [one.device_ids for one in plan.deployments] == [(MANY[0], *MANY[4:])]
    assert why(dcc, DCC) == []


def test_it_is_proposed_anew_once_it_is_reached_anew_after_the_decision(dcc: Steering) -> None:
    dcc.piloting(failure_threshold=HOLDS)
    assert proposed(report(dcc, failed=MANY[:5])) == [(5, 5)]
    decide(dcc, RolloutAction.PROCEED)
    assert proposed(report(dcc, failed=MANY[5:9])) == [], "what failed before the decision counts no longer"
    assert proposed(report(dcc, good=MANY[:1])) == [(5, 4)], "a hub that failed before it, and succeeded after"
    decide(dcc, RolloutAction.PAUSE, Standing.PROVISIONAL)
    assert proposed(report(dcc, failed=MANY[9:20])) == [], "paused by DCC itself"
    assert why(dcc, DCC) == [("decide_on_pause", TaskState.HELD, "looked into")]


def test_without_hold_a_pause_is_proposed_and_nothing_is_held(dcc: Steering) -> None:
    dcc.piloting(failure_threshold=PROPOSES)
    planned(dcc)
    told = report(dcc, failed=MANY[:5])
    assert proposed(told) == [(5, 5)]
    assert not dcc.release().paused
    assert told.bodies(OURS, "N72") == told.bodies(NORTH, "PlannedDeployment") == []
    assert dcc.history()[-1] == "pause proposed"
    assert [flag.kind for flag in dcc.flags()].count("pause proposed") == 1
    said = "5 of 5 hubs failed within 24 hours, awaiting DCC"
    assert why(dcc, DCC) == [("decide_on_proposed_pause", TaskState.OPEN, said)]
    assert proposed(report(dcc, failed=MANY[5:9])) == []
    decide(dcc, RolloutAction.PAUSE)
    assert why(dcc, DCC) == [("decide_on_pause", TaskState.HELD, "looked into")]


def test_each_hub_counts_once_by_its_newest_outcome_in_the_window(dcc: Steering) -> None:
    dcc.piloting(failure_threshold=FailureThreshold(60, 24, 5, hold=False))
    for _ in range(3):
        assert proposed(report(dcc, failed=MANY[:2])) == [], "tried three times, two hubs have failed"
    report(dcc, good=MANY[:1])
    report(dcc, failed=MANY[2:3], stage="Distribution")
    report(dcc, good=MANY[2:3], stage="Distribution")
    assert proposed(report(dcc, failed=MANY[3:5])) == [], "3 of 4: a hub with the image alone is not counted"
    dcc.clock.instant += 26 * HOUR
    assert proposed(report(dcc, failed=MANY[5:9])) == [], "the others are out of the window"
    assert proposed(report(dcc, failed=MANY[:1])) == [(5, 5)], "the one that comes again is in it"


def test_a_revision_changes_the_threshold_and_begins_the_count_anew(dcc: Steering) -> None:
    dcc.piloting()
    report(dcc, failed=MANY[:9])
    dcc.announces(revision=2, failure_threshold=PROPOSES)
    assert dcc.release().failure_threshold == PROPOSES
    assert proposed(report(dcc, failed=MANY[:4])) == []
    dcc.announces(revision=3, failure_threshold=PROPOSES)
    assert proposed(report(dcc, failed=MANY[9:10])) == [(5, 5)], "it did not change: the count goes on"
    dcc.announces(revision=4)
    assert dcc.release().failure_threshold is None
    decide(dcc, RolloutAction.PROCEED)
    assert proposed(report(dcc, failed=MANY[:20])) == []


def test_a_revised_threshold_takes_the_place_of_a_proposal_on_which_nobody_has_decided(dcc: Steering) -> None:
    """Otherwise the plan would go on under a threshold that says it is held."""
    dcc.piloting(failure_threshold=PROPOSES)
    assert proposed(report(dcc, failed=MANY[:5])) == [(5, 5)]
    dcc.announces(revision=2, failure_threshold=HOLDS)
    assert why(dcc, DCC) == []
    assert proposed(report(dcc, failed=MANY[5:9])) == []
    assert proposed(report(dcc, failed=MANY[9:10])) == [(5, 5)]
    assert dcc.release().paused
    held = [("decide_on_pause", TaskState.HELD, "held: 5 of 5 hubs failed within 24 hours, awaiting DCC")]
    assert why(dcc, DCC) == held
    dcc.announces(revision=3, failure_threshold=PROPOSES)
    assert why(dcc, DCC) == held, "what is held stays so until DCC decides"


def test_a_release_that_is_over_awaits_no_decision(dcc: Steering) -> None:
    dcc.piloting(failure_threshold=PROPOSES)
    assert proposed(report(dcc, failed=MANY[:5])) == [(5, 5)]
    assert dcc.says(esi.Withdrawal("R1", dcc.clock.now())).code == "Accepted"
    with dcc.store.read() as conn:
        assert thresholds.find_proposal(conn, "R1") is None


def test_nothing_is_counted_once_the_release_is_over(dcc: Steering) -> None:
    dcc.piloting(failure_threshold=HOLDS)
    decide(dcc, RolloutAction.STOP)
    assert proposed(report(dcc, failed=MANY[:9])) == []
    assert dcc.state() is ReleaseState.STOPPED
    with dcc.store.read() as conn:
        assert thresholds.hours_since(conn, "R1", PILOT.start) == []


def test_of_messages_at_once_one_proposes(dcc: Steering) -> None:
    """Each is enough by itself; on PostgreSQL they are decided on side by side."""
    dcc.piloting(failure_threshold=HOLDS)
    ready = Barrier(4)
    dcc.clock.instant += SECOND

    def reports(number: int) -> Told:
        chosen = MANY[5 * number : 5 * number + 5]
        outcomes = tuple(HubOutcome(d, OutcomeStage.ACTIVATION, False, NEW, dcc.clock.now(), "x") for d in chosen)
        ready.wait()
        return dcc.says(csp.ActivateFirmwareResponses(outcomes), by=NORTH, door=Door.CSP)

    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(reports, range(4)))
    assert [one.code for one in told] == ["Accepted"] * 4
    assert [one for answer in told for one in proposed(answer)] == [(5, 5)]
    assert dcc.outbox(DCC).count(("http", "PauseProposal")) == 1
    assert dcc.outbox(OURS).count(("http", "N72")) == 1
    with dcc.store.read() as conn:
        assert [(one.hubs, one.failed) for one in thresholds.hours_since(conn, "R1", PILOT.start)] == [(20, 20)]
