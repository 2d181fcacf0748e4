"""Safe parsing: threats T01 to T10, and the caps that keep canonicalisation cheap."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lxml import etree

import csp_mgmt_gw.messages as csp
import duis_gateway.envelope.parse as parse_module
import esi.messages as esi
from duis_gateway.envelope.parse import Document, ShapeLimits, parse_document, parse_trusted, thread_has_read_enough
from duis_gateway.errors import MessageRefused, NotSafeXml, TooLarge
from duis_gateway.flow.incoming import Door
from duis_gateway.flow.profiles import PROFILES
from duis_gateway.namespaces import SR
from duis_gateway.partners.messages import Interface, PartnerBody
from duis_gateway.rollout.activations.records import HubOutcome, OutcomeStage
from duis_gateway.rollout.hubs.records import Hub
from tests.support.signing import SIGNED, UNSIGNED

LIMITS = ShapeLimits()


def parse(raw: bytes, limits: ShapeLimits = LIMITS, caps: dict[tuple[str, str], int] | None = None) -> str:
    return str(parse_document(raw, limits, caps or {}).tag)


@pytest.mark.parametrize("raw", [UNSIGNED, SIGNED, b"<a/>", b"\xef\xbb\xbf<a/>", b"<?xml version='1.0'?>\n<a>\n</a>\n"])
def test_an_ordinary_message_is_parsed(raw: bytes) -> None:
    assert parse(raw)
    assert parse_trusted(raw).tag == parse_document(raw, LIMITS, {}).tag


@pytest.mark.parametrize("encoding", [b"UTF-8", b"utf-8", b"us-ascii"])
def test_utf8_and_its_subset_may_be_declared(encoding: bytes) -> None:
    assert parse(b'<?xml version="1.0" encoding="' + encoding + b'"?><a/>') == "a"


@pytest.mark.parametrize("read", [parse, parse_trusted])
@pytest.mark.parametrize(
    ("written", "encoding"),
    [
        *(
            (name, name[:6].upper())
            for name in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be")
        ),
        ("cp037", "EBCDIC"),
    ],
)
def test_another_encoding_is_named_by_its_first_bytes(
    read: Callable[[bytes], object], written: str, encoding: str
) -> None:
    with pytest.raises(NotSafeXml, match=f"the message is in {encoding}, .*must be in UTF-8"):
        read('<?xml version="1.0"?><a/>'.encode(written))


@pytest.mark.parametrize("read", [parse, parse_trusted])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("declared", ["UTF-16", "utf-32", "ISO-8859-1", "windows-1252", "klingon"])
def test_another_encoding_is_named_that_is_declared(
    read: Callable[[bytes], object], mark: bytes, declared: str
) -> None:
    """Also where a byte-order mark says otherwise: libxml2 believes the mark, others may believe the declaration."""
    for text in ("a", "\xe9"):
        raw = f"<?xml version='1.0' encoding = '{declared}' standalone='yes'?><a>{text}</a>"
        for octets in (raw.encode(), raw.encode("latin-1")):
            with pytest.raises(NotSafeXml, match=f"declares the encoding {declared}; it must be in UTF-8"):
                read(mark + octets)


@pytest.mark.parametrize(
    "raw",
    [
        b"<!DOCTYPE a><a/>",
        b"<!DOCTYPE a []><a/>",
        b'<!DOCTYPE a SYSTEM "a.dtd"><a/>',
        b'<!DOCTYPE a PUBLIC "a" "b"><a/>',
        b'<?xml version="1.0"?><!-- x --><!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
    ],
)
def test_t01_any_document_type_is_refused(raw: bytes) -> None:
    """T01."""
    with pytest.raises(NotSafeXml, match="document type"):
        parse(raw)
    with pytest.raises(NotSafeXml):
        parse_trusted(b"<!DOCTYPE a><a/>")


@pytest.mark.parametrize("where", [b"<a>&j;</a>", b'<a b="&j;"/>'])
def test_t02_entity_bombs_cost_nothing(where: bytes) -> None:
    """T02: refused before an entity is looked at."""
    names = b"abcdefghij"
    entities = b'<!ENTITY a "lol">' + b"".join(
        b'<!ENTITY %c "%b">' % (name, b"&%c;" % before * 10) for before, name in pairwise(names)
    )
    with pytest.raises(NotSafeXml, match="document type"):
        parse(b"<!DOCTYPE a [" + entities + b"]>" + where)


def test_t03_no_external_entity_is_fetched(tmp_path: Path) -> None:
    """T03: neither a file nor a socket is touched; a listener that nobody connects to says so."""
    secret = tmp_path / "secret"
    secret.write_text("secret")
    with socket.create_server(("127.0.0.1", 0)) as canary:
        canary.settimeout(0.2)
        port = canary.getsockname()[1]
        for url in (secret.as_uri(), f"http://127.0.0.1:{port}/x"):
            with pytest.raises(NotSafeXml) as refused:
                parse(f'<!DOCTYPE a [<!ENTITY x SYSTEM "{url}">]><a>&x;</a>'.encode())
            assert "secret" not in refused.value.detail
        with pytest.raises(TimeoutError):
            canary.accept()


def test_t04_nothing_that_points_outward_is_followed() -> None:
    """T04: a stylesheet is refused as a processing instruction; XInclude and schemaLocation are plain content."""
    with pytest.raises(NotSafeXml, match="processing instruction"):
        parse(b'<?xml-stylesheet href="http://127.0.0.1:1/x"?><a/>')
    root = parse_document(
        b'<a xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="/etc/hostname" parse="text"/></a>', LIMITS, {}
    )
    assert [child.tag for child in root] == ["{http://www.w3.org/2001/XInclude}include"]


@pytest.mark.parametrize("raw", [b"<?a b?><a/>", b"<a><?a b?></a>", b"<a/><?a b?>", b"<a><b>x<?a b?>y</b></a>"])
def test_t21_processing_instructions_are_refused(raw: bytes) -> None:
    """T04, T21: one would cut short the text that is read."""
    with pytest.raises(NotSafeXml, match="processing instruction"):
        parse(raw)


@pytest.mark.parametrize(("depth", "accepted"), [(64, True), (65, False), (300, False), (100_000, False)])
def test_t05_depth(depth: int, accepted: bool) -> None:
    """T05: the root is at depth 1, and 64 is the deepest."""
    raw = b"<a>" * depth + b"</a>" * depth
    if accepted:
        assert parse(raw) == "a"
    else:
        with pytest.raises(NotSafeXml):
            parse(raw, ShapeLimits(default_elements=1_000_000))


def test_t06_size_is_looked_at_first() -> None:
    """T06, T54: the limit is on bytes, and holds for what is no XML at all."""
    assert parse(b"<a>" + b"x" * 93 + b"</a>", ShapeLimits(size=100)) == "a"
    with pytest.raises(TooLarge, match="101 bytes; the limit is 100"):
        parse(b"\0" * 101, ShapeLimits(size=100))


def test_t06_a_text_of_the_whole_size_is_accepted_and_a_greater_one_is_not_parsed() -> None:
    """T06: eight megabytes of text are below libxml2's own limit."""
    raw = b"<a>" + b"x" * (LIMITS.size - 7) + b"</a>"
    assert parse(raw) == "a"
    with pytest.raises(TooLarge):
        parse(raw + b" ")


