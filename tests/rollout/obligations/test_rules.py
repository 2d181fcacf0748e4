"""What suppliers owe to a pilot (PIA-A9, PIA-C5)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duis_gateway.rollout.obligations.rules import (
    Obligation,
    ObligationKind,
    ObligationState,
    SupplierPilot,
    assess,
    due_date,
    missed,
)
from duis_gateway.rollout.periods import add_months
from duis_gateway.rollout.releases.records import Period, PilotTerms, Release, ReleaseState
from tests.support.rules import NOW, OURS, PILOT, THEIRS, release

pytestmark = pytest.mark.requirement("PIA-A9")

SECOND = timedelta(seconds=1)
LONG = Period(PILOT.start, PILOT.start + timedelta(days=150))


def obliging(minimum: int = 0, share: int | None = None, limit: int = 100, **changes: Any) -> Release:
    """A release that obliges suppliers."""
    terms = PilotTerms(LONG, limit, minimum, share, changes.pop("share_by", None))
    return release(pilot=terms, obligations=True, **changes)


def owed(terms: Release, eligible: int, provided: int, now: datetime = NOW) -> list[tuple[str, int, str]]:
    """Kind, number required and state of what a supplier owes."""
    found = assess(terms, SupplierPilot(OURS, eligible, provided), now)
    return [(one.kind.value, one.required, one.state.value) for one in found]


def test_a_minimum_and_a_share_are_owed_by_the_end_of_the_second_month() -> None:
    terms = obliging(minimum=5, share=10)
    due = add_months(LONG.start, 2)
    assert owed(terms, 200, 6, due) == [("minimum", 5, "met"), ("share", 20, "open")]
    assert owed(terms, 200, 6, due + SECOND) == [("minimum", 5, "met"), ("share", 20, "missed")]


def test_hubs_are_due_early_enough_for_dcc_to_choose_what_was_not_provided() -> None:
    """Two months after the start, but a month before the end, or half-way through a shorter pilot."""
    date = PILOT.start + timedelta(days=10)
    assert due_date(PilotTerms(LONG, 10, share_by=date)) == date

    def due(days: int) -> datetime:
        return due_date(PilotTerms(Period(PILOT.start, PILOT.start + timedelta(days=days)), 10))

    assert due(150) == add_months(PILOT.start, 2)
    assert due(80) == add_months(PILOT.start + timedelta(days=80), -1) < add_months(PILOT.start, 2)
    assert due(20) == PILOT.start + timedelta(days=10)


@given(st.integers(1, 180))
def test_between_the_due_date_and_the_pilots_end_dcc_has_time_to_choose(days: int) -> None:
    pilot = Period(PILOT.start, PILOT.start + timedelta(days=days))
    due = due_date(PilotTerms(pilot, 10))
    assert pilot.start < due <= add_months(pilot.start, 2)
    assert pilot.end - due >= min(timedelta(days=28), (pilot.end - pilot.start) / 2)


def test_a_share_is_rounded_up() -> None:
    assert owed(obliging(share=10), 11, 1) == [("share", 2, "open")]


def test_nobody_owes_more_than_it_has_or_may_bring() -> None:
    assert owed(obliging(minimum=5), 3, 3) == [("minimum", 3, "met")]
    assert owed(obliging(share=50, limit=7), 200, 6) == [("share", 7, "open")]
    assert owed(obliging(minimum=5, share=50), 0, 0) == []


def test_obligations_apply_only_where_the_release_sets_them() -> None:
    """PIA-7: the process may be voluntary."""
    terms = PilotTerms(LONG, 10, 5, 50)
    assert assess(release(pilot=terms), SupplierPilot(OURS, 100, 0), NOW) == ()
    assert assess(release(pilot=None, obligations=True), SupplierPilot(OURS, 100, 0), NOW) == ()
    assert owed(obliging(), 100, 0) == []


def test_what_was_missed_is_reported_for_each_supplier_while_the_release_is_live() -> None:
    late = LONG.end
    pilots = [SupplierPilot(OURS, 100, 2), SupplierPilot(THEIRS, 100, 5)]
    found = missed(obliging(minimum=5), pilots, late)
    assert found == (Obligation(OURS, ObligationKind.MINIMUM, 5, 2, add_months(LONG.start, 2), ObligationState.MISSED),)
    assert found[0].missing == 3
    assert missed(obliging(minimum=5), pilots, LONG.start) == ()
    assert missed(obliging(minimum=5, state=ReleaseState.STOPPED), pilots, late) == ()


@given(st.integers(0, 50), st.integers(0, 100), st.integers(0, 500), st.integers(0, 100), st.booleans())
def test_bringing_more_hubs_never_makes_it_worse(
    minimum: int, share: int, eligible: int, provided: int, late: bool
) -> None:
    now = LONG.end if late else NOW
    order = [ObligationState.MISSED, ObligationState.OPEN, ObligationState.MET]
    few = assess(obliging(minimum, share), SupplierPilot(OURS, eligible, provided), now)
    more = assess(obliging(minimum, share), SupplierPilot(OURS, eligible, provided + 1), now)
    assert len(few) == len(more)
    for one, other in zip(few, more, strict=True):
        assert order.index(other.state) >= order.index(one.state)
        assert other.missing <= one.missing
        assert (one.missing == 0) == (one.state is ObligationState.MET)
        assert one.required <= min(eligible, 100)
