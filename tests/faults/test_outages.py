"""What the gateway needs is away for a while: its database, disk space, its key (threats F07, F09, F11, F25).

Nothing is acknowledged meanwhile, the process stays up, and all goes on unaided afterwards.
"""

from __future__ import annotations

import resource
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
import urllib3
from sqlalchemy import text
from sqlalchemy.engine import make_url

from tests.support.databases import administrate, fresh_database, opened, serving_role
from tests.support.fault_world import FaultWorld, fault_world
from tests.support.ledger import compare
from tests.support.out_of_service import assert_come_again, assert_out_of_service, checks
from tests.support.processes import PATIENCE
from tests.support.severed import behind_network
from tests.support.standby import hot_standby
from tests.support.writing import wait_until

pytestmark = [pytest.mark.processes, pytest.mark.once]


@pytest.fixture
def sqlite_world(tmp_path: Path) -> Iterator[FaultWorld]:
    """An installation on SQLite alone."""
    with fresh_database("sqlite", tmp_path) as url, fault_world(url, tmp_path) as world:
        yield world


def test_a_database_that_another_program_locks(sqlite_world: FaultWorld) -> None:
    """F07: 503 with Retry-After while it lasts, stored answers go on, and nothing accepted is lost."""
    world = sqlite_world
    notice, *messages = [world.release_notice(), *world.traffic(2)]
    with world.serve(store_lock_timeout=0.3) as gateway, world.client(gateway) as client:
        answer = client.send(notice)
        world.wait_until_delivered()
        outsider = sqlite3.connect(str(world.store.sqlite_path), isolation_level=None)
        outsider.execute("BEGIN IMMEDIATE")
        for message in messages[:2]:
            assert_come_again(client, message)
        assert client.send(notice) == answer
        outsider.execute("ROLLBACK")
        outsider.close()
        client.send_all(messages)
        world.wait_until_delivered()
        assert gateway.terminate() == 0
    compare(world.ledger, world.store, world.receivers)


def test_a_disk_that_is_nearly_full(sqlite_world: FaultWorld) -> None:
    """F09: nothing new is taken in, stored answers and deliveries go on, and with space all is well again."""
    world = sqlite_world
    notice, *messages = [world.release_notice(), *world.traffic(2)]
    with world.take_in() as gateway, world.client(gateway) as client:
        answer = client.send(notice)
        client.send(messages[0])
    with world.serve(store_min_free_bytes=10**15) as gateway, world.client(gateway) as client:
        world.wait_until_delivered()
        assert_come_again(client, messages[1])
        assert client.send(notice) == answer
        ready, said = checks(gateway)
        assert not ready
        assert "disk" in str(said["store"]["detail"])
    with world.serve() as gateway, world.client(gateway) as client:
        client.send_all(messages)
        world.wait_until_delivered()
        assert gateway.terminate() == 0
    compare(world.ledger, world.store, world.receivers)


def test_a_disk_that_takes_nothing_more(sqlite_world: FaultWorld) -> None:
    """F09: the low-water mark is off, and little or nothing can be written; the gateway sees it without being asked."""
    world = sqlite_world
    notice, *messages = [world.release_notice(), *world.traffic(1)]
    with world.serve(store_min_free_bytes=0) as gateway, world.client(gateway) as client:
        client.send(notice)
        _, most = resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE)
        assert world.store.sqlite_path is not None
        for few in (world.store.sqlite_path.stat().st_size + 512 * 1024, 0):
            resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE, (few, most))
            assert_come_again(client, messages[0])
            wait_until(lambda: not checks(gateway)[0], PATIENCE)
            assert "cannot be written" in str(checks(gateway)[1]["store"]["detail"])
        resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE, (most, most))
        wait_until(lambda: checks(gateway)[0], PATIENCE)
        client.send_all(messages)
        world.wait_until_delivered()
        assert gateway.terminate() == 0
    compare(world.ledger, world.store, world.receivers)


