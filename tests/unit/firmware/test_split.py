"""Split suppliers (BR-3.2, BR-3.3, BR-3.6, BR-4.1, BR-4.2)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duis_gateway.firmware.split import SplitBasis, later, planned_period
from duis_gateway.model.releases import Period
from tests.support.rules import AUTOMATIC, NOW, periods

DAY = timedelta(days=1)
EARLY = Period(NOW + 30 * DAY, NOW + 50 * DAY)
LATE = Period(NOW + 40 * DAY, NOW + 45 * DAY)
maybe = st.none() | periods()
dates = st.integers(1, 500).map(lambda days: NOW + days * DAY)


def test_of_two_periods_the_later_start_and_the_later_end_count() -> None:
    """BR-4.2."""
    plan = planned_period(EARLY, LATE, same_party=False, automatic_date=AUTOMATIC)
    assert (plan.period, plan.basis) == (Period(LATE.start, EARLY.end), SplitBasis.BOTH_INSTRUCTED)


@pytest.mark.parametrize(
    ("by_import", "by_gas", "basis"),
    [
        (None, None, SplitBasis.NOT_INSTRUCTED),
        (EARLY, None, SplitBasis.GAS_SUPPLIER_SILENT),
        (None, EARLY, SplitBasis.IMPORT_SUPPLIER_SILENT),
    ],
)
def test_unless_both_instruct_the_automatic_date_stands(
    by_import: Period | None, by_gas: Period | None, basis: SplitBasis
) -> None:
    """BR-3.3, BR-3.6, BR-4.1."""
    plan = planned_period(by_import, by_gas, same_party=False, automatic_date=AUTOMATIC)
    assert (plan.period, plan.basis) == (None, basis)


@pytest.mark.parametrize("instructions", [(EARLY, None), (None, EARLY), (EARLY, EARLY)])
def test_one_instruction_of_one_party_is_enough(instructions: tuple[Period | None, Period | None]) -> None:
    """BR-3.2."""
    plan = planned_period(*instructions, same_party=True, automatic_date=AUTOMATIC)
    assert (plan.period, plan.basis) == (EARLY, SplitBasis.ONE_INSTRUCTION)


def test_a_period_that_the_automatic_date_has_overtaken_no_longer_counts() -> None:
    """DCC may set the date earlier after the instruction."""
    plan = planned_period(EARLY, None, same_party=True, automatic_date=EARLY.end)
    assert (plan.period, plan.basis) == (None, SplitBasis.TOO_LATE)


@given(maybe, maybe, st.booleans(), dates)
def test_the_plan_is_symmetric_in_the_two_suppliers(
    one: Period | None, other: Period | None, same_party: bool, automatic: datetime
) -> None:
    there = planned_period(one, other, same_party, automatic)
    back = planned_period(other, one, same_party, automatic)
    mirrored = {
        SplitBasis.IMPORT_SUPPLIER_SILENT: SplitBasis.GAS_SUPPLIER_SILENT,
        SplitBasis.GAS_SUPPLIER_SILENT: SplitBasis.IMPORT_SUPPLIER_SILENT,
    }
    assert there.period == back.period
    assert there.basis == mirrored.get(back.basis, back.basis)


@given(maybe, maybe, st.booleans(), dates)
def test_a_planned_period_is_never_before_an_instruction_nor_after_the_automatic_date(
    one: Period | None, other: Period | None, same_party: bool, automatic: datetime
) -> None:
    period = planned_period(one, other, same_party, automatic).period
    if period is not None:
        for given_period in (one, other):
            assert given_period is None or (period.start >= given_period.start and period.end >= given_period.end)
        assert period.start <= period.end < automatic
        assert same_party or (one is not None and other is not None)


@given(periods(), periods(), st.integers(0, 100))
def test_instructing_later_never_moves_a_hub_earlier(one: Period, other: Period, days: int) -> None:
    moved = Period(one.start + days * DAY, one.end + days * DAY)
    assert later(moved, other).start >= later(one, other).start
    assert later(moved, other).end >= later(one, other).end
