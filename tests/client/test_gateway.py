"""Sending: what is believed of an answer, what each refusal says to do, and patience. (The examples send for real.)"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.client import (
    Answer,
    CannotSend,
    Eui,
    Gateway,
    NoAnswer,
    NotListening,
    NotNow,
    NotProven,
    NotUnderstood,
    PreferredPilotList,
    ReadInventory,
    Refused,
    Serving,
    SetupWrong,
    Trust,
)
from duis_gateway.client.soap import into_envelope, signed_document
from duis_gateway.envelope.parse import parse_trusted
from duis_gateway.partners.messages import Acknowledgement, AcknowledgementStatus, PartnerBody
from duis_gateway.pki.make import make_authority, make_certificate
from duis_gateway.rollout.activations.records import RefusedItem
from tests.support.parties import AT, GATEWAY, SUPPLIER, Parties
from tests.support.ports import free_port

pytestmark = pytest.mark.requirement("EX-6")

HUB = Eui("00-DB-12-34-56-00-00-01")
EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
LIST = csp.DefaultPilotList("R9", "North", (1,))
Reply = tuple[int, bytes]


@pytest.fixture(scope="module")
def parties(tmp_path_factory: pytest.TempPathFactory) -> Parties:
    return Parties.make(tmp_path_factory.mktemp("pki"))


class Standin:
    """A gateway that answers as it is told, one reply for each request, the last one for ever."""

    def __init__(self, parties: Parties, *replies: Reply | Callable[[bytes], Reply], **options: Any) -> None:
        self.replies = list(replies)
        self.posted: list[tuple[str, str, bytes]] = []
        self._server = Serving(self._answer)
        self.gateway = Gateway(self._server.url, identity=parties.supplier, trust=parties.trust, **options)

    def __enter__(self) -> Standin:
        return self

    def __exit__(self, *_: object) -> None:
        self.gateway.close()
        self._server.close()

    def _answer(self, environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        raw = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        self.posted.append((environ["PATH_INFO"], environ["CONTENT_TYPE"], raw))
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        status, body = reply(raw) if callable(reply) else reply
        start(f"{status} x", [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
        return [body]


def response(parties: Parties, request_id: str, code: str = "I99", message: str = "") -> bytes:
    """A Service Response as the gateway signs it."""
    return parties.gateway.sign(
        '<sr:Response xmlns:sr="http://www.dccinterface.co.uk/ServiceUserGateway" schemaVersion="6.0"><sr:Header>'
        f"<sr:RequestID>{request_id}</sr:RequestID><sr:ResponseCode>{code}</sr:ResponseCode>"
        "<sr:ResponseDateTime>2026-11-21T08:30:00.000Z</sr:ResponseDateTime></sr:Header><sr:Body><sr:ResponseMessage>"
        "<sr:ServiceReference>11.5</sr:ServiceReference><sr:ServiceReferenceVariant>11.5</sr:ServiceReferenceVariant>"
        f"{message}</sr:ResponseMessage></sr:Body></sr:Response>".encode()
    )


def acknowledged(parties: Parties, message_id: str, *refused: RefusedItem) -> bytes:
    status = AcknowledgementStatus.PARTLY_ACCEPTED if refused else AcknowledgementStatus.ACCEPTED
    body = Acknowledgement(message_id, status, "Partly" if refused else "Accepted", "some", refused)
    return parties.gateway.sign_canonical(csp.INTERFACE.render_message("a-1", GATEWAY, AT, body))


def test_a_service_request_is_signed_posted_and_its_answer_read(parties: Parties) -> None:
    lists = f"<sr:DSPPilotListWarning><sr:InvalidDeviceIDList>{HUB}</sr:InvalidDeviceIDList></sr:DSPPilotListWarning>"
    journal: list[tuple[str, str, bytes]] = []
    with Standin(parties, (200, b""), counter=lambda: 77, journal=lambda *one: journal.append(one)) as standin:
        signed = response(parties, f"{SUPPLIER}:{GATEWAY}:77", "W110501", lists)
        standin.replies = [(200, signed)]
        answer = standin.gateway.send(PreferredPilotList("R-1", "9002", devices=[HUB]))
    assert (answer.code, answer.status, answer.accepted) == ("W110501", "PartlyAccepted", True)
    assert "the others are listed" in answer.meaning
    assert answer.warning == {"InvalidDeviceIDList": (HUB,)}
    assert (answer.raw, answer.document) == (signed, signed)
    assert answer.proven is not None
    assert answer.proven.signer.eui == GATEWAY
    [(path, media, sent)] = standin.posted
    assert (path, media) == ("/api/v1/serviceD", "application/xml")
    assert journal == [("sent", "SR11.5", sent), ("received", "RESPONSE", signed)]


def test_over_soap_the_same_document_goes_in_an_envelope(parties: Parties) -> None:
    def envelope(raw: bytes) -> Reply:
        assert raw == into_envelope(signed_document(raw))
        named = signed_document(raw).partition(b"RequestID>")[2].partition(b"<")[0].decode()
        inner = response(parties, named, "E110503")
        return 200, b"<e:Envelope xmlns:e='x'><e:ServiceResponse>%b</e:ServiceResponse></e:Envelope>" % inner

    with Standin(parties, envelope, soap=True) as standin:
        answer = standin.gateway.send(ReadInventory(HUB))
    assert (answer.code, answer.status, answer.accepted) == ("E110503", "Refused", False)
    assert answer.raw != answer.document
    [(path, media, _)] = standin.posted
    assert (path, media) == ("/soap", "text/xml; charset=utf-8")


@pytest.mark.parametrize(
    ("body", "path"),
    [(LIST, "/csp-mgmt-gw/v1/messages"), (esi.Closure("R", AT), "/esi/v1/messages")],
)
def test_a_partners_message_goes_to_the_door_of_its_interface(parties: Parties, body: Any, path: str) -> None:
    item = RefusedItem("00-DB", "unknown")
    with Standin(parties, (200, b"")) as standin:
        prepared = standin.gateway.prepare(body, identity="m-1")
        standin.replies = [(200, acknowledged(parties, "m-1", item))]
        answer = standin.gateway.post(prepared)
        assert standin.gateway.post(prepared) == answer
    assert (answer.code, answer.status, answer.meaning, answer.refused) == ("Partly", "PartlyAccepted", "some", (item,))
    assert [one[0] for one in standin.posted] == [path, path]
    assert standin.posted[0] == standin.posted[1], "a repeat is the same bytes"


def test_what_somebody_else_wrote_can_be_signed_and_sent_too(parties: Parties) -> None:
    with Standin(parties, (200, b"")) as standin:
        gateway = standin.gateway
        wrapped = gateway.sign(gateway.wrap(csp_element(), message_id="m-2"))
        assert (wrapped.kind, wrapped.id, wrapped.door) == ("DefaultPilotList", "m-2", "csp")
        assert parties.other.sign(wrapped.document) != wrapped.document
        request = gateway.sign((EXAMPLES / "duis-8.2-request.xml").read_bytes())
        assert (request.kind, request.door) == ("SR8.2", "serviceD")
        for wrong, reason in [(b"<x/>", "neither a DUIS Request"), (b"<", "well-formed")]:
            with pytest.raises(CannotSend, match=reason):
                gateway.sign(wrong)
        with pytest.raises(CannotSend, match="is not a body"):
            gateway.send(Acknowledged())
        with pytest.raises(CannotSend, match="1 to 50000 hubs"):
            gateway.send(csp.DefaultPilotList("R", "North", ()))
    assert standin.posted == []


def csp_element() -> Any:
    return parse_trusted(csp.render_body(LIST))


class Acknowledged(PartnerBody):
    """A body that no interface has."""


WRONG_ANSWERS: dict[str, tuple[Callable[[Parties, str], bytes], type[Exception], str]] = {
    "garbage": (lambda _p, _id: b"\0garbage", NotProven, "well-formed|UTF-8"),
    "unsigned": (lambda p, i: acknowledged(p, i).partition(b"<ds:")[0] + b"</Message>", NotProven, "no signature"),
    "tampered": (lambda p, i: acknowledged(p, i).replace(b"some", b"none"), NotProven, "digest differs"),
    "a supplier's": (lambda p, i: p.other.sign(acknowledged(p, i)), NotProven, "wrong kind"),
    "to another message": (lambda p, _i: acknowledged(p, "m-9"), NotProven, "'m-9'"),
    "no answer": (
        lambda p, _i: p.gateway.sign_canonical(csp.INTERFACE.render_message("a", GATEWAY, AT, LIST)),
        NotUnderstood,
        "neither a Response nor an Acknowledgement",
    ),
    "of no interface": (lambda p, _i: p.gateway.sign(b"<x/>"), NotUnderstood, "neither"),
}


@pytest.mark.parametrize("name", WRONG_ANSWERS)
def test_an_answer_that_proves_nothing_is_never_taken_for_one(parties: Parties, name: str) -> None:
    make, kind, reason = WRONG_ANSWERS[name]
    with Standin(parties, (200, make(parties, "m-1"))) as standin, pytest.raises(kind, match=reason):
        standin.gateway.post(standin.gateway.prepare(LIST, identity="m-1"))


@pytest.mark.parametrize(
    ("status", "example", "kind", "said", "to_do"),
    [
        (400, "problem-400.xml", Refused, "FirmwareVersion: value has to be", "under a new identity"),
        (401, "problem-401.xml", Refused, "digest differs", "registered with the gateway"),
        (500, "soap-fault.xml", Refused, "HTTP 401: digest differs", "registered with the gateway"),
        (503, "problem-503.xml", NotNow, "nearly full", "a little later"),
    ],
)
def test_a_refusal_says_what_is_wrong_and_what_to_do(
    parties: Parties, status: int, example: str, kind: type[Refused], said: str, to_do: str
) -> None:
    body = (EXAMPLES / example).read_bytes()
    with Standin(parties, (status, body)) as standin, pytest.raises(kind) as caught:
        standin.gateway.send(LIST)
    assert type(caught.value) is kind
    assert said in str(caught.value)
    assert to_do in str(caught.value)
    assert caught.value.problem.body == body


@pytest.mark.parametrize("page", [b"<html>Bad  Gateway\n<p>nginx", b"<html><body>it works</body></html>"])
def test_a_proxys_own_page_is_told_in_words_and_kept(parties: Parties, page: bytes) -> None:
    with Standin(parties, (502, page)) as standin, pytest.raises(NotNow) as caught:
        standin.gateway.send(LIST)
    assert "HTTP 502: what came is a web server's or a proxy's page, not a gateway's answer" in str(caught.value)
    assert "<" not in str(caught.value)
    assert caught.value.problem.body == page
    with Standin(parties, (404, b"")) as standin, pytest.raises(Refused, match="check the gateway's URL"):
        standin.gateway.send(LIST)
    with Standin(parties, (204, b"")) as standin, pytest.raises(Refused, match=r"a gateway's 200.*check its URL"):
        standin.gateway.send(LIST)


def test_of_several_gateways_the_trusted_one_has_to_be_named(tmp_path: Path) -> None:
    """And where nobody signs for DCC, that is said."""
    authority = make_authority(tmp_path)
    with pytest.raises(SetupWrong, match=r"no trusted certificate may sign for DCC .* .add the gateway's"):
        _ = Trust.folder(tmp_path).gateway
    for eui in (0x90B3D51F30000002, 0x90B3D51F3000000A):
        make_certificate(authority, eui, "89", tmp_path, stem=f"{eui:X}")
    with pytest.raises(SetupWrong, match=r"DCC: 90-.*-02, 90-.*-0A .*trust the file with the gateway's certificate"):
        _ = Trust.folder(tmp_path).gateway
    assert str(Trust.load(tmp_path / "90B3D51F30000002.pem").gateway) == "90-B3-D5-1F-30-00-00-02"


@pytest.mark.parametrize("number", ["9" * 5000, "four hundred", "", "-"])
def test_no_number_in_a_refusal_is_believed_to_be_one(parties: Parties, number: str) -> None:
    """The status of HTTP stands where the document's cannot be read."""
    body = re.sub(rb"(?<=<status>)[^<]*|(?<=<line>)[^<]*", number.encode(), (EXAMPLES / "problem-400.xml").read_bytes())
    with Standin(parties, (400, body)) as standin, pytest.raises(Refused) as caught:
        standin.gateway.send(LIST)
    assert caught.value.status == 400
    assert [one.line for one in caught.value.problem.findings] == [None]


