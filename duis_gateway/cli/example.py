"""`example`: messages to start with, whose dates and identities are valid now."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from pathlib import Path

import click

from duis_gateway.cli.common import NEW_FOLDER, refuse_existing
from duis_gateway.cli.help import RefusesEmpty
from duis_gateway.cli.output import print_document, print_rows, say
from duis_gateway.machine.files import unless_finished, write_bytes
from duis_gateway.sandbox.examples import hubs_csv, play_script, playable

HUBS = "hubs.csv"


def _names(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Complete the names of what can be printed, in any case."""
    names = dict.fromkeys([*(one.name for one in playable(datetime.now(UTC))), HUBS])
    return [name for name in names if name.lower().startswith(begun.lower())]


@click.command(cls=RefusesEmpty)
@click.argument("name", required=False, shell_complete=_names)
@click.option(
    "--folder",
    type=NEW_FOLDER,
    help="Write them all there, with a script that plays them.",
)
def example(name: str | None, folder: Path | None) -> None:
    """Print the example NAME, such as 11.5 or FirmwareRelease, unsigned; without NAME, list them all.

    If they are sent in the order of the list, each is answered as the list says; they use the hubs in the example
    hubs.csv. `duis-gateway example 11.5 | duis-gateway send - --key K --certificate C --url URL` signs and sends one.
    --folder writes the whole set, with a script that makes a gateway beside it and plays the set.
    """
    messages = playable(datetime.now(UTC))
    if folder is not None:
        if name is not None:
            raise click.UsageError(f"--folder writes them all: leave out {name[:40]!r}, or --folder")
        names = [f"{number:02}-{one.name}.xml" for number, one in enumerate(messages, 1)]
        script = play_script(messages, names)
        contents = {file: one.document for file, one in zip(names, messages, strict=True)}
        contents |= {HUBS: hubs_csv().encode(), "play.sh": script.encode()}
        files = [folder / file for file in contents]
        refuse_existing(*files)
        with unless_finished(folder, *files):
            folder.mkdir(parents=True, exist_ok=True)
            for file, content in contents.items():
                write_bytes(folder / file, content)
        play = shlex.quote(str(folder / "play.sh"))
        say(f"Made {len(messages)} messages and {HUBS} in {folder}. To play them: sh {play}")
    elif name is None:
        rows = [(one.name, one.answer, one.about) for one in messages]
        print_rows(("name", "answer", "about"), [*rows, (HUBS, "", "their hubs")], "table")
    elif name == HUBS:
        print_document(hubs_csv().encode())
    else:
        found = next((one for one in messages if one.name.lower() == name.lower()), None)
        if found is None:
            known = ", ".join(dict.fromkeys(one.name for one in messages))
            raise click.BadParameter(f"{name[:40]!r} is not one of {known}, {HUBS}")
        print_document(found.document + b"\n")
