"""What the gateway counts and times, for Prometheus (threats section 4): closed label sets, never an identifier."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_DELAY_BUCKETS = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 3600.0, 21600.0, 86400.0)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OutboxFigures:
    """The outbox at one moment. `pending` is by kind ("http", "email"); `oldest_age` in seconds, 0 if nothing waits."""

    pending: Mapping[str, int] = field(default_factory=dict)
    dead: int = 0
    oldest_age: float = 0.0


class Metrics:
    """The metrics of one process, in a registry of its own."""

    def __init__(self, outbox: Callable[[], OutboxFigures] | None = None) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "gw_requests", "Requests answered, by outcome.", ("door", "service", "outcome"), registry=self.registry
        )
        self._seconds = Histogram(
            "gw_request_duration_seconds",
            "Time from the whole request to its answer.",
            ("door",),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._rejections = Counter(
            "gw_rejections", "Messages refused, by the step that refused.", ("stage",), registry=self.registry
        )
        self._attempts = Counter(
            "gw_delivery_attempts", "Attempts to deliver.", ("kind", "outcome"), registry=self.registry
        )
        self._delays = Histogram(
            "gw_delivery_delay_seconds",
            "Time from storing a message to its acceptance by the recipient.",
            ("kind",),
            buckets=_DELAY_BUCKETS,
            registry=self.registry,
        )
        self._leases = Counter(
            "gw_leases_expired", "Messages that came back because their worker was gone.", registry=self.registry
        )
        if outbox is not None:
            self.registry.register(_OutboxCollector(outbox))

    def request(self, door: str, service: str, outcome: str, seconds: float) -> None:
        """Count one request; `outcome` is "answered", "refused" or "failed"."""
        self._requests.labels(door, service, outcome).inc()
        self._seconds.labels(door).observe(seconds)

    def rejection(self, stage: str) -> None:
        """Count one refusal; `stage` is as in `errors.REFUSALS`."""
        self._rejections.labels(stage).inc()

    def delivery_attempt(self, kind: str, outcome: str) -> None:
        """Count one attempt to deliver, by kind of recipient and outcome."""
        self._attempts.labels(kind, outcome).inc()

    def delivered(self, kind: str, seconds: float) -> None:
        """Record that a message was accepted, so many seconds after it was stored."""
        self._delays.labels(kind).observe(seconds)

    def leases_expired(self, count: int) -> None:
        """Count messages whose worker was gone or stalled."""
        self._leases.inc(count)

    def value(self, name: str, documentation: str, read: Callable[[], float]) -> None:
        """Add a gauge that is read at each scrape, such as the age of a CRL."""
        Gauge(name, documentation, registry=self.registry).set_function(read)

    def exposition(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return generate_latest(self.registry)


class _OutboxCollector:
    """Reads the outbox when Prometheus asks, and says so when that fails, instead of failing the whole scrape."""

    def __init__(self, read: Callable[[], OutboxFigures]) -> None:
        self._read = read

    def describe(self) -> Iterator[Metric]:
        return iter(())

    def collect(self) -> Iterator[Metric]:
        readable = GaugeMetricFamily("gw_outbox_readable", "1 if the outbox could be read for this scrape.")
        try:
            figures = self._read()
        except Exception:
            _log.exception("the outbox cannot be read for the metrics")
            readable.add_metric([], 0.0)
            yield readable
            return
        readable.add_metric([], 1.0)
        yield readable
        yield _by_kind("gw_outbox_pending", "Messages stored and not yet accepted.", figures.pending)
        yield GaugeMetricFamily(
            "gw_dead_letters", "Messages given up until an operator replays them.", value=figures.dead
        )
        yield GaugeMetricFamily(
            "gw_outbox_oldest_age_seconds", "Age of the oldest message that waits.", value=figures.oldest_age
        )


def _by_kind(name: str, documentation: str, figures: Mapping[str, int]) -> Metric:
    family = GaugeMetricFamily(name, documentation, labels=("kind",))
    for kind, number in sorted(figures.items()):
        family.add_metric([kind], float(number))
    return family
