"""Text that others wrote: what a name may hold, how it is shown, and how it stands in a cell."""

from __future__ import annotations

import sys
import unicodedata

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from duis_gateway.cli.output import print_rows, say
from duis_gateway.text.cells import guarded, unguarded
from duis_gateway.text.controls import name_fault, one_line, shown, shown_lines

OBEYED = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0), 0x61C, 0x200E, 0x200F, *range(0x2028, 0x202F))] + [
    chr(code) for code in range(0x2066, 0x206A)
]


@pytest.mark.parametrize("character", OBEYED, ids=[f"U+{ord(one):04X}" for one in OBEYED])
def test_what_a_terminal_obeys_is_shown_and_is_in_no_name(character: str) -> None:
    """C0, C1 (CSI, NEL), marks and controls of direction, line and paragraph separators."""
    text = f"a{character}b"
    assert name_fault(text) == f"has the control character U+{ord(character):04X}"
    assert character not in shown(text)
    assert one_line(text) == "a b"
    assert (character in shown_lines(text)) is (character in "\t\n")


def test_every_control_and_every_invisible_mark_of_the_plane_is_among_them() -> None:
    """All of Unicode's Cc, Zl and Zp, and of Cf the marks of direction, whatever Python's version."""
    left = [chr(n) for n in range(sys.maxunicode + 1) if unicodedata.category(chr(n)) in ("Cc", "Zl", "Zp")]
    left += [chr(n) for n in range(0x2000, 0x2100) if unicodedata.category(chr(n)) == "Cf"]
    assert [one for one in left if shown(one) == one] == []


@given(st.text())
def test_a_cell_gives_its_text_back_and_is_no_formula(text: str) -> None:
    """T59."""
    assert unguarded(guarded(text)) == text
    assert not guarded(text).startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_no_form_of_output_reaches_the_terminal_with_controls(form: str) -> None:
    @click.command()
    def command() -> None:
        print_rows(("what",), [("".join(OBEYED),)], form)
        say("".join(OBEYED))

    printed = CliRunner().invoke(command).output
    assert [one for one in OBEYED if one in printed and one not in "\n\t"] == []
