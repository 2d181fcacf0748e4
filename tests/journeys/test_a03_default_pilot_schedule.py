"""A03: a CSP's pilot schedule for a region; the suppliers with hubs in it are told, each of its own hubs (N67)."""

from __future__ import annotations

from datetime import datetime

import pytest

from duis_gateway.namespaces import SR
from tests.support.installation import Delivery
from tests.support.play import DAY, NOW, Group, Play
from tests.support.wire_client import devices, element, listed, only, texts

pytestmark = [pytest.mark.processes, pytest.mark.requirement("A03")]

UNKNOWN = "00-DB-12-FF-FF-FF-FF-FF"


def groups_of(alert: Delivery) -> dict[str, tuple[list[str], str, str]]:
    """Return each group of an N67: its hubs and its period."""
    found = alert.root.iterfind(f".//{{{SR}}}DeploymentGroup")
    return {
        only(group, "GroupID"): (
            listed(group, "DeviceIDList"),
            only(group, "EarliestStart"),
            only(group, "LatestEnd"),
        )
        for group in found
    }


@pytest.mark.requirement("PIA-2", "PIA-8")
def test_each_supplier_gets_the_groups_cut_to_its_own_hubs(play: Play) -> None:
    lot = play.lot
    play.announce()
    own, split = lot.within("North", of=lot["own"]), lot.within("North", of=lot["split"])
    groups = [Group("WEEK-1", own, start=NOW + 3 * DAY), Group("WEEK-2", split, end=NOW + 20 * DAY)]
    answer = play.default_schedule("north", "North", groups, ["NIGHT", "WEEKEND"])
    assert (answer.code, answer.refused_items) == ("Accepted", {})
    (alert,) = play.received("main")
    assert alert.kind == "N67"
    assert alert.text("CSPRegion") == "North"
    assert {name: ids for name, (ids, _, _) in groups_of(alert).items()} == {"WEEK-1": own, "WEEK-2": split}
    for group in groups:
        _, start, end = groups_of(alert)[group.name]
        assert (datetime.fromisoformat(start), datetime.fromisoformat(end)) == (group.start, group.end)
    assert texts(alert.root, "Code") == ["NIGHT", "WEEKEND"]
    (of_gas,) = play.received("gas")
    assert {name: ids for name, (ids, _, _) in groups_of(of_gas).items()} == {"WEEK-2": split}


@pytest.mark.requirement("PIA-A8")
def test_a_group_without_hubs_concerns_every_supplier_with_hubs_of_the_model_there(play: Play) -> None:
    play.announce()
    assert play.default_schedule("south", "Central", [Group("ALL")]).code == "Accepted"
    for supplier in ("main", "gas"):
        (alert,) = play.received(supplier)
        assert [ids for ids, _, _ in groups_of(alert).values()] == [[]]
    assert [one.kind for one in play.received("on54")] == ["N999"]
    assert [one.kind for one in play.received("on50")] == ["N999"]
    assert not play.received("published50"), "its hubs are elsewhere"
    assert not play.received("idle")


def test_the_bad_hubs_are_named_and_the_good_ones_told(play: Play) -> None:
    lot = play.lot
    play.announce(marks=devices("esi:ExcludedDeviceIDList", lot["own"][6:7]))
    play.forget()
    central, idle = lot.within("Central", of=lot["own"])[0], lot.within("North", of=lot["uncommissioned"])
    bad = [central, *idle, lot["own"][6]]
    answer = play.default_schedule("north", "North", [Group("ONE", [lot["own"][0], *bad]), Group("TWO", [UNKNOWN])])
    assert answer.code == "PartlyAccepted"
    assert sorted(answer.refused_items) == sorted([*bad, UNKNOWN])
    (alert,) = play.received("main")
    assert {name: ids for name, (ids, _, _) in groups_of(alert).items()} == {"ONE": [lot["own"][0]]}


