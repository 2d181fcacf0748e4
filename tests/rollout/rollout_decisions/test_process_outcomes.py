"""PilotOutcome (A06, A07) and SafeLaunchOutcome (A09, A10)."""

from __future__ import annotations

from datetime import timedelta

import pytest

import esi.messages as esi
from duis_gateway.rollout.releases.records import ReleaseState, Stage
from duis_gateway.rollout.rollout_decisions import store as rollout
from duis_gateway.rollout.rollout_decisions.records import HubCounts, RolloutAction, Standing
from tests.support.rules import NOW, OURS, PILOT, THEIRS
from tests.support.steering import IDLE, NORTH, OLDER, SOUTH, Steering

COUNTS = HubCounts(100, 97, 3)
DAY = timedelta(days=1)


def in_safe_launch(dcc: Steering) -> None:
    dcc.piloting()
    dcc.passes(PILOT.end)


@pytest.mark.requirement("A06", "A07", "PIA-9", "BR-2.4")
@pytest.mark.parametrize(("success", "kind", "code"), [(True, "A06", "N75"), (False, "A07", "N76")])
def test_a_pilots_outcome_goes_by_alert_and_by_email_once_each(
    dcc: Steering, success: bool, kind: str, code: str
) -> None:
    dcc.piloting()
    before = dcc.last_row()
    told = dcc.says(esi.PilotOutcome("R1", success, COUNTS, "three need a visit"))
    assert told.status == "Accepted"
    for supplier in (OURS, THEIRS, OLDER):
        assert sorted(told.to(supplier)) == [code, "email"]
        assert told.email(supplier).kind == kind
    alert = told.body(OURS, code)
    assert (alert.counts, alert.commentary) == (COUNTS, "three need a visit")
    for csp in (NORTH, SOUTH):
        assert told.to(csp) == ["PilotOutcome"]
        assert told.body(csp, "PilotOutcome").success is success
    assert told.to(IDLE) == []
    assert sorted(dcc.outbox(OURS, before)) == sorted([("http", code), ("email", kind)])
    # A supplier on DUIS 5.0 gets N999, and by email what the other says, once.
    assert sorted(dcc.outbox(OLDER, before)) == sorted([("http", "N999"), ("email", kind)])


def test_the_email_says_what_the_alert_says(dcc: Steering) -> None:
    dcc.piloting()
    email = dcc.says(esi.PilotOutcome("R1", False, COUNTS, "bricks")).email(OURS)
    assert "failed" in email.subject
    assert "bricks" in email.paragraphs
    assert ("Hubs failed", "3") in email.facts


@pytest.mark.requirement("A09", "A10", "PIA-3", "PIA-9")
@pytest.mark.parametrize(("success", "code"), [(True, "N69"), (False, "N70")])
def test_a_safe_launchs_outcome_goes_by_alert(dcc: Steering, success: bool, code: str) -> None:
    in_safe_launch(dcc)
    before = dcc.last_row()
    told = dcc.says(esi.SafeLaunchOutcome("R1", success, COUNTS))
    assert told.to(OURS) == told.to(OLDER) == [code]
    assert told.to(NORTH) == ["SafeLaunchOutcome"]
    assert dcc.outbox(OURS, before) == [("http", code)]
    # No email goes with these, so the older user gets the alert's content by email.
    assert sorted(dcc.outbox(OLDER, before)) == [("email", code), ("http", "N999")]
    assert dcc.state() is ReleaseState.SAFE_LAUNCH


@pytest.mark.requirement("A07", "PIA-A12")
def test_a_failed_pilot_stops_nothing_and_is_an_outstanding_decision(dcc: Steering) -> None:
    """PIA-A12."""
    dcc.piloting()
    dcc.says(esi.PilotOutcome("R1", False, COUNTS, "bricks"))
    with dcc.store.read() as conn:
        report = rollout.report_of(conn, "R1", Stage.PILOT)
    assert report is not None
    assert (report.success, report.counts, report.decided) == (False, COUNTS, False)
    assert [(flag.kind, flag.subject, flag.text) for flag in dcc.flags()] == [("decision outstanding", "R1", "bricks")]
    dcc.passes(PILOT.end)
    assert dcc.state() is ReleaseState.SAFE_LAUNCH


def test_a_decision_settles_the_failure(dcc: Steering) -> None:
    dcc.piloting()
    dcc.says(esi.PilotOutcome("R1", False, COUNTS))
    dcc.says(esi.RolloutDecision("R1", RolloutAction.PROCEED, "not the firmware", Standing.PROVISIONAL, "DCC"))
    with dcc.store.read() as conn:
        report = rollout.report_of(conn, "R1", Stage.PILOT)
    assert report is not None
    assert report.decided
    dcc.says(esi.PilotOutcome("R1", False, COUNTS), after=DAY)
    with dcc.store.read() as conn:
        again = rollout.report_of(conn, "R1", Stage.PILOT)
    assert again is not None
    assert not again.decided, "a new report of failure wants a new decision"


def test_an_outcome_before_its_stage_is_refused_and_told_to_nobody(dcc: Steering) -> None:
    dcc.announces()
    told = dcc.says(esi.PilotOutcome("R1", True, COUNTS))
    assert (told.status, told.code, told.sends) == ("Refused", "NotPossible", ())
    dcc.approves()
    dcc.passes(PILOT.start)
    assert dcc.says(esi.SafeLaunchOutcome("R1", True, COUNTS)).code == "NotPossible"
    with dcc.store.read() as conn:
        assert rollout.report_of(conn, "R1", Stage.SAFE_LAUNCH) is None
    assert dcc.says(esi.PilotOutcome("NONE", True, COUNTS)).code == "UnknownRelease"


def test_a_pilots_outcome_may_come_after_its_end(dcc: Steering) -> None:
    dcc.announces()
    dcc.approves()
    told = dcc.says(esi.PilotOutcome("R1", True, COUNTS), after=PILOT.end - NOW + DAY)
    assert told.to(NORTH) == ["StageChange", "StageChange", "PilotOutcome"]
