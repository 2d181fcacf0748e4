"""Split suppliers (BR-3.2, BR-3.3, BR-3.6, BR-4.1, BR-4.2)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duis_gateway.firmware.split import SecondSupplier, SplitBasis, later, planned_period, second_supplier_news
from duis_gateway.model.hubs import Hub
from duis_gateway.model.releases import Period
from tests.support.rules import AUTOMATIC, NOW, OURS, THEIRS, hub, periods

DAY = timedelta(days=1)
EARLY = Period(NOW + 30 * DAY, NOW + 50 * DAY)
LATE = Period(NOW + 40 * DAY, NOW + 45 * DAY)
maybe = st.none() | periods()
dates = st.integers(1, 500).map(lambda days: NOW + days * DAY)


@pytest.mark.requirement("BR-4.2")
def test_of_two_periods_the_later_start_and_the_later_end_count() -> None:
    """BR-4.2."""
    plan = planned_period(EARLY, LATE, same_party=False, automatic_date=AUTOMATIC)
    assert (plan.period, plan.basis) == (Period(LATE.start, EARLY.end), SplitBasis.BOTH_INSTRUCTED)


@pytest.mark.requirement("BR-4.1")
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


@pytest.mark.requirement("BR-3.2")
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


def news(
    hubs: list[Hub], before: set[int], after: set[int], instructed: set[int], unable: set[int] | None = None
) -> tuple[SecondSupplier, ...]:
    """What both learn when we instruct."""
    return second_supplier_news(
        hubs, OURS, frozenset(before), frozenset(after), frozenset(instructed), frozenset(unable or ())
    )


ESTATE = [hub(1, gas_supplier=THEIRS), hub(2, import_supplier=THEIRS), hub(3), hub(4, gas_supplier=None)]


@pytest.mark.requirement("BR-3.3")
def test_both_suppliers_of_a_split_hub_learn_how_the_other_stands() -> None:
    """BR-3.3."""
    assert set(news(ESTATE, set(), {1, 2, 3, 4}, {2})) == {
        SecondSupplier(THEIRS, True, True, (1, 2)),
        SecondSupplier(OURS, True, True, (2,)),
        SecondSupplier(OURS, False, True, (1,)),
    }


def test_a_second_supplier_that_cannot_instruct_is_said_to_be_so() -> None:
    assert SecondSupplier(OURS, False, False, (1,)) in news(ESTATE, set(), {1}, set(), {THEIRS})


def test_a_hub_of_one_party_is_no_news() -> None:
    """BR-3.2."""
    assert news(ESTATE, set(), {3, 4}, set()) == ()


def test_what_does_not_change_is_not_told_again() -> None:
    assert news(ESTATE, {1, 2}, {1, 2}, {2}) == ()


def test_an_instruction_taken_back_is_told_to_the_other_alone() -> None:
    assert news(ESTATE, {1}, set(), {1}) == (SecondSupplier(THEIRS, False, True, (1,)),)


@given(st.sets(st.integers(1, 4)), st.sets(st.integers(1, 4)), st.sets(st.integers(1, 4)))
def test_nobody_is_told_of_a_hub_that_is_not_its_own(before: set[int], after: set[int], instructed: set[int]) -> None:
    own = {OURS: {1, 2, 3, 4}, THEIRS: {1, 2}}
    for one in news(ESTATE, before, after, instructed):
        assert set(one.device_ids) <= own[one.recipient] & (before ^ after)
        assert one.device_ids
