"""Certificates as registered with the gateway."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class RegisteredCertificate:
    """A certificate that the operator registered for a party.

    `trusted_directly` means that the certificate is trusted by itself, without a chain to a trust anchor
    (design section 6: test sets exist without their CA).
    """

    party: int
    der: bytes
    issuer_key: str
    serial: int
    trusted_directly: bool = False
    revoked_at: datetime | None = None
