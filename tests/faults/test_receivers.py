"""Receivers on bad days, seen from a whole gateway (threats F18 to F20)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from duis_gateway.outbox import view as outbox_view
from tests.support.databases import fresh_database
from tests.support.fault_world import CSP, DCC, OLD_SUPPLIER, SUPPLIER, FaultWorld, fault_world
from tests.support.ledger import compare, queued
from tests.support.outbox import enqueue, messages
from tests.support.receivers import OK

pytestmark = [pytest.mark.processes, pytest.mark.once]

BACKLOG = 1500


@pytest.fixture
def sqlite_world(tmp_path: Path) -> Iterator[FaultWorld]:
    """An installation on SQLite alone."""
    with fresh_database("sqlite", tmp_path) as url, fault_world(url, tmp_path) as world:
        yield world


def test_all_receivers_are_down_and_come_back(world: FaultWorld) -> None:
    """F19: messages are taken in meanwhile, nothing is dropped, and everything arrives when they are back."""
    with world.serve() as gateway, world.client(gateway) as client:
        world.all_receivers_down()
        client.send(world.release_notice())
        client.send_all(world.traffic(5))
        world.wait_for_attempts()
        world.all_receivers_back()
        world.wait_until_delivered()
        assert gateway.terminate() == 0
    compare(world.ledger, world.store, world.receivers)


def test_a_message_that_its_receiver_never_takes_is_parked_and_the_queue_behind_it_moves(world: FaultWorld) -> None:
    """F18: the second list for the CSP is refused for ever; the lists behind it wait for its end, and no longer."""
    notice, poison, *others = [world.release_notice(), *(world.pilot_list(number) for number in range(1, 8))]
    (told,) = [one for one in poison.brings if one.recipient == CSP]
    refused = f"<DeviceIDList>{told.devices}</DeviceIDList>".encode()
    world.receivers[CSP].mode = lambda body: "422" if refused in body else OK
    with world.serve() as gateway, world.client(gateway) as client:
        for message in (notice, poison, *others):
            client.send(message)
        world.wait_until_delivered()
        (dead,) = [row for row in queued(world.store) if row.state == "dead"]
        assert refused in dead.content
        assert dead.attempts == 3, "the configured budget"
        # An operator has the adapter put right, and replays: after the others now, with the same id and bytes.
        world.receivers[CSP].mode = OK
        with world.store.write() as conn:
            assert outbox_view.replay(conn, recipient=CSP) == 1
        world.wait_until_delivered()
        assert gateway.terminate() == 0
    order = [arrival.body for arrival in world.receivers[CSP].arrivals if arrival.accepted]
    assert order[-1] == dead.content
    compare(world.ledger, world.store, world.receivers, out_of_turn={dead.message_id})


def test_a_restart_with_a_long_backlog(sqlite_world: FaultWorld) -> None:
    """F20: the gateway takes messages in before the backlog is gone, and each receiver gets its own in order."""
    world = sqlite_world
    sent = {eui: messages(BACKLOG, recipient=eui, prefix=f"{eui:x}-") for eui in (SUPPLIER, OLD_SUPPLIER, DCC)}
    for wanted in sent.values():
        enqueue(world.store, *wanted)
    with world.serve(delivery_in_flight=1) as gateway, world.client(gateway) as client:
        client.send(world.release_notice())
        world.receivers[CSP].wait_for(1)
        waiting = Counter(row.recipient for row in queued(world.store) if row.state == "pending")
        assert sum(waiting.values()) > BACKLOG, "the backlog was gone before the gateway took anything in"
        world.wait_until_delivered()
        assert gateway.terminate() == 0
    for eui, wanted in sent.items():
        assert world.receivers[eui].accepted == [one.content for one in wanted], "the oldest first, each once"
