"""What a proven sender may do: roles, status, devices, URLs, variants, versions, and identities used before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from lxml import etree

from duis_gateway.duis.identifiers import RequestId, parse_eui
from duis_gateway.flow import evidence as messages
from duis_gateway.operations.pruning import Pruning
from duis_gateway.parties import store as parties
from duis_gateway.parties.records import PartyStatus
from duis_gateway.rollout.hubs import store as hubs
from tests.support.independent import sign
from tests.support.installation import wait_until
from tests.support.play import NOW, Group, Outcome, Play
from tests.support.published import published_requests, published_schema
from tests.support.wire_client import Answer, only

CHECKED_FIRST = True
pytestmark = pytest.mark.processes

ELSEWHERE = "90-B3-D5-1F-30-00-00-03"
PUBLISHED_DEVICE = "00-DB-12-34-56-78-90-A2"
PUBLISHED_ORIGINATORS = ("90-B3-D5-1F-30-01-00-00", "90-B3-D5-1F-30-00-00-02")


@contextmanager
def suspended(play: Play, name: str) -> Iterator[None]:
    """A party is suspended while the block lasts."""
    for status in (PartyStatus.SUSPENDED, PartyStatus.ACTIVE):
        with play.installation.store.write() as conn:
            assert parties.set_status(conn, parse_eui(play[name].eui), status)
        if status is PartyStatus.SUSPENDED:
            yield


def ask_everything(play: Play, supplier: str) -> list[Answer]:
    """Send each Service Request that is served."""
    hub = play.lot["own"][0]
    return [
        play.read_inventory(supplier, hub),
        play.pilot_list(supplier, [hub]),
        play.pilot_schedule(supplier, Group("G", [hub])),
    ]


def test_a_supplier_without_a_role_gets_e1(play: Play) -> None:
    assert [answer.code for answer in ask_everything(play, "roleless")] == ["E1"] * 3


def test_a_suspended_supplier_gets_e3_and_still_hears_of_its_hubs(play: Play) -> None:
    assert [answer.code for answer in ask_everything(play, "suspended")] == ["E3"] * 3
    hub = play.lot["suspended"][0]
    csp = "north" if play.lot.of_csp("north", (hub,)) else "south"
    play.responded(csp, Outcome(hub))
    assert [one.kind for one in play.received("suspended")] == ["N64"]


def test_a_suspended_supplier_is_served_again_once_it_is_active(play: Play) -> None:
    with suspended(play, "main"):
        first = play.read_inventory("main", play.lot["own"][0])
        assert first.code == "E3"
    play.check_repeat(first)
    assert play.read_inventory("main", play.lot["own"][0]).code == "I0"


def test_the_other_command_variants_get_e12(play: Play) -> None:
    for variant in (1, 2, 3, 4, 5, 6, 7, 9):
        assert play.read_inventory("main", play.lot["own"][0], variant=variant).code == "E12"


@pytest.mark.parametrize("service", ["serviceS", "serviceT"])
def test_e13_on_the_other_urls_does_not_use_up_the_request_id(play: Play, service: str) -> None:
    """The URL is not signed: anybody could send a request there before its sender does."""
    play.announce()
    play.forget()
    assert play.pilot_list("main", play.lot["own"], door=service).code == "E13"
    assert play.repeat().code == "E13"
    assert not any(play.everything().values())
    answer = play.repeat("serviceD")
    assert answer.code == "I99"
    assert len(play.received("dcc")) == 1
    assert play.repeat(service).document == answer.document, "it is known by now"


def test_another_target_than_this_gateway_gets_e19(play: Play) -> None:
    document = play.reading("main", play.lot["own"][0], target=ELSEWHERE)
    assert play.send("main", document).code == "E19"


def test_refusals_use_up_their_request_id(play: Play) -> None:
    """Every signed answer is stored, E13 excepted."""
    for variant, code in ((1, "E12"), (8, "I0")):
        first = play.read_inventory("main", play.lot["own"][0], variant=variant)
        assert first.code == code
        play.check_repeat(first, "soap", "serviceD")


def test_a_used_request_id_with_other_content_is_refused(play: Play) -> None:
    """T40: through either door, whatever the first answer was; what stood stays."""
    first = play.read_inventory("main", play.lot["own"][0])
    signed = play.sent
    request_id = only(etree.fromstring(signed.signed), "RequestID")
    other = play.reading("main", play.lot["own"][1], request_id=request_id)
    for door in ("serviceD", "serviceS"):
        answer = play.send("main", other, door)
        assert (answer.status, answer.problem("stage")) == (409, "known")
    fault = play.send("main", other, "soap")
    assert fault.status == 500
    assert b"Client</faultcode>" in fault.body
    assert b">409<" in fault.body
    audited = b'"event": "identity_reused"'
    wait_until(lambda: log_lines(play, request_id, audited) >= 3, "each is in the audit log")
    assert log_lines(play, request_id, audited) == 3, "once"
    play.sent = signed
    assert play.repeat().document == first.document


def log_lines(play: Play, *words: str | bytes) -> int:
    """Return how many lines of the gateway's log have all these words."""
    wanted = [word.encode() if isinstance(word, str) else word for word in words]
    return sum(all(word in line for word in wanted) for line in play.installation.log.read_bytes().splitlines())


