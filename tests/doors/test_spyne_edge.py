"""spyne at the edge: importable everywhere, and none of its traps is reachable (threats section 1)."""

from __future__ import annotations

import logging
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from lxml import etree

from duis_gateway.doors.http import Edge
from duis_gateway.doors.soap import SoapDoor
from duis_gateway.doors.spyne_edge import Call, SpyneEdge
from duis_gateway.envelope.parse import ShapeLimits
from duis_gateway.errors import NotValid
from duis_gateway.namespaces import SR
from duis_gateway.operations.metrics import Metrics
from tests.support.asking import ask as ask_edge
from tests.support.asking import whole
from tests.support.doors import ANSWER, StandIn, envelope
from tests.support.signing import SIGNED

WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
SOAP = "{http://schemas.xmlsoap.org/wsdl/soap/}"
XS = "{http://www.w3.org/2001/XMLSchema}"
DSIG = "http://www.w3.org/2000/09/xmldsig#"
EIGHT_MEGABYTES = 8 * 1024 * 1024


@pytest.fixture(scope="module")
def edge() -> SpyneEdge:
    return SpyneEdge()


def ask(flow: StandIn, body: bytes, media: str | None = "text/xml") -> tuple[int, bytes]:
    """Ask the SOAP door; lengths and chunks are the server's affair, and tested over the wire."""
    app = Edge([SoapDoor(flow, ShapeLimits()).route()], Metrics())
    answer = ask_edge(app, "/soap", "POST", content=body, headers={} if media is None else {"content-type": media})
    return answer.status, whole(answer)


def test_trap_1_a_long_body_is_never_cut_to_a_prefix() -> None:
    """spyne alone takes the first 2 MiB of a body without a length for the whole."""
    request = SIGNED.replace(b"</sr:Body>", b"<!--" + b"x" * (3 * 1024 * 1024) + b"--></sr:Body>")
    flow = StandIn(lambda _incoming: ANSWER)
    assert ask(flow, envelope(request))[0] == 200
    assert flow.taken[0].body == request
    assert ask(flow, b"x" * (EIGHT_MEGABYTES + 1))[0] == 413
    assert len(flow.taken) == 1


@pytest.mark.parametrize(
    ("media", "body"),
    [
        ("text/xml; charset=no-such-charset", envelope()),
        ("text/xml; charset", envelope()),
        (None, envelope()),
        ("text/xml", b""),
        ("text/xml", envelope()[:-20]),
    ],
    ids=["unknown charset", "charset without value", "no media type", "empty body", "short of it"],
)
def test_trap_2_odd_bodies_and_character_sets_are_refused_and_raise_nothing(media: str | None, body: bytes) -> None:
    flow = StandIn()
    status, said = ask(flow, body, media)
    assert status == (500 if media == "text/xml" else 415)
    assert b":Client</faultcode>" in said
    assert flow.taken == []


@pytest.mark.parametrize(
    "hostile",
    [
        envelope(operation=b' id="a"', parameter=b' href="#a"'),
        envelope(header=b'<s:Header><h id="x">moved</h></s:Header>', operation=b' href="#x"'),
        b'<!DOCTYPE a [<!ENTITY x "y">]>' + envelope(),
    ],
    ids=["cycle", "header into body", "entity"],
)
def test_trap_3_references_and_entities_are_refused_before_spyne(hostile: bytes) -> None:
    """T01, T57."""
    flow = StandIn()
    status, body = ask(flow, hostile)
    assert (status, b":Client</faultcode>" in body) == (500, True)
    assert flow.taken == []


def test_trap_4_second_bodies_and_operations_are_refused_and_bad_xml_is_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """T57; nothing of a message stands in a log."""
    flow = StandIn()
    with caplog.at_level(logging.DEBUG):
        for hostile in (
            envelope(after_body=b"<s:Body/>"),
            envelope(after_operation=b"<again/>"),
            envelope()[:-3] + b"secret-word",
        ):
            assert ask(flow, hostile)[0] == 500
    assert flow.taken == []
    assert "secret-word" not in caplog.text
    assert not [record for record in caplog.records if record.name.startswith("spyne")]


def test_spyne_is_importable_without_the_hook_that_newer_pythons_do_not_ask() -> None:
    """spyne's copy of six has no `find_spec`; with the hook gone, as from Python 3.12 on, the import still works."""
    program = (
        "import importlib.machinery, sys, warnings\n"
        "warnings.simplefilter('error')\n"
        "before = list(sys.meta_path)\n"
        "import duis_gateway.doors.spyne_edge\n"
        "assert sys.meta_path == before, sys.meta_path\n"
        "assert sys.modules['spyne.util.six.moves.collections_abc'].__name__ == 'collections.abc'\n"
        "try:\n    import no_such_module\nexcept ModuleNotFoundError:\n    print('fine')\n"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=root)
    assert (done.stdout, done.stderr) == ("fine\n", "")


def test_the_wsdl_describes_one_wrapped_document_literal_operation(edge: SpyneEdge) -> None:
    """What zeep and SoapUI need: nothing to fetch, one port, DUIS's own types."""
    root = etree.fromstring(edge.wsdl('http://gateway.example/soap?a=1&b="2"'))
    (address,) = root.iter(f"{SOAP}address")
    assert address.get("location") == 'http://gateway.example/soap?a=1&b="2"'
    (binding,) = root.iter(f"{SOAP}binding")
    assert binding.get("style") == "document"
    assert {body.get("use") for body in root.iter(f"{SOAP}body")} == {"literal"}
    assert [operation.get("name") for operation in root.iterfind(f"{WSDL}portType/{WSDL}operation")] == [
        "SubmitServiceRequest"
    ]
    assert [schema.get("targetNamespace") for schema in root.iter(f"{XS}schema")] == [
        DSIG,
        SR,
        "urn:duis-gateway:soap:1",
    ]
    for name, meant in (("ServiceRequest", "sr:Request"), ("ServiceResponse", "sr:Response")):
        (reference,) = root.iterfind(f".//{XS}element[@name='{name}']//{XS}element")
        assert reference.get("ref") == meant
        assert reference.nsmap["sr"] == SR
    assert not [one for one in root.iter(f"{WSDL}import", f"{XS}import", f"{XS}include") if one.get("schemaLocation")]


def test_a_refusal_without_a_request_is_a_fault_too(edge: SpyneEdge) -> None:
    def work() -> bytes:
        raise NotValid("a <b> & \x00 c")

    done = edge.call(Call(work, "id-1"))
    root = etree.fromstring(done.body)
    assert done.status == 500
    assert root.xpath("string(//faultstring)") == "The message is not valid: a <b> & \N{REPLACEMENT CHARACTER} c"


def test_calls_do_not_see_each_other(edge: SpyneEdge) -> None:
    answers = [b"<a>%d</a>" % n for n in range(3)]
    done = [edge.call(Call(partial(bytes, answer), "id")) for answer in answers]
    assert [answer in call.body for answer, call in zip(answers, done, strict=True)] == [True] * 3
