"""A mail relay for tests: as much of SMTP as a client needs, over real sockets."""

from __future__ import annotations

import socketserver
import threading
from dataclasses import dataclass, field


@dataclass
class Relay:
    """What the relay took in, and the reply it gives to RCPT or DATA instead of accepting."""

    port: int = 0
    refuse_recipient: bytes | None = None
    refuse_content: bytes | None = None
    emails: list[tuple[str, str, bytes]] = field(default_factory=list)  # envelope sender, recipient, content
    arrived: threading.Event = field(default_factory=threading.Event)


class MailRelay:
    """Runs a `Relay` in a thread; a context manager."""

    def __enter__(self) -> Relay:
        self.relay = relay = Relay()

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                _converse(self, relay)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        relay.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return relay

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _converse(handler: socketserver.StreamRequestHandler, relay: Relay) -> None:
    def say(line: bytes) -> None:
        handler.wfile.write(line + b"\r\n")

    sender = recipient = ""
    say(b"220 relay.test")
    while line := handler.rfile.readline().strip():
        verb = line.upper()
        if verb.startswith(b"MAIL FROM:"):
            sender = line[10:].split(b">")[0].strip(b" <").decode()
        elif verb.startswith(b"RCPT TO:"):
            recipient = line[8:].strip(b" <>").decode()
            say(relay.refuse_recipient or b"250 yes")
            continue
        elif verb == b"DATA":
            say(b"354 go on")
            content = b"".join(iter(handler.rfile.readline, b".\r\n"))
            if relay.refuse_content is None:
                relay.emails.append((sender, recipient, content))
                relay.arrived.set()
            say(relay.refuse_content or b"250 taken")
            continue
        elif verb == b"QUIT":
            say(b"221 bye")
            return
        say(b"250 yes")