def test_a_signature_made_anew_over_the_same_content_is_the_same_request(play: Play) -> None:
    """T28: identity is the proven content, not the signature's bytes."""
    document = play.reading("main", play.lot["own"][0])
    first = play.send("main", document)
    again = play["main"].client.post("/api/v1/serviceD", sign(document, play["main"].identity))
    assert again.document == first.document
    spaced = document.replace(b' schemaVersion="6.0">', b'   schemaVersion="6.0"  >')
    same = play["main"].client.post("/api/v1/serviceD", sign(spaced, play["main"].identity))
    assert same.document == first.document, "the canonical form is the same"


def test_a_used_message_id_with_other_content_is_refused(play: Play) -> None:
    """T40, on the partners' doors."""
    for door, name in (("esi", "dcc"), ("csp", "north")):
        first = play.announce() if name == "dcc" else play.responded("north", Outcome(play.lot["own"][0]))
        sent = play.sent
        answer = play.send(name, sent.unsigned.replace(b"9002", b"9009"), door)
        assert (answer.status, answer.problem("stage")) == (409, "known")
        play.sent = sent
        play.check_repeat(first)


def test_message_ids_are_each_senders_own(play: Play) -> None:
    hub = {csp: play.lot.of_csp(csp, play.lot["own"])[0] for csp in ("north", "south")}
    first = play.responded("north", Outcome(hub["north"]))
    message_id = only(etree.fromstring(play.sent.signed), "MessageID")
    sent = play.sent
    play.responded("south", Outcome(hub["south"]))
    other = play.sent.unsigned.replace(
        only(etree.fromstring(play.sent.signed), "MessageID").encode(), message_id.encode()
    )
    assert play.send("south", other, "csp").code == "Accepted"
    play.sent = sent
    play.check_repeat(first)


@pytest.mark.parametrize("counter", [1 << 63, (1 << 64) - 1])
def test_counters_up_to_2_64(play: Play, counter: int) -> None:
    """T43."""
    for supplier in ("idle", "main"):
        request_id = f"{play[supplier].eui}:90-B3-D5-1F-30-00-00-02:{counter - play.lot.number}"
        first = play.send(supplier, play.reading(supplier, play.lot["on54"][0], request_id=request_id))
        assert (first.code, only(first.root, "RequestID")) == ("E4", request_id)
        play.check_repeat(first)


@pytest.mark.parametrize("counter", ["0", str(1 << 64), "007", "-1", "1 2", "+1", "1.0", ""])
def test_counters_that_are_none(play: Play, counter: str) -> None:
    """T43."""
    request_id = f"{play['main'].eui}:90-B3-D5-1F-30-00-00-02:{counter}"
    answer = play.send("main", play.reading("main", play.lot["own"][0], request_id=request_id))
    assert answer.status == 400


def test_a_csp_and_dcc_that_are_suspended_are_refused_and_still_told(play: Play) -> None:
    with suspended(play, "north"):
        answer = play.default_list("north", "North", play.lot["own"][:1])
        assert (answer.status, answer.problem("stage")) == (403, "authorise")
        assert play.announce().code == "Accepted"
        assert [one.kind for one in play.received("north")] == ["FirmwareReleaseNotice"]
    assert play.repeat().code == "Accepted"
    with suspended(play, "dcc"):
        assert play.announce(revision=2).status == 403
    assert play.repeat().code == "Accepted", "a refusal before authorisation uses nothing up"


