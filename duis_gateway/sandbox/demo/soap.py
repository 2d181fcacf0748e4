"""A SOAP envelope around a signed request, byte for byte, as a supplier without a SOAP library sends it."""

from __future__ import annotations

from duis_gateway.namespaces import SOAP_ENVELOPE, SOAP_SERVICE

_BEFORE = (
    f'<soap:Envelope xmlns:soap="{SOAP_ENVELOPE}"><soap:Body>'
    f'<gw:SubmitServiceRequest xmlns:gw="{SOAP_SERVICE}"><gw:ServiceRequest>'
).encode()
_AFTER = b"</gw:ServiceRequest></gw:SubmitServiceRequest></soap:Body></soap:Envelope>"
_START, _END = b"<sr:Response", b"</sr:Response>"


def into_envelope(document: bytes, door: str) -> bytes:
    """Return what goes over the wire by this door: the document, or an envelope with its very bytes inside."""
    if door != "soap":
        return document
    return (
        _BEFORE + document.partition(b"?>\n")[2] + _AFTER
        if document.startswith(b"<?xml")
        else _BEFORE + document + _AFTER
    )


def from_envelope(answer: bytes, door: str) -> bytes:
    """Return the `sr:Response` of an answer, cut out as it stands."""
    if door != "soap":
        return answer
    return answer[answer.index(_START) : answer.rindex(_END) + len(_END)]


def signed_document(wire: bytes) -> bytes:
    """Return the signed document of a message as it went over the wire, cut out of its envelope if it has one."""
    if wire.startswith(b"<soap:Envelope"):
        return wire.removeprefix(_BEFORE).removesuffix(_AFTER)
    return from_envelope(wire, "soap") if b":Envelope" in wire[:300] else wire
