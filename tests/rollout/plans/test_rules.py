"""What is planned for each hub, and why (BR-3.1 to BR-3.9, BR-4.1, BR-4.2, PIA-C2, PIA-S5, PIA-R3)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duis_gateway.duis.identifiers import format_eui, format_eui_plain
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.plans.records import (
    GroupSay,
    HubInstruction,
    PlanBasis,
    PlanFacts,
    PlanStanding,
    ToldPlan,
    VoidReason,
)
from duis_gateway.rollout.plans.rules import Basis, HubPlan, plan_hub
from duis_gateway.rollout.releases.records import HubMark, Period, PilotTerms, ReleaseState, Stage
from duis_gateway.rollout.rollout_decisions.records import GroupDecision
from tests.support.rules import AUTOMATIC, NEW, NOW, OLD, OURS, THEIRS, hub, instruction, release

DAY = timedelta(days=1)
MAY = Period(datetime.fromisoformat("2026-05-01T00:00Z"), datetime.fromisoformat("2026-05-10T12:30Z"))
JUNE = Period(MAY.start + 31 * DAY, MAY.end + 31 * DAY)
SPLIT = hub(gas_supplier=THEIRS)
ACCEPTED = GroupSay(GroupDecision.ACCEPTED)
LONG = release(pilot=PilotTerms(Period(NOW, AUTOMATIC), limit=10), state=ReleaseState.PILOTING)
"""A release whose pilot lasts until the automatic date."""
LONG_SINCE = replace(LONG, pilot=PilotTerms(Period(NOW - 9 * DAY, AUTOMATIC), limit=10))


def given_by(supplier: int, period: Period = MAY, **changes: Any) -> HubInstruction:
    """An instruction of a pilot group that names the hub."""
    return replace(HubInstruction(supplier, "G1", Stage.PILOT, period, NOW), **changes)


def plan(*instructions: HubInstruction, of: Hub | None = None, **facts: Any) -> HubPlan:
    """The plan of a hub of ours alone, unless another is given."""
    of_hub = of or hub(), facts.pop("terms", LONG), facts.pop("at", NOW)
    return plan_hub(PlanFacts(*of_hub, instructions=instructions, **facts))


def test_of_two_instructions_of_one_moment_the_later_counts() -> None:
    """A clock that stands still gives both the same time."""
    assert plan(given_by(OURS), given_by(OURS, JUNE)).period == JUNE
    assert plan(given_by(OURS, JUNE), given_by(OURS)).period == MAY


@pytest.mark.requirement("BR-3.6")
def test_without_an_instruction_the_automatic_date_stands() -> None:
    """BR-3.6."""
    assert plan() == HubPlan(
        Basis.AUTOMATIC_DATE,
        "automatic date: its supplier has not instructed",
        due=AUTOMATIC,
        stage=Stage.SAFE_LAUNCH,
        indicative=True,
        void=VoidReason.NOT_INSTRUCTED,
    )


def test_a_plan_says_that_its_release_is_not_approved() -> None:
    notified = plan(terms=replace(LONG, state=ReleaseState.NOTIFIED))
    said = "not before DCC approves the release; automatic date: its supplier has not instructed"
    assert (notified.explanation, notified.reason) == (said, "its supplier has not instructed")


@pytest.mark.requirement("BR-3.2")
def test_one_supplier_is_enough_where_there_is_one() -> None:
    """BR-3.2."""
    expected = HubPlan(
        Basis.INSTRUCTED,
        "2026-05-01 00:00 to 2026-05-10 12:30 UTC: its supplier has instructed it; the CSP has not decided yet",
        MAY,
        MAY.end,
        Stage.PILOT,
        indicative=True,
    )
    assert plan(given_by(OURS)) == expected
    assert plan(given_by(OURS), of=hub(gas_supplier=None)) == expected
    assert plan(given_by(OURS), of=hub(import_supplier=None)) == expected


@pytest.mark.parametrize(
    ("instructions", "words"),
    [
        ((), "the Import Supplier has not instructed and the Gas Supplier has not instructed"),
        ((given_by(OURS),), "the Gas Supplier has not instructed"),
        ((given_by(THEIRS),), "the Import Supplier has not instructed"),
    ],
)
def test_a_split_hub_waits_for_both_and_the_plan_says_for_whom(
    instructions: tuple[HubInstruction, ...], words: str
) -> None:
    """BR-3.3, BR-4.1."""
    planned = plan(*instructions, of=SPLIT)
    assert (planned.basis, planned.explanation) == (Basis.AUTOMATIC_DATE, f"automatic date: {words}")


def test_of_two_instructions_the_later_start_and_end_count() -> None:
    """BR-4.2."""
    late_start = Period(JUNE.start, JUNE.start)
    planned = plan(given_by(OURS, Period(MAY.start, JUNE.end)), given_by(THEIRS, late_start), of=SPLIT)
    assert (planned.period, planned.due) == (JUNE, JUNE.end)
    assert "both suppliers have instructed" in planned.explanation


@pytest.mark.parametrize("fixed", [None, MAY], ids=["as instructed", "as fixed"])
def test_who_instructs_when_the_others_period_is_over_finds_nothing_to_go_with(fixed: Period | None) -> None:
    """The first wanted its hub then, and at no other time (BR-3.3)."""
    say = None if fixed is None else GroupSay(GroupDecision.AMENDED, fixed)
    first = given_by(OURS, JUNE if fixed else MAY, say=say)
    for late, counts in ((MAY.end, False), (MAY.end - DAY, True)):
        planned = plan(first, given_by(THEIRS, JUNE, received_at=late), of=SPLIT)
        assert (planned.basis is Basis.INSTRUCTED) is counts
        words = "the Import Supplier has instructed, but its period ended before the other supplier instructed"
        assert (words in planned.explanation) is not counts
        if not counts:
            assert planned.told is VoidReason.AWAITS_SECOND_SUPPLIER


@pytest.mark.requirement("PIA-S2")
def test_a_hub_is_in_the_pilot_only_if_both_put_it_there() -> None:
    """PIA-S2."""
    planned = plan(given_by(OURS), given_by(THEIRS, stage=Stage.SAFE_LAUNCH), of=SPLIT)
    assert planned.stage is Stage.SAFE_LAUNCH
    assert plan(given_by(OURS), given_by(THEIRS), of=SPLIT).stage is Stage.PILOT


def test_a_supplier_that_cannot_instruct_is_named_by_its_role() -> None:
    planned = plan(given_by(OURS), of=SPLIT, unable=frozenset({THEIRS}))
    assert planned.explanation == "automatic date: the Gas Supplier cannot instruct (older DUIS version)"


def test_a_former_suppliers_instruction_no_longer_counts() -> None:
    """Design section 7, "Inventory changes"."""
    assert plan(given_by(THEIRS)).basis is Basis.AUTOMATIC_DATE
    assert plan(given_by(OURS), of=SPLIT).basis is Basis.AUTOMATIC_DATE


@pytest.mark.requirement("PIA-S5")
def test_a_plan_is_indicative_until_the_csp_has_decided_on_every_instruction() -> None:
    """PIA-C2, PIA-S5."""
    both = (given_by(OURS, say=ACCEPTED), given_by(THEIRS, say=ACCEPTED))
    assert not plan(*both, of=SPLIT).indicative
    assert plan(both[0], given_by(THEIRS), of=SPLIT).indicative
    assert "the CSP has decided" in plan(both[0]).explanation


@pytest.mark.requirement("PIA-C4")
def test_a_plan_says_that_the_csp_regrouped() -> None:
    moved = given_by(OURS, say=GroupSay(GroupDecision.AMENDED, JUNE, piece=True))
    assert plan(moved).period == JUNE
    assert plan(moved).explanation.endswith("; the CSP amended part of the group")
    refused = given_by(OURS, say=GroupSay(GroupDecision.REFUSED, None, "no capacity", piece=True))
    why = "its supplier has instructed, but the CSP refused this part of the group (no capacity)"
    assert plan(refused).explanation == f"automatic date: {why}"


def test_a_period_that_the_csp_fixed_takes_the_place_of_the_one_instructed() -> None:
    amended = GroupSay(GroupDecision.AMENDED, JUNE, "capacity")
    assert plan(given_by(OURS, say=amended)).period == JUNE


def test_a_refused_instruction_does_not_count_and_its_reason_is_for_its_supplier_alone() -> None:
    refused = GroupSay(GroupDecision.REFUSED, None, "no capacity for Acme Energy")
    instructions = (given_by(OURS), given_by(THEIRS, say=refused))
    for viewer in (None, THEIRS):
        assert "Acme" in plan(*instructions, of=SPLIT, viewer=viewer).explanation
    planned = plan(*instructions, of=SPLIT, viewer=OURS)
    assert planned.explanation == "automatic date: the Gas Supplier has instructed, but the CSP refused"


def test_a_period_no_longer_before_the_automatic_date_does_not_count() -> None:
    fixed = GroupSay(GroupDecision.AMENDED, Period(MAY.start, AUTOMATIC))
    planned = plan(given_by(OURS, say=fixed))
    assert planned.explanation == "automatic date: the instructed period does not end before it"


def test_dcc_chooses_on_a_suppliers_behalf_where_it_has_not_chosen_itself() -> None:
    """PIA-A9."""
    chosen = given_by(OURS, JUNE, by_dcc=True, received_at=NOW + DAY)
    assert plan(chosen).period == JUNE
    assert "on its supplier's behalf" in plan(chosen).explanation
    assert plan(chosen, given_by(OURS)).period == MAY


def test_of_two_instructions_of_one_supplier_the_newer_counts() -> None:
    assert plan(given_by(OURS, JUNE, received_at=NOW + DAY), given_by(OURS)).period == JUNE


def test_a_batch_of_dcc_moves_hubs_that_no_instruction_moves() -> None:
    """BR-3.7."""
    planned = plan(batch=JUNE)
    assert (planned.basis, planned.period) == (Basis.BATCH, JUNE)
    assert planned.explanation.endswith("DCC instructed it in a batch; its supplier has not instructed")
    assert plan(given_by(OURS), batch=JUNE).basis is Basis.INSTRUCTED
    assert plan(batch=Period(MAY.start, AUTOMATIC)).basis is Basis.AUTOMATIC_DATE


def test_beside_a_period_of_dcc_s_batch_it_is_clear_what_of_the_other_instructions_is_void() -> None:
    """Before, "the instructed period has ended" was said of a hub whose batch has a period to come."""
    batch = Period(MAY.end + DAY, MAY.end + 9 * DAY)
    over = plan(given_by(OURS), batch=batch, at=MAY.end)
    assert over.period == batch
    assert over.explanation.endswith(": DCC instructed it in a batch; what was instructed besides is over")
    late = GroupSay(GroupDecision.AMENDED, Period(MAY.start, AUTOMATIC))
    said = "what was instructed besides does not end before the automatic date"
    assert plan(given_by(OURS, say=late), batch=batch).explanation.endswith(f"in a batch; {said}")
    assert plan(given_by(OURS), at=MAY.end).explanation == "automatic date: the instructed period has ended"


def test_a_batch_without_a_period_goes_at_the_automatic_date() -> None:
    planned = plan(undated_batch=True)
    assert (planned.basis, planned.period, planned.due) == (Basis.BATCH, None, AUTOMATIC)
    assert planned.explanation.startswith("automatic date: DCC instructed it in a batch")
    assert plan(given_by(OURS), undated_batch=True).basis is Basis.INSTRUCTED


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"later_versions": frozenset({OLD})}, "which a later release brought"),
        ({"permitted_predecessors": frozenset({"7"})}, "does not permit as a predecessor"),
    ],
)
def test_a_hub_that_the_release_may_not_be_applied_to_is_not_planned(changes: dict[str, Any], words: str) -> None:
    planned = plan_hub(PlanFacts(hub(1), release(**changes), NOW, instructions=(given_by(OURS),)))
    assert planned.basis is Basis.NOT_PLANNED
    assert words in planned.explanation


def test_an_excluded_hub_is_outside_the_pilot_but_not_outside_safe_launch() -> None:
    """PIA-R3."""
    planned = plan(given_by(OURS), mark=HubMark.EXCLUDED)
    assert planned.basis is Basis.AUTOMATIC_DATE
    assert "DCC may update it beforehand" in planned.explanation
    assert plan(given_by(OURS, stage=Stage.SAFE_LAUNCH), mark=HubMark.EXCLUDED).basis is Basis.INSTRUCTED


@pytest.mark.requirement("PIA-S5")
def test_the_csps_own_schedule_is_shown_and_binds_nobody() -> None:
    """PIA-S5."""
    planned = plan(scheduled=JUNE, mark=HubMark.PROVING)
    assert (planned.period, planned.due) == (None, AUTOMATIC)
    assert "the CSP's schedule aims at 2026-06-01 00:00 to" in planned.explanation
    counts = "UTC, which binds nobody: the automatic date counts unless the hub is instructed"
    assert counts in planned.explanation, "before, a supplier could not tell which of the two counts"
    assert "always in the pilot" in planned.explanation


def test_a_pause_holds_the_plan_and_shows_it() -> None:
    planned = plan(given_by(OURS), terms=release(paused=True))
    assert (planned.held, planned.period) == (True, MAY)
    assert planned.explanation.startswith("held, because the release is paused; ")


@pytest.mark.parametrize(
    ("changes", "basis", "words"),
    [
        ({"firmware_version": NEW}, Basis.ACTIVE, "runs version"),
        ({"model": "other"}, Basis.NOT_PLANNED, "another device model"),
        ({"status": "Suspended"}, Basis.NOT_PLANNED, "Suspended"),
        ({"device_type": "ESME"}, Basis.NOT_PLANNED, "is of type ESME, not a Communications Hub"),
        ({"device_type": "ESME", "status": "Pending"}, Basis.NOT_PLANNED, "is of type ESME, not a"),
        ({"status": "Pending"}, Basis.NOT_PLANNED, "the device is Pending, not a commissioned hub"),
    ],
)
def test_status_and_version_are_looked_at_again(changes: dict[str, Any], basis: Basis, words: str) -> None:
    """Design section 7, "Inventory changes"."""
    planned = plan(given_by(OURS), of=hub(**changes))
    assert (planned.basis, planned.due, planned.stage) == (basis, None, None)
    assert words in planned.explanation


@pytest.mark.parametrize("state", [state for state in ReleaseState if not state.is_live])
def test_nothing_is_planned_under_a_release_that_is_over(state: ReleaseState) -> None:
    planned = plan(given_by(OURS), terms=release(state=state))
    assert (planned.basis, planned.period) == (Basis.NOT_PLANNED, None)


def test_a_hub_without_a_supplier_waits_for_the_automatic_date() -> None:
    planned = plan(given_by(OURS), of=hub(import_supplier=None, gas_supplier=None))
    assert "no supplier is responsible" in planned.explanation


def test_a_standing_group_bears_on_each_of_its_hubs() -> None:
    group = instruction("G7", 1, 2, period=MAY)
    assert HubInstruction.of(group, ACCEPTED) == HubInstruction(OURS, "G7", Stage.PILOT, MAY, NOW, ACCEPTED)


parties = st.sampled_from([OURS, THEIRS, None])
starts = st.integers(0, 8)
windows = st.builds(
    lambda start, length: Period(NOW + start * 30 * DAY, NOW + (start + length) * 30 * DAY), starts, starts
)


@st.composite
def instructions_given(draw: st.DrawFn) -> HubInstruction:
    """Any instruction; the CSP's words on it say whose it is."""
    supplier = draw(st.sampled_from([OURS, THEIRS, 77]))
    reason = f"group of {format_eui(supplier)}"
    say = st.builds(GroupSay, st.sampled_from(GroupDecision), st.none() | windows, st.just(reason))
    received = NOW + draw(st.integers(0, 5)) * DAY
    stage = draw(st.sampled_from(Stage))
    return HubInstruction(supplier, "G1", stage, draw(windows), received, draw(st.none() | say), draw(st.booleans()))


