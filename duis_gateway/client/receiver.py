"""The receiving end of a party: proves what the gateway delivers, tells repeats apart, and calls who is concerned.

It is a WSGI application (`receiver.wsgi`, PEP 3333) and an ASGI application (`receiver.asgi`) to be mounted anywhere,
and serves by itself in tests (`receiver.serve()`). 204 says that a message is taken: it is given only after every
handler has returned. A handler that fails gets the message again later.
"""

from __future__ import annotations

import inspect
import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import Any, TypeVar

from duis_gateway.client.arguments import eui_of, expect, expect_callable, shown
from duis_gateway.client.errors import ClientError, IdReused, NotProven, SetupWrong
from duis_gateway.client.gateway import Journal
from duis_gateway.client.identity import Identity
from duis_gateway.client.inbox import Inbox
from duis_gateway.client.kinds import expect_known
from duis_gateway.client.messages import Message, read_message
from duis_gateway.client.repeats import InMemory, Repeats
from duis_gateway.client.server import Serving, asgi_application, headers_of, read_body, unreadable
from duis_gateway.client.trust import Proof, Trust
from duis_gateway.duis.eui import Eui

Handler = Callable[[Message], Any]
H = TypeVar("H", bound=Handler)
StartResponse = Callable[[str, list[tuple[str, str]]], Any]

MAX_MESSAGE = 8 * 1024 * 1024
"""The longest message that is taken, in octets; the gateway's alerts have less than 100,000."""

REFUSED = "REFUSED"
"""The kind under which the journal gets what was not proven or not understood."""

_GENERATES = (inspect.isgeneratorfunction, inspect.isasyncgenfunction)
_HANDLER = "a function of one argument, the message"
_log = logging.getLogger(__name__)


