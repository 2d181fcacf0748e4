"""The pieces that answers and alerts are written with, in a form that is its own inclusive C14N 1.0.

Canonical by construction: one namespace declaration on the root, no white space between elements, no empty-element
tags, and exactly the escapes that C14N prescribes. So nothing is parsed or canonicalised before it is signed.
"""

from __future__ import annotations

from decimal import Decimal

from duis_gateway.duis.versions import format_version
from duis_gateway.envelope.escape import escape_text
from duis_gateway.namespaces import SR


def leaf(name: str, text: str | int) -> str:
    """Return a DUIS element that holds text."""
    return f"<sr:{name}>{escape_text(str(text))}</sr:{name}>"


def optional(name: str, text: str | int | None) -> str:
    """Return a DUIS element that holds text, or nothing where there is no text."""
    return "" if text is None or text == "" else leaf(name, text)


def node(name: str, *content: str) -> str:
    """Return a DUIS element around content that is already rendered."""
    return f"<sr:{name}>{''.join(content)}</sr:{name}>"


def response_start(version: Decimal) -> str:
    """Return the start tag of an `sr:Response` of this DUIS version."""
    return f'<sr:Response xmlns:sr="{SR}" schemaVersion="{format_version(version)}">'


RESPONSE_END = "</sr:Response>"
