"""`certificate`: whose signatures are trusted."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from duis_gateway.pki.signing import read_certificate_file
from tests.support.cli import OTHER_SUPPLIER, SUPPLIER, Installation, done, refused


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
