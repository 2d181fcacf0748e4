"""Email: the outbox row is the whole message (RFC 5322), and goes to a relay by SMTP (RFC 5321) unchanged."""

from __future__ import annotations

import contextlib
import re
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from duis_gateway.errors import GatewayError
from duis_gateway.machine.files import read_text
from duis_gateway.outbox.relay import Relay
from duis_gateway.outbox.retry import Failure, FailureKind
from duis_gateway.outbox.store import ClaimedMessage
from duis_gateway.outbox.watchdog import Watchdog
from duis_gateway.text.controls import one_line
from duis_gateway.text.numbers import is_digits

_EXCERPT = 160
_TO = re.compile(rb"^To: .*?(?=\r\n(?![ \t])|\Z)", re.MULTILINE | re.DOTALL)
_DONE, _FOR_GOOD = range(200, 300), range(500, 600)
"""The first digit says how a command ended; a client need not know the others (RFC 5321, 4.2.1 and 4.3.2)."""

_SPEAKS_OF_THE_EMAIL = {
    "MAIL": {552},
    "RCPT": {501, 550, 551, 552, 553, 554, 556},
    "DATA": {550, 552, 554},
    "content": {550, 551, 552, 553, 554},
}
"""The replies that refuse this email for good, by the step that they answer (RFC 5321, 4.2.3 and 4.3.2).

552 at MAIL means the size (RFC 1870, 6.1), which an enhanced code may say instead. Every other permanent reply is
about the gateway or the relay (our address, a login, an unknown command: RFC 5321, RFC 4954, RFC 7504), and every 4xx
is temporary: both have the large budget.
"""

_TOO_LARGE = re.compile(r"5\.(3\.4|2\.3)\b")
"""Enhanced codes (RFC 3463) that are about the email's size, whatever stands before them."""

_SPEAKS_OF_US = re.compile(r"5\.(7\.[0-9]{1,3}|1\.[78])\b")
"""Enhanced codes (RFC 3463) that are about the gateway, even at RCPT: that is where many relays say what they have
against a client, its login or its sender (Postfix's `smtpd_delay_reject`). For the content, they are about the
email."""


@dataclass(frozen=True)
class SmtpSettings:
    """The relay. `sender` is the address that bounces go to; `timeout` in seconds limits a whole attempt."""

    host: str
    sender: str
    port: int = 25
    starttls: bool = False
    username: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    timeout: float = 30.0


