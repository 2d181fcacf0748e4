"""A supplier's protection list: hubs that it lets into no pilot and no period, whoever names them."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest

from tests.support.databases import KINDS
from tests.support.dcc_play import launching, select
from tests.support.play import Group, Play

DATABASES = KINDS
CHECKED_FIRST = True
pytestmark = [pytest.mark.processes, pytest.mark.requirement("EX-2")]

OBJECTION = "a supplier responsible for it objects"
PROTECTED = "ProtectedDeviceIDList"


def protect(play: Play, supplier: str, ids: Iterable[str]) -> None:
    """Let a supplier's list be these hubs."""
    body = json.dumps(list(ids)).encode()
    answer = play[supplier].client.exchange(
        "PUT", "/party/v1/protected-hubs", body, "application/json", play[supplier].token
    )
    assert answer.status == 200, answer.body


def test_own_requests_lose_protected_hubs_and_are_told_so(play: Play) -> None:
    play.announce()
    kept, *others = play.lot["own"]
    protect(play, "main", [kept])
    answer = play.pilot_list("main", [kept, *others])
    assert (answer.code, answer.lists) == ("W110501", {PROTECTED: [kept]})
    assert play.pilot_list("main", [kept]).code == "E110502"
    answer = play.pilot_schedule("main", Group("G1", [kept, others[0]]))
    assert (answer.code, answer.lists) == ("W110601", {PROTECTED: [kept]})
    assert play.pilot_schedule("main", Group.launch("G2", [kept])).lists == {PROTECTED: [kept]}
    protect(play, "main", [])
    assert play.pilot_list("main", [kept, *others]).code == "I99"


def test_a_default_list_is_taken_without_them(play: Play) -> None:
    lot = play.lot
    play.announce()
    kept, *others = lot.within("North", of=lot["own"])
    play.default_list("north", "North", [kept, *others])
    protect(play, "main", [kept])
    answer = play.pilot_list("main")
    assert (answer.code, answer.lists) == ("W110501", {PROTECTED: [kept]})
    again = play.default_list("north", "North", [kept, *others])
    assert (again.code, again.refused_items) == ("PartlyAccepted", {kept: OBJECTION})


@pytest.mark.parametrize("by", ["main", "gas"])
def test_what_dcc_and_csps_choose_meets_an_objection_that_names_nobody(play: Play, by: str) -> None:
    lot = play.lot
    play.announce()
    kept, other = lot.within("North", of=lot["split"])[0], lot.within("North", of=lot["own"])[0]
    protect(play, by, [kept])
    for answer in (
        select(play, "main", [kept, other]),
        play.default_list("north", "North", [kept, other]),
        play.default_schedule("north", "North", [Group("G1", [kept, other])]),
    ):
        assert (answer.code, answer.refused_items) == ("PartlyAccepted", {kept: OBJECTION})
        assert play[by].eui.encode() not in answer.body


def test_the_other_supplier_learns_nothing_and_the_hub_stays_unplanned(play: Play) -> None:
    launching(play)
    kept = play.lot["split"][0]
    protect(play, "main", [kept])
    assert play.pilot_schedule("gas", Group.launch("G1", [kept])).code == "I99"
    assert play.pilot_schedule("main", Group.launch("G1", [kept])).lists == {PROTECTED: [kept]}
    assert not play.received("north", "PlannedDeployment")
    assert not play.received("south", "PlannedDeployment")
    answer = play["gas"].client.exchange("GET", "/party/v1/protected-hubs", token=play["gas"].token)
    assert kept not in [one["device_id"] for one in json.loads(answer.body)]


def test_what_was_planned_is_void_once_a_hub_is_protected_and_planned_again_after(play: Play) -> None:
    launching(play)
    kept, other = play.lot.within("North", of=play.lot["own"])[:2]
    assert play.pilot_schedule("main", Group.launch("G1", [kept, other])).code == "I99"
    play.settle()
    play.forget()
    protect(play, "main", [kept])
    (told,) = play.received("north", "PlannedDeployment")
    assert (told.text("Reason"), told.listed()) == ("NotInstructed", [kept])
    (told,) = play.received("main", "N77")
    assert told.listed() == [kept]
    play.forget()
    protect(play, "main", [])
    (told,) = play.received("north", "PlannedDeployment")
    assert told.listed() == [kept]
    assert not told.root.findall(".//{*}Reason")


def test_a_list_counts_while_its_supplier_is_responsible(play: Play) -> None:
    play.announce()
    foreign = play.lot["own"][0]
    protect(play, "on54", [foreign])
    assert select(play, "main", [foreign]).code == "Accepted", "its supplier is another"


def test_only_suppliers_have_one(play: Play) -> None:
    for name, status in (("north", 403), ("dcc", 403), ("main", 200)):
        for method in ("GET", "DELETE"):
            answer = play[name].client.exchange(method, "/party/v1/protected-hubs", token=play[name].token)
            assert answer.status == status


@pytest.mark.requirement("X06", "BR-3.3")
def test_the_second_supplier_learns_that_the_first_no_longer_instructs_and_not_why(play: Play) -> None:
    """N73, as of an instruction that is taken back, planned or not: no plan tells of what waits for the other half."""
    launching(play)
    planned, waiting = play.lot["split"][:2]
    assert play.pilot_schedule("main", Group.launch("G1", [planned])).code == "I99"
    assert play.pilot_schedule("gas", Group.launch("MINE", [planned, waiting])).code == "I99"
    play.settle()
    play.forget()
    protect(play, "gas", [planned, waiting])
    (told,) = play.received("main", "N73")
    assert (told.text("OtherSupplier"), told.listed()) == ("NotInstructed", [planned, waiting])
    (void,) = play.received("main", "N77")
    assert (void.text("Reason"), void.listed()) == ("AwaitsSecondSupplier", [planned])
    assert b"rotect" not in told.raw + void.raw
    play.forget()
    assert play.pilot_schedule("main", Group.launch("G2", [waiting])).code == "I99"
    assert [one.text("OtherSupplier") for one in play.received("main", "N73")] == ["NotInstructed"]
    play.forget()
    protect(play, "gas", [])
    (told,) = play.received("main", "N73")
    assert (told.text("OtherSupplier"), told.listed()) == ("Instructed", [planned, waiting])
