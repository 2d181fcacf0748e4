"""What a person at a terminal sees: lines that fit it, colour if wanted, progress with time left."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple, TextIO

import click


class Style(NamedTuple):
    """How a text looks; the values are those of `click.style`."""

    colour: str | None = None
    bold: bool = False
    faint: bool = False


GOOD, BAD, FAINT, TITLE = Style("green"), Style("red", bold=True), Style(faint=True), Style(bold=True)

_USUAL_COLUMNS = 80
_REDRAW = 0.1
_LONGEST_BAR, _SHORTEST_BAR = 30, 8
GLUE = "\N{NO-BREAK SPACE}"
"""Keeps two words on one line."""
_CLEAR = "\r\x1b[K"
_UNITS = ("", "k", "M", "G")
_MINUTE, _HOUR, _THOUSAND = 60, 3600, 1000


def is_terminal(stream: TextIO | None) -> bool:
    """Tell whether a person is looking at this stream through something that can redraw a line."""
    return stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"


def wants_colour(stream: TextIO | None) -> bool:
    """Tell whether to colour: on a terminal, unless NO_COLOR says otherwise (https://no-color.org)."""
    return is_terminal(stream) and not os.environ.get("NO_COLOR")


def columns() -> int:
    """Return how many characters a line of the terminal has."""
    return shutil.get_terminal_size((_USUAL_COLUMNS, 24)).columns


def painted(text: str, style: Style, stream: TextIO | None) -> str:
    """Return a text in a style, if the stream wants colour."""
    if not wants_colour(stream):
        return text
    return click.style(text, fg=style.colour, bold=style.bold or None, dim=style.faint or None)


def fitted(text: str, indent: int = 0) -> str:
    """Return a text on lines that fit the terminal, broken between words, all but the first indented."""
    wide = max(columns() - 1, 2 * indent, 20)
    return textwrap.fill(
        text, wide, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False
    ).replace(GLUE, " ")


@contextmanager
def progress(label: str, unit: str, stream: TextIO | None) -> Iterator[Callable[[int, int], None]]:
    """Show how far something has got, on a terminal; the yielded function takes what is done and the total.

    One line is redrawn at most ten times a second, and fits the terminal. Anything that is not a terminal gets nothing.
    """
    bar = _Bar(label, unit, stream or sys.stderr, shown=is_terminal(stream))
    try:
        yield bar.tell
        bar.end()
    finally:
        bar.leave()


class _Bar:
    def __init__(self, label: str, unit: str, stream: TextIO, *, shown: bool) -> None:
        self._label, self._unit, self._stream, self._shown = label, unit, stream, shown
        self._began = time.monotonic()
        self._drawn = 0.0
        self._done, self._whole, self._grows = 0, 0, False
        if shown and not self._room():  # no room for both: the label has lines of its own
            stream.write(fitted(label) + "\n")
            self._label = ""

    def tell(self, done: int, whole: int) -> None:
        """Take how much is done of the total; if that has grown, nobody knows it, and a percentage would fall."""
        self._grows = self._grows or 0 < self._whole < whole
        self._done, self._whole = done, whole
        now = time.monotonic()
        if self._shown and now >= self._drawn + _REDRAW:
            self._drawn = now
            self._draw(now - self._began)

    def end(self) -> None:
        """Show the end as it is."""
        if self._shown and self._whole:
            self._draw(time.monotonic() - self._began)

    def leave(self) -> None:
        """Leave the line."""
        if self._shown:
            self._stream.write("\n" if self._whole else _CLEAR)
            self._stream.flush()

    def _draw(self, seconds: float) -> None:
        whole = None if self._grows else self._whole
        self._stream.write(_CLEAR + bar_line(self._label, self._done, whole, seconds, self._unit, columns()))
        self._stream.flush()

    def _room(self) -> bool:
        return len(bar_line(self._label, 1, 1000, 1, self._unit, columns())) > len(self._label)


def bar_line(label: str, done: int, whole: int | None, seconds: float, unit: str, wide: int) -> str:
    """Return one line about something under way, shorter than `wide` characters.

    Its parts, as far as there is room: the label, a bar, the percentage, the rate, and the time left, or taken where it
    is done; the count, the rate and the time taken where the whole is None, not known. A label for which there is no
    room stands alone.
    """
    if whole is None:
        parts = [f"{done:,}{unit.removesuffix('s') if done == 1 else unit}"]
    else:
        done = min(done, whole)
        parts = [f"{100 * done // whole if whole else 100:3} %"]
    rate = done / seconds if seconds > 0 else 0.0
    if done and seconds >= 1:
        parts.append(f"{_short(rate)}{unit}/s")
        left = (whole or done) - done
        parts.append(f"{_clock(left / rate)} left" if left else f"in {_clock(seconds)}")
    room = wide - 1 - len(label) - bool(label)
    while len("  ".join(parts)) > room and len(parts) > 1:
        del parts[1]
    tail = "  ".join(parts)
    if len(tail) > room:
        return label
    bar = min(_LONGEST_BAR, room - len(tail) - 3)
    if whole is None or bar < _SHORTEST_BAR:
        return f"{label} {tail}".strip()
    full = bar * done // whole if whole else bar
    return f"{label} [{'#' * full}{'-' * (bar - full)}] {tail}".strip()


def _short(number: float) -> str:
    """Return a number in three or four characters: 950, 1.2k, 68k."""
    for unit in _UNITS:
        if number < _THOUSAND or unit == _UNITS[-1]:
            break
        number /= _THOUSAND
    return f"{number:.1f}{unit}" if number < 10 and unit else f"{number:.0f}{unit}"


def _clock(seconds: float) -> str:
    whole = round(seconds)
    if whole >= _HOUR:
        return f"{whole // _HOUR}:{whole % _HOUR // _MINUTE:02}:{whole % _MINUTE:02}"
    return f"{whole // _MINUTE}:{whole % _MINUTE:02}"


def step(before: str, what: str, mark: str, style: Style, stream: TextIO | None) -> str:
    """Return `before what -> mark`, fitted to a terminal with what follows under `what`, the mark in a style."""
    line = f"{before}{what} -> {mark}"
    if not is_terminal(stream):
        return line
    glued = mark.replace(" ", GLUE) if len(mark) < columns() - len(before) - 4 else mark
    shown = fitted(f"{before}{what} ->{GLUE}{glued}", len(before)).removeprefix(before)
    if not shown.endswith(mark):  # a mark on several lines
        return painted(before, FAINT, stream) + shown
    return painted(before, FAINT, stream) + shown.removesuffix(mark) + painted(mark, style, stream)
