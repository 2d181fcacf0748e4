"""The path from a certificate to a trust anchor: threats T36 and T38, on certificates of every wrong shape."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.hazmat.primitives.hashes import SHA224, SHA256, SHA384, SHA512
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import ExtensionOID

from duis_gateway.pki.chains import find_paths
from duis_gateway.pki.make import make_authority
from tests.support.trust import EARLY, LATE, NOW, SUPPLIER, Installation, accepted, refuse

Digest = SHA224 | SHA256 | SHA384 | SHA512
SHA256_ = SHA256()


@pytest.fixture
def place(tmp_path: Path) -> Installation:
    return Installation(tmp_path)


SUBJECT_KEY = ec.generate_private_key(ec.SECP256R1())
USAGE = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
CA_USAGE = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
Extension = tuple[x509.ExtensionType, bool]


def _subject() -> x509.Name:
    octets = b"\0" + SUPPLIER.to_bytes(8, "big")
    return x509.Name(
        [
            x509.NameAttribute(x509.NameOID.ORGANIZATIONAL_UNIT_NAME, "87"),
            x509.NameAttribute(x509.NameOID.X500_UNIQUE_IDENTIFIER, octets, _ASN1Type.BitString),
        ]
    )


SUBJECT = _subject()


def build(
    issuer: x509.Name,
    signer: CertificateIssuerPrivateKeyTypes,
    subject: x509.Name,
    *,
    extensions: Sequence[Extension],
    key: CertificateIssuerPrivateKeyTypes = SUBJECT_KEY,
    digest: Digest = SHA256_,
    begin: datetime = EARLY,
    end: datetime = LATE,
) -> x509.Certificate:
    """Return a certificate of any shape, as another program may have made it."""
    serial = x509.random_serial_number()
    builder = x509.CertificateBuilder(issuer, subject, key.public_key(), serial, begin, end)
    for value, critical in extensions:
        builder = builder.add_extension(value, critical)
    return builder.sign(signer, digest)


POLICY = x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier("1.2.3.4"), None)])


def test_certificates_made_elsewhere_work_unchanged(place: Installation) -> None:
    """Critical policies, and no identifier of the authority's key."""
    root = place.authority()
    elsewhere = build(root.certificate.subject, root.private_key, SUBJECT, extensions=[(USAGE, True), (POLICY, True)])
    assert accepted(place.trust(), place.register(elsewhere))


def test_a_certificate_without_its_ca_can_be_trusted_directly(place: Installation, tmp_path: Path) -> None:
    """Design section 6: test sets exist without their CA; everything but the chain is still looked at."""
    absent = make_authority(tmp_path / "absent", "Z9")
    mine = place.issue(absent)
    for trust in (place.trust(), place.trust(anchors=False), place.trust(anchors=False, crls=False)):
        refuse(
            trust,
            mine,
            "to a trust anchor .no CA among the trust anchors has the name of its issuer",
        )
    place.register(mine.x509, trusted_directly=True)
    for trust in (place.trust(), place.trust(anchors=False), place.trust(anchors=False, crls=False)):
        assert accepted(trust, mine)
        refuse(trust, mine, "has expired", NOW + timedelta(days=2))
    place.revoke(mine)
    refuse(place.trust(), mine, "is revoked")


def test_t36_a_lookalike_ca_proves_nothing(place: Installation, tmp_path: Path) -> None:
    """T36: the same name and another key."""
    place.authority("Z1")
    mine = place.issue(make_authority(tmp_path / "lookalike", "Z1"))
    refuse(place.trust(), mine, "to a trust anchor .no CA that is named CN=Z1.* has signed it")


def test_t36_a_self_signed_lookalike_proves_nothing(place: Installation) -> None:
    place.authority()
    lookalike = build(SUBJECT, SUBJECT_KEY, SUBJECT, extensions=[(USAGE, True)])
    mine = place.register(lookalike)
    refuse(place.trust(), mine, "does not lead to a trust anchor")
    place.anchor(lookalike, "lookalike")
    refuse(place.trust(), mine, "does not lead to a trust anchor")


