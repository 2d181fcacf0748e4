"""A CSP's final say on a preferred schedule (X07; PIA-C2, PIA-C4)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from duis_gateway.firmware.csp_says import SayJudgement, judge_say
from duis_gateway.firmware.planning import plan_hub
from duis_gateway.model.plans import GroupSay, HubInstruction, PlanFacts
from duis_gateway.model.releases import Period, ReleaseState
from duis_gateway.model.rollout import GroupDecision
from tests.support.rules import AUTOMATIC, PILOT, hub, instruction, release

DAY = timedelta(days=1)
GROUP = instruction("G1", 1, 2, 3)
REGIONS = {1: "North", 2: "South", 3: "4G North"}
NORTH = frozenset({"North", "4G North"})
LATER = Period(PILOT.start + 5 * DAY, PILOT.end + 5 * DAY)


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
    facts = PlanFacts(hub(1), release(), instructions=(HubInstruction.of(GROUP, judged.say),))
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
        ({"csp_regions": frozenset({"Central"})}, "no hub in the regions"),
        ({"release": None}, "unknown"),
        ({"release": release(state=ReleaseState.STOPPED)}, "no longer live"),
        ({"earliest_start": PILOT.end + DAY}, "before it starts"),
        ({"latest_end": AUTOMATIC}, "automatic date"),
    ],
)
def test_a_say_that_cannot_be_is_refused_with_its_reason(changes: dict[str, Any], words: str) -> None:
    judged = say(GroupDecision.ACCEPTED, **changes)
    assert words in (judged.refusal or "")
    assert (judged.say, judged.device_ids) == (None, ())
