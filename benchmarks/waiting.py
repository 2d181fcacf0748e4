"""A gateway started on a long queue: until it is ready, and how fast it delivers and takes in beside it.

    python -m benchmarks.waiting [MESSAGES] [SECONDS] [DATABASE]

So many messages wait in the outbox (a million without the argument), a tenth of them in the order of their release, for
two hundred recipients, whose four receivers are processes of their own and answer at once. Then `duis-gateway serve` is
started as an operator does. It prints how long it was until `/health/ready` said yes and until all of its processes
posted, how many messages a second were delivered in the seconds after that, how long an 8.2 took meanwhile (median),
and how much processor time a message took: the gateway's, the receivers', and PostgreSQL's own. `DATABASE` is sqlite or
postgresql; both without it. Needs the extra `test`.
"""

from __future__ import annotations

import multiprocessing
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import monotonic, perf_counter, sleep

import psutil
import urllib3
from sqlalchemy import func, insert, literal_column, select, text

from benchmarks.arguments import numbers
from benchmarks.delivery import CONTENT, receive
from duis_gateway.config.settings import DeliveryConfig
from duis_gateway.store.engine import Store, now_seconds
from duis_gateway.store.tables import outbox, party
from tests.support.databases import fresh_database
from tests.support.fault_world import FaultWorld, fault_world
from tests.support.ledger import Client
from tests.support.processes import GatewayProcess

_RECIPIENTS = 200
_FIRST = 1 << 20
_RECEIVERS = 4
_PROCESSES = 2
_AS_USUAL = {"DUIS_GATEWAY_DELIVERY_POLL": DeliveryConfig().poll}
"""Tests look at the outbox twenty times as often: with that, a message took some 90 us more of processor time."""
_COLUMNS = (
    "recipient, channel, kind, message_id, order_key, release_id, content, content_type, state, attempts, created_at,"
    " enqueued_at, due_at"
)
_ROW = (
    f"{_FIRST} + n % {_RECIPIENTS}, 'http', 'N64', 'waiting:' || n,"
    f" CASE WHEN n % 10 = 0 THEN 'R1/' || n % {_RECIPIENTS} END, 'R1', {{content}}, 'application/xml', 'pending', 0, n,"
    " n, 0"
)
_FILL = {
    "sqlite": f"WITH RECURSIVE one(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM one WHERE n < :count)"
    f" INSERT INTO outbox ({_COLUMNS}) SELECT {_ROW.format(content=':content')} FROM one",
    "postgresql": f"INSERT INTO outbox ({_COLUMNS}) SELECT {_ROW.format(content='CAST(:content AS bytea)')}"
    " FROM generate_series(1, :count) AS n",
}


def fill(store: Store, kind: str, messages: int, urls: list[str]) -> None:
    """Let so many messages wait, for recipients that are registered."""
    with store.write(alone=True) as conn:
        model = dict(conn.execute(select(party).where(party.c.kind == "supplier").limit(1)).mappings().one())
        rows = [model | {"eui": _FIRST + n, "url": urls[n % len(urls)]} for n in range(_RECIPIENTS)]
        conn.execute(insert(party), rows)
        conn.execute(text(_FILL[kind]), {"count": messages, "content": CONTENT})
        if kind == "postgresql":
            conn.execute(text("ANALYZE outbox"))  # as its autovacuum has done long since


def delivered(store: Store, since: float, until: float) -> int:
    """How many were delivered between two times of the database, looked up once nothing is measured any more."""
    with store.read() as conn:
        counted = select(func.count()).where(outbox.c.state == "delivered", outbox.c.delivered_at.between(since, until))
        return conn.execute(counted).scalar_one()


def now(store: Store) -> float:
    """The database's time."""
    with store.read() as conn:
        return now_seconds(conn)


def nothing_waits(store: Store) -> bool:
    """Whether everything has been claimed; the index says so at once."""
    with store.read() as conn:
        waits = select(outbox.c.id).where(outbox.c.state == literal_column("'pending'")).limit(1)
        return conn.execute(waits).one_or_none() is None


def wait_until_ready(gateway: GatewayProcess) -> None:
    """Ask until it says that it is ready."""
    asking = urllib3.PoolManager(retries=False)
    while asking.request("GET", f"{gateway.operations_url}/health/ready").status != 200:
        sleep(0.02)


