"""Text in canonical XML: what libxml2's canonicalisation makes of it is what we write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from duis_gateway.envelope.escape import escape_attribute, escape_text

WRITABLE = st.text(
    st.one_of(st.sampled_from("&<>\"'\t\n\r]"), st.characters(exclude_categories=("Cs", "Cc"), codec="utf-8"))
).map(lambda text: text.replace("\ufffe", "").replace("\uffff", ""))


@given(text=WRITABLE, value=WRITABLE)
def test_what_is_written_is_canonical_and_reads_back(text: str, value: str) -> None:
    document = f'<a b="{escape_attribute(value)}">{escape_text(text)}</a>'.encode()
    root = etree.fromstring(document)
    assert (root.text or "", root.get("b")) == (text, value)
    assert etree.tostring(root, method="c14n") == document


@pytest.mark.parametrize("character", ["\x00", "\x0b", "\x1f", "\ud800", "\ufffe", "\uffff"])
def test_a_character_that_xml_cannot_carry_is_never_written(character: str) -> None:
    for escape in (escape_text, escape_attribute):
        with pytest.raises(ValueError, match="XML cannot carry the character U"):
            escape(f"a{character}b")
