"""The one place that puts the gateway together: from a configuration to running doors and delivery workers."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from errno import EADDRINUSE
from typing import Protocol

from duis_gateway import __version__
from duis_gateway.audit.sealing import Sealer
from duis_gateway.config.database import AwaitedStore
from duis_gateway.config.files import check_files
from duis_gateway.config.installation import installation_of
from duis_gateway.config.secrets import warn_of_secrets
from duis_gateway.config.settings import Config, DeliveryConfig, EmailConfig
from duis_gateway.config.signing_key import SigningKeyFile
from duis_gateway.config.tls import TlsIdentity, delivery_tls, listener_tls
from duis_gateway.doors.http import Edge
from duis_gateway.doors.limits import ServerLimits, raise_descriptor_limit
from duis_gateway.doors.messages import duis_routes, partner_routes
from duis_gateway.doors.openapi import openapi_route
from duis_gateway.doors.party import party_routes
from duis_gateway.doors.server import Server
from duis_gateway.doors.soap import SoapDoor
from duis_gateway.envelope.parse import ShapeLimits
from duis_gateway.envelope.schema import Schema
from duis_gateway.errors import ConfigurationError, GatewayError
from duis_gateway.flow.steps import SCHEMA_NAMES
from duis_gateway.flow.way import Flow
from duis_gateway.machine.files import TOO_MANY_FILES, means_too_many_files
from duis_gateway.machine.signals import Stop
from duis_gateway.operations.console.site import Console
from duis_gateway.operations.console.site import Sources as ConsoleSources
from duis_gateway.operations.delivery_metrics import DeliveryMetrics
from duis_gateway.operations.figures import Sources
from duis_gateway.operations.listener import operations_app
from duis_gateway.operations.metrics import Metrics
from duis_gateway.operations.readiness import Check, Lookout
from duis_gateway.operations.supplier_pages.site import SupplierPages
from duis_gateway.operations.tracing import Tracing, open_tracing
from duis_gateway.operations.watch import TrustFigures, TrustWatch
from duis_gateway.outbox.dispatcher import Delivery, DeliverySettings
from duis_gateway.outbox.emails.outbox_rows import EmailTerms
from duis_gateway.outbox.lanes import LaneSettings
from duis_gateway.outbox.mail import MailSender, SmtpSettings
from duis_gateway.outbox.retry import RetryPolicy
from duis_gateway.outbox.senders import HttpSender, Sender, Urls
from duis_gateway.outbox.transport import HttpTransport, TransportSettings
from duis_gateway.parties import certificates
from duis_gateway.parties import store as parties
from duis_gateway.parties.certificate_records import RegisteredCertificate
from duis_gateway.pki.trust import Trust
from duis_gateway.rollout.moments import Moments
from duis_gateway.rollout.protection.handle import ProtectionLists
from duis_gateway.rollout.scheduler import BY_TIME, Agenda, Scheduler
from duis_gateway.rollout.views import PARTY_TABLES, PartyView, audit_figures, outbox_figures
from duis_gateway.store.engine import Store
from schemas import schema_path

log = logging.getLogger(__name__)

_OPERATORS_THREADS = 4
_OPERATORS_LIMITS = ServerLimits(body=64 * 1024)
"""Nobody sends an operator's page more than a form: long bodies would be held beside those of the public listener."""
_LOOK_AT_FILES = 1.0
"""Seconds after which a certificate or revocation list that was written in place is noticed at the latest."""


def open_trust(config: Config, store: Store) -> Trust:
    """Return the trust of this installation; certificates are those registered in the store."""

    def find(issuer_key: str, serial: str) -> RegisteredCertificate | None:
        with store.read() as conn:
            return certificates.find(conn, issuer_key, int(serial))

    trust = config.trust
    return Trust(trust.anchors, trust.crls, trust.allow_stale_crl, find, look_every=_LOOK_AT_FILES)


def shape_limits(config: Config) -> ShapeLimits:
    """Return the limits on one message's size and shape."""
    limits = config.limits
    return ShapeLimits(limits.size, limits.depth, limits.attributes, limits.namespaces, limits.elements)


def _server_limits(config: Config) -> ServerLimits:
    server, limits = config.server, config.limits
    held = max(limits.held, limits.size)
    return ServerLimits(
        body=limits.size, connections=server.connections, address_percent=server.address_percent, held=held
    )


