"""Validation against the project's own XSDs: libxml2 accepts, in microseconds; `xmlschema` explains a refusal."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from lxml import etree

from duis_gateway.envelope.parse import parse_trusted
from duis_gateway.errors import Finding, NotValid

if TYPE_CHECKING:
    import xmlschema

_log = logging.getLogger(__name__)
MOST_FINDINGS = 10
LONGEST_REASON = 300


class Schema:
    """One XSD, compiled once; may be used by any number of threads at a time.

    Neither engine follows a location that a message names, nor opens a connection (T04, T45).
    """

    def __init__(self, path: Path) -> None:
        self._path = path.resolve()  # xmlschema reads a relative one twice over
        self._accepts = self._compile()
        self._lock = threading.Lock()
        self._explainer: xmlschema.XMLSchema10 | None = None

    def check(self, content: bytes) -> etree._Element:
        """Parse proven content and validate it; return its root.

        Raises:
            NotValid: with the first ten findings: XPath, line in the content, and reason.
        """
        root = parse_trusted(content)
        self.check_tree(root)
        return root

    def check_tree(self, root: etree._Element) -> None:
        """Validate what `parse_trusted` has made of proven content.

        Raises:
            NotValid: as `check`.
        """
        if not self._accepts.validate(root):
            raise NotValid("the message is not valid against its schema", self._explain(root))

    def _compile(self) -> etree.XMLSchema:
        parser = etree.XMLParser(no_network=True, resolve_entities=False, load_dtd=False)
        return etree.XMLSchema(etree.parse(str(self._path), parser))

    def _explain(self, root: etree._Element) -> tuple[Finding, ...]:
        # The error log of a compiled schema is shared by all its users, so the words come from elsewhere.
        try:
            errors = list(islice(self._explaining().iter_errors(root), MOST_FINDINGS))
        except Exception:
            # Whatever the second engine stumbles over, the refusal stands, and is no defect of ours (500).
            _log.exception("xmlschema could not explain why a message is refused")
            errors = []
        findings = tuple(
            Finding(error.path or "/", error.sourceline, _cut(error.reason or error.message)) for error in errors
        )
        return findings or self._libxml2_says(root)

    def _explaining(self) -> xmlschema.XMLSchema10:
        with self._lock:
            if self._explainer is None:
                import xmlschema  # takes most of a second, and only a refusal needs it

                self._explainer = xmlschema.XMLSchema10(
                    str(self._path), allow="local", defuse="always", use_location_hints=False
                )
            return self._explainer

    def _libxml2_says(self, root: etree._Element) -> tuple[Finding, ...]:
        own = self._compile()
        own.validate(root)
        entries = cast("Iterable[Any]", own.error_log)
        return tuple(
            Finding(entry.path or "/", entry.line, _cut(entry.message)) for entry in islice(entries, MOST_FINDINGS)
        )


def _cut(reason: str) -> str:
    """Return a reason short enough for an answer and a log line: some carry the whole value, up to 64 kB."""
    reason = " ".join(reason[: 4 * LONGEST_REASON].split())
    return reason if len(reason) <= LONGEST_REASON else reason[: LONGEST_REASON - 3] + "..."
