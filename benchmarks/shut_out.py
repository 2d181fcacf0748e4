"""How long others wait while clients without credentials take all that they can get.

    python -m benchmarks.shut_out [SECONDS] [CONNECTIONS]

A whole gateway runs beside, in turns: many silent connections, twelve clients that pipeline and do not read, eight that
send 256 kB in chunks of one octet, and four that open and close connections without a pause. Meanwhile the doors and
the operators' listener are asked again and again.
Needs the extra `test`, and a descriptor for each connection.
"""

from __future__ import annotations

import resource
import socket
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from time import perf_counter
from urllib.parse import urlsplit

import psutil

from benchmarks.arguments import numbers
from duis_gateway.store.engine import Store
from tests.support.fault_world import fault_world

Place = tuple[str, int]
WSDL = b"GET /soap?wsdl HTTP/1.1\r\nHost: gateway\r\n\r\n"
CHUNKS = (
    b"POST /api/v1/serviceD HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/xml\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 262_144 + b"0\r\n\r\n"
)


def connect(place: Place) -> socket.socket:
    """Return a connection that does not wait for ever."""
    return socket.create_connection(place, timeout=20)


def send(place: Place, sent: bytes, kept: ExitStack) -> None:
    """Send this without reading an answer, as far as it is taken."""
    client = kept.enter_context(connect(place))
    client.settimeout(2)
    with suppress(OSError):
        client.sendall(sent)


def attack(place: Place, count: int, sent: bytes, kept: ExitStack) -> None:
    """Open so many connections: one after another where nothing is sent, else at the same time."""
    with ThreadPoolExecutor(count if sent else 1) as pool:
        for _ in range(count):
            pool.submit(send, place, sent, kept)


def come_and_go(place: Place, seconds: float) -> None:
    """Open and close connections for so many seconds, four at a time."""
    end = perf_counter() + seconds

    def one() -> None:
        while perf_counter() < end:
            with suppress(OSError):
                connect(place).close()

    with ThreadPoolExecutor(4) as pool:
        for _ in range(4):
            pool.submit(one)


def ask(place: Place, path: str) -> float:
    """Return the seconds that an answer takes, connection included."""
    began = perf_counter()
    with connect(place) as client:
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n".encode())
        if not client.recv(12).endswith(b"200"):
            raise RuntimeError(f"{path} is not answered")
    return perf_counter() - began


def measure(name: str, begin: Callable[[], None], doors: Place, operations: Place, seconds: float, pid: int) -> None:
    """Print the longest waits during one attack."""
    process = psutil.Process(pid)
    attacker = threading.Thread(target=begin)
    attacker.start()
    worst = dict.fromkeys(("/soap?wsdl", "/health/live", "/metrics"), 0.0)
    end = perf_counter() + seconds
    while perf_counter() < end:
        for path in worst:
            worst[path] = max(worst[path], ask(doors if path.startswith("/soap") else operations, path))
    attacker.join()
    waits = ", ".join(f"{path} {wait * 1000:.0f} ms" for path, wait in worst.items())
    print(f"{name:>40}: longest waits {waits}; {process.memory_info().rss >> 20} MB")


def main(seconds: float = 5.0, connections: float = 10_000) -> None:
    """Measure each kind of client."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        url = f"sqlite:///{directory}/gateway.db"
        store = Store.open(url)
        store.migrate()
        store.close()
        world = stack.enter_context(fault_world(url, Path(directory)))
        gateway = stack.enter_context(world.serve(log_level="error"))
        doors, operations = (
            (str(place.hostname), int(place.port or 0))
            for place in (urlsplit(gateway.url), urlsplit(gateway.operations_url))
        )
        kinds: dict[str, tuple[int, bytes]] = {
            f"{connections:,.0f} silent connections": (int(connections), b""),
            "12 clients that do not read": (12, WSDL * 6000),
            "8 clients with chunks of one octet": (8, CHUNKS),
        }
        attacks = {name: partial(attack, doors, count, sent, stack) for name, (count, sent) in kinds.items()}
        attacks["4 clients that open and close"] = partial(come_and_go, doors, seconds)
        for name, begin in attacks.items():
            measure(name, begin, doors, operations, seconds, gateway.pid)


if __name__ == "__main__":
    main(*numbers(seconds=0.1, connections=1.0))
