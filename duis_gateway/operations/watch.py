"""What an operator has to know in time of certificates and revocation lists: for readiness, metrics and flags (T34).

All times are by the clock by which certificates are checked. Of revocation lists only those count that a certificate
in use depends on: one of an authority that was left behind, and whose list lies there still, troubles nobody.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from time import monotonic

from duis_gateway.clock import Clock
from duis_gateway.errors import GatewayError, NotAuthenticated
from duis_gateway.operations import flags
from duis_gateway.parties import certificates
from duis_gateway.parties import store as parties
from duis_gateway.parties.certificate_records import RegisteredCertificate
from duis_gateway.parties.records import PartyStatus
from duis_gateway.pki.certificates import Certificate, CertificateUnusable, read_certificate
from duis_gateway.pki.revocation import RevocationList, relied_on
from duis_gateway.pki.trust import Trust
from duis_gateway.store.engine import Store

log = logging.getLogger(__name__)

LIST_GROWS_OLD = "revocation list grows old"
"""The kind of the flag."""

WARN_FROM = 0.5
"""The share of a list's life after which somebody is told."""

_SECONDS_BETWEEN_LOOKS = 30.0


@dataclass(frozen=True, slots=True)
class TrustFigures:
    """Certificates and lists at one moment; None where there is nothing to say it of.

    Attributes:
        crl_age: seconds since the `thisUpdate` of the list that has used up most of its life.
        crl_life_used: the share of that list's life that is over; from 1 on it is out of date.
        crl_next_update: the earliest `nextUpdate`, in seconds since 1970.
        party_expiry: when the first party is left without a certificate that has not expired, in seconds since 1970.
    """

    crl_age: float | None = None
    crl_life_used: float | None = None
    crl_next_update: float | None = None
    party_expiry: float | None = None


@dataclass(frozen=True, slots=True)
class _Held:
    """A certificate of an active party that the operator has not revoked."""

    registered: RegisteredCertificate
    read: Certificate


class TrustWatch:
    """Looks at the registered certificates and at the lists that they depend on."""

    def __init__(self, store: Store, trust: Trust, clock: Clock) -> None:
        self._store = store
        self._trust = trust
        self._clock = clock
        self._look_again = 0.0
        self._warned: set[str] = set()

    def figures(self) -> TrustFigures:
        """Return the figures as they are now.

        Raises:
            NotDurable: the database cannot be read.
        """
        now = self._clock.now()
        held = self._held()
        latest: dict[int, datetime] = {}
        for one in held:
            party = one.registered.party
            latest[party] = max(one.read.not_after, latest.get(party, one.read.not_after))
        expiry = min(latest.values()).timestamp() if latest else None
        lists = self._lists(held, now)
        if not lists:
            return TrustFigures(party_expiry=expiry)
        oldest = max(lists, key=lambda crl: crl.life_used(now))
        return TrustFigures(
            (now - oldest.this_update).total_seconds(),
            oldest.life_used(now),
            min(crl.end for crl in lists).timestamp(),
            expiry,
        )

    def problems(self) -> tuple[bool, str]:
        """Tell whether anybody can be believed at all, and say which lists are not good.

        Raises:
            NotDurable: the database cannot be read.
        """
        now = self._clock.now()
        bad = self._trust.unusable_lists(now)
        if not bad:
            return True, ""
        held = self._in_time(self._held(), now)
        wanted = self._wanted(held)
        said = "; ".join(text for key, text in sorted(bad.items()) if wanted is None or key in wanted)
        good = any(not way & bad.keys() for one in held for way in self._ways(one))
        return good or not said, said

    def warn(self) -> None:
        """Log and flag each list that is past half of its life: once, however many processes look and how often."""
        if monotonic() < self._look_again:
            return
        self._look_again = monotonic() + _SECONDS_BETWEEN_LOOKS
        try:
            now = self._clock.now()
            for crl in self._lists(self._held(), now):
                if crl.life_used(now) >= WARN_FROM:
                    self._warn_of(crl, now)
        except GatewayError as error:
            log.warning("the revocation lists cannot be checked: %s", error)

    def _warn_of(self, crl: RevocationList, now: datetime) -> None:
        subject = f"{crl.issuer}, {crl.this_update:%Y-%m-%d %H:%M:%S}"
        if subject in self._warned:
            return
        text = f"half of its life is over; its next update is due at {crl.end:%Y-%m-%d %H:%M:%S}"
        with self._store.write() as conn:
            self._store.lock_release(conn, subject)
            flags.raise_once(conn, LIST_GROWS_OLD, subject, now, text)
        self._warned.add(subject)
        about = {"event": "crl-grows-old", "issuer": crl.issuer, "next_update": crl.end.isoformat()}
        log.warning("a revocation list is past half of its life", extra=about)

    # --- what is in use -----------------------------------------------------------------------------------------

    def _held(self) -> list[_Held]:
        with self._store.read() as conn:
            active = {party.eui for party in parties.all_parties(conn) if party.status is PartyStatus.ACTIVE}
            registered = certificates.all_certificates(conn)
        mine = (one for one in registered if one.party in active and one.revoked_at is None)
        return [_Held(one, read) for one in mine if (read := read_or_none(one.der)) is not None and read.may_sign]

    def _lists(self, held: Iterable[_Held], now: datetime) -> list[RevocationList]:
        wanted = self._wanted(self._in_time(held, now))
        lists = relied_on(self._trust.revocation_lists(), now)
        return [crl for key, crl in lists.items() if wanted is None or key in wanted]

    def _wanted(self, held: list[_Held]) -> frozenset[str] | None:
        """Return the issuers whose lists somebody depends on; None, for all, while there is nobody yet."""
        if not held:
            return None
        return frozenset(key for one in held for way in self._ways(one) for key in way)

    def _ways(self, one: _Held) -> Iterator[frozenset[str]]:
        try:
            yield from self._trust.issuers_of(one.registered)
        except NotAuthenticated:
            return

    @staticmethod
    def _in_time(held: Iterable[_Held], now: datetime) -> list[_Held]:
        return [one for one in held if now <= one.read.not_after]


@lru_cache(maxsize=4096)
def read_or_none(der: bytes) -> Certificate | None:
    """Return a certificate as it reads, None if it cannot be used; each is read once."""
    try:
        return read_certificate(der)
    except CertificateUnusable:
        return None
