"""Who signed: every way in which a signature does not prove the originator, on all three doors (401)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from duis_gateway.parties import certificates
from duis_gateway.pki.make import make_authority, make_crl
from tests.support import independent
from tests.support.independent import Identity, sign
from tests.support.installation import NOW, Installation
from tests.support.play import Play, playing, when
from tests.support.wire_client import Answer, fill, texts

pytestmark = pytest.mark.processes

Issue = Callable[[Installation, str, str], Identity]


@pytest.fixture
def play(on_sqlite: Installation) -> Iterator[Play]:
    """The parties on one kind of database: which one makes no difference here."""
    with playing(on_sqlite) as play:
        yield play


def refused(play: Play, answer: Answer, reason: str) -> None:
    """The refusal says which check failed, and nothing has happened."""
    assert answer.status == 401, answer.body[:1000]
    assert reason in answer.problem("detail")
    assert answer.problem("stage") == "verify"
    assert answer.headers["www-authenticate"].startswith("XMLDSig")
    assert not any(play.everything().values())


def post(play: Play, identity: Identity) -> Answer:
    """Post an 8.2 that this identity has signed."""
    return play["main"].client.post("/api/v1/serviceD", sign(play.reading("main", play.lot["own"][0]), identity))


def _stem(name: str, play: Play) -> str:
    return f"{name}-{play.lot.number}"


def test_what_the_gateway_signs_stands_up_to_an_independent_implementation(play: Play) -> None:
    """Answers through both doors, an acknowledgement, an alert and a partner's message."""
    plain = play.read_inventory("main", play.lot["own"][0])
    over_soap = play.read_inventory("main", play.lot["own"][0], door="soap")
    told = play.announce()
    play.default_list("north", "North", play.lot["own"][:1])
    delivered = [one.raw for name in ("main", "north") for one in play.received(name)]
    assert delivered
    for document in (plain.document, over_soap.document, told.document, *delivered):
        independent.prove(document, play.installation.own)


def test_a_tampered_request(play: Play) -> None:
    """T32, and its RequestID is not used up."""
    document = play.reading("main", play.lot["own"][0])
    signed = sign(document, play["main"].identity)
    tampered = signed.replace(play.lot["own"][0].encode(), play.lot["own"][1].encode())
    refused(play, play["main"].client.post("/api/v1/serviceD", tampered), "digest")
    reformatted = signed.replace(b"<sr:Body>\n", b"<sr:Body>\n\n")
    refused(play, play["main"].client.post("/api/v1/serviceD", reformatted), "digest")
    assert play["main"].client.post("/api/v1/serviceD", signed).code == "I0"


@pytest.mark.parametrize("issuer", ["CN=Z1, OU=07", "cn=Z1,ou=07", "  CN = Z1 ,  OU = 07 "])
def test_issuers_are_compared_as_names(play: Play, issuer: str) -> None:
    assert post(play, replace(play["main"].identity, issuer=issuer)).code == "I0"


def test_a_certificate_in_the_last_second_of_its_time(play: Play) -> None:
    """T33; and T38: old and new certificates of one party are good side by side."""
    made = play.installation.certificate(play["main"].eui, "87", _stem("last-second", play), not_after=NOW)
    play.installation.register(made)
    assert post(play, play.installation.identity(play["main"].eui, made)).code == "I0"
    assert post(play, play["main"].identity).code == "I0"


def test_a_certificate_that_the_operator_revoked(play: Play) -> None:
    """T34: it takes effect at once, with the gateway running."""
    made = play.installation.certificate(play["main"].eui, "87", _stem("revoked", play))
    registered = play.installation.register(made)
    identity = play.installation.identity(play["main"].eui, made)
    assert post(play, identity).code == "I0"
    with play.installation.store.write() as conn:
        certificates.revoke(conn, registered.issuer_key, registered.serial, NOW)
    refused(play, post(play, identity), "revoked")


