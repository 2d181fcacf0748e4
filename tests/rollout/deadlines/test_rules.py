"""What is outstanding, for whom, and how long there is (BR-5.4, BR-5.5, BR-5.7, PIA-A12)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duis_gateway.parties.records import PartyKind
from duis_gateway.rollout.deadlines.others import NextActions, next_actions_of_others
from duis_gateway.rollout.deadlines.rules import (
    CspFacts,
    DccFacts,
    Deadline,
    NotTold,
    SupplierFacts,
    Task,
    TaskState,
    UndecidedGroup,
    csp_deadlines,
    dcc_deadlines,
    in_order,
    supplier_deadlines,
)
from duis_gateway.rollout.obligations.rules import Obligation, ObligationKind, ObligationState
from duis_gateway.rollout.periods import one_month_before
from duis_gateway.rollout.plans.records import VoidReason
from duis_gateway.rollout.releases.records import Period, PilotTerms, Release, ReleaseState
from duis_gateway.rollout.releases.rules import last_for_the_pilot, last_to_instruct
from duis_gateway.text.times import show_time
from tests.support.rules import AUTOMATIC, NOW, OURS, PILOT, THEIRS, release

pytestmark = pytest.mark.requirement("BR-5.4")

CSP, DCC = 0xC5, 0xDC
SECOND = timedelta(seconds=1)
LAST = one_month_before(AUTOMATIC)
MISSED = Obligation(OURS, ObligationKind.SHARE, 5, 2, PILOT.start, ObligationState.MISSED)


def shown_to(kind: PartyKind, party: int, *deadlines: Deadline) -> tuple[Deadline, ...]:
    """What a party is shown of the others' tasks."""
    return tuple(one for actions in next_actions_of_others(deadlines, kind, party, NOW) for one in actions.tasks)


def tasks(deadlines: tuple[Deadline, ...]) -> list[Task]:
    """The tasks in their order."""
    return [one.task for one in deadlines]


def test_a_supplier_is_asked_for_its_list_then_for_its_schedule() -> None:
    """BR-5.4."""
    first = supplier_deadlines(release(), SupplierFacts(OURS, eligible=40), NOW)
    assert first == (
        Deadline("R1", PartyKind.SUPPLIER, OURS, Task.SEND_PREFERRED_LIST, PILOT.end, 40, optional=True, about=OURS),
    )
    second = supplier_deadlines(release(), SupplierFacts(OURS, eligible=40, listed=10, unscheduled=4), NOW)
    assert [(one.task, one.hubs) for one in second] == [(Task.SEND_PREFERRED_SCHEDULE, 4)]
    assert supplier_deadlines(release(), SupplierFacts(OURS, eligible=40, listed=10), NOW) == ()


def test_instructions_are_due_a_month_before_the_automatic_date_to_the_second() -> None:
    """BR-3.4."""
    facts = SupplierFacts(OURS, listed=0, uninstructed=7, awaited=2)
    found = supplier_deadlines(release(), facts, LAST)
    assert [(one.task, one.due, one.hubs) for one in found] == [
        (Task.INSTRUCT_SPLIT_HUBS, LAST, 2),
        (Task.INSTRUCT_SAFE_LAUNCH, LAST, 7),
    ]
    assert supplier_deadlines(release(), facts, LAST + SECOND) == ()


def test_lists_are_due_at_the_pilots_end_or_a_month_before_the_automatic_date() -> None:
    late = release(pilot=PilotTerms(Period(PILOT.start, AUTOMATIC - timedelta(days=2)), limit=10))
    assert last_for_the_pilot(release()) == PILOT.end
    assert last_for_the_pilot(late) == last_to_instruct(late) == LAST
    assert last_for_the_pilot(release(pilot=None)) is None


def test_what_is_owed_to_the_pilot_is_shown_until_it_is_met_and_as_missed_once_it_is_late() -> None:
    """PIA-A9: also when the pilot is over."""
    facts = SupplierFacts(OURS, eligible=50, obligations=(MISSED,))
    found = supplier_deadlines(release(), facts, PILOT.start + SECOND)
    assert tasks(found) == [Task.SEND_PREFERRED_LIST, Task.PROVIDE_SHARE]
    assert (found[0].optional, found[1].hubs) == (False, 3)
    assert found[1].standing(PILOT.start + SECOND) is TaskState.MISSED
    assert found[1].why == (
        f"2 of 5 hubs were provided; 11.5 can still provide them until {show_time(PILOT.end)}, "
        "and DCC may choose hubs on the supplier's behalf"
    )
    (left,) = supplier_deadlines(release(), facts, PILOT.end)
    assert (left.task, left.why) == (Task.PROVIDE_SHARE, "2 of 5 hubs were provided; the pilot has ended")


