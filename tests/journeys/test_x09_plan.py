"""X09: the plan of hubs is what moves them; CSPs, suppliers and DCC are told what is new in it and what is void."""

from __future__ import annotations

import json

import pytest

from duis_gateway.namespaces import CSP, ESI, SR
from tests.support.databases import KINDS
from tests.support.dcc_play import batch, decide, hub, launching, update
from tests.support.installation import Delivery
from tests.support.play import DAY, NOW, Group, Play
from tests.support.schedules_play import say
from tests.support.wire_client import listed, texts

DATABASES = KINDS
pytestmark = [
    pytest.mark.processes,
    pytest.mark.requirement("X09", "BR-3.3", "BR-3.5", "BR-4.2", "PIA-S2"),
]
TOLD = ("PlannedDeployment", "PlannedDeploymentReport", "N77")


def launch(name: str, ids: tuple[str, ...] | list[str], start: int = 70, end: int = 80) -> Group:
    return Group(name, ids, "SafeLaunch", NOW + start * DAY, NOW + end * DAY)


def told(play: Play, party: str) -> list[tuple[str, list[str]]]:
    """What a party was told of the plan, one line for each list of hubs: its standing, or why it is void."""
    return [line for one in play.received(party, *TOLD) for line in lines(one)]


def lines(one: Delivery) -> list[tuple[str, list[str]]]:
    found = []
    for namespace in (CSP, ESI, SR):
        for kind in ("Deployment", "Void", "NotPlanned"):
            for element in one.root.iter(f"{{{namespace}}}{kind}"):
                (what,) = texts(element, "Standing") or texts(element, "Reason")
                found.append((what, listed(element, "DeviceIDList")))
    return found


def why(play: Play, party: str, device: str) -> str:
    """What a party is shown of a hub's plan in words."""
    answer = play[party].client.exchange("GET", f"/party/v1/hubs/{device}", token=play[party].token)
    assert answer.status == 200, answer.body
    return str(json.loads(answer.body)["hub"]["why"]).removeprefix("not before DCC approves the release; ")


@pytest.fixture
def north(play: Play) -> list[str]:
    return play.lot.of_csp("north", play.lot["own"])


def test_what_a_supplier_instructs_is_planned_and_fixed_once_the_csp_has_decided(play: Play, north: list[str]) -> None:
    play.announce()
    play.forget()
    assert play.pilot_schedule("main", launch("G1", north)).code == "I99"
    for party in ("north", "main", "dcc"):
        assert told(play, party) == [("Requested", north)], party
    assert told(play, "south") == []
    (first,) = play.received("north", "PlannedDeployment")
    assert (first.text("FirmwareReleaseID"), first.text("PlanRevision")) == (play.lot.release, "1")
    assert (first.text("Stage"), first.text("Basis")) == ("SafeLaunch", "Suppliers")
    play.forget()
    assert say(play, "north", "main", "G1").code == "Accepted"
    for party in ("north", "main", "dcc"):
        assert told(play, party) == [("Fixed", north)], party
    assert play.received("north", "PlannedDeployment")[0].text("PlanRevision") == "2"


def test_a_split_hub_is_planned_once_both_have_instructed(play: Play) -> None:
    """BR-3.3, BR-4.2: with the later start and the later end; when one is refused, both are told what stands."""
    play.announce()
    split = play.lot.of_csp("north", play.lot["split"])
    play.forget()
    assert play.pilot_schedule("main", launch("G1", split)).code == "I99"
    assert told(play, "north") == told(play, "main") == told(play, "gas") == []
    assert play.pilot_schedule("gas", launch("MINE", split, 75, 78)).code == "I99"
    for party in ("north", "main", "gas", "dcc"):
        assert told(play, party) == [("Requested", split)], party
    (plan,) = play.received("main", "N77")
    assert plan.text("EarliestStart").startswith((NOW + 75 * DAY).isoformat()[:16])
    assert plan.text("LatestEnd").startswith((NOW + 80 * DAY).isoformat()[:16])
    play.forget()
    assert say(play, "north", "gas", "MINE", "Refused").code == "Accepted"
    for party in ("north", "main", "gas", "dcc"):
        assert told(play, party) == [("RefusedByCSP", split)], party


