"""What a signed message of 256 kB costs that is not valid, beside a good one of that size on the same door.

    python -m benchmarks.refusals

The whole flow in this process, from the bytes to the answer or the refusal; the median of the rounds, in milliseconds
of this process's processor time, and as a multiple of the good message's. Against a small inventory in a SQLite file.
Needs the extra `test`.
"""

from __future__ import annotations

import re
import statistics
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import process_time

from benchmarks.steps import as_it_came
from duis_gateway.app import Gateway, open_trust
from duis_gateway.config.settings import load_config
from duis_gateway.envelope.signature import sign
from duis_gateway.errors import MessageRefused
from duis_gateway.flow.way import Flow
from duis_gateway.store.engine import Store
from tests.support.fault_world import CSP, DCC, SUPPLIER, FaultWorld, fault_world
from tests.support.ledger import Outgoing

ROUNDS = 5
SIZE = 256 * 1024
HUBS = 3000
FREE_PORTS = {"DUIS_GATEWAY_SERVER_PORT": "0", "DUIS_GATEWAY_OPERATIONS_PORT": "0"}
_XSI = b'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'


def filled(one: str) -> bytes:
    """So many of one thing that the message has its size."""
    return one.encode() * (SIZE // len(one))


WRONG: dict[str, bytes] = {
    "unknown elements": filled("<unknown>1</unknown>"),
    "empty elements": filled("<u></u>"),
    "wrong attributes": filled("<u " + " ".join(f'a{n:02}="1"' for n in range(60)) + "></u>"),
    "one huge text": b"<unknown>" + b"x" * SIZE + b"</unknown>",
    "deep nesting": filled("<u>" * 50 + "</u>" * 50),
    "unknown types": filled('<u xsi:type="none"></u>'),
}


def seconds(flow: Flow, messages: list[Outgoing]) -> float:
    """The median time of the messages, each sent once."""
    taken = []
    for message in messages:
        incoming = as_it_came(message)
        started = process_time()
        with suppress(MessageRefused):
            flow.handle(incoming)
        taken.append(process_time() - started)
    return statistics.median(taken[1:])


def spoiled(world: FaultWorld, make: Callable[[], Outgoing], signer: int, at: bytes, wrong: bytes) -> Outgoing:
    """A message with something wrong before one of its tags, signed anew."""
    good = make()
    content = re.sub(rb"(<(?:sr:)?(?:Request|Message) )", rb"\1" + _XSI + b" ", good.content, count=1)
    content = content.replace(at, wrong + at, 1)
    return Outgoing(good.identity, good.path, sign(content, world.keys[signer]), ())


def main(rounds: int = ROUNDS) -> None:
    """Measure the three doors."""
    with tempfile.TemporaryDirectory() as directory:
        url = f"sqlite:///{directory}/gateway.db"
        store = Store.open(url)
        store.migrate()
        store.close()
        with fault_world(url, Path(directory), hub_count=HUBS) as world:
            config = load_config(world.config, FREE_PORTS)
            gateway = Gateway(config, delivery=False)
            flow = gateway._flow(config, open_trust(config, gateway.store))
            flow.handle(as_it_came(world.release_notice()))
            count = SIZE // 160
            doors: dict[str, tuple[Callable[[], Outgoing], Callable[[], Outgoing], int, bytes]] = {
                "DUIS": (
                    lambda: world.pilot_list_of([n % HUBS for n in range(SIZE // 24)], ()),
                    world.read_inventory,
                    SUPPLIER,
                    b"</sr:ReadInventory>",
                ),
                "CSP": (
                    lambda: world.activations(range(100, 100 + count), shared=False),
                    lambda: world.activations([100]),
                    CSP,
                    b"</ActivateFirmwareResponses>",
                ),
                "ESI": (
                    lambda: world.activations(range(100, 100 + count), shared=False),
                    world.release_notice,
                    DCC,
                    b"</FirmwareRelease>",
                ),
            }
            for door, (good, small, signer, at) in doors.items():
                usual = seconds(flow, [good() for _ in range(rounds)])
                print(f"{door}: a good message of {SIZE // 1024} kB {usual * 1000:.1f} ms")
                for name, wrong in WRONG.items():
                    bad = seconds(flow, [spoiled(world, small, signer, at, wrong) for _ in range(rounds)])
                    print(f"    {name:<20}{bad * 1000:8.1f} ms {bad / usual:8.2f} times")
            gateway.store.close()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
