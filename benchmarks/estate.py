"""How an estate's size tells: the same work against a small and a large inventory, side by side.

    python -m benchmarks.estate [HUBS] [SMALL] [FOLDER]

An inventory of HUBS (a million by default; 15 million are the whole of Great Britain) and one of SMALL (100,000) are
built in a SQLite file each, inside the database and with its indexes last. Against each, through a gateway's process
and real HTTP: DCC's notice of a release; a signed 11.5 of 50,000 hubs spread over the whole estate; CSP's report of
1,000 activations; 8.2. Then the supplier, with seven of ten hubs, at the party door: its whole estate as CSV and as
JSON, each read for a minute at most, what has changed since the last activations, one hub; and the commands
`inventory load` (of a file of 100,000 hubs), `status`, `plan show` and, up to 100,000 hubs, those that print the whole
estate, `status --hubs` and `inventory export`. Times are in seconds, memory is the peak of the process. FOLDER (a
temporary one by default) needs about 600 bytes a hub. Needs the extra `test`.
"""

from __future__ import annotations

import math
import statistics
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path
from time import perf_counter, sleep

import urllib3
from sqlalchemy import text

from benchmarks.arguments import numbers
from duis_gateway.duis.identifiers import format_eui, to_signed
from duis_gateway.parties import store as parties
from duis_gateway.parties.store import token_hash
from duis_gateway.rollout.hubs.device_models import model_numbers
from duis_gateway.rollout.hubs.freshness import OVERLAP
from duis_gateway.store.engine import Store
from duis_gateway.store.tables import hub
from tests.support.fault_world import OLD_SUPPLIER, RUNNING, SUPPLIER, FaultWorld, fault_world, hub_id
from tests.support.ledger import Client, Outgoing
from tests.support.million import FOREIGN, UNCOMMISSIONED, inventory_lines, most_memory, run_measured
from tests.support.processes import GatewayProcess

LIST, OUTCOMES, ROUNDS, READS = 50_000, 1_000, 5, 200
LOADED = 100_000
"""Hubs of the largest file that is loaded, and of the largest estate that a command prints: a million takes minutes."""
A_TRANSACTION = 1_000_000
READING = 60.0
"""Seconds for which an estate is read from the party door at most."""
TOKEN = "token-of-the-supplier"
MEBIBYTE = 1024 * 1024


@dataclass
class Measured:
    """What was found for one size: seconds, the peak of memory in bytes, and rows read, in all and in a second."""

    hubs: int
    since: datetime = field(default_factory=lambda: datetime.now(UTC))
    seconds: dict[str, float] = field(default_factory=dict)
    memory: dict[str, int] = field(default_factory=dict)
    rows: dict[str, float] = field(default_factory=dict)

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


def build(store: Store, hubs: int) -> None:
    """Fill an empty inventory with what `inventory_lines` says, as much faster as it can be: without a file."""
    with store.write(alone=True) as conn:
        (model,) = model_numbers(conn, [("106C", "433100AC")]).values()
        for index in hub.indexes:
            index.drop(conn)
    values = {
        "model": model,
        "first": to_signed(hub_id(0)),
        "own": to_signed(SUPPLIER),
        "other": to_signed(OLD_SUPPLIER),
        "version": RUNNING,
        "foreign": FOREIGN.start,
        "new": UNCOMMISSIONED,
    }
    for start in range(0, hubs, A_TRANSACTION):
        with store.write(alone=True) as conn:
            conn.execute(_ROWS, values | {"start": start, "stop": min(start + A_TRANSACTION, hubs)})
    for index in hub.indexes:
        with store.write(alone=True) as conn:
            index.create(conn)


_ROWS = text(
    """INSERT INTO hub (device_id, device_type, model_id, firmware_version, status, csp_region, import_supplier,
                        gas_supplier, told_version)
       WITH RECURSIVE numbers (n) AS (
           SELECT CAST(:start AS BIGINT) UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :stop)
       SELECT :first + n, 'CHF', :model, :version,
              CASE WHEN n % 10 = :new THEN 'InstalledNotCommissioned' ELSE 'Commissioned' END, 'North',
              CASE WHEN n % 10 >= :foreign THEN :other ELSE :own END,
              CASE WHEN n % 10 >= :foreign THEN :other ELSE :own END, :version
       FROM numbers"""
)


