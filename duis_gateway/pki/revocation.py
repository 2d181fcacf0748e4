"""Revocation lists: whose they are, whether they can be relied on, and whom they list (T34)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from duis_gateway.pki.certificates import UNREADABLE
from duis_gateway.pki.chains import key_usage
from duis_gateway.pki.names import NameInvalid, name_key, name_text

_HASHES = frozenset({"sha256", "sha384", "sha512"})


@dataclass(frozen=True)
class RevocationList:
    """One CRL as read; `genuine` if its signature is by the key of a CA known here and all of it is understood.

    `issuer` is its issuer's name as RFC 4514 prints it.
    """

    issuer: str
    genuine: bool
    this_update: datetime
    next_update: datetime | None
    serials: frozenset[int]

    @property
    def end(self) -> datetime:
        """When it is out of date; one without a `nextUpdate` never was up to date."""
        return self.this_update if self.next_update is None else self.next_update

    def life_used(self, at: datetime) -> float:
        """Return the share of its life that is over: 0 at its `thisUpdate`, 1 at its `nextUpdate`, and more later."""
        whole = self.end - self.this_update
        return (at - self.this_update) / whole if whole > timedelta(0) else 1.0


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
                issuer=name_text(crl.issuer),
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
    reason = _why_unusable(genuine, at, allow_stale)
    return None if reason is None else f"cannot be checked: its issuer's revocation list is {reason}"


def _why_unusable(genuine: Sequence[RevocationList], at: datetime, allow_stale: bool) -> str | None:
    if not genuine:
        return "not signed by a known CA"
    if not allow_stale and not any(_current(crl, at) for crl in genuine):
        return "out of date"
    return None


def unusable(lists: RevocationLists, at: datetime, *, allow_stale: bool) -> dict[str, str]:
    """Return, by its key, each issuer none of whose certificates can be checked now, and why, in words."""
    found = {}
    for key, own in lists.items():
        reason = _why_unusable([crl for crl in own if crl.genuine], at, allow_stale)
        if reason is not None:
            until = max(crl.end for crl in own)
            found[key] = (
                f"the revocation list of {own[0].issuer} (good until {until:%Y-%m-%d %H:%M:%S} UTC) is {reason}"
            )
    return found


def relied_on(lists: RevocationLists, at: datetime) -> dict[str, RevocationList]:
    """Return, for each issuer, its genuine list that is good for longest; one from the future only where alone."""
    return {
        key: max(genuine, key=lambda crl: (crl.this_update <= at, crl.end))
        for key, own in lists.items()
        if (genuine := [crl for crl in own if crl.genuine])
    }


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
