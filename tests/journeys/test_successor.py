"""A newer release for the model: its notice takes nothing from the older one; its approval invalidates the pilot."""

from __future__ import annotations

import json
from typing import Any

import pytest

from duis_gateway.duis.identifiers import parse_eui
from duis_gateway.parties import store as parties
from duis_gateway.rollout.deadlines.view import deadline_rows
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.records import ReleaseState
from tests.support.databases import KINDS, with_statistics_of_another_release
from tests.support.dcc_play import CONCERNED, CSPS, approve, code, decide, launching, piloting, tell, told
from tests.support.installation import NOW, Delivery
from tests.support.play import DAY, Group, Play
from tests.support.schedules_play import say
from tests.support.wire_client import listed, texts

pytestmark = [pytest.mark.processes, pytest.mark.requirement("PIA-A13", "BR-6.5")]

DATABASES = KINDS
OLDER_DUIS = ("on54", "on50", "published50")


def successor(play: Play, limit: int = 100) -> str:
    """Announce a newer release for the model, whose pilot begins tomorrow; return its id."""
    name = f"{play.lot.release}-B"
    pilot = (NOW + DAY, NOW + 30 * DAY)
    assert play.announce(release=name, firmware="9003", pilot=pilot, limit=limit).code == "Accepted"
    play.forget()
    return name


def state(play: Play) -> ReleaseState:
    with play.installation.store.read() as conn:
        found = releases.find(conn, play.lot.release)
    assert found is not None
    return found.state


def instructed(play: Play) -> Group:
    """Supplier `main` has two hubs in the pilot, and instructs them in one group."""
    hubs = play.lot.within("North", of=play.lot["own"])[:2]
    group = Group("A", hubs, "Pilot", NOW + 2 * DAY, NOW + 9 * DAY)
    assert play.pilot_list("main", hubs).code == "I99"
    assert play.pilot_schedule("main", group).code == "I99"
    play.forget()
    return group


def test_the_notice_of_a_successor_takes_nothing_from_the_older_release(play: Play) -> None:
    """Its 11.5 and 11.6 go on; a hub that is instructed under one of the two is listed under the other."""
    piloting(play)
    newer = successor(play)
    group = instructed(play)
    assert state(play) is ReleaseState.PILOTING
    others = play.lot["own"][-2:]
    busy = play.pilot_list("main", [*group.devices, *others], release=newer, firmware="9003")
    assert busy.code == "W110501"
    assert listed(busy.root, "OtherRequestInProgressList") == list(group.devices)
    there = Group("B", others, "Pilot", NOW + 2 * DAY, NOW + 9 * DAY)
    assert play.pilot_schedule("main", there, release=newer, firmware="9003").code == "I99"
    back = play.pilot_list("main", [*group.devices, *others])
    assert listed(back.root, "OtherRequestInProgressList") == list(others)


@pytest.mark.once
@pytest.mark.requirement("BR-3.8")
def test_50_000_hubs_of_500_groups_are_answered_for_under_either_release(play: Play) -> None:
    """Within the door's limit, whatever the database expects of the releases: it has met another one only."""
    with_statistics_of_another_release(play.installation.store)
    named = play.crowd(50_000)
    play.announce(limit=50_000)
    assert approve(play).code == "Accepted"
    groups = [
        Group(f"G{start}", named[start : start + 100], "SafeLaunch", NOW + 70 * DAY, NOW + 80 * DAY)
        for start in range(0, 50_000, 100)
    ]
    assert play.pilot_schedule("main", *groups).code == "I99"
    again = play.pilot_schedule("main", Group("AGAIN", named, "SafeLaunch", NOW + 71 * DAY, NOW + 79 * DAY))
    assert len(listed(again.root, "RepeatedDeviceIDList")) == len(named)
    newer = successor(play, limit=50_000)
    busy = play.pilot_list("main", named, release=newer, firmware="9003")
    assert len(listed(busy.root, "OtherRequestInProgressList")) == len(named)
    assert decide(play, "Pause").code == "Accepted"


@pytest.mark.parametrize("begun", [True, False])
def test_the_approval_of_a_successor_invalidates_the_pilot_begun_or_not(play: Play, begun: bool) -> None:
    start = NOW - DAY if begun else NOW + DAY
    play.announce(pilot=(start, NOW + 60 * DAY))
    approve(play)
    play.forget()
    group = instructed(play)
    newer = successor(play)
    assert approve(play, newer).code == "Accepted"
    assert state(play) is ReleaseState.INVALIDATED
    kinds = told(play)
    for name in CONCERNED:
        assert kinds[name].count("N999" if name in OLDER_DUIS else "N72") == 1
    for csp in CSPS:
        assert kinds[csp].count("RolloutDecision") == 1
        stages = [(texts(one.root, "StageEnded"), texts(one.root, "StageBegun")) for one in changes(play, csp)]
        assert stages == ([(["Pilot"], [])] if begun else [])
        (message,) = play.received(csp, "RolloutDecision")
        assert message.text("Decision") == "PilotInvalidated"
        assert newer in message.text("Reason")
    (alert,) = play.received("main", "N72")
    assert (alert.text("Decision"), alert.text("DecisionStatus")) == ("PilotInvalidated", "Confirmed")
    assert alert.text("DecidedBy") == "DCC"
    assert "Pending requests are void" in alert.text("EffectOnPendingRequests")
    assert play.pilot_list("main", group.devices).code == "E110501"
    assert play.pilot_schedule("main", group).code == "E110601"
    assert code(say(play, "north", "main", "A")) == "DecisionRefused"
    assert play.default_list("north", "North", group.devices).code == "Refused"


