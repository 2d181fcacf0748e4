"""The SOAP 1.1 envelope as it came in: its shape, and the bytes of the one Service Request in it.

The digest of a Service Request is over inclusive C14N, which would see the envelope's namespaces, so the request is cut
out exactly as sent and is a document of its own from there on. The tree says whether the envelope is acceptable; expat
only says at which byte the request begins and ends.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from xml.parsers import expat

from lxml import etree

from duis_gateway.envelope.parse import ShapeLimits, parse_document, parse_trusted
from duis_gateway.errors import NotSafeXml, SoapEnvelopeRefused, SoapHeaderNotUnderstood, SoapVersionMismatch
from duis_gateway.namespaces import SOAP_ENVELOPE, SOAP_SERVICE, sr

OPERATION = f"{{{SOAP_SERVICE}}}SubmitServiceRequest"
PARAMETER = f"{{{SOAP_SERVICE}}}ServiceRequest"
LIKELY_CAUSE = (
    "the likely cause: the SOAP library that made the envelope moved one of the Service Request's namespace "
    "declarations to the envelope, or dropped one that the envelope has too; the signature covers the request's own "
    "declarations, so send its bytes as they were signed"
)

_ENVELOPE = f"{{{SOAP_ENVELOPE}}}Envelope"
_HEADER = f"{{{SOAP_ENVELOPE}}}Header"
_BODY = f"{{{SOAP_ENVELOPE}}}Body"
_MUST_UNDERSTAND = f"{{{SOAP_ENVELOPE}}}mustUnderstand"
_ACTOR = f"{{{SOAP_ENVELOPE}}}actor"
_OURS = frozenset({"", "http://schemas.xmlsoap.org/soap/actor/next"})
_ENVELOPE_DEPTH = 4
_ENVELOPE_NAMESPACES = 16
_ENVELOPE_ELEMENTS = 64
_WAY = tuple(name[1:] for name in (_ENVELOPE, _BODY, OPERATION, PARAMETER, sr("Request")))


def envelope_limits(message: ShapeLimits, element_caps: Iterable[int]) -> ShapeLimits:
    """Return the caps for an envelope with one message in it, of which some types have element caps of their own.

    The envelope itself is never canonicalised; the message cut out of it is held to its own caps.
    """
    return replace(
        message,
        depth=message.depth + _ENVELOPE_DEPTH,
        namespaces=message.namespaces + _ENVELOPE_NAMESPACES,
        default_elements=max(message.default_elements, *element_caps) + _ENVELOPE_ELEMENTS,
    )


def cut_request(raw: bytes, limits: ShapeLimits) -> bytes:
    """Return the bytes of the `sr:Request` in a SOAP 1.1 envelope, exactly as sent; `limits` are for the envelope.

    Raises:
        TooLarge, NotSafeXml: as every message (T01 to T10).
        SoapVersionMismatch, SoapHeaderNotUnderstood: as SOAP 1.1 says, sections 4.1.2, 4.2.2 and 4.2.3 (T49).
        SoapEnvelopeRefused: another shape than one Body with one operation with one `sr:Request` (T57), or a request
            that is no document of its own once it is cut out.
    """
    root = parse_document(raw, limits, {})
    _check_envelope(root)
    request = _Finder(raw).cut()
    _check_alone(request)
    return request


def _check_envelope(root: etree._Element) -> None:
    if root.tag != _ENVELOPE:
        if etree.QName(root).localname == "Envelope":
            raise SoapVersionMismatch(f"the envelope must be of SOAP 1.1, namespace {SOAP_ENVELOPE}")
        raise SoapEnvelopeRefused("the document is not a SOAP envelope")
    children = _children(root)
    if children and children[0].tag == _HEADER:
        _check_header(children.pop(0))
    if [child.tag for child in children] != [_BODY]:
        raise SoapEnvelopeRefused("the envelope must hold an optional Header and then exactly one Body")
    operation = _only_child(children[0], OPERATION)
    parameter = _only_child(operation, PARAMETER)
    request = _only_child(parameter, sr("Request"))
    if next(request.iterchildren("*"), None) is None:
        raise SoapEnvelopeRefused("the sr:Request holds nothing")


def _check_header(header: etree._Element) -> None:
    """Refuse an entry that the gateway must understand; what is meant for another actor is left alone (4.2.2)."""
    for entry in _children(header):
        _no_references(entry)
        ours = entry.get(_ACTOR, "").strip() in _OURS
        if ours and entry.get(_MUST_UNDERSTAND, "").strip() in {"1", "true"}:
            raise SoapHeaderNotUnderstood(
                f"the header {entry.tag} has mustUnderstand, and the gateway understands no headers"
            )


def _only_child(parent: etree._Element, tag: str) -> etree._Element:
    children = _children(parent)
    if [child.tag for child in children] != [tag]:
        raise SoapEnvelopeRefused(
            f"{etree.QName(parent).localname} must hold exactly one {etree.QName(tag).localname} and nothing else"
        )
    return children[0]


def _children(parent: etree._Element) -> list[etree._Element]:
    """Return the child elements of an element of the envelope, which has neither text nor references to elsewhere."""
    _no_references(parent)
    texts = [parent.text, *(child.tail for child in parent)]
    if any(text and text.strip(" \t\r\n") for text in texts):
        raise SoapEnvelopeRefused(f"{etree.QName(parent).localname} must not hold text")
    return list(parent.iterchildren("*"))


def _no_references(element: etree._Element) -> None:
    if any(etree.QName(name).localname.lower() in {"id", "href"} for name in map(str, element.attrib)):
        raise SoapEnvelopeRefused("id and href are not allowed in the envelope")


class _Finder:
    """Finds the bytes between which the Service Request stands, in an envelope whose shape is checked."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._way: list[str] = []
        self._start = self._end = -1
        self._parser: Any = expat.ParserCreate("utf-8", "}")
        self._parser.StartElementHandler = self._begin
        self._parser.EndElementHandler = self._finish

    def cut(self) -> bytes:
        try:
            self._parser.Parse(self._raw, True)
        except expat.ExpatError as error:
            raise NotSafeXml(f"not well-formed XML: {error}") from None
        if self._start < 0 or self._end < 0:
            raise SoapEnvelopeRefused("the envelope holds no sr:Request")
        return self._raw[self._start : self._raw.index(b">", self._end) + 1]

    def _begin(self, name: str, _attributes: dict[str, str]) -> None:
        self._way.append(name)
        if tuple(self._way) == _WAY:
            self._start = self._parser.CurrentByteIndex

    def _finish(self, _name: str) -> None:
        if len(self._way) == len(_WAY) and tuple(self._way) == _WAY:
            self._end = self._parser.CurrentByteIndex
        self._way.pop()


def _check_alone(request: bytes) -> None:
    """Say it plainly where the cut piece needs a declaration that only the envelope has."""
    try:
        root = parse_trusted(request)
    except NotSafeXml as error:
        raise SoapEnvelopeRefused(
            f"the sr:Request, cut out of the envelope, is not well-formed by itself ({error.detail}); {LIKELY_CAUSE}"
        ) from None
    if root.tag != sr("Request"):
        raise SoapEnvelopeRefused(
            f"the sr:Request, cut out of the envelope, is in another namespace than inside it; {LIKELY_CAUSE}"
        )
