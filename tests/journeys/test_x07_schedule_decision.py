"""X07: a CSP's final say on a supplier's group, late and piece by piece; the supplier is told (N74)."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from duis_gateway.namespaces import SR
from tests.support.cli import done
from tests.support.databases import KINDS, with_statistics_of_another_release
from tests.support.installation import Delivery
from tests.support.play import DAY, NOW, Group, Play, when
from tests.support.schedules_play import say
from tests.support.wire_client import listed, only, texts

DATABASES = KINDS
pytestmark = [pytest.mark.processes, pytest.mark.requirement("X07")]


def submitted(play: Play, *groups: Group) -> None:
    """The main supplier has a pilot list and these groups; what was sent so far is forgotten."""
    play.announce()
    pilot = [hub for group in groups if group.stage == "Pilot" for hub in group.devices]
    if pilot:
        assert play.pilot_list("main", pilot).code == "I99"
    assert play.pilot_schedule("main", *groups).code == "I99"
    play.forget()


def period(alert: Delivery) -> tuple[datetime, datetime]:
    """Return the period that an N74 fixes."""
    return datetime.fromisoformat(alert.text("EarliestStart")), datetime.fromisoformat(alert.text("LatestEnd"))


def plans(play: Play) -> dict[str, tuple[str, str, bool]]:
    """What is planned for each hub of the release's model: on what it rests, when it is due, whether it may change."""
    asked = ("plan", "list", "--release", play.lot.release, "--format", "json")
    rows = json.loads(done(*asked, "--config", play.installation.config))
    return {row["device_id"]: (row["basis"], row["due"], row["indicative"]) for row in rows}


@pytest.fixture
def north(play: Play) -> list[str]:
    """The main supplier's hubs in the northern CSP's regions."""
    return play.lot.of_csp("north", play.lot["own"])


def test_an_accepted_group_is_told_with_the_period_that_is_fixed(play: Play, north: list[str]) -> None:
    group = Group("G1", north)
    submitted(play, group)
    answer = say(play, "north", "main", "G1")
    assert (answer.code, answer.refused_items) == ("Accepted", {})
    (alert,) = play.received("main")
    assert alert.kind == "N74"
    assert (alert.text("FirmwareReleaseID"), alert.text("GroupID")) == (play.lot.release, "G1")
    assert alert.text("Decision") == "Accepted"
    assert period(alert) == (group.start, group.end)
    assert not texts(alert.root, "Reason")
    assert not play.received("dcc")
    assert not play.received("gas")


@pytest.mark.requirement("PIA-C2", "PIA-C4")
def test_an_amended_group_is_told_with_the_new_period_and_the_reason(play: Play, north: list[str]) -> None:
    submitted(play, Group("G1", north))
    start, end = NOW + 5 * DAY, NOW + 30 * DAY
    answer = say(play, "north", "main", "G1", "Amended", start=start, end=end, reason="Too many at once")
    assert answer.code == "Accepted"
    (alert,) = play.received("main")
    assert (alert.text("Decision"), alert.text("Reason")) == ("Amended", "Too many at once")
    assert period(alert) == (start, end)


def test_a_time_that_is_left_out_is_as_instructed(play: Play, north: list[str]) -> None:
    group = Group("G1", north)
    submitted(play, group)
    say(play, "north", "main", "G1", "Amended", end=NOW + 30 * DAY)
    assert period(play.received("main")[0]) == (group.start, NOW + 30 * DAY)


def test_a_refused_group_is_told_without_a_period(play: Play, north: list[str]) -> None:
    submitted(play, Group("G1", north))
    assert say(play, "north", "main", "G1", "Refused", reason="No capacity").code == "Accepted"
    (alert,) = play.received("main")
    assert (alert.text("Decision"), alert.text("Reason")) == ("Refused", "No capacity")
    assert not texts(alert.root, "EarliestStart")


@pytest.mark.requirement("PIA-C4")
def test_a_group_across_two_csps_is_decided_in_two_pieces(play: Play) -> None:
    """Each N74 lists the hubs that it is about."""
    lot = play.lot
    submitted(play, Group("BOTH", lot["own"]))
    assert say(play, "north", "main", "BOTH").code == "Accepted"
    assert say(play, "south", "main", "BOTH", "Refused", reason="No capacity").code == "Accepted"
    first, second = play.received("main")
    assert (first.text("Decision"), texts(first.root, "Reason")) == ("Accepted", [])
    assert listed(first.root, "DeviceIDList") == lot.of_csp("north", lot["own"])
    assert (second.text("Decision"), second.text("Reason")) == ("Refused", "No capacity")
    assert listed(second.root, "DeviceIDList") == lot.of_csp("south", lot["own"])