class Receiver:
    """Takes messages for one party; may be used by any number of threads at a time."""

    def __init__(
        self,
        identity: Identity,
        trust: Trust,
        *,
        eui: str | int | None = None,
        repeats: Repeats | None = None,
        journal: Journal | None = None,
    ) -> None:
        """Take whose messages these are, and whom to believe.

        `eui` is the gateway's EUI-64, where the trust has more who sign for DCC: what another signs is refused then.
        `repeats` remembers what was taken, in memory unless given (`InFile` across restarts). `journal` is told of
        every message that comes, refused ones and repeats too.
        """
        expect("identity", identity, Identity, "an Identity (`Identity.load`)")
        expect("trust", trust, Trust, "a Trust (`Trust.folder`, `Trust.certificate`)")
        if repeats is not None:
            expect("repeats", repeats, Repeats, "InFile, InMemory, or an object with their two methods")
            if isinstance(repeats, type):
                raise SetupWrong(f"repeats must be made first: {repeats.__name__}(...)")
        if journal is not None:
            expect_callable("journal", journal, "a function of three arguments: the way, the kind and the bytes")
        self._identity = identity
        self._trust = trust
        self._gateway = None if eui is None else eui_of("eui", eui)
        self._repeats = InMemory() if repeats is None else repeats
        self._journal = journal
        self._handlers: dict[str | type, list[Handler]] = {}
        self._others: list[Handler] = []
        self._everything: list[Handler] = []
        self._lock = threading.Lock()
        self._at_work: set[str] = set()
        self.asgi = asgi_application(self.answer, MAX_MESSAGE)
        """The receiver as an ASGI application; handlers run in a thread, so that they may block."""

    # --- who is called ---------------------------------------------------------------------------------------------

    def on(self, *kinds: str | type) -> Callable[[H], H]:
        """Return a decorator: the function is called with each new `Message` of these kinds.

        A kind is an alert (`Alert.N64`), the name of a message ("PreferredPilotList"), or the class of a body. Without
        any, it is called with what no other handler is for.
        """
        for kind in kinds:
            expect("a kind of message", kind, (str, type), "an alert, the name of a message, or the class of a body")
            expect_known(kind)

        def register(handler: H) -> H:
            expect_callable("a handler", handler, _HANDLER)
            _expect_plain(handler)
            for kind in kinds:
                self._handlers.setdefault(kind, []).append(handler)
            if not kinds:
                self._others.append(handler)
            return handler

        return register

    def keep(self) -> Inbox:
        """Return an inbox that every new message is put into, beside the handlers: for tests and small tools."""
        inbox = Inbox()
        self._everything.append(inbox.add)
        return inbox

    # --- taking one message ----------------------------------------------------------------------------------------

    def receive(self, raw: bytes) -> Message:
        """Prove a message and hand it to its handlers, unless it was taken before (`repeat`).

        Raises:
            NotProven, NotUnderstood: it is not a message of the gateway for this party; nobody was called.
            IdReused: another message was taken under its id.
            Exception: what a handler raised; the message is not taken.
        """
        message = self._take_in(raw)
        if not self._begin(message):
            return replace(message, repeat=True)
        self._call(message)
        return message

    def _take_in(self, raw: bytes) -> Message:
        """Prove and read a message (ClientError: it is not for this party)."""
        try:
            message = read_message(self._prove(raw), self._identity.eui, raw)
        except ClientError:
            self._tell(REFUSED, raw)
            raise
        self._tell(message.kind, raw)
        return message

    def _prove(self, raw: bytes) -> Proof:
        proof = self._trust.prove(raw)
        if self._gateway is not None and proof.signer.eui != self._gateway:
            raise NotProven(f"it is signed by {Eui(proof.signer.eui)}, and the gateway is {self._gateway}")
        return proof

    def _begin(self, message: Message) -> bool:
        """Return whether a message is new, and now at work (IdReused: its id was another's)."""
        identity, digest = _identity_of(message)
        with self._lock:
            taken = self._repeats.digest_of(identity)
            if taken is None and identity in self._at_work:
                raise _AtWork
            if taken is None:
                self._at_work.add(identity)
        if taken is not None and taken != digest:
            raise IdReused(f"{message.id} came before with different content")
        return taken is None

    def _call(self, message: Message) -> None:
        """Hand a new message to its handlers, and remember that it is taken."""
        identity, digest = _identity_of(message)
        try:
            for handler in self._handlers_of(message):
                _expect_done(handler, handler(message))
            self._repeats.remember(identity, digest)
        finally:
            with self._lock:
                self._at_work.discard(identity)

    def _handlers_of(self, message: Message) -> list[Handler]:
        own = [*self._handlers.get(message.kind, ()), *self._handlers.get(type(message.body), ())]
        return [*self._everything, *(own or self._others)]

    def _tell(self, kind: str, raw: bytes) -> None:
        if self._journal is not None:
            self._journal("received", kind, raw)

    # --- over HTTP -------------------------------------------------------------------------------------------------

    def answer(self, method: str, raw: bytes) -> tuple[HTTPStatus, str]:
        """Return the HTTP status and text for one request; for servers that are neither WSGI nor ASGI."""
        if method != "POST":
            return HTTPStatus.METHOD_NOT_ALLOWED, "messages must come by POST"
        if not raw:
            return HTTPStatus.BAD_REQUEST, "the request has no body, or its length is unknown (Content-Length)"
        if len(raw) > MAX_MESSAGE:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a message has {MAX_MESSAGE} octets at most"
        try:
            message = self._take_in(raw)
            new = self._begin(message)
        except IdReused as error:
            return HTTPStatus.CONFLICT, error.detail
        except ClientError as error:
            return HTTPStatus.BAD_REQUEST, error.detail
        except _AtWork:
            return HTTPStatus.SERVICE_UNAVAILABLE, "the same message is being handled"
        except Exception:
            return _not_now()
        # On its own: a handler may raise the kit's errors too, as where it sends something itself.
        try:
            if new:
                self._call(message)
        except Exception:
            return _not_now()
        return HTTPStatus.NO_CONTENT, ""

    def wsgi(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request as a WSGI application, under whatever path it is mounted."""
        method = environ["REQUEST_METHOD"]
        refused = unreadable(environ) if method == "POST" else None
        status, text = refused or self.answer(method, read_body(environ, MAX_MESSAGE))
        body = text.encode()
        start_response(f"{status.value} {status.phrase}", headers_of(status, body))
        return [body]

    def serve(self, host: str = "127.0.0.1", port: int = 0) -> Serving:
        """Listen, in threads, until the context ends: `with receiver.serve() as server: ... server.url`."""
        return Serving(self.wsgi, host, port)


class _AtWork(Exception):
    """Another thread is taking this very message."""


def _not_now() -> tuple[HTTPStatus, str]:
    _log.exception("a message was not taken, and will be delivered again")
    return HTTPStatus.SERVICE_UNAVAILABLE, "the message could not be taken right now"


def _identity_of(message: Message) -> tuple[str, bytes]:
    """Return what a message is remembered by, and the digest of its content."""
    assert message.proven is not None, "only a verified message is read"
    signer = Eui(message.proven.signer.eui)
    # An answer that DCC has signed for a device takes no id away from the device's own messages, or the gateway's.
    whose = f"{message.sender}" if message.sender == signer else f"{message.sender} by {signer}"
    return f"{whose}/{message.id}", message.proven.digest


def _expect_plain(handler: Handler) -> None:
    """See that calling a function does what is in it (SetupWrong: it would only make a coroutine or a generator)."""
    called = handler if inspect.isroutine(handler) or isinstance(handler, partial) else type(handler).__call__
    if any(is_one(called) for is_one in (inspect.iscoroutinefunction, *_GENERATES)):
        raise SetupWrong(
            f"a handler must be a plain function, not {shown(handler)}",
            "leave out `async` and `yield`: handlers run in threads and may block; to run a coroutine, use "
            "asyncio.run(...)",
        )
    try:
        inspect.signature(handler).bind(None)
    except TypeError:
        raise SetupWrong(f"a handler must be {_HANDLER}; {shown(handler)} takes {inspect.signature(handler)}") from None
    except ValueError:  # some built in functions do not say what they take
        pass


def _expect_done(handler: Handler, result: object) -> None:
    """See that a handler has done its work when it returned, so that its message may count as taken."""
    if inspect.isawaitable(result) or inspect.isgenerator(result) or inspect.isasyncgen(result):
        raise TypeError(f"the handler {shown(handler)} returned {shown(result)}, which has not done anything yet")
