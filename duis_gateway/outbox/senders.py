"""How a channel sends: one sender for each, found by the outbox row's `channel`."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from time import monotonic
from typing import Protocol

from duis_gateway.errors import GatewayError
from duis_gateway.outbox.retry import Failure, FailureKind
from duis_gateway.outbox.store import ClaimedMessage
from duis_gateway.outbox.transport import HttpTransport

log = logging.getLogger(__name__)

URL_REMEMBERED = 1.0
"""Seconds for which a recipient's URL is not looked up again."""


class Sender(Protocol):
    """One channel. Called from many threads at once."""

    @property
    def deadline(self) -> float:
        """How many seconds one attempt may take in all."""

    def send(self, message: ClaimedMessage) -> Failure | None:
        """Try once; None means accepted. Has to end within the attempt's total deadline."""

    def abort(self) -> None:
        """End what is under way, as soon as possible, as `INTERRUPTED`."""

    def close(self) -> None:
        """Close connections; nothing is sent afterwards."""


class Attempt(Protocol):
    """An attempt as tracing sees it: `traceparent` is what the recipient is told about the trace, if anything."""

    @property
    def traceparent(self) -> str | None:
        """The value of the header."""

    def failed(self, why: str) -> None:
        """Note that the attempt failed."""


class Traced(Protocol):
    """Begins and ends the record of an attempt at a message that was caused under a trace, or under none."""

    def __call__(
        self, kind: str, message_id: str, number: int, traceparent: str | None
    ) -> AbstractContextManager[Attempt]:
        """Return the attempt, to be entered while it lasts."""


class Urls:
    """The URL of each party, or None where the party or its URL is unknown. Called from many threads at once.

    All are looked up at once, by one thread. When each was looked up for itself, by each thread that posted to it, that
    took 35 to 50 us of processor time a message in the gateway where two hundred lanes emptied a queue on PostgreSQL.

    Args:
        look_up: the URLs of all parties by EUI. Called at most once in `remember` seconds.
        remember: how long they are used without asking again.
    """

    def __init__(self, look_up: Callable[[], Mapping[int, str | None]], remember: float = URL_REMEMBERED) -> None:
        self._look_up = look_up
        self._remember = remember
        self._known: Mapping[int, str | None] = {}
        self._until = 0.0
        self._looking = threading.Lock()

    def __call__(self, recipient: int) -> str | None:
        """Return one party's."""
        if monotonic() >= self._until:
            with self._looking:
                if monotonic() >= self._until:  # no other thread has just done it
                    self._renew()
        return self._known.get(recipient)

    def _renew(self) -> None:
        try:
            self._known = self._look_up()
        except GatewayError:
            # The database is away for a moment; the last known URLs will do, if there are any.
            log.warning("the URLs of recipients cannot be looked up")
        self._until = monotonic() + self._remember


class HttpSender:
    """Posts to the URL that the recipient has registered at this moment.

    Args:
        transport: how.
        find_url: the URL of a party by its EUI, or None where the party or its URL is unknown; see `Urls`.
        traced: records attempts; None: nobody does, and no recipient is told of a trace.
    """

    def __init__(
        self, transport: HttpTransport, find_url: Callable[[int], str | None], traced: Traced | None = None
    ) -> None:
        self._transport = transport
        self._traced = traced
        self._find_url = find_url

    @property
    def deadline(self) -> float:
        """The total deadline of an attempt, in seconds."""
        return self._transport.total_timeout

    def send(self, message: ClaimedMessage) -> Failure | None:
        """Post one message."""
        url = self._find_url(message.recipient)
        if not url:
            return Failure(FailureKind.ADDRESS, "the recipient has no URL registered")
        if self._traced is None:
            return self._transport.post(url, message.content, message.content_type, message.recipient)
        with self._traced(message.kind, message.message_id, message.attempts, message.traceparent) as attempt:
            failure = self._transport.post(
                url, message.content, message.content_type, message.recipient, attempt.traceparent
            )
            if failure is not None:
                attempt.failed(failure.detail)
            return failure

    def abort(self) -> None:
        """End the attempts under way."""
        self._transport.abort()

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()
