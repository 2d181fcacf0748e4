"""The gateway's own process, started as an operator starts it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

LONGEST_WAIT = 30.0
_TICK = threading.Event()


def wait_until(condition: Callable[[], bool], what: str | Callable[[], str], timeout: float = LONGEST_WAIT) -> None:
    """Wait for something that another process decides."""
    until = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > until:
            raise AssertionError(f"not within {timeout} s: {what() if callable(what) else what}")
        _TICK.wait(0.02)


class GatewayProcess:
    """`python -m duis_gateway serve` as an operator runs it."""

    def __init__(self, config: Path, log: Path, **environment: str) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("DUIS_GATEWAY_")}
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "duis_gateway", "serve", "--config", str(config)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=clean | environment | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
                text=True,
            )
        self._log = log
        self.url, self.operations_url = self._listening(), self._listening()

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._process.pid

    def _listening(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.startswith("listening on "):
            self.kill()
            raise AssertionError(f"the gateway said {line!r}: {self._log.read_text(encoding='utf-8')[-3000:]}")
        return line.removeprefix("listening on ").strip()

    def stop(self) -> None:
        """Ask it to stop; it must do so in order."""
        self._process.terminate()
        assert self._process.wait(LONGEST_WAIT) == 0, self._log.read_text(encoding="utf-8")[-3000:]
        assert self._process.stdout is not None
        self._process.stdout.close()

    def kill(self) -> None:
        """End it without asking, whatever it does."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def ended(self) -> int:
        """Wait until it has ended by itself, and return how (the negative number of a signal)."""
        code = self._process.wait(LONGEST_WAIT)
        assert self._process.stdout is not None
        self._process.stdout.close()
        return code
