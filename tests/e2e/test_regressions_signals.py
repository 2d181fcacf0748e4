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
from duis_gateway.doors.server import run_until_signalled
from duis_gateway.delivery.worker import deliver_until_signalled

class Nothing:
    def start(self): t = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)); t.daemon = True; t.start()
    def begin_to_stop(self): pass
    def stop(self, timeout=0): return True

threading.Thread(target=threading.Event().wait, daemon=True).start()
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
if sys.argv[1] == "serve":
    run_until_signalled([Nothing()])
else:
    deliver_until_signalled(Nothing())
print("stopped")
"""


@pytest.mark.parametrize("what", ["serve", "deliver"])
def test_a_signal_that_wakes_nobody_is_noticed_all_the_same(what: str) -> None:
    """F24."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, what], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "stopped\n"
