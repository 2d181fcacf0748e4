"""A peer that says exactly these octets, one turn after the other, and hangs up."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator, Sequence


@contextlib.contextmanager
def scripted_peer(turns: Sequence[tuple[bytes, bytes]], pause: float = 0.0) -> Iterator[int]:
    """Give the port of a peer that takes one connection: in each turn it reads up to the first, and says the second.

    It pauses for so many seconds before each turn, or until the end.
    """
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=_speak, args=(listening, turns, pause, ended), daemon=True)
        thread.start()
        yield int(listening.getsockname()[1])
        ended.set()
        thread.join(10)


def _speak(
    listening: socket.socket, turns: Sequence[tuple[bytes, bytes]], pause: float, ended: threading.Event
) -> None:
    connection, _ = listening.accept()
    with connection, contextlib.suppress(OSError):
        connection.settimeout(10)
        for awaited, said in turns:
            ended.wait(pause)
            heard = b""
            while not heard.endswith(awaited):
                more = connection.recv(65536)
                if not more:
                    return
                heard += more
            connection.sendall(said)
