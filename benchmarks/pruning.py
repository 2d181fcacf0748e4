"""How long pruning takes, and how long a gateway's own writes wait meanwhile.

    python -m benchmarks.pruning [--messages 100000] [--kind sqlite|postgresql]

So many messages that were delivered and as many that were received, of 1,500 octets each, all of them old. A second
store on the same database records a small message every 5 ms, as another process does; its waits are told for three
seconds without pruning, while everything is pruned, and while there is nothing left to prune.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from time import monotonic

import psutil
from sqlalchemy import update

from benchmarks.arguments import at_least
from duis_gateway.duis.identifiers import RequestId
from duis_gateway.flow import evidence as messages
from duis_gateway.operations.pruning import Pruning
from duis_gateway.outbox import store as outbox
from duis_gateway.store.engine import Store
from duis_gateway.store.tables import outbox as outbox_table
from tests.support.databases import fresh_database, opened
from tests.support.outbox import message

BODY, ANSWER = os.urandom(1500), os.urandom(700)
OLD = timedelta(days=100)
AT_ONCE = 2000


class Traffic:
    """Messages recorded by another process, and how long each took."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._counters = count(1 << 40)

    def while_(self, work: Callable[[], object]) -> str:
        """Do the work, and return how long it took and what the messages waited meanwhile."""
        over, waits = threading.Event(), list[float]()
        thread = threading.Thread(target=self._record, args=(over, waits))
        thread.start()
        began = monotonic()
        work()
        seconds = monotonic() - began
        over.set()
        thread.join()
        waits.sort()
        shown = ", ".join(
            f"{name} {waits[int(share * (len(waits) - 1))] * 1000:.1f}"
            for name, share in (("half", 0.5), ("99 %", 0.99), ("longest", 1.0))
        )
        return f"{seconds:6.1f} s; {len(waits)} messages recorded in ms: {shown}"

    def _record(self, over: threading.Event, waits: list[float]) -> None:
        with opened(self._url) as store:
            while not over.wait(0.005):
                began = monotonic()
                _receive(store, [next(self._counters)], datetime.now(UTC))
                waits.append(monotonic() - began)


def _receive(store: Store, counters: list[int], at: datetime) -> None:
    with store.write() as conn:
        for counter in counters:
            messages.record(conn, RequestId(1, 2, counter), "xml", "SR8.2", "I0", at, b"d" * 32, BODY, ANSWER)


def fill(store: Store, number: int, now: datetime) -> None:
    """Store so many old messages in each direction."""
    for begin in range(0, number, AT_ONCE):
        _receive(store, list(range(begin, begin + AT_ONCE)), now - OLD)
        with store.write() as conn:
            outbox.enqueue(conn, [message(BODY) for _ in range(AT_ONCE)])
    with store.write(alone=True) as conn:
        then = outbox_table.c.enqueued_at - OLD.total_seconds()
        conn.execute(update(outbox_table).values(state="delivered", delivered_at=then))


def main() -> None:
    """Fill a database, prune it, and prune it again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=at_least(1), default=100_000)
    parser.add_argument("--kind", choices=("sqlite", "postgresql"), default="sqlite")
    chosen = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        fresh_database(chosen.kind, Path(folder)) as url,
        opened(url) as store,
    ):
        now = datetime.now(UTC)
        fill(store, chosen.messages, now)
        traffic = Traffic(url)
        pruning = Pruning(store, OLD / 2, now)
        print("idle   ", traffic.while_(lambda: threading.Event().wait(3)))
        print("pruning", traffic.while_(lambda: print(pruning.run())))
        print("again  ", traffic.while_(pruning.run))
        print(f"{psutil.Process().memory_info().rss >> 20} MB of memory")


if __name__ == "__main__":
    main()
