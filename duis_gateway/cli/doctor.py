"""`doctor`: checks everything that a gateway needs, and says what to do about anything wrong."""

from __future__ import annotations

import errno
import os
import socket
import ssl
import sys
from collections.abc import Callable, Iterator, Set
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from http.client import HTTPException, HTTPSConnection
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import click
from cryptography.hazmat.primitives.serialization import Encoding

from duis_gateway import __version__
from duis_gateway.app import open_trust, smtp_settings
from duis_gateway.cli.common import AnswerIsNo, config_file_option
from duis_gateway.cli.help import RefusesEmpty
from duis_gateway.cli.output import say
from duis_gateway.cli.terminal import BAD, GOOD, Style, painted
from duis_gateway.client.http import Http
from duis_gateway.config.database import open_store
from duis_gateway.config.files import faults_of_files
from duis_gateway.config.installation import installation_of
from duis_gateway.config.secrets import open_secrets
from duis_gateway.config.settings import ClockConfig, Config, load_config
from duis_gateway.config.tls import SECTIONS as TLS_SECTIONS
from duis_gateway.config.tls import delivery_tls, listener_tls
from duis_gateway.errors import ConfigurationError, GatewayError, NotAuthenticated
from duis_gateway.machine.files import standard_stream
from duis_gateway.operations.tracing import open_tracing
from duis_gateway.outbox.guard import AddressRefused, check_url, own_authorities
from duis_gateway.outbox.mail import MailSender
from duis_gateway.parties import certificates
from duis_gateway.parties import store as parties
from duis_gateway.parties.certificate_records import RegisteredCertificate
from duis_gateway.parties.records import Party
from duis_gateway.pki.certificates import CertificateUnusable, read_certificate
from duis_gateway.pki.signing import load_signing_key
from duis_gateway.pki.tls import client_context, lacks_issuer, reason_of
from duis_gateway.pki.trust import Trust
from duis_gateway.store.engine import Store, now_seconds
from duis_gateway.store.server_settings import unkept_promises
from duis_gateway.text.controls import shown_lines
from duis_gateway.text.json_reader import read_json

_SECONDS = 3.0
_SOON = timedelta(days=30)
_FAST_OR_SLOW = 5.0
_WITH_TLS = {"tls_certificate", "tls_key", "client_ca_file"}
_STYLES = {"good": GOOD, "note": Style("yellow"), "WRONG": BAD}


class Finding(NamedTuple):
    """What was checked, how it is ("good", "note", "WRONG"), and what it is or what to do."""

    what: str
    how: str
    text: str


@click.command(cls=RefusesEmpty)
@config_file_option("path")
def doctor(path: Path) -> None:
    """Check configuration, keys, clock, database, ports, endpoints and mail, and say what to do.

    Nothing is changed, and no message is sent. The exit code is 1 if something is wrong.
    """
    wrong = 0
    for finding in _findings(path):
        how = painted(f"{finding.how:5}", _STYLES[finding.how], sys.stdout)
        click.echo(f"{how}  {shown_lines(f'{finding.what:14}{finding.text}')}")
        wrong += finding.how == "WRONG"
    if wrong:
        raise AnswerIsNo(f"{wrong} of these must be put right")
    say("Nothing is wrong.")


def _findings(path: Path) -> Iterator[Finding]:
    try:
        config = load_config(path, os.environ)
    except ConfigurationError as error:
        yield Finding("configuration", "WRONG", str(error))
        return
    faults = {section: _faults(config, section) for section in ("trust", "delivery", "email")}
    broken = frozenset(section for section, found in faults.items() if found)
    for text in (text for found in faults.values() for text in found):
        yield Finding("configuration", "WRONG", text)
    if not broken:
        yield Finding("configuration", "good", str(path))
    try:
        config.clock.open()
    except ConfigurationError as error:
        yield Finding("clock", "WRONG", str(error))
        config = replace(config, clock=ClockConfig())  # all else is judged by the machine's time
    yield _key(config)
    yield from _tls(config)
    try:
        config.operations.token()
    except ConfigurationError as error:
        yield Finding("console", "WRONG", f"{config.place('operations', 'token_file')}: {error}")
    if (file := config.log.file) is not None and (why := _cannot_be_logged_to(file)):
        yield Finding("log", "WRONG", f"{config.place('log', 'file')}: {file} cannot be opened: {why}")
    for line in open_secrets(config):
        yield Finding("secret", "note", line)
    yield from _database(config, broken)
    yield from _ports(config)
    yield _mail(config, broken)
    if config.tracing.otlp_url is not None:
        yield _collector(config.tracing.otlp_url)