def test_nobody_uses_anothers_door(play: Play) -> None:
    """T37: a supplier is no CSP, a CSP no DCC, and neither is a supplier."""
    play.responded("north", Outcome(play.lot["own"][0]))
    fresh = play.sent.unsigned.replace(play["north"].eui.encode(), play["main"].eui.encode())
    answer = play.send("main", fresh, "csp")
    assert (answer.status, answer.problem("stage")) == (403, "authorise")
    nonsense = fresh.replace(b"</Body>", b"<Nonsense></Nonsense></Body>")
    assert play.send("main", nonsense, "csp").status == 403, "who may speak is known before the schema is asked"
    play.announce()
    stolen = play.sent.unsigned.replace(play["dcc"].eui.encode(), play["north"].eui.encode())
    assert play.send("north", stolen, "esi").status == 403
    asking = play.reading("on54", play.lot["own"][0], request_id=play.new_request_id("north"))
    assert play.send("north", asking).code == "E1"


def test_a_message_of_another_interface_is_not_valid(play: Play) -> None:
    play.announce()
    assert play.send("dcc", play.sent.unsigned, "csp").status == 400
    assert play.send("main", play.reading("main", play.lot["own"][0]), "csp").status == 400


def test_a_body_that_the_interface_knows_and_nobody_may_send_in_is_refused(play: Play) -> None:
    """What only goes out is valid by the schema, and is not taken."""
    play.responded("north", Outcome(play.lot["own"][0]))
    head = play.sent.signed[: play.sent.signed.index(b"<Body>")].decode()
    head = head.replace(only(etree.fromstring(play.sent.signed), "MessageID"), play.installation.message_id())
    body = (
        f"<Body><PreferredPilotList><FirmwareReleaseID>R</FirmwareReleaseID><FirmwareVersion>9002</FirmwareVersion>"
        f"<SupplierID>{play['main'].eui}</SupplierID></PreferredPilotList></Body></Message>"
    )
    answer = play.send("north", (head + body).encode(), "csp")
    assert (answer.code, only(answer.root, "Code")) == ("Refused", "NotServed")


def test_valid_duis_that_is_not_served_gets_e2_and_8_2_is_served(play: Play) -> None:
    """DUIS as published, as real adapters send it; answers are valid by the published schema."""
    own = play.installation.hub(play.lot["on54"][0])
    with play.installation.store.write() as conn:
        hubs.upsert(conn, [replace(own, device_id=parse_eui(PUBLISHED_DEVICE))])
    seen = {}
    for path in published_requests():
        counter = play.installation.request_id("on54").rpartition(":")[2]
        document = path.read_bytes()
        for originator in PUBLISHED_ORIGINATORS:
            theirs, ours = (f"<sr:RequestID>{eui}:".encode() for eui in (originator, play["on54"].eui))
            document = document.replace(theirs, ours)
        document = document.replace(b":1000</sr:RequestID>", f":{counter}</sr:RequestID>".encode())
        cut = document.index(b"<ds:Signature"), document.rindex(b"</ds:Signature>") + len(b"</ds:Signature>")
        answer = play.send("on54", document[: cut[0]] + document[cut[1] :])
        reference = only(answer.root, "ServiceReference")
        seen[reference] = answer.code
        published_schema().assertValid(etree.fromstring(answer.document))
        play.check_repeat(answer, "soap")
    assert seen == {"11.1": "E2", "11.2": "E2", "11.3": "E2", "8.4": "E2", "8.2": "I0"}


def test_a_repeat_after_pruning_gets_the_same_answer(play: Play) -> None:
    """T39: the bytes of what was received may go, identities and answers never; nothing is done a second time."""
    play.announce()
    first = play.pilot_list("main", play.lot["own"])
    assert first.code == "I99"
    play.installation.settle()
    pruned = Pruning(play.installation.store, timedelta(days=1), NOW + timedelta(days=400)).run()
    assert pruned.evidence >= 2
    play.forget()
    play.check_repeat(first, "soap", "serviceD")
    assert not any(play.everything().values())


def test_what_was_answered_is_kept_with_its_evidence(play: Play) -> None:
    play.read_inventory("main", play.lot["own"][0])
    identity = RequestId.parse(only(etree.fromstring(play.sent.signed), "RequestID"))
    with play.installation.store.read() as conn:
        assert messages.evidence_of(conn, identity) == play.sent.signed
