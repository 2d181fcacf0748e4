"""A process is told to stop, and other signals come, while everything that it depends on hangs (threat F24)."""

from __future__ import annotations

import json
import signal
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
import urllib3

from tests.support.databases import fresh_database
from tests.support.fault_world import CSP, FaultWorld, fault_world
from tests.support.processes import GatewayProcess
from tests.support.receivers import HANG
from tests.support.severed import behind_network
from tests.support.writing import wait_until

PROMISED = 10.0
"""Seconds (design section 6); the test allows for a machine that has other things to do."""
ALLOWANCE = 3.0


@contextmanager
def hanging_world(kind: str, folder: Path) -> Iterator[tuple[FaultWorld, str, Callable[[], None]]]:
    """A world, the URL of its database for the gateway, and what makes that database hang."""
    with ExitStack() as stack:
        url = stack.enter_context(fresh_database(kind, folder))
        world = stack.enter_context(fault_world(url, folder))
        if kind == "postgresql":
            far_url, network = stack.enter_context(behind_network(url))
            stack.callback(network.speak_again)
            yield world, far_url.replace(":@", "@"), network.fall_silent
            return
        outsider = sqlite3.connect(str(world.store.sqlite_path), isolation_level=None)
        stack.callback(outsider.close)
        yield world, url, lambda: outsider.execute("BEGIN IMMEDIATE").close()


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def test_a_process_ends_in_time_whatever_hangs(kind: str, tmp_path: Path) -> None:
    """F24: the database, a recipient, a client that does not read; workers are told at once, and end too.

    SIGHUP and the user signals, which come before, end nothing.
    """
    with hanging_world(kind, tmp_path) as (world, url, hang):
        recipient = world.receivers[CSP]
        recipient.mode = HANG
        settings = {
            "DUIS_GATEWAY_STORE_URL": url,
            "DUIS_GATEWAY_STORE_LOCK_TIMEOUT": 60,
            "DUIS_GATEWAY_LOG_LEVEL": "info",
        }
        words = ("serve", "--workers", "2")
        with GatewayProcess(words, world.config, None, settings) as gateway, world.client(gateway) as client:
            client.send(world.release_notice())
            recipient.wait_for_arrivals(1)
            family = psutil.Process(gateway.pid).children()
            assert len(family) == 1
            processes = (psutil.Process(gateway.pid), *family)

            def all_read_again() -> bool:
                for process in processes:
                    process.send_signal(signal.SIGHUP)
                return gateway.log.read_text(encoding="utf-8").count('"reloaded"') >= len(processes) + 1

            wait_until(all_read_again, 60)
            for process in processes:
                process.send_signal(signal.SIGUSR1)
                process.send_signal(signal.SIGUSR2)
            assert urllib3.request("GET", f"{gateway.operations_url}/health/live").status == 200
            hang()
            waiting = threading.Thread(target=client.try_once, args=(world.read_inventory(),), daemon=True)
            waiting.start()
            waiting.join(0.5)
            with unread(gateway), listening(gateway):
                assert gateway.terminate(PROMISED + ALLOWANCE) == 0
            assert psutil.wait_procs(family, ALLOWANCE)[1] == []
            assert '"worker-ended"' not in gateway.log.read_text(encoding="utf-8")


@pytest.mark.processes
@pytest.mark.once
def test_a_further_process_that_hangs_is_ended_and_named(tmp_path: Path) -> None:
    with fresh_database("sqlite", tmp_path) as url, fault_world(url, tmp_path) as world:
        settings = {"DUIS_GATEWAY_LOG_LEVEL": "info"}
        with GatewayProcess(("serve", "--workers", "3"), world.config, None, settings) as gateway:

            def started() -> int:
                return gateway.log.read_text(encoding="utf-8").count('"started"')

            wait_until(lambda: started() == 3, 60)
            family = psutil.Process(gateway.pid).children()
            stopped = max(family, key=lambda one: one.pid)
            stopped.send_signal(signal.SIGSTOP)
            assert gateway.terminate(PROMISED + ALLOWANCE) == 0
            assert psutil.wait_procs(family, ALLOWANCE)[1] == []
            lines = [json.loads(line) for line in gateway.log.read_text(encoding="utf-8").splitlines()]
    forced = [line["pid"] for line in lines if line["event"] == "worker-ended-by-force"]
    assert forced == [stopped.pid]


@contextmanager
def listening(gateway: GatewayProcess) -> Iterator[None]:
    """Somebody who looks at the console, which tells of changes."""
    with urllib3.PoolManager() as http:
        told = http.request("GET", f"{gateway.operations_url}/events", preload_content=False)
        assert told.status == 200
        yield
        told.close()


@contextmanager
def unread(gateway: GatewayProcess) -> Iterator[None]:
    """A client that asks for much, and reads nothing."""
    parts = urlsplit(gateway.url)
    with socket.create_connection((parts.hostname, parts.port or 0)) as client:
        client.setblocking(False)
        request = b"GET /soap?wsdl HTTP/1.1\r\nHost: gateway\r\n\r\n" * 1000
        try:
            while client.send(request):
                pass
        except BlockingIOError:
            pass
        yield
