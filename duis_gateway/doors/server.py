"""The HTTP servers: one for the public doors, one for operations, each with a loop and worker threads of its own.

So a public listener that is overwhelmed does not take the health checks with it (F30).
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from typing import Any

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.task import ThreadedTaskDispatcher

from duis_gateway.doors.connections import Listener, Refuse, ServerLimits
from duis_gateway.doors.http import WsgiApp, new_correlation_id, with_correlation
from duis_gateway.doors.problem import problem_answer
from duis_gateway.doors.wire import Answer
from duis_gateway.errors import MessageRefused

_TURN = 0.5  # seconds after which the server's loop looks at the time at the latest
_BUFFER = 1024 * 1024


def refuse_plainly(error: MessageRefused, _path: str, _remote: str) -> Answer:
    """Answer a request that the server refuses with a problem document, whatever the path."""
    correlation_id = new_correlation_id()
    return with_correlation(problem_answer(error, correlation_id), correlation_id)


class Server:
    """One listener. `port` 0 means a free one, known once the server is made.

    Raises:
        OSError: the address cannot be listened on.
    """

    def __init__(
        self,
        app: WsgiApp,
        host: str,
        port: int,
        threads: int = 8,
        limits: ServerLimits | None = None,
        refuse: Refuse = refuse_plainly,
    ) -> None:
        self._limits = limits = limits or ServerLimits()
        self._looked_at = 0.0
        bound = _bound(host, port)
        self._map: dict[int, Any] = {}
        self._dispatcher = ThreadedTaskDispatcher()
        self._listener = Listener(
            app,
            refuse,
            limits,
            map=self._map,
            dispatcher=self._dispatcher,
            adj=_adjustments(limits),
            sockinfo=(bound.family, bound.type, bound.proto, bound.getsockname()),
            _sock=bound,
            bind_socket=False,
        )
        self._dispatcher.set_thread_count(threads)
        self.host = str(self._listener.effective_host)
        self.port = int(self._listener.effective_port)
        self._stop = threading.Event()
        self._waking = threading.Lock()
        self._thread = threading.Thread(target=self._run, name=f"http-{self.port}", daemon=True)

    def start(self) -> None:
        """Answer requests, in threads of the server's own."""
        self._thread.start()

    def begin_to_stop(self) -> None:
        """Accept nothing more, and end once what is in hand is answered; returns at once."""
        # The loop may see the event before it is woken; what wakes it must not be closed by then.
        with self._waking:
            if not self._stop.is_set():
                self._stop.set()
                self._listener.pull_trigger()

    def stop(self, deadline: float | None = None) -> bool:
        """Stop, and return when it is done: in less than 10 seconds, or at the deadline (F24).

        Returns whether it has ended. The deadline is on the monotonic clock.
        """
        self.begin_to_stop()
        if self._thread.ident is None:
            self._run()
        else:
            self._thread.join(None if deadline is None else max(0.0, deadline - time.monotonic()))
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._turn(_TURN)
        self._listener.stop_accepting()
        deadline = time.monotonic() + self._limits.stopping_time
        while self._listener.close_idle() and time.monotonic() < deadline:
            self._turn(_TURN / 10)
        self._dispatcher.shutdown(timeout=1)
        with self._waking:
            wasyncore.close_all(self._map)

    def _turn(self, seconds: float) -> None:
        wasyncore.loop(timeout=seconds, use_poll=True, map=self._map, count=1)
        now = time.monotonic()
        if now > self._looked_at + _TURN:
            self._looked_at = now
            self._listener.keep_time()


def _adjustments(limits: ServerLimits) -> Adjustments:
    # A line of log for each moment when all threads are busy says nothing that the metrics do not.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    return Adjustments(
        max_request_body_size=limits.body + 1,
        max_request_header_size=limits.header,
        connection_limit=limits.connections,
        ident="duis-gateway",
        server_name="duis-gateway",
        log_socket_errors=False,
        outbuf_high_watermark=_BUFFER,
        clear_untrusted_proxy_headers=True,
        recv_bytes=65536,
    )


def _bound(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError:
        bound.close()
        raise
    return bound
