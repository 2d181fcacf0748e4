"""A05, SRV 11.6: a supplier instructs when its hubs are updated; the CSPs and DCC get what concerns them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from lxml import etree

from tests.support.databases import KINDS
from tests.support.dcc_play import piloting
from tests.support.play import DAY, NOW, RUNNING, Group, Play
from tests.support.schedules_play import say
from tests.support.wire_client import devices, listed, only, texts

DATABASES = KINDS
CHECKED_FIRST = True
pytestmark = [pytest.mark.processes, pytest.mark.requirement("A05")]

UNKNOWN = "00-DB-12-FF-FF-FF-FF-FF"
MONTHS_END = NOW.replace(month=4)  # one month before 30 April 09:00 is now


def groups_of(root: etree._Element) -> dict[str, list[str]]:
    """Return the hubs of each group of a forwarded schedule."""
    return {only(group, "GroupID"): listed(group, "DeviceIDList") for group in root.iterfind(".//{*}DeploymentGroup")}


def forwarded(play: Play, name: str) -> list[dict[str, list[str]]]:
    kind = "PreferredPilotScheduleReport" if name == "dcc" else "PreferredPilotSchedule"
    return [groups_of(one.root) for one in play.received(name, kind)]


@pytest.fixture
def piloted(play: Play) -> Play:
    """A release, and a preferred list of the main supplier: its own hubs and the split ones."""
    play.announce()
    assert play.pilot_list("main", [*play.lot["own"], *play.lot["split"]]).code == "I99"
    play.forget()
    return play


@pytest.mark.requirement("PIA-1", "PIA-D1", "BR-3.5", "BR-5.1")
def test_groups_go_to_each_csp_by_region_and_whole_to_dcc(piloted: Play) -> None:
    play, lot = piloted, piloted.lot
    north = Group("NORTHERN", lot.of_csp("north", lot["own"]), start=NOW + 3 * DAY, end=NOW + 4 * DAY)
    everywhere = Group("SPLIT", lot["split"])
    answer = play.pilot_schedule("main", north, everywhere)
    assert (answer.code, answer.lists) == ("I99", {})
    assert forwarded(play, "dcc") == [{"NORTHERN": list(north.devices), "SPLIT": list(lot["split"])}]
    assert forwarded(play, "north") == [
        {"NORTHERN": list(north.devices), "SPLIT": lot.of_csp("north", lot["split"])},
    ]
    assert forwarded(play, "south") == [{"SPLIT": lot.of_csp("south", lot["split"])}]
    (message,) = play.received("north")
    assert message.text("SupplierID") == play["main"].eui
    assert [datetime.fromisoformat(at) for at in texts(message.root, "EarliestStart")] == [
        north.start,
        everywhere.start,
    ]
    assert [datetime.fromisoformat(at) for at in texts(message.root, "LatestEnd")] == [north.end, everywhere.end]
    assert texts(message.root, "Stage") == ["Pilot", "Pilot"]


@pytest.mark.requirement("PIA-R5")
def test_constraints_that_were_offered_are_passed_on(piloted: Play) -> None:
    hubs = piloted.lot.within("North", of=piloted.lot["own"])
    piloted.default_schedule("north", "North", [Group("A", end=NOW + 30 * DAY)], ["NIGHT", "WEEKEND"])
    assert piloted.pilot_schedule("main", Group("G", hubs, constraints=("WEEKEND", "NIGHT"))).code == "I99"
    (message,) = piloted.received("north", "PreferredPilotSchedule")
    assert sorted(texts(message.root, "SchedulingConstraint")) == ["NIGHT", "WEEKEND"]
    other = piloted.lot.within("Central", of=piloted.lot["own"])
    assert piloted.pilot_schedule("main", Group("H", other, constraints=("NIGHT",))).code == "E110606", "not there"


def test_a_group_sent_again_replaces_its_namesake_and_the_others_stand(piloted: Play) -> None:
    play, lot = piloted, piloted.lot
    north, south = lot.of_csp("north", lot["own"]), lot.of_csp("south", lot["own"])
    assert play.pilot_schedule("main", Group("A", north), Group("B", south[:1])).code == "I99"
    play.forget()
    assert play.pilot_schedule("main", Group("A", south[1:])).code == "I99"
    assert forwarded(play, "north") == [{"A": []}], "it learns that it has lost the group's hubs"
    assert forwarded(play, "south") == [{"A": south[1:]}], "the group as it stands now, and not again what stays"
    assert forwarded(play, "dcc") == [{"A": south[1:]}]
    play.forget()
    assert play.pilot_schedule("main", Group("C", south[:1])).code == "E110609", "the other group stands"


@pytest.mark.requirement("PIA-5", "BR-5.2")
def test_the_bad_hubs_are_named_and_the_good_ones_instructed(piloted: Play) -> None:
    play, lot = piloted, piloted.lot
    bad = {
        "InvalidDeviceIDList": [UNKNOWN, *lot["no_hub"]],
        "NotResponsibleDeviceIDList": list(lot["on54"]),
        "NotCommissionedDeviceIDList": list(lot["uncommissioned"]),
        "NotApplicableFirmwareDeviceIDList": list(lot["updated"]),
    }
    first, *rest = (hub for ids in bad.values() for hub in ids)
    answer = play.pilot_schedule("main", Group("LEFT-OUT", [first]), Group("G", [*rest, *lot["own"][:2]]))
    assert (answer.code, answer.lists) == ("W110601", bad)
    assert forwarded(play, "dcc") == [{"G": list(lot["own"][:2])}]


def test_none_good_is_refused_with_the_lists_and_nothing_is_sent(piloted: Play) -> None:
    answer = piloted.pilot_schedule("main", Group("G", [UNKNOWN]), Group("H", piloted.lot["on50"]))
    assert answer.code == "E110602"
    assert answer.lists == {
        "InvalidDeviceIDList": [UNKNOWN],
        "NotResponsibleDeviceIDList": list(piloted.lot["on50"]),
    }
    assert not any(piloted.everything().values())


@pytest.mark.requirement("BR-3.1")
@pytest.mark.parametrize(
    ("period", "code"),
    [
        ((NOW + 2 * DAY, NOW + DAY), "E110605"),  # ends before it starts
        ((NOW - 2 * DAY, NOW - DAY), "E110605"),  # is over
        ((NOW + DAY, NOW + 61 * DAY), "E110605"),  # ends after the pilot
        ((NOW - 2 * DAY, NOW + DAY), "E110605"),  # begins before the pilot
        ((NOW + DAY, NOW + 60 * DAY), "I99"),  # the pilot's own last moment
    ],
)
def test_a_pilot_period_lies_within_the_pilot(piloted: Play, period: tuple[datetime, datetime], code: str) -> None:
    group = Group("G", piloted.lot["own"][:1], start=period[0], end=period[1])
    assert piloted.pilot_schedule("main", group).code == code


@pytest.mark.requirement("BR-3.1", "BR-3.4")
def test_a_safe_launch_period_ends_before_the_automatic_date(piloted: Play) -> None:
    automatic = NOW.replace(month=9)
    hubs = piloted.lot["import_only"]
    for end, code in ((automatic, "E110605"), (automatic - timedelta(seconds=1), "I99")):
        group = Group("LATER", hubs, "SafeLaunch", start=NOW + 90 * DAY, end=end)
        assert piloted.pilot_schedule("main", group).code == code


@pytest.mark.parametrize(
    ("release", "stage", "code"),
    [
        ({"pilot": (NOW - 30 * DAY, NOW - DAY)}, "Pilot", "E110603"),
        ({"pilot": (NOW - 30 * DAY, NOW - DAY)}, "SafeLaunch", "I99"),
        ({"pilot": None}, "Pilot", "E110607"),
        ({"pilot": None}, "SafeLaunch", "I99"),
        ({"kind": "Security", "pilot": None}, "Pilot", "E110607"),
        ({"kind": "Security", "pilot": None}, "SafeLaunch", "I99"),
        ({"automatic": MONTHS_END, "pilot": (NOW - DAY, NOW + 10 * DAY)}, "SafeLaunch", "I99"),
        ({"automatic": MONTHS_END - timedelta(seconds=1), "pilot": (NOW, NOW + DAY)}, "SafeLaunch", "E110605"),
        ({}, "Pilot", "E110608"),  # no preferred list
        ({}, "SafeLaunch", "I99"),
    ],
)
def test_the_release_and_the_stage_decide_what_is_taken(
    play: Play, release: dict[str, Any], stage: str, code: str
) -> None:
    assert play.announce(**release).code == "Accepted"
    play.forget()
    hubs = play.lot["own"][:3]
    ends = (release.get("pilot", (NOW, NOW + 60 * DAY)) or (NOW, NOW))[1]
    start = NOW + 2 * DAY if stage == "Pilot" else max(ends, NOW) + DAY
    group = Group("G", hubs, stage, start, start + 7 * DAY)
    assert play.pilot_schedule("main", group).code == code
    assert bool(play.received("dcc")) is (code == "I99")


def test_a_pilot_group_names_hubs_of_the_preferred_list_only(play: Play) -> None:
    play.announce()
    listed_, other = play.lot["own"][0], play.lot["own"][1]
    play.pilot_list("main", [listed_])
    answer = play.pilot_schedule("main", Group("G", [listed_, other]))
    assert (answer.code, answer.lists) == ("E110608", {"NotOnPreferredListDeviceIDList": [other]})
    assert play.pilot_schedule("main", Group("G", [listed_]), Group.launch("H", [other])).code == "I99"


@pytest.mark.requirement("BR-0.3", "PIA-A12")
@pytest.mark.parametrize("stands_on", ["preferred", "default", "proving"])
def test_safe_launch_has_no_hub_of_a_pilot_that_has_not_ended(play: Play, stands_on: str) -> None:
    """Such hubs are named back in a list of their own, and the others count."""
    hubs = play.lot.within("North", of=play.lot["own"])
    piloted, other = hubs[0], hubs[1]
    play.announce(marks=devices("esi:ProvingDeviceIDList", [piloted]) if stands_on == "proving" else "")
    if stands_on != "proving":
        assert play.default_list("north", "North", [piloted, other]).code == "Accepted"
    if stands_on == "preferred":
        assert play.pilot_list("main", [piloted]).code == "I99"
    launch = Group.launch("L", [piloted, *(() if stands_on == "default" else (other,))])
    answer = play.pilot_schedule("main", launch)
    assert answer.lists == {"InPilotDeviceIDList": [piloted]}
    assert answer.code == ("E110602" if stands_on == "default" else "W110601")
    assert bool(play.received("dcc", "PreferredPilotScheduleReport")) is (stands_on != "default")


@pytest.mark.requirement("BR-0.3", "PIA-A12")
def test_safe_launch_begins_after_the_pilot(play: Play) -> None:
    play.announce()
    early = Group("L", play.lot["own"][:2], "SafeLaunch", NOW + 59 * DAY, NOW + 80 * DAY)
    assert play.pilot_schedule("main", early).code == "E110605"
    assert play.pilot_schedule("main", replace(early, start=NOW + 60 * DAY)).code == "I99"


@pytest.mark.requirement("BR-0.3")
def test_once_the_pilot_has_ended_its_hubs_are_in_safe_launch_like_any_other(play: Play) -> None:
    hubs = play.lot["own"][:2]
    piloting(play)
    assert play.pilot_list("main", hubs).code == "I99"
    play.announce(revision=2, pilot=(NOW - 2 * DAY, NOW - DAY))
    assert play.pilot_schedule("main", Group("L", hubs, "SafeLaunch")).code == "I99"


def test_a_pilot_period_lies_in_the_pilot_whatever_was_offered_before_it_was_moved(play: Play) -> None:
    hubs = play.lot.within("North", of=play.lot["own"])[:2]
    play.announce()
    play.default_schedule("north", "North", [Group("A", hubs, end=NOW + 50 * DAY)])
    assert play.pilot_list("main", hubs).code == "I99"
    play.announce(revision=2, pilot=(NOW + 5 * DAY, NOW + 30 * DAY))
    assert play.pilot_schedule("main", Group("G", hubs)).code == "E110605"
    assert play.pilot_schedule("main", Group("G", hubs, start=NOW + 5 * DAY)).code == "I99"


def test_a_hub_is_in_one_group_at_most(piloted: Play) -> None:
    first, second, third = piloted.lot["own"][:3]
    answer = piloted.pilot_schedule("main", Group("G", [first, second]), Group("H", [second, third]))
    assert (answer.code, answer.lists) == ("E110609", {"RepeatedDeviceIDList": [second]})
    assert piloted.pilot_schedule("main", Group("G", [first])).code == "I99"
    answer = piloted.pilot_schedule("main", Group("H", [first]))
    assert (answer.code, answer.lists) == ("E110609", {"RepeatedDeviceIDList": [first]})


@pytest.mark.requirement("PIA-C2", "BR-3.5")
def test_a_hub_that_the_csp_refused_can_be_instructed_in_another_group(piloted: Play) -> None:
    first, second = piloted.lot.of_csp("north", piloted.lot["own"])[:2]
    assert piloted.pilot_schedule("main", Group("G", [first, second])).code == "I99"
    assert say(piloted, "north", "main", "G", "Refused", hubs=[first]).code == "Accepted"
    answer = piloted.pilot_schedule("main", Group("H", [first, second]))
    assert (answer.code, answer.lists) == ("E110609", {"RepeatedDeviceIDList": [second]})
    assert piloted.pilot_schedule("main", Group("H", [first])).code == "I99"
    told = piloted.received("north", "PlannedDeployment")
    assert told[-1].listed() == [first]


def test_pilot_groups_together_stay_within_the_limit(play: Play) -> None:
    """A revision may lower the limit below what a list was accepted with."""
    play.announce(limit=4)
    hubs = play.lot["own"][:4]
    assert play.pilot_list("main", hubs).code == "I99"
    play.announce(revision=2, limit=2)
    assert play.pilot_schedule("main", Group("G", hubs[:2])).code == "I99"
    assert play.pilot_schedule("main", Group("H", hubs[2:3])).code == "E110604"
    assert play.pilot_schedule("main", Group("G", hubs[:3])).code == "E110604"


def test_an_unknown_release_or_another_version_of_it_is_refused(piloted: Play) -> None:
    group = Group("G", piloted.lot["own"][:1])
    assert piloted.pilot_schedule("main", group, release="NEVER-SEEN").code == "E110601"
    assert piloted.pilot_schedule("main", group, firmware=RUNNING).code == "E110601"


@pytest.mark.requirement("BR-0.3", "PIA-R3")
def test_excluded_hubs_are_out_of_the_pilot_but_not_of_safe_launch(play: Play) -> None:
    excluded = play.lot["own"][0]
    play.announce(marks=devices("esi:ExcludedDeviceIDList", [excluded]))
    answer = play.pilot_schedule("main", Group("G", [excluded]))
    assert (answer.code, answer.lists) == ("E110602", {"ExcludedDeviceIDList": [excluded]})
    assert play.pilot_schedule("main", Group.launch("G", [excluded])).code == "I99"


def test_each_supplier_of_a_split_hub_instructs_it_in_its_own_groups(piloted: Play) -> None:
    assert piloted.pilot_list("gas", piloted.lot["split"]).code == "I99"
    piloted.forget()
    for supplier in ("main", "gas"):
        assert piloted.pilot_schedule(supplier, Group("G", piloted.lot["split"])).code == "I99"
    assert forwarded(piloted, "dcc") == [{"G": list(piloted.lot["split"])}] * 2
    assert [one.text("SupplierID") for one in piloted.received("dcc")] == [piloted["main"].eui, piloted["gas"].eui]


@pytest.mark.parametrize("door", ["serviceD", "soap"])
def test_an_exact_repeat_gets_the_first_answer_through_either_door(piloted: Play, door: str) -> None:
    """T39; the same bytes inside, and nothing happens again."""
    answer = piloted.pilot_schedule("main", Group("G", [*piloted.lot["own"][:2], UNKNOWN]), door=door)
    assert answer.code == "W110601"
    piloted.check_repeat(answer, "soap", "serviceD")


def test_schedules_wait_for_partners_that_are_down_and_come_in_order(piloted: Play) -> None:
    """F13."""
    hubs = piloted.lot.of_csp("south", piloted.lot["own"])
    with piloted.down("south", "dcc"):
        for number in range(1, len(hubs) + 1):
            assert piloted.pilot_schedule("main", Group("G", hubs[:number])).code == "I99"
    expected = [{"G": hubs[:number]} for number in range(1, len(hubs) + 1)]
    assert forwarded(piloted, "south") == forwarded(piloted, "dcc") == expected
    assert not piloted.received("north")


@pytest.mark.parametrize("at", ["2027-04-02T09:00:00", "2027-04-31T09:00:00Z", "9999-12-31T23:59:59-14:00"])
def test_a_time_without_a_zone_or_outside_the_calendar_is_not_valid(piloted: Play, at: str) -> None:
    """T46, T47."""
    sent = piloted.prepare(lambda: piloted.pilot_schedule("main", Group("G", piloted.lot["own"][:1])))
    answer = piloted.send("main", sent.unsigned.replace(b"2027-04-01T09:00:00Z", at.encode()))
    assert answer.status == 400
    assert answer.problem("path").endswith("sr:EarliestStart")
