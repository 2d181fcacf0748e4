"""The gateway's signing key, from the configured files."""

from __future__ import annotations

import logging
from datetime import datetime

from duis_gateway.config.settings import Config
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.pki.certificates import CertificateUnusable
from duis_gateway.pki.signer import Signer
from duis_gateway.pki.signing import load_signing_key

log = logging.getLogger(__name__)


class SigningKeyFile:
    """The signing key: tried again for each message as long as it cannot be read (threat F25).

    `expires` is the end of its certificate, None while there is none.
    """

    def __init__(self, config: Config) -> None:
        self._config = config.signing
        self._place = config.place
        self._signer: Signer | None = None
        self._problem: str | None = None
        self.expires: datetime | None = None

    def __call__(self) -> Signer | None:
        """Return the signer, or None while the key or its certificate cannot be used."""
        if self._signer is None:
            self._signer = self._load()
        return self._signer

    def read_again(self) -> bool:
        """Take the files as they are now; a pair that cannot be used leaves the one that was read before.

        Returns whether they are taken; where they are not, the log says why.
        """
        self._problem = None
        signer = self._load()
        self._signer = signer or self._signer
        return signer is not None

    def problem(self, now: datetime) -> str | None:
        """Return what an operator has to do something about: there is no usable key, or its certificate has expired."""
        if self() is None:
            return self._problem
        if self.expires is not None and now > self.expires:
            return f"the certificate has expired at {self.expires:%Y-%m-%d %H:%M:%S} UTC"
        return None

    def _load(self) -> Signer | None:
        try:
            key, certificate = load_signing_key(self._config.key, self._config.certificate)
        except CertificateUnusable as error:
            key_wrong = str(error).startswith(str(self._config.key))
            self._report(f"{self._place('signing', 'key' if key_wrong else 'certificate')}: {error}")
            return None
        if certificate.eui != self._config.eui:
            self._report(
                f"{self._place('signing', 'eui')} is {format_eui(self._config.eui)}, but the certificate belongs to "
                f"{format_eui(certificate.eui)}"
            )
            return None
        self._problem, self.expires = None, certificate.not_after
        return Signer(certificate.eui, key)

    def _report(self, problem: str) -> None:
        if problem != self._problem:
            what = "no usable signing key" if self._signer is None else "kept the signing key read before"
            log.error(what, extra={"event": "signing-key", "problem": problem})
        self._problem = problem
