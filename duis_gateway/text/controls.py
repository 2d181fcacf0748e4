"""Text that others wrote: what a name may hold, and how any text is shown to people (threats T59, T66, T70).

One set of characters is obeyed rather than shown: the control characters C0 and C1 (a terminal takes U+009B for the
start of a command, and U+0085 for a line end), the marks and controls of writing direction, line and paragraph
separators, and what is invisible. Names with one of them are refused where they come in; in free text they are kept, as
evidence, and never shown.
"""

from __future__ import annotations

import re

CONTROLS = (
    "\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb\ufffe\uffff"
    "\U000e0000-\U000e007f"
)
"""Characters that are never shown, as the inside of a character class; the schemas' type `Name` has the same."""

SPACES = " \xa0\u1680\u2000-\u200a\u202f\u205f\u3000"
"""Spaces, as the inside of a character class: none stands at either end of a name."""

_CONTROL = re.compile(f"[{CONTROLS}]")
_CONTROL_IN_LINES = re.compile(f"(?![\t\n])[{CONTROLS}]")
_OUTER_SPACE = re.compile(f"\\A[{SPACES}]|[{SPACES}]\\Z")


def name_fault(text: str) -> str | None:
    """Return what keeps a text from being a name, in words that follow "it", or None."""
    if match := _CONTROL.search(text):
        if "\ud800" <= match[0] <= "\udfff":
            return "is not UTF-8"
        return f"has the control character U+{ord(match[0]):04X}"
    if _OUTER_SPACE.search(text):
        return "begins or ends with a space"
    return None


def shown(text: str) -> str:
    r"""Return a text for a terminal or a log: on one line, control characters as `\x9b` or `\u202e`."""
    return _CONTROL.sub(_escaped, text)


def shown_lines(text: str) -> str:
    """Return a text of several lines in the same way; line feeds and tabs stay."""
    return _CONTROL_IN_LINES.sub(_escaped, text)


def one_line(text: str) -> str:
    """Return a text for a sentence or a header: on one line, a single space for what is a space or is not shown."""
    return " ".join(_CONTROL.sub(" ", text).split())


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode()
