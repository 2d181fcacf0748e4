"""Preferred Pilot Schedules (SRV 11.6, design section 5; A05, PIA-C2, PIA-C3, PIA-R5, BR-3.1 to BR-3.9)."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duis_gateway.duis.service_requests.preferred_pilot_schedule import (
    CancelledGroup,
    DeploymentGroup,
    PreferredPilotSchedule,
)
from duis_gateway.rollout.device_lists import HubFindings
from duis_gateway.rollout.periods import one_month_before
from duis_gateway.rollout.releases.records import (
    DefaultGroup,
    DefaultSchedule,
    Instruction,
    OfferedConstraint,
    Period,
    PilotTerms,
    ReleaseState,
    ReleaseType,
    Stage,
)
from duis_gateway.rollout.schedules.rules import ScheduleFacts, ScheduleJudgement, judge_schedule
from duis_gateway.text.times import show_time
from tests.support.rules import (
    AUTOMATIC,
    NEW,
    NOW,
    OURS,
    PILOT,
    THEIRS,
    by_id,
    instruction,
    inventories,
    named,
    release,
)

DAY = timedelta(days=1)
APRIL = Period(PILOT.start + DAY, PILOT.start + 20 * DAY)
SUMMER = Period(PILOT.end + DAY, PILOT.end + 30 * DAY)
HUBS = by_id(*(named(hub) for hub in range(1, 31)))
STANDARD = ScheduleFacts(release=release(), supplier=OURS, named=HUBS, preferred=frozenset(range(1, 11)))


def pilot(group_id: str, *ids: int, period: Period = APRIL, constraints: tuple[str, ...] = ()) -> DeploymentGroup:
    """A group of stage Pilot."""
    return DeploymentGroup(group_id, Stage.PILOT, ids, period, constraints)


def launch(group_id: str, *ids: int, period: Period = SUMMER, constraints: tuple[str, ...] = ()) -> DeploymentGroup:
    """A group of stage SafeLaunch."""
    return DeploymentGroup(group_id, Stage.SAFE_LAUNCH, ids, period, constraints)


def judge(*groups: DeploymentGroup, now: datetime = NOW, **facts: Any) -> ScheduleJudgement:
    """Judge the groups by the standard facts with some changed."""
    return judge_schedule(PreferredPilotSchedule("R1", NEW, groups), replace(STANDARD, **facts), now)


def offer(region: str, *periods: Period, codes: tuple[str, ...] = (), stage: Stage = Stage.PILOT) -> DefaultSchedule:
    """A CSP's schedule with one group for each period."""
    groups = tuple(DefaultGroup(f"D{number}", period) for number, period in enumerate(periods))
    return DefaultSchedule("R1", region, stage, groups, tuple(OfferedConstraint(code, code) for code in codes))


def test_groups_of_both_stages_become_instructions() -> None:
    """BR-3.1, BR-3.7."""
    judged = judge(pilot("G1", 2, 1, 2), launch("G2", 20))
    assert (judged.code, judged.findings) == ("I99", HubFindings())
    assert judged.instructions == (
        Instruction("R1", OURS, "G1", Stage.PILOT, APRIL, NOW, (2, 1)),
        Instruction("R1", OURS, "G2", Stage.SAFE_LAUNCH, SUMMER, NOW, (20,)),
    )


def test_a_group_that_is_partly_wrong_keeps_its_good_hubs() -> None:
    """BR-5.2."""
    hubs = {**HUBS, 2: named(2, import_supplier=THEIRS, gas_supplier=THEIRS)}
    judged = judge(pilot("G1", 1, 2, 99), named=hubs)
    assert (judged.code, judged.instructions[0].device_ids) == ("W110601", (1,))
    assert judged.findings == HubFindings(invalid=(99,), not_responsible=(2,))


def test_a_group_without_a_good_hub_is_left_out() -> None:
    judged = judge(pilot("G1", 98, 99), launch("G2", 20))
    assert (judged.code, [group.group_id for group in judged.instructions]) == ("W110601", ["G2"])
    assert judged.findings == HubFindings(invalid=(98, 99))


