"""Split suppliers (BR-3.2, BR-3.3, BR-3.6, BR-4.1, BR-4.2)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.releases.records import Period
from duis_gateway.rollout.second_suppliers.rules import (
    SecondSupplier,
    SplitBasis,
    later,
    news_of_changed_suppliers,
    planned_period,
    second_supplier_news,
)
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


ANOTHER = 0x90B3D51F30030000
ALL = (OURS, THEIRS, ANOTHER)


def changed(
    before: tuple[int | None, int | None], after: tuple[int | None, int | None], *by: int, unable: tuple[int, ...] = ()
) -> set[tuple[int, bool, bool]]:
    """Who is told what when a hub goes from these Import and Gas Suppliers to those."""
    was, now = (hub(1, import_supplier=one, gas_supplier=other) for one, other in (before, after))
    found = news_of_changed_suppliers([(was, now)], {1: frozenset(by)}, frozenset(unable))
    assert all(one.device_ids == (1,) for one in found)
    return {(one.recipient, one.instructed, one.able) for one in found}


@pytest.mark.requirement("BR-3.3", "X06")
@pytest.mark.parametrize(
    ("before", "after", "by", "told"),
    [
        # The second supplier goes with its instruction: the first learns, and so does the one who comes.
        ((OURS, THEIRS), (OURS, ANOTHER), (OURS, THEIRS), {(OURS, False, True), (ANOTHER, True, True)}),
        # It goes without one: only who comes has something to learn.
        ((OURS, THEIRS), (OURS, ANOTHER), (OURS,), {(ANOTHER, True, True)}),
        # Only the one who goes had instructed.
        ((OURS, THEIRS), (OURS, ANOTHER), (THEIRS,), {(OURS, False, True)}),
        # A second supplier appears; its silence counts from now on.
        ((OURS, OURS), (OURS, THEIRS), (OURS,), {(OURS, False, True), (THEIRS, True, True)}),
        # It comes back, and so does its instruction.
        ((OURS, None), (OURS, THEIRS), (THEIRS,), {(OURS, True, True), (THEIRS, False, True)}),
        # One party alone is left: nothing to say of another.
        ((OURS, THEIRS), (OURS, OURS), (OURS, THEIRS), set()),
        # The roles change hands: each knows all that it is told.
        ((OURS, THEIRS), (THEIRS, OURS), (OURS,), set()),
        ((OURS, THEIRS), (OURS, ANOTHER), (), set()),
    ],
)
def test_what_a_change_of_supplier_means_is_told(
    before: tuple[int | None, int | None],
    after: tuple[int | None, int | None],
    by: tuple[int, ...],
    told: set[tuple[int, bool, bool]],
) -> None:
    assert changed(before, after, *by) == told


def test_a_second_supplier_that_cannot_instruct_takes_the_place_of_one_that_can() -> None:
    assert changed((OURS, THEIRS), (OURS, ANOTHER), OURS, unable=(ANOTHER,)) == {
        (OURS, False, False),
        (ANOTHER, True, True),
    }


roles = st.tuples(st.sampled_from((*ALL, None)), st.sampled_from((*ALL, None)))


@given(roles, roles, st.sets(st.sampled_from(ALL)), st.sets(st.sampled_from(ALL)))
def test_who_is_told_of_a_change_is_a_supplier_of_now_with_another_and_it_is_true(
    before: tuple[int | None, int | None],
    after: tuple[int | None, int | None],
    by: set[int],
    unable: set[int],
) -> None:
    suppliers = {one for one in after if one is not None}
    told = changed(before, after, *by, unable=tuple(unable))
    for recipient, instructed, able in told:
        (other,) = suppliers - {recipient}
        assert recipient in suppliers
        assert (instructed, able) == (other in by, other not in unable)
    # The Import and the Gas Supplier are treated alike.
    assert told == changed(before[::-1], after[::-1], *by, unable=tuple(unable))
    if before == after or not by:
        assert not told
