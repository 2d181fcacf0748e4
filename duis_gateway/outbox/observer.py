"""What delivery tells whatever counts and displays; by default nobody listens."""

from __future__ import annotations

from duis_gateway.outbox.retry import Decision, Failure
from duis_gateway.outbox.store import ClaimedMessage, Destination


class DeliveryObserver:
    """Override what you are interested in. Called from many threads; must not block or raise."""

    def attempted(self, message: ClaimedMessage, failure: Failure | None, seconds: float) -> None:
        """One attempt ended, after this many seconds; `failure` None means accepted."""

    def decided(self, message: ClaimedMessage, decision: Decision) -> None:
        """This follows from the attempt: delivered, tried again, or a dead letter."""

    def breaker_changed(self, destination: Destination, is_open: bool) -> None:
        """A destination is considered down from now on, or is back."""

    def leases_lost(self, count: int) -> None:
        """This many outcomes were not recorded: their lease had passed on, so a repeat reaches the recipient (F21)."""

    def leases_expired(self, count: int) -> None:
        """This many messages came back because their worker was gone or stalled (F04)."""
