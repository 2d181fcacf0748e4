"""The gateway's own verifier against signxml, on the same documents, in one run: time for each, and the ratio.

    python -m benchmarks.verification

Both parse the bytes and prove the signature; neither validates against a schema. They take turns, and the medians of
the rounds count. signxml is configured for the profile: inclusive C14N of the content, the key given.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import perf_counter

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from signxml import DigestAlgorithm, SignatureConfiguration, SignatureMethod, XMLVerifier

from benchmarks.arguments import numbers
from duis_gateway.duis.identifiers import format_eui, format_euis
from duis_gateway.envelope.parse import ShapeLimits, parse_document
from duis_gateway.envelope.signature import SigningKey, sign, verify

ROUNDS = 7
SUPPLIER, GATEWAY, HUB = 0x90B3D51F30010000, 0x90B3D51F30000002, 0x00DB123456000000
SR = "http://www.dccinterface.co.uk/ServiceUserGateway"


def request(body: str) -> bytes:
    """An unsigned Service Request."""
    return (
        f'<sr:Request xmlns:sr="{SR}" schemaVersion="6.0"><sr:Header><sr:RequestID>{format_eui(SUPPLIER)}:'
        f"{format_eui(GATEWAY)}:1</sr:RequestID><sr:CommandVariant>8</sr:CommandVariant><sr:ServiceReference>11.5"
        "</sr:ServiceReference><sr:ServiceReferenceVariant>11.5</sr:ServiceReferenceVariant></sr:Header>"
        f"<sr:Body>{body}</sr:Body></sr:Request>"
    ).encode()


def self_signed(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    """A certificate, since signxml takes keys in no other form."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Z1")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1))
    return builder.sign(key, SHA256())


def seconds(work: Callable[[], object], repeats: int) -> float:
    """Time of one call, of so many."""
    started = perf_counter()
    for _ in range(repeats):
        work()
    return (perf_counter() - started) / repeats


def main(rounds: int = ROUNDS) -> None:
    """Measure a small request and one of 50,000 hubs."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = self_signed(key)
    signing = SigningKey(key, "CN=Z1", 1)
    expected = SignatureConfiguration(
        require_x509=False,
        signature_methods=frozenset({SignatureMethod.ECDSA_SHA256}),
        digest_algorithms=frozenset({DigestAlgorithm.SHA256}),
    )
    for name, hubs, repeats in (("small", 1, 200), ("50,000 hubs", 50_000, 5)):
        devices = format_euis(range(HUB, HUB + hubs))
        document = sign(request(f"<sr:DeviceIDList>{devices}</sr:DeviceIDList>"), signing)

        def ours(raw: bytes = document) -> object:
            return verify(parse_document(raw, ShapeLimits(), {}), lambda _: key.public_key())

        def theirs(raw: bytes = document) -> object:
            return XMLVerifier().verify(raw, x509_cert=certificate, expect_config=expected)

        taken: dict[str, list[float]] = {"ours": [], "theirs": []}
        for _ in range(rounds):
            taken["ours"].append(seconds(ours, repeats))
            taken["theirs"].append(seconds(theirs, repeats))
        own, other = statistics.median(taken["ours"]), statistics.median(taken["theirs"])
        print(f"{name:>12}: gateway {own * 1e6:8.0f} us   signxml {other * 1e6:8.0f} us   ratio {other / own:.1f}")


if __name__ == "__main__":
    main(*numbers(rounds=1))
