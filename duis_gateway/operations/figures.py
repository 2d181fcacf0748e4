"""What is read when Prometheus asks, and not counted: the outbox, the audit log, certificates and lists, breakers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from duis_gateway.errors import NotDurable
from duis_gateway.operations.watch import TrustFigures

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class OutboxFigures:
    """The outbox at one moment. `pending` is by kind ("http", "email"); `oldest_age` in seconds, 0 if nothing waits."""

    pending: Mapping[str, int] = field(default_factory=dict)
    dead: int = 0
    oldest_age: float = 0.0


@dataclass(frozen=True, slots=True)
class AuditFigures:
    """The audit log at one moment; `oldest_age` in seconds, `checkpoint_at` in seconds since 1970."""

    entries: int = 0
    waiting: int = 0
    oldest_age: float = 0.0
    covered: int = 0
    checkpoint_at: float | None = None


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the figures are read; what a process has nothing to do with is None.

    `signing_expiry` gives the end of the gateway's own certificate in seconds since 1970, or None without one;
    `tls_expiries` those of its TLS certificates, by section of the configuration;
    `open_breakers` the number of recipients that are taken to be down, by channel.
    """

    outbox: Callable[[], OutboxFigures] | None = None
    audit: Callable[[], AuditFigures] | None = None
    trust: Callable[[], TrustFigures] | None = None
    signing_expiry: Callable[[], float | None] | None = None
    open_breakers: Callable[[], Mapping[str, int]] | None = None
    tls_expiries: Callable[[], Mapping[str, float]] | None = None


class FiguresCollector:
    """Reads the figures at each scrape; what cannot be read is left out and logged, and fails nothing else."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def describe(self) -> Iterator[Metric]:
        """Return nothing: what there is depends on the moment."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Return the figures as they are now."""
        sources = self._sources
        if sources.outbox is not None:
            yield from _outbox(_Reading.of(sources.outbox, "the outbox"))
        audit = _Reading.of(sources.audit, "the audit log").value
        if audit is not None:
            yield from _audit(audit)
        trust = _Reading.of(sources.trust, "certificates and revocation lists").value
        if trust is not None:
            yield from _lists(trust)
        own = _Reading.of(sources.signing_expiry, "the signing certificate").value
        tls = _Reading.of(sources.tls_expiries, "the TLS certificates").value or {}
        ends = {"gateway": own, "party": None if trust is None else trust.party_expiry}
        yield from _expiries({**ends, **{f"tls_{section}": end for section, end in tls.items()}})
        breakers = _Reading.of(sources.open_breakers, "the breakers").value
        if breakers is not None:
            yield _by("kind", "gw_breaker_open", "Recipients that this process takes to be down.", breakers)


@dataclass(frozen=True, slots=True)
class _Reading(Generic[_T]):
    """What was read, or None."""

    value: _T | None

    @classmethod
    def of(cls, read: Callable[[], _T] | None, what: str) -> _Reading[_T]:
        try:
            return cls(None if read is None else read())
        except NotDurable as error:
            _log.warning(
                "%s cannot be read for the metrics: %s", what, error.reason or error, extra={"event": "figures-missing"}
            )
            return cls(None)
        except Exception:
            _log.exception("%s cannot be read for the metrics", what)
            return cls(None)


def _outbox(reading: _Reading[OutboxFigures]) -> Iterator[Metric]:
    figures = reading.value
    readable = 0.0 if figures is None else 1.0
    yield _gauge("gw_outbox_readable", "1 if the outbox could be read for this scrape.", readable)
    if figures is None:
        return
    yield _by("kind", "gw_outbox_pending", "Messages stored and not yet accepted.", figures.pending)
    yield _gauge("gw_dead_letters", "Messages given up until an operator replays them.", figures.dead)
    yield _gauge("gw_outbox_oldest_age_seconds", "Age of the oldest message that waits.", figures.oldest_age)


def _audit(figures: AuditFigures) -> Iterator[Metric]:
    waiting = "Transactions recorded in the audit log that no entry of its chain covers yet."
    yield _gauge("gw_audit_waiting", waiting, figures.waiting)
    yield _gauge("gw_audit_oldest_waiting_age_seconds", "Age of the oldest of them.", figures.oldest_age)
    yield _gauge("gw_audit_entries", "Entries of the audit log's chain.", figures.entries)
    yield _gauge("gw_audit_covered_entries", "Entries that a signed checkpoint covers.", figures.covered)
    if figures.checkpoint_at is not None:
        yield _gauge("gw_audit_checkpoint_timestamp_seconds", "When it was signed.", figures.checkpoint_at)


def _lists(figures: TrustFigures) -> Iterator[Metric]:
    for name, documentation, value in (
        ("gw_crl_age_seconds", "Age of the revocation list that has used up most of its life.", figures.crl_age),
        (
            "gw_crl_life_used_ratio",
            "Share of its life that is over; from 1 on it is out of date.",
            figures.crl_life_used,
        ),
        (
            "gw_crl_next_update_timestamp_seconds",
            "Earliest nextUpdate of the revocation lists in use.",
            figures.crl_next_update,
        ),
    ):
        if value is not None:
            yield _gauge(name, documentation, value)


def _expiries(ends: Mapping[str, float | None]) -> Iterator[Metric]:
    known = {whose: end for whose, end in ends.items() if end is not None}
    if known:
        text = "End of the gateway's certificates, and of the last certificate of the first party left without one."
        yield _by("whose", "gw_cert_expiry_timestamp_seconds", text, known)


def _gauge(name: str, documentation: str, value: float) -> Metric:
    return GaugeMetricFamily(name, documentation, value=float(value))


def _by(label: str, name: str, documentation: str, figures: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, documentation, labels=(label,))
    for value, number in sorted(figures.items()):
        family.add_metric([value], float(number))
    return family