@pytest.mark.requirement("PIA-C4")
def test_a_csp_regroups_a_group_in_three_pieces(play: Play, north: list[str]) -> None:
    """PIA-C4: these hubs as instructed, that one later, the last not at all; the plans are as the CSP decided."""
    group = Group("G1", north)
    submitted(play, group)
    as_asked, later, never = north[:2], north[2:3], north[3:]
    end = NOW + 40 * DAY
    assert say(play, "north", "main", "G1", hubs=as_asked).code == "Accepted"
    assert plans(play)[later[0]] == ("instructed", when(group.end), True)
    assert say(play, "north", "main", "G1", "Amended", end=end, reason="Second wave", hubs=later).code == "Accepted"
    assert say(play, "north", "main", "G1", "Refused", reason="No capacity", hubs=never).code == "Accepted"
    told = play.received("main")
    assert [(one.kind, one.text("Decision"), listed(one.root, "DeviceIDList")) for one in told] == [
        ("N74", "Accepted", as_asked),
        ("N74", "Amended", later),
        ("N74", "Refused", never),
    ]
    assert [period(one)[1] for one in told[:2]] == [group.end, end]
    planned = plans(play)
    assert [planned[hub] for hub in as_asked] == [("instructed", when(group.end), False)] * 2
    assert planned[later[0]] == ("instructed", when(end), False)
    assert planned[never[0]][0] == "automatic_date"


@pytest.mark.requirement("PIA-C4")
def test_a_later_say_on_the_whole_group_takes_the_place_of_the_pieces(play: Play, north: list[str]) -> None:
    group = Group("G1", north)
    submitted(play, group)
    say(play, "north", "main", "G1", hubs=north[:2])
    say(play, "north", "main", "G1", "Refused", hubs=north[2:])
    assert say(play, "north", "main", "G1", "Amended", end=NOW + 40 * DAY).code == "Accepted"
    last = play.received("main")[-1]
    assert not texts(last.root, "DeviceIDList"), "it is about the whole group"
    planned = plans(play)
    assert {planned[hub] for hub in north} == {("instructed", when(NOW + 40 * DAY), False)}
    say(play, "north", "main", "G1", "Refused", hubs=north[:1])
    planned = plans(play)
    assert [planned[hub][0] for hub in north] == ["automatic_date", *["instructed"] * 3]


def test_hubs_that_are_not_the_csp_s_to_decide_on_are_refused_as_items(play: Play) -> None:
    """The supplier is told of the others; a list of none of its hubs decides nothing."""
    lot = play.lot
    own, foreign = lot["own"], lot["on54"][0]
    mine, theirs = lot.of_csp("north", own), lot.of_csp("south", own)[0]
    submitted(play, Group("G1", own))
    answer = say(play, "north", "main", "G1", hubs=[foreign, mine[0], theirs])
    assert answer.code == "PartlyAccepted"
    assert answer.refused_items == {foreign: "not in the group", theirs: "not in a region of this CSP"}
    (alert,) = play.received("main")
    assert listed(alert.root, "DeviceIDList") == mine[:1]
    play.forget()
    answer = say(play, "north", "main", "G1", "Refused", hubs=[foreign, theirs])
    assert (answer.code, only(answer.root, "Code")) == ("Refused", "DecisionRefused")
    assert list(answer.refused_items) == [foreign, theirs]
    assert not any(play.everything().values())


def test_hubs_named_tell_of_two_groups_of_one_name_which_is_meant(play: Play, north: list[str]) -> None:
    launched = play.lot.of_csp("north", play.lot["split"])
    launch = Group("G1", launched, "SafeLaunch", NOW + 70 * DAY, NOW + 80 * DAY)
    submitted(play, Group("G1", north), launch)
    assert say(play, "north", "main", "G1", hubs=launched[:1]).code == "Accepted"
    assert period(play.received("main")[0]) == (launch.start, launch.end)


def test_a_later_say_takes_the_place_of_the_earlier_and_is_told_too(play: Play, north: list[str]) -> None:
    submitted(play, Group("G1", north))
    for decision in ("Accepted", "Refused", "Accepted"):
        assert say(play, "north", "main", "G1", decision).code == "Accepted"
    assert [one.text("Decision") for one in play.received("main")] == ["Accepted", "Refused", "Accepted"]