scenarios = st.builds(
    PlanFacts,
    hub=st.builds(lambda one, two: hub(import_supplier=one, gas_supplier=two), parties, parties),
    release=st.builds(release, paused=st.booleans()),
    at=st.just(NOW),
    mark=st.none() | st.sampled_from(HubMark),
    instructions=st.lists(
        instructions_given(), max_size=4, unique_by=lambda one: (one.supplier, one.by_dcc, one.received_at)
    ).map(tuple),
    batch=st.none() | windows,
    scheduled=st.none() | windows,
    unable=st.sets(st.sampled_from([OURS, THEIRS])).map(frozenset),
)


def by_hand(facts: PlanFacts) -> Period | None:
    """The plan by another way: what each responsible supplier wants, then the maximum of all of it."""
    wanted: dict[int, Period] = {}
    pilot = facts.release.pilot
    assert pilot is not None

    def period_of(one: HubInstruction) -> Period:
        return (one.say and one.say.period) or one.period

    def weight(one: HubInstruction) -> tuple[bool, bool, datetime]:
        return period_of(one).end > NOW, not one.by_dcc, one.received_at

    for one in sorted(facts.instructions, key=weight):
        refused = one.say is not None and one.say.decision is GroupDecision.REFUSED
        starts_in_pilot = pilot.period.start <= period_of(one).start < pilot.period.end
        outside = one.stage is Stage.PILOT and (facts.mark is HubMark.EXCLUDED or not (one.by_dcc or starts_in_pilot))
        if not refused and not outside:
            wanted[one.supplier] = period_of(one)
    responsible = {s for s in (facts.hub.import_supplier, facts.hub.gas_supplier) if s}
    if responsible and responsible <= set(wanted):
        start = max(wanted[supplier].start for supplier in responsible)
        end = max(wanted[supplier].end for supplier in responsible)
        if NOW < end < facts.release.automatic_date:
            return Period(start, end)
    if facts.batch is not None and NOW < facts.batch.end < facts.release.automatic_date:
        return facts.batch
    return None