def test_a_certificate_on_a_revocation_list(play: Play, tmp_path: Path) -> None:
    """T34: the list is read when it appears, with the gateway running."""
    installation = play.installation
    name = _stem("Z-revoking", play)
    authority = make_authority(
        installation.pki, name, stem=name, not_before=datetime(2020, 1, 1, tzinfo=UTC), not_after=NOW.replace(year=2040)
    )
    good, bad = (
        installation.certificate(play["main"].eui, "87", f"{name}-{which}", authority=authority)
        for which in ("good", "bad")
    )
    for made in (good, bad):
        installation.register(made)
    assert post(play, installation.identity(play["main"].eui, bad)).code == "I0"
    crl = make_crl(authority, [bad.certificate.serial_number], NOW + timedelta(days=30))
    (installation.pki / "crls" / f"{name}.crl").write_bytes(crl)
    refused(play, post(play, installation.identity(play["main"].eui, bad)), "revoked")
    assert post(play, installation.identity(play["main"].eui, good)).code == "I0"
    stale = tmp_path / "stale.crl"
    stale.write_bytes(make_crl(authority, [], NOW - timedelta(days=1)))
    stale.replace(installation.pki / "crls" / f"{name}.crl")  # what takes another's place is noticed at once
    refused(play, post(play, installation.identity(play["main"].eui, good)), "out of date")


def test_a_certificate_whose_ca_is_unknown_is_good_only_if_trusted_itself(play: Play, tmp_path: Path) -> None:
    """T36; test sets exist without their CA."""
    installation = play.installation
    authority = make_authority(tmp_path, _stem("Elsewhere", play), not_before=NOW.replace(year=2020))
    made = [
        installation.certificate(play["main"].eui, "87", _stem(f"elsewhere-{which}", play), authority=authority)
        for which in ("untrusted", "trusted")
    ]
    for one, trusted in zip(made, (False, True), strict=True):
        installation.register(one, trusted=trusted)
    untrusted, trusted_ = (installation.identity(play["main"].eui, one) for one in made)
    refused(play, post(play, untrusted), "trust anchor")
    assert post(play, trusted_).code == "I0"


@pytest.mark.requirement("PIA-4")
@pytest.mark.parametrize(("path", "name"), [("/csp-mgmt-gw/v1/messages", "north"), ("/esi/v1/messages", "dcc")])
def test_the_partners_doors_ask_for_the_same_proof(play: Play, path: str, name: str) -> None:
    """T31, T32, T37."""
    actor, other = play[name], play["south"]
    asked = play.requested(name, play.lot["own"][:1], named=False) if name == "north" else play.announce()
    assert asked.code == "Accepted"
    signed, unsigned = play.sent.signed, play.sent.unsigned
    play.forget()
    refused(play, actor.client.post(path, unsigned), "no signature")
    refused(play, actor.client.post(path, signed.replace(b"9002", b"9009")), "digest")
    refused(play, actor.client.post(path, sign(unsigned, other.identity)), "another party")


def test_a_soap_request_gets_a_fault_that_says_the_same(play: Play) -> None:
    unsigned = play["main"].client.post_soap(play.reading("main", play.lot["own"][0]).partition(b"-->\n")[2])
    assert unsigned.status == 500
    assert b"Client</faultcode>" in unsigned.body
    assert b"no signature" in unsigned.body
    assert b">401<" in unsigned.body


def test_a_csp_may_sign_with_its_wan_provider_certificate(play: Play) -> None:
    made = play.installation.certificate(play["north"].eui, "06", _stem("wan", play))
    play.installation.register(made)
    document = fill(
        "csp_mgmt_gw/ActivateFirmwareRequests.xml",
        message_id=play.installation.message_id(),
        sender=play["north"].eui,
        created_at=when(NOW),
        release="",
        firmware="9002",
        devices=play.lot.of_csp("north", play.lot["own"])[0],
        issued_at=when(NOW),
    )
    identity = play.installation.identity(play["north"].eui, made)
    answer = play["north"].client.post("/csp-mgmt-gw/v1/messages", sign(document, identity))
    assert answer.code == "Accepted"
    assert texts(answer.root, "RefusedItem") == []
