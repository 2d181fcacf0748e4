"""Processor time for each message, ours beside the floor, in turns in one run: `tox -e bench`.

    python -m benchmarks.bench [--quick] [--database sqlite|postgresql] [--record FILE] [--compare FILE]

Ours is the gateway's own way from the bytes that arrived to the commit, in this process with all its threads, on SQLite
and on PostgreSQL with durable commits; for the N64, from the alert's facts until it is marked as delivered. The floor
(`benchmarks.floor`) is on SQLite in both cases: PostgreSQL's own processes are not counted. A regression of a ratio by
more than a fifth against the record fails. Needs the extra `test`.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import process_time
from typing import Any

from sqlalchemy import delete

from benchmarks.delivery import Counter, receive
from benchmarks.floor import Floor
from benchmarks.steps import as_it_came
from duis_gateway.app import Gateway, open_trust
from duis_gateway.cli.serve import spare_collector
from duis_gateway.config.settings import load_config
from duis_gateway.duis.alerts.comms_hub_firmware_activation import CommsHubFirmwareActivation
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.flow.reply import Alert
from duis_gateway.outbox.dispatcher import Delivery, DeliverySettings
from duis_gateway.outbox.guard import parse_networks
from duis_gateway.outbox.laying_in import lay_in_outbox
from duis_gateway.outbox.senders import HttpSender
from duis_gateway.outbox.transport import HttpTransport, TransportSettings
from duis_gateway.parties import store as parties
from duis_gateway.store.tables import outbox
from schemas import schema_path
from tests.support.databases import fresh_database
from tests.support.fault_world import CSP, OLD_SUPPLIER, RELEASE, RELEASED, SUPPLIER, FaultWorld, fault_world, hub_id
from tests.support.ledger import Outgoing
from tests.support.million import FOREIGN, load, own_hubs

LISTED = 300
A_COMMIT = 500
DATABASES = ("sqlite", "postgresql")
WORSE = 1.2
"""A ratio that has grown by more than this, against the record, is a regression."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is done: hubs in the inventory, rounds, and messages of each kind in a round."""

    hubs: int
    rounds: int
    requests: int
    lists: int
    alerts: int


QUICK = Scale(hubs=20_000, rounds=3, requests=60, lists=15, alerts=1000)
WHOLE = Scale(hubs=100_000, rounds=7, requests=150, lists=40, alerts=4000)
LEAST = Scale(hubs=2_000, rounds=1, requests=3, lists=2, alerts=20)


@dataclass
class Line:
    """One kind of work: milliseconds of processor time a message, round by round."""

    name: str
    ours: list[float] = field(default_factory=list)
    floor: list[float] = field(default_factory=list)

    def take(self, count: int, ours: Callable[[], None], floor: Callable[[], None]) -> None:
        """Do both, one after the other, and note what they took."""
        self.floor.append(_spent(floor) / count * 1000)
        self.ours.append(_spent(ours) / count * 1000)

    @property
    def ratio(self) -> float:
        """Ours to the floor: the median of the rounds, each of which has both."""
        return statistics.median(ours / floor for ours, floor in zip(self.ours, self.floor, strict=True))


def _spent(work: Callable[[], None]) -> float:
    began = process_time()
    work()
    return process_time() - began


