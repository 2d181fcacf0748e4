"""Preferred Pilot Lists (SRV 11.5, design section 5; A04, PIA-1, PIA-5, PIA-C1, PIA-C5, BR-2.3, BR-5.2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duis_gateway.duis.service_requests.preferred_pilot_list import PreferredPilotList
from duis_gateway.rollout.device_lists import HubFindings
from duis_gateway.rollout.hubs.records import HubInRegion, NamedHub
from duis_gateway.rollout.periods import one_month_before
from duis_gateway.rollout.pilot_lists.rules import PilotListFacts, PilotListJudgement, judge_pilot_list
from duis_gateway.rollout.releases.records import PilotTerms, ReleaseState, ReleaseType, Stage
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
    located,
    named,
    release,
)

HUBS = by_id(*(named(hub) for hub in range(1, 21)))
STANDARD = PilotListFacts(release=release(), supplier=OURS, named=HUBS, default=located(1, 2, 3))


def whole(*ids: int) -> PreferredPilotList:
    """A request that sends the whole list."""
    return PreferredPilotList("R1", NEW, ids)


def amended(add: tuple[int, ...] = (), remove: tuple[int, ...] = ()) -> PreferredPilotList:
    """A request that amends the default list."""
    return PreferredPilotList("R1", NEW, None, add, remove)


def judge(request: PreferredPilotList, now: datetime = NOW, **facts: Any) -> PilotListJudgement:
    """Judge by the standard facts with some changed."""
    return judge_pilot_list(request, replace(STANDARD, **facts), now)


def pilot_of(judgement: PilotListJudgement) -> tuple[int, ...]:
    """The ids of the hubs that stand."""
    return tuple(hub.device_id for hub in judgement.pilot)


def test_a_good_whole_list_is_accepted_and_stands_as_sent() -> None:
    judged = judge(whole(5, 4, 5))
    assert (judged.code, pilot_of(judged), judged.findings) == ("I99", (5, 4), HubFindings())


def test_hubs_are_forwarded_with_their_regions() -> None:
    """PIA-D1: each CSP gets those of its regions."""
    judged = judge(whole(1, 2), named=by_id(named(1), named(2, csp_region="South")))
    assert judged.pilot == (HubInRegion(1, "North"), HubInRegion(2, "South"))


def test_a_list_that_is_partly_wrong_is_accepted_for_the_good_hubs() -> None:
    """BR-5.2."""
    judged = judge(whole(1, 2, 99), named=by_id(named(1), named(2, import_supplier=THEIRS, gas_supplier=None)))
    assert judged.code == "W110501"
    assert pilot_of(judged) == (1,)
    assert judged.findings == HubFindings(invalid=(99,), not_responsible=(2,))


def test_a_list_without_a_good_hub_is_refused_with_the_same_lists() -> None:
    judged = judge(whole(98, 99))
    assert (judged.code, judged.accepted, judged.pilot) == ("E110502", False, ())
    assert judged.findings == HubFindings(invalid=(98, 99))


def test_a_list_without_a_good_hub_is_refused_though_there_are_proving_hubs() -> None:
    assert judge(whole(99), proving=located(7)).code == "E110502"


def test_neither_list_nor_amendments_means_the_default_list_as_it_is() -> None:
    judged = judge(amended())
    assert (judged.code, pilot_of(judged)) == ("I99", (1, 2, 3))


def test_amendments_are_made_to_the_default_list_and_not_to_the_list_that_stands() -> None:
    """PIA-C1: CSPs build the default list, users amend it."""
    judged = judge(amended(add=(9, 8), remove=(2,)), previous=located(15, 16))
    assert (judged.code, pilot_of(judged)) == ("I99", (1, 3, 9, 8))
    assert judged.removed == located(15, 16)


def test_adding_what_is_there_already_changes_nothing() -> None:
    assert pilot_of(judge(amended(add=(3,)))) == (1, 2, 3)


def test_removing_a_hub_that_is_not_in_the_default_list_is_invalid() -> None:
    hubs = by_id(named(1), named(2), named(3), named(4, in_default_list=False))
    judged = judge(amended(remove=(4, 1)), named=hubs)
    assert (judged.code, pilot_of(judged)) == ("W110501", (2, 3))
    assert judged.findings == HubFindings(invalid=(4,))


def test_amendments_without_a_good_hub_are_refused_and_the_default_is_not_taken() -> None:
    judged = judge(amended(add=(98,), remove=(99,)))
    assert (judged.code, judged.pilot) == ("E110502", ())
    assert judged.findings == HubFindings(invalid=(98, 99))


def test_a_hub_both_added_and_removed_is_invalid_and_not_in_the_pilot() -> None:
    judged = judge(amended(add=(1, 5, 6), remove=(5, 1)))
    assert (judged.code, pilot_of(judged)) == ("W110501", (2, 3, 6))
    assert judged.findings == HubFindings(invalid=(1, 5))
    assert judge(amended(add=(1,), remove=(1,))).code == "E110502"


def test_long_amendments_are_read_a_few_times_and_not_once_for_each_hub() -> None:
    """Hubs to be added beside hubs to be removed took the square of the lists, while every other writer waited."""

    class Counted(tuple[int, ...]):
        readings = 0

        def __iter__(self) -> Iterator[int]:
            Counted.readings += 1
            return super().__iter__()

    terms = release(pilot=PilotTerms(PILOT, limit=100))
    judged = judge(amended(add=tuple(range(4, 21)), remove=Counted((1, 2))), release=terms)
    assert judged.accepted
    assert Counted.readings < 5


def test_hubs_of_the_default_list_that_no_longer_fit_are_left_out_and_listed() -> None:
    """Design section 7, "Inventory changes"."""
    hubs = by_id(named(1), named(2, firmware_version=NEW), named(3, status="Suspended"))
    judged = judge(amended(), named=hubs)
    assert (judged.code, pilot_of(judged)) == ("W110501", (1,))
    assert judged.findings == HubFindings(not_applicable=(2,), not_commissioned=(3,))


def test_a_hub_that_no_longer_fits_can_be_removed_without_a_warning() -> None:
    hubs = by_id(named(1), named(2), named(3, status="Suspended"))
    judged = judge(amended(remove=(3,)), named=hubs)
    assert (judged.code, pilot_of(judged)) == ("I99", (1, 2))


def test_a_supplier_without_any_hub_cannot_take_the_default_list() -> None:
    assert judge(amended(), default=()).code == "E110502"
    assert judge(amended(), default=(), proving=located(7)).code == "I99"


def test_a_supplier_may_take_all_its_hubs_out_of_a_pilot_without_a_minimum() -> None:
    """PIA-7: the process may be voluntary."""
    judged = judge(amended(remove=(1, 2, 3)), previous=located(1, 2))
    assert (judged.code, judged.pilot, judged.removed) == ("I99", (), located(1, 2))


def test_proving_hubs_are_always_in_and_cannot_be_removed() -> None:
    """PIA-A10."""
    hubs = {**HUBS, 7: named(7, mark="proving"), 2: named(2, mark="proving")}
    assert pilot_of(judge(whole(4), named=hubs, proving=located(2, 7))) == (4, 2, 7)
    judged = judge(amended(remove=(2, 1)), named=hubs, proving=located(2, 7))
    assert (judged.code, pilot_of(judged)) == ("W110501", (3, 2, 7))
    assert judged.findings == HubFindings(excluded=(2,))


@pytest.mark.requirement("BR-0.2")
def test_the_limit_counts_hubs_after_amendments_and_without_proving_ones() -> None:
    """BR-0.2."""
    hubs = {**HUBS, 20: named(20, mark="proving")}
    terms = release(pilot=PilotTerms(PILOT, limit=3))
    assert judge(whole(4, 5, 6, 20), release=terms, named=hubs, proving=located(20)).code == "I99"
    assert judge(whole(4, 5, 6, 7), release=terms).code == "E110504"
    assert judge(whole(4, 5, 6, 99), release=terms).code == "W110501"
    assert judge(amended(add=(4,)), release=terms).code == "E110504"
    assert judge(amended(add=(4,), remove=(1,)), release=terms).code == "I99"
    assert judge(whole(4, 5), release=terms, active=2, brought=1).code == "I99"
    assert judge(whole(4, 5), release=terms, active=2, brought=2).code == "E110504", "they are of the pilot group"


@pytest.mark.requirement("PIA-C5")
def test_the_minimum_counts_the_same_hubs_as_the_limit() -> None:
    """PIA-C5."""
    hubs = {**HUBS, 20: named(20, mark="proving")}
    terms = release(pilot=PilotTerms(PILOT, limit=10, minimum=3))
    assert judge(whole(4, 5, 6), release=terms).code == "I99"
    judged = judge(whole(4, 5, 20, 99), release=terms, named=hubs, proving=located(20))
    assert (judged.code, judged.pilot) == ("E110510", ())
    assert judged.findings == HubFindings(invalid=(99,))
    assert judge(amended(remove=(1,)), release=terms).code == "E110510"
    assert judge(amended(remove=(1,)), release=terms, active=1).code == "I99", "what the pilot has updated counts"


@pytest.mark.parametrize("state", sorted(ReleaseState))
def test_lists_are_taken_for_live_releases_only(state: ReleaseState) -> None:
    expected = "I99" if state.is_live and state is not ReleaseState.SAFE_LAUNCH else "E110501"
    expected = "E110503" if state is ReleaseState.SAFE_LAUNCH else expected
    assert judge(whole(1), release=release(state=state)).code == expected


def test_an_unknown_release_or_another_version_than_its_own_is_refused() -> None:
    assert judge(whole(1), release=None).code == "E110501"
    assert judge(PreferredPilotList("R1", "00000009", (1,))).code == "E110501"


def test_lists_for_a_paused_release_are_accepted() -> None:
    assert judge(whole(1), release=release(paused=True)).code == "I99"


@pytest.mark.parametrize(
    "terms",
    [{"pilot": None}, {"pilot": None, "release_type": ReleaseType.SECURITY}, {"release_type": ReleaseType.OPERATIONAL}],
)
def test_a_release_without_a_pilot_takes_no_lists(terms: dict[str, Any]) -> None:
    """PIA-A3."""
    assert judge(whole(1), release=release(**terms)).code == "E110507"


def test_the_window_closes_with_the_pilot() -> None:
    assert judge(whole(1), now=PILOT.end - timedelta(seconds=1)).code == "I99"
    assert judge(whole(1), now=PILOT.end).code == "E110503"


def test_a_list_one_second_late_is_refused() -> None:
    """BR-3.4."""
    last = one_month_before(AUTOMATIC)
    terms = release(pilot=PilotTerms(replace(PILOT, end=AUTOMATIC - timedelta(days=1)), limit=10))
    assert judge(whole(1), now=last, release=terms).code == "I99"
    assert judge(whole(1), now=last + timedelta(seconds=1), release=terms).code == "E110505"


def test_hubs_that_are_instructed_under_another_release_are_left_out() -> None:
    judged = judge(whole(1, 2), named=by_id(named(1, in_progress=True), named(2, in_progress=True)), default=())
    assert (judged.code, judged.findings) == ("E110502", HubFindings(in_progress=(1, 2)))


def test_a_later_list_takes_dropped_hubs_out_of_standing_groups_and_lists_them() -> None:
    """Design section 5: groups that named dropped hubs lose them, both are forwarded, the answer lists them."""
    groups = (instruction("G1", 1, 2), instruction("G2", 3), instruction("G3", 4))
    judged = judge(whole(2, 4), previous=located(1, 2, 3, 4), groups=groups)
    assert judged.code == "W110501"
    assert judged.removed == located(1, 3)
    assert judged.regrouped == (instruction("G1", 2), instruction("G2"))
    assert judged.findings == HubFindings(removed_from_groups=(1, 3))


def test_a_list_takes_what_it_names_out_of_standing_safe_launch_groups() -> None:
    """BR-0.3: safe launch has no hub of the pilot."""
    launch = instruction("L1", 2, 5, stage=Stage.SAFE_LAUNCH)
    judged = judge(whole(1, 2), groups=(instruction("G1", 1), launch))
    assert judged.regrouped == (instruction("L1", 5, stage=Stage.SAFE_LAUNCH),)
    assert (judged.code, judged.findings) == ("W110501", HubFindings(removed_from_groups=(2,)))


def test_a_refused_list_leaves_everything_as_it_stands() -> None:
    judged = judge(whole(99), previous=located(1), groups=(instruction("G1", 1),))
    assert (judged.pilot, judged.removed, judged.regrouped) == ((), (), ())


@st.composite
def scenarios(draw: st.DrawFn) -> tuple[PreferredPilotList, PilotListFacts]:
    """Any request over a small inventory with everything that can be wrong in it."""
    known: dict[int, NamedHub] = draw(inventories())
    ids = st.lists(st.integers(1, 14), max_size=10).map(tuple)
    ours = [hub for hub in known.values() if OURS in (hub.import_supplier, hub.gas_supplier)]
    limit = draw(st.integers(0, 12))
    facts = PilotListFacts(
        release=release(pilot=PilotTerms(PILOT, limit=limit, minimum=draw(st.integers(0, min(3, limit))))),
        supplier=OURS,
        named=known,
        default=tuple(HubInRegion(hub.device_id, "North") for hub in ours if hub.in_default_list),
        proving=tuple(HubInRegion(hub.device_id, "North") for hub in ours if hub.mark == "proving"),
        previous=draw(st.none() | ids.map(lambda hubs: located(*dict.fromkeys(hubs)))),
        groups=(instruction("G1", *dict.fromkeys(draw(ids))),),
    )
    if draw(st.booleans()):
        return whole(*draw(ids.filter(bool))), facts
    return amended(draw(ids), draw(ids)), facts


def sent(request: PreferredPilotList) -> set[int]:
    """Every hub that a request names."""
    return {*(request.device_ids or ()), *request.add, *request.remove}


def listed(findings: HubFindings) -> list[int]:
    """Every hub in the lists of the answer, save those that groups lost."""
    names = [item.name for item in fields(findings) if item.name != "removed_from_groups"]
    return [hub for name in names for hub in getattr(findings, name)]


@given(scenarios())
def test_no_bad_hub_is_in_the_pilot_and_the_limits_hold(
    scenario: tuple[PreferredPilotList, PilotListFacts],
) -> None:
    request, facts = scenario
    judged = judge_pilot_list(request, facts, NOW)
    proving = {hub.device_id for hub in facts.proving}
    bad = listed(judged.findings)
    assert len(bad) == len(set(bad))
    assert not (set(pilot_of(judged)) - proving) & set(bad)
    assert set(bad) <= sent(request) | {hub.device_id for hub in facts.default}
    if judged.accepted:
        assert facts.release is not None
        assert facts.release.pilot is not None
        size = len(set(pilot_of(judged)) - proving)
        assert facts.release.pilot.minimum <= size <= facts.release.pilot.limit
        assert proving <= set(pilot_of(judged))
        assert judged.findings.any == (judged.code == "W110501")
    else:
        assert judged.pilot == ()


@given(scenarios())
def test_every_hub_sent_is_in_the_pilot_or_removed_or_listed(
    scenario: tuple[PreferredPilotList, PilotListFacts],
) -> None:
    """BR-5.2: nothing that was sent is passed over in silence."""
    request, facts = scenario
    judged = judge_pilot_list(request, facts, NOW)
    if judged.accepted:
        accounted = set(pilot_of(judged)) | set(listed(judged.findings)) | set(request.remove)
        assert sent(request) <= accounted
        removed = set(request.remove) - {hub.device_id for hub in facts.proving}
        assert not removed & set(pilot_of(judged))


@given(scenarios())
def test_amendments_are_default_less_removed_plus_added_plus_proving(
    scenario: tuple[PreferredPilotList, PilotListFacts],
) -> None:
    request, facts = scenario
    judged = judge_pilot_list(request, facts, NOW)
    if judged.accepted and request.device_ids is None:
        bad = set(listed(judged.findings))
        default = {hub.device_id for hub in facts.default}
        proving = {hub.device_id for hub in facts.proving}
        assert set(pilot_of(judged)) == ((default - set(request.remove)) | set(request.add)) - bad | proving


@given(scenarios())
def test_the_same_list_again_gives_the_same_pilot_and_takes_nothing_out(
    scenario: tuple[PreferredPilotList, PilotListFacts],
) -> None:
    request, facts = scenario
    first = judge_pilot_list(request, facts, NOW)
    if first.accepted:
        after = {group.group_id: group for group in first.regrouped}
        groups = tuple(after.get(group.group_id, group) for group in facts.groups)
        again = judge_pilot_list(request, replace(facts, previous=first.pilot, groups=groups), NOW)
        assert (again.pilot, again.removed, again.regrouped) == (first.pilot, (), ())


@given(scenarios())
def test_groups_are_left_with_hubs_of_the_pilot_only(
    scenario: tuple[PreferredPilotList, PilotListFacts],
) -> None:
    request, facts = scenario
    judged = judge_pilot_list(request, facts, NOW)
    stays = set(pilot_of(judged))
    lost = set(judged.findings.removed_from_groups)
    for group in judged.regrouped:
        assert group.stage is Stage.PILOT
        assert set(group.device_ids) <= stays
    assert not lost & stays
    assert {hub.device_id for hub in judged.removed}.isdisjoint(stays)
