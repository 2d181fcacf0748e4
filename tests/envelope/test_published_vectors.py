"""Signatures that Project Wycheproof has published: P-256 with SHA-256, r and s of 32 octets each, as DUIS signs.

Threat T27.
"""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from duis_gateway.envelope.signature import signature_fits
from tests.support.published import published_vectors


@pytest.mark.may_skip_in_ci("`.ci/run` says where they are if they lie beside the checkout")
def test_each_is_judged_as_it_is() -> None:
    """Edge cases of the arithmetic, wrong lengths, values beyond the curve's order."""
    wrong = []
    for group in published_vectors():
        key = load_der_public_key(bytes.fromhex(group["publicKeyDer"]))
        assert isinstance(key, ec.EllipticCurvePublicKey)
        for one in group["tests"]:
            believed = signature_fits(bytes.fromhex(one["sig"]), bytes.fromhex(one["msg"]), key)
            if believed is not (one["result"] == "valid"):
                wrong.append((one["tcId"], one["comment"]))
    assert wrong == []
