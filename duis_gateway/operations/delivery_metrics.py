"""Delivery, as the metrics see it."""

from __future__ import annotations

from duis_gateway.operations.metrics import Metrics
from duis_gateway.outbox.observer import DeliveryObserver
from duis_gateway.outbox.retry import Failure
from duis_gateway.outbox.store import ClaimedMessage


class DeliveryMetrics(DeliveryObserver):
    """Counts attempts and times acceptances; labels are the channel and the kind of failure, never the recipient."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def attempted(self, message: ClaimedMessage, failure: Failure | None, seconds: float) -> None:
        """Count one attempt."""
        self._metrics.delivery_attempt(message.channel, "accepted" if failure is None else failure.kind.value)
        if failure is None:
            self._metrics.delivered(message.channel, message.waited + seconds)

    def leases_expired(self, count: int) -> None:
        """Count messages that came back."""
        self._metrics.leases_expired(count)