@pytest.mark.requirement("X07", "BR-3.3", "BR-4.2")
def test_no_half_of_a_split_hub_is_told_as_accepted_while_it_does_not_stand(play: Play) -> None:
    """N74 names the hubs that are not planned in spite of it; what becomes of the other half is told by N77."""
    play.announce()
    split = play.lot.of_csp("north", play.lot["split"])
    play.pilot_schedule("main", launch("G1", split))
    play.forget()
    assert say(play, "north", "main", "G1").code == "Accepted"
    (accepted,) = play.received("main", "N74")
    assert (accepted.text("Decision"), lines(accepted)) == ("Accepted", [("AwaitsSecondSupplier", split)])
    assert play.received("gas", "N74", "N77") == []
    assert play.pilot_schedule("gas", launch("MINE", split, 75, 78)).code == "I99"
    assert told(play, "main") == told(play, "gas") == [("Requested", split)]
    play.forget()
    amended = say(play, "north", "gas", "MINE", "Amended", start=NOW + 76 * DAY, end=NOW + 85 * DAY)
    assert amended.code == "Accepted"
    assert [lines(one) for one in play.received("gas", "N74")] == [[]], "both halves stand now"
    (fixed,) = play.received("main", "N77")
    assert lines(fixed) == [("Fixed", split)]
    assert fixed.text("EarliestStart").startswith((NOW + 76 * DAY).isoformat()[:16])
    assert fixed.text("LatestEnd").startswith((NOW + 85 * DAY).isoformat()[:16])
    play.forget()
    assert say(play, "north", "gas", "MINE", "Refused").code == "Accepted"
    assert told(play, "main") == [("RefusedByCSP", split)]
    assert say(play, "north", "main", "G1").code == "Accepted"
    (again,) = play.received("main", "N74")
    assert (again.text("Decision"), lines(again)) == ("Accepted", [("RefusedByCSP", split)])


def test_a_hub_that_changes_supplier_loses_its_plan(play: Play, north: list[str]) -> None:
    play.announce()
    play.pilot_schedule("main", launch("G1", north))
    play.forget()
    moved = north[0]
    answer = update(play, hub(play, moved, "gas", "gas"))
    assert answer.code == "Accepted"
    for party in ("north", "main", "dcc"):
        assert told(play, party) == [("ChangedSupplier", [moved])], party
    assert told(play, "gas") == [], "it was told of no plan"
    words = "automatic date: its supplier has not instructed"
    assert why(play, "gas", moved) == "automatic date: you have not instructed", (
        "nobody tells it what another had instructed"
    )
    for party in ("north", "dcc"):
        assert why(play, party, moved) == f"{words}; what a former supplier instructed no longer counts", party


@pytest.mark.requirement("X01", "X06", "BR-3.3")
def test_who_remains_waits_for_a_second_supplier_and_only_the_one_that_lost_the_hub_has_lost_it(play: Play) -> None:
    """One reason at every door: the plan, N73, the acknowledgement of CS06, and the party door."""
    launching(play)
    second = play.lot.of_csp("north", play.lot["split"])[0]
    role = play.lot.of_csp("north", play.lot["own"])[0]
    assert play.pilot_schedule("main", launch("G1", [role, second], 0, 9)).code == "I99"
    assert play.pilot_schedule("gas", launch("MINE", [second], 0, 9)).code == "I99"
    play.forget()
    assert update(play, hub(play, role, "main", "gas"), hub(play, second, "main", "on54")).code == "Accepted"
    waiting = [("AwaitsSecondSupplier", [role, second])]
    assert told(play, "north") == told(play, "main") == told(play, "dcc") == waiting
    assert told(play, "gas") == [("ChangedSupplier", [second])]
    reasons = texts(play.requested("north", [role, second]).root, "Reason")
    assert [reason.partition(":")[0] for reason in reasons] == ["AwaitsSecondSupplier"] * 2
    news = {(one.text("OtherSupplier"), *one.listed()) for one in play.received("main", "N73")}
    assert news == {("NotInstructed", role), ("CannotInstruct", second)}
    assert "the Gas Supplier has not instructed" in why(play, "main", role)


