"""What a name may hold is said in Python and in the partners' schemas, and both say the same."""

from __future__ import annotations

import re
import unicodedata
from email import message_from_bytes, policy

import pytest
from lxml import etree

import esi.messages as esi
from duis_gateway.cli.output import print_fields, print_rows
from duis_gateway.envelope.schema import Schema
from duis_gateway.errors import NotValid
from duis_gateway.outbox.emails.rendering import EmailContent, Envelope
from duis_gateway.outbox.emails.rendering import render as email_bytes
from duis_gateway.rollout.releases.records import ReleaseType
from duis_gateway.text.controls import name_fault
from duis_gateway.text.pages import render
from duis_gateway.text.tabular import Rows, as_csv, as_json
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


def test_what_others_wrote_is_never_obeyed_where_it_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """T70: a release note and other free text are kept as they came; every way out to people has the one guard."""
    written = "a\x9b2J\u202eb\x85c\x1b[1md\u200be"
    envelope = Envelope("m-1", NOW, "gateway@dcc.example")
    email = email_bytes(EmailContent("a@b.example", written, [written], (("Release note", written),)), envelope)
    parts = message_from_bytes(email, policy=policy.default)
    print_fields([("release note", written)])
    print_rows(("note",), [(written,)], "table")
    print_rows(("note",), [(written,)], "csv")
    print_rows(("note",), [(written,)], "json")
    shown = {
        "subject": parts["subject"],
        "email": "".join(part.get_content() for part in parts.walk() if not part.is_multipart()),
        "page": render("duis_gateway.outbox.emails/email.html", subject=written, paragraphs=[], facts=[], footer=""),
        "table": b"".join(as_csv(Rows(("note",), [{"note": written}]))).decode(),
        "json": b"".join(as_json(Rows(("note",), [{"note": written}]))).decode(),
        "terminal": capsys.readouterr().out,
    }
    assert {way for way, text in shown.items() if set(text) & set("\x9b\u202e\x85\x1b\u200b")} == set()


@pytest.mark.parametrize("letter", ["\x85", "\x9b", "\u202e", "\u200b", "\u2028", "\ufeff", "\U000e0041"])
def test_a_name_with_a_control_character_is_refused_at_the_esi_door(letter: str) -> None:
    release = esi.FirmwareRelease(
        "R1", 1, ReleaseType.PLANNED_MAINTENANCE, "106C", f"43{letter}31", "9002", "https://n.example", "High", "Normal"
    )
    with pytest.raises(NotValid) as refused:
        Schema(schema_path("esi/1")).check(esi.render_message("m-1", 1, NOW, release))
    assert [finding.path.rsplit("/", 1)[-1] for finding in refused.value.findings] == ["Model"]
    (finding,) = refused.value.findings
    fault = f"it has the control character U+{ord(letter):04X}"
    assert finding.reason == f"The value {release.model!r} is not a name: {fault}"
    assert finding.reason.isprintable()


def test_a_name_with_a_space_at_its_end_is_refused_in_words() -> None:
    release = esi.FirmwareRelease(
        "R1", 1, ReleaseType.PLANNED_MAINTENANCE, "106C", "9 ", "9002", "https://n.example", "High", "Normal"
    )
    with pytest.raises(NotValid) as refused:
        Schema(schema_path("esi/1")).check(esi.render_message("m-1", 1, NOW, release))
    (finding,) = refused.value.findings
    assert finding.reason == "The value '9 ' is not a name: it begins or ends with a space"