@pytest.mark.requirement("BR-4.1", "BR-4.2", "BR-3.5")
@given(scenarios)
def test_the_plan_is_that_of_an_independent_model(facts: PlanFacts) -> None:
    assert plan_hub(facts).period == by_hand(facts)


@given(scenarios)
def test_no_hub_moves_after_the_automatic_date_nor_before_what_counts(facts: PlanFacts) -> None:
    planned = plan_hub(facts)
    assert planned.due is not None
    assert planned.due <= facts.release.automatic_date
    assert (planned.period is None) == (planned.basis is Basis.AUTOMATIC_DATE)
    assert planned.held == facts.release.paused


@given(scenarios)
def test_the_plan_is_symmetric_in_the_two_suppliers(facts: PlanFacts) -> None:
    mirrored = hub(import_supplier=facts.hub.gas_supplier, gas_supplier=facts.hub.import_supplier)
    one, other = plan_hub(facts), plan_hub(replace(facts, hub=mirrored))
    assert (one.period, one.due, one.stage, one.basis) == (other.period, other.due, other.stage, other.basis)


@given(scenarios)
def test_no_supplier_reads_in_a_plan_who_the_other_is(facts: PlanFacts) -> None:
    """BR-3.3; what the CSP says of a group in these scenarios names the supplier whose group it is."""
    text = plan_hub(replace(facts, viewer=OURS)).explanation
    assert format_eui(THEIRS) not in text
    assert format_eui_plain(THEIRS) not in text
    assert str(THEIRS) not in text