def test_t36_a_ca_certificate_is_no_signer(place: Installation) -> None:
    """T36: a CA's own certificate, even with digitalSignature and a user's subject."""
    root = place.authority()
    both = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
    ca = x509.BasicConstraints(ca=True, path_length=None)
    signer = build(root.certificate.subject, root.private_key, SUBJECT, extensions=[(both, True), (ca, True)])
    for directly in (False, True):
        refuse(
            place.trust(), place.register(signer, trusted_directly=directly), "not an end entity with digitalSignature"
        )


def name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(x509.NameOID.ORGANIZATIONAL_UNIT_NAME, "07"),
            x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name),
        ]
    )


CA = x509.BasicConstraints(ca=True, path_length=None)
GOOD_CA: list[Extension] = [(CA, True), (CA_USAGE, True), (POLICY, True)]
UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\x05\x00")


def issued_by(
    place: Installation,
    extensions: Sequence[Extension],
    *,
    key: CertificateIssuerPrivateKeyTypes | None = None,
    digest: Digest = SHA256_,
) -> x509.Certificate:
    """Make a self-signed CA of this shape an anchor, and return a user's certificate that it issued."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    place.anchor(build(name("CA"), key, name("CA"), extensions=extensions, key=key), "CA")
    return build(name("CA"), key, SUBJECT, extensions=[(USAGE, True)], digest=digest)


def test_a_ca_in_order_leads_to_itself(place: Installation) -> None:
    """The tests below differ from this in one thing each."""
    assert accepted(place.trust(), place.register(issued_by(place, GOOD_CA)))


@pytest.mark.parametrize(
    "extensions",
    [
        [(CA_USAGE, True)],
        [(x509.BasicConstraints(ca=False, path_length=None), True), (CA_USAGE, True)],
        [(CA, True)],
        [(CA, True), (USAGE, True)],
        [*GOOD_CA, (UNKNOWN, True)],
        [*GOOD_CA, (x509.NameConstraints([x509.DirectoryName(name("x"))], None), True)],
        [],
    ],
    ids=["no constraints", "not a CA", "no usage", "may not sign certificates", "critical", "constrained", "bare"],
)
def test_t36_a_certificate_that_is_no_ca_issues_nothing(place: Installation, extensions: Sequence[Extension]) -> None:
    """T36: also one with a critical extension that is not understood."""
    key = ec.generate_private_key(ec.SECP256R1())
    mine = issued_by(place, extensions, key=key)
    refuse(place.trust(), place.register(mine), "does not lead to a trust anchor")
    above = build(name("CA"), key, name("CA"), extensions=extensions, key=key)
    assert find_paths(mine, [above]) == (), "nor where nobody has sorted out who is a CA"


def test_who_signed_itself_and_is_no_ca_is_no_anchor(place: Installation) -> None:
    """A gateway with nothing else in its folder trusts nobody, and says so."""
    place.anchor(build(SUBJECT, SUBJECT_KEY, SUBJECT, extensions=[(USAGE, True)]), "user")
    assert not place.trust().has_anchor()
    place.authority()
    assert place.trust().has_anchor()


def test_an_extension_that_is_not_critical_may_be_passed_over(place: Installation) -> None:
    assert accepted(place.trust(), place.register(issued_by(place, [*GOOD_CA, (UNKNOWN, False)])))


def test_a_users_certificate_with_an_unknown_critical_extension_is_not_trusted(place: Installation) -> None:
    root = place.authority()
    mine = build(root.certificate.subject, root.private_key, SUBJECT, extensions=[(USAGE, True), (UNKNOWN, True)])
    refuse(place.trust(), place.register(mine), "to a trust anchor .it has a critical extension that is not understood")


def test_t36_an_end_entity_issues_nothing(place: Installation) -> None:
    """T36: a user's certificate among the anchors makes nobody else's good."""
    root, key = place.authority(), ec.generate_private_key(ec.SECP256R1())
    user = build(root.certificate.subject, root.private_key, name("User"), extensions=[(USAGE, True)], key=key)
    place.anchor(user, "user")
    mine = build(name("User"), key, SUBJECT, extensions=[(USAGE, True)])
    refuse(place.trust(), place.register(mine), "does not lead to a trust anchor")


@pytest.mark.parametrize(
    ("key", "good"),
    [
        (ec.generate_private_key(ec.SECP384R1()), True),
        (rsa.generate_private_key(65537, 2048), True),
        (rsa.generate_private_key(65537, 1024), False),
        (ec.generate_private_key(ec.SECP192R1()), False),
        (ec.generate_private_key(ec.SECP256K1()), False),
    ],
    ids=["P-384", "RSA 2048", "RSA 1024", "P-192", "secp256k1"],
)
def test_t38_weak_keys_and_odd_curves(place: Installation, key: CertificateIssuerPrivateKeyTypes, good: bool) -> None:
    """T38."""
    mine = place.register(issued_by(place, GOOD_CA, key=key))
    if good:
        assert accepted(place.trust(), mine)
    else:
        refuse(place.trust(), mine, "does not lead to a trust anchor")


@pytest.mark.parametrize(("digest", "good"), [(SHA384(), True), (SHA512(), True), (SHA224(), False)])
def test_t38_weak_digests(place: Installation, digest: Digest, good: bool) -> None:
    """T38: the allow-list has the SHA-2 family from 256 bits; SHA-1 and MD5 are not on it either."""
    mine = place.register(issued_by(place, GOOD_CA, digest=digest))
    if good:
        assert accepted(place.trust(), mine)
    else:
        refuse(place.trust(), mine, "does not lead to a trust anchor")


def test_a_chain_goes_by_intermediates(place: Installation) -> None:
    """Root, policy CA, issuing CA, user; without any one of them there is no chain."""
    root = place.authority("Root")
    policy = place.authority("Policy", parent=root)
    issuing = place.authority("Issuing", parent=policy)
    mine, trust = place.issue(issuing), place.trust()
    assert accepted(trust, mine)
    for gone in ("Root", "Policy", "Issuing"):
        path = place.folder / "anchors" / f"{gone}.pem"
        data = path.read_bytes()
        path.unlink()
        refuse(trust, mine, "does not lead to a trust anchor")
        path.write_bytes(data)
    assert accepted(trust, mine)


@pytest.mark.parametrize(("length", "good"), [(0, False), (1, True)])
def test_t36_path_too_long(place: Installation, length: int, good: bool) -> None:
    """T36: the root's path length counts the CAs between it and the user."""
    root = place.authority("Root", path_length=length)
    below = place.authority("Below", parent=root)
    assert accepted(place.trust(), place.issue(root))
    if good:
        assert accepted(place.trust(), place.issue(below))
    else:
        refuse(place.trust(), place.issue(below), "does not lead to a trust anchor")


