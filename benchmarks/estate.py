"""How an estate's size tells: the same work against a small and a large inventory, side by side.

    python -m benchmarks.estate [HUBS] [SMALL] [FOLDER]

An inventory of HUBS (a million by default; 15 million are the whole of Great Britain) and one of SMALL (100,000) are
loaded from CSV into a SQLite file each, as an operator does. Against each, through a gateway's process and real HTTP:
DCC's notice of a release; a signed 11.5 of 50,000 hubs spread over the whole estate; CSP's report of 1,000
activations; 8.2. Then the supplier, with seven of ten hubs, at the party door: its whole estate as CSV and as JSON,
what has changed since the last activations, one hub; and the commands `status`, `status --hubs`, `plan show` and
`inventory export`. Times are in seconds, memory is the peak of the
process. FOLDER (a temporary one by default) needs about 400 bytes a hub. Needs the extra `test`.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

import urllib3

from duis_gateway.duis.identifiers import format_eui
from duis_gateway.parties import store as parties
from duis_gateway.parties.store import token_hash
from duis_gateway.rollout.hubs.freshness import OVERLAP
from duis_gateway.store.engine import Store
from tests.support.fault_world import SUPPLIER, FaultWorld, fault_world, hub_id
from tests.support.ledger import Client, Outgoing
from tests.support.million import inventory_lines, most_memory, run_measured
from tests.support.processes import GatewayProcess

LIST, OUTCOMES, ROUNDS, READS = 50_000, 1_000, 5, 200
TOKEN = "token-of-the-supplier"
MEBIBYTE = 1024 * 1024


@dataclass
class Measured:
    """What was found for one size: seconds, and the peak of memory in bytes."""

    hubs: int
    seconds: dict[str, float] = field(default_factory=dict)
    memory: dict[str, int] = field(default_factory=dict)

    def command(self, name: str, *words: str) -> None:
        """Run a command of the gateway and note its time and memory."""
        started = perf_counter()
        self.memory[name] = run_measured(*words)
        self.seconds[name] = perf_counter() - started

    def time(self, name: str, work: Callable[[], object]) -> None:
        """Note how long something takes."""
        started = perf_counter()
        work()
        self.seconds[name] = perf_counter() - started


def spread(hubs: int, count: int) -> list[int]:
    """Return the numbers of so many of the supplier's commissioned hubs, evenly over the estate."""
    # Of ten in a row the first six are such hubs (`tests.support.million`).
    return [10 * ((hubs // 10) * number // count) + number % 6 for number in range(count)]


def measure(folder: Path, hubs: int) -> Measured:
    """Load so many hubs and measure."""
    found = Measured(hubs)
    url = f"sqlite:///{folder}/gateway.db"
    store = Store.open(url)
    store.migrate()
    store.close()
    file = folder / "inventory.csv"
    with file.open("w", encoding="ascii") as out:
        out.writelines(inventory_lines(hubs))
    with fault_world(url, folder, hub_count=0) as world:
        config = ("--config", str(world.config))
        found.command("inventory load", "inventory", "load", str(file), *config)
        file.unlink()
        with world.store.write() as conn:
            parties.set_token_hash(conn, SUPPLIER, token_hash(TOKEN))
        with world.serve(delivery=False, log_level="error") as gateway, world.client(gateway) as client:
            _messages(found, world, client)
            found.memory["serve, messages"] = most_memory(gateway.pid)
            _party_door(found, world, gateway)
            found.memory["serve, with the party door"] = most_memory(gateway.pid)
        supplier = ("--party", format_eui(SUPPLIER), *config)
        found.command("status of a supplier", "status", *supplier)
        found.command("status --hubs", "status", "--hubs", "--format", "csv", *supplier)
        found.command("plan show", "plan", "show", format_eui(hub_id(spread(hubs, LIST)[0])), *config)
        found.command("inventory export", "inventory", "export", str(folder / "exported.csv"), *config)
        (folder / "exported.csv").unlink()
    return found


def _messages(found: Measured, world: FaultWorld, client: Client) -> None:
    named = spread(found.hubs, LIST)
    found.time("FirmwareRelease, with its emails", lambda: client.send(world.release_notice(limit=LIST)))
    _median(found, "11.5 of 50,000 hubs", client, [world.pilot_list_of(named, named) for _ in range(ROUNDS)])
    reported = [named[number * OUTCOMES : (number + 1) * OUTCOMES] for number in range(ROUNDS)]
    messages = [world.activations(numbers, shared=False) for numbers in reported]
    _median(found, "1,000 activations", client, messages)
    _median(found, "8.2", client, [world.read_inventory(named[number]) for number in range(READS)])


def _party_door(found: Measured, world: FaultWorld, gateway: GatewayProcess) -> None:
    since = f"{world._now + OVERLAP:%Y-%m-%dT%H:%M:%SZ}"
    for name, path in (
        ("estate as CSV", "estate?format=csv"),
        ("estate as JSON", "estate?format=json"),
        ("changed since the activations", f"estate?format=csv&changed-since={since}"),
        ("one hub", f"hubs/{format_eui(hub_id(0))}"),
    ):
        found.time(name, lambda path=path: fetch(gateway, path))


def fetch(gateway: GatewayProcess, path: str) -> int:
    """Read a page of the supplier's at the party door to its end; return how many lines it has."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    url = f"{gateway.url}/party/v1/{path}"
    answer = urllib3.request("GET", url, headers=headers, preload_content=False, timeout=3600)
    lines = sum(chunk.count(b"\n") for chunk in answer.stream(65536))
    assert answer.status == 200, lines
    return lines


def _median(found: Measured, name: str, client: Client, messages: list[Outgoing]) -> None:
    times = []
    for message in messages:
        started = perf_counter()
        client.send(message)
        times.append(perf_counter() - started)
    found.seconds[name] = statistics.median(times)


def main(hubs: int = 1_000_000, small: int = 100_000, folder: str | None = None) -> None:
    """Measure both sizes and print them beside each other."""
    found = []
    for size in (small, hubs):
        with tempfile.TemporaryDirectory(dir=folder) as here:
            found.append(measure(Path(here), size))
    less, more = found
    print(f"{'':>34} {less.hubs:>12,} {more.hubs:>12,} hubs")
    for name, seconds in more.seconds.items():
        print(f"{name:>34} {less.seconds[name]:12.4f} {seconds:12.4f} s")
    for name, octets in more.memory.items():
        print(f"{name:>34} {less.memory[name] / MEBIBYTE:12.0f} {octets / MEBIBYTE:12.0f} MiB")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]), *sys.argv[3:4])
