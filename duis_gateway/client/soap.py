"""A SOAP 1.1 envelope around a signed request, byte for byte, and the signed response cut out of the answer's."""

from __future__ import annotations

import re

from duis_gateway.namespaces import SOAP_ENVELOPE, SOAP_SERVICE

HEADERS = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'}

_BEFORE = (
    f'<soap:Envelope xmlns:soap="{SOAP_ENVELOPE}"><soap:Body>'
    f'<gw:SubmitServiceRequest xmlns:gw="{SOAP_SERVICE}"><gw:ServiceRequest>'
).encode()
_AFTER = b"</gw:ServiceRequest></gw:SubmitServiceRequest></soap:Body></soap:Envelope>"
_DECLARATION = re.compile(rb"\s*<\?xml[^>]*\?>\s*")
# Under whatever prefix; the elements around it have longer names.
_RESPONSE = re.compile(rb"<((?:[\w.-]+:)?Response)[\s>].*</\1>", re.DOTALL)


def into_envelope(document: bytes) -> bytes:
    """Return an envelope with the very bytes of a signed `sr:Request` inside, without its XML declaration."""
    return _BEFORE + _DECLARATION.sub(b"", document, count=1) + _AFTER


def from_envelope(answer: bytes) -> bytes:
    """Return the `sr:Response` of an answer, cut out as it stands; b"" where there is none."""
    found = _RESPONSE.search(answer)
    return b"" if found is None else found[0]


def signed_document(wire: bytes) -> bytes:
    """Return the signed document of a message as it went over the wire, cut out of its envelope if it has one."""
    if wire.startswith(_BEFORE):
        return wire.removeprefix(_BEFORE).removesuffix(_AFTER)
    return from_envelope(wire) if b":Envelope" in wire[:300] else wire