def test_t36_no_path_is_endless(place: Installation) -> None:
    """T36: nor longer than six CAs, whatever the root allows."""
    authority = place.authority("CA0")
    for number in range(1, 7):
        assert accepted(place.trust(), place.issue(authority))
        authority = place.authority(f"CA{number}", parent=authority)
    refuse(place.trust(), place.issue(authority), "does not lead to a trust anchor")


def test_cas_that_certify_each_other_end_nowhere(place: Installation) -> None:
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    for number in range(2):
        other = 1 - number
        cross = build(name(f"X{other}"), keys[other], name(f"X{number}"), extensions=GOOD_CA, key=keys[number])
        place.anchor(cross, f"X{number}")
    mine = build(name("X0"), keys[0], SUBJECT, extensions=[(USAGE, True)])
    refuse(place.trust(), place.register(mine), "to a trust anchor .none leads on from its issuer, CN=X0")


def test_a_ca_is_looked_at_for_its_own_time(place: Installation) -> None:
    """T33 for CAs; a renewed CA certificate over the same key and name takes the old one's place."""
    key = ec.generate_private_key(ec.SECP256R1())
    old = build(name("CA"), key, name("CA"), extensions=GOOD_CA, key=key, end=NOW - timedelta(days=1))
    place.anchor(old, "old")
    mine = place.register(build(name("CA"), key, SUBJECT, extensions=[(USAGE, True)]))
    trust = place.trust()
    refuse(trust, mine, "a CA above it has expired")
    assert accepted(trust, mine, NOW - timedelta(days=2))
    place.anchor(build(name("CA"), key, name("CA"), extensions=GOOD_CA, key=key, begin=NOW), "new")
    assert accepted(trust, mine)
    assert accepted(trust, mine, NOW - timedelta(days=2))
    refuse(trust, mine, "a CA above it is not yet valid|a CA above it has expired", NOW - timedelta(hours=1))


