"""X06: of split hubs each supplier learns whether the other has instructed, and never who it is (N73)."""

from __future__ import annotations

import pytest

from tests.support.databases import KINDS
from tests.support.installation import Delivery
from tests.support.play import DAY, NOW, Group, Play
from tests.support.wire_client import texts

DATABASES = KINDS
pytestmark = [pytest.mark.processes, pytest.mark.requirement("X06", "BR-3.3")]


def launch(name: str, ids: tuple[str, ...] | list[str]) -> Group:
    return Group(name, ids, "SafeLaunch", NOW + 70 * DAY, NOW + 80 * DAY)


def told(alert: Delivery) -> tuple[str, list[str]]:
    """Return what an N73 says of the other supplier, and of which hubs."""
    return alert.text("OtherSupplier"), alert.listed()


def test_the_other_supplier_learns_that_its_second_has_instructed(play: Play) -> None:
    play.announce()
    play.forget()
    split = list(play.lot["split"])
    assert play.pilot_schedule("main", launch("G1", split)).code == "I99"
    (alert,) = play.received("gas")
    assert alert.kind == "N73"
    assert alert.text("FirmwareReleaseID") == play.lot.release
    assert told(alert) == ("Instructed", split)
    (mine,) = play.received("main")
    assert told(mine) == ("NotInstructed", split)


def test_whoever_instructs_second_learns_that_the_other_has(play: Play) -> None:
    play.announce()
    first, rest = list(play.lot["split"][:2]), list(play.lot["split"][2:])
    play.pilot_schedule("main", launch("G1", first))
    play.forget()
    assert play.pilot_schedule("gas", launch("MINE", [*first, *rest])).code == "I99"
    assert sorted(told(one) for one in play.received("gas")) == [("Instructed", first), ("NotInstructed", rest)]
    assert [told(one) for one in play.received("main")] == [("Instructed", [*first, *rest])]


def test_hubs_of_one_party_alone_are_no_news(play: Play) -> None:
    play.announce()
    play.forget()
    play.pilot_schedule("main", launch("G1", [*play.lot["own"], *play.lot["import_only"]]))
    assert not play.received("main", "N73")
    assert not play.received("gas")


def test_a_hub_that_stays_instructed_is_no_news(play: Play) -> None:
    play.announce()
    split = list(play.lot["split"])
    play.pilot_schedule("main", launch("G1", split))
    play.forget()
    again = Group("G1", split, "SafeLaunch", NOW + 71 * DAY, NOW + 81 * DAY)
    assert play.pilot_schedule("main", again).code == "I99"
    assert not play.received("gas")
    assert not play.received("main")


def test_a_group_that_drops_hubs_takes_the_instruction_back(play: Play) -> None:
    play.announce()
    split = list(play.lot["split"])
    play.pilot_schedule("main", launch("G1", split))
    play.forget()
    assert play.pilot_schedule("main", launch("G1", split[:4])).code == "I99"
    assert [told(one) for one in play.received("gas")] == [("NotInstructed", split[4:])]
    assert not play.received("main"), "it knows what it took back"


def test_a_new_pilot_list_takes_the_instruction_of_dropped_hubs_back(play: Play) -> None:
    play.announce()
    split = list(play.lot["split"])
    assert play.pilot_list("main", split).code == "I99"
    assert play.pilot_schedule("main", Group("G1", split)).code == "I99"
    play.forget()
    assert play.pilot_list("main", split[:2]).code == "W110501"
    assert [told(one) for one in play.received("gas")] == [("NotInstructed", split[2:])]


def test_a_supplier_whose_second_cannot_instruct_is_told_so(play: Play) -> None:
    """The other is on DUIS 5.0; it gets N999 in the place of N73."""
    play.announce()
    play.forget()
    mixed = list(play.lot["mixed"])
    assert play.pilot_schedule("main", launch("G1", mixed)).code == "I99"
    assert [told(one) for one in play.received("main")] == [("CannotInstruct", mixed)]
    assert [texts(one.root, "DCCAlertCode") for one in play.received("on50")] == [["N999", "N73"]]


def test_a_refused_schedule_is_no_news(play: Play) -> None:
    play.announce()
    play.forget()
    bad = Group("G1", play.lot["split"], "SafeLaunch", NOW + 70 * DAY, NOW + 400 * DAY)
    assert play.pilot_schedule("main", bad).code == "E110605"
    assert not play.received("gas")


def test_only_the_good_hubs_of_a_partly_wrong_schedule_are_told(play: Play) -> None:
    play.announce()
    play.forget()
    split = list(play.lot["split"])
    answer = play.pilot_schedule("gas", launch("G1", [*split, *play.lot["own"][:1]]))
    assert answer.code == "W110601"
    assert [told(one) for one in play.received("main")] == [("Instructed", split)]


def test_an_exact_repeat_is_told_once(play: Play) -> None:
    """T39."""
    play.announce()
    play.check_repeat(play.pilot_schedule("main", launch("G1", play.lot["split"])), "soap")


def test_the_news_waits_for_a_supplier_that_is_down(play: Play) -> None:
    """F13."""
    play.announce()
    play.forget()
    split = list(play.lot["split"])
    with play.down("gas"):
        assert play.pilot_schedule("main", launch("G1", split)).code == "I99"
        play.settle("gas")
        assert [one.kind for one in play["main"].received()] == ["N73"]
        assert not play["gas"].received()
    assert [told(one) for one in play.received("gas")] == [("Instructed", split)]
