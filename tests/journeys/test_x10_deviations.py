"""X10: what is moved outside its plan is told beside N64."""

from __future__ import annotations

import pytest

from tests.support.dcc_play import piloting
from tests.support.play import Outcome, Play
from tests.support.wire_client import texts

pytestmark = [pytest.mark.processes, pytest.mark.requirement("X10", "BR-3.5", "PIA-A11")]


@pytest.fixture
def north(play: Play) -> list[str]:
    return play.lot.of_csp("north", play.lot["own"])


def deviations(play: Play, party: str) -> list[tuple[list[str], list[str]]]:
    """What a party was told of hubs off the plan: the kinds, and the hubs."""
    found = []
    for one in play.received(party, "PlanDeviation", "N77"):
        kinds = texts(one.root, "Kind")
        if kinds:
            found.append((kinds, one.listed()))
    return found


def test_an_activation_without_a_plan_is_told_as_a_deviation(play: Play, north: list[str]) -> None:
    piloting(play)
    play.forget()
    assert play.responded("north", Outcome(north[0])).code == "Accepted"
    assert [one.kind for one in play.received("main")] == ["N64"]
    for party in ("north", "main", "dcc"):
        assert deviations(play, party) == [(["NotPlanned"], north[:1])], party
    assert deviations(play, "south") == deviations(play, "gas") == []


def test_an_activation_before_the_approval_is_told_as_one(play: Play, north: list[str]) -> None:
    play.announce()
    play.forget()
    assert play.responded("north", Outcome(north[0])).code == "Accepted"
    assert deviations(play, "dcc") == [(["ReleaseNotApproved"], north[:1])]


def test_the_good_items_of_a_message_are_told(play: Play, north: list[str]) -> None:
    piloting(play)
    play.forget()
    foreign = play.lot.of_csp("south", play.lot["own"])[0]
    assert play.responded("north", Outcome(north[0]), Outcome(foreign)).code == "PartlyAccepted"
    assert deviations(play, "dcc") == [(["NotPlanned"], north[:1])]


def test_a_message_without_a_good_item_tells_no_deviation(play: Play, north: list[str]) -> None:
    piloting(play)
    play.forget()
    assert play.responded("south", Outcome(north[0])).code == "Refused"
    assert deviations(play, "north") == deviations(play, "dcc") == []


def test_an_exact_repeat_is_told_once(play: Play, north: list[str]) -> None:
    """T39."""
    piloting(play)
    play.check_repeat(play.responded("north", Outcome(north[0])))


def test_deviations_wait_for_parties_that_are_down(play: Play, north: list[str]) -> None:
    """F13."""
    piloting(play)
    play.forget()
    with play.down("main", "dcc"):
        assert play.responded("north", Outcome(north[0])).code == "Accepted"
    for party in ("main", "dcc"):
        assert deviations(play, party) == [(["NotPlanned"], north[:1])], party
