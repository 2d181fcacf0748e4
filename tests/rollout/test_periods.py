"""Business time (design section 7; BR-1.2, BR-3.4)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duis_gateway.rollout.periods import add_months, automatic_date, instruction_in_time, one_month_before
from tests.support.rules import times


@pytest.mark.requirement("BR-3.4")
@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-03-31T12:30:00", "2026-02-28T12:30:00"),
        ("2028-03-31T12:30:00", "2028-02-29T12:30:00"),
        ("2026-03-28T00:00:00", "2026-02-28T00:00:00"),
        ("2026-01-15T23:59:59", "2025-12-15T23:59:59"),
        ("2026-07-31T09:00:00", "2026-06-30T09:00:00"),
    ],
)
def test_one_month_before_is_the_same_day_or_the_last_of_a_shorter_month(at: str, expected: str) -> None:
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
    assert one_month_before(moment) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.requirement("BR-1.2")
def test_the_automatic_date_is_six_months_after_the_notice_unless_given() -> None:
    """BR-1.2: from the end of August to the end of February."""
    notice = datetime(2026, 8, 31, 8, 0, tzinfo=UTC)
    assert automatic_date(notice, None) == datetime(2027, 2, 28, 8, 0, tzinfo=UTC)
    given_date = datetime(2026, 10, 1, tzinfo=UTC)
    assert automatic_date(notice, given_date) == given_date


@pytest.mark.requirement("BR-3.4")
def test_an_instruction_one_second_late_is_late() -> None:
    """BR-3.4."""
    automatic = datetime(2026, 3, 31, 12, 0, tzinfo=UTC)
    last = datetime(2026, 2, 28, 12, 0, tzinfo=UTC)
    assert instruction_in_time(last, automatic)
    assert not instruction_in_time(last + timedelta(seconds=1), automatic)


def test_a_year_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="year"):
        add_months(datetime(9999, 12, 1, tzinfo=UTC), 1)


@given(times, st.integers(-60, 60))
def test_adding_months_counts_calendar_months_and_never_spills_over(at: datetime, months: int) -> None:
    moved = add_months(at, months)
    assert (moved.year * 12 + moved.month) - (at.year * 12 + at.month) == months
    assert moved.day <= at.day
    assert moved.timetz() == at.timetz()
    assert moved.day == at.day or (moved + timedelta(days=1)).month != moved.month


@given(times, st.integers(0, 24), st.integers(0, 24))
def test_more_months_are_never_earlier(at: datetime, few: int, more: int) -> None:
    assert add_months(at, few) <= add_months(at, few + more)


@given(times, times)
def test_month_arithmetic_keeps_the_order_of_times_of_different_days(one: datetime, other: datetime) -> None:
    first, second = sorted((one, other))
    if first.day == second.day or first.time() == second.time():
        assert add_months(first, -1) <= add_months(second, -1)
