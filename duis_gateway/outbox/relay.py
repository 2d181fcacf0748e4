"""A connection to a mail relay: whole and short replies, to what was asked, and a login in any characters.

A line cut short by the connection's end is not an answer: anything may have been meant to follow `250`, and what was
not accepted must not count as delivered. Nor is a reply an answer if it came before its command, or before the whole
email went out (RFC 5321, 4.1.1.4 and 4.3.1).
"""

from __future__ import annotations

import base64
import contextlib
import re
import smtplib
import socket
import ssl
from typing import Any

from duis_gateway.outbox.watchdog import Attempt
from duis_gateway.text.controls import one_line

_LONGEST_REPLY = 64 * 1024
_AT_ONCE = 4096
_EXCERPT = 160
_LAST_LINE = len(b".\r\n")
_LOGGED_IN = 235
_REPLY_LINE = re.compile(rb"([2-5][0-9]{2})(?:[ -].*)?\r?\n", re.DOTALL)


class Relay(smtplib.SMTP):
    """A connection that the watchdog can cut from the greeting on.

    Raises (each of its methods, beside what `smtplib` says):
        ConnectionError: a reply is not SMTP, is incomplete, has more than 64 KiB, or came before it was asked for.
    """

    def __init__(self, host: str, port: int, our_name: str, timeout: float, attempt: Attempt) -> None:
        self._attempt: Attempt | None = attempt
        # Given the host here, smtplib has a name to check the relay's certificate against.
        super().__init__(host, port, local_hostname=our_name, timeout=timeout)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        """Return a connection to the first of the relay's addresses that greets, or to its last (RFC 5321, 5.1).

        Each but the last gets half of the remaining time, so that a silent one leaves some for the next.
        """
        *others, last = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        for one in others:
            with contextlib.suppress(OSError), contextlib.ExitStack() as in_vain:
                connection = in_vain.enter_context(self._connected(one, self._left() / 2))
                if connection.recv(1, socket.MSG_PEEK):
                    in_vain.pop_all()
                    connection.settimeout(timeout)
                    return connection
        connection = self._connected(last, self._left())
        connection.settimeout(timeout)
        return connection

    def _left(self) -> float:
        return self.timeout if self._attempt is None else self._attempt.remaining

    def _connected(self, address: tuple[Any, ...], seconds: float) -> socket.socket:
        family, kind, protocol, _, place = address
        connection = socket.socket(family, kind, protocol)
        try:
            if self._attempt is not None:
                # A duplicate, because this one is closed if the next address takes its place.
                self._attempt.use(connection.dup(), owned=True)
            connection.settimeout(seconds)
            connection.connect(place)
        except OSError:
            connection.close()
            raise
        return connection

    def getreply(self) -> tuple[int, bytes]:
        """Return the code and the text of the next reply."""
        if self._attempt is not None and self.sock is not None:
            # A duplicate, because STARTTLS moves the connection into another socket object.
            self._attempt.use(self.sock.dup(), owned=True)
            self._attempt = None
        if self.file is None and self.sock is not None:
            self.file = _Lines(self.sock)
        if self.file is not None:
            self.file.next_answer()
        code, text = super().getreply()
        if isinstance(self.file, _Lines) and (wrong := self.file.wrong) is not None:
            said = one_line(wrong.decode("utf-8", "replace"))[:_EXCERPT]
            self.close()
            raise ConnectionAbortedError(f"not an SMTP answer: {said}")
        return code, text

    def send(self, s: Any) -> None:
        """Say a command, or an email to its end, provided that nothing has been answered before."""
        if isinstance(s, bytes):
            # An email: its answer may come at its last line, and not before.
            self._say(s[:-_LAST_LINE])
            s = s[-_LAST_LINE:]
        if isinstance(self.file, _Lines) and (early := self.file.unasked()) is not None:
            said = one_line(early.decode("utf-8", "replace"))[:_EXCERPT]
            raise ConnectionAbortedError(f"the relay answered before it was asked: {said}")
        self._say(s)

    def _say(self, said: Any) -> None:
        try:
            super().send(said)
        except smtplib.SMTPServerDisconnected as error:
            if not isinstance(error.__context__, ConnectionError | ssl.SSLError):
                raise
            # smtplib says "Server not connected", which it was.
            what = "while the email was being sent" if isinstance(said, bytes) else "before the next command"
            raise ConnectionResetError(f"the relay closed the connection {what}") from error

    def log_in(self, user: str, password: str) -> None:
        """Log in, with AUTH PLAIN in UTF-8 if there are characters that no other method supports (RFC 4616; RFC 4954).

        Raises:
            smtplib.SMTPException: the relay does not let us in, does not offer a method that we support, or asks for
            something that is not part of its method.
        """
        if not (user + password).isascii():
            self._plain(user, password)
            return
        try:
            self.login(user, password)
        except ValueError as error:
            raise smtplib.SMTPException(f"the relay's challenge is not one: {error}") from None

    def _plain(self, user: str, password: str) -> None:
        self.ehlo_or_helo_if_needed()
        if "PLAIN" not in self.esmtp_features.get("auth", "").upper().split():
            raise smtplib.SMTPException(
                "the user or the password has non-ASCII letters, for which the relay would have to offer AUTH PLAIN"
            )
        code, text = self.docmd("AUTH", "PLAIN " + base64.b64encode(f"\0{user}\0{password}".encode()).decode())
        if code != _LOGGED_IN:
            raise smtplib.SMTPAuthenticationError(code, text)


class _Lines:
    """Reads the lines of an answer from a connection, as `smtplib` does from a file."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._held = b""
        self.next_answer()

    def next_answer(self) -> None:
        """Begin with the next answer."""
        self._left = _LONGEST_REPLY
        self._code: bytes | None = None
        self.wrong: bytes | None = None
        """The first line that is not a reply's, or has another code than those before it (RFC 5321, 4.2 and 4.2.1)."""

    def readline(self, size: int) -> bytes:
        """Return the next line, or as much of a longer one as is asked for.

        Raises:
            ConnectionResetError: the connection ended before the line did.
            ConnectionAbortedError: the answer has more octets than it may.
        """
        while b"\n" not in self._held[:size] and len(self._held) < size:
            more = self._connection.recv(_AT_ONCE)
            if not more:
                raise ConnectionResetError("the connection ended before the answer was complete")
            self._held += more
        length = min(self._held.find(b"\n") + 1 or size, size)
        line, self._held = self._held[:length], self._held[length:]
        self._left -= length
        self._look_at(line)
        if self._left < 0:
            raise ConnectionAbortedError(f"the answer is longer than {_LONGEST_REPLY} octets")
        return line

    def _look_at(self, line: bytes) -> None:
        found = _REPLY_LINE.fullmatch(line)
        if self.wrong is None and (found is None or self._code not in (None, found[1])):
            self.wrong = line
        self._code = self._code or (found and found[1])

    def unasked(self) -> bytes | None:
        """Return what has come after the last answer; None: nothing."""
        if self._held:
            return self._held
        timeout = self._connection.gettimeout()
        self._connection.setblocking(False)
        try:
            # Over TLS this absorbs what is not data (session tickets), which no look at the socket could do.
            return self._connection.recv(_AT_ONCE) or None
        except (BlockingIOError, ssl.SSLWantReadError):
            return None
        finally:
            self._connection.settimeout(timeout)

    def close(self) -> None:
        """Hold nothing any more; the connection is closed separately."""
        self._held = b""
