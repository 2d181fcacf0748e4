"""`sign` and `verify`: single documents, by hand."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from duis_gateway.pki.make import load_authority, make_authority, make_certificate, make_crl
from tests.support.cli import GATEWAY, OTHER_SUPPLIER, SUPPLIER, Installation, done, refused, run

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
REQUEST = """<?xml version="1.0" encoding="UTF-8"?>
<sr:Request xmlns:sr="http://www.dccinterface.co.uk/ServiceUserGateway" xmlns:unused="urn:unused" schemaVersion="5.4">
  <sr:Header>
    <sr:RequestID>90-b3-d5-1f-30-01-00-00:90-B3-D5-1F-30-00-00-02:1000</sr:RequestID>
  </sr:Header>
</sr:Request>
"""


@pytest.fixture
def request_file(tmp_path: Path) -> Path:
    file = tmp_path / "request.xml"
    file.write_text(REQUEST, encoding="utf-8")
    return file


@pytest.fixture
def signed(installation: Installation, request_file: Path) -> Path:
    key, certificate = installation.make_certificate(SUPPLIER)
    out = request_file.with_name("signed.xml")
    done("sign", request_file, "--key", key, "--certificate", certificate, "--out", out)
    return out


def test_what_is_signed_verifies_and_says_by_whom(installation: Installation, signed: Path) -> None:
    said = done("verify", signed, "--trust", installation.pki)
    fields = dict(line.split(maxsplit=1) for line in said.splitlines())
    assert fields["signature:"] == "good"
    assert fields["signer:"] == fields["originator:"] == "90-B3-D5-1F-30-01-00-00"
    assert int(fields["serial:"]) > 0
    assert fields["issuer:"] == "CN=Z1,OU=07"


def test_the_signed_document_goes_to_standard_output_byte_for_byte(
    installation: Installation, request_file: Path, signed: Path
) -> None:
    key, certificate = signed_by(installation)
    ran = run("sign", request_file, "--key", key, "--certificate", certificate)
    assert ran.code == 0
    copy = signed.with_name("copy.xml")
    copy.write_bytes(ran.raw)
    done("verify", copy, "--trust", installation.pki)
    assert ran.raw.rpartition(b"<ds:Signature ")[0] == signed.read_bytes().rpartition(b"<ds:Signature ")[0]


def signed_by(installation: Installation, eui: str = "90B3D51F30010000") -> tuple[Path, Path]:
    return installation.pki / f"{eui}-87.key", installation.pki / f"{eui}-87.pem"


def test_a_signature_that_is_there_is_replaced(installation: Installation, signed: Path) -> None:
    key, certificate = signed_by(installation)
    done("sign", signed, "--key", key, "--certificate", certificate, "--out", signed)
    assert signed.read_bytes().count(b"<ds:SignatureValue>") == 1
    done("verify", signed, "--trust", installation.pki)


def test_the_proven_bytes_can_be_had(installation: Installation, signed: Path) -> None:
    out = signed.with_name("proven.xml")
    done("verify", signed, "--trust", installation.pki, "--out", out)
    assert b"Signature" not in out.read_bytes()
    assert b'xmlns:unused="urn:unused"' in out.read_bytes()


def test_a_changed_document_fails_by_its_digest(installation: Installation, signed: Path) -> None:
    """T32"""
    signed.write_bytes(signed.read_bytes().replace(b":1000<", b":1001<"))
    ran = run("verify", signed, "--trust", installation.pki)
    assert ran.code == 1
    assert "digest differs" in ran.error
    assert "90-B3-D5-1F-30-01-00-00" in ran.output, "the signer that the document names is still told"


def test_a_wrong_signature_value_is_named(installation: Installation, signed: Path) -> None:
    """T22"""
    before, mark, rest = signed.read_bytes().partition(b"<ds:SignatureValue>")
    signed.write_bytes(before + mark + b"A" * 86 + b"==" + rest[88:])
    assert "signature value wrong" in refused(1, "verify", signed, "--trust", installation.pki)


def test_no_signature_is_named(installation: Installation, request_file: Path) -> None:
    """T31"""
    assert "signature" in refused(1, "verify", request_file, "--trust", installation.pki)


def test_what_is_no_xml_is_named(installation: Installation, request_file: Path) -> None:
    request_file.write_text("<!DOCTYPE a><a/>", encoding="utf-8")
    assert "document type declaration" in refused(1, "verify", request_file, "--trust", installation.pki)
    key, certificate = installation.make_certificate(SUPPLIER)
    assert "document type declaration" in refused(2, "sign", request_file, "--key", key, "--certificate", certificate)


@pytest.mark.parametrize(("content", "said"), [(b"", "it is empty"), (b"\x30\x82nothing", "neither PEM nor DER")])
def test_a_trust_that_is_no_certificate_is_told_in_words(
    signed: Path, tmp_path: Path, content: bytes, said: str
) -> None:
    (tmp_path / "trust").mkdir()
    file = tmp_path / "trust" / "one.pem"
    file.write_bytes(content)
    for trust in (file, file.parent):
        assert refused(2, "verify", signed, "--trust", trust).endswith(f"{file}: not a certificate: {said}")


def test_an_unknown_certificate_is_named(signed: Path, tmp_path: Path) -> None:
    """T36"""
    (tmp_path / "empty").mkdir()
    said = refused(1, "verify", signed, "--trust", tmp_path / "empty")
    assert said.endswith("the certificate is unknown")


def test_a_certificate_without_its_authority_is_trusted_by_itself(
    installation: Installation, signed: Path, tmp_path: Path
) -> None:
    (tmp_path / "alone").mkdir()
    (tmp_path / "alone" / "supplier.pem").write_bytes(signed_by(installation)[1].read_bytes())
    done("verify", signed, "--trust", tmp_path / "alone")


def test_the_signers_certificate_alone_will_do(installation: Installation, signed: Path) -> None:
    _, another = installation.make_certificate(OTHER_SUPPLIER)
    done("verify", signed, "--trust", signed_by(installation)[1])
    assert "certificate" in refused(1, "verify", signed, "--trust", another)


def test_a_lookalike_of_the_authority_does_not_help(installation: Installation, signed: Path, tmp_path: Path) -> None:
    """T36: an authority of the same name that did not issue the certificate."""
    folder = tmp_path / "fooled"
    make_authority(folder)
    (folder / "supplier.pem").write_bytes(signed_by(installation)[1].read_bytes())
    assert "not trusted" in refused(1, "verify", signed, "--trust", folder)


def test_a_revoked_certificate_is_named(installation: Installation, signed: Path) -> None:
    """T34"""
    said = done("verify", signed, "--trust", installation.pki)
    serial = int(next(line.split()[1] for line in said.splitlines() if line.startswith("serial:")))
    crl = make_crl(load_authority(installation.pki), [serial], datetime.now(UTC) + timedelta(days=1))
    (installation.pki / "crls" / "authority.crl").write_bytes(crl)
    verify = ("verify", signed, "--trust", installation.pki, "--crls", installation.pki / "crls")
    assert refused(1, *verify).endswith("the certificate is revoked")


def test_the_time_to_judge_by_can_be_given(installation: Installation, signed: Path) -> None:
    """T33"""
    for at, word in (("2099-01-01T00:00:00Z", "has expired"), ("2001-01-01T00:00:00Z", "not yet valid")):
        assert word in refused(1, "verify", signed, "--trust", installation.pki, "--at", at)


def test_a_signer_who_is_not_the_originator_is_named(installation: Installation, request_file: Path) -> None:
    """T37: `sign` says so already, and `verify` refuses."""
    key, certificate = installation.make_certificate(OTHER_SUPPLIER)
    out = request_file.with_name("signed.xml")
    ran = run("sign", request_file, "--key", key, "--certificate", certificate, "--out", out)
    assert ran.code == 0
    assert "it will not be accepted" in ran.error
    assert "the signer is not the originator" in refused(1, "verify", out, "--trust", installation.pki)


def test_dcc_signs_service_responses_for_devices(installation: Installation, tmp_path: Path) -> None:
    """17a: a device's answer names the device, and DCC's Access Control has signed it (OU 89); nobody else may."""
    document = (EXAMPLES / "duis-8.2-response-I0.xml").read_bytes()
    device = re.sub(rb"(<sr:RequestID>[^:]*:)[^:]*", rb"\g<1>00-DB-12-34-56-78-90-A0", document, count=1)
    assert device != document
    for role, eui in (("89", GATEWAY), ("87", OTHER_SUPPLIER)):
        key, certificate = installation.make_certificate(eui, role)
        file, out = tmp_path / "in.xml", tmp_path / f"{role}.xml"
        file.write_bytes(device)
        run("sign", file, "--key", key, "--certificate", certificate, "--out", out)
    assert done("verify", tmp_path / "89.xml", "--trust", installation.pki)
    assert "the signer is not the originator" in refused(1, "verify", tmp_path / "87.xml", "--trust", installation.pki)


def test_nobody_signs_an_alert_in_the_gateways_name(installation: Installation, tmp_path: Path) -> None:
    """T37: DCC's own key, with a certificate like the gateway's (OU 89), does not either."""
    alert = (EXAMPLES / "duis-N64.xml").read_bytes()
    key, certificate = installation.make_certificate(OTHER_SUPPLIER, "89")
    file = tmp_path / "alert.xml"
    file.write_bytes(re.sub(rb"<ds:Signature.*</ds:Signature>", b"", alert, flags=re.DOTALL))
    run("sign", file, "--key", key, "--certificate", certificate, "--out", file)
    assert "the signer is not the originator" in refused(1, "verify", file, "--trust", installation.pki)


def test_a_document_of_no_kind_we_know_names_no_originator(installation: Installation, tmp_path: Path) -> None:
    key, certificate = installation.make_certificate(SUPPLIER)
    file = tmp_path / "other.xml"
    file.write_text("<other/>", encoding="utf-8")
    done("sign", file, "--key", key, "--certificate", certificate, "--out", file)
    assert "names no originator" in refused(1, "verify", file, "--trust", installation.pki)


@pytest.mark.parametrize(
    "header",
    ["<RequestID>{SUPPLIER}:{GATEWAY}:1</RequestID>", "<ResponseID>{GATEWAY}:{SUPPLIER}:1</ResponseID>"],
)
def test_answers_and_alerts_are_the_gateways(installation: Installation, tmp_path: Path, header: str) -> None:
    """An answer carries the request's RequestID, and is made by the one who was asked; an alert names its maker."""
    euis = {"SUPPLIER": "90-B3-D5-1F-30-01-00-00", "GATEWAY": "90-B3-D5-1F-30-00-00-02"}
    file = tmp_path / "answer.xml"
    namespace = "http://www.dccinterface.co.uk/ServiceUserGateway"
    file.write_text(
        f'<Response xmlns="{namespace}"><Header>{header.format(**euis)}</Header></Response>', encoding="utf-8"
    )
    key, certificate = installation.pki / "gateway.key", installation.pki / "gateway.pem"
    run("sign", file, "--key", key, "--certificate", certificate, "--out", file)
    assert "originator:  90-B3-D5-1F-30-00-00-02" in done("verify", file, "--trust", installation.pki)


