"""What a signed message of 256 kB costs that is refused, beside a good one of that size on the same door.

    python -m benchmarks.refusals

The whole flow in this process, from the bytes to the answer or the refusal; the least of the rounds (what else the
machine does can only add), in milliseconds of this process's processor time, and as a multiple of the good message's.
Against a small inventory in a SQLite file. Needs the extra `test`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path
from time import process_time

import esi.messages as esi
from benchmarks.arguments import numbers
from benchmarks.steps import as_it_came
from duis_gateway.app import Gateway, open_trust
from duis_gateway.cli.serve import spare_collector
from duis_gateway.config.settings import load_config
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.envelope.signature import sign
from duis_gateway.errors import MessageRefused
from duis_gateway.flow.way import Flow
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.store.engine import Store
from tests.support.duis import group_xml, request_xml, schedule_xml
from tests.support.fault_world import (
    CSP,
    DCC,
    ESI_DOOR,
    GATEWAY,
    SUPPLIER,
    SUPPLIER_DOOR,
    FaultWorld,
    fault_world,
    hub_id,
)
from tests.support.ledger import Outgoing
from tests.support.spoiled import SIZE, WRONG, filled, spoiled

ROUNDS = 7
HUBS = 3000
FREE_PORTS = {"DUIS_GATEWAY_SERVER_PORT": "0", "DUIS_GATEWAY_OPERATIONS_PORT": "0"}


_GROUP = group_xml("G", format_eui(hub_id(0)))
GROUPS = {
    "groups": filled(_GROUP),
    "groups, no two alike": "".join(
        group_xml("G", format_eui(hub_id(n)), start=f"2026-12-01T{n // 60:02}:{n % 60:02}:00Z") for n in range(1000)
    ),
    "groups, all wrong": filled(group_xml("G", "", stage="Pilots")),
    "groups, last wrong": filled(_GROUP) + group_xml("G", "", stage="Pilots"),
    "groups, empty": filled("<sr:DeploymentGroup></sr:DeploymentGroup>"),
    "groups, no such day": filled(group_xml("G", format_eui(hub_id(0)), end="2026-02-30T00:00:00Z")),
}


def seconds(flow: Flow, messages: list[Outgoing]) -> float:
    """The least time of the messages, each sent once."""
    taken = []
    for message in messages:
        incoming = as_it_came(message)
        started = process_time()
        with suppress(MessageRefused):
            flow.handle(incoming)
        taken.append(process_time() - started)
    return min(taken)


def spoiled_one(world: FaultWorld, good: Outgoing, signer: int, wrong: str) -> Outgoing:
    """A message with something wrong after the last thing in its body, signed anew."""
    return Outgoing(good.identity, good.path, sign(spoiled(good.content, wrong), world.keys[signer]), ())


def schedule(world: FaultWorld, number: int, groups: str) -> Outgoing:
    """An 11.6 with these groups."""
    request_id = f"{format_eui(SUPPLIER)}:{format_eui(GATEWAY)}:{number}"
    request = request_xml(schedule_xml(groups), "11.6", request_id=request_id)
    return Outgoing(request_id, SUPPLIER_DOOR, sign(request, world.keys[SUPPLIER]), ())


def inventory(world: FaultWorld, hubs: int) -> Outgoing:
    """DCC's word on so many hubs."""
    told = tuple(
        Hub(hub_id(n), "CHF", "106C", "433100AC", "9001", "Commissioned", "North", SUPPLIER, None) for n in range(hubs)
    )
    return world._from_partner(DCC, ESI_DOOR, esi.InventoryUpdate(told))


def measure(world: FaultWorld, flow: Flow, rounds: int) -> None:
    """Print the figures of the three doors."""
    hubs, preferred = SIZE // 160, [n % HUBS for n in range(SIZE // 24)]
    doors: dict[str, tuple[int, Callable[[], Outgoing], Callable[[], Outgoing]]] = {
        "DUIS": (
            SUPPLIER,
            lambda: world.pilot_list_of(preferred, ()),
            world.read_inventory,
        ),
        "CSP": (CSP, lambda: world.activations(range(100, 100 + hubs), shared=False), lambda: world.activations([100])),
        "ESI": (DCC, lambda: inventory(world, hubs), lambda: inventory(world, 1)),
    }
    numbers = count(1_000_000)
    for door, (signer, good, small) in doors.items():
        usual = seconds(flow, [good() for _ in range(rounds)])
        print(f"{door}: a good message of {SIZE // 1024} kB {usual * 1000:.1f} ms")
        refused = {
            name: [spoiled_one(world, small(), signer, wrong) for _ in range(rounds)] for name, wrong in WRONG.items()
        }
        if door == "DUIS":
            for name, groups in GROUPS.items():
                refused[name] = [schedule(world, next(numbers), groups) for _ in range(rounds)]
        for name, messages in refused.items():
            bad = seconds(flow, messages)
            print(f"    {name:<26}{bad * 1000:8.1f} ms {bad / usual:8.2f} times")


def main(rounds: int = ROUNDS) -> None:
    """Make an installation and measure it."""
    with tempfile.TemporaryDirectory() as directory:
        url = f"sqlite:///{directory}/gateway.db"
        store = Store.open(url)
        store.migrate()
        store.close()
        with fault_world(url, Path(directory), hub_count=HUBS) as world:
            config = load_config(world.config, FREE_PORTS)
            gateway = Gateway(config, delivery=False)
            flow = gateway._flow(config, open_trust(config, gateway.store))
            spare_collector()  # as in a gateway's own process
            flow.handle(as_it_came(world.release_notice()))
            measure(world, flow, rounds)
            gateway.store.close()


if __name__ == "__main__":
    main(*numbers(rounds=1))