def test_with_patience_the_same_bytes_are_posted_until_they_are_taken(parties: Parties) -> None:
    """F02: a repeat is byte for byte the same."""
    with Standin(parties, (503, b""), (500, b""), (200, b"")) as standin:
        prepared = standin.gateway.prepare(LIST, identity="m-1")
        standin.replies[2] = (200, acknowledged(parties, "m-1"))
        assert standin.gateway.post(prepared, patience=30).status == "Accepted"
        assert len({one[2] for one in standin.posted}) == 1
        assert len(standin.posted) == 3
        standin.replies = [(400, b"")]
        with pytest.raises(Refused):
            standin.gateway.post(prepared, patience=30)
        assert len(standin.posted) == 4, "what is refused is not tried again"


def test_closing_ends_all_patience(parties: Parties) -> None:
    with Standin(parties, (503, b"")) as standin:
        failed: list[Exception] = []

        def send() -> None:
            try:
                standin.gateway.send(LIST, patience=600)
            except NotNow as error:
                failed.append(error)

        thread = threading.Thread(target=send)
        thread.start()
        standin.gateway.close()
        thread.join(20)
        assert failed


def test_nobody_there_is_said_so(parties: Parties) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    gateway = Gateway(url, identity=parties.supplier, trust=parties.trust)
    with pytest.raises(NotListening, match=r"could not be reached.*check the gateway's URL"):
        gateway.send(LIST)