@pytest.mark.postgresql
def test_a_postgresql_server_that_is_away_silent_locked_or_a_standby(tmp_path: Path) -> None:
    """F11: from its start on the process stays up, answers 503, is not ready, and goes on by itself afterwards."""
    with (
        fresh_database("postgresql", tmp_path) as url,
        hot_standby() as standby,
        behind_network(url) as (far_url, network),
        fault_world(url, tmp_path) as world,
        opened(url) as outsider,
    ):
        primary, held = network.server, ExitStack()

        def lock() -> None:
            connection = held.enter_context(outsider.write(alone=True))
            connection.execute(text("LOCK TABLE service_request, partner_message IN ACCESS EXCLUSIVE MODE"))

        troubles: dict[str, tuple[Callable[[], None], Callable[[], None]]] = {
            "away": (network.cut, network.mend),
            "silent": (network.silence, network.speak),
            "locked by DDL": (lock, held.close),
            "a standby": (lambda: network.lead_to(standby.socket), lambda: network.lead_to(primary)),
        }
        notice, *messages = [world.release_notice(), *world.traffic(len(troubles) + 1)]
        network.cut()
        started = world.serve(
            store_url=far_url.replace(":@", "@"),
            store_lock_timeout=1,
            store_statement_timeout=2,
            delivery_lease=5,
            delivery_total_timeout=2,
        )
        with started as gateway, world.client(gateway) as client:
            assert_out_of_service(gateway, client, notice)
            network.mend()
            wait_until(lambda: checks(gateway)[0], PATIENCE)
            client.send(notice)
            for trouble, (begin, end) in troubles.items():
                client.send(messages.pop(0))
                begin()
                assert_out_of_service(gateway, client, messages[0])
                end()
                wait_until(lambda: checks(gateway)[0], PATIENCE)
                assert client.send(messages.pop(0)), trouble
            client.send_all(messages)
            # A message that was claimed when the connection broke comes back when its lease has run out.
            world.wait_until_delivered(150)
            assert gateway.terminate() == 0
        # What was on its way when the connection broke may come twice, and had an attempt counted for each.
        compare(world.ledger, world.store, world.receivers, most_sends=1 + len(troubles))
        log = gateway.log.read_text()
    assert '"defect"' not in log
    for said in ("Connection refused", "connection timeout expired", "read-only transaction", "lock timeout"):
        assert said in log


@pytest.mark.postgresql
def test_metrics_come_beside_pages_of_a_silent_postgresql(tmp_path: Path) -> None:
    """F11: in the time that Prometheus waits for a scrape, though more pages wait than there are threads for them."""
    with (
        fresh_database("postgresql", tmp_path) as url,
        behind_network(url) as (far_url, network),
        fault_world(url, tmp_path) as world,
        urllib3.PoolManager(maxsize=20, retries=False) as http,
        ThreadPoolExecutor(20) as clients,
        world.serve(store_url=far_url.replace(":@", "@"), delivery=False) as gateway,
    ):

        def asked(path: str, seconds: float = 60.0) -> int:
            return http.request("GET", f"{gateway.operations_url}{path}", timeout=seconds).status

        assert asked("/") == 200
        network.silence()
        pages = [clients.submit(asked, path) for path in ("/", "/messages", "/parties", "/flags") * 4]
        scrapes = [clients.submit(asked, "/metrics", 10.0) for _ in range(2)]
        assert {one.result() for one in scrapes} == {200}
        assert asked("/health/live") == 200
        assert {one.result() for one in pages} == {503}
        network.speak()
        wait_until(lambda: checks(gateway)[0], PATIENCE)
        assert asked("/") == 200


@pytest.mark.postgresql
def test_a_role_that_lacks_a_right(tmp_path: Path) -> None:
    """Where no message could be stored for want of a right, readiness says so, and which; granted, all is well."""
    with (
        fresh_database("postgresql", tmp_path) as url,
        serving_role(url) as (role, theirs),
        fault_world(url, tmp_path) as world,
        world.serve(store_url=theirs.replace(":@", "@"), delivery=False) as gateway,
        world.client(gateway) as client,
    ):
        notice = world.release_notice()
        assert_out_of_service(gateway, client, notice)
        assert f"the role {role} lacks USAGE ON" in str(checks(gateway)[1]["store"]["detail"])
        administrate(make_url(url), f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}")
        wait_until(lambda: checks(gateway)[0], PATIENCE)
        client.send(notice)


def test_a_signing_key_that_is_not_there(sqlite_world: FaultWorld) -> None:
    """F25: nothing comes in, what is signed goes out, nothing goes out unsigned; the key comes back at run time."""
    world = sqlite_world
    notice, *messages = [world.release_notice(), *world.traffic(2)]
    with world.take_in() as gateway, world.client(gateway) as client:
        client.send(notice)
        client.send(messages[0])
    key = world.signing_key
    hidden = key.rename(key.with_suffix(".away"))
    with world.serve() as gateway, world.client(gateway) as client:
        world.wait_until_delivered()
        assert_come_again(client, messages[1])
        ready, said = checks(gateway)
        assert not ready
        assert not said["signing"]["ok"]
        hidden.rename(key)
        client.send_all(messages)
        wait_until(lambda: checks(gateway)[0], PATIENCE)
        world.wait_until_delivered()
        assert gateway.terminate() == 0
    compare(world.ledger, world.store, world.receivers)


def test_a_signing_key_that_is_taken_away_from_a_running_gateway(sqlite_world: FaultWorld) -> None:
    """F25: what was read at the start goes on signing; the file is asked for at the next start."""
    world = sqlite_world
    notice, *messages = [world.release_notice(), *world.traffic(1)]
    with world.serve() as gateway, world.client(gateway) as client:
        client.send(notice)
        world.signing_key.unlink()
        client.send_all(messages)
        world.wait_until_delivered()
        assert gateway.terminate() == 0
    compare(world.ledger, world.store, world.receivers)
