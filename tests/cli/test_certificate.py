"""`certificate`: whose signatures are trusted."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID

from duis_gateway.pki.signing import read_certificate_file
from tests.support.cli import OTHER_SUPPLIER, SUPPLIER, Installation, done, refused
from tests.support.signing import UNSIGNED


def listed(installation: Installation, *more: object) -> list[dict[str, Any]]:
    words = ("certificate", "list", "--format", "json", *more, *installation.config)
    found: list[dict[str, Any]] = json.loads(done(*words))
    return found


def test_a_certificate_is_added_to_the_party_it_bears(installation: Installation) -> None:
    """T38: old and new certificates of one party stand beside each other."""
    installation.add_supplier(SUPPLIER)
    _, old = installation.make_certificate(SUPPLIER)
    old = old.rename(old.with_name("old.pem"))
    shutil.move(installation.pki / "90B3D51F30010000-87.key", installation.pki / "old.key")
    _, new = installation.make_certificate(SUPPLIER)
    done("certificate", "add", old, *installation.config)
    done("certificate", "add", new, "--trusted", *installation.config)
    assert {one["trusted"] for one in listed(installation, "--party", SUPPLIER)} == {False, True}
    assert listed(installation, "--party", OTHER_SUPPLIER) == []


def test_a_certificate_is_revoked_by_its_serial(installation: Installation) -> None:
    installation.add_supplier(SUPPLIER)
    _, file = installation.make_certificate(SUPPLIER)
    done("certificate", "add", file, *installation.config)
    serial = read_certificate_file(file).serial
    assert "no certificate" in refused(1, "certificate", "revoke", "1234", *installation.config)
    assert "no certificate" in refused(
        1, "certificate", "revoke", serial_text(serial), "--issuer", "CN=Other", *installation.config
    )
    done("certificate", "revoke", hex(serial), "--issuer", "OU=07, CN=Z1", *installation.config)
    revoked = listed(installation)[0]["revoked_at"]
    assert revoked
    done("certificate", "revoke", serial_text(serial), *installation.config)
    assert listed(installation)[0]["revoked_at"] == revoked, "a later revocation must not move the time"


def serial_text(serial: int) -> str:
    return str(serial)


def test_what_is_no_certificate_of_a_party_is_refused(installation: Installation, tmp_path: Path) -> None:
    _, file = installation.make_certificate(SUPPLIER)
    assert "which is not registered" in refused(1, "certificate", "add", file, *installation.config)
    installation.add_supplier(SUPPLIER)
    done("certificate", "add", file, *installation.config)
    assert "is registered already" in refused(1, "certificate", "add", file, *installation.config)
    ca = installation.pki / "ca.pem"
    assert "x500UniqueIdentifier" in refused(2, "certificate", "add", ca, *installation.config)
    text = tmp_path / "text.pem"
    text.write_text("hello", encoding="utf-8")
    assert "not a certificate" in refused(2, "certificate", "add", text, *installation.config)
    assert "is not a serial number" in refused(2, "certificate", "revoke", "12-34", *installation.config)


def test_a_key_is_never_written_over(installation: Installation, tmp_path: Path) -> None:
    key, _ = installation.make_certificate(SUPPLIER)
    before = key.read_bytes()
    make = ("certificate", "make", SUPPLIER, "--pki", installation.pki)
    assert "already exists" in refused(2, *make)
    assert key.read_bytes() == before
    done(*make, "--out", tmp_path / "elsewhere")
    assert (tmp_path / "elsewhere" / key.name).exists()


def test_a_folder_without_an_authority_is_named(tmp_path: Path) -> None:
    said = refused(2, "certificate", "make", SUPPLIER, "--pki", tmp_path)
    assert said == f"{tmp_path / 'ca.pem'}: No such file or directory"


def made_by_openssl(folder: Path, kind: str, *more: x509.NameAttribute[bytes]) -> tuple[Path, Path]:
    """Return key and certificate as `openssl req -x509 -subj "/CN=Z1/OU=87"` makes them: the certificate is a CA's."""
    key = ec.generate_private_key(ec.SECP256R1()) if kind == "P-256" else rsa.generate_private_key(65537, 2048)
    name = x509.Name([*x509.Name.from_rfc4514_string("OU=87,CN=Z1"), *more])
    begin = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 5, begin, begin + timedelta(days=30))
    made = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(key, SHA256())
    (folder / "k.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (folder / "c.pem").write_bytes(made.public_bytes(Encoding.PEM))
    return folder / "k.pem", folder / "c.pem"


@pytest.mark.parametrize("kind", ["P-256", "RSA"])
def test_each_thing_that_is_wrong_with_a_certificate_is_said_and_only_what_helps_there(
    installation: Installation, tmp_path: Path, kind: str
) -> None:
    """A folder to trust helps whoever is to believe a certificate, and nobody who gives a certificate of his own."""
    key, made = made_by_openssl(tmp_path, kind)
    document = tmp_path / "document.xml"
    document.write_bytes(UNSIGNED)
    add = ("party", "add", SUPPLIER, "--kind", "supplier", "--role", "IS", "--url", "http://127.0.0.1:1/")
    own = (
        refused(2, "sign", document, "--key", key, "--certificate", made),
        refused(2, *add, "--certificate", made, *installation.config),
        refused(2, "certificate", "add", made, *installation.config),
    )
    told = "the certificate does not have exactly one x500UniqueIdentifier, which holds the EUI-64; docs/how-to/keys.md"
    first = "" if kind == "P-256" else "the key of the certificate is not on the curve P-256; "
    assert all(f"{made}: {first}{told} has the openssl commands" in said for said in own), own
    assert not any("trust a folder" in said for said in own), own
    believed = refused(2, "verify", document, "--trust", made)
    assert f"{first}{told}" in believed
    assert believed.endswith("as it belongs to a CA: trust a folder with it and the certificates that it issued")


def test_a_certificate_that_may_not_sign_is_refused_when_it_is_registered(
    installation: Installation, tmp_path: Path
) -> None:
    """Before, it was registered, and each message refused that was signed with it: openssl makes CAs' by default."""
    eui = x509.NameAttribute(NameOID.X500_UNIQUE_IDENTIFIER, b"\0" + SUPPLIER.to_bytes(8, "big"), _ASN1Type.BitString)
    _, made = made_by_openssl(tmp_path, "P-256", eui)
    add = ("party", "add", SUPPLIER, "--kind", "supplier", "--role", "IS", "--url", "http://127.0.0.1:1/")
    told = f"{made}: whatever it signs would be refused, as it belongs to a CA or its key usage has no digitalSignature"
    assert told in refused(2, *add, "--certificate", made, *installation.config)
    installation.add_supplier(SUPPLIER)
    assert told in refused(2, "certificate", "add", made, "--trusted", *installation.config)
    assert listed(installation) == []
