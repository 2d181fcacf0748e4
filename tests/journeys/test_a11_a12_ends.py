"""A11 and A12: the closure and the supersession of a release."""

from __future__ import annotations

import pytest

from tests.support.dcc_play import approve, code, expected, piloting, tell, told
from tests.support.play import Group, Play
from tests.support.wire_client import element

pytestmark = pytest.mark.processes


@pytest.mark.requirement("A11", "PIA-9")
def test_a_closure_reaches_the_csps(play: Play) -> None:
    """Suppliers are told by email (`test_rollout_emails.py`)."""
    piloting(play)
    answer = tell(play, "Closure", rest=element("esi:Commentary", "All hubs done."))
    assert answer.code == "Accepted"
    assert told(play) == expected(None, "Closure")
    (closure,) = play.received("south")
    assert (closure.text("FirmwareReleaseID"), closure.text("Commentary")) == (play.lot.release, "All hubs done.")


@pytest.mark.requirement("A11")
def test_what_is_closed_takes_no_more_instructions(play: Play) -> None:
    piloting(play)
    tell(play, "Closure")
    group = Group.launch("A", play.lot["own"][:1])
    assert play.pilot_schedule("main", group).code == "E110601"
    assert code(tell(play, "Closure")) == "NotPossible"


@pytest.mark.requirement("A11")
@pytest.mark.parametrize("body", ["Closure", "ReleaseApproval"])
def test_an_unknown_release_is_refused(play: Play, body: str) -> None:
    answer = tell(play, body, release="NONE")
    assert (answer.code, code(answer)) == ("Refused", "UnknownRelease")
    assert told(play) == {}


@pytest.mark.requirement("A12", "PIA-9")
def test_a_supersession_reaches_the_csps_with_the_successor(play: Play) -> None:
    piloting(play)
    successor = f"{play.lot.release}-B"
    play.announce(release=successor)
    play.forget()
    assert tell(play, "Supersession", successor=successor).code == "Accepted"
    assert told(play) == expected(None, "Supersession")
    (message,) = play.received("north")
    assert message.text("FirmwareReleaseID") == play.lot.release
    assert message.text("SuccessorReleaseID") == successor
    assert message.text("Commentary") == "It has the fix & more."


@pytest.mark.requirement("A12")
def test_a_supersession_by_an_unfit_release_is_refused(play: Play) -> None:
    piloting(play)
    for successor in ("NONE", play.lot.release):
        assert code(tell(play, "Supersession", successor=successor)) == "SuccessorUnfit"
    assert told(play) == {}


@pytest.mark.requirement("A11", "A12")
@pytest.mark.parametrize("body", ["Closure", "Supersession"])
def test_an_exact_repeat_gets_the_first_answer_and_is_told_once(play: Play, body: str) -> None:
    """T39."""
    piloting(play)
    play.announce(release=f"{play.lot.release}-B")
    play.forget()
    play.check_repeat(tell(play, body, successor=f"{play.lot.release}-B"))
    assert told(play) == expected(None, body)


@pytest.mark.requirement("A11")
def test_a_closure_waits_for_a_csp_that_is_down(play: Play) -> None:
    """F13; and comes behind what was told before."""
    play.announce()
    play.forget()
    with play.down("north"):
        approve(play)
        tell(play, "Closure")
    assert [one.kind for one in play.received("north")] == ["StageChange", "Closure"]
