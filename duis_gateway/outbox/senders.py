"""How a channel sends: one sender for each, found by the outbox row's `channel`."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from time import monotonic
from typing import Protocol

from duis_gateway.duis.identifiers import format_eui
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


class HttpSender:
    """Posts to the URL that the recipient has registered at this moment.

    Args:
        transport: how.
        find_url: the URL of a party by its EUI, or None where the party or its URL is unknown. Called
            at most once in `remember` seconds for each party.
        traced: records attempts; None: nobody does, and no recipient is told of a trace.
        remember: how long an URL is used without asking again.
    """

    def __init__(
        self,
        transport: HttpTransport,
        find_url: Callable[[int], str | None],
        traced: Traced | None = None,
        remember: float = URL_REMEMBERED,
    ) -> None:
        self._transport = transport
        self._traced = traced
        self._find_url = find_url
        self._remember = remember
        self._known: dict[int, tuple[str | None, float]] = {}

    @property
    def deadline(self) -> float:
        """The total deadline of an attempt, in seconds."""
        return self._transport.total_timeout

    def send(self, message: ClaimedMessage) -> Failure | None:
        """Post one message."""
        url = self._url(message.recipient)
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

    def _url(self, recipient: int) -> str | None:
        url, until = self._known.get(recipient, (None, 0.0))
        if monotonic() >= until:
            try:
                url = self._find_url(recipient)
            except GatewayError:
                # The database is away for a moment; the last known URL will do, if there is one.
                log.warning("the URL of a recipient cannot be looked up", extra={"recipient": format_eui(recipient)})
            self._known[recipient] = (url, monotonic() + self._remember)
        return url

    def abort(self) -> None:
        """End the attempts under way."""
        self._transport.abort()

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()
