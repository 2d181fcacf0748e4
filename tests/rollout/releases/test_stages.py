"""ReleaseApproval, Closure (A11), Supersession (A12), and stages that begin by themselves (X05)."""

from __future__ import annotations

from datetime import timedelta

import pytest

import esi.messages as esi
from duis_gateway.rollout.releases.records import Period, PilotTerms, ReleaseState, ReleaseType, Stage
from duis_gateway.rollout.rollout_decisions.records import RolloutAction, Standing
from tests.support.rules import NOW, OURS, PILOT, THEIRS
from tests.support.steering import DCC, IDLE, NORTH, OLDER, SOUTH, Steering

DAY = timedelta(days=1)


def test_an_approved_release_waits_for_its_pilot_and_nobody_is_told(dcc: Steering) -> None:
    dcc.announces()
    told = dcc.approves()
    assert (told.status, told.sends) == ("Accepted", ())
    assert dcc.state() is ReleaseState.APPROVED
    assert dcc.history() == ["notified", "approved"]


@pytest.mark.parametrize("body", [esi.ReleaseApproval, esi.Closure])
def test_an_unknown_release_is_refused(dcc: Steering, body: type[esi.ReleaseApproval | esi.Closure]) -> None:
    assert dcc.says(body("NONE", NOW)).code == "UnknownRelease"


def test_an_approval_comes_once(dcc: Steering) -> None:
    dcc.announces()
    dcc.approves()
    told = dcc.approves()
    assert (told.status, told.code) == ("Refused", "NotPossible")
    assert told.answer.text == "A release that is approved cannot be approved."


@pytest.mark.requirement("X05", "BR-2.4")
def test_an_approval_after_the_pilots_start_begins_the_pilot_at_once(dcc: Steering) -> None:
    """X05: at the time of the approval, since nothing could begin before."""
    dcc.announces()
    told = dcc.approves(after=PILOT.start - NOW + DAY)
    assert dcc.state() is ReleaseState.PILOTING
    change = told.body(NORTH, "StageChange")
    assert (change.ended, change.begun, change.at) == (None, Stage.PILOT, PILOT.start + DAY)
    assert told.to(SOUTH) == ["StageChange"]
    assert told.to(OURS) == told.to(THEIRS) == told.to(OLDER) == ["email"]
    assert told.to(DCC) == ["StageChange"]
    assert told.to(IDLE) == []


@pytest.mark.requirement("X05", "PIA-7")
def test_an_approval_after_the_pilot_period_begins_safe_launch_and_tells_of_no_pilot(dcc: Steering) -> None:
    """A pilot that could never have been is not announced as begun and ended."""
    dcc.announces()
    told = dcc.approves(after=PILOT.end - NOW + DAY)
    assert dcc.state() is ReleaseState.SAFE_LAUNCH
    (change,) = told.bodies(NORTH, "StageChange")
    assert (change.ended, change.begun) == (None, Stage.SAFE_LAUNCH)
    assert told.email(OURS).subject == "Firmware release R1: safe launch has begun"


def test_a_pause_that_outlasts_the_pilot_period_leaves_no_pilot_to_tell_of(dcc: Steering) -> None:
    dcc.announces()
    dcc.approves()
    dcc.says(esi.RolloutDecision("R1", RolloutAction.PAUSE, "why", Standing.CONFIRMED, "DCC"))
    told = dcc.says(
        esi.RolloutDecision("R1", RolloutAction.PROCEED, "why", Standing.CONFIRMED, "DCC"), after=PILOT.end - NOW + DAY
    )
    assert [(one.ended, one.begun) for one in told.bodies(NORTH, "StageChange")] == [(None, Stage.SAFE_LAUNCH)]


def test_a_release_without_a_pilot_goes_from_approval_to_safe_launch(dcc: Steering) -> None:
    dcc.announces(release_type=ReleaseType.SECURITY, pilot=None)
    told = dcc.approves()
    assert dcc.state() is ReleaseState.SAFE_LAUNCH
    assert told.body(NORTH, "StageChange").begun is Stage.SAFE_LAUNCH
    assert told.email(OURS).kind == "X05"


@pytest.mark.requirement("PIA-A13")
def test_the_notice_of_a_successor_leaves_the_pilot_and_its_approval_invalidates_it(dcc: Steering) -> None:
    """PIA-A13."""
    dcc.piloting()
    told = dcc.announces("R2", pilot=PilotTerms(Period(PILOT.end, PILOT.end + 30 * DAY), limit=5))
    assert dcc.state("R1") is ReleaseState.PILOTING
    assert "StageChange" not in told.to(NORTH)
    told = dcc.approves("R2", after=DAY)
    assert dcc.state("R1") is ReleaseState.INVALIDATED
    assert dcc.state("R2") is ReleaseState.APPROVED
    change = told.body(NORTH, "StageChange")
    assert (change.release_id, change.ended, change.begun) == ("R1", Stage.PILOT, None)
    assert told.body(OURS, "N72").decision == told.body(NORTH, "RolloutDecision").decision == "PilotInvalidated"
    assert "R2" in change.commentary
    assert told.email(OURS).release_id == "R1"
    assert dcc.history("R1")[-1] == "successor_approved"


