"""The configuration: one TOML file, each key of which an environment variable can override.

`DUIS_GATEWAY_<SECTION>_<KEY>` overrides the key of that section. A key or value that is wrong is refused at start,
with its name and its line; so is an environment variable that overrides nothing. Relative paths are relative to the
file. Secrets are given by path, never inline.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote, urlsplit

from duis_gateway.clock import Clock, clock_of
from duis_gateway.config.environment import CONFIG_VARIABLE, ENVIRONMENT_PREFIX, neighbours, overrides
from duis_gateway.config.reading import (
    AUTHORITIES,
    AUTHORITIES_FOLDER,
    BOOLEAN,
    COUNT,
    COUNT_OR_ZERO,
    DAYS,
    EMAIL,
    EUI,
    FOLDER,
    HOST,
    HTTP_URL,
    INSTANT,
    LOG_FILE,
    NETWORKS,
    PATH,
    PERCENT,
    PORT,
    SECONDS,
    STORE_URL,
    TEXT,
    THREADS,
    Network,
    choice,
    lines_of_keys,
    read_value,
    setting,
)
from duis_gateway.errors import ConfigurationError, meant
from duis_gateway.machine.files import anybody_writes, read_text
from duis_gateway.text.toml_reader import NotToml, read_toml

_TLS_CERTIFICATE = "the listener's TLS certificate, with its chain (PEM); without it, the listener speaks plain HTTP"
_TLS_KEY = "the TLS certificate's private key (PEM, without a passphrase)"
_CLIENT_CA = "authorities (PEM), one of which must have issued a client's certificate; without it, none is asked for"


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """The public listener: the doors of suppliers, CSPs, DCC and parties."""

    host: str = setting(HOST, "the address to listen on", "127.0.0.1")
    port: int = setting(PORT, "the port to listen on", 8079)
    threads: int = setting(THREADS, "how many messages are worked on at the same time", 8)
    connections: int = setting(COUNT, "the most connections; beyond it, the one idle longest is closed", 1000)
    address_percent: int = setting(PERCENT, "what percentage of them one address may have; 100 behind a proxy", 50)
    base_url: str | None = setting(HTTP_URL, "how others reach this gateway (goes into the WSDL)", None)
    tls_certificate: Path | None = setting(PATH, _TLS_CERTIFICATE, None)
    tls_key: Path | None = setting(PATH, _TLS_KEY, None)
    client_ca_file: Path | None = setting(AUTHORITIES, _CLIENT_CA, None)
    bind_organisation: bool = setting(
        BOOLEAN, "whether a sender must belong to its TLS certificate's organisation", False
    )


@dataclass(frozen=True, slots=True)
class OperationsConfig:
    """The operators' listener: health, metrics, console. Keep it off public addresses."""

    host: str = setting(HOST, "the address to listen on", "127.0.0.1")
    port: int = setting(PORT, "the port to listen on", 9079)
    token_file: Path | None = setting(
        PATH, "a file with the token needed to change things on the console; without it, the console is read-only", None
    )
    tls_certificate: Path | None = setting(PATH, _TLS_CERTIFICATE, None)
    tls_key: Path | None = setting(PATH, _TLS_KEY, None)
    client_ca_file: Path | None = setting(AUTHORITIES, _CLIENT_CA, None)

    def token(self) -> str | None:
        """Return the operators' token as its file has it now; None where none is configured.

        Raises:
            ConfigurationError: the file cannot be read, or is empty.
        """
        return None if self.token_file is None else read_secret(self.token_file)


@dataclass(frozen=True, slots=True)
class StoreConfig:
    """The database."""

    url: str = setting(STORE_URL, "sqlite:///FILE, or postgresql://USER@HOST/DATABASE", "sqlite:///gateway.db")
    password_file: Path | None = setting(PATH, "a file that holds PostgreSQL's password", None)
    lock_timeout: float = setting(SECONDS, "how long to wait for the database's lock before answering 503", 5.0)
    statement_timeout: float = setting(SECONDS, "how long PostgreSQL may take over a statement before 503", 30.0)
    min_free_bytes: int = setting(COUNT_OR_ZERO, "bytes of free disk space below which nothing is taken in", 1 << 26)

    def connection_url(self) -> str:
        """Return the URL with the password in it; for the database driver only, never for a log.

        An SQLite file has no password: the variable that names PostgreSQL's may be there for other commands.

        Raises:
            ConfigurationError: the password file cannot be read.
        """
        if self.password_file is None or self.url.startswith("sqlite"):
            return self.url
        parts = urlsplit(self.url)
        user, _, host = parts.netloc.rpartition("@")
        return parts._replace(netloc=f"{user}:{quote(read_secret(self.password_file), safe='')}@{host}").geturl()