def test_no_good_hub_in_any_group_is_refused_with_the_lists() -> None:
    judged = judge(pilot("G1", 98), launch("G2", 99))
    assert (judged.code, judged.instructions) == ("E110602", ())
    assert judged.findings == HubFindings(invalid=(98, 99))


@pytest.mark.parametrize("state", sorted(ReleaseState))
def test_schedules_are_taken_for_live_releases_only(state: ReleaseState) -> None:
    judged = judge(launch("G1", 1), release=release(state=state))
    assert judged.code == ("I99" if state.is_live else "E110601")


def test_an_unknown_release_or_another_version_than_its_own_is_refused() -> None:
    assert judge(pilot("G1", 1), release=None).code == "E110601"
    request = PreferredPilotSchedule("R1", "00000009", (pilot("G1", 1),))
    assert judge_schedule(request, STANDARD, NOW).code == "E110601"


def test_schedules_for_a_paused_release_are_accepted() -> None:
    assert judge(pilot("G1", 1), release=release(paused=True)).code == "I99"


def test_a_release_without_a_pilot_takes_safe_launch_groups_only() -> None:
    """PIA-A3."""
    terms = release(pilot=None, release_type=ReleaseType.SECURITY)
    assert judge(pilot("G1", 1), launch("G2", 2), release=terms).code == "E110607"
    assert judge(launch("G2", 2), release=terms).code == "I99"


@pytest.mark.requirement("PIA-C3")
def test_after_the_pilot_safe_launch_groups_are_still_taken() -> None:
    late = Period(PILOT.end, PILOT.end + DAY)
    assert judge(pilot("G1", 1, period=late), now=PILOT.end).code == "E110603"
    assert judge(launch("G1", 1, period=late), now=PILOT.end).code == "I99"


@pytest.mark.requirement("BR-3.4")
def test_an_instruction_one_second_late_is_refused() -> None:
    """BR-3.4."""
    last = one_month_before(AUTOMATIC)
    group = launch("G1", 1, period=Period(last, AUTOMATIC - DAY))
    assert judge(group, now=last).code == "I99"
    assert judge(group, now=last + timedelta(seconds=1)).code == "E110605"


@pytest.mark.parametrize(
    ("period", "code"),
    [
        (Period(PILOT.end, AUTOMATIC - timedelta(seconds=1)), "I99"),
        (Period(PILOT.end, AUTOMATIC), "E110605"),
        (Period(PILOT.end, AUTOMATIC + DAY), "E110605"),
        (Period(PILOT.end + DAY, PILOT.end), "E110605"),
        (Period(PILOT.end, PILOT.end), "E110605"),
        (Period(NOW - 2 * DAY, NOW - DAY), "E110605"),
        (Period(NOW - 2 * DAY, NOW + DAY), "I99"),
    ],
)
def test_a_period_ends_after_its_start_and_before_the_automatic_date_and_is_not_over(period: Period, code: str) -> None:
    """BR-3.1."""
    launched = release(state=ReleaseState.SAFE_LAUNCH)
    assert judge(launch("G1", 1, period=period), release=launched).code == code


@pytest.mark.parametrize(
    ("group", "why"),
    [
        (launch("G1", 1, period=Period(PILOT.end - DAY, AUTOMATIC)), "starts before safe launch does, on "),
        (launch("G1", 1, period=Period(PILOT.end + DAY, PILOT.end)), "does not end after it starts: it starts on "),
        (pilot("G1", 1, period=Period(NOW - 2 * DAY, NOW - DAY)), "was over when the request was received: it ends "),
        (launch("G1", 1, period=Period(PILOT.end, AUTOMATIC)), "does not end before the automatic date, "),
        (pilot("G1", 1, period=Period(PILOT.start - DAY, PILOT.end)), "does not lie within the pilot, "),
        (pilot("G1", 1, period=PILOT), "does not lie within what the CSP of North offered, "),
    ],
)
def test_of_the_reasons_against_a_period_the_one_that_holds_is_said(group: DeploymentGroup, why: str) -> None:
    """Before, the code's four possible reasons stood side by side."""
    judged = judge(pilot("G0", 2, period=APRIL), group, offered=(offer("North", APRIL),))
    assert judged.code == "E110605"
    words = judged.explanation or ""
    assert words.startswith(f"the period of the group G1/{group.stage.value} {why}"), words


