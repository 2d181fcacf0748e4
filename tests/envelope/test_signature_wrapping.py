"""Signature wrapping: a good signature moved beside, around or inside what was never signed (threats T11 to T18)."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
from lxml import etree

from duis_gateway.namespaces import ds
from tests.support.signing import (
    forged,
    one,
    refuse,
    tree,
)


def xsw1() -> etree._Element:
    """The forged root is inside the Signature's sibling position: original root wrapped in the Signature."""
    root, original = forged(), tree()
    signature = one(original, "ds:Signature")
    original.remove(signature)
    signature.append(original)
    root.append(signature)
    return root


def xsw2() -> etree._Element:
    """The original, without its Signature, beside the detached Signature under the forged root."""
    root, original = forged(), tree()
    signature = one(original, "ds:Signature")
    original.remove(signature)
    root.extend([original, signature])
    return root


def xsw3() -> etree._Element:
    """The original, whole, is the first child of the forged root."""
    root = forged()
    root.insert(0, tree())
    return root


def xsw4() -> etree._Element:
    """The forged message is wrapped about the original, whole, at its end."""
    root = forged()
    root.append(tree())
    return root


def xsw5() -> etree._Element:
    """The forged message bears the Signature; the original without it follows."""
    root, original = forged(), tree()
    signature = one(original, "ds:Signature")
    original.remove(signature)
    root.extend([signature, original])
    return root


def xsw6() -> etree._Element:
    """The original sits inside the Signature, beside KeyInfo."""
    root, original = forged(), tree()
    signature = one(original, "ds:Signature")
    original.remove(signature)
    one(signature, "ds:KeyInfo").append(original)
    root.append(signature)
    return root


def xsw7() -> etree._Element:
    """An Extensions element of the forged message holds the original, whole; a copy of the Signature is at the end."""
    root, original = forged(), tree()
    signature = copy.deepcopy(one(original, "ds:Signature"))
    etree.SubElement(root, "Extensions").append(original)
    root.append(signature)
    return root


def xsw8() -> etree._Element:
    """A ds:Object in the Signature holds the original."""
    root, original = forged(), tree()
    signature = one(original, "ds:Signature")
    original.remove(signature)
    etree.SubElement(signature, ds("Object")).append(original)
    root.append(signature)
    return root


@pytest.mark.parametrize("wrap", [xsw1, xsw2, xsw3, xsw4, xsw5, xsw6, xsw7, xsw8], ids=lambda wrap: wrap.__name__)
def test_t11_to_t18_signature_wrapping_is_refused(wrap: Callable[[], etree._Element]) -> None:
    """T11 to T18: XSW1 to XSW8."""
    refuse(wrap(), "malformed signature|digest differs")


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
