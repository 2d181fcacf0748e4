"""The examples of docs/interfaces.md are messages of the gateway as it is, and the page shows exactly these."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.doors.soap_envelope import cut_request, envelope_limits
from duis_gateway.duis.alerts.table import ALERTS
from duis_gateway.duis.service_requests.table import ELEMENT_CAPS, SERVED
from duis_gateway.envelope.parse import ShapeLimits, parse_document
from duis_gateway.envelope.schema import Schema
from duis_gateway.envelope.signature import Proven, SignerReference, verify
from duis_gateway.parties.certificate_records import RegisteredCertificate
from duis_gateway.pki.certificates import Certificate
from duis_gateway.pki.names import name_key
from duis_gateway.pki.signing import read_certificate_file
from duis_gateway.pki.trust import Trust
from schemas import schema_path
from tests.support import examples
from tests.support.examples_duis import AT, Example
from tests.support.examples_edges import plain_examples, soap_request, soap_response

MADE_ANEW = "`python -m tests.support.examples` makes the examples anew"
ROLES = frozenset({"06", "87", "89"})
SIGNED = examples.signed_examples()


@cache
def trust() -> Trust:
    """The trust in the certificates that lie with the examples."""
    registered = {}
    for stem in examples.SIGNERS:
        read = read_certificate_file(examples.PKI / f"{stem}.pem")
        key = (name_key(read.issuer), str(read.serial))
        registered[key] = RegisteredCertificate(read.eui, read.der, read.issuer_key, read.serial)
    return Trust(examples.PKI, None, False, lambda issuer, serial: registered.get((issuer, serial)))


def proven(document: bytes) -> tuple[Proven, int]:
    """What a signed document proves, and the EUI-64 of its signer."""
    signers: list[Certificate] = []

    def public_key_of(reference: SignerReference) -> EllipticCurvePublicKey:
        signers.append(trust().resolve(reference, AT, ROLES))
        return signers[0].public_key

    root = parse_document(document, ShapeLimits(), {})
    return verify(root, public_key_of), signers[0].eui


@cache
def schema(name: str) -> Schema:
    return Schema(schema_path(name))


def test_the_folder_has_exactly_the_examples() -> None:
    found = {path.name for path in examples.FOLDER.iterdir() if path.is_file()}
    assert found == examples.names(), MADE_ANEW


@pytest.mark.parametrize("example", SIGNED, ids=lambda one: one.name)
def test_a_signed_example_verifies_is_valid_and_is_what_the_gateway_renders(example: Example) -> None:
    document = (examples.FOLDER / f"{example.name}.xml").read_bytes()
    found, signer = proven(document)
    assert signer == examples.SIGNERS[example.signer][0]
    assert found.content == example.content, MADE_ANEW
    schema(example.schema).check(found.content)


def test_the_request_in_the_soap_example_verifies_by_itself() -> None:
    envelope = (examples.FOLDER / "soap-request.xml").read_bytes()
    cut = cut_request(envelope, envelope_limits(ShapeLimits(), ELEMENT_CAPS.values()))
    assert envelope == soap_request(cut)
    proven(cut)


def test_the_answer_in_the_soap_example_is_the_signed_one() -> None:
    signed = (examples.FOLDER / "duis-8.2-response-I0.xml").read_bytes()
    assert (examples.FOLDER / "soap-response.xml").read_bytes() == soap_response(signed), MADE_ANEW


def test_the_other_examples_are_what_the_doors_answer() -> None:
    found = {name: (examples.FOLDER / name).read_bytes() for name in plain_examples()}
    assert found == plain_examples(), MADE_ANEW


def test_the_page_shows_exactly_the_examples() -> None:
    page = examples.PAGE.read_text(encoding="utf-8")
    assert sorted(match["name"] for match in examples.BLOCK.finditer(page)) == sorted(examples.names())


def test_the_page_is_up_to_date() -> None:
    """The examples are shown as their files are, and what is not served yet is named."""
    page = examples.PAGE.read_text(encoding="utf-8")
    assert examples.filled(page) == page, MADE_ANEW


@pytest.mark.parametrize(
    ("prefix", "names"),
    [("csp", csp.DIRECTIONS), ("esi", esi.DIRECTIONS), ("duis", ALERTS)],
    ids=["csp", "esi", "duis"],
)
def test_every_message_has_an_example(prefix: str, names: Mapping[str, object]) -> None:
    shown = {one.name.removeprefix(f"{prefix}-").partition("-")[0] for one in SIGNED if one.name.startswith(prefix)}
    assert set(names) <= shown, "add it to tests/support and to docs/interfaces.md"


def test_every_service_request_served_has_a_request_and_an_answer() -> None:
    for reference in SERVED:
        shown = [one.name for one in SIGNED if one.name.startswith(f"duis-{reference}-")]
        assert any("request" in name for name in shown)
        assert any("response" in name for name in shown)
