"""A mail relay for tests: aiosmtpd, a whole SMTP server, in a thread of the test process and on a free port."""

from __future__ import annotations

import asyncio
import email.policy
import ssl
import threading
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.support.ports import free_port

Taken = tuple[str, str, bytes]  # the envelope's sender and recipient, and the email as it came


@dataclass
class Relay:
    """What the relay took in; `refuse_recipient` and `refuse_content` are what it says instead of taking an email.

    While `answers` is not set, it takes emails and does not say so.
    """

    port: int = 0
    refuse_recipient: bytes | None = None
    refuse_content: bytes | None = None
    refuse: dict[str, str] = field(default_factory=dict)  # by the step that it answers: MAIL, RCPT, DATA or content
    emails: list[Taken] = field(default_factory=list)
    users: list[str] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)
    answers: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.answers.set()

    def wait_for(self, count: int, seconds: float = 30.0, *, after: int = 0) -> list[EmailMessage]:
        """Wait until so many emails have come, and return all that came after so many, parsed, in their order."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.emails) >= count, seconds), f"{len(self.emails)} of {count}"
            return [parsed(content) for _, _, content in self.emails[after:]]

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a sender, or not."""
        if "MAIL" in self.refuse:
            return self.refuse["MAIL"]
        envelope.mail_from = address
        return "250 yes"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a recipient, or not."""
        if self.refuse_recipient is not None:
            return self.refuse_recipient.decode()
        if "RCPT" in self.refuse:
            return self.refuse["RCPT"]
        envelope.rcpt_tos.append(address)
        return "250 yes"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Take an email, or not."""
        if self.refuse_content is not None:
            return self.refuse_content.decode()
        if "content" in self.refuse:
            return self.refuse["content"]
        assert isinstance(envelope.content, bytes)
        with self.changed:
            self.emails += [(envelope.mail_from or "", to, envelope.content) for to in envelope.rcpt_tos]
            self.changed.notify_all()
        while not self.answers.is_set():
            await asyncio.sleep(0.01)
        return "250 taken"


def parsed(content: bytes) -> EmailMessage:
    """Return an email as its reader's program has it."""
    return BytesParser(policy=email.policy.default).parsebytes(content)


class _Server(SMTP):
    """aiosmtpd, which has no hook for what DATA is answered with."""

    async def smtp_DATA(self, arg: str) -> None:
        refused = self.event_handler.refuse.get("DATA")
        if refused is None:
            await super().smtp_DATA(arg)
        else:
            await self.push(refused)


class MailRelay:
    """Runs a `Relay`; a context manager.

    Args:
        port: where it listens, 0 for any free port.
        certificate: key and certificate (PEM) of its STARTTLS; None: it offers none.
        login: user and password that it asks for, after STARTTLS.
        largest: the most octets that an email may have; None: it says nothing of that.
    """

    def __init__(
        self,
        port: int = 0,
        certificate: Path | None = None,
        login: tuple[str, str] | None = None,
        largest: int | None = None,
    ) -> None:
        self._largest = largest
        self._relay = Relay(port or free_port())
        self._certificate = certificate
        self._login = login
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="mail-relay")

    def __enter__(self) -> Relay:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        self._relay.port = self._server.sockets[0].getsockname()[1]
        return self._relay

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self) -> asyncio.Server:
        tls = None
        if self._certificate is not None:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(self._certificate)

        def smtp() -> SMTP:
            return _Server(
                self._relay,
                hostname="relay.test",
                tls_context=tls,
                require_starttls=tls is not None,
                auth_required=self._login is not None,
                authenticator=self._authenticate,
                data_size_limit=self._largest,
                loop=self._loop,
            )

        return await self._loop.create_server(smtp, "127.0.0.1", self._relay.port)

    async def _end(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        given = (data.login.decode(), data.password.decode())
        self._relay.users.append(given[0])
        return AuthResult(success=given == self._login, handled=False)
