"""What of a SOAP envelope is accepted, and which bytes are cut out of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duis_gateway.doors.soap_envelope import cut_request, envelope_limits
from duis_gateway.envelope.parse import ShapeLimits, parse_document
from duis_gateway.errors import (
    NotSafeXml,
    SoapEnvelopeRefused,
    SoapHeaderNotUnderstood,
    SoapVersionMismatch,
    TooLarge,
)
from duis_gateway.namespaces import SOAP_ENVELOPE, SR, sr
from tests.support.doors import envelope
from tests.support.signing import SIGNED
from tests.support.soap_shapes import refused_shapes

LIMITS = ShapeLimits()


def cut(raw: bytes) -> bytes:
    return cut_request(raw, LIMITS)


SPACE = st.text(" \t\r\n", max_size=3).map(str.encode)
AROUND = st.lists(st.sampled_from([b" ", b"\n", b"<!-- > </sr:Request> -->"]), max_size=3).map(b"".join)
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="<&>\ufffe\uffff"), max_size=20)


@given(SPACE, AROUND, AROUND, TEXT, st.booleans())
def test_the_bytes_of_the_request_come_out_exactly_as_they_went_in(
    space: bytes, before: bytes, after: bytes, text: str, mark: bool
) -> None:
    quoted = text.replace("'", "").encode()
    request = b"<r:Request%b xmlns:r='%b' a='>%b'><r:b/>%b<![CDATA[</r:Request>]]></r:Request%b>" % (
        space or b" ",
        SR.encode(),
        quoted,
        text.encode(),
        space,
    )
    raw = envelope(before + request + after)
    assert cut(b"\xef\xbb\xbf" + raw if mark else raw) == request


def test_a_request_within_a_request_is_part_of_the_outer_one() -> None:
    inner = b'<sr:Request xmlns:sr="%s"><sr:Request><a/></sr:Request></sr:Request>' % SR.encode()
    assert cut(envelope(inner)) == inner


def test_headers_that_need_not_be_understood_and_comments_are_passed_over() -> None:
    header = b'<s:Header><w:Action xmlns:w="urn:w" s:mustUnderstand="0">x</w:Action></s:Header><!-- here -->'
    assert cut(envelope(header=header)) == SIGNED


REFUSED = refused_shapes(SIGNED)


@pytest.mark.parametrize("raw", REFUSED.values(), ids=REFUSED.keys())
def test_another_shape_is_refused(raw: bytes) -> None:
    """T57, and T11 to T18 in their SOAP variants: nothing but the one request, in its place."""
    with pytest.raises(SoapEnvelopeRefused):
        cut(raw)


def test_other_versions_have_a_refusal_of_their_own() -> None:
    """T49."""
    with pytest.raises(SoapVersionMismatch):
        cut(envelope().replace(SOAP_ENVELOPE.encode(), b"http://www.w3.org/2003/05/soap-envelope"))


NEXT = "http://schemas.xmlsoap.org/soap/actor/next"


@pytest.mark.parametrize(
    ("attributes", "understood"),
    [
        ('s:mustUnderstand="1"', False),
        ('s:mustUnderstand="true"', False),
        ('s:mustUnderstand=" 1 "', False),
        ('s:mustUnderstand="1" s:actor=""', False),
        (f's:mustUnderstand="1" s:actor="{NEXT}"', False),
        ('s:mustUnderstand="0"', True),
        (f's:actor="{NEXT}"', True),
        ('s:mustUnderstand="1" s:actor="http://intermediary.example/router"', True),
        ('mustUnderstand="1"', True),
    ],
)
def test_a_header_must_be_understood_only_by_its_actor(attributes: str, understood: bool) -> None:
    """T49; SOAP 1.1, 4.2.2: without an actor, or with `next`, a header is for the gateway."""
    raw = envelope(header=f'<s:Header><x:Route xmlns:x="urn:x" {attributes}>x</x:Route></s:Header>'.encode())
    if understood:
        assert cut(raw) == SIGNED
        return
    with pytest.raises(SoapHeaderNotUnderstood, match=r"the header \{urn:x\}Route has mustUnderstand"):
        cut(raw)


def test_an_href_cycle_is_refused_before_anything_follows_it() -> None:
    """T57: spyne alone answers this one with a RecursionError."""
    with pytest.raises(SoapEnvelopeRefused):
        cut(envelope(operation=b' id="a"', parameter=b' href="#a"'))


def test_the_caps_hold_for_the_whole_envelope() -> None:
    """T01, T05, T07, T54."""
    with pytest.raises(NotSafeXml, match="document type"):
        cut(b"<!DOCTYPE a>" + envelope())
    with pytest.raises(NotSafeXml, match="more than 5 elements"):
        cut_request(envelope(), ShapeLimits(default_elements=5))
    with pytest.raises(TooLarge):
        cut_request(envelope(), ShapeLimits(size=10))
    many = b"".join(b' xmlns:n%d="urn:%d"' % (n, n) for n in range(40))
    with pytest.raises(NotSafeXml, match="namespaces"):
        cut(envelope(envelope=many))


def test_a_message_at_its_own_caps_fits_into_an_envelope() -> None:
    """T07: the caps sum up; what is cut out is held to the message's own."""
    message = ShapeLimits(depth=6, namespaces=3, default_elements=5)
    allowed = envelope_limits(message, [9])
    deep = b'<sr:Request xmlns:sr="%s" xmlns:a="urn:a" xmlns:b="urn:b">' % SR.encode() + b"<c>" * 5 + b"</c>" * 5
    request = deep + b"<c/><c/><c/></sr:Request>"
    assert cut_request(envelope(request), allowed) == request
    assert parse_document(request, message, {(sr("Request"), ""): 9}) is not None
    with pytest.raises(NotSafeXml):
        parse_document(request, message, {})