def _named(*organisations: str) -> x509.DirectoryName:
    kind = x509.NameOID.ORGANIZATIONAL_UNIT_NAME
    return x509.DirectoryName(x509.Name([x509.NameAttribute(kind, text) for text in organisations]))


DNS = x509.SubjectAlternativeName([x509.DNSName("meters.example")])


@pytest.mark.parametrize("critical", [True, False])
@pytest.mark.parametrize(
    ("permitted", "excluded", "more", "holds"),
    [
        ([_named("87")], None, [], True),
        ([_named("88")], None, [], False),
        ([_named("88"), _named("87")], None, [], True),
        (None, [_named("87")], [], False),
        (None, [_named("88")], [], True),
        ([_named("87", "more")], None, [], False),
        ([x509.DNSName("example")], None, [], True),
        ([x509.DNSName("example")], None, [(DNS, False)], False),
        ([_named("87")], None, [(DNS, False)], True),
    ],
)
def test_t36_name_constraints_of_an_authority_hold_critical_or_not(
    place: Installation,
    critical: bool,
    permitted: list[x509.GeneralName] | None,
    excluded: list[x509.GeneralName] | None,
    more: list[Extension],
    holds: bool,
) -> None:
    """An intermediate that may only name some users names no others."""
    root = place.authority()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "I1")])
    key = ec.generate_private_key(ec.SECP256R1())
    constraints = x509.NameConstraints(permitted, excluded)
    extensions: list[Extension] = [
        (x509.BasicConstraints(True, 0), True), (CA_USAGE, True), (constraints, critical),
    ]  # fmt: skip
    between = build(root.certificate.subject, root.private_key, name, extensions=extensions, key=key)
    place.anchor(between, "i1")
    reference = place.register(build(name, key, SUBJECT, extensions=[(USAGE, True), *more]))
    if holds:
        assert accepted(place.trust(), reference)
    else:
        refuse(place.trust(), reference, "to a trust anchor .a CA above it may not give that name, by its name constr")


@pytest.mark.parametrize(("unit", "holds"), [("87", True), ("99", False)])
def test_t36_name_constraints_bind_the_authorities_below_too(place: Installation, unit: str, holds: bool) -> None:
    """T36: an authority that may only name OU 87 makes none of another name, whatever that one then names."""
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    below = _named(unit, "below").value
    constrained: list[Extension] = [*GOOD_CA, (x509.NameConstraints([_named("87")], None), True)]
    place.anchor(build(name("CA"), keys[0], name("CA"), extensions=constrained, key=keys[0]), "CA")
    place.anchor(build(name("CA"), keys[0], below, extensions=GOOD_CA, key=keys[1]), "below")
    mine = place.register(build(below, keys[1], SUBJECT, extensions=[(USAGE, True)]))
    if holds:
        assert accepted(place.trust(), mine)
    else:
        refuse(place.trust(), mine, "to a trust anchor .a CA above it may not give that name, by its name constraints")


def test_t36_what_cannot_be_read_of_a_certificate_leads_nowhere(place: Installation) -> None:
    """T36: an extension that is none, in the certificate itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    above = build(name("CA"), key, name("CA"), extensions=GOOD_CA, key=key)
    good = build(name("CA"), key, SUBJECT, extensions=[(USAGE, True)])
    odd = x509.UnrecognizedExtension(ExtensionOID.SUBJECT_ALTERNATIVE_NAME, b"\x05\x01x")
    assert find_paths(good, [above]) == ((above,),)
    assert find_paths(build(name("CA"), key, SUBJECT, extensions=[(odd, False)]), [above]) == ()