@pytest.mark.parametrize(
    ("groups", "code"),
    [
        ([Group("A", start=NOW + 2 * DAY, end=NOW + DAY)], "PeriodInvalid"),
        ([Group("A", end=NOW + 400 * DAY)], "PeriodInvalid"),
        ([Group("A"), Group("A")], "GroupRepeated"),
        ([Group("A", [UNKNOWN]), Group("B", [UNKNOWN])], "HubRepeated"),
        ([Group("A", [UNKNOWN])], "NoHubAcceptable"),
        ([Group("A"), Group("\u202eB")], "NotAcceptable"),
        ([Group(" ")], "NotAcceptable"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused_and_nobody_is_told(play: Play, groups: list[Group], code: str) -> None:
    play.announce()
    play.forget()
    answer = play.default_schedule("north", "North", groups)
    assert (answer.code, only(answer.root, "Code")) == ("Refused", code)
    assert not any(play.everything().values())


def test_a_csp_speaks_for_its_own_regions_only(play: Play) -> None:
    play.announce()
    play.forget()
    answer = play.default_schedule("south", "4G North", [Group("A")])
    assert (answer.code, only(answer.root, "Code")) == ("Refused", "NotYourRegion")
    assert only(play.default_schedule("south", "South", [Group("A")], release="NONE").root, "Code") == "UnknownRelease"
    assert not any(play.everything().values())


def test_a_schedule_in_parts_takes_effect_when_all_are_in(play: Play) -> None:
    """A group that stands in both parts is one; what is refused has to come whole again."""
    play.announce()
    play.forget()
    first, second = play.lot.within("North", of=play.lot["own"])
    list_id = play.installation.message_id()

    def part(number: int, of: int = 2) -> str:
        return element("csp:Part", ListID=list_id, Number=str(number), Of=str(of))

    answer = play.default_schedule("north", "North", [Group("A", [second]), Group("B")], ["NIGHT"], part=part(2))
    assert (answer.code, only(answer.root, "Text")) == ("Accepted", "Part 2 of 2 is kept; 1 to come.")
    assert not any(play.everything().values())
    clash = play.default_schedule("north", "North", [Group("B", end=NOW + 20 * DAY)], part=part(1))
    assert (clash.code, only(clash.root, "Code")) == ("Refused", "GroupRepeated")
    play.default_schedule("north", "North", [Group("A", [second]), Group("B")], ["NIGHT"], part=part(2))
    assert play.default_schedule("north", "North", [Group("A", [first])], ["NIGHT"], part=part(1)).code == "Accepted"
    (alert,) = play.received("main")
    assert {name: ids for name, (ids, _, _) in groups_of(alert).items()} == {"A": [first, second], "B": []}
    assert texts(alert.root, "Code") == ["NIGHT"]


@pytest.mark.requirement("PIA-R5", "PIA-A7")
def test_what_is_offered_is_what_a_supplier_may_ask_for(play: Play) -> None:
    """The schedule is more than news: 11.6 is judged by it, and a later one replaces it."""
    play.announce()
    hubs = play.lot.within("North", of=play.lot["own"])
    assert play.pilot_list("main", hubs).code == "I99"
    play.default_schedule("north", "North", [Group("A", start=NOW + DAY, end=NOW + 10 * DAY)], ["NIGHT"])
    wish = Group("MINE", hubs, start=NOW + 2 * DAY, end=NOW + 12 * DAY, constraints=("NIGHT",))
    assert play.pilot_schedule("main", wish).code == "E110605"
    play.default_schedule("north", "North", [Group("A", start=NOW + DAY, end=NOW + 12 * DAY)], ["WEEKEND"])
    assert play.pilot_schedule("main", wish).code == "E110606"
    play.default_schedule("north", "North", [Group("A", start=NOW + DAY, end=NOW + 12 * DAY)], ["NIGHT"])
    assert play.pilot_schedule("main", wish).code == "I99"


def test_an_exact_repeat_gets_the_first_answer_and_is_told_once(play: Play) -> None:
    """T39."""
    play.announce()
    play.check_repeat(play.default_schedule("south", "South", [Group("A", play.lot.within("South"))], ["NIGHT"]))


def test_lists_and_schedules_wait_for_a_supplier_that_is_down_and_come_in_order(play: Play) -> None:
    """F13; N66 and N67 of one release keep their order."""
    play.announce()
    play.forget()
    hubs = play.lot.within("North", of=play.lot["own"])
    with play.down("main"):
        for number in range(3):
            play.default_list("north", "North", hubs)
            play.default_schedule("north", "North", [Group(f"G{number}", hubs)])
        play.settle("main")
        assert not play["main"].received()
    came = play.received("main")
    assert [one.kind for one in came] == ["N66", "N67"] * 3
    assert [name for one in came[1::2] for name in groups_of(one)] == ["G0", "G1", "G2"]