def test_t07_many_namespaces_times_many_elements_never_reach_c14n() -> None:
    """T07: 114 kB like this take inclusive C14N two minutes."""
    declarations = b" ".join(b'xmlns:n%d="urn:%d"' % (number, number) for number in range(2000))
    raw = b"<a " + declarations + b">" + b"<b/>" * 9_000 + b"</a>"
    with pytest.raises(NotSafeXml, match="namespaces"):
        parse(raw)


@pytest.mark.parametrize(("number", "accepted"), [(32, True), (33, False)])
@pytest.mark.parametrize("nested", [True, False])
def test_t07_namespace_cap(number: int, accepted: bool, nested: bool) -> None:
    """T07: declarations are counted wherever they stand."""
    declared = [b' xmlns:n%d="urn:%d"' % (each, each) for each in range(number)]
    if nested:
        raw = b"".join(b"<a%b>" % each for each in declared) + b"</a>" * number
    else:
        raw = b"<a" + b"".join(declared) + b"/>"
    if accepted:
        assert parse(raw) == "a"
    else:
        with pytest.raises(NotSafeXml, match="namespaces"):
            parse(raw)


@pytest.mark.parametrize(("number", "accepted"), [(256, True), (257, False)])
@pytest.mark.parametrize("one", [b"<!--x-->", b"<![CDATA[x]]>"])
def test_t08_comments_and_sections(one: bytes, number: int, accepted: bool) -> None:
    """T08: each is a node that costs memory, and no honest message has many."""
    raw = b"<a>" + b"<b/>".join([one] * number) + b"</a>"
    if accepted:
        assert parse(raw) == "a"
    else:
        with pytest.raises(NotSafeXml, match="more than 256 comments, CDATA sections and instructions"):
            parse(raw)


