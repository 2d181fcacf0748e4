"""A sandbox as a process of its own, for tests that give it commands."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from duis_gateway.sandbox.remote import Remote
from tests.support.processes import PATIENCE, ROOT


@dataclass(frozen=True)
class RunningSandbox:
    """A sandbox that listens: its folder, port, and what it said at the start."""

    folder: Path
    port: int
    said: str
    process: subprocess.Popen[str]

    @property
    def remote(self) -> Remote:
        return Remote(self.port)

    def status(self) -> Any:
        return self.remote.get("/v1/status")

    def do(self, command: str, **members: object) -> Any:
        return self.remote.do(command, members)

    def interrupt(self) -> int:
        """End it as Ctrl-C does, and return the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE)


@contextmanager
def sandbox(folder: Path, *options: str) -> Iterator[RunningSandbox]:
    """Start a sandbox on free ports, and end it with the context where it has not ended."""
    words = [sys.executable, "-m", "duis_gateway", "sandbox", "--workdir", str(folder), "--port", "0", *options]
    with saying(words) as process:
        said = read_until(process, "Ctrl-C")
        page = re.search(r"The page and the API: http://127\.0\.0\.1:(\d+)/", said)
        assert page is not None, said
        yield RunningSandbox(folder, int(page[1]), said, process)


@contextmanager
def saying(
    words: Sequence[str], folder: Path = ROOT, environ: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Run a program whose standard output is read; what it writes on standard error is read there too."""
    with subprocess.Popen(
        words,
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(PATIENCE)


def read_until(process: subprocess.Popen[str], words: str) -> str:
    """Return what a program says, up to the line with these words."""
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if words in line:
            return said
    raise AssertionError(f"the program ended with {process.wait()}: {said}")
