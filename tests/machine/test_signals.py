"""Found by these tests: a gateway under load sometimes slept through SIGTERM."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.processes

ROOT = Path(__file__).resolve().parents[2]
# The system hands a signal to another thread where the main one blocks it. Python notes it and runs its handler when
# the main thread next wakes, as it does for a signal that comes in the moment before a wait begins.
PROGRAM = """
import os, signal, sys, threading
from duis_gateway.machine.signals import ProcessSignals, Stop

threading.Thread(target=threading.Event().wait, daemon=True).start()
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
stop = Stop()
ProcessSignals(stop).on_hangup = (lambda: print("again", flush=True),)
for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGIO, signal.SIGRTMIN + 3, signal.SIGHUP, signal.SIGTERM):
    os.kill(os.getpid(), number)
stop.wait()
print("stopped", flush=True)
if sys.argv[1] == "hanging":
    signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals))
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()
"""


@pytest.mark.parametrize("what", ["orderly", "hanging"])
def test_signals_are_obeyed_whatever_the_main_thread_does(what: str) -> None:
    """F24: SIGHUP and the user signals end nothing, and SIGTERM ends even a process that hangs, with a line."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, what], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "again\nstopped\n"
    assert ("the process does not end by itself" in done.stderr) == (what == "hanging")


TOLD = """
import logging, os, signal, sys
from duis_gateway.machine.signals import ProcessSignals, Stop

logging.basicConfig(level=logging.INFO, format="%(message)s %(signal)s", stream=sys.stdout)
if sys.argv[2] == "profiled":
    signal.signal(signal.SIGPROF, lambda *_: print("sampled", flush=True))
stop = Stop()
ProcessSignals(stop)
if sys.argv[2] == "profiled":
    os.kill(os.getpid(), signal.SIGPROF)
os.kill(os.getpid(), getattr(signal, sys.argv[1]))
stop.wait()
"""


@pytest.mark.parametrize(
    ("name", "how", "told"),
    [
        *((name, "plain", "") for name in ("SIGINT", "SIGQUIT", "SIGALRM", "SIGVTALRM", "SIGPROF", "SIGXCPU")),
        ("SIGTERM", "profiled", "sampled\n"),
    ],
)
def test_whatever_ends_a_process_ends_it_in_order_and_is_named(name: str, how: str, told: str) -> None:
    """F24: a time limit as much as a person; a profiler that has a handler of its own keeps it."""
    done = subprocess.run(
        [sys.executable, "-c", TOLD, name, how], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == f"{told}stopping {name}\n"


MOCK = """
import os, signal, threading
from duis_gateway.sandbox.mocks.server import serve

def send_all():
    for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGIO, signal.SIGTERM):
        os.kill(os.getpid(), number)

threading.Timer(0.2, send_all).start()
serve(lambda _environ, _start: [], "127.0.0.1:0", threading.Event())
"""


def test_a_mock_ends_by_sigterm_alone() -> None:
    """Any other end would be that of the signal."""
    done = subprocess.run(
        [sys.executable, "-c", MOCK], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
