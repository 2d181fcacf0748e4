"""Refusals as the gateway writes them, read: RFC 9457 problem details, as XML, as JSON, or in a SOAP 1.1 fault."""

from __future__ import annotations

from lxml import etree

from duis_gateway.client.errors import Finding, NotNow, Problem, Refused
from duis_gateway.client.http import HttpAnswer
from duis_gateway.envelope.parse import parse_trusted
from duis_gateway.errors import NotSafeXml
from duis_gateway.namespaces import PROBLEM
from duis_gateway.text.json_reader import read_json
from duis_gateway.text.numbers import is_digits, parse_whole_number

_NOT_NOW = frozenset({408, 425, 429, 500, 502, 503, 504})
_LONGEST_TEXT = 300
_A_PAGE = "what came is a web server's or a proxy's page, not a gateway's answer: check the URL"


def refusal_of(answer: HttpAnswer) -> Refused:
    """Return the error for an answer that is no 200."""
    problem = read_problem(answer)
    return NotNow(problem) if problem.status in _NOT_NOW else Refused(problem)


def read_problem(answer: HttpAnswer) -> Problem:
    """Return what the answer says; of one that is not the gateway's own (a proxy's), the beginning of its text."""
    wait = answer.headers.get("retry-after", "")
    after = float(wait) if is_digits(wait, 9) else None
    if answer.headers.get("content-type", "").startswith("application/problem+json"):
        return _of_json(answer, after)
    try:
        root = parse_trusted(answer.body)
    except NotSafeXml:
        return _as_text(answer, after)
    found = next(root.iter(f"{{{PROBLEM}}}problem"), None)
    if found is None:
        return Problem(answer.status, _fault(root) or _A_PAGE, "", (), after, answer.body)
    # A SOAP fault is an HTTP 500 whatever it says; the problem inside has the status of the plain door.
    return Problem(
        _number(found, "status") or answer.status,
        _text(found, "title"),
        _text(found, "detail"),
        tuple(map(_finding, found.iterfind("{*}errors/{*}i"))),
        after,
        answer.body,
        _text(found, "type"),
    )


def _of_json(answer: HttpAnswer, after: float | None) -> Problem:
    try:
        told = read_json(answer.body)
        errors = [Finding(str(one["path"]), one.get("line"), str(one["reason"])) for one in told.get("errors", ())]
        title, detail, kind = str(told["title"]), str(told.get("detail", "")), str(told.get("type", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        return _as_text(answer, after)
    return Problem(answer.status, title, detail, tuple(errors), after, answer.body, kind)


def _as_text(answer: HttpAnswer, after: float | None) -> Problem:
    text = " ".join(answer.body[:_LONGEST_TEXT].decode("utf-8", "replace").split())
    if text.startswith("<") or "html" in answer.headers.get("content-type", "").lower():
        text = _A_PAGE
    return Problem(answer.status, text, "", (), after, answer.body)


def _finding(element: etree._Element) -> Finding:
    return Finding(_text(element, "path"), _number(element, "line"), _text(element, "reason"))


def _number(parent: etree._Element, name: str) -> int | None:
    """Return a number that the answer names; None where it names none, or what stands there is no number."""
    try:
        return parse_whole_number(_text(parent, name))
    except ValueError:
        return None


def _fault(root: etree._Element) -> str:
    return next((found.text or "" for found in root.iter("faultstring", "{*}faultstring")), "")[:_LONGEST_TEXT]


def _text(parent: etree._Element, name: str) -> str:
    return parent.findtext(f"{{*}}{name}") or ""