class MailSender:
    """Sends emails through one relay, a connection for each.

    The relay is the operator's own choice, so the guard on recipients' addresses does not apply to it.

    Args:
        settings: how the relay is reached.
        find_address: the email address that a party has registered at this moment, by its EUI; None if it has none. It
            takes precedence over the one that was registered when the email was stored.
    """

    def __init__(self, settings: SmtpSettings, find_address: Callable[[int], str | None] | None = None) -> None:
        self._settings = settings
        self._find_address = find_address
        self._tls = ssl.create_default_context(cafile=settings.ca_file and str(settings.ca_file))
        self._watchdog = Watchdog()
        self._aborted = False

    @property
    def deadline(self) -> float:
        """The total deadline of an attempt, in seconds."""
        return self._settings.timeout

    def send(self, message: ClaimedMessage) -> Failure | None:
        """Pass one email to the relay; recipient or content refused for good (5xx) is refused, the rest temporary."""
        try:
            address = message.address if self._find_address is None else self._find_address(message.recipient)
        except GatewayError:
            return Failure(FailureKind.ADDRESS, "the recipient's email address cannot be looked up right now")
        if not address:
            return Failure(FailureKind.ADDRESS, "the recipient has no email address registered")
        if not address.isascii() or not address.isprintable():
            return Failure(FailureKind.ADDRESS, "the email address has characters that SMTP cannot carry", refused=True)
        return self._with_relay(
            lambda relay: self._hand_over(relay, address, _to(address, self._from_us(message.content)))
        )

    def look(self) -> Failure | None:
        """Go as far as an email would go before it is named: greeting, STARTTLS and login."""
        return self._with_relay(lambda relay: relay.ehlo_or_helo_if_needed())

    def _with_relay(self, do: Callable[[smtplib.SMTP], Failure | None]) -> Failure | None:
        try:
            with self._relay() as relay:
                return do(relay)
        except smtplib.SMTPResponseException as error:
            # Greeting or login: it says nothing about this email; the operator has to see to it.
            return Failure(FailureKind.STATUS, _answer(error.smtp_code, error.smtp_error))
        except ssl.SSLError as error:
            return Failure(FailureKind.TLS, str(error)[:_EXCERPT])
        except (OSError, smtplib.SMTPException) as error:
            said = getattr(error, "strerror", None) or str(error)
            return Failure(self._kind(error), said[:_EXCERPT] or type(error).__name__)

    def _hand_over(self, relay: smtplib.SMTP, address: str, content: bytes) -> Failure | None:
        """Say MAIL, RCPT and DATA for one email; what the relay refuses is judged by the step that it refused."""
        relay.ehlo_or_helo_if_needed()
        options = []
        if relay.has_extn("size"):
            largest = relay.esmtp_features["size"]
            if is_digits(largest) and 0 < int(largest) < len(content):
                detail = f"the email has {len(content)} octets, but the relay takes {largest} at most"
                return Failure(FailureKind.STATUS, detail, refused=True)
            options = [f"size={len(content)}"]
        code, text = relay.mail(self._settings.sender, options)
        if code not in _DONE:
            return _refusal("MAIL", code, text)
        code, text = relay.rcpt(address)
        if code not in _DONE:
            return _refusal("RCPT", code, text)
        try:
            code, text = relay.data(content)
        except smtplib.SMTPDataError as error:
            return _refusal("DATA", error.smtp_code, error.smtp_error)
        return None if code in _DONE else _refusal("content", code, text)

    def _from_us(self, content: bytes) -> bytes:
        """Return the email with a From; one that was stored before there was a relay has none."""
        if content.startswith(b"From:") or b"\r\nFrom:" in content.partition(b"\r\n\r\n")[0]:
            return content
        return f"From: {self._settings.sender}\r\n".encode("ascii") + content

    def _kind(self, error: Exception) -> FailureKind:
        if self._aborted:
            return FailureKind.INTERRUPTED
        # smtplib turns a timeout while reading into a closed connection.
        late = any(isinstance(one, TimeoutError) for one in (error, error.__context__))
        return FailureKind.TIMEOUT if late else FailureKind.CONNECTION

    def abort(self) -> None:
        """End what is under way."""
        self._aborted = True
        self._watchdog.cut_all()

    def close(self) -> None:
        """End what is under way, and the watchdog."""
        self._aborted = True
        self._watchdog.close()

    @contextlib.contextmanager
    def _relay(self) -> Iterator[smtplib.SMTP]:
        settings = self._settings
        attempt = self._watchdog.start(settings.timeout)
        try:
            relay = Relay(settings.host, settings.port, _our_name(), settings.timeout, attempt)
            with contextlib.closing(relay):
                if settings.starttls:
                    relay.starttls(context=self._tls)
                if settings.username is not None and settings.password_file is not None:
                    relay.log_in(settings.username, _password(settings.password_file))
                yield relay
                # The email is accepted; what becomes of the farewell changes nothing.
                with contextlib.suppress(OSError, smtplib.SMTPException):
                    relay.quit()
        except (smtplib.SMTPServerDisconnected, ConnectionError) as error:
            if attempt.overdue:
                raise TimeoutError(f"no answer within {settings.timeout:g} s") from error
            raise
        finally:
            self._watchdog.finish(attempt)


def _to(address: str, content: bytes) -> bytes:
    """Return the email with this address in its To, which differs if the party has changed its address since."""
    head, blank, body = content.partition(b"\r\n\r\n")
    return _TO.sub(b"To: " + address.encode("ascii"), head, count=1) + blank + body


def _our_name() -> str:
    """Return what the gateway calls itself to a relay: this machine's name, without asking a name server for it.

    `smtplib` would ask, for as long as the resolver likes, and none of our deadlines applies there. RFC 5321 (4.1.3)
    has a machine without a full name give its address; the loopback's is what smtplib gives if it finds none.
    """
    name = socket.gethostname()
    return name if "." in name and name.isascii() else "[127.0.0.1]"


def _password(path: Path) -> str:
    try:
        return read_text(path).strip()
    except OSError as error:
        raise smtplib.SMTPException(f"the password in {path} cannot be read: {error.strerror}") from None


def _refusal(step: str, code: int, text: bytes | str) -> Failure:
    words = _words(text)
    of_us = step != "content" and _SPEAKS_OF_US.match(words) is not None
    of_size = code in _FOR_GOOD and _TOO_LARGE.match(words) is not None
    of_the_email = of_size or (code in _SPEAKS_OF_THE_EMAIL[step] and not of_us)
    return Failure(FailureKind.STATUS, _answer(code, words), refused=of_the_email)


def _answer(code: int, text: bytes | str) -> str:
    return f"SMTP {code}: {one_line(_words(text))[:_EXCERPT]}"


def _words(text: bytes | str) -> str:
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else text
