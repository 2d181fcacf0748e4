"""What failed is tried again: after waits that grow, and at once when something has changed."""

from __future__ import annotations

import pytest

from duis_gateway.clock import wait_after
from duis_gateway.outbox.setbacks import BASE, CAP, Setbacks


class Time:
    """Monotonic time that a test sets."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("failures", "seconds"), [(0, BASE), (1, BASE), (2, 2 * BASE), (5, 16 * BASE), (10, CAP), (5000, CAP)]
)
def test_the_wait_doubles_up_to_its_cap(failures: int, seconds: float) -> None:
    assert wait_after(failures, BASE, CAP) == seconds


def test_a_thing_waits_longer_from_failure_to_failure() -> None:
    time = Time()
    setbacks = Setbacks(time)
    waits = []
    for number in range(1, 12):
        assert setbacks.failed("R1", "as it is") == number
        began = time.now
        while not setbacks.may_try("R1", "as it is"):
            time.now += 0.5
        waits.append(time.now - began)
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


def test_nothing_else_waits() -> None:
    setbacks = Setbacks(Time())
    setbacks.failed("R1")
    assert not setbacks.may_try("R1")
    assert setbacks.may_try("R2")


def test_what_has_changed_is_tried_at_once_and_counted_from_the_beginning() -> None:
    setbacks = Setbacks(Time())
    for _ in range(3):
        setbacks.failed("R1", "before")
    assert setbacks.may_try("R1", "after")
    assert setbacks.failed("R1", "after") == 1


def test_a_success_ends_it() -> None:
    setbacks = Setbacks(Time())
    setbacks.failed("R1")
    assert setbacks.succeeded("R1")
    assert setbacks.may_try("R1")
    assert setbacks.failed("R1") == 1
    assert not setbacks.succeeded("R2")
