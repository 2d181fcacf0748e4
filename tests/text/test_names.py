"""What a name may hold is said in Python and in the partners' schemas, and both say the same."""

from __future__ import annotations

import re
import unicodedata

import pytest
from lxml import etree

import esi.messages as esi
from duis_gateway.envelope.schema import Schema
from duis_gateway.errors import NotValid
from duis_gateway.rollout.releases.records import ReleaseType
from duis_gateway.text.controls import name_fault
from schemas import schema_path
from tests.support.partner_bodies import NOW

XS = "{http://www.w3.org/2001/XMLSchema}"
XML_CHARACTERS = "".join(
    letter
    for letter in map(chr, (*range(0x10000), *range(0xE0000, 0xE0200), 0x1F600, 0x10FFFF))
    if letter in "\t\n\r" or (letter >= " " and not "\ud800" <= letter <= "\udfff" and letter not in "\ufffe\uffff")
)


def pattern_of(schema: str) -> re.Pattern[str]:
    root = etree.parse(str(schema_path(schema))).getroot()
    (pattern,) = root.iterfind(f"{XS}simpleType[@name='Name']/{XS}restriction/{XS}pattern")
    return re.compile(pattern.get("value", ""))


@pytest.mark.parametrize("around", ["{}", "a{}a", "{}a", "a{}"])
@pytest.mark.parametrize("schema", ["csp_mgmt_gw/1", "esi/1"])
def test_the_schemas_take_the_same_names_as_python(schema: str, around: str) -> None:
    """Every character that XML can carry, at each place of a name."""
    pattern = pattern_of(schema)
    differ = [
        f"U+{ord(letter):04X} {unicodedata.name(letter, '')}"
        for letter in XML_CHARACTERS
        if (pattern.fullmatch(around.format(letter)) is None) != (name_fault(around.format(letter)) is not None)
    ]
    assert not differ


@pytest.mark.parametrize("letter", ["\x85", "\x9b", "\u202e", "\u200b", "\u2028", "\ufeff", "\U000e0041"])
def test_a_name_with_a_control_character_is_refused_at_the_esi_door(letter: str) -> None:
    release = esi.FirmwareRelease(
        "R1", 1, ReleaseType.PLANNED_MAINTENANCE, "106C", f"43{letter}31", "9002", "https://n.example", "High", "Normal"
    )
    with pytest.raises(NotValid) as refused:
        Schema(schema_path("esi/1")).check(esi.render_message("m-1", 1, NOW, release))
    assert [finding.path.rsplit("/", 1)[-1] for finding in refused.value.findings] == ["Model"]