def test_t08_a_text_that_looks_like_attributes_is_none() -> None:
    """T08: the bytes are counted first, and there a text is not told from an attribute."""
    assert parse(b"<a>" + b"x = 'y' " * 3_000 + b"</a>") == "a"


@pytest.mark.parametrize(("number", "accepted"), [(64, True), (65, False), (100_000, False)])
def test_t08_attributes_of_one_element(number: int, accepted: bool) -> None:
    """T08: the cap is for one element, not for the document."""
    raw = b"<r><a/>" + b"<a " + b" ".join(b'a%d=""' % each for each in range(number)) + b"/></r>"
    if accepted:
        assert parse(raw) == "r"
        assert parse(b"<r>" + raw + raw + b"</r>") == "r"
    else:
        with pytest.raises(NotSafeXml, match="attributes"):
            parse(raw)


@pytest.mark.parametrize("quote", ["'", '"'])
@pytest.mark.parametrize(("elements", "accepted"), [(25, True), (26, False), (99, False)])
def test_t08_attributes_of_the_whole_document(elements: int, accepted: bool, quote: str) -> None:
    """As many as it may have elements: an attribute costs more memory than an element."""
    raw = b"<a>" + f"<b c={quote}{quote} d = {quote}={quote} e={quote}{quote}\nf= ''/>".encode() * elements + b"</a>"
    limits = replace(LIMITS, default_elements=100)
    if accepted:
        assert parse(raw, limits) == "a"
    else:
        with pytest.raises(NotSafeXml, match="more than 100 attributes"):
            parse(raw, limits)


def test_t08_a_message_has_a_thousand_attributes_at_most_however_many_elements_it_may_have() -> None:
    """Each costs memory and canonicalisation, and no message of any door has twenty."""
    limits = replace(LIMITS, default_elements=70_000)
    assert parse(b"<a>" + b'<b c="" d=""/>' * 500 + b"</a>", limits) == "a"
    with pytest.raises(NotSafeXml, match="more than 1000 attributes"):
        parse(b"<a>" + b'<b c="" d=""/>' * 501 + b"</a>", limits)


def test_text_with_equals_signs_and_quotes_is_no_attribute() -> None:
    assert parse(b"<a>" + b"a='b' " * 120 + b"</a>", replace(LIMITS, default_elements=100)) == "a"


def test_a_thread_that_has_read_megabytes_should_make_place_for_another() -> None:
    """lxml keeps the names of what a thread has read as long as the thread lives."""
    told: list[bool] = []

    def read() -> None:
        told.append(thread_has_read_enough())
        parse(b"<a>" + b"x" * 3_000_000 + b"</a>")
        told.append(thread_has_read_enough())
        with pytest.raises(NotSafeXml):
            parse(b"<a>" + b"x" * 3_000_000 + b"</b>")
        told.append(thread_has_read_enough())

    thread = threading.Thread(target=read)
    thread.start()
    thread.join()
    assert told == [False, False, True]


@pytest.mark.parametrize("before", [0, 65_534, 65_535, 65_536, 200_000])
@pytest.mark.parametrize("wrong", ["\u20ac".encode()[:2], b"\xff"])
def test_t09_the_byte_that_is_not_utf8_is_named(before: int, wrong: bytes) -> None:
    raw = b"<a>" + "\u20ac".encode() + b"x" * (before - 6 if before else 0) + wrong + b"</a>"
    with pytest.raises(NotSafeXml, match=rf"\(byte {raw.index(wrong, 6)}\)"):
        parse(raw)


@pytest.mark.parametrize(
    "raw",
    [
        "<a/>".encode("utf-16"),
        "<a/>".encode("utf-16-le"),
        "<a/>".encode("utf-16-be"),
        "<a/>".encode("utf-32"),
        "<a/>".encode("utf-32-be"),
        '<?xml version="1.0" encoding="UTF-16"?><a/>'.encode("utf-16"),
        b'<?xml version="1.0" encoding="UTF-16"?><a/>',
        b'<?xml version="1.0" encoding="ISO-8859-1"?><a/>',
        b'<?xml version="1.0" encoding="ISO-8859-1"?><a>\xe9</a>',
        b'<?xml version="1.0" encoding="UTF-7"?><a>+AGE-</a>',
        b'<?xml version="1.0" encoding="IBM037"?><a/>',
        b'<?xml version="1.0" encoding="klingon"?><a/>',
        b"<a>\xff</a>",
        b"<a>\xc0\xbc</a>",
        b"<a>\xed\xa0\x80</a>",
        b'<?xml version="1.1"?><a/>',
    ],
)
def test_t09_only_utf8(raw: bytes) -> None:
    """T09."""
    with pytest.raises(NotSafeXml):
        parse(raw)