def test_of_several_groups_what_is_wrong_with_each_is_said() -> None:
    """Before, the first was named alone, and the next only once that one was put right."""
    over = pilot("G1", 1, period=Period(NOW - 2 * DAY, NOW - DAY))
    late = launch("G2", 2, period=Period(PILOT.end, AUTOMATIC))
    words = (judge(over, pilot("G0", 3, period=APRIL), late).explanation or "").split("; ")
    assert [one.partition(" was ")[0].partition(" does ")[0] for one in words] == [
        "the period of the group G1/Pilot",
        "the period of the group G2/SafeLaunch",
    ]
    both = judge(pilot("G1", 1, period=PILOT), pilot("G2", 2, period=PILOT), offered=(offer("North", APRIL),))
    assert (both.explanation or "").count("does not lie within") == 2
    several = [pilot(f"G{number}", number, period=Period(PILOT.end, PILOT.end)) for number in range(1, 15)]
    assert (judge(*several).explanation or "").endswith("; and 4 more like these")


def test_of_what_came_too_late_it_is_said_until_when_it_was_taken() -> None:
    last = one_month_before(AUTOMATIC)
    judged = judge(launch("G1", 1, period=Period(last, AUTOMATIC - DAY)), now=last + DAY)
    assert judged.explanation is not None
    assert judged.explanation.endswith(f"instructions were taken until {show_time(last)}")


def test_one_hub_in_two_groups_is_refused() -> None:
    judged = judge(pilot("G1", 1, 2, 3), launch("G2", 3, 20, 1))
    assert (judged.code, judged.instructions) == ("E110609", ())
    assert judged.findings == HubFindings(repeated=(3, 1))


def test_a_hub_in_another_standing_group_is_refused() -> None:
    judged = judge(pilot("G2", 2, 3), standing=(instruction("G1", 1, 2),))
    assert (judged.code, judged.findings) == ("E110609", HubFindings(repeated=(2,)))


def test_a_group_sent_again_replaces_the_one_that_stands() -> None:
    standing = (instruction("G1", 1, 2), instruction("G1", 20, stage=Stage.SAFE_LAUNCH))
    assert judge(pilot("G1", 2, 3), standing=standing).code == "I99"
    assert judge(launch("G1", 2, 3), standing=standing).code == "E110609"


def test_hubs_can_move_between_groups_that_are_sent_together() -> None:
    standing = (instruction("G1", 1, 2), instruction("G2", 3))
    assert judge(pilot("G1", 1), pilot("G2", 2, 3), standing=standing).code == "I99"


def test_what_stands_under_the_name_of_a_group_left_out_stays_and_counts() -> None:
    judged = judge(pilot("G1", 99), pilot("G2", 1), standing=(instruction("G1", 1),))
    assert (judged.code, judged.findings) == ("E110609", HubFindings(invalid=(99,), repeated=(1,)))


def test_one_group_sent_twice_in_a_request_is_refused() -> None:
    judged = judge(pilot("G1", 1), pilot("G1", 2))
    assert (judged.code, judged.findings.repeated) == ("E110609", (2,))
    # No hub is named twice: without words nobody would find what is wrong.
    assert judged.explanation == "the group G1/Pilot is sent twice in this request: send it once, with all its hubs"
    assert judge(pilot("G1", 1), pilot("G2", 1)).explanation is None


def test_pilot_hubs_on_no_preferred_list_are_refused() -> None:
    judged = judge(pilot("G1", 1, 11, 12), launch("G2", 20))
    assert (judged.code, judged.instructions) == ("E110608", ())
    assert judged.findings == HubFindings(not_on_preferred_list=(11, 12))
    assert judge(pilot("G1", 1), preferred=None).code == "E110608"


def test_a_foreign_hub_is_foreign_and_not_merely_missing_from_the_preferred_list() -> None:
    hubs = {**HUBS, 11: named(11, import_supplier=THEIRS, gas_supplier=None)}
    judged = judge(pilot("G1", 1, 11), named=hubs)
    assert (judged.code, judged.findings) == ("W110601", HubFindings(not_responsible=(11,)))


