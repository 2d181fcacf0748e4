"""Whose messages a partner believes: the gateway's certificate, given by file or among others in a folder."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from duis_gateway.clock import Clock
from duis_gateway.envelope.signature import SignerReference
from duis_gateway.parties.certificate_records import RegisteredCertificate
from duis_gateway.pki.certificates import Certificate, CertificateUnusable, read_certificate
from duis_gateway.pki.files import read_certificates
from duis_gateway.pki.signing import read_certificate_file
from duis_gateway.pki.trust import Trust

GATEWAY_ROLES = frozenset({"87", "89"})


class KnownSigners:
    """The end-entity certificates that a partner was given; each is trusted by itself."""

    def __init__(self, path: Path, clock: Clock, roles: frozenset[str] = GATEWAY_ROLES) -> None:
        """Read a certificate file, or every end-entity certificate in a folder.

        Raises:
            CertificateUnusable: there is none, or a file cannot be read.
        """
        found = _end_entities(path) if path.is_dir() else [read_certificate_file(path)]
        if not found:
            raise CertificateUnusable(f"{path}: there is no signing certificate in this folder")
        self._known = {(one.issuer_key, str(one.serial)): one for one in found}
        self._clock = clock
        self._roles = roles
        self._trust = Trust(None, None, True, self._find)
        self.first = found[0]

    def resolve(self, reference: SignerReference) -> Certificate:
        """Return the certificate that a signature names (NotAuthenticated: unknown, or not good now)."""
        return self._trust.resolve(reference, self._clock.now(), self._roles)

    def _find(self, issuer_key: str, serial: str) -> RegisteredCertificate | None:
        known = self._known.get((issuer_key, serial))
        if known is None:
            return None
        return RegisteredCertificate(known.eui, known.der, issuer_key, known.serial, trusted_directly=True)


class Signers:
    """The signers of one message while it is verified."""

    def __init__(self, known: KnownSigners) -> None:
        self._known = known
        self.found: list[Certificate] = []

    def public_key_of(self, reference: SignerReference) -> ec.EllipticCurvePublicKey:
        """Return the key to verify with, and remember whose it is."""
        self.found.append(self._known.resolve(reference))
        return self.found[-1].public_key


def _end_entities(folder: Path) -> list[Certificate]:
    """Return what can sign messages; authorities, which have no EUI-64, are passed over."""
    found = []
    for loaded in read_certificates(folder):
        try:
            found.append(read_certificate(loaded.public_bytes(Encoding.DER)))
        except CertificateUnusable:
            continue
    return found