def test_a_partners_message_is_its_senders(installation: Installation, tmp_path: Path) -> None:
    file = tmp_path / "message.xml"
    header = "<Header><MessageID>1</MessageID><SenderID>90-B3-D5-1F-30-01-00-00</SenderID></Header>"
    file.write_text(f'<Message xmlns="urn:csp-mgmt-gw:1">{header}</Message>', encoding="utf-8")
    key, certificate = installation.make_certificate(SUPPLIER)
    done("sign", file, "--key", key, "--certificate", certificate, "--out", file)
    done("verify", file, "--trust", installation.pki)


def test_a_key_of_another_certificate_is_refused(installation: Installation, request_file: Path) -> None:
    _, certificate = installation.make_certificate(SUPPLIER)
    other_key, _ = installation.make_certificate(OTHER_SUPPLIER)
    said = refused(2, "sign", request_file, "--key", other_key, "--certificate", certificate)
    assert "does not fit the certificate" in said


def test_a_certificate_made_elsewhere_with_der_files_works(request_file: Path, tmp_path: Path) -> None:
    """Key material that this project did not write: DER instead of PEM."""
    made = make_certificate(make_authority(tmp_path / "pki"), SUPPLIER, "87", tmp_path / "pki")
    folder = tmp_path / "der"
    folder.mkdir()
    (folder / "c.der").write_bytes(made.certificate.public_bytes(Encoding.DER))
    key = load_pem_private_key(made.key_path.read_bytes(), None)
    (folder / "k.bin").write_bytes(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))
    out = tmp_path / "signed.xml"
    done("sign", request_file, "--key", folder / "k.bin", "--certificate", folder / "c.der", "--out", out)
    done("verify", out, "--trust", folder)
