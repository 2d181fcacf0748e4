"""kill -9 of the gateway at each commit boundary (threats F01, F02), on both databases.

Afterwards the client's ledger, the database and the receivers agree.
"""

from __future__ import annotations

import signal

import pytest

from tests.support.fault_world import FaultWorld
from tests.support.ledger import Client, compare, stored_identities
from tests.support.processes import reborn

pytestmark = [pytest.mark.processes, pytest.mark.once]

GATEWAY_BOUNDARIES = ("store.before-commit", "store.after-commit", "flow.before-answer")


@pytest.mark.parametrize("boundary", GATEWAY_BOUNDARIES)
def test_a_killed_gateway_keeps_what_it_committed_and_nothing_else(world: FaultWorld, boundary: str) -> None:
    """F01, F02: the sender's connection breaks; the same bytes again are taken in or get the stored answer."""
    message = world.release_notice()
    with world.take_in(boundary) as gateway:
        assert world.client(gateway).try_once(message) is None
        assert gateway.wait() == -signal.SIGKILL
    committed = boundary != "store.before-commit"
    assert stored_identities(world.store) == ({message.identity} if committed else set())
    with world.serve() as gateway, world.client(gateway) as client:
        answer = client.send(message)
        assert client.send(message) == answer
        world.wait_until_delivered()
        assert gateway.terminate() == 0
    compare(world.ledger, world.store, world.receivers)


@pytest.mark.parametrize("boundary", GATEWAY_BOUNDARIES)
def test_a_gateway_killed_under_load_loses_nothing_and_does_nothing_twice(world: FaultWorld, boundary: str) -> None:
    """F01, F02, with several messages in one commit; another process delivers all the time."""
    messages = [world.release_notice(), *world.traffic(12)]
    with (
        world.deliver(),
        reborn(world.take_in, [f"{boundary}:3", f"{boundary}:5"]) as gateway,
        Client(world.ledger, gateway.url) as client,
    ):
        client.send(messages[0])
        client.send_all(messages)
        gateway.wait_for_kills(2)
        assert world.ledger.broken
        client.send_all(messages)  # and every answer is the one of the first time
        world.wait_until_delivered()
        assert gateway.end() == 0
    compare(world.ledger, world.store, world.receivers)
