"""RolloutDecision and Withdrawal (X03), Incident (X04)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

import esi.messages as esi
from duis_gateway.rollout.releases.records import Period, PilotTerms, ReleaseState, Stage
from duis_gateway.rollout.rollout_decisions import store as rollout
from duis_gateway.rollout.rollout_decisions.records import RolloutAction, Standing
from tests.support.rules import AUTOMATIC, NOW, OURS, PILOT, THEIRS
from tests.support.steering import DCC, IDLE, NORTH, OLDER, SOUTH, Steering, Told

DAY = timedelta(days=1)
PANEL = "SEC Panel"


def decides(dcc: Steering, action: RolloutAction, standing: Standing = Standing.CONFIRMED) -> Told:
    new_date = AUTOMATIC + 30 * DAY if action is RolloutAction.DELAY else None
    return dcc.says(esi.RolloutDecision("R1", action, "hubs reboot", standing, PANEL, new_date))


@pytest.mark.requirement("X03", "BR-6.5", "BR-6.3")
@pytest.mark.parametrize("action", list(RolloutAction))
def test_every_decision_is_told_with_what_it_means(dcc: Steering, action: RolloutAction) -> None:
    """BR-6.5."""
    dcc.announces()
    told = decides(dcc, action)
    assert told.status == "Accepted", told.answer
    for supplier in (OURS, THEIRS, OLDER):
        assert told.to(supplier) == ["N72"]
    assert told.to(NORTH) == told.to(SOUTH) == ["RolloutDecision"]
    assert told.to(IDLE) == told.to(DCC) == []
    alert, message = told.body(OURS, "N72"), told.body(NORTH, "RolloutDecision")
    assert (alert.decision, alert.standing, alert.decided_by, alert.reason) == (
        action,
        Standing.CONFIRMED,
        PANEL,
        "hubs reboot",
    )
    assert alert.effect_on_pending == message.effect_on_pending
    assert "requests" in alert.effect_on_pending
    assert alert.new_date == message.new_date == (AUTOMATIC + 30 * DAY if action is RolloutAction.DELAY else None)


@pytest.mark.requirement("X03", "BR-6.3", "BR-6.4")
@pytest.mark.parametrize(
    ("action", "state", "paused"),
    [
        (RolloutAction.PROCEED, ReleaseState.PILOTING, False),
        (RolloutAction.PAUSE, ReleaseState.PILOTING, True),
        (RolloutAction.DELAY, ReleaseState.PILOTING, False),
        (RolloutAction.STOP, ReleaseState.STOPPED, False),
        (RolloutAction.WITHDRAW, ReleaseState.WITHDRAWN, False),
    ],
)
def test_a_confirmed_decision_takes_effect(
    dcc: Steering, action: RolloutAction, state: ReleaseState, paused: bool
) -> None:
    dcc.piloting()
    decides(dcc, action)
    release = dcc.release()
    assert (release.state, release.paused) == (state, paused)
    assert release.automatic_date == (AUTOMATIC + 30 * DAY if action is RolloutAction.DELAY else AUTOMATIC)


@pytest.mark.requirement("BR-6.4")
@pytest.mark.parametrize("action", [RolloutAction.STOP, RolloutAction.WITHDRAW, RolloutAction.PAUSE])
def test_a_provisional_decision_suspends_and_no_more(dcc: Steering, action: RolloutAction) -> None:
    """BR-6.4: it says so, and by whom; what it means once confirmed comes with the confirmation."""
    dcc.piloting()
    told = decides(dcc, action, Standing.PROVISIONAL)
    assert (dcc.state(), dcc.release().paused) == (ReleaseState.PILOTING, True)
    assert told.body(OURS, "N72").standing is Standing.PROVISIONAL
    with dcc.store.read() as conn:
        pending = rollout.unconfirmed(rollout.decisions(conn, "R1"))
    assert [(one.action, one.decided_by) for one in pending] == [(action, PANEL)]
    decides(dcc, action)
    with dcc.store.read() as conn:
        assert rollout.unconfirmed(rollout.decisions(conn, "R1")) == ()
    assert dcc.history()[-2].endswith("provisionally")


def test_a_pause_holds_safe_launch_and_proceeding_begins_it_then(dcc: Steering) -> None:
    dcc.piloting()
    decides(dcc, RolloutAction.PAUSE)
    assert dcc.passes(PILOT.end + DAY) == 0
    assert dcc.state() is ReleaseState.PILOTING
    told = decides(dcc, RolloutAction.PROCEED)
    assert dcc.state() is ReleaseState.SAFE_LAUNCH
    assert told.to(NORTH) == ["RolloutDecision", "StageChange"]
    change = told.body(NORTH, "StageChange")
    assert (change.ended, change.begun, change.at) == (Stage.PILOT, Stage.SAFE_LAUNCH, PILOT.end + DAY)
    assert dcc.history()[-2:] == ["proceeded", "safe_launch_begins"]


@pytest.mark.parametrize("new_date", [None, AUTOMATIC, AUTOMATIC - DAY])
def test_a_delay_names_a_later_date(dcc: Steering, new_date: datetime | None) -> None:
    dcc.piloting()
    told = dcc.says(esi.RolloutDecision("R1", RolloutAction.DELAY, "late", Standing.CONFIRMED, PANEL, new_date))
    assert (told.status, told.code, told.sends) == ("Refused", "NotPossible", ())
    assert dcc.release().automatic_date == AUTOMATIC


@pytest.mark.requirement("BR-1.5")
def test_a_release_in_its_pilot_cannot_be_revoked(dcc: Steering) -> None:
    """BR-1.5: a notice is revoked, before the pilot."""
    dcc.piloting()
    assert decides(dcc, RolloutAction.REVOKE).code == "NotPossible"


def test_what_is_over_is_over(dcc: Steering) -> None:
    dcc.announces()
    decides(dcc, RolloutAction.REVOKE)
    assert dcc.state() is ReleaseState.REVOKED
    for action in RolloutAction:
        assert decides(dcc, action).code == "NotPossible"
    assert dcc.passes(PILOT.end) == 0
    unknown = esi.RolloutDecision("NONE", RolloutAction.STOP, "why", Standing.CONFIRMED, PANEL)
    assert dcc.says(unknown).code == "UnknownRelease"


def test_a_withdrawal_is_told_as_the_decision_that_it_is(dcc: Steering) -> None:
    dcc.piloting()
    told = dcc.says(esi.Withdrawal("R1", NOW, "off the products list"))
    assert dcc.state() is ReleaseState.WITHDRAWN
    alert = told.body(THEIRS, "N72")
    assert (alert.decision, alert.standing, alert.reason) == (
        RolloutAction.WITHDRAW,
        Standing.CONFIRMED,
        "off the products list",
    )
    assert told.body(SOUTH, "RolloutDecision").decision is RolloutAction.WITHDRAW
    assert dcc.passes(PILOT.end) == 0, "safe launch does not begin for what is withdrawn (PIA-A12)"
    assert dcc.says(esi.Withdrawal("R1", NOW)).code == "NotPossible"


def test_a_withdrawal_without_a_commentary_still_has_a_reason(dcc: Steering) -> None:
    dcc.piloting()
    assert "withdrawn" in dcc.says(esi.Withdrawal("R1", NOW)).body(OURS, "N72").reason


def test_a_supplier_on_an_older_version_hears_of_it_by_email(dcc: Steering) -> None:
    dcc.piloting()
    before = dcc.last_row()
    decides(dcc, RolloutAction.STOP)
    assert sorted(dcc.outbox(OLDER, before)) == [("email", "N72"), ("http", "N999")]
    assert dcc.outbox(OURS, before) == [("http", "N72")]


def incident(stop: bool = True, reference: str = "INC-7", severity: str = "1", release: str = "R1") -> esi.Incident:
    return esi.Incident(reference, OURS, release, severity, stop)


@pytest.mark.requirement("X04", "BR-6.2")
def test_an_incident_suspends_nothing_without_a_decision(dcc: Steering) -> None:
    """BR-6.2: marked and shown, whatever it asks for; the pilot goes on, and safe launch begins."""
    dcc.piloting()
    told = dcc.says(incident())
    assert (told.status, told.sends) == ("Accepted", ())
    assert (dcc.state(), dcc.release().paused) == (ReleaseState.PILOTING, False)
    (flag,) = dcc.flags()
    assert (flag.kind, flag.subject) == ("high priority", "R1")
    assert "INC-7" in flag.text
    assert "emergency stop is requested" in flag.text
    with dcc.store.read() as conn:
        (open_,) = rollout.incidents(conn, "R1")
    assert (open_.reference, open_.supplier, open_.emergency_stop) == ("INC-7", OURS, True)
    dcc.passes(PILOT.end)
    assert dcc.state() is ReleaseState.SAFE_LAUNCH


@pytest.mark.requirement("X04", "BR-6.4")
@pytest.mark.parametrize("standing", list(Standing))
def test_a_decision_provisional_or_confirmed_answers_an_incident(dcc: Steering, standing: Standing) -> None:
    dcc.piloting()
    dcc.says(incident())
    decides(dcc, RolloutAction.STOP, standing)
    assert dcc.release().paused is (standing is Standing.PROVISIONAL)
    with dcc.store.read() as conn:
        assert rollout.incidents(conn) == []
        found = rollout.find_incident(conn, "INC-7")
    assert found is not None
    assert found.decided_at == dcc.clock.now()


def test_an_incident_that_is_said_again_takes_the_place_of_the_first(dcc: Steering) -> None:
    dcc.piloting()
    dcc.says(incident(stop=False, severity="3"))
    dcc.says(incident(stop=True, severity="1"))
    dcc.says(incident(reference="INC-8"))
    with dcc.store.read() as conn:
        assert [(one.reference, one.severity) for one in rollout.incidents(conn)] == [("INC-7", "1"), ("INC-8", "1")]


def test_an_incident_of_an_unknown_or_finished_release_is_refused(dcc: Steering) -> None:
    dcc.announces()
    assert dcc.says(incident(release="NONE")).code == "UnknownRelease"
    dcc.says(esi.Closure("R1", NOW))
    assert dcc.says(incident()).code == "NotPossible"
    with dcc.store.read() as conn:
        assert rollout.incidents(conn) == []


def test_a_delay_outlives_a_revision(dcc: Steering) -> None:
    dcc.piloting()
    decides(dcc, RolloutAction.DELAY)
    dcc.announces(revision=2, automatic_date=None, pilot=PilotTerms(Period(PILOT.start, PILOT.end + DAY), limit=10))
    assert dcc.release().automatic_date == AUTOMATIC + 30 * DAY
