"""Prints rows as a table for reading, as CSV or as JSON."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime

import click

from duis_gateway.cli.terminal import TITLE, Style, painted, progress
from duis_gateway.machine.files import DASH, write_bytes
from duis_gateway.text.cells import csv_lines
from duis_gateway.text.controls import shown, shown_lines
from duis_gateway.text.tabular import Rows, as_csv, as_json


def say(text: str, *, err: bool = False, style: Style | None = None) -> None:
    """Print lines for a person: what others wrote reaches the terminal only as text, and in no other style."""
    text = shown_lines(text)
    click.echo(painted(text, style, sys.stderr if err else sys.stdout) if style else text, err=err)


def say_to_any_reader(text: str) -> None:
    """Print lines of a server, which goes on where whoever read them has gone (`serve | head -1`)."""
    try:
        say(text)
    except BrokenPipeError:
        give_up_output()


def give_up_output() -> None:
    """If standard output cannot be written, keep the end of the process, and what is printed later, from trying it."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def print_document(content: bytes) -> None:
    """Print a document: its own bytes to a file or a pipe; on a terminal, whatever can be shown."""
    if sys.stdout is not None and sys.stdout.isatty():
        say(content.decode("utf-8", "replace").rstrip("\n"))
    else:
        write_bytes(DASH, content)


def print_rows(names: Sequence[str], rows: Iterable[Sequence[object]], form: str) -> None:
    """Print rows of values in the order of `names` on standard output.

    In CSV, a text that a spreadsheet would take for a formula is prefixed with an apostrophe (threat T59).
    """
    if form == "json":
        objects = [dict(zip(names, map(_plain, row), strict=True)) for row in rows]
        click.echo(json.dumps(objects, indent=2))
    elif form == "csv":
        click.echo(csv_lines([names, *(map(_text, row) for row in rows)], "\n"), nl=False)
    else:
        _print_table([names, *([_text(value) for value in row] for row in rows)])


def print_table(table: Rows, form: str) -> None:
    """Print a table on standard output; CSV and JSON are those of the party door, and are streamed."""
    if form == "table":
        columns = [name.replace("_", " ") for name in table.columns]
        _print_table([columns, *([_text(row.get(name)) for name in table.columns] for row in table.rows)])
        return
    for piece in as_csv(table, "\n") if form == "csv" else as_json(table):
        click.echo(piece, nl=False)


def print_fields(fields: Iterable[tuple[str, object]], *, err: bool = False) -> None:
    """Print names and values, one per line; `err`: on standard error, if standard output has something else."""
    shown = [(f"{name}:", _text(value)) for name, value in fields]
    width = max((len(name) for name, _ in shown), default=0)
    for name, value in shown:
        click.echo(f"{name.ljust(width)}  {value}".rstrip(), err=err)


def progress_bar(label: str, unit: str) -> AbstractContextManager[Callable[[int, int], None]]:
    """Show a progress bar on standard error, if a person is watching; tell it what is done and the total.

    `unit` is what is counted, for the rate: " hubs", or "B" for bytes.
    """
    return progress(label, unit, sys.stderr)


def _print_table(lines: list[Sequence[str]]) -> None:
    widths = [max(len(value) for value in column) for column in zip(*lines, strict=True)]
    for number, line in enumerate(lines):
        text = "  ".join(value.ljust(width) for value, width in zip(line, widths, strict=True)).rstrip()
        click.echo(text if number else painted(text, TITLE, sys.stdout))


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, bool | int | float | str) else _text(value)


def _text(value: object) -> str:
    """Return a value on one line, with nothing in it that a terminal would obey."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        case frozenset() | set():
            return ", ".join(sorted(map(str, value)))
    return shown(str(value))
