"""The memory of a destination, with a clock of the test's own."""

from __future__ import annotations

from duis_gateway.outbox.breaker import Breaker
from duis_gateway.outbox.retry import Failure, FailureKind, RetryPolicy

DOWN = Failure(FailureKind.CONNECTION, "refused")
BUSY = Failure(FailureKind.STATUS, "HTTP 429", 429, retry_after=30.0)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def breaker(clock: Clock) -> Breaker:
    return Breaker(RetryPolicy(base=1.0, cap=300.0), ceiling=100, threshold=5, clock=clock, jitter=lambda: 0.0)


def test_a_single_failure_changes_nothing() -> None:
    one = breaker(Clock())
    assert not one.failed(DOWN)
    assert (one.allowance, one.pause, one.is_open) == (100, 0.0, False)


def test_failures_in_a_row_open_it_and_probes_grow_apart() -> None:
    """F13: 0.5, 1, 2 ... seconds, up to the cap."""
    clock = Clock()
    one = breaker(clock)
    assert [one.failed(DOWN) for _ in range(5)] == [False, False, False, False, True]
    pauses = []
    for _ in range(12):
        assert one.allowance == 0
        pauses.append(one.pause)
        clock.now += one.pause
        assert one.allowance == 1
        assert not one.failed(DOWN), "it was open already"
    assert pauses[:4] == [0.5, 1.0, 2.0, 4.0]
    assert pauses[-1] == 150.0


def test_an_accepted_message_between_failures_keeps_it_closed() -> None:
    one = breaker(Clock())
    for _ in range(20):
        one.failed(DOWN)
        assert not one.succeeded()
    assert one.allowance == 100


def test_after_an_outage_it_ramps() -> None:
    """F19: 2, 4, 8 ... and not everything at once."""
    clock = Clock()
    one = breaker(clock)
    for _ in range(6):
        one.failed(DOWN)
    clock.now += 1000
    assert one.succeeded()
    allowances = [one.allowance]
    for _ in range(7):
        one.succeeded()
        allowances.append(one.allowance)
    assert allowances == [2, 4, 8, 16, 32, 64, 100, 100]


def test_retry_after_pauses_the_destination_at_once() -> None:
    """F15: what it asks for holds for every message to it."""
    clock = Clock()
    one = breaker(clock)
    one.failed(BUSY)
    assert (one.allowance, one.pause) == (0, 30.0)
    clock.now += 30
    assert one.allowance == 100
