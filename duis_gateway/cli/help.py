"""Help that fits the terminal, however narrow it is."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable

import click
from click.formatting import wrap_text
from click.types import OptionHelpExtra

_WIDEST = 80
_LEAST = 20
_TWO_COLUMNS_FROM = 60
_BESIDE = 2
_WORD_OR_CHOICE = re.compile(r"[^\s|]+\|?|\|")


class FittingFormatter(click.HelpFormatter):
    """Like click's, which takes at least 50 columns; if two columns would leave no room, the text goes below."""

    def __init__(self, indent_increment: int = 2, width: int | None = None, max_width: int | None = None) -> None:
        if width is None:
            width = max(min(shutil.get_terminal_size().columns, max_width or _WIDEST) - _BESIDE, _LEAST)
        super().__init__(indent_increment, width, max_width)

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        """Write terms, each with its text."""
        if self.width >= _TWO_COLUMNS_FROM:
            super().write_dl(rows, col_max, col_spacing)
            return
        before, below = " " * self.current_indent, " " * (self.current_indent + 2 * self.indent_increment)
        for term, text in rows:
            self.write(before + f"\n{below}".join(_folded(term, self.width - len(below))) + "\n")
            if text:
                told = wrap_text(text, self.width, initial_indent=below, subsequent_indent=below)
                self.write(f"{told}\n")


def _folded(term: str, width: int) -> list[str]:
    """Return a term on as many lines as it takes, broken between words and after the | of choices."""
    lines = [""]
    for word in _WORD_OR_CHOICE.findall(term):
        glue = "" if not lines[-1] or lines[-1].endswith("|") else " "
        if lines[-1] and len(lines[-1]) + len(glue) + len(word) > width:
            lines.append(word)
        else:
            lines[-1] += glue + word
    return lines


class MayBeEmpty(click.Option):
    """An option for which an empty text has a meaning of its own."""


class RefusesEmpty(click.Command):
    """A command that refuses an empty option: it would be taken for one that was left out."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the words of the command line."""
        given = {} if ctx.resilient_parsing else self.make_parser(ctx).parse_args(list(args))[0]
        for one in self.params:
            value = given.get(one.name or "")
            is_empty = value == "" or (isinstance(value, list | tuple) and "" in value)
            if is_empty and isinstance(one, click.Option) and not isinstance(one, MayBeEmpty):
                raise click.BadParameter("it is empty: give a value, or leave the option out", ctx, one)
        return super().parse_args(ctx, args)


class Option(click.Option):
    """An option whose default is described in words of its own, without the brackets that click puts around them."""

    def get_help_extra(self, ctx: click.Context) -> OptionHelpExtra:
        """Return what goes in square brackets after the help."""
        extra = super().get_help_extra(ctx)
        if isinstance(self.show_default, str):
            extra["default"] = self.show_default
        return extra
