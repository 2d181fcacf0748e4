"""Whom a party believes, and what a signature proves to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.client.arguments import clock_of, expect, path_of
from duis_gateway.client.errors import NotProven, SetupWrong
from duis_gateway.clock import Clock
from duis_gateway.duis.eui import Eui
from duis_gateway.duis.service_requests.table import ELEMENT_CAPS
from duis_gateway.envelope.parse import ShapeLimits, parse_document, parse_trusted
from duis_gateway.envelope.signature import SignerReference, verify
from duis_gateway.errors import MessageRefused
from duis_gateway.namespaces import sr
from duis_gateway.parties.certificate_records import RegisteredCertificate
from duis_gateway.pki.certificates import Certificate, CertificateUnusable, IsAuthority, read_certificate
from duis_gateway.pki.files import WatchedFolder, read_certificates
from duis_gateway.pki.names import name_key
from duis_gateway.pki.signing import read_certificate_file
from duis_gateway.pki.trust import Trust as Certificates

Signers = Mapping[tuple[str, str], RegisteredCertificate]
"""(issuer key, serial in decimal) to an end-entity certificate."""

DCC = frozenset({"89"})
"""The role (OU) of those who sign for DCC: the gateway."""
DCC_OR_NAMED = frozenset({"87", "89"})

_LOOK_EVERY = 5.0
_CAPS = ELEMENT_CAPS | {
    cap: elements
    for interface in (csp.INTERFACE, esi.INTERFACE)
    for cap, elements in interface.element_caps(interface.names).items()
}


@dataclass(frozen=True, slots=True)
class Proof:
    """What a signature has proven: the content, which is all that may be read, its digest, and who signed it."""

    content: bytes
    digest: bytes
    signer: Certificate

    @property
    def root(self) -> etree._Element:
        """The content as a tree of its own."""
        return parse_trusted(self.content)


class Trust:
    """The certificates by which a party knows the gateway; may be used by any number of threads at a time."""

    def __init__(
        self,
        certificates: Certificates,
        signers: WatchedFolder[Signers] | Signers,
        clock: Clock | None,
        roles: frozenset[str],
    ) -> None:
        """Take what the class methods make; they are the usual way."""
        self._certificates = certificates
        self._signers = signers
        self._clock = clock_of(clock)
        self._roles = roles

    @classmethod
    def load(cls, path: Path | str, *, clock: Clock | None = None) -> Trust:
        """Believe the gateway's certificate in a file, or what a folder holds (SetupWrong as the other two)."""
        path = path_of("the trust", path)
        return cls.folder(path, clock=clock) if path.is_dir() else cls.certificate(path, clock=clock)

    @classmethod
    def folder(
        cls,
        folder: Path | str,
        *,
        crls: Path | str | None = None,
        clock: Clock | None = None,
        roles: frozenset[str] = DCC,
    ) -> Trust:
        """Believe those who sign for DCC (OU 89), of all certificates in a folder; `roles` are other OUs to believe.

        A certificate has to lead to an authority in the folder; where its issuer is not there, it is trusted by
        itself. Both folders are read again when they change. `crls` holds revocation lists.

        Raises:
            SetupWrong: a folder or a file in it cannot be read; the text names it.
        """
        expect("roles", roles, (frozenset, set), "a set of OUs, such as {'89'}")
        place = path_of("the trust folder", folder)
        lists = None if crls is None else path_of("crls", crls)
        try:
            watched = WatchedFolder(place, signers_in, _LOOK_EVERY)
            found = Certificates(place, lists, False, lambda *key: watched.current().get(key), look_every=_LOOK_EVERY)
        except CertificateUnusable as error:
            raise SetupWrong(str(error)) from None
        return cls(found, watched, clock, roles)

    @classmethod
    def certificate(cls, *files: Path | str, clock: Clock | None = None) -> Trust:
        """Believe exactly these certificates (OU 87 or 89), each by itself, without its authority.

        Raises:
            SetupWrong: a file cannot be read; the text names it.
        """
        try:
            signers = signers_of([path_of("the certificate to trust", file) for file in files])
        except CertificateUnusable as error:
            raise SetupWrong(str(error)) from None
        certificates = Certificates(None, None, False, lambda *key: signers.get(key))
        return cls(certificates, signers, clock, DCC_OR_NAMED)

    @property
    def signers(self) -> list[Certificate]:
        """The certificates of those who may sign."""
        known = self._signers.current() if isinstance(self._signers, WatchedFolder) else self._signers
        read = (read_certificate(one.der) for one in known.values())
        return [one for one in read if one.role in self._roles]

    @property
    def gateway(self) -> Eui:
        """The gateway's EUI-64, where there is only one that can be believed.

        Raises:
            SetupWrong: there is none, or more than one.
        """
        found = {Eui(one.eui) for one in self.signers}
        if not found:
            raise SetupWrong(
                "no trusted certificate may sign for DCC (OU 89)",
                "add the gateway's certificate to the folder",
            )
        if len(found) > 1:
            raise SetupWrong(
                f"several trusted certificates may sign for DCC: {', '.join(map(str, sorted(found)))}",
                "trust the file with the gateway's certificate instead of the folder, or name its EUI-64 (eui=)",
            )
        return found.pop()

    def prove(self, document: bytes) -> Proof:
        """Return what a signed document proves.

        Raises:
            NotProven: no XML, no signature of DUIS's profile, one that does not fit, or not of somebody trusted.
        """
        expect("a signed document", document, bytes, "bytes", NotProven)
        signers: list[Certificate] = []

        def public_key_of(reference: SignerReference) -> ec.EllipticCurvePublicKey:
            signers.append(self._certificates.resolve(reference, self._clock.now(), self._roles))
            return signers[0].public_key

        try:
            proven = verify(parse_document(document, ShapeLimits(), _CAPS), public_key_of)
        except MessageRefused as error:
            raise NotProven(error.detail) from None
        return Proof(proven.content, proven.digest, signers[0])


def may_sign_for_another(root: etree._Element, signer: Certificate) -> bool:
    """Tell whether a document may be of another than its signer: DCC (OU 89) signs Service Responses of devices.

    A DCC Alert is its signer's alone: another who signs for DCC cannot speak in the gateway's name.
    """
    return root.tag == sr("Response") and signer.role in DCC and root.find(f".//{sr('DCCAlertMessage')}") is None


def signers_of(files: Iterable[Path]) -> Signers:
    """Return the certificates in some files, each trusted by itself.

    Raises:
        CertificateUnusable: a file cannot be read.
    """
    try:
        read = [read_certificate_file(file) for file in files]
    except IsAuthority as error:
        hint = "or, as it belongs to a CA: trust a folder with it and the certificates that it issued"
        raise CertificateUnusable(f"{error}; {hint}") from None
    return {(one.issuer_key, str(one.serial)): _registered(one, alone=True) for one in read}


def signers_in(folder: Path) -> Signers:
    """Return the end-entity certificates of a folder; those whose issuer is not there are trusted by themselves.

    Raises:
        CertificateUnusable: the folder or a file in it cannot be read.
    """
    found = read_certificates(folder)
    authorities = {one.subject for one in found}
    signers = {}
    for one in found:
        try:
            read = read_certificate(one.public_bytes(Encoding.DER))
        except CertificateUnusable:
            continue  # an authority, or no certificate of the kind that signs
        signers[name_key(one.issuer), str(read.serial)] = _registered(read, alone=one.issuer not in authorities)
    return signers


def _registered(read: Certificate, *, alone: bool) -> RegisteredCertificate:
    return RegisteredCertificate(read.eui, read.der, read.issuer_key, read.serial, alone)