def measure(folder: Path, hubs: int, loaded: int) -> Measured:
    """Build so many hubs and measure."""
    found = Measured(hubs)
    url = f"sqlite:///{folder}/gateway.db"
    store = Store.open(url)
    store.migrate()
    found.time("building the inventory", lambda: build(store, hubs))
    store.close()
    file = folder / "inventory.csv"
    with file.open("w", encoding="ascii") as out:
        out.writelines(inventory_lines(loaded))
    with fault_world(url, folder, hub_count=0) as world:
        config = ("--config", str(world.config))
        found.command(f"inventory load, {loaded:,} hubs", "inventory", "load", str(file), *config)
        with world.store.write() as conn:
            parties.set_token_hash(conn, SUPPLIER, token_hash(TOKEN))
        with world.serve(delivery=False, log_level="error") as gateway, world.client(gateway) as client:
            _messages(found, world, client)
            found.memory["serve, messages"] = most_memory(gateway.pid)
            _party_door(found, world, gateway)
        supplier = ("--party", format_eui(SUPPLIER), *config)
        found.command("status of a supplier", "status", *supplier)
        found.command("plan show", "plan", "show", format_eui(hub_id(0)), *config)
        if hubs <= LOADED:
            found.command("status --hubs", "status", "--hubs", "--format", "csv", *supplier)
            found.command("inventory export", "inventory", "export", str(folder / "exported.csv"), *config)
    return found


def _messages(found: Measured, world: FaultWorld, client: Client) -> None:
    named = spread(found.hubs, min(LIST, found.hubs * 6 // 10))  # all that there are, of a small estate
    at_once = min(OUTCOMES, len(named) // ROUNDS)
    found.time("FirmwareRelease, with its emails", lambda: client.send(world.release_notice(limit=LIST)))
    _median(found, "11.5 of 50,000 hubs at most", client, [world.pilot_list_of(named, named) for _ in range(ROUNDS)])
    sleep(2)  # times are noted in parts of a second, and asked for in whole ones
    found.since = datetime.now(UTC)
    reported = [named[number * at_once : (number + 1) * at_once] for number in range(ROUNDS)]
    messages = [world.activations(numbers, shared=False) for numbers in reported]
    _median(found, "1,000 activations at most", client, messages)
    _median(found, "8.2", client, [world.read_inventory(named[number]) for number in range(READS)])


def _party_door(found: Measured, world: FaultWorld, gateway: GatewayProcess) -> None:
    since = f"{found.since + OVERLAP:%Y-%m-%dT%H:%M:%SZ}"
    for name, path in (
        ("one hub", f"hubs/{format_eui(hub_id(0))}"),
        ("changed since the activations", f"estate?format=csv&changed-since={since}"),
        ("estate as CSV", "estate?format=csv"),
        ("estate as JSON", "estate?format=json"),
    ):
        began = perf_counter()
        rows = fetch(gateway, path, READING)
        found.seconds[name] = seconds = perf_counter() - began
        if path.startswith("estate"):
            found.rows[f"{name}: rows"] = rows
            found.rows[f"{name}: rows a second"] = rows / seconds
        found.memory[f"serve, {name}"] = most_memory(gateway.pid)


def fetch(gateway: GatewayProcess, path: str, seconds: float = 3600) -> int:
    """Read a page of the supplier's at the party door for so long at most; return how many lines came."""
    until = perf_counter() + seconds
    headers = {"Authorization": f"Bearer {TOKEN}"}
    url = f"{gateway.url}/party/v1/{path}"
    answer = urllib3.request("GET", url, headers=headers, preload_content=False, timeout=3600)
    in_time = takewhile(lambda _: perf_counter() < until, answer.stream(65536))
    lines = sum(chunk.count(b"\n") for chunk in in_time)
    answer.close()  # before its end the connection is of no use to anybody
    assert answer.status == 200, lines
    return lines


def _median(found: Measured, name: str, client: Client, messages: list[Outgoing]) -> None:
    times = []
    for message in messages:
        started = perf_counter()
        client.send(message)
        times.append(perf_counter() - started)
    found.seconds[name] = statistics.median(times)


def main(hubs: int = 1_000_000, small: int = 100_000, *, folder: str | None = None) -> None:
    """Measure both sizes and print them beside each other."""
    found = []
    for size in (small, hubs):
        with tempfile.TemporaryDirectory(dir=folder) as here:
            found.append(measure(Path(here), size, min(small, hubs, LOADED)))
    less, more = found
    print(f"{'':>45} {less.hubs:>12,} {more.hubs:>12,} hubs")
    for name, seconds in less.seconds.items():
        print(f"{name:>45} {seconds:12.4f} {more.seconds.get(name, math.nan):12.4f} s")
    for name, rows in more.rows.items():
        print(f"{name:>45} {less.rows[name]:12,.0f} {rows:12,.0f}")
    for name, octets in less.memory.items():
        print(f"{name:>45} {octets / MEBIBYTE:12.0f} {more.memory.get(name, math.nan) / MEBIBYTE:12.0f} MiB")


if __name__ == "__main__":
    main(*numbers(hubs=10, small=10), folder=next(iter(sys.argv[3:4]), None))
