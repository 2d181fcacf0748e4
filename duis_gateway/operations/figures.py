"""What is read when Prometheus asks, and not counted: the outbox, the audit log, certificates and lists, breakers."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import TypeVar

from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from duis_gateway.errors import NotDurable
from duis_gateway.machine.threads import started
from duis_gateway.operations.watch import TrustFigures

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

LONGEST_READ = 4.0
"""Seconds for all figures of a scrape together. Prometheus waits ten, of which a page of the console may take five."""


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


@dataclass(slots=True)
class _Read:
    """What was read for one scrape, and for those that came while it was read; None: not read, or nothing there."""

    deadline: float
    over: threading.Event = field(default_factory=threading.Event)
    outbox: OutboxFigures | None = None
    audit: AuditFigures | None = None
    trust: TrustFigures | None = None
    signing_expiry: float | None = None
    tls_expiries: Mapping[str, float] | None = None
    open_breakers: Mapping[str, int] | None = None


class FiguresCollector:
    """Reads the figures at each scrape; what cannot be read is left out and logged, and fails nothing else.

    A thread of its own reads, one at a time: so a database that falls silent holds a scrape until one deadline for all
    its figures, and further scrapes are told at once what there is.
    """

    def __init__(self, sources: Sources, longest: float = LONGEST_READ) -> None:
        self._sources = sources
        self._longest = longest
        self._lock = threading.Lock()
        self._under_way: _Read | None = None

    def describe(self) -> Iterator[Metric]:
        """Return nothing: what there is depends on the moment."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Return the figures as they are now."""
        read = self._reading()
        if not read.over.wait(max(0.0, read.deadline - monotonic())):
            about = {"event": "figures-missing"}
            _log.warning("not all figures could be read for the metrics within %g s", self._longest, extra=about)
        if self._sources.outbox is not None:
            yield from _outbox(read.outbox)
        if read.audit is not None:
            yield from _audit(read.audit)
        if read.trust is not None:
            yield from _lists(read.trust)
        ends = {"gateway": read.signing_expiry, "party": None if read.trust is None else read.trust.party_expiry}
        tls = read.tls_expiries or {}
        yield from _expiries({**ends, **{f"tls_{section}": end for section, end in tls.items()}})
        if read.open_breakers is not None:
            text = "Recipients that this process takes to be down."
            yield _by("kind", "gw_breaker_open", text, read.open_breakers)

    def _reading(self) -> _Read:
        """Return what is being read, or begin to read."""
        with self._lock:
            if self._under_way is None or self._under_way.over.is_set():
                self._under_way = _Read(monotonic() + self._longest)
                if started(self._read, self._under_way, name="figures") is None:
                    self._read(self._under_way)
            return self._under_way

    def _read(self, read: _Read) -> None:
        """Read what needs no database first: the rest may come too late."""
        sources = self._sources
        try:
            read.signing_expiry = _figure(sources.signing_expiry, "the signing certificate")
            read.tls_expiries = _figure(sources.tls_expiries, "the TLS certificates")
            read.open_breakers = _figure(sources.open_breakers, "the breakers")
            read.outbox = _figure(sources.outbox, "the outbox")
            read.audit = _figure(sources.audit, "the audit log")
            read.trust = _figure(sources.trust, "certificates and revocation lists")
        finally:
            read.over.set()


def _figure(read: Callable[[], _T] | None, what: str) -> _T | None:
    try:
        return None if read is None else read()
    except NotDurable as error:
        about = {"event": "figures-missing"}
        _log.warning("%s cannot be read for the metrics: %s", what, error.reason or error, extra=about)
    except Exception:
        _log.exception("%s cannot be read for the metrics", what)
    return None


def _outbox(figures: OutboxFigures | None) -> Iterator[Metric]:
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
