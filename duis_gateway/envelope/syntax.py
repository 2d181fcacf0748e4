"""Why bytes are no XML, and what to do about it: in words of our own where the parser's are no help."""

from __future__ import annotations

import re

from lxml import etree

from duis_gateway.envelope.escape import escape_text
from duis_gateway.namespaces import DS, SR

_LONGEST = 200  # of the parser's words: names in them may be as long as their sender likes
_KNOWN = {"sr": SR, "ds": DS}
_PREFIX = re.compile(r"Namespace prefix (\S+) (?:for \S+ )?on (\S+) is not defined")
_WORDS = (
    (
        re.compile(r"Opening and ending tag mismatch: (\S+) line ([0-9]+) and (\S+)"),
        r"</\3> stands where </\1> has to, which ends what begins on line \2",
    ),
    (
        re.compile(r"Premature end of data in tag (\S+) line ([0-9]+)"),
        r"it ends before <\1> does, which begins on line \2: it was cut short, or </\1> is missing",
    ),
    (re.compile(r"Start tag expected, '<' not found"), "it does not begin with an element: is it an XML document?"),
    (re.compile(r"Document is empty"), "it is empty"),
    (
        re.compile(r"Extra content at the end of the document"),
        "something follows the end of the first element: a document has one that holds all others",
    ),
    (
        re.compile(r"xmlParseEntityRef: no name|EntityRef: expecting ';'"),
        f"an & stands here by itself: write {escape_text('&')} for it",
    ),
    (
        re.compile(r"Entity '(\S+)' not defined"),
        r"&\1; stands for nothing in XML: write the character itself",
    ),
    (
        re.compile(r"StartTag: invalid element name|Unescaped '<' not allowed in attributes values"),
        f"a < stands here that begins no element: write {escape_text('<')} for it",
    ),
    (re.compile(r"""AttValue: " or ' expected"""), "the value of an attribute has to be in quotes"),
    (re.compile(r"Attribute (\S+) redefined"), r"the attribute \1 is there twice"),
    (
        re.compile(r"XML declaration allowed only at the start of the document"),
        "something stands before the XML declaration, be it a blank: it has to come first",
    ),
)


def why_not_xml(error: etree.XMLSyntaxError) -> str:
    """Return where the bytes are no XML, what is wrong there, and what helps; for rare faults in the parser's words."""
    line, column = error.position
    # The place stands in the parser's words, too; str() of the error would add it a third time.
    said = (error.msg or "").removesuffix(f", line {line}, column {column}")[:_LONGEST]
    return f"line {line}, column {column}: {_in_words(said)}"


def _in_words(said: str) -> str:
    if undeclared := _PREFIX.fullmatch(said):
        prefix, name = undeclared.groups()
        namespace = _KNOWN.get(prefix, "...")
        return f'the prefix {prefix} is not declared: add xmlns:{prefix}="{namespace}" where {name} begins'
    return next((found.expand(words) for form, words in _WORDS if (found := form.fullmatch(said))), said)
