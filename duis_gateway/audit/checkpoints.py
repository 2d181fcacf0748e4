"""Checkpoints: documents signed in the gateway's own profile that name the newest entry and its link.

Each names the certificate that proves it, as every message of the gateway does. Kept elsewhere, one proves what the log
said at its time, whatever somebody does to the database afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec

from duis_gateway.duis.identifiers import format_eui, parse_eui
from duis_gateway.envelope.parse import ShapeLimits, parse_document, parse_trusted
from duis_gateway.envelope.signature import SignerReference, verify
from duis_gateway.errors import MessageRefused, NotAuthenticated
from duis_gateway.namespaces import AUDIT
from duis_gateway.pki.certificates import Certificate
from duis_gateway.pki.signer import Signer

_FIELDS = ("Gateway", "Sequence", "Link", "At")

Believed = Callable[[SignerReference], Certificate | None]
"""Finds the certificate that a signature names among those that are believed."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a checkpoint has proven: up to the entry `sequence` the log of `gateway` had this link, at that time."""

    gateway: int
    sequence: int
    link: str
    at: str


class CheckpointWrong(Exception):
    """A checkpoint proves nothing; the text says why."""


def sign(signer: Signer, sequence: int, link: str, at: str) -> bytes:
    """Return a signed checkpoint."""
    return signer.sign(
        f'<Checkpoint xmlns="{AUDIT}"><Gateway>{format_eui(signer.eui)}</Gateway><Sequence>{sequence}</Sequence>'
        f"<Link>{link}</Link><At>{at}</At></Checkpoint>".encode()
    )


def prove(document: bytes, believed: Believed) -> Checkpoint:
    """Return what a checkpoint proves.

    Raises:
        CheckpointWrong: it is none, its signature does not hold, or its certificate is not believed.
    """
    signers: list[Certificate] = []

    def public_key_of(named: SignerReference) -> ec.EllipticCurvePublicKey:
        certificate = believed(named)
        if certificate is None:
            raise NotAuthenticated(
                f"it names the certificate {named.serial} of {named.issuer}, which is not among those trusted here"
            )
        signers.append(certificate)
        return certificate.public_key

    try:
        proven = verify(parse_document(document, ShapeLimits(), {}), public_key_of)
        found = _read(proven.content)
    except MessageRefused as error:
        raise CheckpointWrong(error.detail) from None
    except ValueError:
        raise CheckpointWrong("it is not a checkpoint of an audit log") from None
    if signers[0].eui != found.gateway:
        raise CheckpointWrong("its certificate belongs to another gateway than it names")
    return found


def _read(content: bytes) -> Checkpoint:
    root = parse_trusted(content)
    if root.tag != f"{{{AUDIT}}}Checkpoint":
        raise ValueError(root.tag)
    gateway, sequence, link, at = (root.findtext(f"{{{AUDIT}}}{name}") or "" for name in _FIELDS)
    return Checkpoint(parse_eui(gateway), int(sequence), link, at)