def test_proving_hubs_are_in_the_pilot_without_any_list() -> None:
    """PIA-A10."""
    hubs = {**HUBS, 20: named(20, mark="proving")}
    assert judge(pilot("G1", 20), named=hubs, preferred=None).code == "I99"


def test_the_limit_counts_all_pilot_groups_that_stand_without_proving_hubs() -> None:
    """A revision may have lowered the limit since the list was sent."""
    terms = release(pilot=PilotTerms(PILOT, limit=3))
    hubs = {**HUBS, 20: named(20, mark="proving")}
    standing = (instruction("G1", 1, 2, 21), instruction("G3", 25, 26, 27, stage=Stage.SAFE_LAUNCH))
    facts: dict[str, Any] = {"release": terms, "named": hubs, "standing": standing, "proving": frozenset({21})}
    assert judge(pilot("G2", 3, 20), **facts).code == "I99"
    assert judge(pilot("G2", 3, 4), **facts).code == "E110604"
    assert judge(pilot("G1", 3, 4), **facts).code == "I99"
    assert judge(pilot("G2", 3, 4), launch("G3", 5), **facts).code == "E110604"


def test_a_limit_that_is_exceeded_already_does_not_stop_safe_launch_groups() -> None:
    terms = release(pilot=PilotTerms(PILOT, limit=1))
    assert judge(launch("G2", 20), release=terms, standing=(instruction("G1", 1, 2),)).code == "I99"


def test_a_pilot_period_lies_within_what_the_csp_offers() -> None:
    """PIA-C2: from the first of its groups to the last; the CSP has the final say afterwards."""
    offered = (offer("North", Period(APRIL.start, APRIL.start + DAY), Period(APRIL.end - DAY, APRIL.end)),)
    assert judge(pilot("G1", 1), offered=offered).code == "I99"
    assert judge(pilot("G1", 1, period=Period(APRIL.start - DAY, APRIL.end)), offered=offered).code == "E110605"
    assert judge(pilot("G1", 1, period=Period(APRIL.start, APRIL.end + DAY)), offered=offered).code == "E110605"
    assert judge(launch("G1", 1), offered=offered).code == "I99"


def test_a_group_in_two_regions_lies_within_both_offers() -> None:
    hubs = {**HUBS, 2: named(2, csp_region="South")}
    offered = (offer("North", PILOT), offer("South", APRIL))
    assert judge(pilot("G1", 1, 2), named=hubs, offered=offered).code == "I99"
    longer = Period(APRIL.start, APRIL.end + DAY)
    assert judge(pilot("G1", 1, 2, period=longer), named=hubs, offered=offered).code == "E110605"
    assert judge(pilot("G1", 1, period=longer), named=hubs, offered=offered).code == "I99"


@pytest.mark.parametrize(
    "offered", [(), (offer("South", APRIL),), (offer("North", APRIL, stage=Stage.SAFE_LAUNCH),), (offer("North"),)]
)
def test_without_an_offer_for_the_region_the_whole_pilot_is_open(offered: tuple[DefaultSchedule, ...]) -> None:
    assert judge(pilot("G1", 1, period=PILOT), offered=offered).code == "I99"
    before = Period(PILOT.start - DAY, PILOT.end)
    assert judge(pilot("G1", 1, period=before), offered=offered).code == "E110605"


def test_constraints_are_among_those_offered_in_each_region_of_the_group() -> None:
    """PIA-R5, PIA-A7."""
    hubs = {**HUBS, 2: named(2, csp_region="South")}
    offered = (offer("North", PILOT, codes=("C1", "C2")), offer("South", PILOT, codes=("C2",)))
    facts: dict[str, Any] = {"named": hubs, "offered": offered}
    assert judge(pilot("G1", 1, constraints=("C1", "C2")), **facts).code == "I99"
    assert judge(pilot("G1", 1, 2, constraints=("C2",)), **facts).code == "I99"
    assert judge(pilot("G1", 1, 2, constraints=("C1",)), **facts).code == "E110606"
    unknown = judge(pilot("G1", 1, constraints=("C9", "C1")), **facts)
    assert unknown.code == "E110606"
    assert unknown.explanation == "the CSP of North has not offered C9, which the group G1/Pilot names"
    assert judge(pilot("G1", 1, constraints=("C1",))).code == "E110606"


