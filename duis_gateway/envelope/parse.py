"""Bytes to a tree, safely: one parser for the whole program, and caps on the shape before any canonicalisation.

The order is cheap before dear (threats T01 to T10). Counts of `<`, `=` and `xmlns` in the bytes are upper bounds on the
elements, attributes and namespace declarations; only where a bound does not settle it is the tree counted.
Inclusive C14N of 114 kB can take minutes when many namespaces meet many elements (T07): past these caps it cannot.
"""

from __future__ import annotations

import codecs
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice

from lxml import etree

from duis_gateway.envelope.memory import require_memory
from duis_gateway.envelope.syntax import why_not_xml
from duis_gateway.errors import NotSafeXml, TooLarge

ElementCaps = Mapping[tuple[str, str], int]
"""(root, child of its Body), both as `{namespace}name`, to the most elements such a message may have."""

_ENCODINGS = frozenset({"UTF-8", "UTF8", "US-ASCII", "ASCII"})
_TAKEN = "it must be in UTF-8 (which includes US-ASCII)"
_FOREIGN_BEGINNINGS = {
    b"\xff\xfe\0\0": "UTF-32",
    b"\0\0": "UTF-32",
    b"<\0\0": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
    b"\0": "UTF-16",
    b"<\0": "UTF-16",
    b"+/v": "UTF-7",
    b"\xdd\x73\x66\x73": "UTF-EBCDIC",
    b"\x4c\x6f\xa7\x94": "EBCDIC",
}
"""How documents in other encodings begin: with a byte-order mark, or with a tag or declaration (XML 1.0, F.1)."""

_DECLARED = re.compile(
    rb"""(?:\xef\xbb\xbf)?<\?xml\s[^>]{0,200}?\sencoding\s*=\s*["']([A-Za-z][A-Za-z0-9._-]{0,39})["']"""
)
_PIECE = 64 * 1024
_BEGINNING = 4 * 1024
_ENOUGH_READ = 4 * 1024 * 1024
_MOST_ATTRIBUTES = 1_000
_LEAST_BYTES = 16  # an element of those that repeat: its two tags are longer, and hubs are named in them
_LIKE_AN_ATTRIBUTE = re.compile(rb"""=\s*["']""")
_MANY = 4  # times as many as there may be: a text may look like attributes too
_MARKUP_BESIDES = 256  # `<` that are no element of the message: comments, CDATA sections, the declaration
_has_more_elements = etree.XPath("count(//*) > $most")
_has_more_attributes = etree.XPath("count(//@*) > $most")
_NOTHING_SAID = "unknown error"  # lxml, where libxml2 gave up without a word: it had no memory for one
_NO_DTD = "a document type declaration is not allowed"
_threads = threading.local()


@dataclass(frozen=True)
class ShapeLimits:
    """How large and how intricate one message may be (configuration section `[limits]`).

    `size` is in bytes; `depth` counts the root as 1; `attributes` is for each element, `namespaces` (declarations) for
    the whole document; `default_elements` is for the message types that have no cap of their own. A document has at
    most as many attributes as it may have elements, and never more than a thousand: no message has twenty.
    """

    size: int = 8 * 1024 * 1024
    depth: int = 64
    attributes: int = 64
    namespaces: int = 32
    default_elements: int = 10_000


def parse_document(raw: bytes, limits: ShapeLimits, caps: ElementCaps) -> etree._Element:
    """Parse a message as it came in, and return its root.

    Raises:
        TooLarge: over `limits.size` (T54).
        NotSafeXml: not well-formed XML 1.0 in UTF-8, a DTD or processing instruction in it, or over a cap (T01 to T10).
    """
    if len(raw) > limits.size:
        raise TooLarge(f"the message has {len(raw)} bytes; the limit is {limits.size}")
    _check_bytes(raw, limits, caps)
    _threads.read = getattr(_threads, "read", 0) + len(raw)
    root = _parse(raw)
    _check_document(root)
    _check_shape(root, raw, limits, caps)
    return root