@dataclass(frozen=True, slots=True)
class SigningConfig:
    """Who the gateway is and what it signs with."""

    eui: int = setting(EUI, "the gateway's EUI-64: the target of Service Requests, the originator of alerts")
    key: Path = setting(PATH, "its private key (PEM, PKCS#8, P-256)")
    certificate: Path = setting(PATH, "its certificate (PEM or DER)")


@dataclass(frozen=True, slots=True)
class TrustConfig:
    """Whose certificates are trusted."""

    anchors: Path | None = setting(FOLDER, "a folder with the certificates of trusted authorities", None)
    crls: Path | None = setting(FOLDER, "a folder with certificate revocation lists; read again when they change", None)
    allow_stale_crl: bool = setting(BOOLEAN, "keep using a CRL that is past its nextUpdate", False)


@dataclass(frozen=True, slots=True)
class DeliveryConfig:
    """How stored messages are sent. Times are in seconds."""

    in_flight: int = setting(COUNT, "attempts under way for one recipient at the same time", 4)
    lease: float = setting(SECONDS, "how long a worker may hold a message before another takes it", 60.0)
    attempts: int = setting(COUNT, "attempts before a message becomes a dead letter", 2000)
    refused_attempts: int = setting(COUNT, "attempts when the recipient answers 3xx or 4xx", 12)
    backoff_base: float = setting(SECONDS, "the wait after the first failed attempt; it doubles", 1.0)
    backoff_cap: float = setting(SECONDS, "the longest wait between attempts", 300.0)
    retry_after_cap: float = setting(SECONDS, "the longest Retry-After honoured", 3600.0)
    connect_timeout: float = setting(SECONDS, "how long connecting may take", 5.0)
    total_timeout: float = setting(SECONDS, "how long one attempt may take in all", 10.0)
    keep_connections: bool = setting(
        BOOLEAN, "whether a recipient's next message may go over the same connection", True
    )
    poll: float = setting(SECONDS, "how often to look for work that another process stored", 1.0)
    allowed_networks: tuple[Network, ...] = setting(
        NETWORKS, 'non-public addresses that may be sent to all the same, such as "127.0.0.0/8" for tests', ()
    )
    ca_file: Path | None = setting(AUTHORITIES, "authorities for recipients' TLS, instead of the system's", None)
    ca_folder: Path | None = setting(
        AUTHORITIES_FOLDER, "authorities for single recipients: one file EUI.pem each", None
    )
    tls_certificate: Path | None = setting(PATH, "the gateway's own TLS client certificate, with its chain (PEM)", None)
    tls_key: Path | None = setting(PATH, _TLS_KEY, None)


@dataclass(frozen=True, slots=True)
class EmailConfig:
    """The SMTP relay. Without a host, emails wait, are shown to the operator, and block nothing."""

    host: str | None = setting(HOST, "the relay's name", None)
    port: int = setting(PORT, "its port", 25)
    sender: str | None = setting(EMAIL, "the address that emails come from; needed with a host", None)
    starttls: bool = setting(BOOLEAN, "whether the connection must be encrypted", False)
    username: str | None = setting(TEXT, "the user to log in as", None)
    password_file: Path | None = setting(PATH, "a file that holds the user's password", None)
    ca_file: Path | None = setting(AUTHORITIES, "authorities for the relay's TLS, instead of the system's", None)
    timeout: float = setting(SECONDS, "seconds that one email may take", 30.0)
    reminder_days: int = setting(DAYS, "how many days before a deadline its party is reminded; 0: never", 7)
    attachment_hubs: int = setting(
        COUNT, "the most hubs that one email lists; the party door gives a party all of them", 50_000
    )


@dataclass(frozen=True, slots=True)
class LimitsConfig:
    """Limits on one message, checked before anything else is done with it."""

    size: int = setting(COUNT, "bytes in one message", 8 * 1024 * 1024)
    depth: int = setting(COUNT, "how deep elements may be nested", 64)
    attributes: int = setting(COUNT, "attributes on one element", 64)
    namespaces: int = setting(COUNT, "namespace declarations in one message", 32)
    elements: int = setting(COUNT, "elements in a message that has no cap of its own", 10_000)
    held: int = setting(
        COUNT,
        "bytes of all messages being received or worked on, and of answers not yet taken by their clients",
        32 * 1024 * 1024,
    )
    alert_bytes: int = setting(COUNT, "bytes in one signed alert; longer lists become several alerts", 95_000)


