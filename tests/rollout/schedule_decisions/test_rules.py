"""A CSP's final say on a preferred schedule (X07; PIA-C2, PIA-C4)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duis_gateway.duis.identifiers import format_eui
from duis_gateway.rollout.activations.records import RefusedItem
from duis_gateway.rollout.plans.records import GroupSay, HubInstruction, PlanFacts
from duis_gateway.rollout.plans.rules import plan_hub
from duis_gateway.rollout.releases.records import Period, ReleaseState, Stage
from duis_gateway.rollout.rollout_decisions.records import GroupDecision
from duis_gateway.rollout.schedule_decisions.rules import SayJudgement, judge_say
from tests.support.rules import AUTOMATIC, NOW, PILOT, hub, instruction, release

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
GROUP = instruction("G1", 1, 2, 3)
LAUNCH = instruction("L1", 1, 2, 3, stage=Stage.SAFE_LAUNCH, period=Period(PILOT.end + DAY, PILOT.end + 9 * DAY))
REGIONS = {1: "North", 2: "South", 3: "4G North"}
NORTH = frozenset({"North", "4G North"})
LATER = Period(PILOT.start + 5 * DAY, PILOT.end - 5 * DAY)


def say(
    decision: GroupDecision, period: Period | None = None, reason: str | None = None, **changes: Any
) -> SayJudgement:
    """CSP North's say on the group."""
    start, end = (None, None) if period is None else (period.start, period.end)
    facts: dict[str, Any] = {
        "group": GROUP,
        "regions": REGIONS,
        "csp_regions": NORTH,
        "release": release(),
        "earliest_start": start,
        "latest_end": end,
        "now": NOW,
        **changes,
    }
    return judge_say(decision, reason=reason, **facts)


def test_a_csp_decides_for_its_own_regions_and_piece_by_piece() -> None:
    """PIA-C4."""
    judged = say(GroupDecision.ACCEPTED)
    assert judged == SayJudgement(GroupSay(GroupDecision.ACCEPTED), PILOT, (1, 3))
    assert say(GroupDecision.ACCEPTED, csp_regions=frozenset({"South"})).device_ids == (2,)


def test_an_amended_period_is_fixed_and_planned() -> None:
    """PIA-C2: the final say stays with the CSP."""
    judged = say(GroupDecision.AMENDED, LATER, "capacity")
    assert judged.say == GroupSay(GroupDecision.AMENDED, LATER, "capacity")
    facts = PlanFacts(hub(1), release(), NOW, instructions=(HubInstruction.of(GROUP, judged.say),))
    assert plan_hub(facts).period == LATER


def test_a_time_left_out_is_as_instructed() -> None:
    judged = say(GroupDecision.AMENDED, latest_end=LATER.end)
    assert judged.period == Period(PILOT.start, LATER.end)


def test_a_refused_group_has_no_period() -> None:
    assert say(GroupDecision.REFUSED, LATER, "why") == SayJudgement(
        GroupSay(GroupDecision.REFUSED, None, "why"), None, (1, 3)
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"group": None}, "no group"),
        ({"csp_regions": frozenset({"Central"})}, "no hub in this CSP's regions"),
        ({"release": None}, "unknown"),
        ({"release": release(state=ReleaseState.STOPPED)}, "no longer live"),
        ({"earliest_start": PILOT.end}, "does not end after it starts"),
        ({"now": PILOT.end, "latest_end": PILOT.end - DAY}, "future"),
        ({"now": PILOT.start + DAY, "earliest_start": PILOT.start + 2 * HOUR}, "future"),
        ({"latest_end": PILOT.end + DAY}, "within the group's stage (Pilot)"),
        ({"release": release(pilot=None), "latest_end": PILOT.end - DAY}, "within the group's stage (Pilot)"),
        ({"group": LAUNCH, "earliest_start": PILOT.end - DAY}, "within the group's stage (SafeLaunch)"),
        ({"latest_end": AUTOMATIC}, "automatic date"),
    ],
)
def test_a_say_that_cannot_be_is_refused_with_its_reason(changes: dict[str, Any], words: str) -> None:
    judged = say(GroupDecision.ACCEPTED, **changes)
    assert words in (judged.refusal or "")
    assert (judged.say, judged.device_ids) == (None, ())


