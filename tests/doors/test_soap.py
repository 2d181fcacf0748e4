"""The SOAP door over real sockets, with zeep as the client and with envelopes written by hand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from zeep import xsd
from zeep.exceptions import Fault
from zeep.plugins import Plugin

from duis_gateway.doors.soap_envelope import LIKELY_CAUSE
from duis_gateway.envelope.signature import sign
from duis_gateway.errors import IdentityReused, NotDurable
from duis_gateway.flow.incoming import Door, Incoming
from duis_gateway.namespaces import SOAP_ENVELOPE, SOAP_SERVICE, sr
from tests.support.doors import ANSWER, SIZE, Doors, StandIn, audited, envelope, open_doors
from tests.support.signing import KEY, SIGNED, UNSIGNED, check

DOCS = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "use-soap-with-zeep.md"
SOAP_1_2 = b"http://www.w3.org/2003/05/soap-envelope"
XSI = b'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'


@pytest.fixture(scope="module")
def doors() -> Iterator[Doors]:
    with open_doors() as running:
        yield running


@pytest.fixture(scope="module")
def recipe() -> dict[str, Any]:
    """What the plugin of the guide to zeep defines."""
    names: dict[str, Any] = {}
    [plugin] = re.findall(r"signed_requests\.py <<'EOF'\n(.*?)^EOF$", DOCS.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    exec(plugin, names)
    return names


def test_zeep_submits_a_request_by_the_documented_recipe(doors: Doors, recipe: dict[str, Any]) -> None:
    """The request has a prefix that nothing in it uses, which only its own declarations carry."""
    response = recipe["submit"](f"{doors.url}/soap?wsdl", SIGNED)
    assert check(response).content == check(ANSWER).content
    assert doors.flow.taken[-1].door is Door.DUIS
    assert doors.flow.taken[-1].service_url == "soap"


def test_the_recipe_keeps_what_appending_to_the_envelope_loses(doors: Doors, recipe: dict[str, Any]) -> None:
    """Both ways are tried with a declaration that the envelope has too, as SOAP libraries put `xsi` there."""
    signed = sign(UNSIGNED.replace(b"xmlns:unused", XSI + b" xmlns:unused"), KEY)

    class Appending(Plugin):
        def egress(self, message: Any, http_headers: Any, operation: Any, binding_options: Any) -> Any:
            text = etree.tostring(message).replace(b"<soap-env:Envelope", b"<soap-env:Envelope " + XSI)
            message = etree.fromstring(text)
            next(message.iter(f"{{{SOAP_SERVICE}}}ServiceRequest")).append(etree.fromstring(signed))
            return message, http_headers

    with pytest.raises(Fault, match=r"digest differs.*namespace declaration"):
        recipe["Client"](f"{doors.url}/soap?wsdl", plugins=[Appending()]).service.SubmitServiceRequest(
            {"Request": xsd.SkipValue}
        )
    assert check(recipe["submit"](f"{doors.url}/soap?wsdl", signed)).content == check(ANSWER).content


def test_zeep_sees_a_fault_for_a_tampered_request(doors: Doors, recipe: dict[str, Any]) -> None:
    with pytest.raises(Fault) as caught:
        recipe["submit"](f"{doors.url}/soap?wsdl", SIGNED.replace(b"5.4", b"5.3"))
    assert caught.value.code.endswith(":Client")
    assert caught.value.detail.xpath("string(.//*[local-name()='status'])") == "401"


def test_the_flow_gets_the_request_exactly_as_sent_and_the_answer_comes_back_verbatim(doors: Doors) -> None:
    reply = doors.soap(envelope())
    assert (reply.status, reply.headers["content-type"]) == (200, "text/xml; charset=utf-8")
    assert doors.flow.taken[-1].body == SIGNED
    assert ANSWER in reply.body
    root = etree.fromstring(reply.body)
    way = [SOAP_ENVELOPE, SOAP_SERVICE, SOAP_SERVICE]
    names = ["Body", "SubmitServiceRequestResponse", "ServiceResponse"]
    path = "/".join(f"{{{ns}}}{name}" for ns, name in zip(way, names, strict=True))
    assert [found.tag for found in root.findall(f"{path}/*")] == [sr("Response")]


def test_an_answer_with_an_xml_declaration_is_spliced_without_it() -> None:
    with open_doors(StandIn(lambda _incoming: b'<?xml version="1.0" encoding="UTF-8"?>\n' + ANSWER)) as doors:
        reply = doors.soap(envelope())
    assert ANSWER in reply.body
    assert etree.fromstring(reply.body).tag == f"{{{SOAP_ENVELOPE}}}Envelope"


def test_the_action_header_is_of_no_importance(doors: Doors) -> None:
    for action in ('"SubmitServiceRequest"', '""', "urn:anything"):
        assert doors.soap(envelope(), SOAPAction=action).status == 200


def test_a_prefix_that_only_the_envelope_declares_is_named_as_the_cause(doors: Doors) -> None:
    taken = len(doors.flow.taken)
    bare = SIGNED.replace(b' xmlns:sr="http://www.dccinterface.co.uk/ServiceUserGateway"', b"", 1)
    reply = doors.soap(envelope(bare, envelope=b' xmlns:sr="http://www.dccinterface.co.uk/ServiceUserGateway"'))
    assert reply.status == 500
    assert LIKELY_CAUSE in reply.fault("faultstring")
    assert "not well-formed by itself" in reply.problem("detail")
    assert len(doors.flow.taken) == taken


def test_a_default_namespace_that_only_the_envelope_declares_is_named_as_the_cause(doors: Doors) -> None:
    reply = doors.soap(
        envelope(
            b"<Request><Header/></Request>", parameter=b' xmlns="http://www.dccinterface.co.uk/ServiceUserGateway"'
        )
    )
    assert "in another namespace" in reply.problem("detail")
    assert LIKELY_CAUSE in reply.problem("detail")


def test_a_request_without_signature_does_not_blame_the_soap_library(doors: Doors) -> None:
    reply = doors.soap(envelope(UNSIGNED))
    assert reply.problem("detail") == "no signature"
    assert reply.headers["www-authenticate"].startswith("XMLDSig")


@pytest.mark.parametrize(
    ("sent", "code", "status"),
    [
        (envelope().replace(SOAP_ENVELOPE.encode(), SOAP_1_2), "VersionMismatch", 500),
        (envelope(header=b'<s:Header><x s:mustUnderstand="1"/></s:Header>'), "MustUnderstand", 500),
        (b"<!DOCTYPE x []>" + envelope(), "Client", 500),
        (b"not xml", "Client", 500),
        (b"", "Client", 500),
        (envelope(b" " * SIZE), "Client", 413),
        (envelope(after_operation=b"<second/>"), "Client", 500),
    ],
    ids=["SOAP 1.2", "header", "DTD", "no XML", "empty", "size", "two operations"],
)
def test_what_is_no_acceptable_envelope_gets_a_fault(doors: Doors, sent: bytes, code: str, status: int) -> None:
    """T01, T10, T49, T54, T57."""
    taken = len(doors.flow.taken)
    with audited() as audit:
        reply = doors.soap(sent)
    assert (reply.status, reply.fault("faultcode").partition(":")[2]) == (status, code)
    assert reply.problem("correlationId") == reply.headers["x-correlation-id"]
    assert audit.fields("status") == [status]
    assert len(doors.flow.taken) == taken


@pytest.mark.parametrize("charset", ["utf-8", '"UTF-8"', "'utf-8'", "utf8", "'UTF8'"])
def test_the_character_set_may_be_written_as_clients_write_it(doors: Doors, charset: str) -> None:
    assert doors.soap(envelope(), f'text/xml; action="urn:a;b"; charset={charset}').status == 200


def test_the_fault_names_the_header_that_is_not_understood(doors: Doors) -> None:
    reply = doors.soap(envelope(header=b'<s:Header><x:A xmlns:x="urn:x" s:mustUnderstand="1"/></s:Header>'))
    assert "the header {urn:x}A has mustUnderstand" in reply.fault("faultstring")


def test_wrong_media_type_and_method_keep_their_status(doors: Doors) -> None:
    """T49."""
    soap_1_2 = doors.soap(envelope(), "application/soap+xml; charset=utf-8")
    assert (soap_1_2.status, soap_1_2.fault("faultcode").partition(":")[2]) == (415, "Client")
    put = doors.request("PUT", "/soap", envelope(), {"Content-Type": "text/xml"})
    assert (put.status, put.headers["allow"]) == (405, "POST, GET, HEAD")
    assert put.fault("faultcode").endswith(":Client")
    assert doors.request("GET", "/soap").status == 405


@pytest.mark.parametrize(
    ("error", "code", "plain_status"),
    [(IdentityReused("used before"), "Client", "409"), (NotDurable("later"), "Server", "503")],
)
def test_refusals_of_the_flow_become_faults(error: Exception, code: str, plain_status: str) -> None:
    def act(_incoming: Incoming) -> bytes:
        raise error

    with open_doors(StandIn(act)) as doors:
        reply = doors.soap(envelope())
    assert (reply.status, reply.fault("faultcode").partition(":")[2]) == (500, code)
    assert reply.problem("status") == plain_status
    assert reply.headers.get("retry-after") == ("5" if code == "Server" else None)


def test_a_defect_says_nothing_of_its_cause(caplog: pytest.LogCaptureFixture) -> None:
    def act(_incoming: Incoming) -> bytes:
        raise ZeroDivisionError("the secret cause")

    with open_doors(StandIn(act)) as doors:
        reply = doors.soap(envelope())
    assert (reply.status, reply.fault("faultcode").partition(":")[2]) == (500, "Server")
    assert b"secret" not in reply.body
    assert b"ZeroDivision" not in reply.body
    assert reply.problem("correlationId") in reply.problem("detail")
    (record,) = [record for record in caplog.records if record.exc_info]
    assert record.__dict__["correlation_id"] == reply.problem("correlationId")


def test_the_wsdl_names_the_host_that_was_asked_and_remembers_none(doors: Doors) -> None:
    """What one client writes into Host does not reach the next."""
    assert b"evil" not in doors.request("GET", "/soap?wsdl", headers={"Host": 'x"><evil/>'}).body
    for host in ("gateway.example:8079", "duis_gateway:8079", "[::1]:8079", "[2001:db8::1]", "10.0.0.1"):
        asked = doors.request("GET", "/soap?WSDL", headers={"Host": host})
        assert f'location="http://{host}/soap"'.encode() in asked.body
    # RFC 9112, 3.2.2: a target that names a host counts, and not what Host says.
    absolute = b"GET http://real.example/soap?wsdl HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n"
    assert b'location="http://real.example/soap"' in doors.raw(absolute)[0].body
    again = doors.request("GET", "/soap?wsdl")
    assert f'location="{doors.url}/soap"'.encode() in again.body
    assert doors.request("HEAD", "/soap?wsdl").body == b""


def test_the_wsdl_declares_what_is_taken_back_once(doors: Doors) -> None:
    """Twice, and the classes that JAX-WS, zeep and gSOAP make could not say it."""
    wsdl = etree.fromstring(doors.request("GET", "/soap?wsdl").body)
    assert len(wsdl.findall(".//{*}element[@name='CancelledGroup']")) == 1


@pytest.mark.parametrize("host", ["", "[::1", "[1.2.3.4]", "[:::]:1", "a:65536", "a:b", "a b", "user@a", "a/b"])
def test_a_host_that_is_none_gets_no_wsdl_of_another_host(doors: Doors, host: str) -> None:
    reply = doors.request("GET", "/soap?wsdl", headers={"Host": host})
    assert (reply.status, reply.headers["content-type"]) == (400, "application/problem+xml")
    assert "the Host header must name the host" in reply.problem("detail")