@dataclass(frozen=True, slots=True)
class SecurityConfig:
    """Further checks that DUIS leaves open."""

    counter_window: int = setting(COUNT_OR_ZERO, "refuse counters this far below the highest seen; 0: never", 0)


@dataclass(frozen=True, slots=True)
class ClockConfig:
    """Business time. Leases and back-off never run on it."""

    fixed: datetime | None = setting(INSTANT, "freeze business time, for test packs", None)
    file: Path | None = setting(PATH, "for tests: a file that holds the time; writing it moves business time", None)

    def open(self) -> Clock:
        """Return the clock.

        Raises:
            ConfigurationError: it is both fixed and moved by a file, or the file holds no time.
        """
        if self.fixed is not None and self.file is not None:
            raise ConfigurationError("[clock] fixed and file cannot be combined: one stands still, the other moves")
        try:
            return clock_of(self.fixed, self.file)
        except OSError as error:
            raise ConfigurationError(f"[clock] file: {self.file} cannot be read: {error.strerror}") from None
        except ValueError as error:
            what = "it must hold one time with its zone, such as 2027-01-04T09:00:00Z"
            raise ConfigurationError(f"[clock] file: {self.file}: {what} ({error})") from None


@dataclass(frozen=True, slots=True)
class TracingConfig:
    """Traces: where what the gateway sends came from. Off unless something is set here."""

    trace_context: bool = setting(
        BOOLEAN, "whether a request's W3C traceparent is passed on with what the request causes to be sent", False
    )
    otlp_url: str | None = setting(
        HTTP_URL, "where spans are sent by OTLP over HTTP (.../v1/traces); needs the extra opentelemetry", None
    )