def open_delivery(config: Config, store: Store, metrics: Metrics, tracing: Tracing) -> Delivery:
    """Return the delivery workers of one process, not started yet."""
    settings = config.delivery
    transport = HttpTransport(
        TransportSettings(
            connect_timeout=settings.connect_timeout,
            total_timeout=settings.total_timeout,
            connections=settings.in_flight,
            keep_connections=settings.keep_connections,
            ca_file=settings.ca_file,
            ca_folder=settings.ca_folder,
            certificate=settings.tls_certificate,
            key=settings.tls_key,
            allowed_networks=settings.allowed_networks,
        )
    )

    def look_up_urls() -> dict[int, str | None]:
        with store.read() as conn:
            return parties.urls(conn)

    def find_address(eui: int) -> str | None:
        with store.read() as conn:
            party = parties.find(conn, eui)
        return None if party is None else party.email

    senders: dict[str, Sender] = {"http": HttpSender(transport, Urls(look_up_urls), tracing.attempt)}
    if config.email.host is not None:
        senders["email"] = MailSender(smtp_settings(config.email, config.email.host), find_address)
    lanes = LaneSettings(in_flight=settings.in_flight, lease=settings.lease)
    return Delivery(
        store,
        senders,
        _retries(settings),
        DeliverySettings(lanes, settings.poll),
        DeliveryMetrics(metrics),
    )


def _retries(given: DeliveryConfig) -> RetryPolicy:
    """Return how long messages are tried for."""
    attempts = (given.attempts, given.refused_attempts)
    return RetryPolicy(given.backoff_base, given.backoff_cap, given.retry_after_cap, *attempts)


def smtp_settings(email: EmailConfig, host: str) -> SmtpSettings:
    """Return how the relay is reached (ConfigurationError: a setting lacks the one that goes with it)."""
    if email.sender is None:
        raise ConfigurationError("[email] sender is missing: a relay needs an address for emails to come from")
    if (email.username is None) != (email.password_file is None):
        raise ConfigurationError("[email] username and password_file go together")
    return SmtpSettings(
        host,
        email.sender,
        email.port,
        starttls=email.starttls,
        username=email.username,
        password_file=email.password_file,
        ca_file=email.ca_file,
        timeout=email.timeout,
    )


def _email_terms(config: Config) -> EmailTerms:
    return EmailTerms(config.email.sender, config.email.attachment_hubs)


class Helpers(Protocol):
    """Other processes that run beside this one."""

    def begin_to_stop(self) -> None:
        """Tell them to stop; returns at once."""

    def stop(self, deadline: float) -> bool:
        """Return whether they have ended by themselves: at the deadline (monotonic clock) they are made to."""


