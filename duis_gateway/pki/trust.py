"""Whether the certificate that a message names proves anything: known, in its time, not revoked, of the right kind.

The message never carries a certificate (T30): issuer and serial find one among those registered. It must lead to a
trust anchor, or have been registered as trusted by itself (test sets exist without their CA).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from cryptography import x509

from duis_gateway.envelope.signature import SignerReference
from duis_gateway.errors import NotAuthenticated
from duis_gateway.pki import chains
from duis_gateway.pki.certificates import Certificate, CertificateUnusable, read_certificate
from duis_gateway.pki.files import WatchedFolder, read_certificates, read_crls
from duis_gateway.pki.names import NameInvalid, name_key
from duis_gateway.pki.revocation import RevocationLists, read_lists, unusable, why_revoked


class Registered(Protocol):
    """What is known of a registered certificate (`duis_gateway.parties.certificate_records` has such a one)."""

    @property
    def der(self) -> bytes:
        """The certificate itself."""

    @property
    def trusted_directly(self) -> bool:
        """Whether it is trusted by itself, without a chain to a trust anchor."""

    @property
    def revoked_at(self) -> datetime | None:
        """When the operator revoked it, if so."""


FindCertificate = Callable[[str, str], Registered | None]
"""(issuer key of `names.name_key`, serial in decimal) to the certificate registered under them."""

_MOST_REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class _Issued:
    """What is looked at anew each time: a certificate's validity period, and what its issuer's lists name it by."""

    issuer_key: str
    serial: int
    not_before: datetime
    not_after: datetime


@dataclass(frozen=True, slots=True)
class _Known:
    """One registered certificate, read, and the CAs of its paths, or why there are none (`why_no_path`).

    Built for one state of the anchors folder.
    """

    anchors: tuple[x509.Certificate, ...]
    certificate: Certificate
    paths: tuple[tuple[_Issued, ...], ...]
    why_no_path: str


class Trust:
    """The trust anchors and revocation lists of an installation; may be used by any number of threads at a time.

    `anchors_dir` holds CA certificates: the self-signed are trust anchors, the others intermediates. `crl_dir` holds
    revocation lists. Both are read again when they change (`look_every`: see `WatchedFolder`). Without an anchors
    folder only certificates that are trusted directly are good.
    """

    def __init__(
        self,
        anchors_dir: Path | None,
        crl_dir: Path | None,
        allow_stale_crl: bool,
        find: FindCertificate,
        look_every: float = 0.0,
    ) -> None:
        self._anchors = WatchedFolder(anchors_dir, _read_authorities, look_every) if anchors_dir else None
        self._crls = WatchedFolder(crl_dir, read_crls, look_every) if crl_dir else None
        self._allow_stale_crl = allow_stale_crl
        self._find = find
        self._lock = threading.Lock()
        self._remembered: dict[bytes, _Known] = {}
        self._lists: tuple[object, object, RevocationLists] | None = None

    def read_again(self) -> None:
        """Have both folders read again at the next message, whether they seem to have changed or not."""
        for folder in (self._anchors, self._crls):
            if folder is not None:
                folder.look_again()

    def resolve(
        self, reference: SignerReference, at: datetime, roles: frozenset[str], find: FindCertificate | None = None
    ) -> Certificate:
        """Return the certificate that a signature names, if it may be relied on at this time and in one of these roles.

        Whether it is the originator's is for the caller to compare (`Certificate.eui`, T37). `find` takes the place of
        the installation's own: a look-up within a transaction that the caller has open already.

        Raises:
            NotAuthenticated: unknown, not yet valid, expired, revoked, of the wrong kind (OU), not for signing, or not
                trusted; the detail says which (T33 to T38).
        """
        return self.judged(self._registered(reference, find or self._find), at, roles)

    def judged(self, registered: Registered, at: datetime, roles: frozenset[str]) -> Certificate:
        """Return a registered certificate, read, if it may be relied on (raises as `resolve`)."""
        known = self._known(registered.der)
        certificate = known.certificate
        _refuse_if(_why_not_in_time(certificate, at))
        if registered.revoked_at is not None:
            raise NotAuthenticated("the certificate is revoked")
        lists = self._revocation_lists(known.anchors)
        _refuse_if(self._why_revoked(lists, certificate, at))
        if certificate.role not in roles:
            raise NotAuthenticated(f"the certificate is of the wrong kind (OU {certificate.role[:16]})")
        if not certificate.may_sign:
            raise NotAuthenticated("the certificate is of the wrong kind (not an end entity with digitalSignature)")
        if not registered.trusted_directly:
            self._check_paths(known, lists, at)
        return certificate

    def has_anchor(self) -> bool:
        """Return whether any certificate can be trusted that is not trusted directly."""
        anchors = self._anchors.current() if self._anchors else ()
        return any(one.issuer == one.subject for one in anchors)

    def revocation_lists(self) -> RevocationLists:
        """Return the lists as they are now, with their times, by issuer: for readiness and metrics (F28, T34)."""
        return self._revocation_lists(self._anchors.current() if self._anchors else ())

    def unusable_lists(self, at: datetime) -> dict[str, str]:
        """Return, by its key, each issuer whose certificates are all refused for its lists (T34), and why."""
        return unusable(self.revocation_lists(), at, allow_stale=self._allow_stale_crl)

    def issuers_of(self, registered: Registered) -> tuple[frozenset[str], ...]:
        """Return, for each way in which a certificate can be trusted, the keys of those whose lists have to be good.

        Raises:
            NotAuthenticated: the certificate cannot be read.
        """
        known = self._known(registered.der)
        own = known.certificate.issuer_key
        if registered.trusted_directly:
            return (frozenset({own}),)
        return tuple(frozenset({own, *(authority.issuer_key for authority in path)}) for path in known.paths)

    def _registered(self, reference: SignerReference, find: FindCertificate) -> Registered:
        try:
            key = name_key(reference.issuer)
        except NameInvalid as error:
            raise NotAuthenticated(f"the issuer name cannot be read: {error}") from None
        registered = find(key, str(reference.serial))
        if registered is None:
            raise NotAuthenticated("the certificate is unknown")
        return registered

    def _known(self, der: bytes) -> _Known:
        """Return the certificate read and its paths; remembered by its bytes until the anchors change."""
        anchors = self._anchors.current() if self._anchors else ()
        known = self._remembered.get(der)
        if known is not None and known.anchors is anchors:
            return known
        try:
            certificate = read_certificate(der)
        except CertificateUnusable as error:
            raise NotAuthenticated(str(error)) from None
        paths = chains.find_paths(certificate.x509, anchors)
        why = "" if paths else chains.why_no_path(certificate.x509, anchors)
        known = _Known(anchors, certificate, tuple(tuple(map(_issued, path)) for path in paths), why)
        with self._lock:
            if len(self._remembered) >= _MOST_REMEMBERED:
                self._remembered.clear()
            self._remembered[der] = known
        return known

    def _revocation_lists(self, anchors: tuple[x509.Certificate, ...]) -> RevocationLists:
        """Return the lists as they are now, their signatures checked once for each state of the two folders."""
        if self._crls is None:
            return {}
        crls = self._crls.current()
        checked = self._lists
        if checked is None or checked[0] is not crls or checked[1] is not anchors:
            checked = (crls, anchors, read_lists(crls, anchors))
            self._lists = checked
        return checked[2]

    def _why_revoked(self, lists: RevocationLists, issued: _Issued | Certificate, at: datetime) -> str | None:
        return why_revoked(lists, issued.issuer_key, issued.serial, at, allow_stale=self._allow_stale_crl)

    def _check_paths(self, known: _Known, lists: RevocationLists, at: datetime) -> None:
        """Refuse unless every CA of one path is in its time and not revoked."""
        if not known.paths:
            why = f"it does not lead to a trust anchor ({known.why_no_path})"
            raise NotAuthenticated(f"the certificate is not trusted: {why}")
        reason = None
        for path in known.paths:
            reason = next(filter(None, (self._why_not(authority, lists, at) for authority in path)), None)
            if reason is None:
                return
        raise NotAuthenticated(f"the certificate is not trusted: a CA above it {reason}")

    def _why_not(self, authority: _Issued, lists: RevocationLists, at: datetime) -> str | None:
        return _why_not_in_time(authority, at) or self._why_revoked(lists, authority, at)


def _read_authorities(folder: Path) -> tuple[x509.Certificate, ...]:
    return tuple(filter(chains.is_authority, read_certificates(folder)))


def _issued(authority: x509.Certificate) -> _Issued:
    return _Issued(
        name_key(authority.issuer),
        authority.serial_number,
        authority.not_valid_before_utc,
        authority.not_valid_after_utc,
    )


def _why_not_in_time(issued: _Issued | Certificate, at: datetime) -> str | None:
    """No skew is allowed; both ends belong to the validity period (RFC 5280, section 4.1.2.5)."""
    if at < issued.not_before:
        return "is not yet valid"
    return "has expired" if at > issued.not_after else None


def _refuse_if(reason: str | None) -> None:
    if reason is not None:
        raise NotAuthenticated(f"the certificate {reason}")
