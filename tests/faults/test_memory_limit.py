"""A process that has no memory left: it refuses, breaks off or ends, and keeps what it acknowledged."""

from __future__ import annotations

import resource
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.fault_world import LISTABLE, FaultWorld
from tests.support.ledger import Client, compare
from tests.support.processes import PATIENCE, GatewayProcess
from tests.support.writing import wait_until

pytestmark = [pytest.mark.processes, pytest.mark.once]

LONG = 45_000
"""Hubs in a list, nearly all of which the inventory does not have."""


def test_memory_that_ends_under_load(world: FaultWorld) -> None:
    """A limit of the system far below what the process has already, under long lists; then there is memory again.

    If the process ends, it is started again, as systemd or a container's restart policy does.
    """
    unknown = range(10 * LISTABLE, 10 * LISTABLE + LONG)
    long_lists = [world.pilot_list_of([*range(number + 1), *unknown], range(number + 1)) for number in range(4)]
    with world.serve() as first, Client(world.ledger, lambda: current[0].url) as client:
        current = [first]
        client.send(world.release_notice())
        client.send_all(world.traffic(2))
        limit(first, size_of(first) // 4)
        with ThreadPoolExecutor(1) as background:
            sending = background.submit(client.send_all, [*long_lists, *world.traffic(4)[6:]])
            wait_until(lambda: is_noticed(world) or sending.done(), PATIENCE)
            if first.has_ended:
                current[0] = world.serve()
            else:
                limit(first, resource.RLIM_INFINITY)
            with current[0]:
                sending.result(2 * PATIENCE)
                world.wait_until_delivered()
                assert current[0].terminate() == 0
    assert is_noticed(world), "there was memory enough"
    assert {status for _, status in world.ledger.refused} <= {503}
    compare(world.ledger, world.store, world.receivers, most_sends=2)


def is_noticed(world: FaultWorld) -> bool:
    """Whether anything went without memory, or without a thread, which needs some."""
    log = (world.folder / "gateway.log").read_text(encoding="utf-8")
    return bool(world.ledger.refused or world.ledger.broken or "MemoryError" in log or "no-thread" in log)


def size_of(process: GatewayProcess) -> int:
    """How many bytes of addresses it uses now."""
    return int(Path(f"/proc/{process.pid}/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()


def limit(process: GatewayProcess, size: int) -> None:
    """Give a running process this limit (`ulimit -v`), in bytes."""
    resource.prlimit(process.pid, resource.RLIMIT_AS, (size, resource.RLIM_INFINITY))