def test_what_a_supplier_cannot_do_any_more_is_missed_and_nobody_s_next_action() -> None:
    """Before, it was told to send a schedule, overdue, that is refused as too late (E110605)."""
    pilot = PilotTerms(Period(PILOT.start, AUTOMATIC), limit=10)
    facts = SupplierFacts(OURS, eligible=9, listed=4, unscheduled=2, put_back={LAST - SECOND: LAST})
    (late,) = supplier_deadlines(release(pilot=pilot), facts, LAST + SECOND)
    assert (late.standing(LAST + SECOND), late.overdue(LAST + SECOND)) == (TaskState.MISSED, True)
    assert late.why.startswith("it is too late for 11.5 and 11.6")
    assert shown_to(PartyKind.DCC, DCC, late) == ()


def test_nobody_is_late_for_a_date_that_a_notice_put_into_the_past() -> None:
    """The supplier never had that time: it is DCC's turn."""
    now = LAST + timedelta(days=9)
    pilot = PilotTerms(Period(PILOT.start, AUTOMATIC), limit=10)
    facts = SupplierFacts(OURS, 9, 4, 2, obligations=(replace(MISSED, due=LAST),), put_back={LAST: now - SECOND})
    found = supplier_deadlines(release(pilot=pilot), facts, now)
    assert tasks(found) == [Task.SEND_PREFERRED_SCHEDULE, Task.PROVIDE_SHARE]
    for one in found:
        assert (one.standing(now), one.overdue(now)) == (TaskState.MISSED, False)
        assert f"DCC's notice of {now:%Y-%m-%d} put this date into the past" in one.why
        assert "DCC" in one.why.partition(";")[2], "whose turn it is"


def test_what_was_instructed_and_is_void_is_counted_by_its_reason_for_who_instructed_it() -> None:
    void = {VoidReason.TOO_LATE: 3, VoidReason.PERIOD_ENDED: 2}
    facts = SupplierFacts(OURS, listed=5, void=void)
    found = supplier_deadlines(release(), facts, NOW)
    assert [(one.task, one.subject, one.hubs, one.due) for one in found] == [
        (Task.INSTRUCT_ANEW, "TooLate", 3, LAST),
        (Task.INSTRUCT_ANEW, "PeriodEnded", 2, LAST),
    ]
    assert {one.standing(NOW) for one in found} == {TaskState.VOID}
    assert found[1].why == (
        "the instructed period ended without the hubs being updated; "
        "they go at the automatic date, unless they are instructed again"
    )
    late = supplier_deadlines(release(), facts, LAST + SECOND)
    assert all(one.why.endswith("unless DCC instructs them") and not one.remaining(LAST) for one in late)
    anew = [one for one in dcc_deadlines(release(), DccFacts(DCC, void=void), NOW) if one.task is Task.INSTRUCT_ANEW]
    assert [(one.subject, one.hubs, one.due) for one in anew] == [
        ("TooLate", 3, AUTOMATIC),
        ("PeriodEnded", 2, AUTOMATIC),
    ]
    assert supplier_deadlines(release(), facts, AUTOMATIC) == (), "what remains is the CSP's"
    assert dcc_deadlines(release(), DccFacts(DCC, void=void), AUTOMATIC) == dcc_deadlines(release(), DccFacts(DCC), NOW)
    assert supplier_deadlines(release(state=ReleaseState.CLOSED), facts, NOW) == ()


