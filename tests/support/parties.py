"""Parties under one authority, as files in one folder: a gateway, two suppliers, and a stranger's own PKI."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from duis_gateway.client import Eui, Identity, Trust
from duis_gateway.duis.alerts.kind import AlertBody
from duis_gateway.duis.alerts.prepare import prepare
from duis_gateway.duis.identifiers import RequestId
from duis_gateway.pki.make import make_authority, make_certificate
from tests.support.duis import supplier

GATEWAY = Eui("90-B3-D5-1F-30-00-00-02")
SUPPLIER = Eui("90-B3-D5-1F-30-01-00-00")
OTHER = Eui("90-B3-D5-1F-30-02-00-00")
AT = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Parties:
    """Who there is, and the folder of the certificates."""

    folder: Path
    gateway: Identity
    supplier: Identity
    other: Identity

    @classmethod
    def make(cls, folder: Path) -> Parties:
        authority = make_authority(folder)

        def identity(eui: int, role: str, stem: str) -> Identity:
            made = make_certificate(authority, eui, role, folder, stem=stem)
            return Identity.load(made.key_path, made.certificate_path)

        return cls(
            folder,
            identity(GATEWAY, "89", "gateway"),
            identity(SUPPLIER, "87", "supplier"),
            identity(OTHER, "87", "other"),
        )

    @property
    def trust(self) -> Trust:
        """The suppliers' trust: the whole folder."""
        return Trust.folder(self.folder)

    def alerts(
        self,
        body: AlertBody,
        counter: int = 1,
        *,
        version: str = "6.0",
        to: int = SUPPLIER,
        room: int = 95_000,
        signed_by: Identity | None = None,
    ) -> list[bytes]:
        """Return the signed alerts that tell a supplier of this body, as the gateway (or another) makes them."""
        signer = self.gateway if signed_by is None else signed_by
        return [
            signer.sign_canonical(one.render(RequestId(signer.eui, to, counter + number), AT))
            for number, one in enumerate(prepare(body, supplier(version), room))
        ]