def _faults(config: Config, section: str) -> list[str]:
    """Return what is wrong with the files that a section names; those of TLS certificates have rows of their own."""
    return [text for key, text in faults_of_files(config, section) if key not in _WITH_TLS]


def _cannot_be_logged_to(file: Path) -> str | None:
    """Return why this file cannot be logged to, None if it can; it is not made, and its log is left as it is."""
    if standard_stream(file) is not None:
        return None
    try:
        os.close(os.open(file, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK))
    except FileNotFoundError as error:
        if file.parent.is_dir():
            return None if os.access(file.parent, os.W_OK) else f"{file.parent} cannot be written to"
        return error.strerror
    except OSError as error:
        return error.strerror
    return None


def _key(config: Config) -> Finding:
    signing = config.signing
    try:
        _, read = load_signing_key(signing.key, signing.certificate)
    except CertificateUnusable as error:
        return Finding("signing key", "WRONG", f"{config.place('signing', 'key')}: {error}")
    if read.eui != signing.eui:
        return Finding("signing key", "WRONG", f"{config.place('signing', 'eui')} is not the EUI-64 of the certificate")
    now = config.clock.open().now()
    return _in_time("signing key", read.not_before, read.not_after, f"{signing.certificate}", now)


def _tls(config: Config) -> Iterator[Finding]:
    for section in TLS_SECTIONS:
        try:
            tls = delivery_tls(config) if section == "delivery" else listener_tls(config, section)
        except ConfigurationError as error:
            yield Finding("TLS", "WRONG", str(error))
            continue
        if tls is None:
            continue
        chain = tls.chain
        first = min(chain, key=lambda one: one.not_valid_after_utc)
        text = f"[{section}] {tls.certificate}"
        yield _in_time("TLS", chain[0].not_valid_before_utc, first.not_valid_after_utc, text, datetime.now(UTC))
        if (issuer := lacks_issuer(chain)) is not None:
            yield Finding(
                "TLS",
                "note",
                f"{text} ends with a certificate issued by {issuer}: whoever verifies it must have that one",
            )


def _in_time(what: str, begins: datetime, ends: datetime, text: str, now: datetime) -> Finding:
    """Judge a certificate's validity: for signing by business time, for TLS by real time."""
    if not begins <= now <= ends:
        return Finding(what, "WRONG", f"{text} is good from {begins:%Y-%m-%d} to {ends:%Y-%m-%d}: get a new one")
    how = "note" if ends - now < _SOON else "good"
    return Finding(what, how, f"{text}, good until {ends:%Y-%m-%d %H:%M} UTC")


def _database(config: Config, broken: Set[str]) -> Iterator[Finding]:
    try:
        with closing(open_store(config)) as store:
            store.probe()
            yield Finding("database", "good", store.shown_url)
            for said in unkept_promises(store):
                yield Finding("database", "WRONG", said)
            yield _clock(config, store)
            yield from _parties(config, store, broken)
    except GatewayError as error:
        yield Finding("database", "WRONG", str(error))


