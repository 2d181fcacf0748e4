"""Verify: from a document to the bytes that its originator provably signed (threats T11 to T38)."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from duis_gateway.envelope import signature
from duis_gateway.envelope.parse import parse_trusted
from duis_gateway.envelope.signature import SignerReference
from duis_gateway.errors import NotAuthenticated
from duis_gateway.flow.message import Received, Verified
from duis_gateway.flow.profiles import PROFILES
from duis_gateway.pki.certificates import Certificate
from duis_gateway.pki.trust import FindCertificate, Trust


def verify(received: Received, trust: Trust, find: FindCertificate | None = None) -> Verified:
    """Prove who signed the message, and that this is the originator it names.

    `find` looks certificates up in a transaction that is open already (`Trust.resolve`).

    Raises:
        NotAuthenticated: no signature, a bad one, a certificate that is not good here now, or one of
            another party than the originator.
        NotValid: what is proven carries no identity.
    """
    profile = PROFILES[received.incoming.door]
    signers: list[Certificate] = []

    def public_key_of(reference: SignerReference) -> EllipticCurvePublicKey:
        signers.append(trust.resolve(reference, received.received_at, profile.certificate_roles, find))
        return signers[0].public_key

    proven = signature.verify(received.root, public_key_of)
    root = parse_trusted(proven.content)
    identity = profile.originator(root)
    if signers[0].eui != identity.originator:
        raise NotAuthenticated("The certificate is of another party than the originator of the message.")
    return Verified(received.incoming, received.received_at, proven.content, root, proven.digest, identity)
