"""What was moved, or was not, otherwise than planned: in status and deadlines, to each party of its own hubs (X10)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.duis.service_requests.preferred_pilot_list import PreferredPilotList
from duis_gateway.duis.service_requests.preferred_pilot_schedule import DeploymentGroup, PreferredPilotSchedule
from duis_gateway.flow.incoming import Door
from duis_gateway.operations.console.release import turn_of
from duis_gateway.rollout.activations.records import HubOutcome, OutcomeStage
from duis_gateway.rollout.deadlines.of_hub import tasks_of_hub
from duis_gateway.rollout.deadlines.rules import Task
from duis_gateway.rollout.deadlines.view import deadline_rows, tasks_of_everybody
from duis_gateway.rollout.estate.hub_by_hub import estate_rows
from duis_gateway.rollout.estate.hub_pages import WantedHubs, hub_page
from duis_gateway.rollout.estate.view import status_rows
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.plans.records import DeviationKind
from duis_gateway.rollout.releases.records import Period, PilotTerms, Stage
from duis_gateway.rollout.rollout_decisions.records import RolloutAction, Standing
from tests.support.databases import KINDS
from tests.support.rules import AUTOMATIC, NEW, OLD, OURS, PILOT, THEIRS
from tests.support.status_of import PARTIES
from tests.support.steering import (
    DCC,
    HUBS,
    IDLE,
    IN_PILOT,
    NORTH,
    OWN_NORTH,
    OWN_SOUTH,
    SOUTH,
    SPLIT,
    WEEK,
    Steering,
    steering,
)

FIRST = Period(PILOT.end + WEEK, PILOT.end + 2 * WEEK)
LATER = Period(PILOT.end + 3 * WEEK, PILOT.end + 4 * WEEK)
DAY = timedelta(days=1)

pytestmark = pytest.mark.requirement("X10", "BR-3.5", "BR-5.3", "BR-5.5")


@pytest.fixture(params=KINDS)
def dcc(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Steering]:
    """A pilot that has begun; a supplier has instructed its hub in the north for safe launch."""
    with steering(request.param, tmp_path) as made:
        made.piloting()
        instructs(made, FIRST, OWN_NORTH)
        yield made


def instructs(dcc: Steering, period: Period, *ids: int, name: str = "L1") -> None:
    group = DeploymentGroup(name, Stage.SAFE_LAUNCH, ids, period)
    assert not dcc.asks(OURS, "11.6", PreferredPilotSchedule("R1", NEW, (group,))).startswith("E")


def activates(dcc: Steering, hub: int, by: int = NORTH) -> None:
    outcome = HubOutcome(hub, OutcomeStage.ACTIVATION, True, NEW, dcc.clock.now())
    assert dcc.says(csp.ActivateFirmwareResponses((outcome,)), by=by, door=Door.CSP).status == "Accepted"


def rows(dcc: Steering, party: int) -> list[Any]:
    with dcc.store.read() as conn:
        return deadline_rows(conn, PARTIES[party], dcc.clock.now())


def off_plan(dcc: Steering, party: int) -> dict[str, int]:
    """How many hubs a party sees off the plan, by the kind; its status, its estate and its deadlines say the same."""
    with dcc.store.read() as conn:
        status = {str(one["off_plan"]): one for one in status_rows(conn, PARTIES[party], dcc.clock.now())}
        listed = list(estate_rows(conn, PARTIES[party], dcc.clock.now()))
    shown = {kind: int(str(row["hubs"])) for kind, row in status.items() if kind != "None"}
    assert shown == Counter(str(row["off_plan"]) for row in listed if row["off_plan"] is not None)
    own = [row for row in rows(dcc, party) if row["task"] == "look_into_deviations"]
    assert {row["subject"]: row["hubs"] for row in own} == shown
    said = {(row["whose"], row["state"], row["due"], row["overdue"]) for row in own}
    assert said <= {("own", "off_plan", None, False)}
    return shown


def hubs_to_look_into(dcc: Steering, party: int, kind: DeviationKind = DeviationKind.PERIOD_MISSED) -> list[Any]:
    """The hubs on the page to which the task leads."""
    wanted = WantedHubs(release="R1", task=Task.LOOK_INTO_DEVIATIONS, off_plan=kind)
    with dcc.store.read() as conn:
        return list(hub_page(conn, PARTIES[party], dcc.clock.now(), wanted).rows)


def test_an_activation_off_the_plan_is_shown_to_those_whose_hub_it_is(dcc: Steering) -> None:
    """Before, it was told once and then stood in the history of the hub alone."""
    activates(dcc, OWN_NORTH)
    activates(dcc, OWN_SOUTH, SOUTH)
    activates(dcc, SPLIT)
    every = {"BeforePeriod": 1, "NotPlanned": 2}
    assert off_plan(dcc, OURS) == off_plan(dcc, DCC) == every
    assert off_plan(dcc, NORTH) == {"BeforePeriod": 1, "NotPlanned": 1}
    assert off_plan(dcc, SOUTH) == off_plan(dcc, THEIRS) == {"NotPlanned": 1}
    assert off_plan(dcc, IDLE) == {}
    sold = replace(HUBS[0], import_supplier=IDLE, gas_supplier=IDLE, firmware_version=NEW)
    dcc.says(esi.InventoryUpdate((sold,)))
    assert off_plan(dcc, IDLE) == {}, "it was told of nothing"
    assert off_plan(dcc, OURS) == {"NotPlanned": 2}
    assert off_plan(dcc, DCC) == every


def test_what_goes_as_planned_is_not_shown(dcc: Steering) -> None:
    dcc.passes(FIRST.start + DAY)
    activates(dcc, OWN_NORTH)
    assert off_plan(dcc, OURS) == off_plan(dcc, DCC) == {}
    dcc.says(esi.InventoryUpdate((replace(HUBS[1], firmware_version=NEW),)))
    assert off_plan(dcc, OURS) == off_plan(dcc, DCC) == {}, "nobody was told that it departed"


def test_a_missed_period_is_shown_until_the_hub_is_planned_anew(dcc: Steering) -> None:
    dcc.passes(FIRST.end)
    for party in (OURS, NORTH, DCC):
        assert off_plan(dcc, party) == {"PeriodMissed": 1}
    assert off_plan(dcc, THEIRS) == off_plan(dcc, SOUTH) == {}
    instructs(dcc, LATER, OWN_NORTH, name="L2")
    for party in (OURS, NORTH, DCC):
        assert off_plan(dcc, party) == {}
    dcc.passes(LATER.end + DAY)
    activates(dcc, OWN_NORTH)
    for party in (OURS, NORTH, DCC):
        assert off_plan(dcc, party) == {"AfterPeriod": 1}
    dcc.says(esi.InventoryUpdate((replace(HUBS[0], firmware_version=OLD),)))
    assert off_plan(dcc, OURS) == {}, "it does not run the version any more"


def test_a_missed_period_shows_again_when_the_later_plan_is_taken_back(dcc: Steering) -> None:
    """Nothing has moved the hub since; as the pages say."""
    dcc.passes(FIRST.end)
    assert dcc.says(esi.BatchInstruction("R1", "DB", (OWN_NORTH,), LATER)).status == "Accepted"
    for party in (OURS, NORTH, DCC):
        assert off_plan(dcc, party) == {}
    assert dcc.says(esi.BatchInstruction("R1", "DB", (OWN_SOUTH,), LATER)).status == "Accepted"
    for party in (OURS, NORTH, DCC):
        assert off_plan(dcc, party) == {"PeriodMissed": 1}


@pytest.mark.parametrize("again", ["period", "automatic date"])
def test_a_missed_period_is_to_be_looked_into_until_any_release_plans_the_hub(dcc: Steering, again: str) -> None:
    """Before, the deadlines counted it for ever, and the status no more once another release had the hub."""
    dcc.passes(FIRST.end)
    newer = PilotTerms(Period(FIRST.end, FIRST.end + WEEK), limit=10)
    sooner = dcc.release().automatic_date - DAY
    dcc.announces("R2", firmware_version="00000003", pilot=newer, automatic_date=sooner)
    assert off_plan(dcc, OURS) == off_plan(dcc, NORTH) == off_plan(dcc, DCC) == {"PeriodMissed": 1}
    period = LATER if again == "period" else None
    assert dcc.says(esi.BatchInstruction("R2", "DB", (OWN_NORTH,), period)).status == "Accepted"
    expected = {} if again == "period" else {"PeriodMissed": 1}
    for party in (OURS, NORTH, DCC):
        assert off_plan(dcc, party) == expected
        page = hubs_to_look_into(dcc, party)
        assert len(page) == len(expected)


def decides(dcc: Steering, action: RolloutAction) -> None:
    body = esi.RolloutDecision("R1", action, "why", Standing.CONFIRMED, "DCC")
    assert dcc.says(body).status == "Accepted"


def newer(dcc: Steering, **changes: Any) -> None:
    """A later release for the model is announced, whose automatic date comes first."""
    pilot = PilotTerms(Period(dcc.clock.now() + DAY, dcc.clock.now() + WEEK), limit=10)
    sooner = AUTOMATIC - DAY
    dcc.announces("R2", **{"firmware_version": "00000003", "pilot": pilot, "automatic_date": sooner, **changes})


@pytest.mark.parametrize("how", ["runs it", "goes on", "gives way", "goes on later", "superseded", "stopped"])
def test_a_missed_period_is_not_shown_any_more_once_another_release_has_taken_the_hub(dcc: Steering, how: str) -> None:
    """Before, it was while the older release was live: also of a hub that ran the newer version, and again and again.

    A notice alone takes nothing. What is void with the older release is shown by `void`.
    """
    if how in ("gives way", "goes on later"):
        group = DeploymentGroup("G1", Stage.PILOT, (OWN_SOUTH,), IN_PILOT)
        assert not dcc.asks(OURS, "11.5", PreferredPilotList("R1", NEW, (OWN_SOUTH,))).startswith("E")
        assert not dcc.asks(OURS, "11.6", PreferredPilotSchedule("R1", NEW, (group,))).startswith("E")
        dcc.passes(IN_PILOT.end)
    else:
        dcc.passes(FIRST.end)
    newer(dcc)
    assert off_plan(dcc, OURS) == off_plan(dcc, DCC) == {"PeriodMissed": 1}, "a notice alone takes nothing"
    if how == "runs it":
        dcc.says(esi.InventoryUpdate((replace(HUBS[0], firmware_version="00000003"),)))
    elif how == "superseded":
        assert dcc.says(esi.Supersession("R1", "R2", dcc.clock.now())).status == "Accepted"
    elif how == "stopped":
        decides(dcc, RolloutAction.STOP)
    else:
        dcc.approves("R2")
    if how == "goes on later":
        decides(dcc, RolloutAction.PROCEED)
    live = {"goes on", "goes on later"}
    assert dcc.release().state.is_live is (how in {*live, "runs it"})
    for party in (OURS, NORTH, SOUTH, DCC):
        assert off_plan(dcc, party) == {}
        assert hubs_to_look_into(dcc, party) == []
    if how in live:
        newer(dcc, revision=2, automatic_date=AUTOMATIC + DAY)
        assert off_plan(dcc, OURS) == off_plan(dcc, DCC) == {"PeriodMissed": 1}, "the older one has the hub next"


def test_an_activation_off_the_plan_is_shown_under_a_newer_notice_too(dcc: Steering) -> None:
    """The brother: the status had it no more once another release had the hub next, and the deadlines still did."""
    activates(dcc, OWN_NORTH)
    newer = PilotTerms(Period(PILOT.end + WEEK, PILOT.end + 2 * WEEK), limit=10)
    dcc.announces("R2", firmware_version="00000003", pilot=newer)
    for party in (OURS, NORTH, DCC):
        assert off_plan(dcc, party) == {"BeforePeriod": 1}


def test_an_activation_off_the_plan_is_to_be_looked_into_under_a_superseded_release_too(dcc: Steering) -> None:
    """Before, the status counted it, and nothing led to it."""
    activates(dcc, OWN_NORTH)
    newer = PilotTerms(Period(PILOT.end + WEEK, PILOT.end + 2 * WEEK), limit=10)
    dcc.announces("R2", firmware_version="00000003", pilot=newer)
    dcc.approves("R2")
    for superseded in (False, True):
        if superseded:
            assert dcc.says(esi.Supersession("R1", "R2", dcc.clock.now())).status == "Accepted"
        for party in (OURS, NORTH, DCC):
            assert off_plan(dcc, party) == {"BeforePeriod": 1}
            assert len(hubs_to_look_into(dcc, party, DeviationKind.BEFORE_PERIOD)) == 1
        with dcc.store.read() as conn:
            hub = hubs.get(conn, OWN_NORTH)
            assert hub is not None
            tasks = tasks_of_hub(conn, hub, dcc.clock.now())
        off = {(one.release_id, one.party) for one in tasks if one.task is Task.LOOK_INTO_DEVIATIONS}
        assert off == {("R1", NORTH), ("R1", DCC)}


def test_it_is_nobody_s_turn_and_comes_after_what_is(dcc: Steering) -> None:
    activates(dcc, OWN_NORTH)
    tasks = [row["task"] for row in rows(dcc, DCC) if row["whose"] == "own"]
    assert tasks.index("look_into_deviations") == len(tasks) - 1 > 0
    for party in (OURS, NORTH, DCC):
        assert "look_into_deviations" not in [row["task"] for row in rows(dcc, party) if row["whose"] != "own"]
    with dcc.store.read() as conn:
        found = tasks_of_everybody(conn, dcc.release(), dcc.clock.now())
    who = {one.party for one in found if one.task == "look_into_deviations"}
    assert who == {NORTH, DCC}, "the operator is shown it, too"
    shown = {one.task for turn in turn_of(found, "R1", dcc.clock.now()) for one in turn.tasks}
    assert "look_into_deviations" not in shown
