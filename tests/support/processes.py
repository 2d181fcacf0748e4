"""Processes of the gateway for tests: started, watched, killed and started again, each by its own id."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from duis_gateway.store.failpoints import ENVIRONMENT_VARIABLE

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0
"""Seconds after which a process that does not do what is waited for has failed the test."""

_READY = "listening on "


class GatewayProcess:
    """One `duis-gateway serve` or `deliver`, on ports that the system chose.

    Args:
        words: the command and its options.
        config: the configuration file; its log on standard error is added to `gateway.log` beside it.
        failpoint: where it kills itself (`duis_gateway.store.failpoints`), or None.
        settings: environment variables that override keys of the configuration.
        code: the folder with the gateway's packages, of this version or another.
    """

    def __init__(
        self,
        words: Sequence[str],
        config: Path,
        failpoint: str | None = None,
        settings: Mapping[str, object] | None = None,
        code: Path = ROOT,
    ) -> None:
        environ = {**os.environ, "DUIS_GATEWAY_SERVER_PORT": "0", "DUIS_GATEWAY_OPERATIONS_PORT": "0"}
        environ.pop(ENVIRONMENT_VARIABLE, None)
        environ |= {name: str(value) for name, value in (settings or {}).items()}
        if failpoint is not None:
            environ[ENVIRONMENT_VARIABLE] = failpoint
        self.log = config.with_name("gateway.log")
        self._listeners = 2 if words[0] == "serve" else 1
        self._urls: list[str] = []
        self._reading = threading.Lock()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "duis_gateway", *words, "--config", str(config)],
                cwd=code,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def __enter__(self) -> GatewayProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._process.pid

    @property
    def url(self) -> str:
        """The public listener, once the process listens; a `deliver` has none."""
        return self.urls[0]

    @property
    def operations_url(self) -> str:
        """The operators' listener, once the process listens."""
        return self.urls[-1]

    @property
    def urls(self) -> list[str]:
        """All its listeners; waits until it says them, and fails if it ends before."""
        assert self._process.stdout is not None
        with self._reading:
            while len(self._urls) < self._listeners:
                line = self._process.stdout.readline()
                assert line, f"the process ended with {self.wait()}: {self.log.read_text()[-2000:]}"
                if line.startswith(_READY):
                    self._urls.append(line.removeprefix(_READY).strip())
            return self._urls

    @property
    def has_ended(self) -> bool:
        """Whether it runs no more."""
        return self._process.poll() is not None

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def kill(self) -> None:
        """Kill -9, if it still runs."""
        self._process.kill()
        self.wait()

    def terminate(self, seconds: float = PATIENCE) -> int:
        """Send SIGTERM, and return the exit code."""
        self._process.terminate()
        return self.wait(seconds)

    def wait(self, seconds: float = PATIENCE) -> int:
        """Return the exit code, once it has ended."""
        code = self._process.wait(seconds)
        if self._process.stdout is not None:
            self._process.stdout.close()
        return code


class Reborn:
    """A process that is killed at points of its own, and started again each time.

    Args:
        start: starts one with a failpoint, or without.
        failpoints: one for each life that ends by a kill; the life after them is a healthy one.
        between: called after each death, before the next life.
    """

    def __init__(
        self, start: Callable[[str | None], GatewayProcess], failpoints: Sequence[str], between: Callable[[], None]
    ) -> None:
        self._start = start
        self._between = between
        self._left = list(failpoints)
        self._changed = threading.Condition()
        self._url: str | None = None
        self._problem: BaseException | None = None
        self._ending = False
        self.kills = 0
        self._current = self._next()
        self._thread = threading.Thread(target=self._keep, name="reborn", daemon=True)
        self._thread.start()

    def url(self) -> str:
        """Return the public listener of the life that is lived just now; waits while there is none."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._url or self._problem, PATIENCE), "no life began"
            if self._problem is not None:
                raise self._problem
            assert self._url is not None
            return self._url

    def wait_for_kills(self, count: int, seconds: float = PATIENCE) -> None:
        """Wait until so many lives have ended, and the next has begun."""
        with self._changed:
            assert self._changed.wait_for(lambda: (self.kills >= count and self._url) or self._problem, seconds), (
                f"killed {self.kills} times in the place of {count}"
            )
        if self._problem is not None:
            raise self._problem

    def end(self) -> int:
        """Send SIGTERM to the last life, and return its exit code."""
        with self._changed:
            self._ending = True
        code = self._current.terminate()
        self._thread.join(PATIENCE)
        return code

    def kill(self) -> None:
        """End it in any way (cleaning up)."""
        with self._changed:
            self._ending = True
        self._current.kill()
        self._thread.join(PATIENCE)

    def _next(self) -> GatewayProcess:
        return self._start(self._left.pop(0) if self._left else None)

    def _keep(self) -> None:
        try:
            while True:
                url = self._current.url
                with self._changed:
                    self._url = url
                    self._changed.notify_all()
                code = self._current.wait(10 * PATIENCE)
                with self._changed:
                    self._url = None
                    if self._ending:
                        return
                    assert code == -signal.SIGKILL, f"the process ended with {code}: {self._current.log.read_text()}"
                    self._between()
                    self._current = self._next()
                    self.kills += 1
        except BaseException as error:
            with self._changed:
                self._problem = error
                self._changed.notify_all()


@contextmanager
def reborn(
    start: Callable[[str | None], GatewayProcess], failpoints: Sequence[str], between: Callable[[], None] = lambda: None
) -> Iterator[Reborn]:
    """A `Reborn` that is gone in the end."""
    process = Reborn(start, failpoints, between)
    try:
        yield process
    finally:
        process.kill()
