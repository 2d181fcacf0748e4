"""Delivery from the outbox against the same POSTs without an outbox: messages a second, and the ratio.

    python -m benchmarks.delivery [MESSAGES] [RECIPIENTS]

Both run interleaved in this process on the same receivers, which are processes of their own and answer at once;
the outbox is a SQLite file with durable commits. The medians of the rounds count.
"""

from __future__ import annotations

import multiprocessing
import queue
import socket
import statistics
import tempfile
import threading
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter, time_ns

from benchmarks.arguments import numbers
from duis_gateway.outbox import store as outbox
from duis_gateway.outbox.dispatcher import Delivery, DeliverySettings
from duis_gateway.outbox.guard import parse_networks
from duis_gateway.outbox.observer import DeliveryObserver
from duis_gateway.outbox.retry import Decision
from duis_gateway.outbox.senders import HttpSender
from duis_gateway.outbox.store import ClaimedMessage, OutboxMessage
from duis_gateway.outbox.transport import HttpTransport, TransportSettings
from duis_gateway.store.engine import Store

CONTENT = b"<sr:Response>" + b"x" * 1500 + b"</sr:Response>"
ROUNDS = 3


class Counter(DeliveryObserver):
    """Waits for a number of messages to be settled, and wakes up for the last alone."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.count = 0
        self.wanted = 0

    def decided(self, message: ClaimedMessage, decision: Decision) -> None:
        with self.changed:
            self.count += 1
            if self.count >= self.wanted:
                self.changed.notify_all()

    def wait_for(self, count: int) -> None:
        with self.changed:
            self.wanted = count
            self.changed.wait_for(lambda: self.count >= count)


def receive(ready: multiprocessing.SimpleQueue[int]) -> None:
    """A receiver that costs as little as it can: reads requests of the known size and answers 200."""
    server = socket.create_server(("127.0.0.1", 0), backlog=64)
    ready.put(server.getsockname()[1])

    def serve(connection: socket.socket) -> None:
        pending = b""
        while data := connection.recv(65536):
            pending += data
            while (end := pending.find(b"</sr:Response>")) >= 0:
                pending = pending[end + len(b"</sr:Response>") :]
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    while True:
        threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()


def bare(transport: HttpTransport, urls: list[str], messages: int) -> float:
    """Post from four threads for each URL, with nothing stored; returns seconds."""
    jobs: queue.SimpleQueue[str] = queue.SimpleQueue()
    for number in range(messages):
        jobs.put(urls[number % len(urls)])

    def work() -> None:
        while not jobs.empty():
            try:
                transport.post(jobs.get_nowait(), CONTENT, "application/xml")
            except queue.Empty:
                return

    threads = [threading.Thread(target=work) for _ in range(4 * len(urls))]
    started = perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return perf_counter() - started


def delivered(store: Store, transport: HttpTransport, urls: list[str], messages: int) -> float:
    """Deliver from the outbox until everything is settled; returns seconds."""
    now, begun = datetime.now(UTC), time_ns()
    rows = [
        OutboxMessage(
            n % len(urls), "http", "N64", f"{begun}:{n:08}", CONTENT, "application/xml", None, None, None, now
        )
        for n in range(messages)
    ]
    with store.write(alone=True) as conn:
        outbox.enqueue(conn, rows)
    counter = Counter()
    delivery = Delivery(store, {"http": HttpSender(transport, urls.__getitem__)}, None, DeliverySettings(), counter)
    started = perf_counter()
    delivery.start()
    counter.wait_for(messages)
    seconds = perf_counter() - started
    delivery.stop()
    return seconds


def main(messages: int = 5000, recipients: int = 4) -> None:
    ready: multiprocessing.SimpleQueue[int] = multiprocessing.SimpleQueue()
    processes = [multiprocessing.Process(target=receive, args=(ready,), daemon=True) for _ in range(recipients)]
    for process in processes:
        process.start()
    urls = [f"http://127.0.0.1:{ready.get()}/" for _ in processes]
    settings = TransportSettings(allowed_networks=parse_networks(["127.0.0.0/8"]))
    results: dict[str, list[float]] = {"bare": [], "outbox": []}
    with tempfile.TemporaryDirectory() as directory:
        store = Store.open(f"sqlite:///{Path(directory) / 'benchmark.db'}")
        store.migrate()
        for _ in range(ROUNDS):
            results["bare"].append(messages / bare(HttpTransport(settings), urls, messages))
            results["outbox"].append(messages / delivered(store, HttpTransport(settings), urls, messages))
        store.close()
    medians = {name: statistics.median(rates) for name, rates in results.items()}
    for name, rate in medians.items():
        print(f"{name:>8}: {rate:7.0f} messages a second")
    print(f"   ratio: {medians['outbox'] / medians['bare']:.2f}")


if __name__ == "__main__":
    main(*numbers(messages=1, recipients=1))