def test_safe_launch_groups_may_take_constraints_of_either_schedule() -> None:
    offered = (
        offer("North", PILOT, codes=("C1",)),
        offer("North", SUMMER, codes=("C2",), stage=Stage.SAFE_LAUNCH),
    )
    assert judge(launch("G1", 1, constraints=("C1", "C2")), offered=offered).code == "I99"
    assert judge(pilot("G1", 1, constraints=("C2",)), offered=offered).code == "E110606"


@pytest.mark.requirement("BR-0.3", "BR-3.7", "BR-3.9")
def test_safe_launch_takes_any_own_eligible_hub_excluded_ones_among_them() -> None:
    """BR-3.9, PIA-R3."""
    hubs = {**HUBS, 20: named(20, mark="excluded"), 21: named(21, in_default_list=False)}
    assert judge(launch("G1", 20, 21), named=hubs, preferred=None).code == "I99"
    judged = judge(pilot("G1", 20, 1), named=hubs)
    assert (judged.code, judged.findings) == ("W110601", HubFindings(excluded=(20,)))


@pytest.mark.requirement("BR-0.3")
def test_safe_launch_takes_the_hubs_less_those_of_a_pilot_that_has_not_ended() -> None:
    assert judge(launch("L", 1, period=Period(PILOT.end - DAY, SUMMER.end))).code == "E110605"
    judged = judge(launch("L", 1, 2, period=Period(PILOT.end, SUMMER.end)), in_pilot=frozenset({1}))
    assert (judged.code, judged.findings) == ("W110601", HubFindings(in_pilot=(1,)))
    assert [group.device_ids for group in judged.instructions] == [(2,)]


def test_a_hub_that_is_instructed_under_another_release_is_left_out() -> None:
    judged = judge(pilot("G1", 1), named=by_id(named(1, in_progress=True)))
    assert (judged.code, judged.findings) == ("E110602", HubFindings(in_progress=(1,)))


@pytest.mark.requirement("BR-3.8", "BR-3.9")
@pytest.mark.once
def test_a_safe_launch_batch_of_fifty_thousand_is_one_group() -> None:
    """BR-3.8."""
    hubs = by_id(*(named(hub) for hub in range(50_000)))
    judged = judge(launch("G1", *range(50_000)), named=hubs)
    assert (judged.code, len(judged.instructions[0].device_ids)) == ("I99", 50_000)


@st.composite
def scenarios(draw: st.DrawFn) -> tuple[PreferredPilotSchedule, ScheduleFacts]:
    """Any few groups over a small inventory, beside any few standing ones."""
    ids = st.lists(st.integers(1, 14), min_size=1, max_size=4).map(tuple)
    names = st.sampled_from(["G1", "G2", "G3"])
    stages = st.sampled_from(Stage)
    period = st.sampled_from([APRIL, PILOT, SUMMER])
    group = st.builds(DeploymentGroup, names, stages, ids, period, st.sampled_from([(), ("C1",)]))
    facts = ScheduleFacts(
        release=release(pilot=PilotTerms(PILOT, limit=draw(st.integers(0, 6)))),
        supplier=OURS,
        named=draw(inventories()),
        preferred=draw(st.none() | st.frozensets(st.integers(1, 14), min_size=6)),
        standing=(instruction(draw(names), *draw(ids), stage=draw(stages)),),
        offered=draw(st.sampled_from([(), (offer("North", PILOT, codes=("C1",)),)])),
    )
    groups = draw(st.lists(group, min_size=1, max_size=3).map(tuple))
    return PreferredPilotSchedule("R1", NEW, groups), facts


@given(scenarios())
def test_accepted_groups_hold_each_good_hub_once_and_pilot_hubs_are_in_the_pilot(
    scenario: tuple[PreferredPilotSchedule, ScheduleFacts],
) -> None:
    request, facts = scenario
    judged = judge_schedule(request, facts, NOW)
    hubs = [hub for group in judged.instructions for hub in group.device_ids]
    listed = {hub for item in fields(judged.findings) for hub in getattr(judged.findings, item.name)}
    assert len(hubs) == len(set(hubs))
    assert not set(hubs) & listed
    if judged.accepted:
        assert judged.instructions
        assert set(hubs) | listed == {hub for group in request.groups for hub in group.device_ids}
        piloted = {hub for group in judged.instructions if group.stage is Stage.PILOT for hub in group.device_ids}
        proving = {hub for hub in piloted if facts.named[hub].mark == "proving"}
        assert piloted <= (facts.preferred or frozenset()) | proving
    else:
        assert judged.instructions == ()