def test_what_has_ended_moves_nothing_any_more() -> None:
    """The hub falls back: to DCC's batch where that is still to come, else to the automatic date."""
    over = Period(NOW - 2 * DAY, NOW)
    assert plan(given_by(OURS, over), terms=LONG_SINCE).void is VoidReason.PERIOD_ENDED
    assert plan(given_by(OURS, over), terms=LONG_SINCE, batch=MAY).basis is Basis.BATCH
    assert plan(given_by(OURS, replace(over, end=NOW + DAY)), terms=LONG_SINCE).period is not None
    assert plan(given_by(OURS, over), given_by(OURS, MAY, by_dcc=True), terms=LONG_SINCE).period == MAY


@pytest.mark.parametrize(
    ("given", "facts", "why"),
    [
        ((), {}, VoidReason.NOT_INSTRUCTED),
        ((given_by(OURS),), {"of": SPLIT}, VoidReason.AWAITS_SECOND_SUPPLIER),
        (
            (given_by(OURS), given_by(THEIRS, say=GroupSay(GroupDecision.REFUSED))),
            {"of": SPLIT},
            VoidReason.REFUSED_BY_CSP,
        ),
        ((given_by(OURS, Period(MAY.start, AUTOMATIC)),), {}, VoidReason.TOO_LATE),
        ((given_by(OURS, Period(NOW, MAY.end)),), {"terms": release()}, VoidReason.OUTSIDE_PILOT),
        ((given_by(OURS),), {"mark": HubMark.EXCLUDED}, VoidReason.EXCLUDED),
        ((given_by(OURS),), {"terms": replace(LONG, paused=True)}, VoidReason.PAUSED),
        ((given_by(OURS),), {"terms": replace(LONG, state=ReleaseState.STOPPED)}, VoidReason.RELEASE_OVER),
        ((given_by(OURS),), {"terms": replace(LONG, state=ReleaseState.INVALIDATED)}, VoidReason.PILOT_INVALIDATED),
        ((given_by(OURS),), {"of": hub(status="Suspended")}, VoidReason.NOT_COMMISSIONED),
        ((given_by(OURS),), {"of": hub(model="OTHER")}, VoidReason.OTHER_MODEL),
        ((given_by(OURS),), {"of": hub(firmware_version=NEW)}, VoidReason.RUNS_VERSION),
    ],
)
def test_why_no_plan_is_told(given: tuple[HubInstruction, ...], facts: dict[str, Any], why: VoidReason) -> None:
    assert plan(*given, **facts).told is why