@pytest.mark.requirement("BR-3.6")
def test_what_remains_on_the_automatic_date_is_for_the_csp_to_update() -> None:
    """No schedule is asked for any more, and while the release is paused the CSP waits for DCC."""
    state = ReleaseState.SAFE_LAUNCH
    facts = CspFacts(CSP, regions=frozenset({"North"}), remaining=54)
    (at,) = csp_deadlines(release(state=state), facts, AUTOMATIC)
    assert (at.task, at.hubs, at.due) == (Task.UPDATE_REMAINING_HUBS, 54, AUTOMATIC)
    assert (at.standing(AUTOMATIC), at.standing(AUTOMATIC + SECOND)) == (TaskState.OPEN, TaskState.OVERDUE)
    (held,) = csp_deadlines(release(state=state, paused=True), facts, AUTOMATIC + SECOND)
    assert held.standing(AUTOMATIC + SECOND) is TaskState.HELD


def test_a_supplier_on_an_older_duis_is_asked_for_nothing_that_it_cannot_do() -> None:
    facts = SupplierFacts(OURS, eligible=40, uninstructed=40, awaited=1, able=False)
    assert supplier_deadlines(release(), facts, NOW) == ()


def test_a_csp_owes_lists_and_schedules_for_each_of_its_regions_and_its_say() -> None:
    facts = CspFacts(
        CSP,
        regions=frozenset({"Central", "South"}),
        default_lists=frozenset({"Central"}),
        default_schedules=frozenset({"Central", "South"}),
        undecided=(UndecidedGroup(OURS, "G1", PILOT.start, 12),),
    )
    found = csp_deadlines(release(), facts, NOW)
    assert [(one.task, one.subject, one.due) for one in found] == [
        (Task.SEND_DEFAULT_LIST, "South", PILOT.start),
        (Task.SEND_SAFE_LAUNCH_SCHEDULE, "Central", PILOT.end),
        (Task.SEND_SAFE_LAUNCH_SCHEDULE, "South", PILOT.end),
        (Task.DECIDE_ON_GROUP, "G1", PILOT.start),
    ]
    without = csp_deadlines(release(pilot=None), CspFacts(CSP, frozenset({"North"})), NOW)
    assert [(one.task, one.due) for one in without] == [(Task.SEND_SAFE_LAUNCH_SCHEDULE, AUTOMATIC)]


@pytest.mark.parametrize(
    ("state", "facts", "expected"),
    [
        (ReleaseState.NOTIFIED, DccFacts(DCC), [Task.APPROVE_RELEASE]),
        (ReleaseState.APPROVED, DccFacts(DCC), []),
        (ReleaseState.PILOTING, DccFacts(DCC), [Task.REPORT_PILOT_OUTCOME]),
        (ReleaseState.SAFE_LAUNCH, DccFacts(DCC, pilot_outcome=True), [Task.REPORT_SAFE_LAUNCH_OUTCOME]),
        (ReleaseState.SAFE_LAUNCH, DccFacts(DCC, True, True), [Task.CLOSE_RELEASE]),
        (ReleaseState.CLOSED, DccFacts(DCC), []),
    ],
)
def test_dcc_owes_what_moves_the_release_on(state: ReleaseState, facts: DccFacts, expected: list[Task]) -> None:
    assert tasks(dcc_deadlines(release(state=state), facts, NOW)) == expected


@pytest.mark.requirement("PIA-A12")
def test_a_failed_pilot_without_a_decision_is_an_outstanding_decision() -> None:
    """PIA-A12: it does not stop safe launch, which is when the decision is due."""
    piloting = release(state=ReleaseState.PILOTING)
    (found,) = dcc_deadlines(piloting, DccFacts(DCC, pilot_outcome=False), NOW)
    assert (found.task, found.due) == (Task.DECIDE_ON_FAILED_PILOT, PILOT.end)
    assert dcc_deadlines(piloting, DccFacts(DCC, pilot_outcome=False, decided_on_failure=True), NOW) == ()


def test_incidents_pauses_and_provisional_decisions_wait_for_dcc_without_a_date() -> None:
    """BR-6.2 to BR-6.4."""
    paused = release(state=ReleaseState.APPROVED, paused=True)
    found = dcc_deadlines(paused, DccFacts(DCC, incidents=("INC1",), provisional=("Stop",)), NOW)
    assert [(one.task, one.subject) for one in found] == [
        (Task.DECIDE_ON_PAUSE, ""),
        (Task.DECIDE_ON_INCIDENT, "INC1"),
        (Task.CONFIRM_DECISION, "Stop"),
    ]
    assert all(one.remaining(NOW) is None and not one.overdue(NOW) for one in found)


