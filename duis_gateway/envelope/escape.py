"""Text as canonical XML writes it (Canonical XML 1.0, section 2.3), for elements and for attributes.

What the gateway renders is its own inclusive C14N, so no other escapes will do: `&gt;` in text but not in attributes,
references for the white space that a parser would change.
"""

from __future__ import annotations

import re

_UNWRITABLE = "\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff"
_IN_TEXT = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#xD;"}
_IN_ATTRIBUTE = {"&": "&amp;", "<": "&lt;", '"': "&quot;", "\t": "&#x9;", "\n": "&#xA;", "\r": "&#xD;"}
_TEXT = re.compile(f"[{''.join(_IN_TEXT)}{_UNWRITABLE}]")
_ATTRIBUTE = re.compile(f"[{''.join(_IN_ATTRIBUTE)}{_UNWRITABLE}]")


def escape_text(text: str) -> str:
    """Return the text as the content of an element.

    Raises:
        ValueError: it has a character that XML 1.0 cannot carry.
    """
    return _TEXT.sub(lambda found: _escaped(found[0], _IN_TEXT), text)


def escape_attribute(text: str) -> str:
    """Return the text as the value of an attribute, without the quotes around it.

    Raises:
        ValueError: it has a character that XML 1.0 cannot carry.
    """
    return _ATTRIBUTE.sub(lambda found: _escaped(found[0], _IN_ATTRIBUTE), text)


def _escaped(character: str, escapes: dict[str, str]) -> str:
    escape = escapes.get(character)
    if escape is None:
        raise ValueError(f"XML cannot carry the character U+{ord(character):04X}")
    return escape
