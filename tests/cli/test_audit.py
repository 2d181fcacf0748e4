"""`audit export`, `verify` and `checkpoint`: what they say, and how they end."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from duis_gateway.audit.sealing import seal_all, sign_if_due
from duis_gateway.config.settings import load_config
from duis_gateway.config.signing_key import SigningKeyFile
from duis_gateway.duis.identifiers import RequestId
from duis_gateway.flow import evidence
from duis_gateway.store.engine import Store
from tests.support.cli import GATEWAY, SUPPLIER, Installation, done, refused, run
from tests.support.estate import NOW
from tests.support.outbox import enqueue, messages

pytestmark = pytest.mark.requirement("EX-16")


def received(installation: Installation, counter: int) -> None:
    store = Store.open(f"sqlite:///{installation.folder / 'gateway.db'}")
    with store.write() as conn:
        evidence.record(conn, RequestId(SUPPLIER, GATEWAY, counter), "xml", "SR8.2", "I0", NOW, b"d", b"<r/>", b"<a/>")
    enqueue(store, *messages(2))
    seal_all(store)
    sign_if_due(store, SigningKeyFile(load_config(installation.folder / "gateway.toml", {}))(), every=0.0)
    store.close()


@pytest.fixture
def used(installation: Installation) -> Installation:
    """A database with two entries, a checkpoint after each of two lots."""
    received(installation, 1)
    return installation


def tamper(installation: Installation, statement: str) -> None:
    with sqlite3.connect(installation.folder / "gateway.db") as database:
        database.execute(statement)
    database.close()


def certificate(installation: Installation) -> Path:
    return load_config(installation.folder / "gateway.toml", {}).signing.certificate


def test_a_whole_log_is_said_to_be_so(used: Installation) -> None:
    said = done("audit", "verify", *used.config).splitlines()
    assert said[0].split() == ["entries:", "2"]
    assert "checkpoints verified:           1" in said
    assert any(line.startswith("covered by a checkpoint:") and "up to entry 2, at 20" in line for line in said)
    assert "compared with stored messages:  3" in said


def test_an_export_is_verified_elsewhere_by_the_certificate_alone(used: Installation, tmp_path: Path) -> None:
    export = tmp_path / "log.jsonl"
    done("audit", "export", export, *used.config)
    assert export.stat().st_mode & 0o777 == 0o600
    assert "entries:                  2" in done("audit", "verify", export, "--trust", certificate(used))
    assert done("audit", "export", "-", *used.config) == export.read_text(encoding="utf-8")
    assert "already exists" in refused(2, "audit", "export", export, *used.config)
    export.write_text(export.read_text(encoding="utf-8").replace('"I0"', '"E4"'), encoding="utf-8")
    ran = run("audit", "verify", export, "--trust", certificate(used))
    assert ran.code == 1
    assert "entry 1: its link does not cover its content and the entry before it" in ran.output
    assert ran.error.endswith("the audit log is not intact: 1 finding\n")


def test_what_was_changed_in_the_database_is_named(used: Installation) -> None:
    tamper(used, "UPDATE service_request_evidence SET answer = 'x'")
    ran = run("audit", "verify", *used.config)
    assert ran.code == 1
    assert ran.output.splitlines()[0] == (
        "entry 1: the Service Request 90-B3-D5-1F-30-01-00-00:90-B3-D5-1F-30-00-00-02:1 "
        "is stored with a different answer"
    )


def test_a_checkpoint_that_was_kept_finds_what_was_replaced_whole(used: Installation, tmp_path: Path) -> None:
    kept = tmp_path / "kept.xml"
    done("audit", "checkpoint", "--out", kept, *used.config)
    assert done("audit", "checkpoint", *used.config).encode() == kept.read_bytes()
    assert done("verify", kept, "--trust", certificate(used))  # a document as any other that the gateway signs
    said = done("audit", "verify", "--checkpoint", kept, "--checkpoint", kept, *used.config)
    assert "checkpoints verified:           1\n" in said, "that of the log, which is the one that was kept"
    for table in ("audit_checkpoint", "audit_entry", "service_request_evidence", "service_request", "outbox"):
        tamper(used, f"DELETE FROM {table}")
    received(used, 2)
    done("audit", "verify", *used.config)
    ran = run("audit", "verify", "--checkpoint", kept, *used.config)
    assert ran.code == 1
    assert f"the checkpoint {kept}: entry 2 had another link when it was signed" in ran.output


def test_the_key_of_somebody_else_proves_nothing(used: Installation) -> None:
    _, other = used.make_certificate(SUPPLIER)
    ran = run("audit", "verify", "--trust", other, *used.config)
    assert ran.code == 1
    assert "which is not among those trusted here" in ran.output


def test_a_log_that_nothing_covers_is_whole_and_said_to_prove_nothing(installation: Installation) -> None:
    assert "there is no checkpoint yet" in refused(1, "audit", "checkpoint", *installation.config)
    ran = run("audit", "verify", *installation.config)
    assert ran.code == 0
    assert "no checkpoint covers any of it" in ran.error


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is not an export of an audit log"),
        ("<xml/>\n", "does not begin with the line"),
        ("\ufeff{}\n", "but with a byte-order mark: something has saved it anew"),
    ],
)
def test_another_file_is_said_to_be_none(used: Installation, tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "other"
    file.write_text(content, encoding="utf-8")
    assert said in refused(2, "audit", "verify", file, "--trust", certificate(used))
