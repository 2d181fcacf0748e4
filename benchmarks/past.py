"""Whether the outbox slows down with its past: rates with many delivered rows beside none, in turns in one run.

    python -m benchmarks.past [DELIVERED] [MESSAGES]

Two databases of each kind, the second with so many delivered rows without their bodies, as pruning leaves them. Their
ids rise, as those of alerts do. In each round both take the same messages in and deliver them to receivers that answer
at once. Needs the extra `test`.
"""

from __future__ import annotations

import multiprocessing
import statistics
import tempfile
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter

from sqlalchemy import text

from benchmarks.arguments import numbers
from benchmarks.delivery import delivered, receive
from duis_gateway.outbox.guard import parse_networks
from duis_gateway.outbox.transport import HttpTransport, TransportSettings
from duis_gateway.store.engine import Store
from tests.support.databases import fresh_database, opened

_ROUNDS = 5
_RECIPIENTS = 4
_KINDS = ("sqlite", "postgresql")
_COLUMNS = (
    "recipient, channel, kind, message_id, device_id, content, content_type, state, attempts, created_at,"
    " enqueued_at, due_at, delivered_at"
)
_PAST = {
    "sqlite": f"WITH RECURSIVE one(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM one WHERE n < :count)"
    f" INSERT INTO outbox ({_COLUMNS}) SELECT n % 100, 'http', 'N64', 'past:' || printf('%08d', n), n, x'',"
    f" 'application/xml', 'delivered', 1, n, n, n, n FROM one",
    "postgresql": f"INSERT INTO outbox ({_COLUMNS}) SELECT n % 100, 'http', 'N64', 'past:' || lpad(n::text, 8, '0'),"
    f" n, '', 'application/xml', 'delivered', 1, n, n, n, n FROM generate_series(1, :count) AS n",
}


def measured(kind: str, past: int, messages: int, urls: list[str], folder: Path) -> tuple[float, float, float]:
    """Return messages a second without a past and with it (medians), and the median of the rounds' ratios."""
    rates: dict[bool, list[float]] = {False: [], True: []}
    with ExitStack() as stack:
        stores: dict[bool, Store] = {}
        for has_past in rates:
            url = stack.enter_context(fresh_database(kind, folder))
            stores[has_past] = stack.enter_context(opened(url))
        began = perf_counter()
        with stores[True].write(alone=True) as conn:
            conn.execute(text(_PAST[kind]), {"count": past})
        print(f"{kind}: {past} delivered rows made in {perf_counter() - began:.0f} s", flush=True)
        if kind == "postgresql":
            with stores[True].write(alone=True) as conn:
                conn.execute(text("ANALYZE outbox"))  # as its autovacuum does in the course of time
        settings = TransportSettings(allowed_networks=parse_networks(["127.0.0.0/8"]))
        for number in range(_ROUNDS + 1):
            for has_past, store in stores.items():
                rate = messages / delivered(store, HttpTransport(settings), urls, messages)
                if number:  # the first round warms up
                    rates[has_past].append(rate)
    ratio = statistics.median(old / new for old, new in zip(rates[True], rates[False], strict=True))
    return statistics.median(rates[False]), statistics.median(rates[True]), ratio


def main(past: int = 1_000_000, messages: int = 3000) -> None:
    """Measure and print."""
    ready: multiprocessing.SimpleQueue[int] = multiprocessing.SimpleQueue()
    processes = [multiprocessing.Process(target=receive, args=(ready,), daemon=True) for _ in range(_RECIPIENTS)]
    for process in processes:
        process.start()
    urls = [f"http://127.0.0.1:{ready.get()}/" for _ in processes]
    with tempfile.TemporaryDirectory() as folder:
        for kind in _KINDS:
            new, old, ratio = measured(kind, past, messages, urls, Path(folder))
            print(f"{kind}: {new:.0f} a second without a past, {old:.0f} with it: {ratio:.2f}", flush=True)


if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    main(*numbers(delivered=1, messages=1))