def _clock(config: Config, store: Store) -> Finding:
    with store.read() as connection:
        apart = abs(datetime.now(UTC).timestamp() - now_seconds(connection))
    if apart > _FAST_OR_SLOW:
        return Finding("clock", "WRONG", f"{apart:.0f} s from the database's: let NTP set the clocks of both machines")
    if config.clock.fixed is not None or config.clock.file is not None:
        return Finding("clock", "note", "[clock] freezes or moves business time, which is only for tests and sandboxes")
    return Finding("clock", "good", f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC, as in the database")


def _parties(config: Config, store: Store, broken: Set[str]) -> Iterator[Finding]:
    """Judge what is registered; what needs the files of a `broken` section is left out, as these are said to be so."""
    with store.read() as connection:
        known = parties.all_parties(connection, None)
        signing = {one.party: one for one in certificates.all_certificates(connection) if one.revoked_at is None}
    if not known:
        yield Finding("parties", "note", "none are registered: `party add` registers suppliers, CSPs and DCC")
    trust = None
    try:
        trust = None if "trust" in broken else open_trust(config, store)
    except CertificateUnusable as error:
        yield Finding("trust", "WRONG", str(error))
    if trust is not None and config.trust.anchors is not None and not trust.has_anchor():
        text = f"{config.trust.anchors} has no self-signed CA certificate: nothing that a party signs is trusted"
        yield Finding("trust", "WRONG", text)
    for party in known:
        own = signing.get(party.eui)
        if own is None:
            yield Finding("certificate", "note", f"{party.name} has none: `certificate add` registers it")
        else:
            yield _certificate(trust, own, party.name, config.clock.open().now())
        yield _endpoint(config, party, broken)


def _certificate(trust: Trust | None, own: RegisteredCertificate, name: str, now: datetime) -> Finding:
    """Judge a certificate as if it had signed a message; without trust, which cannot be read, by its time alone."""
    read = read_certificate(own.der)
    found = _in_time("certificate", read.not_before, read.not_after, f"{name}: serial {read.serial}", now)
    if found.how == "WRONG" or trust is None:
        return found
    try:
        trust.judged(own, now, frozenset({read.role}))
    except NotAuthenticated as error:
        text = f"{name}: serial {read.serial}: what it signs is refused: {error.detail}; check [trust] anchors and crls"
        return Finding("certificate", "WRONG", text)
    return found


def _endpoint(config: Config, party: Party, broken: Set[str]) -> Finding:
    name, url = party.name, party.url
    try:
        if not check_url(url, config.delivery.allowed_networks):
            return Finding("endpoint", "WRONG", f"{name}: the host of {url} is not known here: check the name, and DNS")
    except AddressRefused as error:
        return Finding("endpoint", "WRONG", f"{name}: {error}")
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        with socket.create_connection((parts.hostname or "", port), _SECONDS) as connection:
            if parts.scheme == "https" and "delivery" not in broken:
                _shake_hands(config, party.eui, connection, parts.hostname or "")
    except (ssl.SSLError, CertificateUnusable) as error:
        said = reason_of(error) if isinstance(error, ssl.SSLError) else str(error)
        return Finding("endpoint", "WRONG", f"{name}: {url}: the TLS handshake fails: {said}")
    except OSError as error:
        reason = error.strerror or str(error)
        return Finding("endpoint", "note", f"{name}: {url} is not listening right now ({reason}); messages to it wait")
    if parts.scheme == "https" and "delivery" in broken:
        return Finding(
            "endpoint", "note", f"{name}: {url} listens; TLS is tried once the files of [delivery] are there"
        )
    return Finding("endpoint", "good", f"{name}: {url}")


def _shake_hands(config: Config, eui: int, connection: socket.socket, host: str) -> None:
    """Do what a delivery does before it sends; only then does it show whether our certificate is accepted."""
    delivery = config.delivery
    authorities = own_authorities(delivery.ca_folder, eui) or delivery.ca_file
    context = client_context(authorities, delivery.tls_certificate, delivery.tls_key)
    context.wrap_socket(connection, server_hostname=host).close()


class _Listener(NamedTuple):
    """One of the gateway's addresses, and how to tell that it is the gateway that listens there."""

    section: str
    host: str
    port: int
    path: str
    is_gateway: Callable[[Any], bool]


class _Owner(Enum):
    """Who listens at an address: this configuration's gateway as far as it says, another's, or no gateway."""

    THIS = auto()
    ANOTHER = auto()
    NONE = auto()


def _ports(config: Config) -> Iterator[Finding]:
    """A gateway opens both of its ports or none, so if one is free and one is taken, this one does not run.

    Only on the operators' port does it say which it is.
    """
    server, operations = config.server, config.operations
    listeners = (
        _Listener("server", server.host, server.port, "/openapi.json", _describes_gateway),
        _Listener("operations", operations.host, operations.port, "/health", _tells_health),
    )
    problems = [_cannot_listen(one.host, one.port) for one in listeners]
    owners = [_owner(config, one) if problem else _Owner.NONE for one, problem in zip(listeners, problems, strict=True)]
    runs = all(owner is _Owner.THIS for owner in owners)
    for one, problem, owner in zip(listeners, problems, owners, strict=True):
        what, where = f"port {one.port}", f"[{one.section}] {one.host}"
        if problem is None:
            yield Finding(what, "good", f"{where} is free" if one.port else f"{where}: any free port, at each start")
        elif runs:
            yield Finding(what, "good", f"{where}: a running gateway answers there")
        else:
            said = problem.strerror or problem
            yield Finding(what, "WRONG", f"{where} cannot be listened on: {said}; {_remedy(problem, owner)}")


def _remedy(problem: OSError, owner: _Owner) -> str:
    if owner is not _Owner.NONE:
        return "another gateway has this port: stop it, or choose another port"
    if problem.errno == errno.EACCES:
        return "choose a port above 1023, or give the service CAP_NET_BIND_SERVICE"
    if isinstance(problem, socket.gaierror) or problem.errno == errno.EADDRNOTAVAIL:
        return "name an address of this machine as its host; 0.0.0.0 means all of them"
    return "no running gateway has both ports: stop whatever has this one, or choose another port"


def _cannot_listen(host: str, port: int) -> OSError | None:
    """Return why this address cannot be listened on, or None if it can."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with closing(socket.socket(family, kind, protocol)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        return error
    return None


def _owner(config: Config, listener: _Listener) -> _Owner:
    """Tell who listens: by its answer, and where this gateway speaks TLS also by the certificate that it shows."""
    try:
        tls = listener_tls(config, listener.section)
        if tls is None:
            host = f"[{listener.host}]" if ":" in listener.host else listener.host
            answer = Http(_SECONDS).get(f"http://{host}:{listener.port}{listener.path}").body
        else:
            answer = _answer_over_tls(listener, tls.chain[0].public_bytes(Encoding.DER))
        told = read_json(answer)
    except _AsksForCertificate:
        return _Owner.THIS
    except (GatewayError, OSError, HTTPException, ValueError):
        return _Owner.NONE
    if not listener.is_gateway(told):
        return _Owner.NONE
    own = installation_of(config)
    return _Owner.THIS if told.get("installation", own) == own else _Owner.ANOTHER  # older gateways do not say


class _AsksForCertificate(Exception):
    """Who listens shows the right certificate, and answers nobody who shows none."""


def _answer_over_tls(listener: _Listener, certificate: bytes) -> bytes:
    """Return what a listener answers that shows this certificate (DER), whoever signed it.

    Raises:
        _AsksForCertificate: it shows the certificate, and gives no answer.
        OSError: it shows none, or another.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with closing(HTTPSConnection(listener.host, listener.port, timeout=_SECONDS, context=context)) as connection:
        connection.connect()
        if connection.sock.getpeercert(binary_form=True) != certificate:
            raise ConnectionError("another certificate")
        try:
            connection.request("GET", listener.path)
            return connection.getresponse().read()
        except OSError:
            raise _AsksForCertificate from None


def _describes_gateway(told: Any) -> bool:
    return isinstance(told, dict) and isinstance(told.get("info"), dict) and told["info"].get("title") == "duis-gateway"


def _tells_health(told: Any) -> bool:
    checks = told.get("checks") if isinstance(told, dict) else None
    return isinstance(checks, dict) and {"signing", "store"} <= checks.keys()


def _mail(config: Config, broken: Set[str]) -> Finding:
    email = config.email
    if email.host is None:
        return Finding("mail", "note", "[email] host is not set: emails wait until there is a relay")
    try:
        settings = replace(smtp_settings(email, email.host), timeout=_SECONDS)
        if "email" in broken:
            settings = replace(settings, ca_file=None, starttls=False, username=None, password_file=None)
        with closing(MailSender(settings)) as sender:
            failure = sender.look()
    except ConfigurationError as error:
        return Finding("mail", "WRONG", str(error))
    place = f"{email.host}:{email.port}"
    if failure is not None:
        return Finding("mail", "WRONG", f"{place} does not accept email from us: {failure.detail}; check [email]")
    if "email" in broken:
        return Finding("mail", "note", f"{place} answers; more is tried once the files of [email] are there")
    logged_in = "" if email.username is None else f", and accepts the login {email.username}"
    return Finding("mail", "good", f"{place} answers{logged_in}")


def _collector(url: str) -> Finding:
    """Look whether spans can be recorded, and whether somebody is there to take them."""
    try:
        open_tracing(passes=False, otlp_url=url, version=__version__).stop(monotonic())
    except ConfigurationError as error:
        return Finding("traces", "WRONG", str(error))
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    place = f"{parts.hostname}:{port}"
    try:
        socket.create_connection((parts.hostname or "", port), _SECONDS).close()
    except OSError as error:
        return Finding("traces", "note", f"{place} takes no spans ({error.strerror or error}): they are lost meanwhile")
    return Finding("traces", "good", f"{place} answers")