@pytest.mark.parametrize(
    "raw",
    [b"", b" ", b"\0", b"<a>\0</a>", b"<a/>\0", b"<a/><b/>", b"<a/>trailing", b"trailing<a/>", b"<a>", b"a", b"<",
     b"<a>&x;</a>", b"<a b='1' b='2'/>", b"<a><b></a></b>", b"<x:a/>", b"<a>&#0;</a>", b"\xef\xbb\xbf",
     b"<?xml version='1.0'?>", b"<!-- only -->"],
)  # fmt: skip
def test_t10_what_is_not_well_formed_is_the_senders_fault(raw: bytes) -> None:
    """T10."""
    with pytest.raises(NotSafeXml):
        parse(raw)
    with pytest.raises(NotSafeXml):
        parse_trusted(raw)


_UNDECLARED = 'line 1, column {}: the prefix {} is not declared: add xmlns:{}="{}" where {} begins'
_LESS_THAN = "a < stands here that begins no element: write &lt; for it"


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"<a", "line 1, column 3: Couldn't find end of Start Tag a line 1"),
        (b"<sr:Request/>", _UNDECLARED.format(12, "sr", "sr", SR, "Request")),
        (b"<a sr:x='1'/>", _UNDECLARED.format(12, "sr", "sr", SR, "a")),
        (b"<x:a/>", _UNDECLARED.format(5, "x", "x", "...", "a")),
        (b"<a>\n<b></a>", "line 2, column 8: </a> stands where </b> has to, which ends what begins on line 2"),
        (
            b"<a>\n<b>",
            "line 2, column 4: it ends before <b> does, which begins on line 2: it was cut short, or </b> is missing",
        ),
        (b"hello", "line 1, column 1: it does not begin with an element: is it an XML document?"),
        (b"", "line 1, column 1: it is empty"),
        (b"<a/><b/>", "line 1, column 5: something follows the end of the first element: a document has one that"),
        (b"<a>x & y</a>", "line 1, column 7: an & stands here by itself: write &amp; for it"),
        (b"<a>x&y</a>", "line 1, column 7: an & stands here by itself: write &amp; for it"),
        (b"<a>&nbsp;</a>", "line 1, column 10: &nbsp; stands for nothing in XML: write the character itself"),
        (b"<a>< b></a>", f"line 1, column 5: {_LESS_THAN}"),
        (b"<a>\n <b x='<'/></a>", f"line 2, column 8: {_LESS_THAN}"),
        (b"<a x=1/>", "line 1, column 6: the value of an attribute has to be in quotes"),
        (b"<a x='1' x='2'/>", "line 1, column 15: the attribute x is there twice"),
        (
            b" <?xml version='1.0'?><a/>",
            "line 1, column 7: something stands before the XML declaration, be it a blank: it has to come first",
        ),
    ],
    ids=lambda one: str(one)[:30],
)
def test_what_is_not_well_formed_is_told_with_one_place_and_what_helps(raw: bytes, said: str) -> None:
    """The parser's own words stood there: "Namespace prefix sr on Request is not defined"."""
    with pytest.raises(NotSafeXml) as caught:
        parse_trusted(raw)
    assert caught.value.detail.startswith(f"not well-formed XML: {said}")


def test_the_reason_is_short_whatever_the_message_holds() -> None:
    with pytest.raises(NotSafeXml) as refused:
        parse(b"<" + b"a" * 100_000 + b">")
    assert len(refused.value.detail) < 300


