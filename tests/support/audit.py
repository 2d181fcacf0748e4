"""The audit log in tests: sealed now, signed by a key of their own, and looked at as `audit verify` does."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from duis_gateway.audit.messages import Messages
from duis_gateway.audit.records import Record, Signed, stored
from duis_gateway.audit.sealing import seal_all, sign_if_due
from duis_gateway.audit.verification import Verification
from duis_gateway.envelope.signature import SignerReference
from duis_gateway.pki.certificates import Certificate
from duis_gateway.pki.make import make_authority, make_certificate
from duis_gateway.pki.names import name_key
from duis_gateway.pki.signer import Signer
from duis_gateway.pki.signing import load_signing_key
from duis_gateway.store.engine import Store

GATEWAY = 0x90B3D51F30000002


def signed_by(number: int = 1) -> tuple[Signer, Certificate]:
    """The gateway's signer and its certificate; another number is another key of the same gateway."""
    return _made(number)


@cache
def _made(number: int) -> tuple[Signer, Certificate]:
    with tempfile.TemporaryDirectory() as folder:
        made = make_certificate(make_authority(Path(folder)), GATEWAY, "89", Path(folder), stem=f"gateway-{number}")
        key, certificate = load_signing_key(made.key_path, made.certificate_path)
    return Signer(GATEWAY, key), certificate


def believed(named: SignerReference, *numbers: int) -> Certificate | None:
    """Find the certificate that is named among those of these numbers; of the first, where none is given."""
    for number in numbers or (1,):
        certificate = signed_by(number)[1]
        if (certificate.issuer_key, certificate.serial) == (name_key(named.issuer), named.serial):
            return certificate
    return None


def seal(store: Store, *, sign: bool = True) -> None:
    """Seal what waits, and sign a checkpoint where there is something new."""
    seal_all(store)
    if sign:
        sign_if_due(store, signed_by()[0], every=0.0)


def records_of(store: Store) -> list[Record]:
    """The log as it is stored."""
    with store.read() as connection:
        return list(stored(connection))


def findings(store: Store, kept: Iterable[tuple[str, bytes]] = (), *, signatures: bool = True) -> list[str]:
    """What is wrong with the log of a database and the messages in it."""
    with store.read() as connection:
        records = (one for one in stored(connection) if signatures or not isinstance(one, Signed))
        return list(Verification(believed, kept, Messages(connection)).run(records))
