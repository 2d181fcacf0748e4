"""Refusals on the wire: RFC 9457 problem details in their XML form, and what SOAP faults carry in `detail`."""

from __future__ import annotations

import logging
import re
from typing import Any

from lxml import etree

from duis_gateway.doors.wire import Answer
from duis_gateway.errors import (
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
RETRY_AFTER = "5"
"""Seconds after which a message that could not be taken, stored or signed may be sent again."""

_NSMAP: Any = {None: PROBLEM}
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_WORD = re.compile(r"(?<!^)(?=[A-Z])")
_log = logging.getLogger(__name__)


def problem_element(error: MessageRefused, correlation_id: str) -> etree._Element:
    """Return the problem details of a refusal as an element (RFC 9457, Appendix B; arrays are elements `i`)."""
    refusal = refusal_of(error)
    root = etree.Element(f"{{{PROBLEM}}}problem", nsmap=_NSMAP)
    _add(root, "type", type_of(error))
    _add(root, "title", refusal.title)
    _add(root, "status", str(refusal.status))
    _add(root, "detail", plain(error.detail, 2000))
    _add(root, "instance", f"urn:uuid:{correlation_id}")
    _add(root, "stage", refusal.stage)
    if error.findings:
        errors = _add(root, "errors")
        for finding in error.findings:
            _add_finding(errors, finding)
    _add(root, "correlationId", correlation_id)
    return root


def problem_answer(error: MessageRefused, correlation_id: str) -> Answer:
    """Return the refusal as an HTTP answer with a problem document."""
    body = etree.tostring(problem_element(error, correlation_id), xml_declaration=True, encoding="UTF-8")
    return Answer(refusal_of(error).status, PROBLEM_XML, body, headers_of(error), error)


def headers_of(error: MessageRefused) -> tuple[tuple[str, str], ...]:
    """Return the HTTP headers that belong to a refusal, whatever its form (RFC 9110, sections 10.2.3 and 11.6.1)."""
    if isinstance(error, NotDurable | TooBusy):
        return (("Retry-After", RETRY_AFTER),)
    if isinstance(error, NotAuthenticated):
        return (("WWW-Authenticate", 'XMLDSig realm="duis-gateway"'),)
    if isinstance(error, TokenRefused):
        return (("WWW-Authenticate", 'Bearer realm="duis-gateway"'),)
    return ()


def our_defect(correlation_id: str) -> OurDefect:
    """Log the exception being handled with its traceback; return what the sender may know of it: the correlation id."""
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


def _add_finding(errors: etree._Element, finding: Finding) -> None:
    item = _add(errors, "i")
    _add(item, "path", plain(finding.path, 500))
    if finding.line is not None:
        _add(item, "line", str(finding.line))
    _add(item, "reason", plain(finding.reason, 300))