class Bench:
    """A gateway and a floor with the same parties and the same inventory."""

    def __init__(self, world: FaultWorld, scale: Scale, folder: Path) -> None:
        self._world, self._scale = world, scale
        load(world, scale.hubs)
        config = load_config(world.config, {"DUIS_GATEWAY_SERVER_PORT": "0", "DUIS_GATEWAY_OPERATIONS_PORT": "0"})
        self._gateway = Gateway(config, delivery=False)
        trust = open_trust(config, self._gateway.store)
        self._flow = self._gateway._flow(config, trust)
        keys = {eui: key.private_key for eui, key in world.keys.items()}
        schema = schema_path("duis/6.0")
        self._floor = Floor(folder, schema, keys[SUPPLIER].public_key(), keys[CSP])
        rows = [
            (hub_id(n), "CHF", "106C", "433100AC", "9001", "Commissioned", "North", owner, owner)
            for n in range(scale.hubs)
            for owner in [format_eui(OLD_SUPPLIER if n % 10 in FOREIGN else SUPPLIER)]
        ]
        self._floor.load(rows)
        self._hubs = own_hubs(scale.hubs, scale.hubs // 10)
        spare_collector()
        self._flow.handle(as_it_came(world.release_notice(limit=len(self._hubs))))
        with self._gateway.store.read() as conn:
            supplier = parties.find(conn, SUPPLIER)
        assert supplier is not None
        self._supplier = supplier

    def measured(self, url: str) -> list[Line]:
        """Do everything in rounds and return what it took; the first round warms up and is not counted."""
        lines = [Line("8.2"), Line(f"11.5 of {LISTED} hubs"), Line("N64, from its facts to delivered")]
        works = (self._requests, self._lists, lambda line: self._alerts(line, url))
        for number in range(self._scale.rounds + 1):
            for line, work in zip(lines, works, strict=True):
                work(line)
                if number == 0 and self._scale is not LEAST:
                    line.ours.clear()
                    line.floor.clear()
        return lines

    def close(self) -> None:
        """Close both."""
        self._gateway.store.close()
        self._floor.close()

    def _requests(self, line: Line) -> None:
        sent = [self._world.read_inventory(n % self._scale.hubs) for n in range(self._scale.requests)]
        self._both(line, sent, self._floor.read_inventory)

    def _lists(self, line: Line) -> None:
        parts = [self._hubs[n % 10 :: len(self._hubs) // LISTED or 1][:LISTED] for n in range(self._scale.lists)]
        self._both(line, [self._world.pilot_list_of(part, part) for part in parts], self._floor.pilot_list)

    def _both(self, line: Line, sent: Sequence[Outgoing], floor: Callable[[bytes], None]) -> None:
        def ours() -> None:
            for message in sent:
                self._flow.handle(as_it_came(message))

        def least() -> None:
            for message in sent:
                floor(message.content)

        line.take(len(sent), ours, least)

    def _alerts(self, line: Line, url: str) -> None:
        store, count = self._gateway.store, self._scale.alerts
        signer = self._flow.signer()
        assert signer is not None
        transport = HttpTransport(TransportSettings(allowed_networks=parse_networks(["127.0.0.0/8"])))
        delivered = Counter()
        sender = HttpSender(transport, lambda eui: url)
        delivery = Delivery(store, {"http": sender}, None, DeliverySettings(), delivered)

        def ours() -> None:
            for start in range(0, count, A_COMMIT):
                sends = [
                    Alert(self._supplier, CommsHubFirmwareActivation(hub_id(n), RELEASED), RELEASE, hub_id(n))
                    for n in range(start, min(start + A_COMMIT, count))
                ]
                with store.write() as conn:
                    lay_in_outbox(sends, conn, signer, datetime.now(UTC), 95_000)
            delivery.start()
            delivered.wait_for(count)
            delivery.stop()

        # What the lists have laid in for partners is not what is measured here.
        with store.write() as conn:
            conn.execute(delete(outbox))
        template = b"<sr:Response>" + b"x" * 500 + b"@</sr:Response>"
        line.take(count, ours, lambda: self._floor.alerts(template, count, url))


@contextmanager
def _receiver() -> Iterator[str]:
    ready: multiprocessing.SimpleQueue[int] = multiprocessing.SimpleQueue()
    process = multiprocessing.Process(target=receive, args=(ready,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ready.get()}/"
    finally:
        process.terminate()
        process.join()


def lines_of(database: str, scale: Scale) -> list[Line]:
    """Measure on one database."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = stack.enter_context(fresh_database(database, folder))
        world = stack.enter_context(fault_world(url, folder, hub_count=0))
        bench = Bench(world, scale, folder)
        stack.callback(bench.close)
        return bench.measured(stack.enter_context(_receiver()))


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print, record, compare; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--least", action="store_true", help="see whether it runs; the figures mean nothing")
    parser.add_argument("--database", choices=DATABASES, action="append")
    parser.add_argument("--record", type=Path)
    parser.add_argument("--compare", type=Path)
    given = parser.parse_args(words)
    scale = LEAST if given.least else QUICK if given.quick else WHOLE
    found: dict[str, Any] = {}
    print(f"{'':<36}{'ours':>9}{'floor':>9}{'ratio':>7}   milliseconds of processor time")
    for database in given.database or DATABASES:
        for line in lines_of(database, scale):
            name = f"{database}: {line.name}"
            ours, floor = statistics.median(line.ours), statistics.median(line.floor)
            found[name] = {"ours": round(ours, 3), "floor": round(floor, 3), "ratio": round(line.ratio, 2)}
            print(f"{name:<36}{ours:9.3f}{floor:9.3f}{line.ratio:7.1f}   {'#' * round(line.ratio * 4)}", flush=True)
    if given.record:
        about = {"python": platform.python_version(), "cores": os.cpu_count(), "date": f"{datetime.now(UTC):%Y-%m-%d}"}
        given.record.write_text(json.dumps(about | {"lines": found}, indent=2) + "\n", encoding="utf-8")
    return _compared(found, json.loads(given.compare.read_text("utf-8"))["lines"]) if given.compare else 0


def _compared(found: dict[str, Any], recorded: dict[str, Any]) -> int:
    worse = [
        f"{name}: {figures['ratio']} times the floor, where {recorded[name]['ratio']} is on record"
        for name, figures in found.items()
        if name in recorded and figures["ratio"] > WORSE * recorded[name]["ratio"]
    ]
    print("\n".join(worse) or "No ratio is worse than the record by more than a fifth.")
    return 1 if worse else 0


if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    sys.exit(main())
