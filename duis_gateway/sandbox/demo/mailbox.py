"""The demonstration's mail relay: takes emails by SMTP (RFC 5321) and keeps each as a file, as it came over the wire.

The mailbox of a party is its EUI-64: `90B3D51F30010000@parties.example`. It knows what a client of one relay on this
machine needs: no TLS, no login, no onward delivery.
"""

from __future__ import annotations

import argparse
import email.policy
import re
import signal
import socket
import socketserver
import sys
from dataclasses import dataclass, field
from email.parser import BytesHeaderParser

from duis_gateway.duis.identifiers import format_eui_plain, parse_eui
from duis_gateway.machine.signals import ignore_all_but_the_end
from duis_gateway.sandbox.mocks.options import folder_option
from duis_gateway.sandbox.mocks.record import Recorder

DOMAIN = "parties.example"
SUFFIX = "eml"

_MAILBOX = re.compile(rf"TO:\s*<([0-9A-F]{{16}})@{re.escape(DOMAIN)}>", re.IGNORECASE)
_HTTP = ("HTTP/1.0", "HTTP/1.1")
_LONGEST_LINE = 1_000
_LARGEST = 64 * 1024 * 1024
_SECONDS = 60.0


def address_of(eui: int) -> str:
    """Return the address of a party's mailbox."""
    return f"{format_eui_plain(eui)}@{DOMAIN}"


@dataclass
class _Transaction:
    """One email under way: MAIL has been said, and RCPT for these parties."""

    begun: bool = False
    recipients: list[int] = field(default_factory=list)


class _Conversation(socketserver.StreamRequestHandler):
    """One client, from the greeting to QUIT."""

    timeout = _SECONDS
    recorder: Recorder
    sender: int

    def handle(self) -> None:
        self._say("220 mailbox ESMTP")
        transaction = _Transaction()
        while line := self.rfile.readline(_LONGEST_LINE):
            verb, _, rest = line.decode("ascii", "replace").strip().partition(" ")
            match verb.upper():
                case "EHLO":
                    self._say(f"250-mailbox\r\n250 SIZE {_LARGEST}")
                case "HELO" | "NOOP":
                    self._say("250 yes")
                case "MAIL":
                    transaction = _Transaction(begun=True)
                    self._say("250 yes")
                case "RCPT":
                    self._recipient(transaction, rest)
                case "DATA":
                    self._data(transaction)
                    transaction = _Transaction()
                case "RSET":
                    transaction = _Transaction()
                    self._say("250 yes")
                case "QUIT":
                    self._say("221 bye")
                    return
                case _ if rest.upper().endswith(_HTTP):  # a page's form, whose body could be an email (T73)
                    self._say("421 no web server")
                    return
                case _:
                    self._say("502 not known here")

    def _recipient(self, transaction: _Transaction, rest: str) -> None:
        found = _MAILBOX.match(rest)
        if not transaction.begun:
            self._say("503 MAIL comes first")
        elif found is None:
            self._say("550 no such mailbox")
        else:
            transaction.recipients.append(int(found[1], 16))
            self._say("250 yes")

    def _data(self, transaction: _Transaction) -> None:
        if not transaction.recipients:
            self._say("503 RCPT comes first")
            return
        self._say("354 go on")
        lines: list[bytes] = []
        size = 0
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                return  # the client is gone, and with it the email
            size += len(line)
            if size <= _LARGEST:
                lines.append(line[1:] if line.startswith(b".") else line)
        if size > _LARGEST:
            self._say("552 too large")
            return
        content = b"".join(lines)
        for recipient in transaction.recipients:
            self.recorder.record(self.sender, recipient, _kind(content), content, SUFFIX)
        self._say("250 kept")

    def _say(self, answer: str) -> None:
        self.wfile.write(answer.encode("ascii") + b"\r\n")


class _Server(socketserver.ThreadingTCPServer):
    """Accepts as many clients at once as come; socketserver's own queue of five drops the sixth.

    A connection that the queue had no room for looks open to its client, which then waits for a greeting until it
    gives up: the announcement of a release to twelve suppliers needs more than five.
    """

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = socket.SOMAXCONN


def _kind(content: bytes) -> str:
    """Return what the gateway says that the email is: an interaction or an alert code."""
    headers = BytesHeaderParser(policy=email.policy.default).parsebytes(content)
    return re.sub(r"[^A-Za-z0-9]", "", str(headers.get("X-DUIS-Gateway-Kind", ""))) or "EMAIL"


def listen(recorder: Recorder, sender: int, address: tuple[str, int]) -> socketserver.ThreadingTCPServer:
    """Return the relay, listening; `sender` is the party that all emails are taken to be from."""
    handler = type("Conversation", (_Conversation,), {"recorder": recorder, "sender": sender})
    return _Server(address, handler)


def main() -> None:
    """Run the relay until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m duis_gateway.sandbox.demo.mailbox", description=__doc__)
    parser.add_argument("--sender", required=True, type=parse_eui, help="whom the emails are from: the gateway")
    parser.add_argument("--record", required=True, type=folder_option, help="the folder for the emails")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    ignore_all_but_the_end()
    with listen(Recorder(options.record), options.sender, ("127.0.0.1", 0)) as server:
        host, port = server.server_address[:2]
        print(f"listening on smtp://{host!s}:{port}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
