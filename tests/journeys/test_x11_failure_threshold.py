"""X11: too many hubs fail, a pause is proposed to DCC, and the plan is held where the release says so."""

from __future__ import annotations

import pytest

from tests.support.databases import KINDS
from tests.support.dcc_play import CSPS, approve, batch, decide, open_now, threshold
from tests.support.play import Outcome, Play
from tests.support.wire_client import Answer, texts

DATABASES = KINDS
pytestmark = [pytest.mark.processes, pytest.mark.requirement("X11", "X03", "BR-6.4")]


def planned(play: Play, *, hold: bool = True) -> list[str]:
    """Hubs of the North that DCC has instructed for now, under a release that bears half of four hubs to fail."""
    assert play.announce(marks=threshold(share=50, least=4, hold=hold)).code == "Accepted"
    approve(play)
    north = play.lot.of_csp("north", play.lot["own"])
    assert batch(play, north, period=open_now()).code == "Accepted"
    play.forget()
    return north


def fails(play: Play, *ids: str) -> Answer:
    return play.responded("north", *(Outcome(hub, success=False, reason="hashMismatch") for hub in ids))


def proposals(play: Play) -> list[tuple[str, str, str]]:
    """What DCC was told: hubs reported, hubs failed, and whether the plan is held."""
    found = play.received("dcc", "PauseProposal")
    return [(one.text("HubsReported"), one.text("HubsFailed"), one.text("Hold")) for one in found]


def told_of_plan(play: Play, party: str, kind: str) -> list[tuple[list[str], list[str]]]:
    """What a party was told of the plan: the reasons for which it is void (none: it is planned), and the hubs."""
    return [(texts(one.root, "Reason"), one.listed()) for one in play.received(party, kind)]


def test_the_plan_is_held_until_dcc_proceeds_and_is_then_as_before(play: Play) -> None:
    north = planned(play)
    assert play.responded("north", Outcome(north[0])).code == "Accepted"
    assert fails(play, *north[1:3]).code == "Accepted"
    assert proposals(play) == [], "two of three: of fewer than four nothing is concluded"
    play.forget()
    assert fails(play, north[3]).code == "Accepted"
    assert proposals(play) == [("4", "3", "true")]
    assert told_of_plan(play, "north", "PlannedDeployment") == [(["Paused"], north[1:])]
    assert told_of_plan(play, "main", "N77") == [(["Paused"], north[1:])]
    (alert,) = play.received("main", "N72")
    assert (alert.text("Decision"), alert.text("DecisionStatus")) == ("Pause", "Provisional")
    assert alert.text("Reason") == "3 of 4 hubs failed within 24 hours; the release's threshold is 50 %"
    assert [one.kind for name in CSPS for one in play.received(name, "RolloutDecision")] == ["RolloutDecision"] * 2
    answer = play.requested("north", north[3:4])
    assert texts(answer.root, "Reason") == ["ReleasePaused: the release is paused"]
    play.forget()
    assert decide(play, "Proceed").code == "Accepted"
    assert told_of_plan(play, "north", "PlannedDeployment") == [([], north[1:])]
    assert play.requested("north", north[3:4]).code == "Accepted"
    assert proposals(play) == []


def test_without_hold_dcc_alone_is_told_and_hubs_go_on(play: Play) -> None:
    north = planned(play, hold=False)
    assert fails(play, *north[:4]).code == "Accepted"
    assert proposals(play) == [("4", "4", "false")]
    assert play.received("north") == play.received("main", "N72") == []
    assert play.requested("north", north[3:4]).code == "Accepted"


def test_the_good_items_of_a_message_count(play: Play) -> None:
    north = planned(play)
    foreign = play.lot.of_csp("south", play.lot["own"])[0]
    assert fails(play, *north[:3], foreign).code == "PartlyAccepted"
    assert proposals(play) == []
    assert fails(play, north[3], foreign).code == "PartlyAccepted"
    assert proposals(play) == [("4", "4", "true")]


def test_a_message_without_a_good_item_counts_nothing(play: Play) -> None:
    north = planned(play)
    answer = play.responded("south", *(Outcome(hub, success=False, reason="hashMismatch") for hub in north[:4]))
    assert answer.code == "Refused"
    assert proposals(play) == []


@pytest.mark.parametrize("wrong", [threshold(share=101, least=4, hold=True), threshold(share=0, least=4, hold=True)])
def test_a_threshold_that_cannot_be_is_refused(play: Play, wrong: str) -> None:
    answer = play.announce(marks=wrong)
    assert answer.status == 400
    assert b"SharePercent" in answer.body


def test_an_exact_repeat_is_counted_and_told_once(play: Play) -> None:
    """T39."""
    north = planned(play)
    play.check_repeat(fails(play, *north[:2]))
    assert proposals(play) == []
    play.check_repeat(fails(play, *north[2:4]))


def test_the_proposal_waits_for_dcc_that_is_down(play: Play) -> None:
    """F13."""
    north = planned(play)
    with play.down("dcc", "north"):
        assert fails(play, *north[:4]).code == "Accepted"
    assert proposals(play) == [("4", "4", "true")]
    assert told_of_plan(play, "north", "PlannedDeployment") == [(["Paused"], north)]