def parse_trusted(content: bytes) -> etree._Element:
    """Parse bytes that were proven, or are the gateway's own, and return the root; the parser is as strict, caps apart.

    Raises:
        NotSafeXml: the bytes are not well-formed, or have a DTD or processing instruction.
    """
    _check_encoding(content)
    root = _parse(content)
    _check_document(root)
    return root


class Document:
    """Proven bytes, or the gateway's own, parsed as far as somebody asks."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    @cached_property
    def root(self) -> etree._Element:
        """All of it (errors as `parse_trusted`)."""
        return parse_trusted(self.content)

    @cached_property
    def beginning(self) -> etree._Element:
        """The root with its first child whole: the header, from which it is told what the long rest is worth."""
        # A canonical document has `<` nowhere but before a tag, so none is cut in two (`>` may stand in an attribute):
        # the root's second child begins only where the first has ended.
        end = self.content.rfind(b"<", 0, _BEGINNING)
        if len(self.content) > _BEGINNING and end > 0:
            root = parse_cut_off(self.content[:end])
            if len(root) > 1:
                return root
        return self.root


def parse_cut_off(content: bytes) -> etree._Element:
    """Parse the beginning of a well-formed document; what it leaves open ends with it."""
    parser = etree.XMLParser(recover=True, no_network=True, resolve_entities=False, load_dtd=False, collect_ids=False)
    return etree.fromstring(content, parser)


def thread_has_read_enough() -> bool:
    """Tell whether another thread should take the place of this one, in which messages are parsed.

    lxml keeps each name, namespace and short text that it has met in a dictionary of the thread, and frees it with the
    thread. Senders can make up as many names as they like.
    """
    return getattr(_threads, "read", 0) > _ENOUGH_READ


def _check_bytes(raw: bytes, limits: ShapeLimits, caps: ElementCaps) -> None:
    _check_encoding(raw)
    _check_utf8(raw)
    if b"<!DOCTYPE" in raw:
        raise NotSafeXml(_NO_DTD)  # before parsing: entities in attribute values are expanded there (T02)
    # Names cannot be written with character references, so no declaration escapes this count.
    if raw.count(b"xmlns") > limits.namespaces:
        raise NotSafeXml(f"the message declares more than {limits.namespaces} namespaces")
    most = max(limits.default_elements, *caps.values()) if caps else limits.default_elements
    most = min(most, limits.default_elements + len(raw) // _LEAST_BYTES)
    if raw.count(b"<") > 2 * most + _MARKUP_BESIDES:
        raise NotSafeXml(f"the message has more than {most} elements")
    # Attributes and comments are dear in a tree (up to 300 and 200 bytes of memory each), and honest messages have few.
    most = min(most, _MOST_ATTRIBUTES)
    if raw.count(b"=") > most and _more_than(_MANY * most, _LIKE_AN_ATTRIBUTE, raw):
        raise NotSafeXml(f"the message has more than {most} attributes")
    if raw.count(b"<!") + raw.count(b"<?") > _MARKUP_BESIDES:
        raise NotSafeXml(f"the message has more than {_MARKUP_BESIDES} comments, CDATA sections and instructions")


def _more_than(most: int, pattern: re.Pattern[bytes], raw: bytes) -> bool:
    return next(islice(pattern.finditer(raw), most, None), None) is not None


def _check_encoding(raw: bytes) -> None:
    """Look at how the document begins, and at what it declares; with a byte-order mark, libxml2 would not."""
    for beginning, encoding in _FOREIGN_BEGINNINGS.items():
        if raw.startswith(beginning):
            raise NotSafeXml(f"the message is in {encoding}, by its first bytes; {_TAKEN}")
    declared = _DECLARED.match(raw)
    if declared is not None and declared[1].decode().upper() not in _ENCODINGS:
        raise NotSafeXml(f"the message declares the encoding {declared[1].decode()}; {_TAKEN}")


def _check_utf8(raw: bytes) -> None:
    """Decode piece by piece: the whole text at once would take up to four times the message's memory."""
    if raw.isascii():
        return
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(raw), _PIECE):
            decoder.decode(raw[start : start + _PIECE], final=start + _PIECE >= len(raw))
    except UnicodeDecodeError as error:
        at = start + error.start - len(decoder.getstate()[0])
        raise NotSafeXml(f"the message is not in UTF-8 (byte {at})") from None