@pytest.mark.requirement("X11", "BR-5.5")
def test_a_pause_that_is_proposed_waits_for_dcc_and_what_it_holds_is_said() -> None:
    facts = DccFacts(DCC, pilot_outcome=True, why_paused="an older one", proposed_pause="held: 9 of 9 hubs failed")
    (held,) = dcc_deadlines(release(state=ReleaseState.PILOTING, paused=True), facts, NOW)
    assert (held.task, held.standing(NOW), held.why) == (Task.DECIDE_ON_PAUSE, TaskState.HELD, facts.proposed_pause)
    (proposed,) = dcc_deadlines(release(state=ReleaseState.PILOTING), facts, NOW)
    assert (proposed.task, proposed.standing(NOW)) == (Task.DECIDE_ON_PROPOSED_PAUSE, TaskState.OPEN)
    assert shown_to(PartyKind.SUPPLIER, OURS, proposed) == (proposed,)
    found = dcc_deadlines(release(state=ReleaseState.INVALIDATED), facts, NOW)
    assert [one.task for one in found] == [Task.DECIDE_ON_INVALIDATED_PILOT], "there is nothing left to pause"


@pytest.mark.requirement("BR-5.5", "PIA-A13")
@pytest.mark.parametrize(
    ("state", "paused", "task", "standing"),
    [
        (ReleaseState.APPROVED, True, Task.DECIDE_ON_PAUSE, TaskState.HELD),
        (ReleaseState.INVALIDATED, False, Task.DECIDE_ON_INVALIDATED_PILOT, TaskState.OPEN),
    ],
)
def test_everybody_sees_that_it_is_dccs_turn_and_why(
    state: ReleaseState, paused: bool, task: Task, standing: TaskState
) -> None:
    facts = DccFacts(DCC, incidents=("INC1",), why_paused="because", why_invalidated="because")
    found = dcc_deadlines(release(state=state, paused=paused), facts, NOW)
    for kind, party in ((PartyKind.SUPPLIER, OURS), (PartyKind.CSP, CSP)):
        (shown,) = shown_to(kind, party, *found)
        assert (shown.task, shown.due, shown.standing(NOW), shown.why) == (task, None, standing, "because")


def test_dcc_chooses_for_suppliers_that_missed_an_obligation_while_the_pilot_lasts() -> None:
    """PIA-A9."""
    piloting = release(state=ReleaseState.PILOTING)
    found = dcc_deadlines(piloting, DccFacts(DCC, pilot_outcome=True, missed=(MISSED,)), NOW)
    assert [(one.task, one.hubs, one.about) for one in found] == [(Task.SELECT_FOR_SUPPLIER, 3, OURS)]
    assert dcc_deadlines(piloting, DccFacts(DCC, pilot_outcome=True, missed=(MISSED,)), PILOT.end) == ()


def test_time_left_is_counted_and_turns_negative() -> None:
    """BR-5.4."""
    one = Deadline("R1", PartyKind.CSP, CSP, Task.SEND_DEFAULT_LIST, PILOT.start)
    assert one.remaining(PILOT.start - SECOND) == SECOND
    assert not one.overdue(PILOT.start)
    assert one.overdue(PILOT.start + SECOND)
    assert one.remaining(PILOT.start + SECOND) == -SECOND


def everything(terms: Release) -> tuple[Deadline, ...]:
    """What is outstanding when nobody has done anything, with something missed by us and a group of theirs."""
    return in_order(
        (
            *supplier_deadlines(terms, SupplierFacts(OURS, eligible=5, uninstructed=5), NOW),
            *supplier_deadlines(terms, SupplierFacts(THEIRS, eligible=5, uninstructed=5), NOW),
            *csp_deadlines(
                terms, CspFacts(CSP, frozenset({"North"}), undecided=(UndecidedGroup(THEIRS, "G", NOW, 1),)), NOW
            ),
            *dcc_deadlines(terms, DccFacts(DCC, incidents=("INC1",), missed=(MISSED,)), NOW),
        )
    )


def test_the_most_pressing_comes_first_and_what_has_no_date_before_all() -> None:
    found = everything(release())
    assert found[0].task is Task.DECIDE_ON_INCIDENT
    dates = [one.due for one in found if one.due is not None]
    assert dates == sorted(dates)


