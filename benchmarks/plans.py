"""How a whole estate is instructed, told and read: a supplier's hubs in lists of 50,000, and what each party gets.

    python -m benchmarks.plans [HUBS] [INVENTORY] [LIST] [sqlite|postgresql]

The supplier of an inventory of INVENTORY hubs (700,000) has HUBS (400,000) of its own. It prefers LIST (50,000) of them
for the pilot, then the next ones, each list in the place of the one before (11.5), and in the end one other hub. Then
it instructs all for safe launch, a list a group (11.6); DCC pauses the release, and proceeds. CSP and DCC refuse with
413 what is longer than 2 MiB, as servers do. For each message: seconds until the gateway has answered, and seconds of
processor time that its threads took meanwhile (PostgreSQL's own are not counted). For all: messages sent and the
longest; it fails if any became a dead letter. Then the party door: the whole estate as CSV, and what has changed since,
with the process's memory. Needs the extra `test`.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from os import sysconf
from pathlib import Path
from time import perf_counter, sleep

import urllib3

from benchmarks.arguments import numbers
from benchmarks.estate import TOKEN, build, fetch, spread
from duis_gateway.parties import store as parties
from duis_gateway.parties.store import token_hash
from duis_gateway.rollout.hubs.freshness import OVERLAP
from duis_gateway.rollout.rollout_decisions.records import RolloutAction
from tests.support.databases import fresh_database
from tests.support.fault_world import CSP, DCC, SUPPLIER, FaultWorld, fault_world
from tests.support.ledger import Outgoing
from tests.support.million import most_memory
from tests.support.processes import GatewayProcess

MEBIBYTE = 1024 * 1024
LONGEST = 2 * MEBIBYTE
XML = {"Content-Type": "application/xml"}


def main(hubs: int = 400_000, inventory: int = 700_000, at_once: int = 50_000, database: str = "sqlite") -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as here, fresh_database(database, Path(here)) as url:
        folder = Path(here)
        with fault_world(url, folder, hub_count=0) as world:
            build(world.store, inventory)
            for party in (CSP, DCC):
                world.receivers[party].mode = lambda body: "ok" if len(body) <= LONGEST else "413"
            with world.store.write() as conn:
                parties.set_token_hash(conn, SUPPLIER, token_hash(TOKEN))
            with world.serve(log_level="error") as gateway:
                named = spread(inventory, hubs)
                _preferred(world, gateway, named, at_once)
                _instructed(world, gateway, named, at_once)
                _told(world, gateway)
                print(f"{'memory so far':>34} {most_memory(gateway.pid) / MEBIBYTE:12.0f} MiB")
                _read(world, gateway, named[:1000])


def _preferred(world: FaultWorld, gateway: GatewayProcess, numbers: list[int], at_once: int) -> None:
    _sent(gateway, world.release_notice(limit=at_once))
    lists = [numbers[start : start + at_once] for start in range(0, len(numbers), at_once)]
    taken = set(numbers)
    # What is in the pilot may not be in safe launch: in the end it is a hub that is not instructed below.
    lists.append([next(one for one in count() if one % 10 == 0 and one not in taken)])
    for number, named in enumerate(lists, 1):
        message = world.pilot_list_of(named, named)
        _timed(f"11.5, list {number}", gateway, lambda one=message: _sent(gateway, one))


def _instructed(world: FaultWorld, gateway: GatewayProcess, numbers: list[int], at_once: int) -> None:
    _sent(gateway, world.approval())
    for start in range(0, len(numbers), at_once):
        message = world.launch_group(f"G{start}", numbers[start : start + at_once])
        _timed(f"11.6, {start:,} hubs standing", gateway, lambda one=message: _sent(gateway, one))
    for action in (RolloutAction.PAUSE, RolloutAction.PROCEED):
        message = world.decision(action)
        _timed(f"{action} of all", gateway, lambda one=message: _sent(gateway, one))


def _told(world: FaultWorld, gateway: GatewayProcess) -> None:
    _timed("until all is delivered", gateway, lambda: world.wait_until_delivered(1200))
    for name, party in (("CSP", CSP), ("DCC", DCC), ("supplier", SUPPLIER)):
        bodies = world.receivers[party].accepted
        longest, refused = max(map(len, bodies)), len(world.receivers[party].arrivals) - len(bodies)
        print(f"{f'messages to {name}':>34} {len(bodies):12,}, the longest {longest:,} octets, refused {refused}")
    dead = world.outbox_states()["dead"]
    print(f"{'dead letters':>34} {dead:12,}")
    assert not dead, "what the gateway sends does not fit into what its receivers take"


def _read(world: FaultWorld, gateway: GatewayProcess, reported: list[int]) -> None:
    _fetched(gateway, "the whole estate", "")
    sleep(2)  # times are noted in parts of a second, and asked for in whole ones
    now = datetime.now(UTC)
    _sent(gateway, world.activations(reported, shared=False))
    for what, since in (
        ("changed since yesterday", now - timedelta(days=1)),
        ("1,000 activations later", now + OVERLAP),
    ):
        _fetched(gateway, what, f"&changed-since={since.strftime('%Y-%m-%dT%H:%M:%SZ')}")


def _fetched(gateway: GatewayProcess, what: str, query: str) -> None:
    began, worked = perf_counter(), _processor_time(gateway.pid)
    rows = fetch(gateway, f"estate?format=csv{query}") - 1
    seconds, processor = perf_counter() - began, _processor_time(gateway.pid) - worked
    memory = most_memory(gateway.pid) / MEBIBYTE
    print(
        f"{what:>34} {seconds:12.2f} s, {processor:.2f} s of processor time, {rows:,} rows,"
        f" {memory:.0f} MiB at the most",
        flush=True,
    )


def _sent(gateway: GatewayProcess, message: Outgoing) -> None:
    answer = urllib3.request("POST", gateway.url + message.path, body=message.content, headers=XML, timeout=1200)
    assert answer.status == 200, answer.data[:500]


def _timed(name: str, gateway: GatewayProcess, work: Callable[[], object]) -> None:
    began, worked = perf_counter(), _processor_time(gateway.pid)
    work()
    print(
        f"{name:>34} {perf_counter() - began:12.2f} s, {_processor_time(gateway.pid) - worked:.2f} s of it worked",
        flush=True,
    )


def _processor_time(process: int) -> float:
    """Return the seconds that a process has had of the processors: what else runs here counts for less in it."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main(*numbers(hubs=1, inventory=10, list=1), *sys.argv[4:5])
