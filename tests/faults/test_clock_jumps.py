"""The wall clock of a whole gateway jumps by an hour, ahead and back (threat F23).

SQLite's clock, by which leases and back-off run, is the process's own, and jumps as well. PostgreSQL's stays.
"""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
import urllib3

from tests.support.databases import KINDS, fresh_database, postgresql_server
from tests.support.fault_world import FaultWorld, fault_world
from tests.support.ledger import compare
from tests.support.load import under_load
from tests.support.processes import GatewayProcess
from tests.support.wall_clock import WallClock

pytestmark = [
    pytest.mark.processes,
    pytest.mark.once,
    pytest.mark.may_skip_in_ci(reason="a C compiler makes the clock; CI's machines have one"),
]

HUBS = 5_000
HOUR = 3600


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """The database; a server runs before there is a clock, so that it keeps the machine's."""
    if request.param == "postgresql":
        postgresql_server()
    return str(request.param)


@pytest.fixture
def clock(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WallClock:
    """The clock of the processes that the test starts."""
    if shutil.which("cc") is None:
        pytest.skip("there is no C compiler")
    clock = WallClock(tmp_path)
    for name, value in clock.environment.items():
        monkeypatch.setenv(name, value)
    return clock


def test_a_clock_that_jumps_an_hour_both_ways(kind: str, tmp_path: Path, clock: WallClock) -> None:
    """Messages go on being taken in and delivered, each once and in order, and nothing waits for the hour to pass.

    What is due later than the longest configured wait from now is due at once: by default that is an hour, here less.
    """
    with (
        fresh_database(kind, tmp_path) as url,
        fault_world(url, tmp_path, HUBS) as world,
        world.serve(delivery_lease=5, delivery_total_timeout=2, delivery_retry_after_cap=5) as gateway,
    ):
        with under_load(world, [lambda: gateway.url], 2, HUBS) as load:
            for ahead in (HOUR, 0, -HOUR, HOUR, -HOUR):
                clock.jump_to(ahead)
                assert abs(seconds_ahead(gateway) - ahead) < HOUR / 2, "the clock has jumped"
                load.go_on(20)
                delivered(world, 20)
        world.wait_until_delivered()
        assert gateway.terminate() == 0
        compare(world.ledger, world.store, world.receivers, most_sends=2)


def seconds_ahead(gateway: GatewayProcess) -> float:
    """How many seconds the process's clock is ahead, by the date of its answers."""
    answer = urllib3.request("GET", f"{gateway.operations_url}/health/live", retries=False)
    return (parsedate_to_datetime(answer.headers["Date"]) - datetime.now(UTC)).total_seconds()


def delivered(world: FaultWorld, count: int) -> None:
    """Wait until so many more messages have arrived."""
    world.receivers_have(sum(len(one.accepted) for one in world.receivers.values()) + count)