def test_the_approval_of_an_older_release_ends_no_pilot(dcc: Steering) -> None:
    dcc.announces("R0")
    dcc.clock.instant += DAY
    dcc.piloting("R1")
    dcc.approves("R0")
    assert dcc.state("R1") is ReleaseState.PILOTING


def test_another_models_pilot_goes_on(dcc: Steering) -> None:
    dcc.piloting()
    dcc.announces("R2", model="OTHER")
    dcc.approves("R2")
    assert dcc.state("R1") is ReleaseState.PILOTING


@pytest.mark.requirement("A11", "PIA-9")
def test_a_closure_reaches_the_csps_by_message_and_the_suppliers_by_email(dcc: Steering) -> None:
    """A11."""
    dcc.piloting()
    told = dcc.says(esi.Closure("R1", NOW, "all done"))
    assert dcc.state() is ReleaseState.CLOSED
    for csp in (NORTH, SOUTH):
        assert told.to(csp) == ["Closure"]
        assert told.body(csp, "Closure").commentary == "all done"
    for supplier in (OURS, THEIRS, OLDER):
        assert told.to(supplier) == ["email"]
    assert told.to(IDLE) == []
    email = told.email(OURS)
    assert (email.kind, email.release_id) == ("A11", "R1")
    assert "all done" in email.paragraphs
    assert dcc.says(esi.Closure("R1", NOW)).code == "NotPossible"


@pytest.mark.requirement("A12", "PIA-9")
def test_a_supersession_ends_the_release_and_names_its_successor(dcc: Steering) -> None:
    """A12."""
    dcc.piloting()
    dcc.announces("R2")
    told = dcc.says(esi.Supersession("R1", "R2", NOW, "R2 has the fix"))
    assert dcc.state("R1") is ReleaseState.SUPERSEDED
    assert told.body(SOUTH, "Supersession").successor == "R2"
    email = told.email(THEIRS)
    assert email.kind == "A12"
    assert "R2" in email.subject
    assert "cancelled" in email.paragraphs[0]
    assert told.to(NORTH) == ["Supersession"]


@pytest.mark.parametrize(
    ("successor", "reason"),
    [("NONE", "not known"), ("R1", "its own"), ("OTHER", "another device model"), ("OLD", "withdrawn")],
)
def test_a_successor_must_be_a_live_release_of_the_model(dcc: Steering, successor: str, reason: str) -> None:
    dcc.piloting()
    dcc.announces("OTHER", model="OTHER")
    dcc.announces("OLD")
    dcc.says(esi.Withdrawal("OLD", NOW))
    told = dcc.says(esi.Supersession("R1", successor, NOW))
    assert (told.status, told.code) == ("Refused", "SuccessorUnfit")
    assert reason in (told.answer.text or "")
    assert dcc.state("R1") is ReleaseState.PILOTING


def test_what_time_brought_is_done_before_a_message_is_judged(dcc: Steering) -> None:
    """The gateway was down while the pilot ended: its outcome is of a release in safe launch."""
    dcc.announces()
    dcc.approves()
    told = dcc.says(esi.Closure("R1", NOW), after=PILOT.end - NOW + DAY)
    assert told.to(NORTH) == ["StageChange", "StageChange", "Closure"]
    assert dcc.history() == ["notified", "approved", "pilot_begins", "safe_launch_begins", "closed"]


def test_a_refusal_does_not_keep_time_from_passing(dcc: Steering) -> None:
    dcc.announces()
    dcc.approves()
    told = dcc.approves(after=PILOT.start - NOW)
    assert told.status == "Refused"
    assert told.to(NORTH) == ["StageChange"]
    assert dcc.state() is ReleaseState.PILOTING
    assert dcc.passes(PILOT.start) == 0


def test_a_revision_that_ends_the_pilot_now_begins_safe_launch(dcc: Steering) -> None:
    dcc.piloting()
    told = dcc.announces(revision=2, pilot=PilotTerms(Period(PILOT.start, PILOT.start + DAY), limit=10))
    assert told.status == "Accepted"
    dcc.passes(PILOT.start + DAY)
    assert dcc.state() is ReleaseState.SAFE_LAUNCH
    assert dcc.history()[-2:] == ["revised to 2", "safe_launch_begins"]
