"""At the very moment at which a period ends or a date passes, what is told, checked and accepted is one (design 7)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, literal, select

from duis_gateway.duis.service_requests.preferred_pilot_list import PreferredPilotList
from duis_gateway.duis.service_requests.preferred_pilot_schedule import DeploymentGroup, PreferredPilotSchedule
from duis_gateway.rollout.deadlines.rules import SupplierFacts, Task, supplier_deadlines
from duis_gateway.rollout.direct_instructions.rules import judge_batch, judge_selection
from duis_gateway.rollout.periods import is_over, is_over_sql, one_month_before, to_come_sql
from duis_gateway.rollout.pilot_lists.rules import PilotListFacts, judge_pilot_list
from duis_gateway.rollout.plans.departures import departure
from duis_gateway.rollout.plans.records import DeviationKind, HubInstruction, PlanFacts, VoidReason
from duis_gateway.rollout.plans.rules import plan_hub
from duis_gateway.rollout.releases.records import Period, PilotTerms, ReleaseState, Stage
from duis_gateway.rollout.rollout_decisions.records import GroupDecision
from duis_gateway.rollout.schedule_decisions.rules import judge_say
from duis_gateway.rollout.schedules.rules import ScheduleFacts, judge_schedule
from duis_gateway.store.types import UtcTime
from tests.support.databases import opened
from tests.support.rules import AUTOMATIC, NEW, NOW, OURS, PILOT, by_id, hub, instruction, named, release

APRIL = Period(PILOT.start + timedelta(days=1), PILOT.start + timedelta(days=20))
RELEASE = release(state=ReleaseState.PILOTING)
around = st.sampled_from([-1, 0, 1]).flatmap(
    lambda sign: st.timedeltas(timedelta(microseconds=1), timedelta(days=5)).map(lambda away: sign * away)
)
"""How far from a moment: none, or on either side of it, by as little as can be told."""


def schedule(period: Period, stage: Stage = Stage.PILOT) -> PreferredPilotSchedule:
    return PreferredPilotSchedule("R1", NEW, (DeploymentGroup("G1", stage, (1,), period),))


def _planned(at: datetime) -> bool:
    given_then = HubInstruction(OURS, "G1", Stage.PILOT, APRIL, NOW)
    return plan_hub(PlanFacts(hub(), RELEASE, at, instructions=(given_then,))).void is not VoidReason.PERIOD_ENDED


def _may_be_activated(at: datetime) -> bool:
    given_then = HubInstruction(OURS, "G1", Stage.PILOT, APRIL, NOW)
    found = departure(PlanFacts(hub(), RELEASE, at, instructions=(given_then,)), at)
    assert found is None or found.kind is DeviationKind.AFTER_PERIOD
    return found is None


def _may_be_instructed(at: datetime) -> bool:
    facts = ScheduleFacts(release=RELEASE, supplier=OURS, named=by_id(named(1)), preferred=frozenset({1}))
    return judge_schedule(schedule(APRIL), facts, at).accepted


def _may_be_chosen(at: datetime) -> bool:
    return judge_selection([1], by_id(named(1)), RELEASE, OURS, APRIL, at).refusal is None


def _may_be_in_a_batch(at: datetime) -> bool:
    return judge_batch([1], by_id(named(1)), RELEASE, APRIL, at).refusal is None


def _may_be_decided_on(at: datetime) -> bool:
    group = instruction("G1", 1, period=APRIL)
    north = frozenset({"North"})
    return judge_say(GroupDecision.ACCEPTED, None, None, None, group, {1: "North"}, north, RELEASE, at).refusal is None


USES = (_planned, _may_be_activated, _may_be_instructed, _may_be_chosen, _may_be_in_a_batch, _may_be_decided_on)


@pytest.mark.requirement("BR-3.5", "X09", "X10")
@pytest.mark.parametrize("use", USES)
@given(away=around)
def test_a_period_is_over_at_its_end_for_every_use(use: Callable[[datetime], bool], away: timedelta) -> None:
    at = APRIL.end + away
    assert use(at) is not is_over(APRIL, at)
    assert is_over(APRIL, APRIL.end)


def _schedule_taken(facts: dict[str, Any], at: datetime) -> bool:
    summer = Period(at + timedelta(days=2), AUTOMATIC - timedelta(days=1))
    judged = ScheduleFacts(supplier=OURS, named=by_id(named(1)), **facts)
    return judge_schedule(schedule(summer, Stage.SAFE_LAUNCH), judged, at).accepted


def _list_taken(facts: dict[str, Any], at: datetime) -> bool:
    judged = PilotListFacts(supplier=OURS, named=by_id(named(1)), **facts)
    return judge_pilot_list(PreferredPilotList("R1", NEW, device_ids=(1,)), judged, at).accepted


def _asked_for(facts: dict[str, Any], at: datetime) -> bool:
    found = supplier_deadlines(facts["release"], SupplierFacts(OURS, eligible=1, uninstructed=1), at)
    return Task.INSTRUCT_SAFE_LAUNCH in [one.task for one in found]


@pytest.mark.requirement("BR-3.4")
@pytest.mark.parametrize("use", [_schedule_taken, _list_taken, _asked_for])
@given(away=around)
def test_an_instruction_is_in_time_to_the_last_moment_for_every_use(
    use: Callable[[dict[str, Any], datetime], bool], away: timedelta
) -> None:
    """`Remaining` is told after it (`plans/test_off_the_plan.py`)."""
    at = one_month_before(AUTOMATIC) + away
    late = PilotTerms(Period(PILOT.start, AUTOMATIC - timedelta(days=1)), limit=10)
    facts = {"release": replace(RELEASE, pilot=late if use is _list_taken else None)}
    assert use(facts, at) is (away <= timedelta(0))


def test_python_and_sql_say_alike_when_a_period_is_over(database_url: str) -> None:
    with opened(database_url) as store, store.read() as conn:
        for away in (timedelta(microseconds=-1), timedelta(0), timedelta(microseconds=1)):
            over, to_come = _by_the_database(conn, APRIL.end + away)
            assert over is is_over(APRIL, APRIL.end + away)
            assert over is not to_come


def _by_the_database(conn: Connection, at: datetime) -> tuple[bool, bool]:
    end = literal(APRIL.end, UtcTime)
    over, to_come = conn.execute(select(is_over_sql(end, at), to_come_sql(end, at))).one()
    return bool(over), bool(to_come)
