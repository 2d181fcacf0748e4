"""Small Service Requests a second through whole gateway processes, and what the HTTP server alone would answer.

    python -m benchmarks.throughput [SECONDS] [ROUNDS]

Signed 8.2 requests, each with a RequestID of its own, come over loopback from another process on kept-alive
connections; each is verified, answered, signed and committed durably to a SQLite file before its answer goes out. For
comparison the same bytes go to a path that is not there, in turns with the others. The load runs on the same
processors as the gateway. Needs the extra `test`.
"""

from __future__ import annotations

import multiprocessing
import socket
import statistics
import tempfile
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter
from urllib.parse import urlsplit

import psutil

from benchmarks.arguments import numbers
from duis_gateway.store.engine import Store
from tests.support.fault_world import SUPPLIER_DOOR, FaultWorld, fault_world
from tests.support.processes import GatewayProcess

NOWHERE = "/api/v1/nowhere"
REQUESTS_A_SECOND = 2500
ROUNDS = 3


def exchange(connection: socket.socket, request: bytes) -> bytes:
    """Send a request and return the whole answer."""
    connection.sendall(request)
    answer = b""
    while (end := answer.find(b"\r\n\r\n")) < 0:
        answer += connection.recv(65536)
    head = answer[:end].lower()
    length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
    while len(answer) < end + 4 + length:
        answer += connection.recv(65536)
    return answer


def loaded(
    urls: Sequence[str],
    path: str,
    bodies: Sequence[bytes],
    connections: int,
    seconds: float,
    told: multiprocessing.SimpleQueue[tuple[int, float, float, float]],
) -> None:
    """Send bodies, each once, for so many seconds; tell how many were answered, in what time, the median and p99."""
    left = iter(bodies)
    taking = threading.Lock()
    latencies: list[float] = []
    until = perf_counter() + seconds

    def work(url: str) -> None:
        address = urlsplit(url)
        with socket.create_connection((address.hostname or "", address.port or 0)) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while perf_counter() < until:
                with taking:
                    body = next(left, None)
                if body is None:
                    return
                head = (
                    f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}"
                )
                started = perf_counter()
                answer = exchange(connection, head.encode() + b"\r\n\r\n" + body)
                latencies.append(perf_counter() - started)
                assert path == NOWHERE or answer.startswith(b"HTTP/1.1 200 "), answer[:500]

    threads = [threading.Thread(target=work, args=(urls[n % len(urls)],)) for n in range(connections)]
    started = perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = perf_counter() - started
    latencies.sort()
    told.put((len(latencies), taken, statistics.median(latencies), latencies[int(len(latencies) * 0.99)]))


def rate(
    world: FaultWorld, gateways: Sequence[GatewayProcess], path: str, connections: int, seconds: float
) -> tuple[float, float, float, float]:
    """Return answers a second, the median and p99 of their times, and the gateways' processor time for each, in ms."""
    urls, processes = [one.url for one in gateways], [psutil.Process(one.pid) for one in gateways]
    bodies = [world.read_inventory(n % 400).content for n in range(int(REQUESTS_A_SECOND * seconds))]
    told: multiprocessing.SimpleQueue[tuple[int, float, float, float]] = multiprocessing.SimpleQueue()
    load = multiprocessing.Process(target=loaded, args=(urls, path, bodies, connections, seconds, told))
    before = _processor_time(processes)
    load.start()
    answered, taken, median, worst = told.get()
    load.join()
    return answered / taken, median * 1000, worst * 1000, (_processor_time(processes) - before) / answered * 1000


def _processor_time(processes: Sequence[psutil.Process]) -> float:
    return sum(sum(one.cpu_times()[:2]) for one in processes)


def main(seconds: float = 4.0, rounds: float = ROUNDS) -> None:
    """Measure one and two gateways, with one and with several connections."""
    cases = {
        "one gateway, 1 connection": (1, SUPPLIER_DOOR, 1),
        "one gateway, 8 connections": (1, SUPPLIER_DOOR, 8),
        "two gateways, 16 connections": (2, SUPPLIER_DOOR, 16),
        "HTTP alone (404), 8 connections": (1, NOWHERE, 8),
    }
    found: dict[str, list[tuple[float, float, float, float]]] = {name: [] for name in cases}
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        url = f"sqlite:///{directory}/gateway.db"
        store = Store.open(url)
        store.migrate()
        store.close()
        world = stack.enter_context(fault_world(url, Path(directory)))
        gateways = [stack.enter_context(world.serve(log_level="error")) for _ in range(2)]
        for _ in range(int(rounds)):
            for name, (count, path, connections) in cases.items():
                found[name].append(rate(world, gateways[:count], path, connections, seconds))
    for name, rounds in found.items():
        rates, medians, worst, processor = zip(*rounds, strict=True)
        print(
            f"{name:>32}: {statistics.median(rates):6.0f} a second (best {max(rates):.0f}), median "
            f"{statistics.median(medians):.1f} ms, p99 {statistics.median(worst):.1f} ms, "
            f"{statistics.median(processor):.2f} ms of processor time each"
        )


if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    main(*numbers(seconds=0.1, rounds=1.0))
