"""A06, A07, A09, A10: how the pilot and the safe launch went, from DCC to suppliers and CSPs."""

from __future__ import annotations

import pytest

from tests.support.dcc_play import approve, code, decide, expected, launching, outcome, piloting, tell, told
from tests.support.play import Play
from tests.support.wire_client import only

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
        decide(play, "Proceed")
        outcome(play, "Pilot", True)
    assert [one.kind for one in play.received("main")] == ["N76", "N72", "N75"]
    assert [one.text("Outcome") for one in play.received("south", "PilotOutcome")] == ["Failure", "Success"]


@pytest.mark.requirement("PIA-9")
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("stage", ["Pilot", "SafeLaunch"])
def test_an_outcome_that_contradicts_the_one_reported_is_refused_until_dcc_decides(
    play: Play, stage: str, first: bool
) -> None:
    begun(play, stage)
    assert outcome(play, stage, first).code == "Accepted"
    assert outcome(play, stage, first).code == "Accepted", "the same, perhaps with other counts"
    play.forget()
    answer = outcome(play, stage, not first)
    assert (answer.code, code(answer)) == ("Refused", "Contradictory")
    assert f"as a {'success' if first else 'failure'} before" in only(answer.root, "Text")
    assert told(play) == {}
    decide(play, "Proceed")
    assert outcome(play, stage, not first).code == "Accepted"


@pytest.mark.requirement("PIA-9")
@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        ({"activated": 201, "failed": 0}, "201 hubs activated and 0 failed: more than the 200 targeted"),
        ({"activated": 197, "failed": 4}, "more than the 200 targeted"),
        ({"activated": 0, "failed": 200}, "every hub targeted has failed"),
    ],
)
def test_counts_that_cannot_be_are_refused_with_the_reason(play: Play, counts: dict[str, int], reason: str) -> None:
    piloting(play)
    answer = outcome(play, "Pilot", True, **counts)
    assert (answer.code, code(answer)) == ("Refused", "Contradictory")
    assert reason in only(answer.root, "Text")
    assert told(play) == {}


@pytest.mark.requirement("PIA-A3")
def test_a_release_without_a_pilot_has_no_outcome_of_one(play: Play) -> None:
    play.announce(kind="Security", pilot=None)
    approve(play)
    assert code(outcome(play, "Pilot", True)) == "Contradictory"


def test_a_csp_may_not_report_outcomes(play: Play) -> None:
    piloting(play)
    assert tell(play, "PilotOutcome", by="north", outcome="Success").status == 403
    assert told(play) == {}