@given(scenarios())
def test_the_same_schedule_again_is_judged_the_same(
    scenario: tuple[PreferredPilotSchedule, ScheduleFacts],
) -> None:
    request, facts = scenario
    first = judge_schedule(request, facts, NOW)
    if first.accepted:
        standing = {(group.stage, group.group_id): group for group in (*facts.standing, *first.instructions)}
        again = judge_schedule(request, replace(facts, standing=tuple(standing.values())), NOW)
        assert again == first
        every = [hub for group in standing.values() for hub in group.device_ids]
        new = {hub for group in first.instructions for hub in group.device_ids}
        assert all(every.count(hub) == 1 for hub in new)


def cancelled(*groups: tuple[str, Stage], sent: tuple[DeploymentGroup, ...] = (), **facts: Any) -> ScheduleJudgement:
    now = facts.pop("now", NOW)
    back = tuple(CancelledGroup(name, stage) for name, stage in groups)
    return judge_schedule(PreferredPilotSchedule("R1", NEW, sent, back), replace(STANDARD, **facts), now)


STANDING = (
    instruction("G1", 1, 2, stage=Stage.SAFE_LAUNCH, period=SUMMER),
    instruction("G2", 3, stage=Stage.SAFE_LAUNCH, period=SUMMER),
)


@pytest.mark.requirement("A05", "EX-11")
def test_a_group_is_taken_back_before_its_period_starts() -> None:
    judged = cancelled(("G1", Stage.SAFE_LAUNCH), standing=STANDING)
    assert judged.code == "I99"
    assert [(one.group_id, one.device_ids) for one in judged.instructions] == [("G1", ())]


@pytest.mark.requirement("A05")
def test_a_group_can_be_taken_back_when_no_instruction_can_come_any_more() -> None:
    late = one_month_before(AUTOMATIC) + DAY
    autumn = Period(late + DAY, AUTOMATIC - DAY)
    standing = (instruction("G1", 1, stage=Stage.SAFE_LAUNCH, period=autumn),)
    assert cancelled(("G1", Stage.SAFE_LAUNCH), standing=standing, now=late).code == "I99"


@pytest.mark.parametrize(
    ("name", "stage", "now", "code", "words"),
    [
        ("G3", Stage.SAFE_LAUNCH, NOW, "E110602", "the group G3/SafeLaunch is not known"),
        ("G1", Stage.PILOT, NOW, "E110602", "the group G1/Pilot is not known"),
        ("G1", Stage.SAFE_LAUNCH, SUMMER.start, "E110605", "the group G1/SafeLaunch has begun"),
        ("G9", Stage.SAFE_LAUNCH, NOW, "E110602", "the group G9/SafeLaunch no longer has any hubs"),
    ],
)
def test_what_does_not_stand_or_has_begun_cannot_be_taken_back(
    name: str, stage: Stage, now: datetime, code: str, words: str
) -> None:
    empty = replace(STANDING[0], group_id="G9", device_ids=())
    begun = frozenset({1}) if now == SUMMER.start else frozenset()
    judged = cancelled((name, stage), standing=(*STANDING, empty), under_way=begun, now=now)
    assert (judged.code, judged.explanation) == (code, f"nothing is cancelled: {words}")


def test_what_is_taken_back_leaves_its_hubs_to_other_groups() -> None:
    """In one request; a group that is both sent and cancelled is sent."""
    moved = launch("G4", 1, 2)
    judged = cancelled(("G1", Stage.SAFE_LAUNCH), sent=(moved,), standing=STANDING)
    assert [(one.group_id, one.device_ids) for one in judged.instructions] == [("G4", (1, 2)), ("G1", ())]
    again = cancelled(("G1", Stage.SAFE_LAUNCH), sent=(launch("G1", 5),), standing=STANDING)
    assert [(one.group_id, one.device_ids) for one in again.instructions] == [("G1", (5,))]
