"""Signature wrapping, XSW1 to XSW8: a good signature moved beside, around or inside what was never signed."""

from __future__ import annotations

import copy
from collections.abc import Callable

from lxml import etree

from duis_gateway.namespaces import ds
from tests.support.signing import one

Wrap = Callable[[etree._Element, etree._Element], etree._Element]
"""Takes the forged root, without a signature, and the root that was signed; returns what the attacker sends."""


def _xsw1(root: etree._Element, original: etree._Element) -> etree._Element:
    """The forged root is inside the Signature's sibling position: original root wrapped in the Signature."""
    signature = one(original, "ds:Signature")
    original.remove(signature)
    signature.append(original)
    root.append(signature)
    return root


def _xsw2(root: etree._Element, original: etree._Element) -> etree._Element:
    """The original, without its Signature, beside the detached Signature under the forged root."""
    signature = one(original, "ds:Signature")
    original.remove(signature)
    root.extend([original, signature])
    return root


def _xsw3(root: etree._Element, original: etree._Element) -> etree._Element:
    """The original, whole, is the first child of the forged root."""
    root.insert(0, original)
    return root


def _xsw4(root: etree._Element, original: etree._Element) -> etree._Element:
    """The forged message is wrapped about the original, whole, at its end."""
    root.append(original)
    return root


def _xsw5(root: etree._Element, original: etree._Element) -> etree._Element:
    """The forged message bears the Signature; the original without it follows."""
    signature = one(original, "ds:Signature")
    original.remove(signature)
    root.extend([signature, original])
    return root


def _xsw6(root: etree._Element, original: etree._Element) -> etree._Element:
    """The original sits inside the Signature, beside KeyInfo."""
    signature = one(original, "ds:Signature")
    original.remove(signature)
    one(signature, "ds:KeyInfo").append(original)
    root.append(signature)
    return root


def _xsw7(root: etree._Element, original: etree._Element) -> etree._Element:
    """An Extensions element of the forged message holds the original, whole; a copy of the Signature is at the end."""
    signature = copy.deepcopy(one(original, "ds:Signature"))
    etree.SubElement(root, "Extensions").append(original)
    root.append(signature)
    return root


def _xsw8(root: etree._Element, original: etree._Element) -> etree._Element:
    """A ds:Object in the Signature holds the original."""
    signature = one(original, "ds:Signature")
    original.remove(signature)
    etree.SubElement(signature, ds("Object")).append(original)
    root.append(signature)
    return root


WRAPS: dict[str, Wrap] = {
    "xsw1": _xsw1,
    "xsw2": _xsw2,
    "xsw3": _xsw3,
    "xsw4": _xsw4,
    "xsw5": _xsw5,
    "xsw6": _xsw6,
    "xsw7": _xsw7,
    "xsw8": _xsw8,
}
