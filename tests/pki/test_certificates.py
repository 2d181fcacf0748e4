"""SMKI-shaped certificates: reading them, making them, and the key that goes with one."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from duis_gateway.envelope.signature import sign
from duis_gateway.pki.certificates import CertificateUnusable, read_certificate
from duis_gateway.pki.chains import find_paths, is_authority
from duis_gateway.pki.files import read_certificates, read_crls
from duis_gateway.pki.make import load_authority, make_authority, make_certificate, make_crl
from duis_gateway.pki.revocation import read_lists
from duis_gateway.pki.signing import load_signing_key, read_certificate_file
from tests.support.signing import UNSIGNED, check

EUI = 0x90B3D51F30010000


def unique(octets: bytes) -> x509.NameAttribute[bytes]:
    """Return an x500UniqueIdentifier: a BIT STRING whose first octet is the number of unused bits."""
    return x509.NameAttribute(NameOID.X500_UNIQUE_IDENTIFIER, octets, _ASN1Type.BitString)


UNIQUE = unique(b"\0" + EUI.to_bytes(8, "big"))
OU = x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "87")
CN = x509.NameAttribute(NameOID.COMMON_NAME, "GITTESTSUPPLIER")


needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl program here")


def certificate(
    *subject: x509.NameAttribute[str] | x509.NameAttribute[bytes], key: CertificateIssuerPrivateKeyTypes | None = None
) -> bytes:
    """Return a self-signed certificate with this subject, in DER."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    name, begin = x509.Name(subject), datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 5, begin, begin + timedelta(days=1))
    return builder.sign(key, SHA256()).public_bytes(Encoding.DER)


def test_what_is_made_is_read(tmp_path: Path) -> None:
    begin, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    authority = make_authority(tmp_path, "Z1")
    made = make_certificate(authority, EUI, "87", tmp_path, not_before=begin, not_after=end)
    read = read_certificate_file(made.certificate_path)
    assert (read.eui, read.role, read.issuer, read.may_sign) == (EUI, "87", "CN=Z1,OU=07", True)
    assert (read.not_before, read.not_after) == (begin, end)
    assert read.serial == made.certificate.serial_number
    assert read.serial.bit_length() == 128
    assert read.der == made.certificate.public_bytes(Encoding.DER)
    assert read_certificate(read.der) == read


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_a_serial_number_is_positive() -> None:
    """RFC 5280, 4.1.2.2; it names the certificate, together with the issuer."""
    good = certificate(OU, UNIQUE)
    first, none = (good.replace(b"\x02\x01\x02\x02\x01\x05", b"\x02\x01\x02\x02\x01" + bytes([n]), 1) for n in (1, 0))
    assert read_certificate(first).serial == 1
    with pytest.raises(CertificateUnusable, match="serial number of the certificate is not positive"):
        read_certificate(none)


def test_who_has_no_key_usage_may_not_sign() -> None:
    assert not read_certificate(certificate(OU, UNIQUE)).may_sign


def test_a_role_is_text() -> None:
    with pytest.raises(CertificateUnusable):
        read_certificate(certificate(OU, UNIQUE).replace(b"\x0c\x0287", b"\x03\x02\x007"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is empty"),
        (b" \n", "it is empty"),
        (b"some text", "neither PEM nor DER"),
        (b"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n", "not a certificate: "),
    ],
)
def test_what_is_no_certificate_is_told_why(content: bytes, said: str) -> None:
    with pytest.raises(CertificateUnusable, match=said) as refusal:
        read_certificate(content)
    assert ("neither PEM nor DER" in str(refusal.value)) == (content == b"some text")


@pytest.mark.may_skip_in_ci("a second opinion of a program that is no dependency")
@needs_openssl
def test_the_eui_is_a_bit_string_as_smki_has_it(tmp_path: Path) -> None:
    """Facts section 4: attribute 2.5.4.45, DER `03 09 00` and the eight octets; as another program sees it, too."""
    made = make_certificate(make_authority(tmp_path), EUI, "87", tmp_path)
    expected = bytes.fromhex("0603 55042D 030900 90B3D51F30010000")
    assert expected in made.certificate.subject.public_bytes()
    printed = subprocess.run(
        ["openssl", "x509", "-in", str(made.certificate_path), "-noout", "-subject", "-nameopt", "RFC2253"],
        capture_output=True, check=True, text=True,
    )  # fmt: skip
    assert "#03090090B3D51F30010000,OU=87" in printed.stdout.strip()


def test_the_profile_of_what_is_made(tmp_path: Path) -> None:
    """P-256, ecdsa-with-SHA256, key usage critical and digitalSignature alone, the policy critical."""
    made = make_certificate(make_authority(tmp_path), EUI, "87", tmp_path, common_name="GITTESTSUPPLIER").certificate
    assert [attribute.oid for attribute in made.subject] == [CN.oid, OU.oid, UNIQUE.oid]
    usage = made.extensions.get_extension_for_class(x509.KeyUsage)
    policies = made.extensions.get_extension_for_class(x509.CertificatePolicies)
    assert usage.critical
    assert usage.value.digital_signature
    assert not usage.value.key_agreement
    assert not usage.value.key_cert_sign
    assert policies.critical
    assert made.signature_hash_algorithm is not None
    assert made.signature_hash_algorithm.name == "sha256"