def test_what_is_told_of_a_plan() -> None:
    """Requested until the CSP has decided on all that counts; that DCC chose for one of two is not said."""
    own, dccs = given_by(OURS, say=ACCEPTED), given_by(THEIRS, by_dcc=True)
    fixed = ToldPlan(Stage.PILOT, PlanBasis.SUPPLIERS, PlanStanding.FIXED, MAY)
    assert plan(own).told == fixed
    assert plan(given_by(OURS)).told == replace(fixed, standing=PlanStanding.REQUESTED)
    assert plan(own, given_by(THEIRS), of=SPLIT).told == replace(fixed, standing=PlanStanding.REQUESTED)
    assert plan(own, dccs, of=SPLIT).told == fixed
    assert plan(given_by(OURS, by_dcc=True)).told == replace(fixed, basis=PlanBasis.DCC)
    assert plan(batch=MAY).told == replace(fixed, basis=PlanBasis.DCC, stage=Stage.SAFE_LAUNCH)


@pytest.mark.requirement("X09", "X08")
@pytest.mark.parametrize("of", [hub(), SPLIT])
def test_a_batch_that_is_over_is_told_as_such_where_no_supplier_had_what_could_count(of: Hub) -> None:
    """The CSP had refused it, or its pilot has no place for it: nobody refused DCC's batch."""
    refused = given_by(OURS, say=GroupSay(GroupDecision.REFUSED))
    over = Period(NOW - 9 * DAY, NOW - DAY)
    before, since = replace(refused, received_at=over.start), replace(refused, received_at=NOW)
    ended = plan(before, batch=over, of=of)
    assert ended.told is VoidReason.PERIOD_ENDED
    assert ended.explanation.endswith("; the period of DCC's batch has ended")
    assert plan(since, batch=over, of=of).told is VoidReason.REFUSED_BY_CSP, "what came since is the news"
    assert plan(before, batch=Period(MAY.start, AUTOMATIC), of=of).told is VoidReason.TOO_LATE
    outside = replace(given_by(OURS, Period(NOW, MAY.end)), received_at=over.start)
    assert plan(outside, batch=over, terms=release(), of=of).told is VoidReason.PERIOD_ENDED
    half = replace(given_by(OURS), received_at=over.start)
    assert plan(half, batch=over, of=SPLIT).told is VoidReason.AWAITS_SECOND_SUPPLIER, "that one can still be met"
