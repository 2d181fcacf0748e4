"""A08: a CSP's schedule for safe launch; the suppliers with hubs in it are told, each of its own hubs (N68)."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import pytest

from duis_gateway.duis.identifiers import format_eui
from tests.support.dcc_play import piloting, select
from tests.support.play import DAY, NOW, Group, Play
from tests.support.schedules_play import groups_of, safe_launch
from tests.support.wire_client import Answer, devices, element, only, texts

pytestmark = [pytest.mark.processes, pytest.mark.requirement("A08")]

UNKNOWN = "00-DB-12-FF-FF-FF-FF-FF"


def read(play: Play, party: str, what: str) -> Any:
    """What a party reads at the party door."""
    answer = play[party].client.exchange("GET", f"/party/v1/{what}", token=play[party].token)
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


def launch(name: str, ids: Sequence[str] = ()) -> Group:
    return Group(name, ids, start=NOW + 70 * DAY, end=NOW + 80 * DAY)


@pytest.mark.requirement("PIA-2")
def test_each_supplier_gets_the_groups_cut_to_its_own_hubs(play: Play) -> None:
    lot = play.lot
    play.announce()
    play.forget()
    own, split = lot.within("North", of=lot["own"]), lot.within("North", of=lot["split"])
    groups = [launch("WEEK-1", own), Group("WEEK-2", split, start=NOW + 80 * DAY, end=NOW + 90 * DAY)]
    answer = safe_launch(play, "north", "North", groups)
    assert (answer.code, answer.refused_items) == ("Accepted", {})
    (alert,) = play.received("main")
    assert alert.kind == "N68"
    assert (alert.text("FirmwareReleaseID"), alert.text("CSPRegion")) == (lot.release, "North")
    assert {name: ids for name, (ids, _, _) in groups_of(alert).items()} == {"WEEK-1": own, "WEEK-2": split}
    for group in groups:
        _, start, end = groups_of(alert)[group.name]
        assert (datetime.fromisoformat(start), datetime.fromisoformat(end)) == (group.start, group.end)
    (of_gas,) = play.received("gas")
    assert {name: ids for name, (ids, _, _) in groups_of(of_gas).items()} == {"WEEK-2": split}
    assert not play.received("dcc")


def test_a_group_without_hubs_concerns_the_suppliers_of_its_region_alone(play: Play) -> None:
    play.announce()
    play.forget()
    assert safe_launch(play, "south", "Central", [launch("ALL")]).code == "Accepted"
    for supplier in ("main", "gas"):
        (alert,) = play.received(supplier)
        assert [ids for ids, _, _ in groups_of(alert).values()] == [[]]
    assert [texts(one.root, "DCCAlertCode") for one in play.received("on54")] == [["N999", "N68"]]
    assert not play.received("published50"), "its hubs are in other regions"
    assert not play.received("idle")


def test_named_and_open_groups_together(play: Play) -> None:
    """The open group is for everybody in the region, also for those of whom no hub is named."""
    lot = play.lot
    play.announce()
    play.forget()
    own = lot.within("North", of=lot["own"])
    safe_launch(play, "north", "North", [launch("FIRST", own), launch("REST")])
    assert set(groups_of(play.received("main")[0])) == {"FIRST", "REST"}
    assert set(groups_of(play.received("gas")[0])) == {"REST"}


@pytest.mark.requirement("BR-0.3", "PIA-R3")
def test_hubs_excluded_from_the_pilot_are_in_safe_launch_like_any_other(play: Play) -> None:
    """PIA-R3."""
    lot = play.lot
    excluded = lot.within("North", of=lot["own"])[0]
    play.announce(marks=devices("esi:ExcludedDeviceIDList", [excluded]))
    play.forget()
    assert play.default_schedule("north", "North", [Group("A", [excluded])]).code == "Refused"
    assert safe_launch(play, "north", "North", [launch("A", [excluded])]).code == "Accepted"
    assert groups_of(play.received("main", "N68")[0])["A"][0] == [excluded]


@pytest.mark.requirement("BR-0.3")
def test_hubs_of_a_pilot_that_has_not_ended_are_named_back_and_the_others_told(play: Play) -> None:
    """On a preferred list, or on the default list of a supplier that sent none; a split hub for either of its two."""
    lot = play.lot
    play.announce()
    own, split = lot.within("North", of=lot["own"]), lot.within("North", of=lot["split"])
    assert play.default_list("north", "North", [*own, *split]).code == "Accepted"
    assert play.pilot_list("main", own[:1]).code == "I99"
    play.forget()
    answer = safe_launch(play, "north", "North", [launch("A", [*own, *split])])
    assert answer.code == "PartlyAccepted"
    assert answer.refused_items == dict.fromkeys([own[0], *split], "in the pilot, which has not ended")
    (alert,) = play.received("main", "N68")
    assert groups_of(alert)["A"][0] == own[1:]
    assert not play.received("gas")


@pytest.mark.requirement("BR-0.3", "PIA-A12")
def test_a_schedule_for_safe_launch_before_the_end_of_the_pilot_is_refused(play: Play) -> None:
    play.announce()
    play.forget()
    early = Group("A", start=NOW + 59 * DAY, end=NOW + 80 * DAY)
    answer = safe_launch(play, "north", "North", [launch("B"), early])
    assert (answer.code, only(answer.root, "Code")) == ("Refused", "PeriodInvalid")
    assert "before the end of the pilot" in only(answer.root, "Text")
    assert not any(play.everything().values())


def test_a_schedule_that_drops_a_suppliers_hubs_tells_it(play: Play) -> None:
    lot = play.lot
    play.announce()
    split = lot.within("North", of=lot["split"])
    safe_launch(play, "north", "North", [launch("A", split)])
    play.forget()
    safe_launch(play, "north", "North", [launch("A", lot.within("North", of=lot["own"]))])
    (alert,) = play.received("gas", "N68")
    assert groups_of(alert) == {}
    play.forget()
    safe_launch(play, "north", "North", [launch("A", lot.within("North", of=lot["own"]))])
    assert not play.received("gas"), "it has been told"


def test_a_release_without_a_pilot_has_a_safe_launch(play: Play) -> None:
    play.announce(kind="Security", pilot=None)
    play.forget()
    assert safe_launch(play, "north", "North", [launch("A")]).code == "Accepted"
    assert [one.kind for one in play.received("main")] == ["N68"]


def test_the_bad_hubs_are_named_and_the_good_ones_told(play: Play) -> None:
    lot = play.lot
    play.announce()
    play.forget()
    central, idle = lot.within("Central", of=lot["own"])[0], lot.within("North", of=lot["uncommissioned"])
    bad = [central, *idle]
    groups = [launch("ONE", [lot["own"][0], *bad]), launch("TWO", [UNKNOWN])]
    answer = safe_launch(play, "north", "North", groups)
    assert answer.code == "PartlyAccepted"
    assert sorted(answer.refused_items) == sorted([*bad, UNKNOWN])
    (alert,) = play.received("main")
    assert {name: ids for name, (ids, _, _) in groups_of(alert).items()} == {"ONE": [lot["own"][0]]}


@pytest.mark.parametrize(
    ("groups", "code"),
    [
        ([Group("A", start=NOW + 2 * DAY, end=NOW + DAY)], "PeriodInvalid"),
        ([Group("A", end=NOW + 400 * DAY)], "PeriodInvalid"),
        ([launch("A"), launch("A")], "GroupRepeated"),
        ([launch("A", [UNKNOWN]), launch("B", [UNKNOWN])], "HubRepeated"),
        ([launch("A", [UNKNOWN])], "NoHubAcceptable"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused_and_nobody_is_told(play: Play, groups: list[Group], code: str) -> None:
    play.announce()
    play.forget()
    answer = safe_launch(play, "north", "North", groups)
    assert (answer.code, only(answer.root, "Code")) == ("Refused", code)
    assert not any(play.everything().values())


def test_a_csp_speaks_for_its_own_regions_only(play: Play) -> None:
    play.announce()
    play.forget()
    answer = safe_launch(play, "south", "4G North", [launch("A")])
    assert (answer.code, only(answer.root, "Code")) == ("Refused", "NotYourRegion")
    unknown = safe_launch(play, "south", "South", [launch("A")], release="NONE")
    assert only(unknown.root, "Code") == "UnknownRelease"
    assert not any(play.everything().values())


@pytest.mark.requirement("PIA-A7")
def test_what_is_offered_with_it_is_told_and_is_what_a_supplier_may_ask_for(play: Play) -> None:
    play.announce()
    hubs_there = play.lot.within("North", of=play.lot["own"])
    wish = Group("MINE", hubs_there, "SafeLaunch", NOW + 70 * DAY, NOW + 80 * DAY, ("NIGHT",))
    assert play.pilot_schedule("main", wish).code == "E110606"
    play.forget()
    safe_launch(play, "north", "North", [launch("A")], constraints=["NIGHT"])
    (alert,) = play.received("main")
    assert only(alert.root, "Code") == "NIGHT"
    assert play.pilot_schedule("main", wish).code == "I99"


def test_an_exact_repeat_gets_the_first_answer_and_is_told_once(play: Play) -> None:
    """T39."""
    play.announce()
    group = launch("A", play.lot.within("South", of=play.lot["own"]))
    play.check_repeat(safe_launch(play, "south", "South", [group]))


def test_schedules_wait_for_a_supplier_that_is_down_and_come_in_order(play: Play) -> None:
    """F13; N67 and N68 of one release keep their order."""
    play.announce()
    play.forget()
    there = play.lot.within("North", of=play.lot["own"])
    with play.down("main"):
        for number in range(3):
            play.default_schedule("north", "North", [Group(f"P{number}", there)])
            safe_launch(play, "north", "North", [launch(f"L{number}", there)])
        play.settle("main")
        assert not play["main"].received()
    came = play.received("main")
    assert [one.kind for one in came] == ["N67", "N68"] * 3
    assert [name for one in came for name in groups_of(one)] == ["P0", "L0", "P1", "L1", "P2", "L2"]


@pytest.mark.requirement("BR-3.8")
@pytest.mark.once
def test_a_batch_of_50_000_hubs_is_told_in_alerts_that_receivers_take(play: Play) -> None:
    """Every hub once, in alerts below 95 kB, each of them proven."""
    play.announce(limit=50_000)
    play.forget()
    listed = play.crowd(50_000)
    answer = safe_launch(play, "north", "4G North", [launch("ALL", listed)])
    assert (answer.code, answer.refused_items) == ("Accepted", {})
    alerts = play.received("main")
    assert {one.kind for one in alerts} == {"N68"}
    assert max(len(one.raw) for one in alerts) < 95_000
    assert [hub for one in alerts for hub in groups_of(one)["ALL"][0]] == listed
    assert [one.text("PartNumber") for one in alerts] == [str(n) for n in range(1, len(alerts) + 1)]
    assert {one.text("PartCount") for one in alerts} == {str(len(alerts))}


def test_a_batch_of_more_than_50_000_hubs_is_not_valid(play: Play) -> None:
    play.announce()
    ids = [format_eui(0x00DB_6000_0000_0000 + n) for n in range(50_001)]
    answer = safe_launch(play, "north", "North", [launch("ALL", ids)])
    assert answer.status == 400
    assert "DeviceIDList" in answer.problem("path")


def test_a_schedule_that_comes_in_one_part_of_one_is_taken(play: Play) -> None:
    play.announce()
    part = element("csp:Part", ListID="a-list", Number="1", Of="1")
    assert safe_launch(play, "north", "North", [launch("A")], part=part).code == "Accepted"


@pytest.mark.requirement("BR-3.8")
@pytest.mark.once
def test_more_than_50_000_hubs_come_in_parts_and_are_told_when_all_are_in(play: Play) -> None:
    play.announce()
    play.forget()
    listed = play.crowd(60_000)
    for number, piece in enumerate((listed[:40_000], listed[40_000:]), start=1):
        assert not play.received("main")
        part = element("csp:Part", ListID="a-long-list", Number=str(number), Of="2")
        assert safe_launch(play, "north", "4G North", [launch("ALL", piece)], part=part).code == "Accepted"
    told = [hub for one in play.received("main") for hub in groups_of(one)["ALL"][0]]
    assert told == listed


@pytest.mark.requirement("BR-0.3", "A04", "X08", "A02")
@pytest.mark.parametrize("by", ["preferred list", "DCC's choice", "default list"])
def test_hubs_that_come_into_the_pilot_leave_the_schedule_at_once(play: Play, by: str) -> None:
    """Before, they stood in it until the next revision, and `why` named its period for them."""
    lot = play.lot
    piloting(play)
    own, split = lot.within("North", of=lot["own"]), lot.within("North", of=lot["split"])
    both = [launch("A", [own[0], *split]), launch("B", own[1:2])]
    assert safe_launch(play, "north", "North", both).code == "Accepted"
    play.forget()
    ways: dict[str, Callable[[list[str]], Answer]] = {
        "preferred list": lambda ids: play.pilot_list("main", ids),
        "DCC's choice": lambda ids: select(play, "main", ids),
        "default list": lambda ids: play.default_list("north", "North", ids),
    }
    into_the_pilot = ways[by]
    assert into_the_pilot(own[:2]).code in ("I99", "Accepted")
    (told,) = play.received("main", "N68")
    assert {name: ids for name, (ids, _, _) in groups_of(told).items()} == {"A": split}
    assert not play.received("gas", "N68"), "its part is what it was"
    assert "the CSP's schedule" not in read(play, "main", f"hubs/{own[0]}")["hub"]["why"]
    assert "the CSP's schedule" in read(play, "main", f"hubs/{split[0]}")["hub"]["why"]
    play.forget()
    assert into_the_pilot([*own[:2], *split]).code in ("I99", "Accepted")
    for supplier in ("main", "gas"):
        (told,) = play.received(supplier, "N68")
        assert groups_of(told) == {}, "nothing is left of it"
    rows = [row for row in read(play, "north", "deadlines") if row["whose"] == "own"]
    assert "North" in {row["subject"] for row in rows if row["task"] == "send_safe_launch_schedule"}