def test_made_keys_are_for_their_owner_alone_and_never_overwritten(tmp_path: Path) -> None:
    authority = make_authority(tmp_path)
    made = make_certificate(authority, EUI, "87", tmp_path)
    assert made.key_path.name == "90B3D51F30010000-87.key"
    assert made.key_path.stat().st_mode & 0o777 == 0o600
    assert b"BEGIN PRIVATE KEY" in made.key_path.read_bytes()
    before = made.key_path.read_bytes()
    with pytest.raises(FileExistsError):
        make_certificate(authority, EUI, "87", tmp_path)
    assert made.key_path.read_bytes() == before


def test_an_authority_can_be_loaded_again(tmp_path: Path) -> None:
    authority = make_authority(tmp_path)
    again = load_authority(tmp_path)
    assert again.certificate == authority.certificate
    with pytest.raises(CertificateUnusable, match=r"x500UniqueIdentifier.*; docs/how-to/keys\.md has .* can be used$"):
        read_certificate(authority.certificate.public_bytes(Encoding.DER))
    made = make_certificate(again, EUI, "87", tmp_path).certificate
    made.verify_directly_issued_by(authority.certificate)
    (tmp_path / "ca.key").write_bytes((tmp_path / "90B3D51F30010000-87.key").read_bytes())
    with pytest.raises(CertificateUnusable, match="does not fit"):
        load_authority(tmp_path)
    (tmp_path / "ca.key").unlink()
    with pytest.raises(CertificateUnusable, match=r"ca\.key"):
        load_authority(tmp_path)


@pytest.mark.may_skip_in_ci("a second opinion of a program that is no dependency")
@needs_openssl
def test_a_revocation_list_is_another_programs_too(tmp_path: Path) -> None:
    authority = make_authority(tmp_path)
    (tmp_path / "list.pem").write_bytes(make_crl(authority, [2**127 + 1], datetime.now(UTC) + timedelta(days=1)))
    done = subprocess.run(
        ["openssl", "crl", "-in", str(tmp_path / "list.pem"), "-CAfile", str(tmp_path / "ca.pem"), "-noout", "-text"],
        capture_output=True, check=True, text=True,
    )  # fmt: skip
    assert "80000000000000000000000000000001" in done.stdout
    assert "verify OK" in done.stderr


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**64 - 1))
def test_every_eui_comes_back(eui: int) -> None:
    assert read_certificate(certificate(OU, unique(b"\0" + eui.to_bytes(8, "big")))).eui == eui


def test_pem_and_der_are_the_same() -> None:
    der = certificate(CN, OU, UNIQUE)
    pem = x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)
    assert read_certificate(b"text before\n" + pem) == read_certificate(der)


@pytest.mark.parametrize("ou", ["87", "89", "7F", "7f", "137"])
def test_the_role_is_the_ou_as_text(ou: str) -> None:
    """Facts section 4: one old certificate has `137`, which is no pair of hexadecimal digits; it can be read."""
    attribute = x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, ou)
    assert read_certificate(certificate(attribute, UNIQUE)).role == ou.upper()


@pytest.mark.parametrize(
    ("subject", "why"),
    [
        ((CN, OU), "x500UniqueIdentifier"),
        ((OU, UNIQUE, UNIQUE), "x500UniqueIdentifier"),
        ((CN, UNIQUE), "OU"),
        ((OU, OU, UNIQUE), "OU"),
        ((OU, x509.NameAttribute(NameOID.X500_UNIQUE_IDENTIFIER, "90B3D51F30010000")), "BIT STRING"),
        (
            (OU, x509.NameAttribute(NameOID.X500_UNIQUE_IDENTIFIER, b"\0" + b"\1" * 7, _ASN1Type.BitString)),
            "BIT STRING",
        ),
        (
            (OU, x509.NameAttribute(NameOID.X500_UNIQUE_IDENTIFIER, b"\0" + b"\1" * 9, _ASN1Type.BitString)),
            "BIT STRING",
        ),
        (
            (OU, x509.NameAttribute(NameOID.X500_UNIQUE_IDENTIFIER, b"\1" * 8 + b"\0", _ASN1Type.BitString)),
            "BIT STRING",
        ),
    ],
)
def test_another_shape_of_subject_is_refused(
    subject: tuple[x509.NameAttribute[str] | x509.NameAttribute[bytes], ...], why: str
) -> None:
    with pytest.raises(CertificateUnusable, match=why):
        read_certificate(certificate(*subject))


