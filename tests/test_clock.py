"""Business time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from duis_gateway.clock import clock_of


def test_the_system_clock_is_aware_in_utc_and_goes_on() -> None:
    clock = clock_of(None)
    first = clock.now()
    assert first.tzinfo is UTC
    assert abs(first - datetime.now(UTC)) < timedelta(minutes=1)
    assert clock.now() >= first


def test_a_fixed_clock_stands_still_and_speaks_utc() -> None:
    clock = clock_of(datetime(2027, 1, 4, 10, tzinfo=timezone(timedelta(hours=1))))
    assert clock.now() == clock.now() == datetime(2027, 1, 4, 9, tzinfo=UTC)
    assert clock.now().tzinfo is UTC
