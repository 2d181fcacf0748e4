"""Threads that go on whatever breaks them, as where a container has no memory left for a moment."""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from duis_gateway.app import Gateway
from duis_gateway.config.settings import load_config
from duis_gateway.errors import GatewayError
from duis_gateway.machine import threads
from duis_gateway.machine.signals import Stop
from duis_gateway.machine.threads import BoundedThread, lasting, started
from tests.support.databases import fresh_database
from tests.support.fault_world import FaultWorld, fault_world
from tests.support.ledger import Client, compare
from tests.support.writing import wait_until

FREE = {"DUIS_GATEWAY_SERVER_PORT": "0", "DUIS_GATEWAY_OPERATIONS_PORT": "0"}


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin anew without the usual second."""
    monkeypatch.setattr(threads, "_SECONDS_BEFORE_AGAIN", 0.01)


@pytest.mark.parametrize("error", [MemoryError, SystemExit, ValueError])
def test_what_breaks_is_logged_and_begins_anew(error: type[BaseException], caplog: pytest.LogCaptureFixture) -> None:
    calls: list[int] = []

    def work(given: int) -> None:
        calls.append(given)
        if len(calls) < 3:
            raise error

    for make in (lasting, started):
        calls.clear()
        thread = make(work, 7, name="the-one")
        assert thread is not None
        if make is lasting:
            thread.start()
        thread.join(20)
        assert calls == [7, 7, 7]
        assert "the thread the-one failed, and starts again" in caplog.text


def test_a_thread_that_ends_before_it_begins_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Where there is no memory for its first frame; Python waits without end, and the whole gateway with it."""
    monkeypatch.setattr(threads, "_SECONDS_TO_BEGIN", 0.1)
    begun: list[int] = []
    with monkeypatch.context() as without_memory:
        without_memory.setattr(threading.Thread, "_bootstrap", lambda _: None)
        assert started(begun.append, 1, name="the-one") is None
    assert "no thread for the-one: can't start new thread" in caplog.text
    thread = started(begun.append, 2, name="another")
    assert thread is not None
    thread.join(20)
    assert begun == [2]


def test_a_thread_that_begins_after_it_was_given_up_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    gate, begun, begin = threading.Event(), list[int](), vars(threading.Thread)["_bootstrap"]

    def begin_late(thread: threading.Thread) -> None:
        gate.wait(20)
        begin(thread)

    monkeypatch.setattr(threading.Thread, "_bootstrap", begin_late)
    thread = BoundedThread(begun.append, 1, name="slow", seconds=0.05)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        thread.start()
    gate.set()
    wait_until(lambda: thread.ident is not None and not thread.is_alive())
    assert begun == []


@pytest.fixture
def world(tmp_path: Path) -> Iterator[FaultWorld]:
    with fresh_database("sqlite", tmp_path) as url, fault_world(url, tmp_path) as world:
        yield world


def break_every(name: str) -> None:
    """Raise MemoryError in each thread of this name, wherever it is."""
    for thread in threading.enumerate():
        if thread.name == name and thread.ident is not None:  # one that is only being started has none yet
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(MemoryError))


def has_broken(gateway: Gateway, name: str, caplog: pytest.LogCaptureFixture) -> bool:
    """Try to break a thread outside its own handling of errors; return whether it was."""
    break_every(name)
    for part in (gateway.delivery, gateway.scheduler, gateway.sealer):
        assert part is not None
        part.wake()
    time.sleep(0.2)
    return f"the thread {name} failed" in caplog.text


def test_a_gateway_takes_in_and_delivers_after_its_threads_broke(
    world: FaultWorld, caplog: pytest.LogCaptureFixture
) -> None:
    gateway = Gateway(load_config(world.config, FREE))
    stop = Stop()
    serving = threading.Thread(target=gateway.serve, args=(stop,))
    serving.start()
    try:
        url = gateway.servers[0].url
        for name in ("delivery", "scheduler", "sealer", "readiness"):
            wait_until(partial(has_broken, gateway, name, caplog))
        with Client(world.ledger, lambda: url) as client:
            client.send(world.release_notice())
            client.send_all(world.traffic(2))
        world.wait_until_delivered()
        compare(world.ledger, world.store, world.receivers)
    finally:
        stop.tell()
        serving.join(30)


def test_a_process_whose_listener_broke_ends_with_an_error(world: FaultWorld) -> None:
    gateway = Gateway(load_config(world.config, FREE), delivery=False)
    server = gateway.servers[0]
    raised: list[BaseException] = []

    def serve() -> None:
        try:
            gateway.serve(Stop())
        except GatewayError as error:
            raised.append(error)

    serving = threading.Thread(target=serve)
    serving.start()
    wait_until(server._thread.is_alive)
    server._loop.call_soon_threadsafe(server._loop.stop)
    serving.join(30)
    (error,) = raised
    assert f"the listener {server.url} failed" in str(error)
