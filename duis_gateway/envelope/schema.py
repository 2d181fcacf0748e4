"""Validation against the project's own XSDs, by libxml2 alone, which stops once ten errors are known.

libxml2 keeps every error that it meets, with a path that it counts out among the siblings: thousands of them cost
seconds. So a document of many elements is validated while it is parsed, piece by piece, until it is whole, ten errors
are there, or the first error is some way back; only that much of it is looked at again to say where they stand.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any, cast

from lxml import etree

from duis_gateway.envelope.memory import require_memory
from duis_gateway.envelope.parse import Document, parse_cut_off
from duis_gateway.errors import Finding, NotValid
from duis_gateway.text.controls import name_fault, shown

MOST_FINDINGS = 10
LONGEST_REASON = 300
LONGEST_PATH = 300
_FEW = 2_000
"""Tags, and attributes, up to which a document cannot have enough errors to be dear."""
_PIECE = 16 * 1024
_REACH = 2 * _PIECE
"""How far behind its first error a document of many elements is searched for more."""
_NOTHING = etree.Element("nothing")
_STEP = re.compile(r"([^\[\]/]+)((?:\[[0-9]+\])?)")
_OPENING = re.compile(r"^Element '[^']*'(?:, (attribute '[^']*'))?: (?:\[facet '[^']*'\] )?")
_NAMESPACE = re.compile(r"\{(?![0-9]+(?:,[0-9]*)?\})[^{}\s]*\}")  # and no {4} of a pattern
_BY_PATTERN = "' is not accepted by the pattern '"
_NAMES_PATTERN = 40
"""Characters of a pattern that show whether it is the one for names: no other has controls."""
_EXCERPT = 100
_compiling = threading.Lock()
"""libxml2 makes its built-in types when the first schema is compiled, and no lock keeps other threads from them."""
_twins_before = etree.XPath("count(preceding-sibling::*[name() = $name])")
_twins_after = etree.XPath("boolean(following-sibling::*[name() = $name])")


class Schema:
    """One XSD, compiled once; may be used by any number of threads at a time.

    It never follows a location that a message names, nor opens a connection (T04, T45).
    """

    def __init__(self, path: Path) -> None:
        self._path = path.resolve()
        self._accepts = self._compile()
        self._lock = threading.Lock()
        self._explainer: etree.XMLSchema | None = None

    def check(self, document: bytes | Document) -> etree._Element:
        """Validate proven content; return its root.

        Raises:
            NotValid: with the first ten findings: XPath, line in the content, and reason.
        """
        if isinstance(document, bytes):
            document = Document(document)
        content = document.content
        if content.count(b"<") > _FEW or content.count(b"=") > _FEW:
            root, end = self._read(content)
            if end is None:
                return root
            root = parse_cut_off(content[:end])
        elif self._accepted(root := document.root):
            return root
        raise NotValid("the message is not valid against its schema", self._explain(root))

    def _compile(self) -> etree.XMLSchema:
        parser = etree.XMLParser(no_network=True, resolve_entities=False, load_dtd=False)
        with _compiling:
            return etree.XMLSchema(etree.parse(str(self._path), parser))

    def _accepted(self, root: etree._Element) -> bool:
        accepted = _validates(self._accepts, root)
        if not accepted:
            _forget(self._accepts)
        return accepted

    def _read(self, content: bytes) -> tuple[etree._Element, int | None]:
        """Return the root of a valid document and None, or nothing and how far an invalid one is to be explained."""
        parser = etree.XMLParser(
            schema=self._accepts, no_network=True, resolve_entities=False, load_dtd=False, collect_ids=False
        )
        end, stop = 0, len(content)
        try:
            while end < stop and len(parser.feed_error_log) < MOST_FINDINGS:
                parser.feed(content[end : end + _PIECE])
                end += _PIECE
                if len(parser.feed_error_log):
                    stop = min(stop, end + _REACH)
            return parser.close(), None
        except etree.XMLSyntaxError:
            require_memory()
            return _NOTHING, end

    def _explain(self, root: etree._Element) -> tuple[Finding, ...]:
        # The errors of a compiled schema are kept in one place for all its users, so the words come from another one.
        with self._lock:
            if self._explainer is None:
                self._explainer = self._compile()
            _validates(self._explainer, root)
            entries = list(islice(cast("Iterable[Any]", self._explainer.error_log), MOST_FINDINGS))
            _forget(self._explainer)
        return tuple(_finding(root, entry) for entry in entries)


def _validates(schema: etree.XMLSchema, root: etree._Element) -> bool:
    try:
        return bool(schema.validate(root))
    except etree.XMLSchemaValidateError:
        require_memory()
        return False  # an error of libxml2's own: what it cannot judge is not valid


def _forget(schema: etree.XMLSchema) -> None:
    """Have the schema drop its errors, whose words may be as long as the message; it keeps those of its last one."""
    schema.validate(_NOTHING)


def _finding(root: etree._Element, entry: Any) -> Finding:
    element = _element_at(root, entry.path or "/*")
    path = "/" if element is None else _path_of(element)
    return Finding(path[:LONGEST_PATH], entry.line, _in_our_words(entry.message))


def _element_at(root: etree._Element, path: str) -> etree._Element | None:
    """Return the element that libxml2 means: it writes `*[n]` for the n-th child without a prefix."""
    steps = (
        f"*{index}" if name == "*" else f"*[name() = '{name}']{index}"
        for name, index in _STEP.findall(path.partition("/@")[0])
    )
    found = root.getroottree().xpath("/" + "/".join(steps))
    return found[0] if isinstance(found, list) and found and isinstance(found[0], etree._Element) else None


def _path_of(element: etree._Element) -> str:
    """Return the element's XPath, with the message's own prefixes, and a number wherever there are several."""
    steps = []
    for step in (element, *element.iterancestors()):
        name = _qualified(step)
        before = int(cast("float", _twins_before(step, name=name)))
        alone = not before and not _twins_after(step, name=name)
        steps.append(name if alone else f"{name}[{before + 1}]")
    return "/" + "/".join(reversed(steps))


def _qualified(element: etree._Element) -> str:
    local = etree.QName(element).localname
    return f"{element.prefix}:{local}" if element.prefix else local


def _words_for_a_name(message: str) -> str | None:
    """Return what libxml2 says of what is no name; the pattern for one is made of what is never shown."""
    before, refused, pattern = message.partition(_BY_PATTERN)
    if not refused or name_fault(pattern[:_NAMES_PATTERN].rstrip()) is None:
        return None
    opening, _, value = before.partition("The value '")
    fault = name_fault(value) or "is empty"
    return f"{opening[: 8 * LONGEST_REASON]}The value {value[:_EXCERPT]!r} is not a name: it {fault}"


def _in_our_words(message: str) -> str:
    """Return what libxml2 says without the element (the path has it) and without namespaces; never a long value."""
    reason = _words_for_a_name(message) or " ".join(message[: 8 * LONGEST_REASON].split())
    reason = _OPENING.sub(lambda opening: f"{opening[1]}: " if opening[1] else "", reason)
    reason = _NAMESPACE.sub("", reason)
    reason = shown(reason)
    return reason if len(reason) <= LONGEST_REASON else reason[: LONGEST_REASON - 3] + "..."
