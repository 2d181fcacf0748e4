"""Stopping under load, and several processes on one database (threats F21, F24), on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.fault_world import FaultWorld
from tests.support.ledger import Client, Outgoing, compare
from tests.support.processes import PATIENCE
from tests.support.writing import wait_until

pytestmark = [pytest.mark.processes, pytest.mark.once]

SECONDS_TO_STOP = 10.0


def test_sigterm_under_load(world: FaultWorld) -> None:
    """F24: exit code 0 within ten seconds; what was acknowledged is kept, and the next process goes on."""
    notice, *messages = [world.release_notice(), *world.traffic(25)]
    with world.serve() as first, ThreadPoolExecutor(1) as background:
        current = [first]
        with Client(world.ledger, lambda: current[0].url) as client:
            client.send(notice)
            sending = background.submit(client.send_all, messages)
            wait_until(lambda: len(world.ledger.acknowledged) > 10, PATIENCE)
            assert first.terminate(SECONDS_TO_STOP) == 0
            assert not sending.done(), "there was no load"
            with world.serve() as second:
                current[0] = second
                sending.result(PATIENCE)
                world.wait_until_delivered()
                assert second.terminate() == 0
    compare(world.ledger, world.store, world.receivers)


def test_a_delivery_process_that_is_asked_to_stop_gives_back_what_it_holds(world: FaultWorld) -> None:
    """F24: exit code 0, no lease is left behind, and the next process sends nothing twice."""
    with world.take_in() as gateway, world.client(gateway) as client:
        client.send(world.release_notice())
        client.send_all(world.traffic(20))
    with world.deliver() as first:
        world.receivers_have(10)
        assert first.terminate(SECONDS_TO_STOP) == 0
    assert "in_flight" not in world.outbox_states()
    with world.deliver() as second:
        world.wait_until_delivered()
        assert second.terminate() == 0
    compare(world.ledger, world.store, world.receivers)


def test_two_gateways_and_two_deliveries_on_one_database(world: FaultWorld) -> None:
    """F21, F02: the same messages through both doors at the same time happen once, and go out once."""
    notice, *messages = [world.release_notice(), *world.traffic(10)]
    with (
        world.serve() as one,
        world.serve() as two,
        world.client(one) as to_one,
        world.client(two) as to_two,
        ThreadPoolExecutor(2) as both,
    ):
        to_one.send(notice)
        copies: list[tuple[Client, list[Outgoing]]] = [(to_one, messages), (to_two, messages)]
        for _ in both.map(lambda copy: copy[0].send_all(copy[1]), copies):
            pass
        world.wait_until_delivered()
        assert one.terminate() == two.terminate() == 0
    compare(world.ledger, world.store, world.receivers)