@pytest.mark.requirement("PIA-C4")
def test_the_say_may_come_late(play: Play, north: list[str]) -> None:
    """PIA-C4: also when the period instructed has begun; of a group name in both stages the pilot's is meant."""
    launch = Group("G1", play.lot.of_csp("north", play.lot["split"]), "SafeLaunch", NOW + 70 * DAY, NOW + 80 * DAY)
    pilot = Group("G1", north, start=NOW - timedelta(hours=1), end=NOW + DAY)
    submitted(play, pilot, launch)
    assert say(play, "north", "main", "G1").code == "Accepted"
    assert period(play.received("main")[0]) == (pilot.start, pilot.end)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ({"group": "OTHER"}, "no group of this name"),
        ({"supplier": "gas"}, "no group of this name"),
        ({"csp": "south"}, "no hub in this CSP's regions"),
        ({"release": "NEVER-SEEN"}, "unknown or no longer live"),
        ({"start": NOW + 9 * DAY, "end": NOW + 9 * DAY}, "does not end after it starts"),
        ({"start": NOW - 9 * DAY}, "is not in the future"),
        ({"end": NOW + 400 * DAY}, "does not end before the automatic date"),
    ],
)
def test_a_say_on_nothing_is_refused_and_nobody_is_told(
    play: Play, north: list[str], words: dict[str, Any], reason: str
) -> None:
    submitted(play, Group("G1", north))
    said: dict[str, Any] = {"csp": "north", "supplier": "main", "group": "G1", "decision": "Amended", **words}
    answer = say(play, **said)
    assert (answer.code, only(answer.root, "Code")) == ("Refused", "DecisionRefused")
    assert reason in only(answer.root, "Text")
    assert not any(play.everything().values())


def test_a_group_sent_again_is_undecided_again(play: Play, north: list[str]) -> None:
    """What the CSP said was of the group as it was."""
    submitted(play, Group("G1", north))
    say(play, "north", "main", "G1")
    assert play.pilot_schedule("main", Group("G1", north, end=NOW + 11 * DAY)).code == "I99"
    say(play, "north", "main", "G1", "Refused")
    assert [one.text("Decision") for one in play.received("main")] == ["Accepted", "Refused"]


def test_a_say_stands_for_what_a_new_list_leaves_of_the_group(play: Play, north: list[str]) -> None:
    submitted(play, Group("G1", north))
    say(play, "north", "main", "G1")
    answer = play.pilot_list("main", north[:1])
    assert answer.code == "W110501"
    say(play, "north", "main", "G1", "Refused")
    told = play.received("main")
    assert [one.text("Decision") for one in told] == ["Accepted", "Refused"]
    assert not texts(told[1].root, "DeviceIDList"), "the group is within one CSP as before"


@pytest.mark.once
@pytest.mark.requirement("BR-3.8")
def test_a_group_of_50_000_hubs_is_regrouped(play: Play) -> None:
    """Every hub of the piece once, in alerts that receivers take; also when the database knows other releases only."""
    with_statistics_of_another_release(play.installation.store)
    named = play.crowd(50_000)
    submitted(play, Group("ALL", named, "SafeLaunch", NOW + 70 * DAY, NOW + 80 * DAY))
    answer = say(play, "north", "main", "ALL", "Refused", hubs=named[:40_000])
    assert (answer.code, answer.refused_items) == ("Accepted", {})
    alerts = play.received("main", "N74")
    assert [hub for one in alerts for hub in one.listed()] == named[:40_000]
    assert [one.text("PartNumber") for one in alerts] == [str(n) for n in range(1, len(alerts) + 1)]
    assert max(len(one.raw) for one in alerts) < 95_000


def test_an_exact_repeat_gets_the_first_answer_and_is_told_once(play: Play, north: list[str]) -> None:
    """T39."""
    submitted(play, Group("G1", north))
    play.check_repeat(say(play, "north", "main", "G1"))
    play.check_repeat(say(play, "north", "main", "G1", hubs=[*north[:1], play.lot["split"][0]]))


def test_decisions_wait_for_a_supplier_that_is_down_and_come_in_order(play: Play, north: list[str]) -> None:
    """F13."""
    submitted(play, *(Group(f"G{n}", [hub]) for n, hub in enumerate(north)))
    with play.down("main"):
        for number in range(len(north)):
            assert say(play, "north", "main", f"G{number}").code == "Accepted"
        play.settle("main")
        assert not play["main"].received()
    came = play.received("main", "N74")
    assert [one.text("GroupID") for one in came] == [f"G{n}" for n in range(len(north))]


def test_the_alert_is_of_duis_6(play: Play, north: list[str]) -> None:
    submitted(play, Group("G1", north))
    say(play, "north", "main", "G1")
    (alert,) = play.received("main")
    assert alert.root.get("schemaVersion") == "6.0"
    assert alert.root.find(f".//{{{SR}}}PreferredPilotScheduleDecision") is not None