@pytest.mark.parametrize("key", [ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048)])
def test_t38_another_kind_of_key_is_refused(key: CertificateIssuerPrivateKeyTypes) -> None:
    """T38: P-256 only."""
    with pytest.raises(CertificateUnusable, match="P-256"):
        read_certificate(certificate(OU, UNIQUE, key=key))


@pytest.mark.parametrize(
    "data", [b"", b"x", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", b"0" * 99]
)
def test_what_is_no_certificate_is_refused(data: bytes) -> None:
    with pytest.raises(CertificateUnusable, match="not a certificate"):
        read_certificate(data)


@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_a_spoiled_certificate_is_read_or_refused(data: st.DataObject) -> None:
    """Whatever an operator registers, reading it ends in a certificate or a clear refusal."""
    position = data.draw(st.integers(0, len(SPOILED) - 1))
    spoiled = SPOILED[:position] + data.draw(st.binary(min_size=1, max_size=2)) + SPOILED[position + 1 :]
    try:
        read_certificate(spoiled)
    except CertificateUnusable as error:
        assert str(error)  # noqa: PT017 - the point is that no other error comes


SPOILED = certificate(CN, OU, UNIQUE)


@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_a_spoiled_file_in_a_folder_ends_nothing(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    """What can be loaded at all can be used in a chain and as a list, or does not count; no message fails by it."""
    folder = tmp_path_factory.mktemp("folder")
    for name, octets in (("a.der", AUTHORITY), ("b.crl", LIST)):
        position = data.draw(st.integers(0, len(octets) - 1))
        spoiled = octets[:position] + data.draw(st.binary(min_size=1, max_size=2)) + octets[position + 1 :]
        (folder / name).write_bytes(spoiled)
    (folder / "lists").mkdir()
    (folder / "b.crl").rename(folder / "lists" / "b.crl")
    try:
        authorities = [each for each in read_certificates(folder) if is_authority(each)]
        lists = read_lists(read_crls(folder / "lists"), authorities)
    except CertificateUnusable:
        return
    assert len(find_paths(authorities[0], authorities) if authorities else ()) <= 1
    assert sum(map(len, lists.values())) <= 1


def _authority_and_list() -> tuple[bytes, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        authority = make_authority(Path(folder))
        crl = make_crl(authority, [5], datetime.now(UTC) + timedelta(days=1))
    return authority.certificate.public_bytes(Encoding.DER), x509.load_pem_x509_crl(crl).public_bytes(Encoding.DER)


AUTHORITY, LIST = _authority_and_list()


def test_a_key_and_its_certificate_sign(tmp_path: Path) -> None:
    made = make_certificate(make_authority(tmp_path), EUI, "87", tmp_path)
    key, read = load_signing_key(made.key_path, made.certificate_path)
    assert (key.issuer, key.serial) == ("CN=Z1,OU=07", read.serial)
    assert check(sign(UNSIGNED, key), read.public_key).signer.serial == read.serial


@pytest.mark.parametrize("form", [PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8])
@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
def test_key_files_made_elsewhere_work(tmp_path: Path, form: PrivateFormat, encoding: Encoding) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    (tmp_path / "k").write_bytes(private.private_bytes(encoding, form, NoEncryption()))
    (tmp_path / "c").write_bytes(certificate(OU, UNIQUE, key=private))
    key, _ = load_signing_key(tmp_path / "k", tmp_path / "c")
    assert key.private_key.public_key() == private.public_key()


def test_a_wrong_file_is_named(tmp_path: Path) -> None:
    """Each error says which file, and what about it."""
    authority = make_authority(tmp_path)
    one, two = (make_certificate(authority, EUI + number, "87", tmp_path) for number in range(2))
    with pytest.raises(CertificateUnusable, match=rf"{one.key_path.name}: the key does not fit the certificate"):
        load_signing_key(one.key_path, two.certificate_path)
    with pytest.raises(CertificateUnusable, match="missing: No such file"):
        load_signing_key(tmp_path / "missing", one.certificate_path)
    with pytest.raises(CertificateUnusable, match="missing: No such file"):
        load_signing_key(one.key_path, tmp_path / "missing")
    with pytest.raises(CertificateUnusable, match=rf"{one.certificate_path.name}: not a private key"):
        load_signing_key(one.certificate_path, one.certificate_path)
    with pytest.raises(CertificateUnusable, match=rf"{one.key_path.name}: not a certificate"):
        load_signing_key(one.key_path, one.key_path)
    private = ec.generate_private_key(ec.SECP256R1())
    locked = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x"))
    (tmp_path / "locked").write_bytes(locked)
    with pytest.raises(CertificateUnusable, match="locked: the key is protected by a passphrase"):
        load_signing_key(tmp_path / "locked", one.certificate_path)
    other = ec.generate_private_key(ec.SECP384R1())
    (tmp_path / "curve").write_bytes(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(CertificateUnusable, match="curve: the key is not on the curve P-256"):
        load_signing_key(tmp_path / "curve", one.certificate_path)
