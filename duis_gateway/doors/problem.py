"""Refusals on the wire: RFC 9457 problem details as XML or JSON, and what SOAP faults carry in `detail`."""

from __future__ import annotations

import json
import logging
import re
import sys
from typing import Any

from lxml import etree

from duis_gateway.doors.wire import Answer, HttpRequest, accepted
from duis_gateway.errors import (
    ContentCoded,
    Finding,
    MessageRefused,
    NotAuthenticated,
    NotDurable,
    OurDefect,
    TokenRefused,
    TooBusy,
    refusal_of,
)
from duis_gateway.namespaces import PROBLEM

PROBLEM_XML = "application/problem+xml"
PROBLEM_JSON = "application/problem+json"
_TYPES = {
    PROBLEM_XML: {PROBLEM_XML, "application/xml", "text/xml", "application/*", "*/*"},
    PROBLEM_JSON: {PROBLEM_JSON, "application/json", "application/*", "*/*"},
}
RETRY_AFTER = "5"
"""Seconds after which a message that could not be taken, stored or signed may be sent again."""

_NSMAP: Any = {None: PROBLEM}
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_WORD = re.compile(r"(?<!^)(?=[A-Z])")
_log = logging.getLogger(__name__)


def problem_element(error: MessageRefused, correlation_id: str) -> etree._Element:
    """Return the problem details of a refusal as an element (RFC 9457, Appendix B; arrays are elements `i`)."""
    root = etree.Element(f"{{{PROBLEM}}}problem", nsmap=_NSMAP)
    for name, value in _members(error, correlation_id).items():
        if isinstance(value, list):
            items = _add(root, name)
            for item in value:
                child = _add(items, "i")
                for inner, text in item.items():
                    _add(child, inner, str(text))
        else:
            _add(root, name, str(value))
    return root


def problem_answer(error: MessageRefused, request: HttpRequest) -> Answer:
    """Return the refusal as an HTTP answer with a problem document: XML, or JSON to whom only that is acceptable."""
    return _answer(error, request, PROBLEM_XML)


def json_problem_answer(error: MessageRefused, request: HttpRequest) -> Answer:
    """Return the same of a door that speaks JSON (RFC 9457, section 3): XML only to whom only that is acceptable."""
    return _answer(error, request, PROBLEM_JSON)


def _answer(error: MessageRefused, request: HttpRequest, usual: str) -> Answer:
    form = _form(request.headers.get("accept", ""), usual)
    if form == PROBLEM_JSON:
        body = json.dumps(_members(error, request.correlation_id)).encode()
    else:
        element = problem_element(error, request.correlation_id)
        body = etree.tostring(element, xml_declaration=True, encoding="UTF-8")
    return Answer(refusal_of(error).status, form, body, headers_of(error), error)


def _form(accept: str, usual: str) -> str:
    """Return the form that is liked best (RFC 9110, section 12.5.1); the usual one where neither is liked better."""
    weights = accepted(accept)
    liked = {form: max(weights.get(media, 0.0) for media in types) for form, types in _TYPES.items()}
    other = PROBLEM_XML if usual == PROBLEM_JSON else PROBLEM_JSON
    return other if liked[other] > liked[usual] else usual


def _members(error: MessageRefused, correlation_id: str) -> dict[str, Any]:
    refusal = refusal_of(error)
    members = {
        "type": type_of(error),
        "title": refusal.title,
        "status": refusal.status,
        "detail": plain(error.detail, 2000),
        "instance": f"urn:uuid:{correlation_id}",
        "stage": refusal.stage,
    }
    errors = {"errors": [_finding(one) for one in error.findings]} if error.findings else {}
    return {**members, **errors, "correlationId": correlation_id}


def headers_of(error: MessageRefused) -> tuple[tuple[str, str], ...]:
    """Return the HTTP headers that belong to a refusal, whatever its form.

    RFC 9110: 10.2.3, 11.6.1, and 12.5.3 of a body in a content coding.
    """
    if isinstance(error, ContentCoded):
        return (("Accept-Encoding", "identity"),)
    if isinstance(error, NotDurable | TooBusy):
        return (("Retry-After", RETRY_AFTER),)
    if isinstance(error, NotAuthenticated):
        return (("WWW-Authenticate", 'XMLDSig realm="duis-gateway"'),)
    if isinstance(error, TokenRefused):
        return (("WWW-Authenticate", 'Bearer realm="duis-gateway"'),)
    return ()


def unexpected(correlation_id: str) -> MessageRefused:
    """Log the exception being handled with its traceback; return what the sender may know of it.

    Without memory nothing was taken in, and the sender may try again. All else is our defect, of which the sender is
    told the correlation id.
    """
    if isinstance(sys.exception(), MemoryError):
        _log.error("no memory left", exc_info=True, extra={"event": "no-memory", "correlation_id": correlation_id})
        return NotDurable("the gateway has no memory left for this message")
    _log.exception("defect", extra={"event": "defect", "correlation_id": correlation_id})
    return OurDefect(f"The cause is in the gateway's log under {correlation_id}.")


def type_of(error: MessageRefused) -> str:
    """Return the problem's type, a URI made of the name of the error's class."""
    return "urn:duis-gateway:problem:" + _WORD.sub("-", type(error).__name__).lower()


def plain(text: str, longest: int) -> str:
    """Return text that may stand in XML: characters that may not are replaced, and it is cut at `longest`."""
    cut = text if len(text) <= longest else text[: longest - 1] + "\N{HORIZONTAL ELLIPSIS}"
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", cut)


def _add(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    child = etree.SubElement(parent, f"{{{PROBLEM}}}{name}")
    child.text = text
    return child


def _finding(finding: Finding) -> dict[str, Any]:
    line = {} if finding.line is None else {"line": finding.line}
    return {"path": plain(finding.path, 500), **line, "reason": plain(finding.reason, 300)}