@dataclass(frozen=True, slots=True)
class LogConfig:
    """The processes' log."""

    level: str = setting(choice("debug", "info", "warning", "error"), "the lowest level that is logged", "info")
    format: str = setting(choice("json", "text"), "one JSON object per line, or text for people to read", "json")
    file: Path | None = setting(LOG_FILE, "a file to log to, instead of standard error", None)


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration, as read from `source`.

    `passed_over` names the environment variables that Kubernetes or Compose made, and that say nothing to the gateway.
    `places` says of each key that was set where.
    """

    source: Path
    signing: SigningConfig
    server: ServerConfig = field(default_factory=ServerConfig)
    operations: OperationsConfig = field(default_factory=OperationsConfig)
    store: StoreConfig = field(default_factory=StoreConfig)
    trust: TrustConfig = field(default_factory=TrustConfig)
    delivery: DeliveryConfig = field(default_factory=DeliveryConfig)
    email: EmailConfig = field(default_factory=EmailConfig)
    limits: LimitsConfig = field(default_factory=LimitsConfig)
    security: SecurityConfig = field(default_factory=SecurityConfig)
    clock: ClockConfig = field(default_factory=ClockConfig)
    tracing: TracingConfig = field(default_factory=TracingConfig)
    log: LogConfig = field(default_factory=LogConfig)
    passed_over: tuple[str, ...] = ()
    places: Mapping[tuple[str, str], str] = field(default_factory=dict, compare=False)

    def place(self, section: str, key: str) -> str:
        """Return where a key got its value, for people: the file and the line, or the environment variable."""
        return self.places.get((section, key), f"{self.source}: [{section}] {key}")


SECTIONS: dict[str, type[Any]] = {
    "server": ServerConfig,
    "operations": OperationsConfig,
    "store": StoreConfig,
    "signing": SigningConfig,
    "trust": TrustConfig,
    "delivery": DeliveryConfig,
    "email": EmailConfig,
    "limits": LimitsConfig,
    "security": SecurityConfig,
    "clock": ClockConfig,
    "tracing": TracingConfig,
    "log": LogConfig,
}


def settings_of(section: str) -> dict[str, Field[Any]]:
    """Return the keys of a section with what is known of each."""
    return {f.name: f for f in fields(SECTIONS[section])}


def read_secret(path: Path) -> str:
    """Return the first line of a file that holds a secret.

    Raises:
        ConfigurationError: the file cannot be read, or is empty.
    """
    try:
        secret = read_text(path).partition("\n")[0].strip()
    except OSError as error:
        raise ConfigurationError(f"the secret in {path} cannot be read: {error.strerror or error}") from None
    if not secret:
        raise ConfigurationError(f"the secret in {path} is empty")
    return secret


_ANOTHER = f"; --config or {CONFIG_VARIABLE} names another, and `duis-gateway init` makes one"


def load_config(path: Path, environ: Mapping[str, str]) -> Config:
    """Read the configuration file and what the environment overrides.

    Variables that Kubernetes, Compose and Docker's links put in beside a service that is called like the gateway are
    passed over.

    Raises:
        ConfigurationError: the file cannot be read, is no TOML, or everybody may change it; a section or key is
            unknown, missing, or its value not acceptable. The text names it, and the line or environment variable.
    """
    try:
        if anybody_writes(path):
            raise ConfigurationError(f"every user of this machine can change {path}: run `chmod o-w` on it")
        text = read_text(path)
        document = read_toml(text)
    except NotToml as error:
        raise ConfigurationError(f"{path}: {error}") from None
    except OSError as error:
        how = _ANOTHER if isinstance(error, FileNotFoundError) else ""
        raise ConfigurationError(f"the configuration {path} cannot be read: {error.strerror or error}{how}") from None
    values = _defaults(path)
    places = {}
    for section, key, value, place in (
        *_Document(path, document, lines_of_keys(text)).values(),
        *_overrides(path, environ),
    ):
        values[section][key] = value
        places[section, key] = place
    for section, keys in values.items():
        for key, known in settings_of(section).items():
            if key not in keys:
                raise ConfigurationError(f"{path}: [{section}] {key} is missing: {known.metadata['doc']}")
    sections = {section: SECTIONS[section](**keys) for section, keys in values.items()}
    return Config(source=path, passed_over=neighbours(environ), places=places, **sections)


def _defaults(path: Path) -> dict[str, dict[str, Any]]:
    """Return what holds where nothing is said; texts go through their reader, as they may be relative to the file."""
    values: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    for section, keys in values.items():
        for key, known in settings_of(section).items():
            if isinstance(known.default, str):
                keys[key] = read_value(known.metadata["reader"], known.default, path.parent)
            elif known.default is not MISSING:
                keys[key] = known.default
    return values


@dataclass(frozen=True)
class _Document:
    """A TOML document, and where its keys stand."""

    path: Path
    content: dict[str, Any]
    lines: dict[tuple[str, ...], int]

    def values(self) -> Iterator[tuple[str, str, Any, str]]:
        """Give each key with its value, as read, and its place; refuses the first that is wrong."""
        for section, content in self.content.items():
            if section not in SECTIONS:
                self._refuse((section,), f"[{section}]: there is no such section", section, SECTIONS, "[{}]")
            if not isinstance(content, dict):
                self._refuse((section,), f"{section} must be a section, [{section}]")
            for key, value in content.items():
                place = f"{self.path}{self._line((section, key))}: [{section}] {key}"
                yield section, key, self._value(section, key, value), place

    def _value(self, section: str, key: str, value: object) -> object:
        known = settings_of(section)
        if key not in known:
            self._refuse((section, key), f"[{section}] {key}: there is no such key", key, known, "{}")
        try:
            return read_value(known[key].metadata["reader"], value, self.path.parent)
        except ValueError as error:
            self._refuse((section, key), f"[{section}] {key}: {error}")

    def _refuse(
        self, at: tuple[str, ...], what: str, word: str = "", words: Mapping[str, object] | None = None, form: str = ""
    ) -> NoReturn:
        raise ConfigurationError(f"{self.path}{self._line(at)}: {what}{meant(word, words or (), form)}")

    def _line(self, at: tuple[str, ...]) -> str:
        return f", line {self.lines[at]}" if at in self.lines else ""


def _overrides(path: Path, environ: Mapping[str, str]) -> Iterator[tuple[str, str, Any, str]]:
    names = {f"{ENVIRONMENT_PREFIX}{s}_{key}".upper(): (s, key) for s in SECTIONS for key in settings_of(s)}
    for name, text in sorted(environ.items()):
        if not overrides(name, text):
            continue
        if name not in names:
            guess = meant(name, [CONFIG_VARIABLE] if name.startswith(CONFIG_VARIABLE) else [*names, CONFIG_VARIABLE])
            raise ConfigurationError(f"the environment variable {name} overrides no key of the configuration{guess}")
        section, key = names[name]
        known = settings_of(section)[key]
        place = f"the environment variable {name} ([{section}] {key})"
        if not text.strip() and known.default is None:
            yield section, key, None, place
            continue
        try:
            yield section, key, read_value(known.metadata["reader"], text, path.parent, from_text=True), place
        except ValueError as error:
            raise ConfigurationError(f"{place}: {error}") from None
