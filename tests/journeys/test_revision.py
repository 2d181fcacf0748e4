"""A revision of a release: what it leaves no room for is void, and those whom it concerns are told, once each."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.support.databases import KINDS
from tests.support.dcc_play import CSPS, approve, select
from tests.support.installation import NOW
from tests.support.play import DAY, Group, Play, when
from tests.support.schedules_play import groups_of, safe_launch, say
from tests.support.wire_client import devices, element, listed, only, texts

pytestmark = [pytest.mark.processes, pytest.mark.requirement("BR-6.5", "EX-14")]

DATABASES = KINDS


@pytest.fixture
def planned(play: Play) -> Play:
    """A release that is approved, with two pilot groups of `main`, one early, one late, and one of safe launch."""
    lot = play.lot
    play.announce(pilot=(NOW + DAY, NOW + 60 * DAY))
    approve(play)
    assert play.pilot_list("main", [*lot["own"][:4], *lot["split"]]).code == "I99"
    early = Group("EARLY", [*lot["own"][:2], *lot["split"]])
    late = Group("LATE", lot["own"][2:4], start=NOW + 40 * DAY, end=NOW + 50 * DAY)
    assert play.pilot_schedule("main", early, late, Group.launch("L", lot["own"][6:8])).code == "I99"
    play.forget()
    return play


def pulled(play: Play, party: str, what: str) -> list[dict[str, Any]]:
    """What the party door shows of the release that is in question."""
    return [row for row in json.loads(play[party].pull(what).body) if row["release"] == play.lot.release]


def groups(play: Play, csp: str) -> dict[str, list[str]]:
    """The hubs of each group of the schedule that the CSP was sent last."""
    newest = play.received(csp, "PreferredPilotSchedule")[-1].root
    return {only(one, "GroupID"): listed(one, "DeviceIDList") for one in newest.iterfind(".//{*}DeploymentGroup")}


def void(play: Play, party: str) -> dict[str, list[str]]:
    """The hubs that a party was told are void, by the reason, in the one message that tells of any.

    A reason goes on with the group that is named, if any.
    """
    told = play.received(party, "N77", "PlannedDeployment", "PlannedDeploymentReport")
    (lists,) = filter(None, (one.root.findall(".//{*}Void") for one in told))
    return {
        " ".join(texts(one, "Reason") + texts(one, "GroupID") + texts(one, "Stage")): sorted(
            listed(one, "DeviceIDList")
        )
        for one in lists
    }


def test_groups_before_a_pilot_that_was_moved_do_not_stand_and_their_supplier_is_told_once(planned: Play) -> None:
    play, lot = planned, planned.lot
    early = (*lot["own"][:2], *lot["split"])
    assert play.announce(revision=2, pilot=(NOW + 30 * DAY, NOW + 60 * DAY)).code == "Accepted"
    told = void(play, "main")
    assert told == {"OutsidePilot EARLY Pilot": sorted(early)}, "planned, or awaiting the second supplier"
    assert not play.received("main"), "the plan alone tells of it"
    assert not play.received("gas", "N72", "N77"), "it has instructed nothing"
    for csp in CSPS:
        assert void(play, csp) == {"OutsidePilot": sorted(lot.of_csp(csp, early))}, "what was requested and is no more"
        assert [one.kind for one in play.received(csp)] == ["FirmwareReleaseNotice", "PreferredPilotSchedule"]
        assert groups(play, csp) == {"EARLY": []}, "LATE stands as it was told"
    again = Group("ANEW", early, start=NOW + 31 * DAY, end=NOW + 39 * DAY)
    assert play.pilot_schedule("main", again).code == "I99"


def test_each_supplier_of_a_split_hub_reads_its_own_group_and_never_the_others(planned: Play) -> None:
    play, lot = planned, planned.lot
    assert play.pilot_list("gas", lot["split"]).code == "I99"
    other = Group("OTHER", lot["split"], start=NOW + 40 * DAY, end=NOW + 50 * DAY)
    assert play.pilot_schedule("gas", other).code == "I99"
    play.forget()
    play.announce(revision=2, pilot=(NOW + 30 * DAY, NOW + 60 * DAY))
    assert void(play, "gas") == {"AwaitsSecondSupplier OTHER Pilot": sorted(lot["split"])}, "its group waits"
    assert void(play, "main") == {"OutsidePilot EARLY Pilot": sorted([*lot["own"][:2], *lot["split"]])}


def test_an_automatic_date_that_comes_earlier_makes_later_periods_void(planned: Play) -> None:
    """Too late to instruct anew: the hubs go at the automatic date."""
    play, lot = planned, planned.lot
    soon = NOW + 20 * DAY
    assert play.announce(revision=2, pilot=(NOW + DAY, NOW + 15 * DAY), automatic=soon).code == "Accepted"
    late, launched = sorted(lot["own"][2:4]), sorted(lot["own"][6:8])
    assert void(play, "main") == {"TooLate LATE Pilot": late, "TooLate L SafeLaunch": launched}
    assert not play.received("main", "N72")


@pytest.mark.requirement("X01")
def test_cs06_is_stopped_for_the_reason_that_everybody_was_told(planned: Play) -> None:
    """Nobody has instructed the hub, it said, where N77 and `PlannedDeployment` had said that it is too late."""
    play, lot = planned, planned.lot
    play.announce(revision=2, pilot=(NOW + DAY, NOW + 15 * DAY), automatic=NOW + 20 * DAY)
    stopped: dict[str, str] = {}
    for csp in CSPS:
        answer = play.requested(csp, lot.of_csp(csp, lot["own"][2:6]))
        reasons = (reason.partition(":")[0] for reason in texts(answer.root, "Reason"))
        stopped.update(zip(texts(answer.root, "Item"), reasons, strict=True))
    late, never = dict.fromkeys(lot["own"][2:4], "TooLate"), dict.fromkeys(lot["own"][4:6], "NotInstructed")
    assert stopped == {**late, **never}


@pytest.mark.requirement("X01", "BR-3.3")
def test_cs06_to_a_hub_of_two_suppliers_names_what_ended_one_of_the_instructions(planned: Play) -> None:
    play, lot = planned, planned.lot
    assert play.pilot_list("gas", lot["split"]).code == "I99"
    assert play.pilot_schedule("gas", Group("G", lot["split"], start=NOW + 40 * DAY, end=NOW + 50 * DAY)).code == "I99"
    play.announce(revision=2, pilot=(NOW + 30 * DAY, NOW + 60 * DAY))
    csp = next(one for one in CSPS if lot.of_csp(one, lot["split"]))
    split = lot.of_csp(csp, lot["split"])[0]
    answer = play.requested(csp, [split])
    assert [reason.partition(":")[0] for reason in texts(answer.root, "Reason")] == ["OutsidePilot"]
    again = Group("ANEW", lot["split"], start=NOW + 31 * DAY, end=NOW + 39 * DAY)
    assert play.pilot_schedule("main", again).code == "I99"
    answer = play.requested(csp, [split])
    assert [reason.partition(":")[0] for reason in texts(answer.root, "Reason")] == ["BeforePeriod"]


def test_safe_launch_before_the_end_of_a_pilot_that_was_prolonged_is_void(planned: Play) -> None:
    play, lot = planned, planned.lot
    play.announce(revision=2, pilot=(NOW + DAY, NOW + 75 * DAY))
    launched = sorted(lot["own"][6:8])
    assert void(play, "main") == {"BeforeSafeLaunch L SafeLaunch": launched}
    assert void(play, "dcc") == {"BeforeSafeLaunch": launched}, "a supplier's own names are its own"


def test_the_period_that_a_csp_fixed_is_the_one_that_counts(planned: Play) -> None:
    """Of a group across two CSPs only what is not within the new pilot is void."""
    play, lot = planned, planned.lot
    fixed = say(play, "north", "main", "EARLY", "Amended", start=NOW + 35 * DAY, end=NOW + 40 * DAY)
    assert fixed.code == "Accepted"
    play.forget()
    play.announce(revision=2, pilot=(NOW + 30 * DAY, NOW + 60 * DAY))
    outside = sorted(lot.of_csp("south", (*lot["own"][:2], *lot["split"])))
    assert void(play, "main") == {"OutsidePilot EARLY Pilot": outside}
    assert not play.received("north", "PlannedDeployment")


def test_what_dcc_chose_on_a_suppliers_behalf_is_void_too(play: Play) -> None:
    play.announce(pilot=(NOW - DAY, NOW + 60 * DAY))
    approve(play)
    period = element("esi:EarliestStart", when(NOW + DAY)) + element("esi:LatestEnd", when(NOW + 50 * DAY))
    assert select(play, "main", play.lot["own"][:2], period).code == "Accepted"
    play.forget()
    play.announce(revision=2, pilot=(NOW - DAY, NOW + 40 * DAY))
    assert void(play, "main") == {"OutsidePilot": sorted(play.lot["own"][:2])}
    assert not play.received("main", "N72")


def test_an_instruction_that_takes_the_place_of_a_void_one_is_told_as_the_plan(planned: Play) -> None:
    """A hub that is planned all the same: first the group that ended is told, then the period that counts now."""
    play, lot = planned, planned.lot
    twice = lot["own"][0]
    later = element("esi:EarliestStart", when(NOW + 31 * DAY)) + element("esi:LatestEnd", when(NOW + 39 * DAY))
    assert select(play, "main", [twice], later).code == "Accepted"
    play.forget()
    play.announce(revision=2, pilot=(NOW + 30 * DAY, NOW + 60 * DAY))
    ended, told = play.received("main", "N77")
    (gone,), (also_gone,) = (one.root.iterfind(".//{*}Void") for one in (ended, told))
    assert (only(gone, "Reason"), only(gone, "GroupID"), listed(gone, "DeviceIDList")) == (
        "OutsidePilot",
        "EARLY",
        [twice],
    )
    assert twice not in listed(also_gone, "DeviceIDList")
    (deployment,) = told.root.iterfind(".//{*}Deployment")
    assert (only(deployment, "Basis"), listed(deployment, "DeviceIDList")) == ("DCC", [twice])


def test_a_revision_that_leaves_room_for_everything_is_told_as_a_revision_alone(planned: Play) -> None:
    play = planned
    play.announce(revision=2, pilot=(NOW + DAY, NOW + 61 * DAY), automatic=NOW + timedelta(days=200))
    assert not any(play.received(name, "N72") for name in ("main", "gas"))
    for csp in CSPS:
        assert [one.kind for one in play.received(csp)] == ["FirmwareReleaseNotice"]
        assert texts(play.received(csp)[0].root, "Revision") == ["2"]


def test_deadlines_and_status_name_what_a_revision_made_void_and_whose_turn_it_is(planned: Play) -> None:
    """Before, the supplier was overdue with a schedule that is refused, and nothing named what it had instructed."""
    play, lot = planned, planned.lot
    soon = NOW + 20 * DAY
    assert play.pilot_list("main", [*lot["own"][:5], *lot["split"]]).code == "I99"
    assert play.announce(revision=2, pilot=(NOW + DAY, NOW + 15 * DAY), automatic=soon).code == "Accepted"
    instructed = [*lot["own"][2:4], *lot["own"][6:8]]  # EARLY is early enough

    own = {(row["task"], row["subject"]): row for row in pulled(play, "main", "deadlines") if row["whose"] == "own"}
    anew = own["instruct_anew", "TooLate"]
    assert (anew["hubs"], anew["state"], anew["overdue"]) == (len(instructed), "void", False)
    assert "it is too late to instruct them again" in anew["why"]
    late = own["send_preferred_schedule", ""]
    assert late["hubs"] == 1, "what is void is told as that alone"
    assert (late["state"], late["overdue"]) == ("missed", False), "DCC put the date into the past"
    assert "put this date into the past" in late["why"]
    assert "unless DCC instructs them" in late["why"]
    of_csps = [row for csp in CSPS for row in pulled(play, csp, "deadlines") if row["task"] == "decide_on_group"]
    assert {row["subject"] for row in of_csps} == {"EARLY"}
    void = [row for row in pulled(play, "main", "status") if row["void"] == "TooLate"]
    assert sum(row["hubs"] for row in void) == len(instructed)
    assert not any(row["void"] == "TooLate" for row in pulled(play, "on54", "status")), "it has instructed nothing"


@pytest.mark.requirement("BR-5.4")
def test_what_a_revision_made_void_is_asked_for_once(planned: Play) -> None:
    """It was counted as to be instructed anew, to be scheduled for the pilot and to be instructed for safe launch."""
    play, lot = planned, planned.lot

    def asked() -> dict[str, int]:
        rows = [row for row in pulled(play, "main", "deadlines") if row["whose"] == "own" and not row["why"]]
        return {row["task"]: row["hubs"] for row in rows}

    before = asked()
    assert "send_preferred_schedule" not in before
    assert play.announce(revision=2, pilot=(NOW + DAY, NOW + 30 * DAY)).code == "Accepted"
    (anew,) = [row for row in pulled(play, "main", "deadlines") if row["task"] == "instruct_anew"]
    assert (anew["subject"], anew["hubs"]) == ("OutsidePilot", 2)
    assert asked() == before
    assert play.pilot_schedule("main", Group("LATE", lot["own"][2:4])).code == "I99"
    assert asked() == before
    assert "instruct_anew" not in [row["task"] for row in pulled(play, "main", "deadlines")]


def launch(name: str, hubs: list[str]) -> Group:
    return Group(name, hubs, start=NOW + 70 * DAY, end=NOW + 80 * DAY)


def unsent(play: Play, csp: str) -> set[str]:
    """The regions for which the CSP has yet to send its schedule for safe launch."""
    rows = [row for row in pulled(play, csp, "deadlines") if row["whose"] == "own"]
    return {row["subject"] for row in rows if row["task"] == "send_safe_launch_schedule"}


@pytest.mark.requirement("A08", "BR-0.3")
@pytest.mark.parametrize(
    "revised",
    [
        pytest.param({"pilot": (NOW - DAY, NOW + 75 * DAY)}, id="the pilot ends later"),
        pytest.param({"automatic": NOW + 75 * DAY}, id="the automatic date comes earlier"),
    ],
)
def test_a_csps_schedule_that_a_revision_leaves_no_room_for_is_void_and_may_be_sent_anew(
    play: Play, revised: dict[str, Any]
) -> None:
    lot = play.lot
    play.announce()
    own, split = lot.within("North", of=lot["own"]), lot.within("North", of=lot["split"])
    assert safe_launch(play, "north", "North", [launch("L", [*own, *split])]).code == "Accepted"
    assert "North" not in unsent(play, "north")
    play.forget()
    assert play.announce(revision=2, **revised).code == "Accepted"
    for supplier in ("main", "gas"):
        (alert,) = play.received(supplier, "N68")
        assert (alert.text("CSPRegion"), groups_of(alert)) == ("North", {}), "nothing is left of it"
    assert not play.received("idle")
    assert "North" in unsent(play, "north")
    again = Group("L", own, start=NOW + 62 * DAY, end=NOW + 70 * DAY)
    if "pilot" in revised:
        again = Group("L", own, start=NOW + 76 * DAY, end=NOW + 80 * DAY)
    assert safe_launch(play, "north", "North", [again]).code == "Accepted"
    assert "North" not in unsent(play, "north")
    play.forget()
    play.announce(revision=3, **revised)
    assert not play.received("main", "N68"), "it stands under the third as well"


@pytest.mark.requirement("A08", "BR-0.3")
def test_hubs_that_a_revision_takes_into_the_pilot_are_taken_out_of_the_csps_schedule(play: Play) -> None:
    """Each supplier whose part is another hears of it; what is left stands, and counts as sent."""
    lot = play.lot
    play.announce()
    own, split = lot.within("North", of=lot["own"]), lot.within("North", of=lot["split"])
    assert safe_launch(play, "north", "North", [launch("L", [*own, *split])]).code == "Accepted"
    play.forget()
    assert play.announce(revision=2, marks=devices("esi:ProvingDeviceIDList", own[:1])).code == "Accepted"
    (alert,) = play.received("main", "N68")
    assert groups_of(alert)["L"][0] == sorted([*own[1:], *split])
    assert not play.received("gas", "N68"), "none of its hubs is concerned"
    assert "North" not in unsent(play, "north")


@pytest.mark.requirement("A03", "PIA-R3")
def test_a_csps_schedule_for_the_pilot_is_held_to_a_revision_too(play: Play) -> None:
    lot = play.lot
    play.announce()
    own = lot.within("North", of=lot["own"])
    late = Group("P", own, start=NOW + 40 * DAY, end=NOW + 50 * DAY)
    assert play.default_schedule("north", "North", [late]).code == "Accepted"
    play.forget()
    assert play.announce(revision=2, marks=devices("esi:ExcludedDeviceIDList", own[:1])).code == "Accepted"
    (cut,) = play.received("main", "N67")
    assert groups_of(cut)["P"][0] == own[1:]
    play.forget()
    play.announce(revision=3, pilot=(NOW - DAY, NOW + 30 * DAY), automatic=NOW + 45 * DAY)
    (void,) = play.received("main", "N67")
    assert groups_of(void) == {}
