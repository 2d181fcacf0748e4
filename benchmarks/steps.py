"""Where a message's time goes: a small request, a list of 50,000 hubs and 10,000 activations, by the flow's steps.

    python -m benchmarks.steps [HUBS]

Against an inventory of HUBS (a million by default) in a SQLite file with durable commits, in this process, one message
at a time. Medians in milliseconds; `commit` is what `write` takes beyond deciding and storing. Needs the extra `test`.
"""

from __future__ import annotations

import statistics
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.arguments import numbers
from duis_gateway.app import Gateway, open_trust
from duis_gateway.cli.serve import spare_collector
from duis_gateway.config.settings import load_config
from duis_gateway.flow import way as walk
from duis_gateway.flow.incoming import Door, Incoming
from duis_gateway.flow.way import Flow
from duis_gateway.store.engine import Store
from tests.support.fault_world import CSP_DOOR, ESI_DOOR, SUPPLIER_DOOR, fault_world
from tests.support.ledger import Outgoing
from tests.support.million import load, own_hubs

STEPS = ("receive", "verify", "known", "admit", "validate", "authorise", "decide", "store")
_DOORS = {SUPPLIER_DOOR: Door.DUIS, CSP_DOOR: Door.CSP, ESI_DOOR: Door.ESI}


class Stopwatch:
    """Times each step of a flow, by replacing its name in the module that walks them."""

    def __init__(self) -> None:
        self.taken: dict[str, list[float]] = defaultdict(list)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Time the steps while the block runs."""
        steps = {name: getattr(walk, name) for name in STEPS}
        for name, step in steps.items():
            setattr(walk, name, self._timed(name, step))
        try:
            yield
        finally:
            for name, step in steps.items():
                setattr(walk, name, step)

    def _timed(self, name: str, step: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any, **named: Any) -> Any:
            started = perf_counter()
            result = step(*arguments, **named)
            self.taken[name].append(perf_counter() - started)
            return result

        return timed


def as_it_came(message: Outgoing) -> Incoming:
    """A message as its door hands it to the flow."""
    return Incoming(_DOORS[message.path], message.path.rsplit("/", 1)[-1], message.content, "")


def measure(flow: Flow, name: str, messages: Sequence[Outgoing]) -> None:
    """Print the medians of all messages, but for the first, which warms caches."""
    stopwatch = Stopwatch()
    whole: list[float] = []
    with stopwatch.running():
        for message in messages:
            incoming = as_it_came(message)
            started = perf_counter()
            flow.handle(incoming)
            whole.append(perf_counter() - started)
    medians = {step: statistics.median(taken[1:]) for step, taken in stopwatch.taken.items()}
    medians["commit and rest"] = statistics.median(whole[1:]) - sum(medians.values())
    print(f"{name}: {statistics.median(whole[1:]) * 1000:.2f} ms, best {min(whole) * 1000:.2f} ms")
    for step, seconds in medians.items():
        print(f"    {step:<16}{seconds * 1000:9.2f}")


def main(hubs: int = 1_000_000) -> None:
    """Measure against an inventory of so many hubs."""
    with tempfile.TemporaryDirectory() as directory:
        url = f"sqlite:///{directory}/gateway.db"
        store = Store.open(url)
        store.migrate()
        store.close()
        with fault_world(url, Path(directory), hub_count=0) as world:
            started = perf_counter()
            load(world, hubs)
            print(f"{hubs:,} hubs loaded in {perf_counter() - started:.1f} s")
            listed = min(50_000, hubs // 10)
            config = load_config(world.config, {"DUIS_GATEWAY_SERVER_PORT": "0", "DUIS_GATEWAY_OPERATIONS_PORT": "0"})
            gateway = Gateway(config, delivery=False)
            flow = gateway._flow(config, open_trust(config, gateway.store))
            spare_collector()
            good = own_hubs(hubs, listed)
            flow.handle(as_it_came(world.release_notice(limit=listed)))
            measure(flow, "8.2, one hub", [world.read_inventory() for _ in range(300)])
            measure(flow, f"11.5, {listed:,} hubs", [world.pilot_list_of(good, good) for _ in range(7)])
            parts = [good[start : start + listed // 5] for start in range(0, listed, listed // 5)]
            measure(flow, f"{listed // 5:,} activations", [world.activations(part, shared=False) for part in parts])
            gateway.store.close()


if __name__ == "__main__":
    main(*numbers(hubs=50))