def _parser() -> etree.XMLParser:
    """Return this thread's parser: one that is shared would parse one message at a time.

    Nothing looks an element up by its id, and a table of ids would cost a sixth of the time.
    """
    parser: etree.XMLParser | None = getattr(_threads, "parser", None)
    if parser is None:
        parser = etree.XMLParser(
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            dtd_validation=False,
            attribute_defaults=False,
            huge_tree=False,
            recover=False,
            remove_comments=False,
            collect_ids=False,
        )
        _threads.parser = parser
    return parser


def _parse(raw: bytes) -> etree._Element:
    try:
        root = etree.fromstring(raw, _parser())
    except (etree.XMLSyntaxError, ValueError) as error:
        require_memory()
        if isinstance(error, etree.XMLSyntaxError) and error.msg == _NOTHING_SAID:
            raise MemoryError from None
        reason = why_not_xml(error) if isinstance(error, etree.XMLSyntaxError) else str(error)[:200]
        raise NotSafeXml(f"not well-formed XML: {reason}") from None
    if root is None:
        raise NotSafeXml("not well-formed XML: there is no root element")
    return root


def _check_document(root: etree._Element) -> None:
    tree = root.getroottree()
    about = tree.docinfo
    if any(dtd is not None for dtd in (about.internalDTD, about.externalDTD)):
        raise NotSafeXml(_NO_DTD)
    if about.encoding is not None and about.encoding.upper() not in _ENCODINGS:
        raise NotSafeXml(f"the message declares another encoding; {_TAKEN}")
    if about.xml_version not in {None, "1.0"}:
        raise NotSafeXml("only XML 1.0 is accepted")
    beside = (node for before in (True, False) for node in root.itersiblings(etree.PI, preceding=before))
    if next(beside, None) is not None or next(root.iter(etree.PI), None) is not None:
        raise NotSafeXml("a processing instruction is not allowed")


def _check_shape(root: etree._Element, raw: bytes, limits: ShapeLimits, caps: ElementCaps) -> None:
    markup = raw.count(b"<")
    most = caps.get((root.tag, _body_child(root)), limits.default_elements)
    if markup > most and _has_more_elements(root, most=most):
        raise NotSafeXml(f"the message has more than {most} elements")
    if markup > limits.depth and _deeper_than(limits.depth)(root):
        raise NotSafeXml(f"the message is nested deeper than {limits.depth} elements")
    attributes = min(most, _MOST_ATTRIBUTES)
    if raw.count(b"=") > attributes and _has_more_attributes(root, most=attributes):
        raise NotSafeXml(f"the message has more than {attributes} attributes")
    if raw.count(b"=") > limits.attributes and _more_attributes_than(limits.attributes)(root):
        raise NotSafeXml(f"an element has more than {limits.attributes} attributes")


def _body_child(root: etree._Element) -> str:
    for child in root.iterchildren("{*}Body"):
        for message in child.iterchildren("*"):
            return str(message.tag)
    return ""


@lru_cache(maxsize=8)
def _deeper_than(depth: int) -> etree.XPath:
    return etree.XPath(f"boolean({'/*' * (depth + 1)})")


@lru_cache(maxsize=8)
def _more_attributes_than(number: int) -> etree.XPath:
    return etree.XPath(f"boolean(//*[@*[{number + 1}]])")