class Gateway:
    """One process of the gateway: its doors, with what time brings, and its delivery workers if it has any."""

    def __init__(
        self, config: Config, *, doors: bool = True, delivery: bool = True, any_operations_port: bool = False
    ) -> None:
        """Put everything together; nothing listens or sends before `serve`.

        `any_operations_port`: where the operators' port is taken, listen on a free one instead of refusing to start.

        Raises:
            ConfigurationError: what is configured cannot be used (an address that is taken, say).
            StoreUnusable: the database is not of this version; `duis-gateway migrate` brings it up to date.
        """
        check_files(config, *(["trust"] if doors else []), *(["delivery", "email"] if delivery else []))
        self.servers: list[Server] = []
        self._sections = [*(["server"] if doors else []), "operations"]
        self._listeners_tls = {
            section: tls for section in self._sections if (tls := listener_tls(config, section)) is not None
        }
        self._tls: dict[str, TlsIdentity] = dict(self._listeners_tls)
        if delivery and (own := delivery_tls(config)) is not None:
            self._tls["delivery"] = own
        warn_of_secrets(config)
        raise_descriptor_limit()
        self._config = config
        self._clock = config.clock.open()
        self._signing = SigningKeyFile(config)
        self._tracing = open_tracing(config.tracing.trace_context, config.tracing.otlp_url, __version__)
        self.delivery: Delivery | None = None
        self._watch: TrustWatch | None = None
        self.metrics = Metrics(self._sources(doors=doors, delivery=delivery), BY_TIME)
        self._awaited = AwaitedStore(config, self.metrics.commit)
        self.store = self._awaited.store
        self.readiness = Lookout(self._look)
        try:
            if delivery:
                self.delivery = open_delivery(config, self.store, self.metrics, self._tracing)
            self._trust = trust = open_trust(config, self.store) if doors else None
            if trust is not None:
                self._watch = TrustWatch(self.store, trust, self._clock)
            self.sealer = Sealer(self.store, self._signing)
            self.scheduler = Scheduler(self._agenda(config), beside=self._watch.warn) if self._watch else None
            self._console = Console(self.store, self._clock, self._console_sources(config))
            self._pages = SupplierPages(
                self.store, self._clock, relay=config.email.host is not None, retries=_retries(config.delivery)
            )
            if trust is not None:
                self.servers.append(self._public(config, trust))
            self.servers.append(self._operations(config, any_operations_port))
            self._listen()
        except GatewayError:
            for server in self.servers:
                server.stop()
            self.store.close()
            raise

    def _listen(self) -> None:
        """Let callers connect now that every address is known to be ours: who connects is answered."""
        for section, server in zip(self._sections, self.servers, strict=True):
            with _usable(section, server.host, server.port):
                server.listen()

    def _public(self, config: Config, trust: Trust) -> Server:
        flow = self._flow(config, trust)
        limits = shape_limits(config)
        view = PartyView(self.store, self._clock, ProtectionLists(self._moments(config)))
        routes = [
            *duis_routes(flow.handle, limits.size),
            SoapDoor(flow.handle, limits, base_url=config.server.base_url).route(),
            *partner_routes(flow.handle, limits.size),
            *party_routes(view, flow.check, limits.size),
        ]
        server = config.server
        described = openapi_route(routes, PARTY_TABLES, server.base_url)
        edge = Edge([*routes, described, *self._pages.routes()], self.metrics, tracing=self._tracing)
        tls = self._listeners_tls.get("server")
        with _usable("server", server.host, server.port):
            return Server(edge, server.host, server.port, server.threads, _server_limits(config), tls)

    def _operations(self, config: Config, any_port: bool) -> Server:
        app = operations_app(self.metrics, self.readiness, self._console.routes(), installation_of(config))
        address, tls = config.operations, self._listeners_tls.get("operations")
        try:
            with _usable("operations", address.host, address.port):
                return Server(app, address.host, address.port, _OPERATORS_THREADS, _OPERATORS_LIMITS, tls)
        except ConfigurationError as error:
            if not any_port:
                raise
            problem = str(error)
        server = Server(app, address.host, 0, _OPERATORS_THREADS, _OPERATORS_LIMITS, tls)
        log.warning("%s", problem, extra={"event": "operations-port", "port": server.port})
        return server

    def _flow(self, config: Config, trust: Trust) -> Flow:
        return Flow(
            store=self.store,
            trust=trust,
            schemas={name: Schema(schema_path(name)) for name in SCHEMA_NAMES},
            clock=self._clock,
            limits=shape_limits(config),
            signer=self._signing,
            alert_bytes=config.limits.alert_bytes,
            counter_window=config.security.counter_window,
            emails=_email_terms(config),
            stored=self.delivery.wake if self.delivery else _nobody,
            release_changed=self.scheduler.wake if self.scheduler else _nobody,
        )

    def _moments(self, config: Config) -> Moments:
        return Moments(
            store=self.store,
            clock=self._clock,
            signer=self._signing,
            alert_bytes=config.limits.alert_bytes,
            emails=_email_terms(config),
            stored=self.delivery.wake if self.delivery else _nobody,
        )

    def _agenda(self, config: Config) -> Agenda:
        return Agenda(
            self._moments(config),
            remind_before=timedelta(days=days) if (days := config.email.reminder_days) else None,
            failed=self.metrics.scheduler_failure,
        )

    def _sources(self, *, doors: bool, delivery: bool) -> Sources:
        """Say where the figures are read; nobody asks for them before all is put together."""
        return Sources(
            outbox=lambda: outbox_figures(self.store),
            audit=lambda: audit_figures(self.store),
            trust=self._trust_figures if doors else None,
            signing_expiry=self._signing_expiry,
            tls_expiries=lambda: {section: one.expires.timestamp() for section, one in self._tls.items()},
            open_breakers=self._open_breakers if delivery else None,
        )

    def _console_sources(self, config: Config) -> ConsoleSources:
        config.operations.token()  # a file that cannot be read is found at the start

        def own_certificate() -> datetime | None:
            self._signing()
            return self._signing.expires

        relay = config.email.host is not None

        def tls_certificates() -> Mapping[str, datetime]:
            return {section: one.expires for section, one in self._tls.items()}

        token, retries = config.operations.token, _retries(config.delivery)
        return ConsoleSources(self.readiness, own_certificate, token, relay, tls_certificates, retries)

    def _trust_figures(self) -> TrustFigures:
        return self._watch.figures() if self._watch else TrustFigures()

    def _signing_expiry(self) -> float | None:
        self._signing()
        return self._signing.expires.timestamp() if self._signing.expires else None

    def _open_breakers(self) -> Mapping[str, int]:
        return self.delivery.down_by_channel() if self.delivery else {}

    def _look(self) -> Mapping[str, Check]:
        problem = self._signing.problem(self._clock.now())
        checks = {"signing": Check(problem is None, problem or "")}
        if said := "; ".join(filter(None, (one.problem() for one in self._tls.values()))):
            checks["tls"] = Check(not any(one.has_expired for one in self._listeners_tls.values()), said)
        try:
            if self._watch is not None:
                checks["trust"] = Check(*self._watch.problems())
            self.store.probe()
            checks["store"] = Check(ok=True)
        except GatewayError as error:
            checks["store"] = Check(ok=False, detail=str(error))
        return checks

    def read_again(self) -> None:
        """Take keys, certificates and revocation lists as their files are now; what cannot be used changes nothing."""
        taken = [self._signing.read_again(), *(tls.read_again() for tls in self._tls.values())]
        if self._trust is not None:
            self._trust.read_again()
        if all(taken):
            log.info("keys, certificates and revocation lists are read again", extra={"event": "reloaded"})
        else:
            about = {"event": "reload-failed"}
            log.warning("not everything could be read again; what could not stays as it was", extra=about)

    def serve(self, stop: Stop, beside: Helpers | None = None) -> bool:
        """Serve until told to stop, with what runs `beside` this process, which is told to stop first.

        Returns whether everything ended by the deadline; what has not is left behind, and the process may only end.

        Raises:
            StoreUnusable: the database was away at the start, and when it came it was not of this version.
            GatewayError: a listener broke, and nobody can reach it until the process is started anew.
        """
        self._signing()
        self._awaited.wait_beside(stop)
        for server in self.servers:
            server.on_break = stop.tell
        started = (self.readiness, self.delivery, self.scheduler, self.sealer, *self.servers)
        for part in started:
            if part is not None:
                part.start()
        self._say_started()
        try:
            stop.wait()
        finally:
            stop.tell()
            ended = self._end(stop.deadline, beside)
        self._awaited.raise_problem()
        for server in self.servers:
            if server.broken:
                raise GatewayError(f"the listener {server.url} failed (the log says why): restart the process")
        return ended

    def _say_started(self) -> None:
        doors = ("public", "operations") if self._trust is not None else ("operations",)
        about = {
            "event": "started",
            "version": __version__,
            "configuration": str(self._config.source),
            "store": self.store.shown_url,
            "listeners": {name: server.url for name, server in zip(doors, self.servers, strict=True)},
            "delivers": self.delivery is not None,
        }
        if self._config.clock.fixed is not None:
            about["clock"] = f"fixed at {self._config.clock.fixed.isoformat()}"
        elif self._config.clock.file is not None:
            about["clock"] = f"moved by {self._config.clock.file}"
        log.info("duis-gateway %s has started", __version__, extra=about)

    def _end(self, deadline: float, beside: Helpers | None) -> bool:
        """Tell all parts at once, then wait for each: so none has less time for another that hangs (F24)."""
        if beside is not None:
            beside.begin_to_stop()
        for server in self.servers:
            server.begin_to_stop()
        self.readiness.begin_to_stop()
        self.sealer.begin_to_stop()
        if self.scheduler is not None:
            self.scheduler.begin_to_stop()
        if self.delivery is not None:
            self.delivery.begin_to_stop(deadline)
        # Delivery first: it has to cut its attempts in time.
        working = (self.delivery, self.scheduler, self.sealer, self.readiness)
        every = (*working, *self.servers, self._console, self._pages, self._tracing)
        parts = [part for part in every if part is not None]
        late = [type(part).__name__ for part in parts if not part.stop(deadline)]
        all_ended = beside is None or beside.stop(deadline)
        if late:
            about = {"event": "stopped-late", "parts": ", ".join(late)}
            log.warning("stopped without waiting any longer for what is hanging", extra=about)
            return False
        if all_ended:
            self.store.close()
        return all_ended


@contextmanager
def _usable(section: str, host: str, port: int) -> Iterator[None]:
    """Turn what the system says of a listener's address into a `ConfigurationError`."""
    try:
        yield
    except OSError as error:
        why = TOO_MANY_FILES if means_too_many_files(error) else error.strerror or str(error)
        if error.errno == EADDRINUSE:
            why += f": stop what is listening there, or set another [{section}] port"
        raise ConfigurationError(f"[{section}] {host}:{port} cannot be used: {why}") from None


def _nobody() -> None:
    """Wake nobody: this process only takes messages in."""
