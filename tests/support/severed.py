"""A network between the gateway and its PostgreSQL server that a test can cut, silence and mend (threat F11)."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine import make_url

from tests.support.ports import free_port


class Network:
    """Forwards connections from a port of its own to the server, as long as it is neither cut nor silent.

    `server`: host and port, or the path of a Unix socket.
    """

    def __init__(self, server: tuple[str, int] | str) -> None:
        self.server = server
        self._flowing = threading.Event()
        self._flowing.set()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._flowing = threading.Event()
        self._flowing.set()
        self.port = free_port()
        self.mend()

    def cut(self) -> None:
        """Break every connection, and refuse new ones."""
        self._listener.close()
        self._accepting.join()
        self._break()

    def silence(self) -> None:
        """Forward nothing more: what is sent is acknowledged and never answered, and so are new connections."""
        self._flowing.clear()

    def speak(self) -> None:
        """Forward again, first what was held back."""
        self._flowing.set()

    def lead_to(self, server: tuple[str, int] | str) -> None:
        """Break every connection, and forward new ones to another server."""
        self.server = server
        self._break()

    def _break(self) -> None:
        with self._lock:
            broken, self._open = self._open, set()
        for one in broken:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self._flowing.set()

    def fall_silent(self) -> None:
        """Keep every connection, accept new ones, and let nothing through any more."""
        self._flowing.clear()

    def speak_again(self) -> None:
        """End the silence."""
        self._flowing.set()

    def mend(self) -> None:
        """Forward connections again, from the same port."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        # A listener with a timeout notices that it was closed.
        self._listener.settimeout(0.05)
        self.port = self._listener.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, args=(self._listener,), daemon=True)
        self._accepting.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            near.settimeout(None)
            far = self._connect()
            with self._lock:
                self._open |= {near, far}
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=self._forward, args=(source, target), daemon=True).start()

    def _connect(self) -> socket.socket:
        if isinstance(self.server, tuple):
            return socket.create_connection(self.server)
        far = socket.socket(socket.AF_UNIX)
        far.connect(self.server)
        return far

    def _forward(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while content := source.recv(65536):
                self._flowing.wait()
                target.sendall(content)
        for one in (source, target):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        with self._lock:
            self._open.discard(source)
        source.close()


@contextmanager
def behind_network(database_url: str) -> Iterator[tuple[str, Network]]:
    """Yield the URL under which a PostgreSQL database is reached through a network, and the network."""
    url = make_url(database_url)
    host = url.host or str(url.query.get("host", "127.0.0.1"))
    port = url.port or int(str(url.query.get("port", 5432)))
    network = Network(f"{host}/.s.PGSQL.{port}" if host.startswith("/") else (host, port))
    query = {name: value for name, value in url.query.items() if name not in ("host", "port")}
    far = url.set(host="127.0.0.1", port=network.port, query=query)
    try:
        yield far.render_as_string(hide_password=False), network
    finally:
        network.cut()
