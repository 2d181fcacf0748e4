"""What the gateway counts and times, for Prometheus (threats section 4): closed label sets, never an identifier."""

from __future__ import annotations

import platform
from collections.abc import Iterable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.exposition import choose_encoder

from duis_gateway import __version__
from duis_gateway.operations.figures import FiguresCollector, Sources

_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_DELAY_BUCKETS = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 3600.0, 21600.0, 86400.0)
_COMMIT_BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Metrics:
    """The metrics of one process, in a registry of its own; `by_time` names what can fail by time."""

    def __init__(self, sources: Sources | None = None, by_time: Iterable[str] = ()) -> None:
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
        self._commits = Histogram(
            "gw_db_commit_duration_seconds",
            "Time that the database took to commit; with SQLite one commit serves many messages.",
            buckets=_COMMIT_BUCKETS,
            registry=self.registry,
        )
        self._scheduler_failures = Counter(
            "gw_scheduler_failures", "What was due by time and failed, each try.", ("what",), registry=self.registry
        )
        for what in by_time:  # from 0 on, so that the first failure is an increase
            self._scheduler_failures.labels(what)
        build = Info("gw_build", "What runs here.", registry=self.registry)
        build.info({"version": __version__, "python": platform.python_version()})
        for of_process in (ProcessCollector, PlatformCollector, GCCollector):
            of_process(registry=self.registry)
        if sources is not None:
            self.registry.register(FiguresCollector(sources))

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

    def commit(self, seconds: float) -> None:
        """Record how long a commit took."""
        self._commits.observe(seconds)

    def scheduler_failure(self, what: str) -> None:
        """Count one failure of something due by time; `what` as the scheduler names it."""
        self._scheduler_failures.labels(what).inc()

    def exposition(self, accept: str = "") -> tuple[str, bytes]:
        """Return everything, and its media type: Prometheus' text format, or OpenMetrics where `accept` names it."""
        encode, media_type = choose_encoder(accept)
        return media_type, encode(self.registry)

    @staticmethod
    def media_type(accept: str) -> str:
        """Return which media type `exposition` chooses."""
        return choose_encoder(accept)[1]
