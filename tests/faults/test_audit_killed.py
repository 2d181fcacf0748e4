"""kill -9 of whoever seals the audit log, under load and with two gateways, on both databases (threats F01, F21)."""

from __future__ import annotations

import pytest

from tests.support.audit import findings, records_of, seal
from tests.support.fault_world import FaultWorld
from tests.support.ledger import Client, compare
from tests.support.processes import reborn
from tests.support.writing import wait_until

pytestmark = [pytest.mark.processes, pytest.mark.once, pytest.mark.requirement("EX-16")]


@pytest.mark.parametrize("boundary", ["audit.before-commit", "audit.after-seal"])
def test_a_sealer_that_is_killed_leaves_a_whole_chain(world: FaultWorld, boundary: str) -> None:
    """Each message is in the log once, whoever sealed it; another gateway seals and delivers all the time."""
    messages = [world.release_notice(), *world.traffic(3)]
    with (
        world.serve() as other,
        reborn(world.take_in, [f"{boundary}:1", f"{boundary}:2"]) as gateway,
        Client(world.ledger, gateway.url) as client,
    ):
        client.send(messages[0])
        client.send_all(messages)
        while gateway.kills < 2:
            client.send(world.read_inventory())
        client.send_all(messages)  # repeats get their answers, and are recorded no second time
        world.wait_until_delivered()
        assert gateway.end() == other.terminate() == 0
    compare(world.ledger, world.store, world.receivers)
    seal(world.store, sign=False)
    assert findings(world.store, signatures=False) == []


def test_a_running_gateway_seals_and_signs_by_itself(world: FaultWorld) -> None:
    with world.serve() as gateway, world.client(gateway) as client:
        client.send(world.release_notice())
        world.wait_until_delivered()
        wait_until(lambda: {type(one).__name__ for one in records_of(world.store)} == {"Entry", "Signed"}, 60)
        assert gateway.terminate() == 0
    assert findings(world.store, signatures=False) == []