def changes(play: Play, csp: str) -> list[Delivery]:
    return play.received(csp, "StageChange")


def test_what_was_instructed_is_void_and_the_hubs_are_free_for_the_successor(play: Play) -> None:
    piloting(play)
    group = instructed(play)
    newer = successor(play)
    approve(play, newer)
    there = Group("B", group.devices, "Pilot", NOW + 2 * DAY, NOW + 9 * DAY)
    assert play.pilot_list("main", group.devices, release=newer, firmware="9003").code == "I99"
    assert play.pilot_schedule("main", there, release=newer, firmware="9003").code == "I99"


@pytest.mark.requirement("BR-5.4")
def test_each_hub_is_asked_for_once_under_the_release_that_has_it_next(play: Play) -> None:
    """Before, DCC's Proceed had all asked for under both, and those void under the older one, as no status said.

    And what its approval made void was asked for under the older one, "as soon as possible", which refused it: E110601.
    """
    piloting(play)
    group = instructed(play)
    newer = successor(play)
    able = [row for row in table(play, "eligible-hubs") if row["device_id"] not in play.lot["mixed"]]
    every = sum(row["release"] == newer for row in able)  # those of which the other supplier can instruct as well
    approve(play, newer)
    void, others = len(group.devices), every - len(group.devices)
    assert asked(play) == {("-B", "instruct_anew"): void, ("-B", "instruct_safe_launch"): others}
    (anew,) = [row for row in table(play, "deadlines") if row["task"] == "instruct_anew" and row["whose"] == "own"]
    assert (anew["subject"], anew["state"], anew["due"] is None) == ("PilotInvalidated", "void", False)
    there = Group("B", group.devices[:1], "Pilot", NOW + 2 * DAY, NOW + 9 * DAY)
    assert play.pilot_list("main", there.devices, release=newer, firmware="9003").code == "I99"
    assert play.pilot_schedule("main", there, release=newer, firmware="9003").code == "I99"
    assert asked(play) == {("-B", "instruct_anew"): void - 1, ("-B", "instruct_safe_launch"): others}
    assert decide(play, "Proceed").code == "Accepted"
    next_by = {row["release"] for row in table(play, "status") if row["state"] == "planned" and owned(play, row)}
    assert next_by == {newer}
    assert asked(play) == {("-B", "instruct_safe_launch"): every - 1}
    later = Group("C", group.devices[1:], "SafeLaunch", NOW + 70 * DAY, NOW + 80 * DAY)
    assert play.pilot_schedule("main", later).code == "I99", "nobody has to wait to be asked"
    assert asked(play) == {("-B", "instruct_safe_launch"): every - 2}


def table(play: Play, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(play["main"].pull(name).body)
    return found


def owned(play: Play, row: dict[str, Any]) -> bool:
    return str(row["release"]).startswith(play.lot.release)


def asked(play: Play) -> dict[tuple[str, str], int]:
    """Of how many hubs `main` is asked for an instruction, by the release (what follows the lot's own) and the task."""
    mine = [row for row in table(play, "deadlines") if row["whose"] == "own" and owned(play, row)]
    return {
        (row["release"].removeprefix(play.lot.release), row["task"]): row["hubs"]
        for row in mine
        if row["task"].startswith("instruct_")
    }


def test_dcc_has_a_decision_outstanding_and_proceeding_begins_safe_launch(play: Play) -> None:
    """Then hubs are instructed anew: what was void stays void."""
    piloting(play)
    group = instructed(play)
    approve(play, successor(play))
    play.forget()
    assert "decide_on_invalidated_pilot" in tasks(play)
    assert code(decide(play, "Pause")) == "NotPossible"
    assert code(tell(play, "PilotOutcome", outcome="Success")) == "NotPossible"
    assert decide(play, "Proceed").code == "Accepted"
    assert state(play) is ReleaseState.SAFE_LAUNCH
    assert "decide_on_invalidated_pilot" not in tasks(play)
    assert [texts(one.root, "StageBegun") for one in changes(play, "north")] == [["SafeLaunch"]]
    assert play.received("main", "N72")[0].text("Decision") == "Proceed"
    assert code(say(play, "north", "main", "A")) == "DecisionRefused", "the group stands no more"
    again = Group("A", group.devices, "SafeLaunch", NOW + 2 * DAY, NOW + 9 * DAY)
    assert play.pilot_schedule("main", again).code == "I99"


@pytest.mark.parametrize("ending", ["Supersession", "Withdrawal", "Stop"])
def test_or_dcc_ends_the_release(play: Play, ending: str) -> None:
    piloting(play)
    newer = successor(play)
    approve(play, newer)
    if ending == "Stop":
        assert decide(play, "Stop").code == "Accepted"
    else:
        assert tell(play, ending, **({"successor": newer} if ending == "Supersession" else {})).code == "Accepted"
    assert state(play).is_over
    assert "decide_on_invalidated_pilot" not in tasks(play)


def test_a_predecessor_in_safe_launch_goes_on(play: Play) -> None:
    launching(play)
    approve(play, successor(play))
    assert state(play) is ReleaseState.SAFE_LAUNCH
    group = Group("A", play.lot["own"][:2], "SafeLaunch", NOW + 2 * DAY, NOW + 9 * DAY)
    assert play.pilot_schedule("main", group).code == "I99"


def tasks(play: Play) -> set[object]:
    """What DCC has outstanding under the lot's release."""
    with play.installation.store.read() as conn:
        dcc = parties.find(conn, parse_eui(play["dcc"].eui))
        assert dcc is not None
        rows = deadline_rows(conn, dcc, NOW)
    return {row["task"] for row in rows if row["release"] == play.lot.release and row["whose"] == "own"}
