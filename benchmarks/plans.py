"""How a whole estate is instructed, told and read: a supplier's hubs in lists of 50,000, and what each party gets.

    python -m benchmarks.plans [HUBS] [INVENTORY] [LIST]

The supplier of an inventory of INVENTORY hubs (700,000) instructs HUBS (400,000) of its own for safe launch, LIST
(50,000) at once, each list a group of its own; then DCC pauses the release, and proceeds. CSP and DCC refuse with 413
what is longer than 2 MiB, as servers do. For each message: seconds until the
gateway has answered. For all: messages sent, the longest, and how many became dead letters. Then the party door: the
whole estate as CSV, and what has changed since, with the process's memory. Needs the extra `test`.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter, sleep

import urllib3

from benchmarks.estate import spread
from duis_gateway.parties import store as parties
from duis_gateway.parties.store import token_hash
from duis_gateway.rollout.hubs.freshness import OVERLAP
from duis_gateway.rollout.rollout_decisions.records import RolloutAction
from duis_gateway.store.engine import Store
from tests.support.fault_world import CSP, DCC, SUPPLIER, FaultWorld, fault_world
from tests.support.ledger import Client
from tests.support.million import inventory_lines, most_memory, run_measured
from tests.support.processes import GatewayProcess

MEBIBYTE = 1024 * 1024
LONGEST = 2 * MEBIBYTE
TOKEN = "token-of-the-supplier"


def main(hubs: int = 400_000, inventory: int = 700_000, at_once: int = 50_000) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as here:
        folder = Path(here)
        url = f"sqlite:///{folder}/gateway.db"
        store = Store.open(url)
        store.migrate()
        store.close()
        file = folder / "inventory.csv"
        with file.open("w", encoding="ascii") as out:
            out.writelines(inventory_lines(inventory))
        with fault_world(url, folder, hub_count=0) as world:
            run_measured("inventory", "load", str(file), "--config", str(world.config))
            for party in (CSP, DCC):
                world.receivers[party].mode = lambda body: "ok" if len(body) <= LONGEST else "413"
            with world.store.write() as conn:
                parties.set_token_hash(conn, SUPPLIER, token_hash(TOKEN))
            with world.serve(log_level="error") as gateway, world.client(gateway) as client:
                named = spread(inventory, hubs)
                _instructed(world, client, named, at_once)
                _told(world)
                print(f"{'memory so far':>34} {most_memory(gateway.pid) / MEBIBYTE:12.0f} MiB")
                _read(world, client, gateway, named[:1000])


def _instructed(world: FaultWorld, client: Client, numbers: list[int], at_once: int) -> None:
    client.send(world.release_notice())
    client.send(world.approval())
    for start in range(0, len(numbers), at_once):
        message = world.launch_group(f"G{start}", numbers[start : start + at_once])
        _timed(f"11.6, {start:,} hubs standing", lambda one=message: client.send(one))
    for action in (RolloutAction.PAUSE, RolloutAction.PROCEED):
        message = world.decision(action)
        _timed(f"{action} of all", lambda one=message: client.send(one))


def _told(world: FaultWorld) -> None:
    _timed("until all is delivered", lambda: world.wait_until_delivered(1200))
    for name, party in (("CSP", CSP), ("DCC", DCC), ("supplier", SUPPLIER)):
        bodies = world.receivers[party].accepted
        longest, refused = max(map(len, bodies)), len(world.receivers[party].arrivals) - len(bodies)
        print(f"{f'messages to {name}':>34} {len(bodies):12,}, the longest {longest:,} octets, refused {refused}")
    print(f"{'dead letters':>34} {world.outbox_states()['dead']:12,}")


def _read(world: FaultWorld, client: Client, gateway: GatewayProcess, reported: list[int]) -> None:
    _fetched(gateway, "the whole estate", "")
    sleep(2)  # times are noted in parts of a second, and asked for in whole ones
    now = datetime.now(UTC)
    client.send(world.activations(reported, shared=False))
    for what, since in (
        ("changed since yesterday", now - timedelta(days=1)),
        ("1,000 activations later", now + OVERLAP),
    ):
        _fetched(gateway, what, f"&changed-since={since.strftime('%Y-%m-%dT%H:%M:%SZ')}")


def _fetched(gateway: GatewayProcess, what: str, query: str) -> None:
    rows = 0
    began = perf_counter()
    answer = urllib3.request(
        "GET",
        f"{gateway.url}/party/v1/estate?format=csv{query}",
        headers={"Authorization": f"Bearer {TOKEN}"},
        preload_content=False,
        timeout=600,
    )
    for chunk in answer.stream(65536):
        rows += chunk.count(b"\n")
    seconds = perf_counter() - began
    assert answer.status == 200, rows
    memory = most_memory(gateway.pid) / MEBIBYTE
    print(f"{what:>34} {seconds:12.2f} s, {rows - 1:,} rows, {memory:.0f} MiB at the most")


def _timed(name: str, work: Callable[[], object]) -> None:
    began = perf_counter()
    work()
    print(f"{name:>34} {perf_counter() - began:12.2f} s", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]))
