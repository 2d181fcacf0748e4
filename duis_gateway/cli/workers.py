"""Further delivery processes beside the one that a person started, kept running for as long as it runs."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from time import monotonic

from duis_gateway.machine.files import standard_stream
from duis_gateway.machine.signals import held_back
from duis_gateway.machine.threads import lasting

log = logging.getLogger(__name__)

_SECONDS_BEFORE_AGAIN = 1.0
_MOMENT = 0.3
_LAST_PORT = 65_535
_OUTPUT = 1


class WorkerProcesses:
    """`number` processes that deliver; one that dies is restarted.

    Their standard input is a pipe from this process, so they end too when it is killed. The k-th has its operators'
    listener on `operations_port` + k, so that it can be scraped, or on a free port if that is taken or the first one's
    may be any.
    """

    def __init__(self, config: Path, number: int, operations_port: int, log_file: Path | None = None) -> None:
        self._command = [sys.executable, "-m", "duis_gateway", "deliver", "--while-stdin", "--config", str(config)]
        self._first_port = operations_port
        self._logs_to_output = log_file is not None and standard_stream(log_file) == _OUTPUT
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._keepers = [lasting(self._keep, index, name=f"worker-{index}") for index in range(1, number + 1)]

    def start(self) -> None:
        """Start keeping them running; returns at once."""
        for keeper in self._keepers:
            keeper.start()

    def begin_to_stop(self) -> None:
        """Tell them all to stop; returns at once."""
        with self._lock:
            self._stopping.set()
            running = list(self._running)
        for process in running:
            process.terminate()

    def stop(self, deadline: float) -> bool:
        """Return when they have ended; one that has not by the deadline (on the monotonic clock) is killed.

        They have that deadline themselves, and are given a moment more to meet it. Returns whether all have met it.
        """
        for keeper in self._keepers:
            keeper.join(max(0.0, deadline + _MOMENT - monotonic()))
        with self._lock:
            late = list(self._running)
        for process in late:
            process.kill()
            about = {"event": "worker-ended-by-force", "pid": process.pid}
            log.warning("a delivery process does not end by itself, and is killed", extra=about)
        return not late

    def hang_up(self) -> None:
        """Pass on a SIGHUP."""
        with self._lock:
            for process in self._running:
                process.send_signal(signal.SIGHUP)

    def _keep(self, index: int) -> None:
        while not self._stopping.is_set():
            try:
                process = self._start(index)
            except OSError as error:
                about = {"event": "worker-not-started"}
                log.error("a delivery process cannot be started, and will be tried again: %s", error, extra=about)
            else:
                self._outlive(process)
            self._stopping.wait(_SECONDS_BEFORE_AGAIN)

    def _outlive(self, process: subprocess.Popen[bytes] | None) -> None:
        """Wait for its end, and say so unless it was told to."""
        if process is None:
            return
        with process:
            process.wait()
        with self._lock:
            self._running.discard(process)
        if not self._stopping.is_set():
            about = {"event": "worker-ended", "pid": process.pid, "exit_code": process.returncode}
            log.error("a delivery process ended, and is restarted", extra=about)

    def _start(self, index: int) -> subprocess.Popen[bytes] | None:
        with self._lock:
            if self._stopping.is_set():
                return None
            environment = {**os.environ, "DUIS_GATEWAY_OPERATIONS_PORT": str(self._port(index))}
            if (
                self._logs_to_output
            ):  # nobody needs what their standard output says, so their log comes to ours another way
                environment["DUIS_GATEWAY_LOG_FILE"] = "/dev/stderr"
            with held_back():
                process = subprocess.Popen(
                    self._command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=_OUTPUT if self._logs_to_output else None,
                    env=environment,
                    start_new_session=True,  # an interrupt from the terminal is for this process to pass on
                )
            self._running.add(process)
            return process

    def _port(self, index: int) -> int:
        port = self._first_port + index
        return port if self._first_port and port <= _LAST_PORT else 0