def test_a_pause_voids_the_plan_and_proceeding_tells_it_anew(play: Play, north: list[str]) -> None:
    play.announce()
    play.pilot_schedule("main", launch("G1", north))
    play.forget()
    assert decide(play, "Pause").code == "Accepted"
    assert told(play, "north") == told(play, "main") == [("Paused", north)]
    play.forget()
    assert decide(play, "Proceed").code == "Accepted"
    assert told(play, "north") == told(play, "main") == [("Requested", north)]


def test_what_dcc_instructs_is_fixed(play: Play, north: list[str]) -> None:
    play.announce()
    play.forget()
    assert batch(play, north).code == "Accepted"
    assert told(play, "north") == told(play, "main") == [("Fixed", north)]
    assert play.received("north", "PlannedDeployment")[0].text("Basis") == "DCC"


def test_only_the_good_hubs_of_a_partly_wrong_schedule_are_planned(play: Play, north: list[str]) -> None:
    play.announce()
    play.forget()
    assert play.pilot_schedule("main", launch("G1", [*north, "00-DB-FF-FF-FF-FF-FF-FF"])).code == "W110601"
    assert told(play, "north") == [("Requested", north)]


def test_a_refused_schedule_plans_nothing(play: Play, north: list[str]) -> None:
    play.announce()
    play.forget()
    assert play.pilot_schedule("main", launch("G1", north, 70, 400)).code == "E110605"
    assert told(play, "north") == told(play, "main") == told(play, "dcc") == []


def test_an_exact_repeat_plans_nothing_more(play: Play, north: list[str]) -> None:
    """T39."""
    play.announce()
    play.check_repeat(play.pilot_schedule("main", launch("G1", north)), "soap")


def test_plans_wait_for_a_csp_that_is_down_and_come_in_order(play: Play, north: list[str]) -> None:
    """F13."""
    play.announce()
    play.forget()
    with play.down("north"):
        assert play.pilot_schedule("main", launch("G1", north)).code == "I99"
        assert say(play, "north", "main", "G1").code == "Accepted"
        assert decide(play, "Pause").code == "Accepted"
    assert told(play, "north") == [("Requested", north), ("Fixed", north), ("Paused", north)]
    assert [one.text("PlanRevision") for one in play.received("north", "PlannedDeployment")] == ["1", "2", "3"]


@pytest.mark.requirement("A05", "EX-11")
def test_a_group_that_is_taken_back_is_no_longer_planned(play: Play, north: list[str]) -> None:
    """The CSPs concerned and DCC hear of it as of any change of the schedule, and the plan is void for everybody."""
    play.announce()
    play.pilot_schedule("main", launch("G1", north[:2]), launch("G2", north[2:4]))
    play.forget()
    assert play.pilot_schedule("main", cancelled=[("G1", "SafeLaunch")]).code == "I99"
    for party in ("north", "main", "dcc"):
        assert told(play, party) == [("NotInstructed", north[:2])], party
    (forwarded,) = play.received("north", "PreferredPilotSchedule")
    groups = {
        texts(one, "GroupID")[0]: [hub for text in texts(one, "DeviceIDList") for hub in text.split(",") if hub]
        for one in forwarded.root.iter(f"{{{CSP}}}DeploymentGroup")
    }
    assert groups == {"G1": []}, "G2 stands as it was told"
    assert play.received("south", "PreferredPilotSchedule") == []
    play.forget()
    again = play.pilot_schedule("main", cancelled=[("G1", "SafeLaunch")])
    assert again.code == "E110602"
    assert play.pilot_schedule("main", launch("G1", north[:1])).code == "I99"
    assert told(play, "north") == [("Requested", north[:1])]
