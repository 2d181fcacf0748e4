"""spyne at the edge: it has the operation, the answer's envelope, the faults and the WSDL, and no sender's bytes.

What it is given is a small envelope of our own, which has it call the operation; the work itself (reading the envelope
as sent, the flow) is a closure beside it. So spyne 2.14's traps have no way in: a chunked body of which it reads
a prefix, lengths and character sets that escape as exceptions, `href` and `id` resolved before any check, second
bodies ignored (threats section 1).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from lxml import etree

from duis_gateway.doors import spyne_compat
from duis_gateway.doors.problem import plain, problem_element, unexpected
from duis_gateway.envelope.escape import escape_attribute
from duis_gateway.errors import MessageRefused, refusal_of, without_frames
from duis_gateway.namespaces import DUIS_SCHEMA_FOLDERS, SOAP_ENVELOPE, SOAP_SERVICE, SR
from schemas import schema_path

_CALL = "duis_gateway.call"
_NEWEST = DUIS_SCHEMA_FOLDERS[max(DUIS_SCHEMA_FOLDERS)]
_PLACE = b"<answer/>"
_ADDRESS = "urn:duis-gateway:address"
_DECLARATION = re.compile(rb"\A(?:\xef\xbb\xbf)?<\?xml[^>]*\?>\s*")
_ENVELOPE = (
    f'<e:Envelope xmlns:e="{SOAP_ENVELOPE}"><e:Body><SubmitServiceRequest xmlns="{SOAP_SERVICE}">'
    "<ServiceRequest><in-hand/></ServiceRequest></SubmitServiceRequest></e:Body></e:Envelope>"
).encode()

_models = spyne_compat.load("spyne.model")
_service = spyne_compat.load("spyne.service")
_decorator = spyne_compat.load("spyne.decorator")
_application = spyne_compat.load("spyne.application")
_soap = spyne_compat.load("spyne.protocol.soap")
_wsgi = spyne_compat.load("spyne.server.wsgi")


@dataclass(slots=True)
class Call:
    """One call of the operation: the work to be done, and what became of it."""

    work: Callable[[], bytes]
    correlation_id: str
    answer: bytes | None = None
    error: MessageRefused | None = None
    status: int = 500
    body: bytes = b""

    def perform(self) -> etree._Element:
        """Do the work; return what stands in the envelope until the answer's bytes are put there."""
        try:
            work, self.work = self.work, _done  # spyne keeps the call until the collector comes: nothing large in it
            self.answer = work()
            return etree.Element("answer")
        except MessageRefused as error:
            self.error = without_frames(error)
        except Exception:
            self.error = unexpected(self.correlation_id)
        raise _fault(self.error, self.correlation_id)


def _xs(name: str) -> str:
    """Return a name of XML Schema."""
    return f"{{http://www.w3.org/2001/XMLSchema}}{name}"


def _done() -> bytes:
    raise RuntimeError("the operation was called twice")


def _fault(error: MessageRefused, correlation_id: str) -> Any:
    refusal = refusal_of(error)
    text = plain(f"{refusal.title}: {error.detail}", 2000)
    return _models.Fault(refusal.soap_fault, text, detail=problem_element(error, correlation_id))


def _submit_service_request(ctx: Any, _request: object) -> etree._Element:
    """Submit one signed Service Request of DUIS; the answer is the signed Service Response."""
    call: Call = ctx.transport.req_env[_CALL]
    return call.perform()


def _one_document() -> Any:
    return _models.AnyXml.customize(min_occurs=1, nillable=False)


def _operation() -> Any:
    declare = _decorator.rpc(
        _one_document(),
        _returns=_one_document(),
        _operation_name="SubmitServiceRequest",
        _in_message_name="SubmitServiceRequest",
        _out_message_name="SubmitServiceRequestResponse",
        _in_variable_names={"_request": "ServiceRequest"},
        _out_variable_name="ServiceResponse",
    )
    return declare(_submit_service_request)


def _typed(wsdl: bytes) -> bytes:
    """Return spyne's WSDL with DUIS's own types in the place of anything: the schema of the newest version, in full.

    spyne itself goes on knowing of one document as it is, so that no tool of ours reads or writes what is signed.
    """
    root = etree.fromstring(wsdl)
    (types,) = root.iterfind("{*}types")
    (own,) = types
    for message, element in (("ServiceRequest", "Request"), ("ServiceResponse", "Response")):
        (holder,) = own.iterfind(f".//{_xs('element')}[@name='{message}']")
        del holder.attrib["type"]
        sequence = etree.SubElement(etree.SubElement(holder, _xs("complexType")), _xs("sequence"))
        etree.SubElement(sequence, _xs("element"), {"ref": f"sr:{element}"}, nsmap={"sr": SR})
    own.insert(0, etree.Element(_xs("import"), {"namespace": SR}))
    parser = etree.XMLParser(remove_comments=True, remove_blank_text=True)
    for number, file in enumerate(("xmldsig.xsd", "duis.xsd")):
        schema = etree.parse(schema_path(f"duis/{_NEWEST}").with_name(file), parser).getroot()
        for one in schema.iter(_xs("import")):
            del one.attrib["schemaLocation"]  # it stands beside it
        types.insert(number, schema)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


class SpyneEdge:
    """The SOAP service as spyne knows it."""

    def __init__(self) -> None:
        members = {"__service_name__": "DuisGateway", "SubmitServiceRequest": _operation()}
        service = type(_service.Service)("DuisGateway", (_service.Service,), members)
        application = _application.Application(
            [service],
            tns=SOAP_SERVICE,
            name="DuisGateway",
            in_protocol=_soap.Soap11(),
            out_protocol=_soap.Soap11(),
        )
        self._app = _wsgi.WsgiApplication(application, chunked=True)
        self._app.doc.wsdl11.build_interface_document(_ADDRESS)
        self._wsdl = _typed(self._app.doc.wsdl11.get_interface_document())

    def wsdl(self, address: str) -> bytes:
        """Return the WSDL for the address that the service is reached at; nothing of one request is kept for others."""
        return self._wsdl.replace(f'"{_ADDRESS}"'.encode(), f'"{escape_attribute(address)}"'.encode())

    def call(self, call: Call) -> Call:
        """Have the operation called; the call then holds the envelope to send, with the answer's bytes in it verbatim.

        Raises:
            RuntimeError: spyne did not call the operation; a defect.
        """
        environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/soap",
            "QUERY_STRING": "",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "0",
            "wsgi.url_scheme": "http",
            "CONTENT_TYPE": "text/xml; charset=utf-8",
            "CONTENT_LENGTH": str(len(_ENVELOPE)),
            "wsgi.input": BytesIO(_ENVELOPE),
            _CALL: call,
        }
        envelope = b"".join(self._app(environ, lambda *_status: None))
        if call.error is not None:
            call.status, call.body = refusal_of(call.error).soap_status, envelope
        elif call.answer is not None and envelope.count(_PLACE) == 1:
            call.status, call.body = 200, envelope.replace(_PLACE, _DECLARATION.sub(b"", call.answer))
        else:
            raise RuntimeError("spyne did not call the operation")
        return call
