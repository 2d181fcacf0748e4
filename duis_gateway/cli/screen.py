"""Where a story is told, step by step: standard output."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager

import click

from duis_gateway.cli.terminal import BAD, GLUE, GOOD, TITLE, fitted, is_terminal, painted, progress, step
from duis_gateway.text.controls import shown, shown_lines


class TerminalScreen:
    """Standard output: fitted and coloured on a terminal; elsewhere, one line for each thing told.

    What others wrote reaches the terminal only as text.
    """

    def title(self, text: str) -> None:
        """Begin a part."""
        click.echo("\n" + painted(self._fitted(text), TITLE, sys.stdout))

    def line(self, text: str, indent: int = 0) -> None:
        """Tell something."""
        click.echo(self._fitted(text, indent))

    def step(self, before: str, what: str, mark: str, *, good: bool) -> None:
        """Tell what was done and how it came out."""
        click.echo(step(before, shown(what), mark, GOOD if good else BAD, sys.stdout))

    def bar(self, label: str, unit: str) -> AbstractContextManager[Callable[[int, int], None]]:
        """Show progress."""
        return progress(label, unit, sys.stdout)

    def _fitted(self, text: str, indent: int = 0) -> str:
        return fitted(shown_lines(text), indent) if is_terminal(sys.stdout) else shown_lines(text).replace(GLUE, " ")
