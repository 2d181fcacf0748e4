"""Revocation lists: whose they are, whether they can be relied on, and whom they list (T34)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from duis_gateway.pki.certificates import UNREADABLE
from duis_gateway.pki.chains import key_usage
from duis_gateway.pki.names import NameInvalid, name_key

_HASHES = frozenset({"sha256", "sha384", "sha512"})


@dataclass(frozen=True)
class RevocationList:
    """One CRL as read; `genuine` if its signature is by the key of a CA known here and all of it is understood."""

    genuine: bool
    this_update: datetime
    next_update: datetime | None
    serials: frozenset[int]


RevocationLists = dict[str, list[RevocationList]]
"""Issuer key (`names.name_key`) to its lists."""


def read_lists(
    crls: Iterable[x509.CertificateRevocationList], authorities: Sequence[x509.Certificate]
) -> RevocationLists:
    """Check and sort the lists by their issuer."""
    lists: RevocationLists = {}
    for crl in crls:
        try:
            key = name_key(crl.issuer)
        except NameInvalid:
            continue
        lists.setdefault(key, []).append(
            RevocationList(
                genuine=_understood(crl) and any(_signed_by(crl, authority) for authority in authorities),
                this_update=crl.last_update_utc,
                next_update=crl.next_update_utc,
                serials=frozenset(entry.serial_number for entry in crl),
            )
        )
    return lists


def why_revoked(lists: RevocationLists, issuer_key: str, serial: int, at: datetime, *, allow_stale: bool) -> str | None:
    """Return why the certificate cannot be relied on by its issuer's lists, or nothing.

    An issuer without any list revokes nothing. One whose lists are not genuine, or all out of date, is refused (unless
    stale lists are allowed): it cannot be known what its current list says.
    """
    own = lists.get(issuer_key)
    if not own:
        return None
    genuine = [crl for crl in own if crl.genuine]
    if any(serial in crl.serials for crl in genuine):
        return "is revoked"
    if not genuine:
        return "cannot be checked: the revocation list of its issuer is not signed by a known CA"
    if not allow_stale and not any(_current(crl, at) for crl in genuine):
        return "cannot be checked: the revocation list of its issuer is out of date"
    return None


def _current(crl: RevocationList, at: datetime) -> bool:
    return crl.this_update <= at and crl.next_update is not None and at < crl.next_update


def _signed_by(crl: x509.CertificateRevocationList, authority: x509.Certificate) -> bool:
    usage = key_usage(authority)
    if crl.issuer != authority.subject or usage is None or not usage.crl_sign:
        return False
    try:
        digest = crl.signature_hash_algorithm
        if digest is None or digest.name not in _HASHES:
            return False
        key = authority.public_key()
        return isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey) and crl.is_signature_valid(key)
    except UNREADABLE:
        return False


def _understood(crl: x509.CertificateRevocationList) -> bool:
    """Tell whether no critical extension changes the meaning (a delta or indirect list, or one for some reasons)."""
    try:
        for extension in crl.extensions:
            value = extension.value
            if isinstance(value, x509.IssuingDistributionPoint):
                if value.indirect_crl or value.only_some_reasons:
                    return False
            elif extension.critical:
                return False
    except UNREADABLE:
        return False
    return True
