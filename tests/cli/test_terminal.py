"""What a terminal gets: lines and bars that fit it, words whole, and colour where it is wanted."""

from __future__ import annotations

import io
import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duis_gateway.cli import terminal
from duis_gateway.cli.output import say
from duis_gateway.cli.terminal import BAD, GOOD, bar_line, fitted, painted, progress, step

LABELS = ("", "Loading", "delivering lists and schedules to both CSPs and to DCC, N73 to the suppliers of shared hubs")
ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("paint", [True, False])
def test_a_line_has_its_style_and_others_words_have_none(monkeypatch: pytest.MonkeyPatch, *, paint: bool) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "" if paint else "1")
    screen = Screen()
    monkeypatch.setattr(sys, "stdout", screen)
    say("E19: a\x1b[31mb", style=BAD)
    said = screen.getvalue()
    assert ("\x1b[31m" in said.partition("E19")[0]) is paint
    assert "\x1b[31mb" not in said


@pytest.fixture(params=[40, 80])
def wide(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(terminal, "columns", lambda: request.param)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return int(request.param)


@given(
    label=st.sampled_from(LABELS),
    whole=st.integers(0, 10**9),
    part=st.floats(0, 1),
    seconds=st.floats(0, 10**6),
    wide=st.integers(30, 200),
)
def test_a_bar_is_never_longer_than_the_terminal(
    label: str, whole: int, part: float, seconds: float, wide: int
) -> None:
    line = bar_line(label, int(whole * part), whole, seconds, " hubs", wide)
    assert len(line) < wide or line == label


def test_a_bar_has_rate_and_time_left_in_40_columns() -> None:
    assert bar_line("Loading", 680_000, 1_000_000, 10, " hubs", 40) == "Loading  68 %  68k hubs/s  0:05 left"
    assert (
        bar_line("Loading", 1_000, 1_000, 65, "B", 60) == "Loading [###########################] 100 %  15B/s  in 1:05"
    )


@pytest.mark.parametrize("label", LABELS)
def test_what_is_drawn_fits(wide: int, label: str) -> None:
    screen = Screen()
    with progress(label, " messages", screen) as tell:
        tell(0, 1000)
        tell(500, 1000)
        tell(1000, 1000)
    drawn = ESCAPE.sub("\r", screen.getvalue())
    assert "100 %" in drawn
    assert all(len(line) < wide for line in re.split("[\r\n]", drawn))
    words = {word for line in re.split("[\r\n]", drawn) for word in line.split()}
    assert set(label.split()) <= words, "words are whole"


def test_a_whole_that_grows_is_counted_and_no_percentage_falls(wide: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("duis_gateway.cli.terminal._REDRAW", 0.0)
    screen = Screen()
    with progress("delivering", " messages", screen) as tell:
        for done, whole in ((50, 100), (60, 400), (400, 400)):
            tell(done, whole)
    drawn = ESCAPE.sub("", screen.getvalue())
    assert re.findall(r"(\d+) %", drawn) == ["50"]
    assert "400 messages" in drawn


def test_what_is_no_terminal_gets_no_bar() -> None:
    file = io.StringIO()
    with progress("Loading", "B", file) as tell:
        tell(1, 2)
    assert file.getvalue() == ""


def test_a_step_fits_and_its_outcome_stays_whole_and_coloured(wide: int) -> None:
    what = "11.5 by 90B3D51F30010000 over plain XML: 100 hubs; 3 foreign and 2 unknown hubs are listed"
    shown = step("   3.1 s  ", what, "the same bytes", GOOD, Screen())
    assert shown.endswith("\x1b[32mthe same bytes\x1b[0m")
    lines = ESCAPE.sub("", shown).splitlines()
    assert all(len(line) < wide for line in lines)
    assert lines[0].startswith("   3.1 s  11.5 by 90B3D51F30010000")
    assert all(line.startswith(" " * 10) for line in lines[1:])
    assert " ".join(word for line in lines for word in line.split()) == f"3.1 s {what} -> the same bytes"


def test_a_step_is_one_plain_line_elsewhere() -> None:
    assert step("   3.1 s  ", "x " * 100, "I99", GOOD, io.StringIO()) == "   3.1 s  " + "x " * 100 + " -> I99"


def test_no_color_is_heeded(wide: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert painted("x", BAD, Screen()) != "x"
    assert painted("x", BAD, io.StringIO()) == "x"
    monkeypatch.setenv("NO_COLOR", "1")
    assert painted("x", BAD, Screen()) == "x"
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert painted("x", BAD, Screen()) == "x"


def test_long_words_are_not_broken(wide: int) -> None:
    url = "http://127.0.0.1:8079/" + "a" * 60
    assert url in fitted(f"the gateway listens at {url}", 4)
