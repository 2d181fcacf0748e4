"""Who a party is: the key that it signs with, and the certificate by which others know it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from duis_gateway.client.arguments import expect, path_of
from duis_gateway.client.errors import CannotSend, SetupWrong
from duis_gateway.duis.eui import Eui
from duis_gateway.envelope.signature import SigningKey, sign, sign_canonical
from duis_gateway.errors import MessageRefused
from duis_gateway.pki.certificates import Certificate, CertificateUnusable
from duis_gateway.pki.signing import load_signing_key


@dataclass(frozen=True)
class Identity:
    """A party's EUI-64, signing key and certificate."""

    eui: Eui
    key: SigningKey
    certificate: Certificate

    @classmethod
    def load(cls, key: Path | str, certificate: Path | str) -> Identity:
        """Read a private key (PEM or DER, P-256, no passphrase) and its certificate (PEM or DER).

        Raises:
            SetupWrong: a file cannot be read, or the key is not the certificate's; the text names the file.
        """
        try:
            signing_key, read = load_signing_key(path_of("the key", key), path_of("the certificate", certificate))
        except CertificateUnusable as error:
            raise SetupWrong(str(error)) from None
        return cls(Eui(read.eui), signing_key, read)

    def sign(self, document: bytes) -> bytes:
        """Return a well-formed document signed in DUIS's profile; a signature that it has is replaced.

        Raises:
            CannotSend: the document is no XML that can be signed.
        """
        expect("a document to sign", document, bytes, "bytes", CannotSend)
        try:
            return sign(document, self.key)
        except MessageRefused as error:
            raise CannotSend(error.detail) from None

    def sign_canonical(self, content: bytes) -> bytes:
        """Return signed what is its own inclusive C14N already, as all that this package builds."""
        expect("a document to sign", content, bytes, "bytes", CannotSend)
        if b"</" not in content:
            raise CannotSend(f"what is to be signed has no end tag, so it is not a document: {content[:40]!r}")
        return sign_canonical(content, self.key)