@pytest.mark.requirement("BR-5.5")
def test_each_party_sees_the_next_action_date_of_the_others() -> None:
    """BR-5.5; a supplier sees nothing that is another supplier's affair."""
    found = everything(release())
    by_supplier = shown_to(PartyKind.SUPPLIER, OURS, *found)
    assert [(one.kind, one.task, one.due) for one in by_supplier] == [
        (PartyKind.DCC, Task.APPROVE_RELEASE, PILOT.start),
        (PartyKind.CSP, Task.SEND_DEFAULT_LIST, PILOT.start),
    ]
    theirs = shown_to(PartyKind.SUPPLIER, THEIRS, *found)
    assert (Task.DECIDE_ON_GROUP, NOW) in {(one.task, one.due) for one in theirs}
    by_dcc = shown_to(PartyKind.DCC, DCC, *found)
    assert {one.kind for one in by_dcc} == {PartyKind.CSP, PartyKind.SUPPLIER}


def test_of_the_others_all_that_is_late_is_shown_and_the_rest_counted() -> None:
    """Before, a supplier saw one group that a CSP was to decide on, and nothing of two more, and nowhere how many."""
    late = UndecidedGroup(OURS, "LATE", NOW - SECOND, 1)
    groups = (late, replace(late, group_id="OVD"), replace(late, group_id="NEXT", starts=NOW + SECOND))
    found = csp_deadlines(release(), CspFacts(CSP, undecided=groups), NOW)
    assert next_actions_of_others(found, PartyKind.SUPPLIER, OURS, NOW) == (NextActions(found[:2], 1),)
    assert next_actions_of_others(found, PartyKind.SUPPLIER, THEIRS, NOW) == ()
    untold = replace(found[2], not_told=NotTold(1, "PreferredPilotSchedule", given_up=True, since=NOW))
    assert shown_to(PartyKind.SUPPLIER, OURS, *found[:2], untold) == (*found[:2], untold)
    another = tuple(replace(one, party=CSP + 1) for one in found)
    both = next_actions_of_others((*found, *another), PartyKind.SUPPLIER, OURS, NOW)
    each = (NextActions(found[:2], 1), NextActions(another[:2], 1))
    assert set(both) == set(each), "what is more of one CSP's was counted under the other's regions"


def test_of_a_csps_tasks_ones_own_is_shown_beside_what_comes_first() -> None:
    """A supplier read "send default list" "and 3 more tasks", one of which was to decide on its own group."""
    groups = tuple(UndecidedGroup(OURS, name, PILOT.start + SECOND, 1) for name in ("G1", "G2"))
    found = in_order(csp_deadlines(release(), CspFacts(CSP, frozenset({"North"}), undecided=groups), NOW))
    (actions,) = next_actions_of_others(found, PartyKind.SUPPLIER, OURS, NOW)
    assert [(one.task, one.subject) for one in actions.tasks] == [
        (Task.SEND_DEFAULT_LIST, "North"),
        (Task.DECIDE_ON_GROUP, "G1"),
    ]
    assert actions.more == len(found) - 2 > 0
    (theirs,) = next_actions_of_others(found, PartyKind.SUPPLIER, THEIRS, NOW)
    assert [one.task for one in theirs.tasks] == [Task.SEND_DEFAULT_LIST]


@given(
    st.builds(
        release,
        state=st.sampled_from(ReleaseState),
        paused=st.booleans(),
        pilot=st.sampled_from([None, release().pilot]),
    ),
    st.integers(-10, 300),
)
def test_nothing_is_outstanding_once_a_release_is_over_and_tasks_are_told_apart(terms: Release, days: int) -> None:
    now = NOW + timedelta(days=days)
    found = (
        *supplier_deadlines(terms, SupplierFacts(OURS, 5, None, 2, 5, 1, (MISSED,)), now),
        *csp_deadlines(terms, CspFacts(CSP, frozenset({"North", "South"})), now),
        *dcc_deadlines(terms, DccFacts(DCC, False, None, False, ("I1", "I2"), ("Stop",), (MISSED,)), now),
    )
    assert bool(found) <= (not terms.state.is_over)
    assert len({(one.kind, one.task, one.subject) for one in found}) == len(found)
    assert all(one.about in (None, OURS) for one in found)
