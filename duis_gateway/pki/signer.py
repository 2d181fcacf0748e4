"""The gateway's own identity: who it is, and the key that it signs with."""

from __future__ import annotations

from dataclasses import dataclass

from duis_gateway.envelope.signature import SigningKey, sign_canonical
from duis_gateway.errors import NotDurable


@dataclass(frozen=True, slots=True)
class Signer:
    """The gateway's EUI-64 and signing key. What it signs is canonical by construction."""

    eui: int
    key: SigningKey

    def sign(self, content: bytes) -> bytes:
        """Return the document with its signature as the last child of the root."""
        return sign_canonical(content, self.key)


def require_signer(signer: Signer | None) -> Signer:
    """Return the signer that there is just now.

    Raises:
        NotDurable: there is none, and nothing is taken in without one.
    """
    if signer is None:
        raise NotDurable("The gateway has no usable signing key at present, and takes nothing in without one.")
    return signer
