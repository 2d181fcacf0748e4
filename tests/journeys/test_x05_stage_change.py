"""X05: stages that begin and end, by approval and by time."""

from __future__ import annotations

import pytest

from tests.support.dcc_play import approve, code, expected, piloting, tell, told
from tests.support.play import DAY, NOW, Play
from tests.support.wire_client import texts

pytestmark = [pytest.mark.processes, pytest.mark.requirement("X05", "BR-2.4")]


def changes(play: Play, csp: str = "north") -> list[tuple[list[str], list[str]]]:
    return [(texts(one.root, "StageEnded"), texts(one.root, "StageBegun")) for one in play.received(csp, "StageChange")]


def test_a_pilot_that_was_due_begins_with_the_approval(play: Play) -> None:
    play.announce()
    play.forget()
    assert approve(play).code == "Accepted"
    assert told(play) == expected(None, "StageChange")
    for party in ("north", "dcc"):
        assert changes(play, party) == [([], ["Pilot"])]
    assert code(approve(play)) == "NotPossible"


def test_an_approval_before_the_pilots_start_tells_nobody_yet(play: Play) -> None:
    play.announce(pilot=(NOW + DAY, NOW + 30 * DAY))
    play.forget()
    assert approve(play).code == "Accepted"
    assert told(play) == {}


@pytest.mark.requirement("PIA-A12")
def test_a_release_that_is_approved_after_its_pilot_period_begins_with_safe_launch(play: Play) -> None:
    """Nobody is told of a pilot that could never have been."""
    play.announce(pilot=(NOW - 30 * DAY, NOW - DAY))
    play.forget()
    approve(play)
    assert changes(play) == [([], ["SafeLaunch"])]


@pytest.mark.requirement("PIA-A3")
def test_a_release_without_a_pilot_begins_with_safe_launch(play: Play) -> None:
    play.announce(kind="Security", pilot=None)
    play.forget()
    approve(play)
    assert changes(play, "south") == [([], ["SafeLaunch"])]


@pytest.mark.requirement("PIA-A12")
def test_a_revision_that_ends_the_pilot_begins_safe_launch_by_itself(play: Play) -> None:
    piloting(play)
    play.announce(revision=2, pilot=(NOW - DAY, NOW - DAY / 2))
    assert changes(play) == [(["Pilot"], ["SafeLaunch"])]


def test_an_exact_repeat_gets_the_first_answer_and_is_told_once(play: Play) -> None:
    """T39."""
    play.announce()
    play.forget()
    play.check_repeat(approve(play))
    assert told(play) == expected(None, "StageChange")


def test_a_stage_change_waits_for_a_csp_that_is_down(play: Play) -> None:
    """F13."""
    play.announce()
    play.forget()
    with play.down("south"):
        approve(play)
    assert changes(play, "south") == [([], ["Pilot"])]


def test_only_dcc_approves(play: Play) -> None:
    play.announce()
    play.forget()
    assert tell(play, "ReleaseApproval", by="north").status == 403
    assert tell(play, "ReleaseApproval", by="main").status == 403
    assert told(play) == {}