@contextmanager
def raw_server(*replies: bytes) -> Iterator[str]:
    """A server that answers each request of one connection with these bytes, whatever they are, and then closes it."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            for reply in replies:
                got = b""
                while b"</Message>" not in got:
                    got += connection.recv(65536)
                connection.sendall(reply)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        thread.join(20)
        listening.close()


def test_informational_answers_are_passed_over_and_never_taken_for_the_next_messages(parties: Parties) -> None:
    """RFC 9110, 15.2: any number of 1xx may come before the answer."""
    hints = b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n"
    refusal = b"HTTP/1.1 503 Not now\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"
    signed = acknowledged(parties, "m-2")
    good = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(signed), signed)
    with raw_server(hints + refusal, hints + good) as url:
        gateway = Gateway(url, identity=parties.supplier, trust=parties.trust)
        with pytest.raises(NotNow) as caught:
            gateway.post(gateway.prepare(LIST, identity="m-1"))
        answer: Answer = gateway.post(gateway.prepare(LIST, identity="m-2"))
    assert (caught.value.status, caught.value.problem.retry_after) == (503, 7.0)
    assert answer.accepted


@pytest.mark.parametrize(
    "reply",
    [b"", b"\0\1 no HTTP\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\ncut", b"HTTP/1.1 103 Hints\r\n\r\n"],
    ids=["closed", "garbage", "cut", "hints only"],
)
def test_an_answer_that_breaks_off_is_none(parties: Parties, reply: bytes) -> None:
    with raw_server(reply) as url, pytest.raises(NoAnswer):
        Gateway(url, identity=parties.supplier, trust=parties.trust).send(LIST)
