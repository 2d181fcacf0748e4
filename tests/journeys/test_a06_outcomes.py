"""A06, A07, A09, A10: how the pilot and the safe launch went, from DCC to suppliers and CSPs."""

from __future__ import annotations

import pytest

from tests.support.dcc_play import code, expected, launching, outcome, piloting, tell, told
from tests.support.play import Play

pytestmark = pytest.mark.processes

ALERTS = [
    pytest.param("Pilot", True, "N75", marks=pytest.mark.requirement("A06")),
    pytest.param("Pilot", False, "N76", marks=pytest.mark.requirement("A07")),
    pytest.param("SafeLaunch", True, "N69", marks=pytest.mark.requirement("A09")),
    pytest.param("SafeLaunch", False, "N70", marks=pytest.mark.requirement("A10")),
]


def begun(play: Play, stage: str) -> None:
    (piloting if stage == "Pilot" else launching)(play)


@pytest.mark.parametrize(("stage", "success", "alert"), ALERTS)
def test_an_outcome_reaches_everybody_concerned_once(play: Play, stage: str, success: bool, alert: str) -> None:
    """PIA-9: overall success or failure is shared with all relevant parties."""
    begun(play, stage)
    answer = outcome(play, stage, success)
    assert (answer.code, answer.refused_items) == ("Accepted", {})
    assert told(play) == expected(alert, f"{stage}Outcome")
    (to_main,) = play.received("main", alert)
    (to_csp,) = play.received("north")
    for message in (to_main, to_csp):
        assert message.text("FirmwareReleaseID") == play.lot.release
        counts = [message.text(name) for name in ("HubsTargeted", "HubsActivated", "HubsFailed")]
        assert counts == ["200", "197", "3"]
        assert message.text("Commentary") == "Three hubs wait for a visit."
    assert to_csp.text("Outcome") == ("Success" if success else "Failure")


@pytest.mark.parametrize(("stage", "success", "alert"), ALERTS)
def test_an_exact_repeat_gets_the_first_answer_and_is_told_once(
    play: Play, stage: str, success: bool, alert: str
) -> None:
    """T39."""
    begun(play, stage)
    play.check_repeat(outcome(play, stage, success))
    assert told(play)["main"] == [alert]


@pytest.mark.parametrize("stage", ["Pilot", "SafeLaunch"])
def test_an_outcome_of_what_did_not_begin_is_refused(play: Play, stage: str) -> None:
    play.announce()
    play.forget()
    answer = outcome(play, stage, True)
    assert (answer.code, code(answer)) == ("Refused", "NotPossible")
    assert code(tell(play, f"{stage}Outcome", release="NONE", outcome="Success")) == "UnknownRelease"
    assert told(play) == {}


def test_outcomes_wait_for_parties_that_are_down_and_come_in_order(play: Play) -> None:
    """F13."""
    piloting(play)
    with play.down("main", "south"):
        outcome(play, "Pilot", False)
        outcome(play, "Pilot", True)
    assert [one.kind for one in play.received("main")] == ["N76", "N75"]
    assert [one.text("Outcome") for one in play.received("south")] == ["Failure", "Success"]


def test_a_csp_may_not_report_outcomes(play: Play) -> None:
    piloting(play)
    assert tell(play, "PilotOutcome", by="north", outcome="Success").status == 403
    assert told(play) == {}
