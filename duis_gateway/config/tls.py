"""TLS identities, from the configured files, as they are now: listeners', and the one that recipients are shown."""

from __future__ import annotations

import logging
import ssl
import threading
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

from cryptography import x509

from duis_gateway.config.settings import Config
from duis_gateway.errors import ConfigurationError
from duis_gateway.machine.files import states_of
from duis_gateway.pki.certificates import CertificateUnusable
from duis_gateway.pki.tls import read_chain, server_context

log = logging.getLogger(__name__)

SECTIONS = ("server", "operations", "delivery")
"""The sections of the configuration that may have a TLS certificate."""

_LOOK_EVERY = 1.0


class TlsIdentity:
    """The TLS certificate and key of one section. Files that cannot be used leave what was read before.

    `chain` has the certificates, its own first.

    Raises:
        ConfigurationError: they cannot be used at the start; the text names the key of the configuration.
    """

    def __init__(self, config: Config, section: str, certificate: Path, key: Path) -> None:
        self._config = config
        self._section = section
        self.certificate = certificate
        self._key = key
        self._problem: str | None = None
        try:
            self.chain = self._load()
        except CertificateUnusable as error:
            raise ConfigurationError(self._placed(error)) from None

    def _load(self) -> list[x509.Certificate]:
        return read_chain(self.certificate, self._key)

    @property
    def expires(self) -> datetime:
        """The end of the certificate, or of the one of its chain that ends first."""
        return min(one.not_valid_after_utc for one in self.chain)

    def read_again(self) -> bool:
        """Take the files as they are now; return whether they are taken (where they are not, the log says why)."""
        try:
            self.chain = self._load()
        except CertificateUnusable as error:
            problem = self._placed(error)
            if problem != self._problem:
                about = {"event": "tls-certificate", "problem": problem}
                log.error("kept the TLS certificate read before", extra=about)
            self._problem = problem
            return False
        self._problem = None
        return True

    @property
    def has_expired(self) -> bool:
        """Whether its time is over, by the machine's clock, as OpenSSL has it."""
        return datetime.now(UTC) > self.expires

    def problem(self) -> str | None:
        """Return what an operator has to do something about, None where all is well."""
        if self.has_expired:
            return f"{self._place('tls_certificate')}: it has expired at {self.expires:%Y-%m-%d %H:%M:%S} UTC"
        return self._problem

    def _placed(self, error: CertificateUnusable) -> str:
        files = {"tls_key": self._key, "client_ca_file": getattr(self._of(), "client_ca_file", None)}
        wrong = next((key for key, path in files.items() if path and str(error).startswith(str(path))), None)
        return f"{self._place(wrong or 'tls_certificate')}: {error}"

    def _place(self, key: str) -> str:
        return self._config.place(self._section, key)

    def _of(self) -> object:
        return getattr(self._config, self._section)


class ListenerTls(TlsIdentity):
    """What a listener speaks TLS with. Files that change are taken within a second; connections go on as they began."""

    def __init__(self, config: Config, section: str, certificate: Path, key: Path) -> None:
        self._authorities: Path | None = getattr(config, section).client_ca_file
        self.binds: bool = getattr(getattr(config, section), "bind_organisation", False)
        self._lock = threading.Lock()
        self._files = [path for path in (certificate, key, self._authorities) if path is not None]
        self._look_at = 0.0
        self._seen = states_of(self._files)
        super().__init__(config, section, certificate, key)

    def context(self) -> ssl.SSLContext:
        """Return what the next connection begins with."""
        if monotonic() >= self._look_at:
            with self._lock:
                self._look_at = monotonic() + _LOOK_EVERY
                seen = states_of(self._files)
                if seen != self._seen:
                    self._seen = seen
                    self.read_again()
        return self._context

    def _load(self) -> list[x509.Certificate]:
        chain = super()._load()
        self._context = server_context(self.certificate, self._key, self._authorities)
        return chain


def listener_tls(config: Config, section: str) -> ListenerTls | None:
    """Return what the listener of this section speaks TLS with; None: it speaks plain HTTP.

    Raises:
        ConfigurationError: something is missing, or cannot be used; the text names the key.
    """
    found = _pair(config, section)
    listener = getattr(config, section)
    if found is None:
        for key in ("client_ca_file", "bind_organisation"):
            if getattr(listener, key, None):
                raise ConfigurationError(
                    f"{config.place(section, key)}: it needs TLS: set tls_certificate and tls_key, "
                    "or let the proxy that speaks TLS do it"
                )
        return None
    if getattr(listener, "bind_organisation", False) and listener.client_ca_file is None:
        raise ConfigurationError(
            f"{config.place(section, 'bind_organisation')}: no client certificate is asked for: set client_ca_file"
        )
    return ListenerTls(config, section, *found)


def delivery_tls(config: Config) -> TlsIdentity | None:
    """Return the client certificate that recipients are shown, None where there is none (errors as `listener_tls`)."""
    found = _pair(config, "delivery")
    return None if found is None else TlsIdentity(config, "delivery", *found)


def _pair(config: Config, section: str) -> tuple[Path, Path] | None:
    settings = getattr(config, section)
    certificate, key = settings.tls_certificate, settings.tls_key
    if certificate is not None and key is not None:
        return certificate, key
    if certificate is not None or key is not None:
        given, missing = ("tls_key", "tls_certificate") if certificate is None else ("tls_certificate", "tls_key")
        raise ConfigurationError(f"{config.place(section, given)}: {missing} is missing: the two go together")
    return None
