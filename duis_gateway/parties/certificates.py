"""The certificates that the operator registered, found by issuer and serial number."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from duis_gateway.parties.certificate_records import RegisteredCertificate
from duis_gateway.store.tables import certificate

# Made once: every message that comes in runs it.
_FIND = select(certificate).where(
    certificate.c.issuer_key == bindparam("issuer"), certificate.c.serial == bindparam("number")
)


def find(connection: Connection, issuer_key: str, serial: int) -> RegisteredCertificate | None:
    """Return the certificate, revoked or not, or None."""
    row = connection.execute(_FIND, {"issuer": issuer_key, "number": str(serial)}).one_or_none()
    return None if row is None else _certificate(row)


def add(connection: Connection, new: RegisteredCertificate) -> None:
    """Register a certificate of a registered party.

    Raises:
        sqlalchemy.exc.IntegrityError: one with this issuer and serial is there, or the party is not.
    """
    connection.execute(
        insert(certificate).values(
            issuer_key=new.issuer_key,
            serial=str(new.serial),
            party=new.party,
            der=new.der,
            trusted_directly=new.trusted_directly,
            revoked_at=new.revoked_at,
        )
    )


def revoke(connection: Connection, issuer_key: str, serial: int, at: datetime) -> bool:
    """Revoke a certificate from this time on (UTC); return whether it exists."""
    chosen = (certificate.c.issuer_key == issuer_key, certificate.c.serial == str(serial))
    return connection.execute(update(certificate).where(*chosen).values(revoked_at=at)).rowcount == 1


def all_certificates(connection: Connection, party: int | None = None) -> list[RegisteredCertificate]:
    """Return every certificate, or those of one party."""
    query = select(certificate).order_by(certificate.c.issuer_key, certificate.c.serial)
    if party is not None:
        query = query.where(certificate.c.party == party)
    return [_certificate(row) for row in connection.execute(query)]


def _certificate(row: Row[Any]) -> RegisteredCertificate:
    return RegisteredCertificate(
        party=row.party,
        der=row.der,
        issuer_key=row.issuer_key,
        serial=int(row.serial),
        trusted_directly=row.trusted_directly,
        revoked_at=row.revoked_at,
    )
