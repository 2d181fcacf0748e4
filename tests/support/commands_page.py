"""docs/commands.md: every command with its options, as the program has them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import fill

import click

from duis_gateway.cli.main import program

PAGE = Path(__file__).resolve().parents[2] / "docs" / "commands.md"
_NAME = "duis-gateway"
_WIDTH = 120
_BAR = "\\|"
_HEAD = """\
# Commands

What `duis-gateway COMMAND --help` prints, on one page; made by `python -m tests.support.examples`. The exit code is 0
if the command succeeded, 1 if the answer is no, and 2 if something has to be put right first. A command that Ctrl-C,
SIGTERM or SIGHUP interrupts takes away what it could not finish, and ends by that signal: a shell says 130, 143 or 129.

"""


def rendered() -> str:
    """Return the page as the program is."""
    context = click.Context(program, info_name=_NAME)
    return _HEAD + "\n".join(_parts(program, context, 1))


def write() -> None:
    """Bring the page up to date."""
    PAGE.write_text(rendered(), encoding="utf-8")


def _parts(command: click.Command, context: click.Context, level: int) -> Iterator[str]:
    if level > 1:
        yield f"{'#' * level} `{context.command_path}`\n"
        usage = " ".join((context.command_path, *command.collect_usage_pieces(context)))
        yield f"```text\n{usage}\n```\n"
        yield from _paragraphs(command.help or "")
    yield from _options(command, context)
    if command.epilog:
        yield from _paragraphs(command.epilog)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            if not below.hidden:
                yield from _parts(below, click.Context(below, parent=context, info_name=name), level + 1)


def _paragraphs(text: str) -> Iterator[str]:
    """Paragraph by paragraph; one that begins with a backspace is as it is, as click has it."""
    for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(text)):
        if paragraph.startswith("\b"):
            yield f"```text\n{paragraph.strip(chr(8)).strip(chr(10))}\n```\n"
        else:
            yield (
                fill(_plain(" ".join(paragraph.split())), _WIDTH, break_long_words=False, break_on_hyphens=False) + "\n"
            )


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    records = [record for one in command.get_params(context) if (record := one.get_help_record(context))]
    rows = [
        f"| `{name.replace('|', _BAR)}` | {_plain(' '.join(what.split()))} |"
        for name, what in records
        if what and "--help" not in name
    ]
    if rows:
        yield "\n".join(["| option | what |", "|---|---|", *rows]) + "\n"


def _plain(text: str) -> str:
    """Help is plain text: what Markdown would take for its own is escaped."""
    return re.sub(r"([\\|*_<>\[\]#])", r"\\\1", text)