def wait_until_all_post(gateway: GatewayProcess, store: Store, messages: int) -> None:
    """Look until each of its processes has connections to receivers: the further ones start when the first is ready.

    A short queue is over before that.
    """
    first = psutil.Process(gateway.pid)
    while len(posting := first.children()) < _PROCESSES - 1 or not all(map(_posts, (first, *posting))):
        if nothing_waits(store):
            print(f"all {messages:,} were claimed before that: name more", flush=True)
            return
        sleep(0.1)


def _posts(process: psutil.Process) -> bool:
    return any(one.status == psutil.CONN_ESTABLISHED and one.raddr for one in process.net_connections("inet4"))


def asked_meanwhile(world: FaultWorld, gateway: GatewayProcess, seconds: float) -> list[float]:
    """Send an 8.2 ten times a second; return how many seconds each took."""
    took, until = [], monotonic() + seconds
    with Client(world.ledger, lambda: gateway.url) as client:
        while (began := perf_counter()) is not None and monotonic() < until:
            client.send(world.read_inventory(len(took) % 100))
            took.append(perf_counter() - began)
            sleep(max(0.0, 0.1 - took[-1]))
    return took


def server_of(store: Store) -> list[int]:
    """The process of the PostgreSQL server that the store is on; none for SQLite."""
    if store.is_sqlite:
        return []
    with store.read() as conn:
        folder = Path(conn.execute(text("SHOW data_directory")).scalar_one())
    return [int((folder / "postmaster.pid").read_text(encoding="ascii").split()[0])]


def processor_time(pids: Sequence[int]) -> float:
    """How many seconds of processor time these processes and their children have taken."""
    roots = [psutil.Process(pid) for pid in pids]
    every = [one for root in roots for one in (root, *root.children(recursive=True))]
    return sum(sum(one.cpu_times()[:2]) for one in every)


def measured(kind: str, messages: int, seconds: float, urls: list[str], receivers: list[int], folder: Path) -> None:
    """Measure one database, and print."""
    with fresh_database(kind, folder) as url, fault_world(url, folder) as world:
        began = perf_counter()
        fill(world.store, kind, messages, urls)
        print(f"{kind}: {messages:,} messages wait, laid in within {perf_counter() - began:.0f} s", flush=True)
        began = perf_counter()
        with GatewayProcess(("serve", "--workers", str(_PROCESSES)), world.config, settings=_AS_USUAL) as gateway:
            wait_until_ready(gateway)
            print(f"{kind}: ready after {perf_counter() - began:.1f} s", flush=True)
            wait_until_all_post(gateway, world.store, messages)
            print(f"{kind}: all post after {perf_counter() - began:.1f} s", flush=True)
            watched = {"gateway": [gateway.pid], "receivers": receivers, "PostgreSQL": server_of(world.store)}
            used = {name: processor_time(pids) for name, pids in watched.items()}
            since = now(world.store)
            took = asked_meanwhile(world, gateway, seconds)
            used = {name: processor_time(pids) - used[name] for name, pids in watched.items()}
            until = now(world.store)
            assert gateway.terminate() == 0
        count, passed = delivered(world.store, since, until), until - since
        each_took = {name: each / max(count, 1) * 1e6 for name, each in used.items() if watched[name]}
        shares = ", ".join(f"{name} {each:.0f}" for name, each in each_took.items())
        print(
            f"{kind}: {count / passed:,.0f} messages a second delivered by {_PROCESSES} "
            f"processes for {seconds:.0f} s; an 8.2 meanwhile took {statistics.median(took) * 1000:.0f} ms; processor "
            f"time for each message, in us: {shares}, together {sum(each_took.values()):.0f}",
            flush=True,
        )


def main(messages: int = 1_000_000, seconds: float = 20, *databases: str) -> None:
    """Measure and print."""
    ready: multiprocessing.SimpleQueue[int] = multiprocessing.SimpleQueue()
    receivers = [multiprocessing.Process(target=receive, args=(ready,), daemon=True) for _ in range(_RECEIVERS)]
    for receiver in receivers:
        receiver.start()
    urls = [f"http://127.0.0.1:{ready.get()}/" for _ in receivers]
    for kind in databases or ("sqlite", "postgresql"):
        with tempfile.TemporaryDirectory() as folder:
            pids = [receiver.pid for receiver in receivers if receiver.pid is not None]
            measured(kind, messages, seconds, urls, pids, Path(folder))


if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    main(*numbers(messages=1, seconds=0.1), *sys.argv[3:])
