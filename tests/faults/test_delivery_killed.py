"""kill -9 of delivery at each commit boundary (threats F03 to F05), alone and with the doors, on both databases.

Afterwards the client's ledger, the database and the receivers agree.
"""

from __future__ import annotations

import pytest

from tests.support.fault_world import FaultWorld
from tests.support.ledger import Client, compare
from tests.support.processes import reborn

pytestmark = [pytest.mark.processes, pytest.mark.once]

DELIVERY_BOUNDARIES = (
    "store.before-commit",
    "store.after-commit",
    "delivery.after-claim",
    "delivery.after-post",
    "delivery.after-settle",
)


@pytest.mark.parametrize("boundary", DELIVERY_BOUNDARIES)
def test_killed_deliveries_lose_nothing_and_repeat_at_most_once_for_each_kill(world: FaultWorld, boundary: str) -> None:
    """F03 to F05: what comes again has the same id and the same bytes, at most three times for two kills."""
    messages = [world.release_notice(), *world.traffic(5)]
    with (
        world.take_in() as gateway,
        world.client(gateway) as client,
        reborn(world.deliver, [f"{boundary}:2", f"{boundary}:5"], between=world.expire_leases) as delivery,
    ):
        client.send(messages[0])
        client.send_all(messages)
        delivery.wait_for_kills(2)
        world.wait_until_delivered()
        assert delivery.end() == 0
    compare(world.ledger, world.store, world.receivers, most_sends=3)


def test_one_process_that_does_everything_is_killed_again_and_again(world: FaultWorld) -> None:
    """F01 to F05 together: messages come in while others go out, and each kill hits both."""
    messages = [world.release_notice(), *world.traffic(12)]
    deaths = ["delivery.after-post:3", "store.after-commit:12", "flow.before-answer:9", "store.before-commit:7"]
    with reborn(world.serve, deaths, world.expire_leases) as gateway, Client(world.ledger, gateway.url) as client:
        client.send(messages[0])
        client.send_all(messages)
        while gateway.kills < len(deaths):  # how many messages a life takes in before it delivers is chance
            client.send(world.read_inventory())
        gateway.wait_for_kills(len(deaths))
        world.wait_until_delivered()
        client.send_all(messages)
        assert gateway.end() == 0
    compare(world.ledger, world.store, world.receivers, most_sends=len(deaths) + 1)
