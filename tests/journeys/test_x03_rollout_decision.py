"""X03 and X04: what DCC decides on a roll-out, and incidents, which decide nothing."""

from __future__ import annotations

import pytest

from duis_gateway.operations import flags
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.records import ReleaseState
from duis_gateway.rollout.rollout_decisions import store as rollout
from tests.support.dcc_play import code, decide, expected, piloting, tell, told
from tests.support.play import DAY, NOW, Group, Play, when

pytestmark = [pytest.mark.processes, pytest.mark.requirement("X03", "BR-6.5")]

LATER = NOW + 400 * DAY


def standing(play: Play) -> tuple[ReleaseState, bool]:
    with play.installation.store.read() as conn:
        found = releases.find(conn, play.lot.release)
    assert found is not None
    return found.state, found.paused


@pytest.mark.requirement("BR-6.3")
@pytest.mark.parametrize("decision", ["Proceed", "Pause", "Delay", "Stop", "Withdraw"])
def test_every_decision_reaches_everybody_concerned(play: Play, decision: str) -> None:
    piloting(play)
    new_date = LATER if decision == "Delay" else None
    assert decide(play, decision, new_date=new_date).code == "Accepted"
    assert told(play) == expected("N72", "RolloutDecision")
    (alert,), (message,) = play.received("main", "N72"), play.received("north")
    for one in (alert, message):
        assert one.text("Decision") == decision
        assert one.text("DecisionStatus") == "Confirmed"
        assert one.text("DecidedBy") == "SEC Panel"
        assert one.text("Reason") == "Hubs reboot at night."
        assert "ending requests" in one.text("EffectOnPendingRequests")
    if new_date is not None:
        assert alert.text("NewDate")[:10] == message.text("NewDate")[:10] == when(LATER)[:10]


@pytest.mark.requirement("BR-1.5")
def test_a_notice_is_revoked_before_the_pilot_and_not_in_it(play: Play) -> None:
    play.announce()
    play.forget()
    assert decide(play, "Revoke").code == "Accepted"
    assert standing(play) == (ReleaseState.REVOKED, False)
    assert told(play) == expected("N72", "RolloutDecision")
    answer = decide(play, "Revoke")
    assert (answer.code, code(answer)) == ("Refused", "NotPossible")


def test_a_withdrawal_is_told_as_a_decision(play: Play) -> None:
    piloting(play)
    assert tell(play, "Withdrawal").code == "Accepted"
    assert told(play) == expected("N72", "RolloutDecision")
    assert play.received("gas", "N72")[0].text("Decision") == "Withdraw"
    assert standing(play) == (ReleaseState.WITHDRAWN, False)


@pytest.mark.requirement("BR-6.4")
@pytest.mark.parametrize("decision", ["Pause", "Stop", "Withdraw"])
def test_a_provisional_decision_suspends_at_once(play: Play, decision: str) -> None:
    piloting(play)
    decide(play, decision, "Provisional")
    assert standing(play) == (ReleaseState.PILOTING, True)
    assert play.received("main", "N72")[0].text("DecisionStatus") == "Provisional"


def test_while_paused_instructions_are_taken_and_after_a_stop_they_are_not(play: Play) -> None:
    piloting(play)
    group = Group.launch("A", play.lot["own"][:2])
    decide(play, "Pause")
    assert play.pilot_schedule("main", group).code == "I99"
    decide(play, "Stop")
    assert play.pilot_schedule("main", group).code == "E110601"


@pytest.mark.parametrize("decision", ["Revoke", "Delay"])
def test_a_decision_that_cannot_be_is_refused_and_told_to_nobody(play: Play, decision: str) -> None:
    piloting(play)
    answer = decide(play, decision)
    assert (answer.code, code(answer)) == ("Refused", "NotPossible")
    assert code(decide(play, "Stop", release="NONE")) == "UnknownRelease"
    assert told(play) == {}


@pytest.mark.parametrize("body", ["RolloutDecision", "Withdrawal"])
def test_an_exact_repeat_gets_the_first_answer_and_is_told_once(play: Play, body: str) -> None:
    """T39."""
    piloting(play)
    play.check_repeat(decide(play, "Pause") if body == "RolloutDecision" else tell(play, body))
    assert told(play) == expected("N72", "RolloutDecision")


def test_decisions_wait_for_parties_that_are_down_and_come_in_order(play: Play) -> None:
    """F13: a pause that comes after the proceeding would be wrong for ever."""
    piloting(play)
    with play.down("main", "north"):
        for decision in ("Pause", "Proceed", "Stop"):
            decide(play, decision)
    for name in ("main", "north"):
        assert [one.text("Decision") for one in play.received(name)] == ["Pause", "Proceed", "Stop"]


def raise_incident(play: Play, release: str | None = None) -> str:
    reference = f"INC-{play.lot.release}"
    answer = tell(play, "Incident", reference=reference, supplier=play["main"].eui, release=release)
    return code(answer)


@pytest.mark.requirement("X04", "BR-6.2")
def test_an_incident_without_a_decision_suspends_nothing(play: Play) -> None:
    """X04: it asks for an emergency stop, is shown to the operator, and that is all."""
    piloting(play)
    assert raise_incident(play) == "Accepted"
    assert standing(play) == (ReleaseState.PILOTING, False)
    assert told(play) == {}
    assert play.pilot_schedule("main", Group.launch("A", play.lot["own"][:1])).code == "I99"
    with play.installation.store.read() as conn:
        (flag,) = [one for one in flags.newest(conn) if one.subject == play.lot.release]
        (incident,) = rollout.incidents(conn, play.lot.release)
    assert flag.kind == "high priority"
    assert incident.emergency_stop


@pytest.mark.requirement("X04", "BR-6.2", "BR-6.4")
def test_dccs_decision_answers_the_incident(play: Play) -> None:
    piloting(play)
    raise_incident(play)
    decide(play, "Pause", "Provisional")
    assert standing(play) == (ReleaseState.PILOTING, True)
    with play.installation.store.read() as conn:
        assert rollout.incidents(conn, play.lot.release) == []


@pytest.mark.requirement("X04", "BR-6.2")
def test_an_incident_of_an_unknown_release_is_refused_and_a_repeat_is_one(play: Play) -> None:
    piloting(play)
    assert raise_incident(play, release="NONE") == "UnknownRelease"
    play.check_repeat(tell(play, "Incident", reference="INC-A", supplier=play["main"].eui))
    with play.installation.store.read() as conn:
        assert len(rollout.incidents(conn, play.lot.release)) == 1
