"""Envelopes that are refused whatever request is in them: one table for the cut alone and for a whole gateway."""

from __future__ import annotations

from duis_gateway.namespaces import SOAP_ENVELOPE, SR
from tests.support.doors import envelope


def refused_shapes(request: bytes) -> dict[str, bytes]:
    """Return envelopes with a signed request in them, none of which is the one accepted shape (threat T57)."""
    return {
        "second Body": envelope(request, after_body=b"<s:Body/>"),
        "second operation": envelope(
            request, after_operation=b'<g:SubmitServiceRequest xmlns:g="urn:duis-gateway:soap:1"/>'
        ),
        "something after the Body": envelope(request, after_body=b"<x/>"),
        "second parameter": envelope(request, after_parameter=b"<g:ServiceRequest/>"),
        "two requests": envelope(request + request),
        "no request": envelope(b""),
        "text in the Body": envelope(request, after_operation=b"text"),
        "text beside the request": envelope(request + b"text"),
        "another element": envelope(b'<sr:Response xmlns:sr="%s"><a/></sr:Response>' % SR.encode()),
        "an empty request": envelope(b'<sr:Request xmlns:sr="%s"/>' % SR.encode()),
        "href on the parameter": envelope(request, parameter=b' href="#a"'),
        "id on the operation": envelope(request, operation=b' id="a"'),
        "ID on the Body": envelope(request, body=b' ID="a"'),
        "id with a prefix": envelope(request, body=b' xmlns:w="urn:w" w:Id="a"'),
        "id on a header": envelope(request, header=b'<s:Header><x id="a"/></s:Header>'),
        "id on the envelope": envelope(request, envelope=b' id="a"'),
        "a fault": b'<s:Envelope xmlns:s="%s"><s:Body><s:Fault/></s:Body></s:Envelope>' % SOAP_ENVELOPE.encode(),
        "no Body": b'<s:Envelope xmlns:s="%s"><s:Header/></s:Envelope>' % SOAP_ENVELOPE.encode(),
        "the request alone": request,
        "Header after Body": envelope(request, after_body=b"<s:Header/>"),
    }
