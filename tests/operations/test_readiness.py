"""What readiness tells of looks that fail, that take for ever, and that go well again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import monotonic

import pytest

from duis_gateway.operations.readiness import Check, Lookout
from tests.support.gateway_process import wait_until

WELL: Mapping[str, Check] = {"store": Check(ok=True)}
FULL: Mapping[str, Check] = {"store": Check(ok=False, detail="the disk is full")}


@contextmanager
def looking(lookout: Lookout) -> Iterator[Lookout]:
    lookout.start()
    try:
        yield lookout
    finally:
        assert lookout.stop(monotonic() + 30)


def test_what_was_seen_last_is_told_and_its_change_logged(caplog: pytest.LogCaptureFixture) -> None:
    seen = [WELL]
    with caplog.at_level(logging.INFO), looking(Lookout(lambda: seen[-1], every=0.01)) as lookout:
        assert lookout() == WELL
        seen.append(FULL)
        wait_until(lambda: lookout() == FULL, "not seen")
        seen.append(WELL)
        wait_until(lambda: lookout() == WELL, "not seen again")
        wait_until(lambda: "ready again" in caplog.text, "not logged")
    assert [record.message for record in caplog.records] == ["not ready: store: the disk is full", "ready again"]


def test_a_look_that_fails_is_not_ready_and_says_no_more_than_the_log(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> Mapping[str, Check]:
        raise ConnectionError("no database")

    with looking(Lookout(broken, every=60)) as lookout:
        assert lookout() == {"readiness": Check(ok=False, detail="cannot be determined; see the log")}
        wait_until(lambda: "no database" in caplog.text, "not logged")


def test_a_look_that_does_not_end_is_not_ready_and_holds_nobody_up() -> None:
    """F11: a database that never answers; nobody is asked a second time before the first look has ended."""
    ended = threading.Event()
    looks = [0]

    def look() -> Mapping[str, Check]:
        looks[0] += 1
        if looks[0] > 1:
            ended.wait(30)
        return WELL

    with looking(Lookout(look, every=0.01, longest=0.1)) as lookout:
        assert lookout() == WELL
        wait_until(lambda: "readiness" in lookout(), "still ready")
        assert not lookout()["readiness"].ok
        assert looks == [2]
        ended.set()
        wait_until(lambda: lookout() == WELL, "not ready again")


def test_before_the_first_look_has_ended_nothing_is_ready() -> None:
    ended = threading.Event()

    def look() -> Mapping[str, Check]:
        ended.wait(30)
        return WELL

    with looking(Lookout(look, every=0.01, longest=0.05)) as lookout:
        assert not all(check.ok for check in lookout().values())
        ended.set()
        wait_until(lambda: lookout() == WELL, "not ready")
