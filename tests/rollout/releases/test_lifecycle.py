"""The life of a release (design section 7; PIA-7, PIA-A12, PIA-A13, BR-1.5, BR-6.2)."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duis_gateway.rollout.releases.lifecycle import BY_TIME, TABLE, Effect, Event, advance, catch_up, due, next_change
from duis_gateway.rollout.releases.records import Release, ReleaseState
from duis_gateway.rollout.releases.rules import stage_at
from tests.support.rules import PILOT, release, times

S, E = ReleaseState, Event
SECOND = timedelta(seconds=1)
releases = st.builds(
    release,
    state=st.sampled_from(ReleaseState),
    paused=st.booleans(),
    pilot=st.sampled_from([release().pilot, None]),
)


def after(*events: Event, start: Release | None = None) -> Release:
    """The release once all events happened, of which none may be refused."""
    current = start or release()
    for event in events:
        step = advance(current, event)
        assert step.refusal is None, step.refusal
        current = step.release
    return current


@pytest.mark.requirement("PIA-7")
def test_the_four_stages_follow_each_other() -> None:
    """PIA-7."""
    states = [after(*events).state for events in ((), (E.APPROVED,), (E.APPROVED, E.PILOT_BEGINS))]
    assert states == [S.NOTIFIED, S.APPROVED, S.PILOTING]
    whole = (E.APPROVED, E.PILOT_BEGINS, E.PILOT_SUCCEEDED, E.SAFE_LAUNCH_BEGINS, E.SAFE_LAUNCH_SUCCEEDED, E.CLOSED)
    assert after(*whole).state is S.CLOSED


@pytest.mark.parametrize(
    ("state", "event", "expected"),
    [
        (S.NOTIFIED, E.PILOT_BEGINS, None),
        (S.NOTIFIED, E.REVOKED, S.REVOKED),
        (S.APPROVED, E.REVOKED, S.REVOKED),
        (S.PILOTING, E.REVOKED, None),
        (S.SAFE_LAUNCH, E.REVOKED, None),
        (S.PILOTING, E.APPROVED, None),
        (S.PILOTING, E.SUCCESSOR_APPROVED, S.INVALIDATED),
        (S.APPROVED, E.SUCCESSOR_APPROVED, S.INVALIDATED),
        (S.NOTIFIED, E.SUCCESSOR_APPROVED, None),
        (S.SAFE_LAUNCH, E.SUCCESSOR_APPROVED, None),
        (S.INVALIDATED, E.PROCEEDED, S.SAFE_LAUNCH),
        (S.INVALIDATED, E.SUPERSEDED, S.SUPERSEDED),
        (S.INVALIDATED, E.WITHDRAWN, S.WITHDRAWN),
        (S.INVALIDATED, E.DELAYED, S.INVALIDATED),
        (S.INVALIDATED, E.PAUSED, None),
        (S.INVALIDATED, E.APPROVED, None),
        (S.INVALIDATED, E.PILOT_SUCCEEDED, None),
        (S.PILOTING, E.PILOT_FAILED, S.PILOTING),
        (S.SAFE_LAUNCH, E.PILOT_FAILED, S.SAFE_LAUNCH),
        (S.APPROVED, E.PILOT_FAILED, None),
        (S.PILOTING, E.SAFE_LAUNCH_SUCCEEDED, None),
        (S.SAFE_LAUNCH, E.SUPERSEDED, S.SUPERSEDED),
        (S.PILOTING, E.STOPPED, S.STOPPED),
        (S.SAFE_LAUNCH, E.WITHDRAWN, S.WITHDRAWN),
        (S.SAFE_LAUNCH, E.INCIDENT, S.SAFE_LAUNCH),
    ],
)
def test_where_an_event_leads(state: ReleaseState, event: Event, expected: ReleaseState | None) -> None:
    step = advance(release(state=state), event)
    assert (step.refusal is None) == (expected is not None)
    assert step.release.state is (expected or state)


@pytest.mark.requirement("BR-6.2", "X04")
def test_an_incident_suspends_nothing_by_itself() -> None:
    """BR-6.2, X04."""
    step = advance(release(state=S.PILOTING), E.INCIDENT)
    assert step.release == release(state=S.PILOTING)
    assert step.effects == (Effect.MARK_HIGH_PRIORITY,)


@pytest.mark.requirement("PIA-A12")
def test_a_failed_pilot_awaits_a_decision_and_does_not_stop_safe_launch() -> None:
    """PIA-A12."""
    failed = advance(release(state=S.PILOTING), E.PILOT_FAILED)
    assert Effect.AWAIT_DECISION in failed.effects
    assert catch_up(failed.release, PILOT.end)[-1].after.state is S.SAFE_LAUNCH


@pytest.mark.requirement("PIA-A13")
@pytest.mark.parametrize("state", [S.APPROVED, S.PILOTING])
def test_the_approval_and_not_the_notice_of_a_successor_invalidates_a_pilot(state: ReleaseState) -> None:
    """PIA-A13: begun or not, and nothing begins by itself any more."""
    assert Effect.INVALIDATE_PILOT_OF_PREDECESSORS in advance(release(), E.APPROVED).effects
    invalidated = advance(release(state=state), E.SUCCESSOR_APPROVED)
    assert {Effect.VOID_INSTRUCTIONS, Effect.AWAIT_DECISION, Effect.TELL_DECISION} <= set(invalidated.effects)
    assert catch_up(invalidated.release, PILOT.end) == ()
    assert not invalidated.release.state.is_live
    assert not invalidated.release.state.is_over


def test_a_pause_is_a_flag_that_holds_the_stage_until_dcc_proceeds() -> None:
    paused = after(E.PAUSED, start=release(state=S.PILOTING))
    assert (paused.state, paused.paused) == (S.PILOTING, True)
    assert catch_up(paused, PILOT.end) == ()
    assert advance(paused, E.SAFE_LAUNCH_BEGINS).refusal is not None
    proceeding = after(E.PROCEEDED, start=paused)
    assert catch_up(proceeding, PILOT.end)[-1].after.state is S.SAFE_LAUNCH


def test_what_is_over_stays_over_and_says_so() -> None:
    step = advance(release(state=S.WITHDRAWN), E.APPROVED)
    assert step.refusal == "a release that is withdrawn cannot be approved"


@pytest.mark.parametrize("state", [state for state in ReleaseState if state.is_over])
def test_a_release_that_is_over_takes_no_event(state: ReleaseState) -> None:
    assert all(advance(release(state=state), event).refusal for event in Event)


@pytest.mark.requirement("X05")
def test_stages_begin_at_their_second_and_not_before() -> None:
    approved = release(state=S.APPROVED)
    assert due(approved, PILOT.start - SECOND) is None
    assert [change.after.state for change in catch_up(approved, PILOT.start)] == [S.PILOTING]
    assert catch_up(release(state=S.PILOTING), PILOT.end - SECOND) == ()


def test_after_being_down_both_stages_begin_in_order_with_the_times_they_were_due() -> None:
    changes = catch_up(release(state=S.APPROVED), PILOT.end + timedelta(days=3))
    assert [(change.after.state, change.at) for change in changes] == [
        (S.PILOTING, PILOT.start),
        (S.SAFE_LAUNCH, PILOT.end),
    ]


def test_an_unapproved_release_pilots_never_however_late_it_is() -> None:
    assert catch_up(release(), PILOT.end) == ()


@given(releases, st.lists(st.sampled_from(Event), max_size=25))
def test_no_sequence_of_events_reaches_an_undefined_state(start: Release, events: list[Event]) -> None:
    current = start
    for event in events:
        step = advance(current, event)
        assert isinstance(step.release.state, ReleaseState)
        if step.refusal is not None:
            assert (step.release, step.effects) == (current, ())
        if current.state.is_over:
            assert step.refusal is not None
        current = step.release
        assert current.state.is_live or not current.paused or current == start


@given(releases, st.lists(st.sampled_from(sorted(set(Event) - {E.PAUSED, E.PROCEEDED})), max_size=25))
def test_only_pausing_and_proceeding_touch_the_pause(start: Release, events: list[Event]) -> None:
    current = start
    for event in events:
        current = advance(current, event).release
    assert current.paused == start.paused or not current.state.is_live


@given(releases, times)
def test_catching_up_reaches_the_stage_that_the_clock_says_and_then_rests(start: Release, now: datetime) -> None:
    changes = catch_up(start, now)
    final = changes[-1].after if changes else start
    assert final.state is stage_at(start, now)
    assert catch_up(final, now) == ()


@given(releases, times, times)
def test_catching_up_in_two_goes_is_the_same_as_in_one(start: Release, one: datetime, other: datetime) -> None:
    first, second = sorted((one, other))
    early = catch_up(start, first)
    late = catch_up(early[-1].after if early else start, second)
    at_once = catch_up(start, second)
    assert [change.after for change in (*early, *late)] == [change.after for change in at_once]


@given(releases, times)
def test_the_next_change_is_when_something_becomes_due(start: Release, now: datetime) -> None:
    changes = catch_up(start, now)
    current = changes[-1].after if changes else start
    moment = next_change(current, now)
    if moment is None:
        assert catch_up(current, now + timedelta(days=10_000)) == ()
    else:
        assert moment > now
        assert due(current, moment) is not None
        assert due(current, moment - SECOND) is None


def test_every_pair_of_state_and_event_is_decided_and_times_need_an_approval() -> None:
    for state, event in product(ReleaseState, Event):
        step = advance(release(state=state), event)
        assert (step.refusal is None) == ((state, event) in TABLE)
    assert not any((S.NOTIFIED, event) in TABLE for event in BY_TIME)
