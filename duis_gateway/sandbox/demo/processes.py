"""The demonstration's processes: started together, each with a log of its own, and ended by their ids."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from duis_gateway.errors import GatewayError

READY = "listening on "
STOP_SECONDS = 10.0


class DemoFailed(GatewayError):
    """The demonstration cannot go on; the text says why."""


class Processes:
    """A context in which processes run; when it ends, so do they."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._running: list[tuple[str, subprocess.Popen[str]]] = []
        logs.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> Processes:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for _, process in reversed(self._running):
            if process.poll() is None:
                process.terminate()
        for _, process in self._running:
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()

    def begin(self, name: str, arguments: Sequence[str]) -> Starting:
        """Start `python -m ARGUMENTS`; the process says on standard output where it listens."""
        log = (self._logs / f"{name}.log").open("w", encoding="utf-8")
        with log:
            process = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self._running.append((name, process))
        return Starting(name, process, self._logs)

    def check(self) -> None:
        """Raise `DemoFailed` if one of the processes has ended."""
        for name, process in self._running:
            if process.poll() is not None:
                raise DemoFailed(f"{name} ended with exit code {process.returncode}: see {self._logs / name}.log")


class Starting:
    """A process that was started and has not said yet where it listens."""

    def __init__(self, name: str, process: subprocess.Popen[str], logs: Path) -> None:
        self._name = name
        self._process = process
        self._logs = logs

    def urls(self, count: int = 1) -> list[str]:
        """Wait until the process listens and return its URLs, one for each line that it says."""
        assert self._process.stdout is not None
        found: list[str] = []
        for line in self._process.stdout:
            if line.startswith(READY):
                found.append(line.removeprefix(READY).split()[0])
            if len(found) == count:
                return found
        raise DemoFailed(f"{self._name} did not start: see {self._logs / self._name}.log")
