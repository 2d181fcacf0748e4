"""CS06 is checked before hubs move: the acknowledgement names those that are not to be activated now, and why."""

from __future__ import annotations

import pytest

from tests.support.databases import KINDS
from tests.support.dcc_play import approve, batch, decide, hub, launching, open_now, piloting, tell, update
from tests.support.play import DAY, NOW, Group, Outcome, Play
from tests.support.wire_client import Answer, texts

DATABASES = KINDS
pytestmark = [pytest.mark.processes, pytest.mark.requirement("X01", "BR-3.3", "BR-3.5")]

UNKNOWN = "00-DB-12-FF-FF-FF-FF-FF"


def launch(name: str, ids: list[str], start: int, end: int) -> Group:
    return Group(name, ids, "SafeLaunch", NOW + start * DAY, NOW + end * DAY)


def stopped(answer: Answer) -> dict[str, str]:
    """The hubs that the CSP is not to activate, each with the word that its reason begins with."""
    reasons = (reason.partition(":")[0] for reason in texts(answer.root, "Reason"))
    return dict(zip(texts(answer.root, "Item"), reasons, strict=True))


def test_the_acknowledgement_names_the_hubs_that_are_not_to_be_activated_now(play: Play) -> None:
    """Each reason of its own in one message; the hub whose period is open goes, and its answer is matched."""
    launching(play)
    good, later, nobodys, moved = play.lot.of_csp("north", play.lot["own"])[:4]
    split = play.lot.of_csp("north", play.lot["split"])[0]
    foreign = play.lot.of_csp("south", play.lot["own"])[0]
    play.pilot_schedule("main", launch("NOW", [good, moved], 0, 9), launch("LATER", [later], 3, 9))
    play.pilot_schedule("main", launch("HALF", [split], 0, 9))
    assert update(play, hub(play, moved, "gas", "gas")).code == "Accepted"
    answer = play.requested("north", [good, later, nobodys, moved, split, foreign, UNKNOWN])
    assert answer.code == "PartlyAccepted"
    assert stopped(answer) == {
        later: "BeforePeriod",
        nobodys: "NotInstructed",
        moved: "ChangedSupplier",
        split: "AwaitsSecondSupplier",
        foreign: "OtherRegion",
        UNKNOWN: "UnknownHub",
    }
    play.forget()
    assert play.responded("north", Outcome(good, at=NOW)).code == "Accepted"
    assert [one.kind for one in play.received("main")] == ["N64"]
    assert play.received("north", "PlanDeviation") == []


def test_nothing_goes_while_a_release_is_not_approved_paused_or_over(play: Play) -> None:
    play.announce()
    one = play.lot.of_csp("north", play.lot["own"])[0]
    assert batch(play, [one], period=open_now()).code == "Accepted"
    assert stopped(play.requested("north", [one])) == {one: "ReleaseNotApproved"}
    approve(play)
    assert play.requested("north", [one]).code == "Accepted"
    decide(play, "Pause")
    assert stopped(play.requested("north", [one])) == {one: "ReleasePaused"}
    decide(play, "Proceed")
    assert play.requested("north", [one]).code == "Accepted"
    tell(play, "Withdrawal")
    answer = play.requested("north", [one])
    assert (answer.code, stopped(answer)) == ("Refused", {one: "ReleaseOver"})


def test_a_hub_that_moves_although_it_was_refused_is_told_as_a_deviation(play: Play) -> None:
    piloting(play)
    one = play.lot.of_csp("north", play.lot["own"])[0]
    assert stopped(play.requested("north", [one])) == {one: "NotInstructed"}
    play.forget()
    assert play.responded("north", Outcome(one)).code == "Accepted"
    assert [texts(told.root, "Kind") for told in play.received("dcc", "PlanDeviation")] == [["NotPlanned"]]


@pytest.mark.requirement("X09")
def test_a_release_that_does_not_bring_the_version_or_does_not_exist_moves_no_hub(play: Play) -> None:
    """Before, nothing was checked: with one wrong digit, every hub moved by a clean acknowledgement."""
    piloting(play)
    planned, nobodys = play.lot.of_csp("north", play.lot["own"])[:2]
    assert batch(play, [planned], period=open_now()).code == "Accepted"
    for version, release, word in (("7777", None, "OtherVersion"), ("9002", "NO-SUCH", "UnknownRelease")):
        answer = play.requested("north", [planned, nobodys, UNKNOWN], version, release=release)
        assert answer.code == "Refused"
        assert stopped(answer) == {planned: word, nobodys: word, UNKNOWN: "UnknownHub"}
    assert "9002" in texts(play.requested("north", [planned], firmware="7777").root, "Reason")[0]
    assert play.requested("north", [planned]).code == "Accepted"


def test_without_a_release_a_version_that_none_brings_is_not_checked(play: Play) -> None:
    piloting(play)
    one = play.lot.of_csp("north", play.lot["own"])[0]
    assert play.requested("north", [one], firmware="7777", named=False).code == "Accepted"
    assert stopped(play.requested("north", [one], named=False)) == {one: "NotInstructed"}
