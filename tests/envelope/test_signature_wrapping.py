"""Signature wrapping: a good signature moved beside, around or inside what was never signed (threats T11 to T18)."""

from __future__ import annotations

import copy

import pytest
from lxml import etree

from tests.support.signing import forged, one, refuse, tree
from tests.support.wrapping import WRAPS, Wrap


@pytest.mark.parametrize("wrap", WRAPS.values(), ids=WRAPS.keys())
def test_t11_to_t18_signature_wrapping_is_refused(wrap: Wrap) -> None:
    """T11 to T18: XSW1 to XSW8."""
    refuse(wrap(forged(), tree()), "malformed signature|digest differs")


def test_t18_the_signed_request_inside_an_envelope_is_refused() -> None:
    """T18, T31: a SOAP envelope whose Header or Body holds the signed original proves nothing as a document."""
    for part in ("Header", "Body"):
        envelope = etree.Element("Envelope")
        etree.SubElement(envelope, part).append(tree())
        refuse(envelope, "not the last element of the root")
    body = forged()
    body.insert(0, one(tree(), "ds:Signature"))
    refuse(body, "not the last element of the root")


@pytest.mark.parametrize("place", ["sr:Header", "sr:Body", "ds:Signature", "ds:Signature/ds:KeyInfo"])
def test_t11_a_second_signature_anywhere_is_refused(place: str) -> None:
    """T11: exactly one in the whole document."""
    root = tree()
    one(root, place).append(copy.deepcopy(one(root, "ds:Signature")))
    refuse(root, "more than one Signature")