def reasons(judged: SayJudgement) -> dict[str, str]:
    """The items refused, each with its reason."""
    return {one.item: one.reason for one in judged.items}


@pytest.mark.requirement("PIA-C4", "X07")
def test_a_csp_regroups_by_naming_hubs() -> None:
    """PIA-C4; the hubs in the order in which they are named, one named twice counts once."""
    judged = say(GroupDecision.AMENDED, LATER, "capacity", named=(3, 1, 3))
    assert judged == SayJudgement(GroupSay(GroupDecision.AMENDED, LATER, "capacity", piece=True), LATER, (3, 1))
    assert say(GroupDecision.REFUSED, named=(3,)).say == GroupSay(GroupDecision.REFUSED, piece=True)
    assert say(GroupDecision.ACCEPTED, named=(1, 3)).say == GroupSay(GroupDecision.ACCEPTED, piece=True)


@pytest.mark.requirement("PIA-C4")
def test_hubs_that_the_csp_cannot_decide_on_are_refused_one_by_one() -> None:
    """Of a hub outside the group nothing more is said; it may be another supplier's."""
    regions = {1: "North", 2: "South", 9: "North"}
    judged = say(GroupDecision.ACCEPTED, named=(9, 1, 2, 3, 9), regions=regions)
    assert judged.device_ids == (1,)
    assert judged.items == (
        RefusedItem(format_eui(9), "not in the group"),
        RefusedItem(format_eui(2), "not in a region of this CSP"),
        RefusedItem(format_eui(3), "no longer the supplier's hub"),
    )


def test_a_say_on_none_of_its_hubs_is_refused_with_every_item() -> None:
    judged = say(GroupDecision.ACCEPTED, named=(2, 8))
    assert (judged.say, judged.device_ids) == (None, ())
    assert "none of the hubs named" in (judged.refusal or "")
    assert set(reasons(judged)) == {format_eui(2), format_eui(8)}


_hubs = st.integers(0, 8)


@given(
    in_group=st.sets(_hubs),
    named=st.lists(_hubs, min_size=1),
    regions=st.dictionaries(_hubs, st.sampled_from(["North", "4G North", "South"])),
    decision=st.sampled_from(GroupDecision),
)
def test_each_hub_named_is_decided_on_or_refused_and_once(
    in_group: set[int], named: list[int], regions: dict[int, str], decision: GroupDecision
) -> None:
    """And no hub is decided on that the CSP could not decide on by a say on the whole group."""
    group = instruction("G1", *sorted(in_group))
    judged = say(decision, named=tuple(named), group=group, regions=regions)
    told = [*map(format_eui, judged.device_ids), *reasons(judged)]
    assert sorted(told) == sorted(map(format_eui, set(named)))
    assert (judged.say is None) == (judged.device_ids == ())
    assert set(judged.device_ids) <= set(say(decision, group=group, regions=regions).device_ids)


@pytest.mark.requirement("X07", "PIA-C2")
@pytest.mark.parametrize("decision", [GroupDecision.ACCEPTED, GroupDecision.REFUSED])
def test_nothing_is_decided_on_a_group_whose_period_is_over(decision: GroupDecision) -> None:
    """It may still be amended to a period ahead, and what was fixed for one may be refused."""
    over = instruction("G1", 1, 2, 3, period=Period(NOW - 9 * DAY, NOW))
    assert say(decision, group=over).refusal == "the group's period is over"
    ahead = say(GroupDecision.REFUSED, group=over, fixed_ahead=True)
    assert ahead.say == GroupSay(GroupDecision.REFUSED)
    assert say(GroupDecision.AMENDED, LATER, group=over).say == GroupSay(GroupDecision.AMENDED, LATER)