@pytest.mark.parametrize("spread", [b"<b/>", b"<b></b>", b"<b>x</b>"])
def test_element_cap_of_the_message_type(spread: bytes) -> None:
    """T07: the cap goes by root and child of Body; one cap for a type, the default for every other."""
    limits, caps = ShapeLimits(default_elements=20), {("{urn:x}M", "{urn:x}Many"): 100}

    def message(kind: bytes, number: int) -> bytes:
        filler = spread * (number - 4)
        return b'<M xmlns="urn:x"><Header/><Body><' + kind + b">" + filler + b"</" + kind + b"></Body></M>"

    assert parse(message(b"Many", 100), limits, caps)
    assert parse(message(b"Few", 20), limits, caps)
    assert parse(message(b"Many", 100).replace(b"<Body>", b"<Body><!-- - -->"), limits, caps)
    for kind, number in ((b"Many", 101), (b"Few", 21), (b"Many", 5_000)):
        with pytest.raises(NotSafeXml, match="elements"):
            parse(message(kind, number), limits, caps)


@pytest.mark.parametrize("spread", [b"<u>1</u>", b"<u/>", b"<u>" * 50 + b"</u>" * 50])
@pytest.mark.parametrize("door", Door)
def test_elements_that_are_too_short_for_a_message_are_refused_before_they_are_parsed(
    door: Door, spread: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T07: a type that may have very many elements has hubs in them."""
    monkeypatch.setattr(parse_module, "_parse", lambda _raw: pytest.fail("it was parsed"))
    with pytest.raises(NotSafeXml, match="elements"):
        parse(b"<M>" + spread * (256 * 1024 // len(spread)) + b"</M>", LIMITS, dict(PROFILES[door].element_caps))


_HUB = Hub(1, "CHF", "0", "0", "0", "Commissioned", "North", 1, None)
_OUTCOME = HubOutcome(1, OutcomeStage.DISTRIBUTION, True, "0", datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("interface", "body", "door"),
    [
        (esi.INTERFACE, esi.InventoryUpdate((_HUB,) * 9_000), Door.ESI),
        (csp.INTERFACE, csp.DistributionOutcomes((_OUTCOME,) * 9_000), Door.CSP),
    ],
)
def test_a_long_message_of_the_shortest_values_is_none_of_those(
    interface: Interface, body: PartnerBody, door: Door
) -> None:
    """T07: the longest lists, written as tersely as they can be, pass."""
    raw = interface.render_message("m", 1, datetime(2026, 1, 1, tzinfo=UTC), body)
    assert parse(raw, LIMITS, dict(PROFILES[door].element_caps))


def test_the_cap_of_a_type_is_not_had_by_naming_it_elsewhere() -> None:
    """T07: only the first element of the root's own Body says what a message is."""
    limits, caps = ShapeLimits(default_elements=20), {("M", "Many"): 100}
    for raw in (b"<M><Body><Few/><Many/></Body>", b"<M><x><Body><Many/></Body></x>", b"<M><Many/>"):
        with pytest.raises(NotSafeXml, match="elements"):
            parse(raw + b"<b/>" * 30 + b"</M>", limits, caps)


def test_threads_parse_side_by_side() -> None:
    results: list[str] = []
    threads = [threading.Thread(target=lambda: results.extend(parse(SIGNED) for _ in range(50))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 200


@given(st.binary(max_size=200) | st.text(alphabet="<>/ab&;!?[]='\" x:", max_size=80).map(str.encode))
@example(b"<a xmlns='x'/>")
def test_any_bytes_are_parsed_or_refused(raw: bytes) -> None:
    """T10: nothing but a refusal comes out of what is no message."""
    try:
        parse(raw)
    except MessageRefused as refused:
        assert refused.detail  # noqa: PT017 - the point is that no other error comes


@pytest.mark.parametrize("long", ["x" * 5000, "x>" * 2500, ">" * 5000], ids=["text", "text and >", ">"])
@pytest.mark.parametrize(
    "document",
    [
        *('<r a="{}"><h>1</h><b></b></r>', '<r><h a="{}">1</h><b></b></r>', '<r><h>1</h><b a="{}"></b><c></c></r>'),
        *("<r>{}<h>1</h><b></b></r>", "<r><h>1{}</h><b></b></r>", "<r>{}</r>"),
    ],
)
def test_the_beginning_of_a_document_has_the_header_whole_wherever_it_is_cut(document: str, long: str) -> None:
    """A start tag of more than 4 KiB, or a `>` in an attribute, was a defect of ours."""
    attribute, text = '"{}"' in document, long.replace(">", "&gt;")
    content = document.format(long if attribute else text).encode()
    whole, beginning = parse_trusted(content), Document(content).beginning
    assert (beginning.tag, beginning.get("a")) == (whole.tag, whole.get("a"))
    first = [next(map(etree.tostring, root), None) for root in (beginning, whole)]
    assert first[0] == first[1]
